"""The server's door: headers on every answer, no metrics, no files of strangers, and no token in any log."""

import asyncio
import gc
import logging
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg

from data import passphrase
from pages.components import door
from pages.components.senders import MOST, Senders
from tests import wire


async def _plain(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-frame-options", b"ALLOWALL")]})
    await send({"type": "http.response.body", "body": b"told"})


def run(coroutine):
    """Run it in a thread of its own: in this one the browser's loop may be running."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def answer(path: str, method: str = "GET", senders=(), size: int = 0) -> tuple[int, dict[str, list[str]], bytes]:
    sent = []

    async def send(message):
        sent.append(message)

    asked = {"type": "http", "path": path, "method": method, "headers": [(b"content-length", str(size).encode())]}
    run(door.Guarded(_plain, lambda: senders)(asked, None, send))
    headers: dict[str, list[str]] = {}
    for name, value in sent[0]["headers"]:
        headers.setdefault(name.decode(), []).append(value.decode())
    return sent[0]["status"], headers, sent[1]["body"]


def test_each_answer_carries_each_header_once():
    status, headers, body = answer("/")
    assert (status, body) == (200, b"told")
    assert headers == {name: [value] for name, value in door.HEADERS.items()}


@pytest.mark.parametrize(
    "path",
    [
        "/_stcore/metrics",
        "/_stcore/metrics/",
        "/base/_stcore/metrics",
        "/_stcore/agent/interact",
        "/_stcore/agent/mcp",
        "/_stcore/agent/openapi.json",
        "/_stcore/script-health-check",
    ],
)
def test_what_tells_of_the_server_is_closed(path):
    status, headers, body = answer(path)
    assert (status, body) == (404, b"")
    assert "referrer-policy" in headers


def test_what_is_no_request_passes_untouched():
    seen = []

    async def app(scope, receive, send):
        seen.append((scope, receive, send))

    run(door.Guarded(app, tuple)({"type": "lifespan"}, "receive", "send"))
    assert seen == [({"type": "lifespan"}, "receive", "send")]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST", "PATCH"])
@pytest.mark.parametrize("path", ["/_stcore/upload_file/mine/x", "/base/_stcore/upload_file/mine/x"])
def test_files_are_taken_from_tabs_that_may_send_them_alone(path, method):
    assert answer(path, method)[0] == 403
    assert answer(path, method, ["theirs", "min", "mine/x", ""])[0] == 403
    assert answer(path, method, ["mine"])[0] == 200
    assert answer(path, "OPTIONS")[0] == 200


def test_files_beyond_what_memory_holds_are_refused_those_on_the_way_counted(monkeypatch):
    path = "/_stcore/upload_file/mine/x"
    assert answer(path, "PUT", ["mine"], door.MOST_HELD)[0] == 200
    assert answer(path, "PUT", ["mine"], door.MOST_HELD + 1)[0] == 507
    monkeypatch.setattr(door, "_held", lambda: door.MOST_HELD - 10)
    assert answer(path, "PUT", ["mine"], 11)[0] == 507
    assert answer(path, "DELETE", ["mine"], 11)[0] == 200
    statuses = []

    async def many():
        async def slow(scope, receive, send):
            await asyncio.sleep(0.01)
            await _plain(scope, receive, send)

        async def send(message):
            statuses.append(message.get("status"))

        guarded = door.Guarded(slow, lambda: ["mine"])
        asked = {"type": "http", "path": path, "method": "PUT", "headers": [(b"Content-Length", b"4")]}
        await asyncio.gather(*(guarded(dict(asked), None, send) for _ in range(5)))
        await guarded(dict(asked), None, send)

    run(many())
    assert [status for status in statuses if status] == [507, 507, 507, 200, 200, 200]


def test_a_tab_that_left_is_no_sender_and_few_are_remembered():
    senders = Senders()
    senders.note("a", may=True)
    assert "a" in senders
    senders.note("a", may=False)
    assert "a" not in senders
    for n in range(MOST + 1):
        senders.note(str(n), may=True)
    assert "0" not in senders
    assert "1" in senders


def heard(*payloads) -> list:
    """What Streamlit gets to hear of what a tab sends."""
    waiting = [{"type": "websocket.receive", "bytes": payload} for payload in payloads]
    waiting += [{"type": "websocket.disconnect"}]
    got = []

    async def receive():
        return waiting.pop(0)

    async def app(_scope, receive, _send):
        while not got or got[-1]["type"] == "websocket.receive":
            got.append(await receive())

    run(door.Guarded(app, tuple)({"type": "websocket"}, receive, None))
    return [message["bytes"] for message in got[:-1]]


def test_of_what_a_tab_may_ask_only_what_the_pages_need_is_heard():
    operation = BackMsg(backend_operation_request={"deferred_file": {"file_id": "x"}}).SerializeToString()
    wanted = [
        BackMsg(rerun_script={"query_string": "a"}).SerializeToString(),
        BackMsg(stop_script=True).SerializeToString(),
        BackMsg(app_heartbeat=True).SerializeToString(),
        BackMsg(file_urls_request={"file_names": ["x"]}).SerializeToString(),
        operation,
        b"\xff\xff no message",
    ]
    others = [
        BackMsg(clear_cache=True),
        BackMsg(load_git_info=True),
        BackMsg(set_run_on_save=True),
        BackMsg(debug_shutdown_runtime=True),
        BackMsg(backend_operation_request={"install_skills": {}}),
        BackMsg(backend_operation_request={"dismiss_skills_nudge": {}}),
        BackMsg(),
    ]
    assert heard(*wanted, *(one.SerializeToString() for one in others), operation) == [*wanted, operation]
    # Of two kinds in one message Streamlit takes the last.
    assert heard(wanted[0] + others[0].SerializeToString()) == []


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


def test_threads_take_short_turns_while_the_server_is_open():
    found = []

    async def look():
        async with door.while_open(None):
            found.append((sys.getswitchinterval(), gc.get_freeze_count() > 0))

    before = sys.getswitchinterval()
    run(look())
    assert found == [(pytest.approx(door.TURN), True)]
    assert sys.getswitchinterval() == pytest.approx(before)
    assert before > door.TURN


def test_a_line_that_cannot_be_written_is_left_to_the_log():
    made = door.without_tokens(logging.LogRecord)("x", logging.INFO, "f", 1, "%d share=", ("a",), None)
    assert made.args == ("a",)


def test_a_running_server_takes_no_file_of_a_stranger_and_nobody_resets_what_all_share(tmp_path):
    words = "seven quiet boats at noon"
    with (
        wire.server(tmp_path, "hosted", STOCKCAST_PASSPHRASE_HASH=passphrase.hashed(words)) as (address, _),
        wire.Tab(address) as stranger,
        wire.Tab(address) as planner,
    ):
        own = f"_stcore/upload_file/{stranger.session_id}/x"
        assert stranger.put(own, "a.csv", b"x") == 403
        assert stranger.put("_stcore/upload_file/none/x", "a.csv", b"x") == 403
        wire.sign_in(planner, words)
        assert planner.put(f"_stcore/upload_file/{planner.session_id}/x", "a.csv", b"x") == 204
        said = []
        while len(said) < 15 and "too many attempts" not in said[-1:]:
            stranger.say(clear_cache=True)
            wire.sign_in(stranger, f"guess number {len(said)}")
            said.append("too many attempts" if "too many attempts" in stranger.said().lower() else "wrong")
        assert said[-1] == "too many attempts"
        # Signed out, its tab may send no more.
        planner.press(planner.named("Sign out"))
        assert planner.put(f"_stcore/upload_file/{planner.session_id}/x", "a.csv", b"x") == 403
