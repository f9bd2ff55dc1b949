"""Sessions: a browser is known again by its own token alone, for a while, until somebody ends it."""

import threading
from pathlib import Path

import pytest

from data import service, sessions
from tests.data import sharing

SECRET, OTHER = "scrypt:one", "scrypt:two"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKCAST_HOME", str(tmp_path / "home"))


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def held(clock: Clock) -> sessions.Sessions:
    return sessions.Sessions(clock)


def planner(name: str = "Kim") -> service.Visitor:
    return service.Visitor("hosted", sharing.planner().own, name=name)


def viewer() -> service.Visitor:
    owner = sharing.planner()
    snapshot = sharing.load(owner)
    made = service.make_link(owner, snapshot, sharing.plan(owner, snapshot))
    return service.open_link("hosted", made.token)


def signed_in(held: sessions.Sessions, token: str = "", name: str = "Kim") -> tuple[str, str]:
    """The handle and the token of a planner."""
    told = held.enter(planner(name), token, SECRET)
    got = held.redeem(told.ticket)
    assert got is not None
    return told.handle, got


def test_a_planner_comes_back_by_the_token_and_under_his_name(held: sessions.Sessions) -> None:
    handle, token = signed_in(held)
    found = held.resume("hosted", token, secret=SECRET)
    assert found is not None
    assert (found[0].role, found[0].name, found[1]) == ("planner", "Kim", handle)
    assert held.resume("hosted", token[:-1] + ("A" if token[-1] != "A" else "B"), secret=SECRET) is None
    for nothing in ("", handle, "x" * 100_000, "\ud800"):
        assert held.resume("hosted", nothing, secret=SECRET) is None


def test_no_token_and_no_ticket_is_kept(held: sessions.Sessions) -> None:
    told = held.enter(planner(), "", SECRET)
    assert told.ticket not in repr(vars(held)) + repr(told)
    token = held.redeem(told.ticket)
    assert token is not None
    assert token not in repr(vars(held))
    assert told.handle not in token


def test_a_ticket_is_good_once_and_not_for_long(held: sessions.Sessions, clock: Clock) -> None:
    told = held.enter(planner(), "", SECRET)
    assert held.waits(told.ticket)
    assert held.redeem("x" * 43) is None
    assert held.redeem(told.ticket) is not None
    assert held.redeem(told.ticket) is None
    assert not held.waits(told.ticket)
    late = held.enter(planner(), "", SECRET)
    clock.now += sessions.TICKET_LASTS + 1
    assert not held.waits(late.ticket)
    assert held.redeem(late.ticket) is None


def test_a_token_from_before_the_sign_in_opens_nothing_after_it(held: sessions.Sessions) -> None:
    looking = viewer()
    before = held.redeem(held.enter(looking).ticket)
    assert before is not None
    _, token = signed_in(held, before)
    assert token != before
    assert held.resume("hosted", before, secret=SECRET) is None
    # What was opened in that browser is found on, by the new token.
    found = held.resume("hosted", token, link_id=looking.grant.link_id if looking.grant else "", secret=SECRET)
    assert found is not None
    assert found[0].role == "viewer"


def test_sign_out_a_new_passphrase_and_age_end_it(held: sessions.Sessions, clock: Clock) -> None:
    handle, token = signed_in(held)
    assert held.stands(handle, SECRET)
    assert not held.stands(handle, OTHER)
    assert held.resume("hosted", token, secret=OTHER) is None
    assert held.resume("hosted", token, secret=None) is None
    held.end(handle)
    assert not held.stands(handle, SECRET)
    assert held.resume("hosted", token, secret=SECRET) is None
    handle, token = signed_in(held)
    for _ in range(int(sessions.LONGEST / sessions.IDLE)):
        clock.now += sessions.IDLE - 1
        assert held.stands(handle, SECRET)
    clock.now += sessions.IDLE - 1
    assert not held.stands(handle, SECRET)
    handle, token = signed_in(held)
    clock.now += sessions.IDLE + 1
    assert held.resume("hosted", token, secret=SECRET) is None


def test_a_planner_comes_back_on_a_hosted_server_alone(held: sessions.Sessions) -> None:
    _, token = signed_in(held)
    assert held.resume("demo", token, secret=SECRET) is None
    assert held.resume("local", token, secret=SECRET) is None


def test_a_viewer_finds_the_links_that_this_browser_opened_and_no_other(held: sessions.Sessions) -> None:
    first, second = viewer(), viewer()
    assert first.grant is not None
    assert second.grant is not None
    told = held.enter(first)
    token = held.redeem(told.ticket) or ""
    other = held.redeem(held.enter(second).ticket) or ""
    found = held.resume("hosted", token, link_id=first.grant.link_id)
    assert found is not None
    assert (found[0].role, found[0].grant, found[0].own) == ("viewer", first.grant, None)
    assert held.resume("hosted", token, link_id=second.grant.link_id) is None
    assert held.resume("hosted", other, link_id=first.grant.link_id) is None
    assert held.resume("hosted", token) is None
    # One more in the same browser needs no new token.
    assert held.enter(second, token).ticket == ""
    assert held.resume("hosted", token, link_id=second.grant.link_id) is not None
    held.close(told.handle, first.grant.link_id)
    assert held.resume("hosted", token, link_id=first.grant.link_id) is None
    assert not held.stands(told.handle, "")


def test_a_withdrawn_link_that_comes_back_shows_nothing(held: sessions.Sessions) -> None:
    looking = viewer()
    assert looking.grant is not None
    token = held.redeem(held.enter(looking).ticket) or ""
    service.revoke_link(sharing.planner(), looking.grant.link_id)
    found = held.resume("hosted", token, link_id=looking.grant.link_id)
    assert found is not None
    with pytest.raises(service.LinkError):
        service.shared_plan(found[0])


def test_memory_is_bounded_and_viewers_push_no_planner_out(
    held: sessions.Sessions, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MOST", 20)
    monkeypatch.setattr(sessions, "MOST_LINKS", 1)
    handle, token = signed_in(held)
    looking = viewer()
    for _ in range(50):
        clock.now += 1
        held.enter(looking)
    assert len(held) <= 20
    assert held.stands(handle, SECRET)
    held.enter(looking, token)
    held.enter(viewer(), token)
    assert looking.grant is not None
    assert [len(one.grants) for one in vars(held)["_known"].values() if one.planner] == [1]


def test_many_who_bring_one_ticket_get_one_token(held: sessions.Sessions) -> None:
    ticket = held.enter(planner(), "", SECRET).ticket
    got: list[str | None] = []
    threads = [threading.Thread(target=lambda: got.append(held.redeem(ticket))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one is not None for one in got) == 1
