"""Signing in: the hash, the limits on guessing, and what they cost those who know the passphrase."""

import io
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from data import attempts, passphrase, service
from data.attempts import Attempts, TooManyAttemptsError
from planning import __main__ as command_line
from planning.errors import InputError
from tests.data import sharing


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKCAST_HOME", str(tmp_path / "home"))
    for name in ("STOCKCAST_CATALOG", "STOCKCAST_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)


def fail(guard: Attempts, address: str | None) -> None:
    with guard.attempt(address):
        pass


def waits(guard: Attempts, address: str | None) -> bool:
    try:
        fail(guard, address)
    except TooManyAttemptsError:
        return True
    return False


# --- the hash ---------------------------------------------------------------------------------------------------------


def test_a_passphrase_matches_its_hash_alone_and_each_hash_is_another() -> None:
    one, two = passphrase.hashed(sharing.WORDS), passphrase.hashed(sharing.WORDS)
    assert one != two
    assert passphrase.is_hash(one)
    assert passphrase.matches(sharing.WORDS, one)
    for wrong in ("", sharing.WORDS + " ", sharing.WORDS.upper(), sharing.WORDS[:-1], "x" * 100_000, "\ud800", "\0"):
        assert not passphrase.matches(wrong, one)
    assert sharing.WORDS not in one
    assert set(one) <= set("scrypt:0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_")


def test_the_same_word_typed_on_another_keyboard_matches() -> None:
    made = passphrase.hashed("sieben stille Ka\u0308hne")
    assert passphrase.matches("sieben stille K\u00e4hne", made)


@pytest.mark.parametrize(
    "text",
    [None, "", "scrypt", "scrypt:15:8:3::", "scrypt:99:8:3:{s}:{h}", "scrypt:10:8:3:{s}:{h}", "scrypt:15:99:3:{s}:{h}",
     "scrypt:15:8:0:{s}:{h}", "scrypt:15:8:99:{s}:{h}", "scrypt:15:8:3:{s}:{h}x", "bcrypt:15:8:3:{s}:{h}",
     "scrypt:15:8:3:{s}", "scrypt:\u0661\u0665:8:3:{s}:{h}", "scrypt:22:8:1:{s}:{h}"],
)  # fmt: skip
def test_what_is_no_whole_hash_lets_nobody_in(text: str | None) -> None:
    made = text.format(s="A" * 22, h="B" * 43) if text else text
    assert not passphrase.is_hash(made)
    assert not passphrase.matches(sharing.WORDS, made)


@pytest.mark.parametrize("word", ["", "short", "x" * 14, "a" * 40, "abababababababababab", "x" * 1001])
def test_a_passphrase_that_is_easily_guessed_is_refused(word: str) -> None:
    with pytest.raises(InputError, match="passphrase"):
        passphrase.hashed(word)


def test_hashing_lets_others_run() -> None:
    made, counted = passphrase.hashed(sharing.WORDS), 0
    thread = threading.Thread(target=passphrase.matches, args=("wrong " * 4, made))
    thread.start()
    while thread.is_alive():
        counted += 1
        time.sleep(0.001)
    assert counted > 5


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread has no priority of its own")
def test_hashing_stands_back_and_whoever_asked_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    real = passphrase._scrypt

    def watched(*told: object) -> bytes:
        seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return real(*told)

    made, before = passphrase.hashed(sharing.WORDS), os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    monkeypatch.setattr(passphrase, "_scrypt", watched)
    assert passphrase.matches(sharing.WORDS, made)
    assert seen == [passphrase.LEAST_PRIORITY]
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before


# --- the command ------------------------------------------------------------------------------------------------------


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def test_the_command_reads_twice_shows_nothing_and_prints_a_hash(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, sharing.WORDS, sharing.WORDS)
    assert command_line.main(["passphrase"]) == 0
    told = capsys.readouterr()
    assert passphrase.matches(sharing.WORDS, told.out.strip())
    assert sharing.WORDS not in told.out + told.err
    asked: list[str] = []
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda prompt: asked.append(prompt) or sharing.WORDS)
    assert command_line.main(["passphrase"]) == 0
    assert len(asked) == 2


@pytest.mark.parametrize("lines", [("short", "short"), (sharing.WORDS, sharing.WORDS + "!"), ("", "")])
def test_the_command_refuses_what_is_short_or_differs(
    lines: tuple[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, *lines)
    assert command_line.main(["passphrase"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "passphrase" in told.err or "same" in told.err


# --- attempts ---------------------------------------------------------------------------------------------------------


def test_waits_of_an_address_grow_and_end() -> None:
    clock = Clock()
    guard = Attempts(clock)
    for _ in range(attempts.FREE):
        fail(guard, "203.0.113.7")
    for wait in (2.0, 4.0, 8.0, 16.0):
        with pytest.raises(TooManyAttemptsError, match=f"wait {wait:.0f} seconds"):
            fail(guard, "203.0.113.7")
        clock.now += wait
        fail(guard, "203.0.113.7")
    for _ in range(40):
        clock.now += attempts.LONGEST_WAIT
        fail(guard, "203.0.113.7")
    with pytest.raises(TooManyAttemptsError, match="wait 900 seconds"):
        fail(guard, "203.0.113.7")
    clock.now += attempts.FORGOTTEN_AFTER + 1
    for _ in range(attempts.FREE):
        fail(guard, "203.0.113.7")


def test_success_forgets_failures_and_others_guessing_is_no_hindrance_there() -> None:
    clock = Clock()
    guard = Attempts(clock)
    guard.succeeded("198.51.100.1")
    refused = sum(waits(guard, f"203.0.113.{n % 256}") for n in range(2000))
    assert refused >= 2000 - attempts.BURST
    assert not waits(guard, "198.51.100.1")
    assert waits(guard, "198.51.100.99")  # never signed in: waits with the rest
    clock.now += attempts.SECONDS_EACH
    assert not waits(guard, "198.51.100.99")


def test_addresses_of_one_network_without_one_and_in_disguise_count_together() -> None:
    guard = Attempts(Clock())
    for n in range(attempts.FREE):
        fail(guard, f"2001:db8:1:2::{n:x}")
    assert waits(guard, "2001:db8:1:2:ffff::1")
    assert not waits(guard, "2001:db8:1:3::1")
    for address in (None, "", "unknown", "x" * 10_000, "1.2.3.4, 5.6.7.8"):
        fail(guard, address)
    assert waits(guard, None)
    for address in ("203.0.113.9", "::ffff:203.0.113.9", " 203.0.113.9 ", "203.0.113.9", "203.0.113.9"):
        fail(guard, address)
    assert waits(guard, "::ffff:203.0.113.9")


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MOST_ADDRESSES", 100)
    guard = Attempts(Clock())
    for n in range(1000):
        waits(guard, f"10.0.{n // 250}.{n % 250}")
    assert len(guard) == 100


def test_a_refusal_takes_a_while_and_hinders_nobody_else_meanwhile() -> None:
    guard, done = Attempts(linger=0.2), []
    for _ in range(attempts.FREE):
        fail(guard, "203.0.113.7")
    threads = [threading.Thread(target=lambda: done.append(waits(guard, "203.0.113.7"))) for _ in range(20)]
    for thread in threads:
        thread.start()
    started = time.monotonic()
    assert not waits(guard, "198.51.100.1")
    assert time.monotonic() - started < 0.15
    assert not done
    for thread in threads:
        thread.join()
    assert done == [True] * 20


def test_many_at_once_are_not_one_attempt() -> None:
    guard, let_in, lock = Attempts(), [], threading.Lock()

    def guess() -> None:
        try:
            with guard.attempt("203.0.113.7"), lock:
                let_in.append(1)
        except TooManyAttemptsError:
            pass

    threads = [threading.Thread(target=guess) for _ in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(let_in) == attempts.FREE


# --- signing in -------------------------------------------------------------------------------------------------------


def sign_in(told: str, guard: Attempts, secret: str, address: str = "203.0.113.7", **more: str) -> service.Visitor:
    nobody = service.Visitor.arriving("hosted")
    assert nobody.role == "nobody"
    return service.sign_in(nobody, told, attempts=guard, address=address, secret=secret, **more)


def test_the_passphrase_makes_a_planner_with_a_name(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "stockcast")
    guard, secret = Attempts(), sharing.quick_hash()
    with pytest.raises(service.SignInError):
        sign_in("another passphrase", guard, secret)
    planner = sign_in(sharing.WORDS, guard, secret, name="Kim")
    assert planner.role == "planner"
    snapshot = sharing.load(planner)
    service.note(planner, snapshot, "hello", item_id="TEA")
    assert service.notes(planner, snapshot)["made_by"].tolist() == ["Kim"]
    assert service.current_snapshot(sign_in(sharing.WORDS, guard, secret)) == snapshot
    assert service.sign_out(planner).role == "nobody"
    assert sharing.WORDS not in caplog.text
    assert "another passphrase" not in caplog.text


def test_a_thousand_wrong_passphrases_get_nothing_and_the_planner_works_on() -> None:
    guard, secret = Attempts(), sharing.quick_hash()
    planner = sign_in(sharing.WORDS, guard, secret, address="198.51.100.1")
    snapshot = sharing.load(planner)
    outcomes, started = [], time.monotonic()

    def guess(n: int) -> None:
        for k in range(125):
            try:
                sign_in(f"guess number {n} {k} of many", guard, secret, address=f"203.0.{n}.{k}")
                outcomes.append("in")
            except (service.SignInError, TooManyAttemptsError) as fault:
                outcomes.append(type(fault).__name__)

    threads = [threading.Thread(target=guess, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    service.note(planner, snapshot, "still at work", item_id="TEA")
    assert len(service.notes(planner, snapshot)) == 1
    assert sign_in(sharing.WORDS, guard, secret, address="198.51.100.1").role == "planner"
    for thread in threads:
        thread.join()
    assert len(outcomes) == 1000
    assert "in" not in outcomes
    looked_at = outcomes.count("SignInError")
    assert looked_at <= attempts.BURST + (time.monotonic() - started) / attempts.SECONDS_EACH + 1
