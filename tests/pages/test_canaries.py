"""Nothing of one visitor reaches another, whoever does what; `tests.benchmarks.canaries` does it at length."""

import pytest

from tests.benchmarks import canaries

ACTIONS = 60


@pytest.mark.parametrize("act", [canaries.demo, canaries.hosted])
def test_no_canary_crosses_over(act, tmp_path):
    leaks, people = act(tmp_path, ACTIONS, 11)
    assert leaks == []
    # Each saw what is their own, and few found nothing to act on: else nothing was tried.
    assert all(person.own >= 5 for person in people if person.name != "stranger")
    done = sum((person.done for person in people), canaries.Counter())
    assert done["nothing there"] <= ACTIONS / 6
    assert len(done) >= 8


def test_a_canary_would_be_found():
    class Tab:
        def __init__(self):
            self.frames = [b"...canary-two-77...", b""]

    person = canaries.Person("one", Tab(), "canary-one", ("canary-two",))
    assert person.look() == ["one got canary-two"]
    assert person.look() == []
