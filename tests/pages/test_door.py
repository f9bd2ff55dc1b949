"""The server's door: headers on every answer, no metrics, and no token in any log."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from pages.components import door


async def _plain(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-frame-options", b"ALLOWALL")]})
    await send({"type": "http.response.body", "body": b"told"})


def run(coroutine):
    """Run it in a thread of its own: in this one the browser's loop may be running."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def answer(path: str) -> tuple[int, dict[str, list[str]], bytes]:
    sent = []

    async def send(message):
        sent.append(message)

    run(door.Guarded(_plain)({"type": "http", "path": path}, None, send))
    headers: dict[str, list[str]] = {}
    for name, value in sent[0]["headers"]:
        headers.setdefault(name.decode(), []).append(value.decode())
    return sent[0]["status"], headers, sent[1]["body"]


def test_each_answer_carries_each_header_once():
    status, headers, body = answer("/")
    assert (status, body) == (200, b"told")
    assert headers == {name: [value] for name, value in door.HEADERS.items()}


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/_stcore/metrics/", "/base/_stcore/metrics"])
def test_metrics_are_closed(path):
    status, headers, body = answer(path)
    assert (status, body) == (404, b"")
    assert "referrer-policy" in headers


def test_what_is_no_request_passes_untouched():
    seen = []

    async def app(scope, _receive, send):
        seen.append((scope, send))

    run(door.Guarded(app)({"type": "websocket"}, None, "send"))
    assert seen == [({"type": "websocket"}, "send")]


TOKEN = "Qk3" + "x" * 37 + "_-9"


@pytest.mark.parametrize(
    ("message", "args"),
    [
        (f"GET /item?share={TOKEN}&abc=A", ()),
        ("GET %s done", (f"/?a=b&share={TOKEN}",)),
        ("query %r", ({"q": f"share%3D{TOKEN}"},)),
        ("%(url)s", ({"url": f"http://x/?share={TOKEN}"},)),
    ],
)
def test_a_token_reaches_no_log(message, args, caplog):
    async def log():
        async with door.while_open(None):
            logging.getLogger("uvicorn.error").warning(message, *args)

    before = logging.getLogRecordFactory()
    run(log())
    assert TOKEN not in caplog.text
    assert "share" in caplog.text
    assert logging.getLogRecordFactory() is before


def test_a_line_that_cannot_be_written_is_left_to_the_log():
    made = door.without_tokens(logging.LogRecord)("x", logging.INFO, "f", 1, "%d share=", ("a",), None)
    assert made.args == ("a",)
