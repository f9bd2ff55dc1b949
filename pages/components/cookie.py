"""The cookie by which a browser is known again after a reload: given for a ticket, read when a tab connects.

No script can read it, no other site can use it, and behind TLS it goes over TLS alone. What stands here is ASGI, below
Streamlit: it knows no page and no visitor; what the cookie is good for `data.sessions` says.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.middleware import Middleware

from pages.components import cached

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Message, Receive, Send], Awaitable[None]]
Redeem = Callable[[str], str | None]
"""Takes the ticket of a page, and returns the token of its browser."""

PATH = "/_stockcast/session"
"""Where a page fetches the token of its browser, by POST of its ticket: in no address, and so in no log."""
NAME = "stockcast"
LONGEST_TICKET = 100


class Kept:
    """An ASGI application that gives a browser its token, and listens to no cookie that another site's page sends.

    Parameters
    ----------
    redeem : gives the token for a ticket.
    """

    def __init__(self, app: Asgi, redeem: Redeem) -> None:
        self._app, self._redeem = app, redeem

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"].endswith(PATH):
            status, headers = await self._give(scope, receive)
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        if scope["type"] == "websocket" and not _is_own(scope):
            scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0].lower() != b"cookie"]}
        await self._app(scope, receive, send)

    async def _give(self, scope: Message, receive: Receive) -> tuple[int, list[tuple[bytes, bytes]]]:
        """Return status and headers for a page that brings its ticket; every refusal looks the same."""
        own = scope["method"] == "POST" and bool(_header(scope, b"origin")) and _is_own(scope)
        ticket = await _body(receive) if own else ""
        token = self._redeem(ticket) if ticket else None
        if token is None:
            return 403, [(b"cache-control", b"no-store"), (b"content-length", b"0")]
        # The browser says itself whether it came over TLS, whatever the proxy passes on.
        name, more = NAME, ""
        if _header(scope, b"origin").startswith("https://"):
            name, more = f"__Host-{NAME}", "; Secure"
        told = f"{name}={token}; Path=/; HttpOnly; SameSite=Strict{more}"
        return 204, [(b"cache-control", b"no-store"), (b"set-cookie", told.encode())]


def token_of(cookies: Mapping[str, str], url: str | None) -> str:
    """Return the token that a browser brought; behind TLS none counts that may have come without it."""
    name = f"__Host-{NAME}" if (url or "").startswith("https://") else NAME
    return str(cookies.get(name) or "")


def fetching(ticket: str, base: str) -> str:
    """Return what a page holds to fetch its browser's token.

    Parameters
    ----------
    base : the path under which the server answers, such as "plan"; mostly empty.
    """
    where = "/".join(["", *base.strip("/").split("/")]).rstrip("/") + PATH
    asked = {"method": "POST", "body": ticket, "credentials": "same-origin", "cache": "no-store"}
    return f"<script>fetch({json.dumps(where)}, {json.dumps(asked)})</script>"


def _header(scope: Message, name: bytes) -> str:
    found = [value for key, value in scope.get("headers", ()) if key.lower() == name]
    return str(found[0].decode("latin-1")).strip().lower() if len(found) == 1 else ""


def _is_own(scope: Message) -> bool:
    """Tell whether a page of this server asks, or what is no browser."""
    origin = _header(scope, b"origin")
    return not origin or urlsplit(origin).netloc == _header(scope, b"host")


async def _body(receive: Receive) -> str:
    """Return what was sent, or nothing where it is longer than any ticket."""
    told = b""
    while len(told) <= LONGEST_TICKET:
        part = await receive()
        told += part.get("body", b"")
        if part["type"] != "http.request" or not part.get("more_body"):
            break
    return told.decode("latin-1") if len(told) <= LONGEST_TICKET else ""


MIDDLEWARE = (Middleware(Kept, redeem=cached.redeem),)
