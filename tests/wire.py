"""A tab as the server knows it, without a browser: Streamlit's websocket protocol, spoken by hand; and a server for it.

Each tab keeps what stands on its page by place, so that a widget is found by its key, and every byte that it was sent.
"""

import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

ROOT = Path(__file__).parents[1]
PATIENCE = 120.0
"""Seconds after which a tab gives up."""


class TabError(AssertionError):
    """The server did not do what it does for a browser."""


class Tab:
    """One visitor's tab; not to be shared by threads.

    Parameters
    ----------
    address : of the server, such as http://127.0.0.1:8501.
    page, query : what the address bar says behind it.
    keep : whether to keep all that is received, for `received`.
    """

    def __init__(self, address: str, page: str = "", query: str = "", *, keep: bool = False) -> None:
        self.address, self.keep = address, keep
        self.frames: list[bytes] = []
        self.seen: dict[tuple[int, ...], Any] = {}
        self.pages: dict[str, str] = {}
        self.page, self.query = page, query
        self.session_id, self.faults = "", 0
        self._hash, self._token = "", f"2|00000000|{secrets.token_hex(16)}|1"
        self._opened = ExitStack()
        self._socket = self._opened.enter_context(
            connect(
                address.replace("http", "ws", 1) + "/_stcore/stream",
                subprotocols=["streamlit", self._token.replace("|", "_")],
                max_size=None,
                open_timeout=60,
                ping_interval=None,
                compression=None,
                additional_headers={"Cookie": f"_streamlit_xsrf={self._token}"},
            )
        )
        self._rerun(page_name=page)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    # --- what a person does ---------------------------------------------------------------------------------------

    def run(self, *states: WidgetState) -> float:
        """Run the page again with widgets set or pressed; return the seconds until it stands."""
        return self._rerun(states, page_script_hash=self._hash)

    def go(self, page: str, query: str = "") -> float:
        """Open another page by its address, as the navigation does; return the seconds until it stands."""
        self.page, self.query = page, query
        return self._rerun(page_script_hash=self.pages[page])

    def press(self, key: str, *more: WidgetState) -> float:
        """Press a button, with what stands in its form."""
        return self.run(*more, WidgetState(id=self.find(key).id, trigger_value=True))

    def slide(self, key: str, value: float) -> float:
        """Move a slider."""
        state = WidgetState(id=self.find(key).id)
        state.double_array_value.data[:] = [value]
        return self.run(state)

    def text(self, key: str, value: str) -> WidgetState:
        """What a text field says, to be sent with `run` or `press`."""
        return WidgetState(id=self.find(key).id, string_value=value)

    def choices(self, key: str, *values: str) -> WidgetState:
        """What is chosen of many, to be sent with `run`."""
        state = WidgetState(id=self.find(key).id)
        state.string_array_value.data[:] = values
        return state

    def drop(self, key: str, files: Mapping[str, bytes]) -> float:
        """Drop files on an uploader."""
        self._send(BackMsg(file_urls_request={"request_id": "f", "file_names": list(files)}))
        urls = self._until("file_urls_response").file_urls_response.file_urls
        state = WidgetState(id=self.find(key).id)
        for told, (name, content) in zip(urls, files.items(), strict=True):
            status = self.put(told.upload_url, name, content)
            if status != 204:
                msg = f"the upload of {name} was answered by {status}"
                raise TabError(msg)
            info = state.file_uploader_state_value.uploaded_file_info.add(name=name, size=len(content))
            info.file_id = told.file_id
            info.file_urls.CopyFrom(told)
        return self.run(state)

    def put(self, url: str, name: str, content: bytes) -> int:
        """Send a file to an address of the server; return the status of its answer."""
        mark = secrets.token_hex(16)
        head = f'--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n\r\n'
        body = head.encode() + content + f"\r\n--{mark}--\r\n".encode()
        headers = {
            "Content-Type": f"multipart/form-data; boundary={mark}",
            "X-Xsrftoken": self._token,
            "Cookie": f"_streamlit_xsrf={self._token}",
        }
        asked = urllib.request.Request(f"{self.address}/{url.lstrip('/')}", body, headers, method="PUT")
        try:
            with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as fault:
            return fault.code

    def tabs(self) -> Iterator[tuple[str, str]]:
        """Return the tabs that the server draws one at a time: whose they are, and what each is called."""
        for place, told in list(self.seen.items()):
            whose = told.tab_container.id if getattr(told, "tab_container", None) is not None else ""
            if whose:
                inside = [part for at, part in self.seen.items() if at[:-1] == place and hasattr(part, "tab")]
                yield from ((whose, part.tab.label) for part in inside if part.tab.label)

    def open(self, whose: str, tab: str) -> float:
        """Open a tab, as `tabs` names it."""
        return self.run(WidgetState(id=whose, string_value=tab))

    def downloads(self) -> list[str]:
        """Return the names of the download buttons that can be pressed: what ends with their keys."""
        return [t.id for t in self.seen.values() if hasattr(t, "deferred_file_id") and not t.disabled]

    def take(self, key: str) -> bytes:
        """Return what a download button gives."""
        button = self.find(key)
        url = button.url
        if button.deferred_file_id:
            asked = {
                "request_id": "d",
                "session_id": self.session_id,
                "deferred_file": {"file_id": button.deferred_file_id},
            }
            self._send(BackMsg(backend_operation_request=asked))
            answer = self._until("backend_operation_response").backend_operation_response
            if answer.error_msg:
                msg = f"{key}: {answer.error_msg}"
                raise TabError(msg)
            url = answer.deferred_file.url
        with urllib.request.urlopen(f"{self.address}/{url.lstrip('/')}", timeout=PATIENCE) as told:
            content = bytes(told.read())
        if self.keep:
            self.frames.append(content)
        return content

    def say(self, **message: Any) -> None:
        """Send any message, whether a browser would or not."""
        self._send(BackMsg(**message))

    # --- what stands there ----------------------------------------------------------------------------------------

    def find(self, key: str) -> Any:
        """Return the element with that key."""
        for told in self.seen.values():
            name = getattr(told, "id", "")
            if name and (name == key or name.endswith(f"-{key}")):
                return told
        msg = f"nothing with the key {key} stands on the page {self.page!r}"
        raise TabError(msg)

    def named(self, label: str) -> str:
        """Return the whole key of the first widget with that label."""
        for told in self.seen.values():
            if getattr(told, "label", None) == label and getattr(told, "id", ""):
                return str(told.id)
        msg = f"nothing called {label} stands on the page {self.page!r}"
        raise TabError(msg)

    def widgets(self) -> list[str]:
        """Return the keys of the widgets that stand there."""
        ids = [getattr(told, "id", "") for told in self.seen.values()]
        return [name.split("-", 2)[2] for name in ids if name.startswith("$$ID-") and name.count("-") >= 2]

    def said(self) -> str:
        """Return all that stands on the page, as its messages hold it."""
        return "\n".join(str(told) for told in self.seen.values())

    def received(self, needle: str) -> bool:
        """Tell whether this text was ever sent to the tab, in whatever message or file."""
        wanted = needle.encode()
        return any(wanted in frame for frame in self.frames)

    # --- the protocol ---------------------------------------------------------------------------------------------

    def _rerun(self, states: tuple[WidgetState, ...] = (), **more: Any) -> float:
        asked = BackMsg()
        asked.rerun_script.query_string = self.query
        asked.rerun_script.widget_states.widgets.extend(states)
        asked.rerun_script.context_info.url = f"{self.address}/{self.page}"
        for name, value in more.items():
            setattr(asked.rerun_script, name, value)
        start = time.perf_counter()
        self._send(asked)
        self._settle()
        return time.perf_counter() - start

    def _settle(self) -> None:
        """Take in what comes until the script has come to its end, not just to a new beginning."""
        while True:
            message = self._until("script_finished")
            if message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                msg = "app.py could not be compiled"
                raise TabError(msg)
            if message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return

    def _until(self, kind: str) -> ForwardMsg:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                frame = self._socket.recv(timeout=max(0.0, until - time.monotonic()))
            except TimeoutError as fault:
                msg = f"no {kind} came within {PATIENCE:.0f} s"
                raise TabError(msg) from fault
            except ConnectionClosed as fault:
                msg = f"the server hung up before {kind}"
                raise TabError(msg) from fault
            assert isinstance(frame, bytes)
            if self.keep:
                self.frames.append(frame)
            message = ForwardMsg.FromString(frame)
            self._take_in(message)
            if message.WhichOneof("type") == kind:
                return message

    def _take_in(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.seen = {}
            self._hash = message.new_session.page_script_hash
            self.session_id = message.new_session.initialize.session_id or self.session_id
        elif kind == "navigation":
            self.pages = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
            self.pages[""] = next(page.page_script_hash for page in message.navigation.app_pages if page.is_default)
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            element = message.delta.new_element
            told = getattr(element, element.WhichOneof("type") or "", None)
            self.faults += element.WhichOneof("type") == "exception"
            self.seen[tuple(message.metadata.delta_path)] = told
        elif kind == "delta":
            self.seen[tuple(message.metadata.delta_path)] = message.delta.add_block

    def _send(self, message: BackMsg) -> None:
        self._socket.send(message.SerializeToString())


def sign_in(tab: Tab, words: str, name: str = "Kim") -> float:
    """Try a passphrase on the page that asks for one."""
    found = [told for told in tab.seen.values() if getattr(told, "form_id", "") and getattr(told, "id", "")]
    told = {one.label: one.id for one in found}
    if "Passphrase" not in told:
        msg = f"no sign-in stands on the page {tab.page!r}"
        raise TabError(msg)
    return tab.run(
        WidgetState(id=told["Your name"], string_value=name),
        WidgetState(id=told["Passphrase"], string_value=words),
        WidgetState(id=told["Sign in"], trigger_value=True),
    )


@contextmanager
def server(home: Path, mode: str, **settings: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve the dashboard in a mode; give its address and its process. Its log lies in `home`, by mode."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1", "--server.fileWatcherType", "none"]
    environment = os.environ | {"STOCKCAST_HOME": str(home), "STOCKCAST_MODE": mode, **settings}
    with (home / f"server-{mode}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
        address = f"http://127.0.0.1:{port}"
        try:
            _wait_for(address, process)
            yield address, process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if process.poll() is not None:
            msg = "the server ended"
            raise TabError(msg)
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    msg = "the server did not start"
    raise TabError(msg)
