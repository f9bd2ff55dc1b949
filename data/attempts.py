"""How often a passphrase may be tried: per address, and in all; each failure makes the next wait longer.

One object serves the whole server process; the page layer makes it once (`pages.components.cached`) and hands it in.
"""

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from planning.errors import PlanningError

FREE = 5
"""Failures of an address that cost no wait."""
FIRST_WAIT, LONGEST_WAIT = 2.0, 900.0
"""Seconds to wait after the first failure beyond those; doubled with each, up to the longest."""
FORGOTTEN_AFTER = 24 * 3600.0
"""Seconds after which an address begins anew."""
MOST_ADDRESSES = 10_000
"""Addresses that are remembered; beyond them those that tried longest ago are forgotten."""
BURST, SECONDS_EACH = 20, 4.0
"""Of all addresses that never signed in together: so many attempts at once, then one in so many seconds."""
AT_ONCE = 1
"""Attempts that are checked at the same moment: each takes a core, as far as others leave it, and tens of megabytes."""
PATIENCE = 20.0
"""Seconds that an attempt waits for its turn to be checked."""
LINGER = 2.0
"""Seconds that a refusal takes on a server."""


class TooManyAttemptsError(PlanningError):
    """The passphrase is not even looked at: it was tried too often."""


@dataclass
class _Address:
    failures: int = 0
    free_at: float = 0.0
    seen_at: float = 0.0
    signed_in: bool = False


class Attempts:
    """The attempts of one server process. Any thread may call.

    Parameters
    ----------
    clock : seconds that only grow.
    linger : seconds that a refusal takes, so that who guesses on and on leaves the server to others.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, linger: float = 0.0) -> None:
        self._clock, self._linger = clock, linger
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._known: OrderedDict[str, _Address] = OrderedDict()
        self._left, self._left_at = float(BURST), clock()

    @contextmanager
    def attempt(self, address: str | None) -> Iterator[None]:
        """Let one attempt be checked inside; it counts as failed until `succeeded` is called.

        Parameters
        ----------
        address : of the browser; None, or what is none, shares one count with all such.

        Raises
        ------
        TooManyAttemptsError : it has to wait; the message says how long.
        """
        try:
            self._begin(_network(address))
        except TooManyAttemptsError:
            time.sleep(self._linger)
            raise
        if not self._slots.acquire(timeout=PATIENCE):
            self._refuse(PATIENCE)
        try:
            yield
        finally:
            self._slots.release()

    def succeeded(self, address: str | None) -> None:
        """Forget the failures of an address: someone signed in there."""
        with self._lock:
            known = self._of(_network(address))
            known.failures, known.free_at, known.signed_in = 0, 0.0, True

    def __len__(self) -> int:
        """Return how many addresses are remembered."""
        return len(self._known)

    def _begin(self, network: str) -> None:
        with self._lock:
            now = self._clock()
            known = self._of(network)
            if known.free_at > now:
                self._refuse(known.free_at - now)
            # Where someone signed in before, the attempts of others are no hindrance.
            if not known.signed_in:
                self._take_turn(now)
            # Counted before it is checked, so that many at once are not one.
            known.failures += 1
            beyond = known.failures - FREE
            wait = min(FIRST_WAIT * 2.0 ** min(beyond, 20), LONGEST_WAIT) if beyond >= 0 else 0.0
            known.free_at = now + wait

    def _take_turn(self, now: float) -> None:
        self._left = min(self._left + (now - self._left_at) / SECONDS_EACH, float(BURST))
        self._left_at = now
        if self._left < 1:
            self._refuse((1 - self._left) * SECONDS_EACH)
        self._left -= 1

    def _of(self, network: str) -> _Address:
        """Return what is known of an address, now the newest; the oldest go."""
        now = self._clock()
        known = self._known.pop(network, None)
        if known is None or now - known.seen_at > FORGOTTEN_AFTER:
            known = _Address()
        known.seen_at = now
        self._known[network] = known
        while len(self._known) > MOST_ADDRESSES:
            self._known.popitem(last=False)
        return known

    @staticmethod
    def _refuse(seconds: float) -> None:
        wait = max(1, math.ceil(seconds))
        msg = f"too many attempts: wait {wait:,} second{'s' * (wait != 1)} and try again"
        raise TooManyAttemptsError(msg)


def _network(address: str | None) -> str:
    """Return what one visitor cannot change at will: the address, of IPv6 its first half."""
    try:
        told = ipaddress.ip_address((address or "").strip())
    except ValueError:
        return ""
    if isinstance(told, ipaddress.IPv6Address):
        if told.ipv4_mapped is not None:
            return str(told.ipv4_mapped)
        return str(ipaddress.ip_network((told, 64), strict=False))
    return str(told)
