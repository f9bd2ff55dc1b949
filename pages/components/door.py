"""The door of the server: headers on every answer, nothing about the server told, no token in its log.

Files come in from the tabs of planners alone, and of what a browser may ask of Streamlit only what the pages need: the
rest would let anybody clear what all share, or read what stands on the server's disk.
What stands here is ASGI, below Streamlit: it knows no page and no visitor.
"""

import gc
import logging
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Container, MutableMapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any

from google.protobuf.message import DecodeError
from starlette.middleware import Middleware
from streamlit import get_option, runtime
from streamlit.proto.BackMsg_pb2 import BackMsg

from pages.components import cached

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Message, Receive, Send], Awaitable[None]]

CLOSED = ("/_stcore/metrics", "/_stcore/agent", "/_stcore/script-health-check")
"""What Streamlit would tell anybody about this server, or let do to it: sessions, memory, caches; whole runs."""

UPLOAD = "/_stcore/upload_file/"
MOST_HELD = 1024**3
"""Bytes of sent files that the server holds in memory, of all tabs together."""

HEARD = frozenset(
    {"rerun_script", "stop_script", "app_heartbeat", "file_urls_request", "deferred_file", "dataframe_chunk"}
)
"""What a tab may ask of Streamlit. Not: to clear the caches of all, to tell of the folder's git, to write there."""

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

TURN = 0.001
"""Seconds after which a thread that works lets another of them work; by default five times as long."""

TOKEN = re.compile(r"(share(?:=|%3[dD]))[^\s&\"']+")
"""A token as an address carries it."""


class Guarded:
    """An ASGI application with the headers of `HEADERS` on each answer, and without what is not for everybody.

    Parameters
    ----------
    senders : asked at each file that comes for the tabs which may send some.
    """

    def __init__(self, app: Asgi, senders: Callable[[], Container[str]]) -> None:
        self._app, self._senders = app, senders
        self._coming = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await self._app(scope, only_heard(receive), send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = [pair for pair in message.get("headers", ()) if pair[0].lower() not in _NAMES]
                message["headers"] = [*told, *_PAIRS]
            await send(message)

        path = scope["path"]
        if any(re.search(f"{closed}(/|$)", path) for closed in CLOSED):
            await _refuse(answer, 404)
        elif UPLOAD in path and scope["method"] not in ("OPTIONS", "HEAD"):
            await self._take_file(scope, receive, answer)
        else:
            await self._app(scope, receive, answer)

    async def _take_file(self, scope: Message, receive: Receive, answer: Send) -> None:
        if scope["path"].partition(UPLOAD)[2].partition("/")[0] not in self._senders():
            await _refuse(answer, 403)
            return
        # Reserved before it comes, so that many at once are not more than the bound. All runs in the server's one loop.
        size = _size(scope) if scope["method"] != "DELETE" else 0
        if size and _held() + self._coming + size > MOST_HELD:
            await _refuse(answer, 507)
            return
        self._coming += size
        try:
            await self._app(scope, receive, answer)
        finally:
            self._coming -= size


async def _refuse(answer: Send, status: int) -> None:
    await answer({"type": "http.response.start", "status": status, "headers": []})
    await answer({"type": "http.response.body", "body": b""})


def _size(scope: Message) -> int:
    """The bytes that a request brings; where it does not tell, as many as it may."""
    told = next((value for name, value in scope.get("headers", ()) if name.lower() == b"content-length"), b"")
    return int(told) if told.isdigit() else int(get_option("server.maxUploadSize")) * 1024**2


def _held() -> int:
    """The bytes of all files that were sent and are still in memory."""
    if not runtime.exists():
        return 0
    told = runtime.get_instance().uploaded_file_mgr.get_stats()
    return sum(stat.byte_length for stats in told.values() for stat in stats)


def only_heard(receive: Receive) -> Receive:
    """Return what waits for the next message of a tab, and passes over those that no page needs."""

    async def heard() -> Message:
        while True:
            message = await receive()
            if message["type"] != "websocket.receive" or _is_heard(message.get("bytes") or b""):
                return message

    return heard


def _is_heard(payload: bytes) -> bool:
    if len(payload) > int(get_option("server.maxWidgetStateSize")) * 1024**2:
        # Streamlit hangs up on it, whatever is in it.
        return True
    try:
        told = BackMsg.FromString(payload)
    except DecodeError:
        # Streamlit hangs up on it.
        return True
    kind = told.WhichOneof("type")
    if kind == "backend_operation_request":
        kind = told.backend_operation_request.WhichOneof("payload")
    return kind in HEARD


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
    """Keep tokens out of the log for as long as the server runs, and let many be served at once.

    A full collection walks all that is not set aside: a third of a second in which nobody is served. And a page lets go
    of the interpreter at each of its hundred messages: beside one who plans it gets it back after a turn of his.
    """
    before, turn = logging.getLogRecordFactory(), sys.getswitchinterval()
    logging.setLogRecordFactory(without_tokens(before))
    sys.setswitchinterval(TURN)
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        sys.setswitchinterval(turn)
        logging.setLogRecordFactory(before)


MIDDLEWARE = (Middleware(Guarded, senders=cached.senders),)
