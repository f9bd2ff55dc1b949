"""Who signed in, or opened which links, in which browser: so that a reload finds them again, for a while.

A browser holds one random token in a cookie that no script reads; kept is its hash alone, in the memory of the server.
The token is made when the page fetches it with a ticket of one use: what was known before somebody signed in, a planted
cookie for example, opens nothing afterwards.
"""

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from data.visitor import Grant, Mode, Visitor, kept_workspace

IDLE, LONGEST = 12 * 3600.0, 7 * 24 * 3600.0
"""Seconds after which a session ends: since it was last used, and in all."""
TICKET_LASTS = 60.0
"""Seconds in which a ticket is good, once."""
TOKEN_BYTES = 32
LONGEST_TOKEN = 100
MOST = 5_000
"""Sessions that are remembered; beyond them those used longest ago are forgotten, planners' last."""
MOST_LINKS = 50
"""Links that one browser finds again."""


@dataclass
class _Session:
    began: float
    seen: float
    planner: str | None = None
    under: str = ""
    grants: OrderedDict[str, Grant] = field(default_factory=OrderedDict)
    token: str = ""


@dataclass(frozen=True)
class Entered:
    """The session that somebody belongs to.

    handle : names it within the server; no browser is told.
    ticket : what the page fetches its token with; empty where the browser's token holds on.
    """

    handle: str
    ticket: str = field(default="", repr=False)


class Sessions:
    """The sessions of one server process. Any thread may call.

    Parameters
    ----------
    clock : seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, _Session] = {}
        self._handles: dict[str, str] = {}
        self._tickets: dict[str, tuple[str, float]] = {}

    def enter(self, who: Visitor, token: str = "", secret: str | None = None) -> Entered:
        """Remember a planner who just signed in, or a viewer who just opened a link.

        Parameters
        ----------
        token : what the browser's cookie holds, if any. A planner gets another one, so that it dies here.
        secret : the hash of the passphrase that a planner signed in with; the session ends where it changes.
        """
        with self._lock:
            self._sweep()
            handle = self._handle(token)
            if handle and who.grant is not None:
                self._add(self._known[handle], who.grant)
                return Entered(handle)
            now = self._clock()
            handle = handle or secrets.token_hex(16)
            session = self._known.setdefault(handle, _Session(now, now))
            if who.grant is not None:
                self._add(session, who.grant)
            else:
                session.planner, session.under, session.began, session.seen = who.name, _digest(secret or ""), now, now
                self._handles.pop(session.token, None)
            ticket = secrets.token_urlsafe(TOKEN_BYTES)
            self._tickets[_digest(ticket)] = (handle, now + TICKET_LASTS)
            return Entered(handle, ticket)

    def redeem(self, ticket: str) -> str | None:
        """Return a new token for the browser that brings this ticket; None where it is none, used or too old."""
        with self._lock:
            handle, until = self._tickets.pop(_digest(ticket), ("", 0.0))
            session = self._known.get(handle)
            if session is None or self._clock() > until:
                return None
            self._handles.pop(session.token, None)
            token = secrets.token_urlsafe(TOKEN_BYTES)
            session.token = _digest(token)
            self._handles[session.token] = handle
            return token

    def waits(self, ticket: str) -> bool:
        """Tell whether this ticket was not redeemed yet, and still can be."""
        with self._lock:
            _, until = self._tickets.get(_digest(ticket), ("", 0.0))
            return self._clock() <= until

    def resume(
        self, mode: Mode, token: str, *, link_id: str = "", secret: str | None = None
    ) -> tuple[Visitor, str] | None:
        """Return whom a browser's token brings back, and the handle of the session; None where nobody.

        Parameters
        ----------
        link_id : of the link that is looked at; what was opened in this browser alone is found. Whether it stands is
            asked at every action, as ever.
        secret : the hash of the passphrase in force.
        """
        with self._lock:
            handle = self._handle(token)
            if not handle:
                return None
            session = self._known[handle]
            session.seen = self._clock()
            grant = session.grants.get(link_id)
            planner = session.planner if session.under == _digest(secret or "") else None
        if grant is not None:
            return Visitor(mode, None, may_change=False, grant=grant), handle
        if mode == "hosted" and planner is not None:
            return Visitor("hosted", kept_workspace(), name=planner), handle
        return None

    def stands(self, handle: str, secret: str | None = None) -> bool:
        """Tell whether a planner's session goes on: to be asked at every action, as it counts as one."""
        with self._lock:
            session = self._known.get(handle)
            if session is None or self._is_over(session) or session.planner is None:
                return False
            if session.under != _digest(secret or ""):
                return False
            session.seen = self._clock()
            return True

    def end(self, handle: str) -> None:
        """End a session, in all tabs of its browser."""
        with self._lock:
            self._forget(handle)

    def close(self, handle: str, link_id: str) -> None:
        """Forget a link that was opened in a session."""
        with self._lock:
            if handle in self._known:
                self._known[handle].grants.pop(link_id, None)

    def __len__(self) -> int:
        """Return how many sessions are remembered."""
        return len(self._known)

    def _handle(self, token: str) -> str:
        if not token or len(token) > LONGEST_TOKEN:
            return ""
        handle = self._handles.get(_digest(token), "")
        if handle and self._is_over(self._known[handle]):
            self._forget(handle)
            return ""
        return handle

    def _is_over(self, session: _Session) -> bool:
        now = self._clock()
        return now - session.seen > IDLE or now - session.began > LONGEST

    @staticmethod
    def _add(session: _Session, grant: Grant) -> None:
        session.grants[grant.link_id] = grant
        session.grants.move_to_end(grant.link_id)
        while len(session.grants) > MOST_LINKS:
            session.grants.popitem(last=False)

    def _sweep(self) -> None:
        now = self._clock()
        self._tickets = {key: told for key, told in self._tickets.items() if told[1] >= now}
        for handle in [handle for handle, session in self._known.items() if self._is_over(session)]:
            self._forget(handle)
        while len(self._known) >= MOST:
            self._forget(min(self._known, key=lambda h: (self._known[h].planner is not None, self._known[h].seen)))

    def _forget(self, handle: str) -> None:
        session = self._known.pop(handle, None)
        if session is not None:
            self._handles.pop(session.token, None)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
