"""Where partitions of items run: in this process, or in a pool of processes; results in key order."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")

PARTITION = 1000
"""Series in one partition. Fixed, so that the number of processes never changes a result."""


class Runner(Protocol):
    """Runs a function over partitions and yields the results in their order."""

    def __call__(self, work: Callable[[T], R], parts: Sequence[T]) -> Iterable[R]:
        """Yield `work(part)` for each part, in order."""


def serial(work: Callable[[T], R], parts: Sequence[T]) -> Iterable[R]:
    """Run the partitions one after the other in this process."""
    return map(work, parts)


def pool(processes: int) -> Runner:
    """Return a runner over that many processes (this one alone, where there is no more than one part)."""

    def run(work: Callable[[T], R], parts: Sequence[T]) -> Iterable[R]:
        if processes <= 1 or len(parts) <= 1:
            yield from serial(work, parts)
            return
        # Imported here: a server never needs it.
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        with ProcessPoolExecutor(min(processes, len(parts)), mp_context=get_context("spawn")) as executor:
            yield from executor.map(work, parts)

    return run
