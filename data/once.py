"""What is read once in a piece of work that takes a moment, such as one run of a page, however often it is asked for.

What others write meanwhile is seen by the next such piece; what is written in it is seen at once. Known to the context
that it began in alone: neither another visitor nor another thread looks into it.
"""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")

_KNOWN: ContextVar[dict[Hashable, Any] | None] = ContextVar("known", default=None)


@contextmanager
def reading_once() -> Iterator[None]:
    """Read each thing once from here to the end, as long as nothing is written."""
    before = _KNOWN.set({})
    try:
        yield
    finally:
        _KNOWN.reset(before)


def read(key: Hashable, make: Callable[[], T]) -> T:
    """Return what was read under this key before, or read it now; outside of `reading_once` always now.

    Whoever is handed it does not change it.
    """
    known = _KNOWN.get()
    if known is None:
        return make()
    if key not in known:
        known[key] = make()
    found: T = known[key]
    return found


def forget() -> None:
    """Read all anew from here on, because something was written."""
    known = _KNOWN.get()
    if known is not None:
        known.clear()
