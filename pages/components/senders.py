"""Which tabs may send files to this server: those of people who decide there."""

import threading
from collections import OrderedDict

MOST = 10_000
"""Tabs that are remembered; beyond them those that were seen longest ago have to run their page again."""


class Senders:
    """The tabs of one server process that may send files, by Streamlit's session. Any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, None] = OrderedDict()

    def note(self, session_id: str, *, may: bool) -> None:
        """Note whether this tab may send files from now on."""
        with self._lock:
            self._known.pop(session_id, None)
            if may:
                self._known[session_id] = None
            while len(self._known) > MOST:
                self._known.popitem(last=False)

    def __contains__(self, session_id: object) -> bool:
        """Tell whether this tab may send files."""
        with self._lock:
            return session_id in self._known
