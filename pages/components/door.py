"""The door of the server: headers on every answer, nothing about the server told, no token in its log.

What stands here is ASGI, below Streamlit: it knows no page and no visitor.
"""

import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any

from starlette.middleware import Middleware

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Message, Receive, Send], Awaitable[None]]

CLOSED = ("/_stcore/metrics",)
"""What Streamlit would tell anybody about this server: sessions, memory, caches."""

HEADERS = MappingProxyType(
    {
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "SAMEORIGIN",
        "cross-origin-opener-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        # Scripts and styles are Streamlit's own; charts compile their templates, styles stand in the page.
        "content-security-policy": (
            "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval' blob:; "
            "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
            "connect-src 'self' blob: data:; worker-src 'self' blob:; media-src 'self' blob:; "
            "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
        ),
    }
)
"""Sent with every answer. The address of a page may hold a token: it goes to no other site (`referrer-policy`)."""

TOKEN = re.compile(r"(share(?:=|%3[dD]))[^\s&\"']+")
"""A token as an address carries it."""


class Guarded:
    """An ASGI application with the headers of `HEADERS` on each answer, and without what is `CLOSED`."""

    def __init__(self, app: Asgi) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = [pair for pair in message.get("headers", ()) if pair[0].lower() not in _NAMES]
                message["headers"] = [*told, *_PAIRS]
            await send(message)

        if scope["path"].rstrip("/").endswith(CLOSED):
            await answer({"type": "http.response.start", "status": 404, "headers": []})
            await answer({"type": "http.response.body", "body": b""})
            return
        await self._app(scope, receive, answer)


_PAIRS = tuple((name.encode(), value.encode()) for name, value in HEADERS.items())
_NAMES = frozenset(name for name, _ in _PAIRS) | {b"server"}


def without_tokens(make: Callable[..., logging.LogRecord]) -> Callable[..., logging.LogRecord]:
    """Return what makes the lines of a log, with the token of any address in them struck out."""

    def made(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        try:
            told = record.getMessage()
        except (TypeError, ValueError, KeyError):
            # Whoever wrote it learns of it where it is printed.
            return record
        if "share" in told:
            record.msg, record.args = TOKEN.sub(r"\1…", told), ()
        return record

    return made


@asynccontextmanager
async def while_open(_app: object) -> AsyncIterator[None]:
    """Keep tokens out of the log for as long as the server runs."""
    before = logging.getLogRecordFactory()
    logging.setLogRecordFactory(without_tokens(before))
    try:
        yield
    finally:
        logging.setLogRecordFactory(before)


MIDDLEWARE = (Middleware(Guarded),)
