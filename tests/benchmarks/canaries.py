"""Whether anything of one visitor ever reaches another: `python -m tests.benchmarks.canaries [--actions 300]`.

Demo: two visitors with data that differ in their names alone, so that whatever is kept by size, shape or numbers would
be mixed up. Hosted: a planner, somebody who did not sign in, and somebody with a link to one supplier's lines. They act
in turn, in an order drawn by a seed: pages, tabs, filters, targets, files, notes, plans, scenarios, links, downloads,
other people's items in the address; the stranger also sends what no page offers. After each action every message and
file that anybody got is searched for the canaries of the others.
"""

import argparse
import io
import json
import os
import random
import secrets
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pandas as pd
from streamlit.proto.WidgetStates_pb2 import WidgetState

from data import passphrase
from tests import wire

WORDS = "seven quiet boats at noon"
SETTINGS = {"library_fits": 0}
LONGEST_FIT = 120.0
PLANNED = "Orders due today"
"""Stands on the Overview once there is a plan."""
ITEMS = 6


@dataclass
class Person:
    """A visitor: the tab, the canary in what is theirs, the canaries that must never come, and what came of their own.

    query : what the address says on every page.
    """

    name: str
    tab: wire.Tab
    canary: str
    forbidden: tuple[str, ...]
    query: str = ""
    own: int = 0
    done: Counter[str] = field(default_factory=Counter)

    def look(self) -> list[str]:
        """Return the canaries of others that came since it was last asked."""
        came = b"\n".join(part for frame in self.tab.frames for part in _parts(frame))
        self.tab.frames.clear()
        self.own += self.canary.encode() in came
        return [f"{self.name} got {canary}" for canary in self.forbidden if canary.encode() in came]


def _parts(payload: bytes) -> Iterator[bytes]:
    """A message or file, and what lies in it where it is an archive."""
    yield payload
    if payload.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(payload)) as archive:
            for name in archive.namelist():
                yield from _parts(archive.read(name))


def main() -> None:
    """Act and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.canaries", description=__doc__)
    parser.add_argument("--actions", type=int, default=300)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--mode", choices=("demo", "hosted"), help="one of the two alone")
    asked = parser.parse_args()
    sys.stdout.write(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    for what, act in (("demo", demo), ("hosted", hosted)):
        if asked.mode not in (None, what):
            continue
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as home:
            leaks, people = act(Path(home), asked.actions, asked.seed)
        sys.stdout.write(
            f"{what}: {asked.actions} actions in {time.perf_counter() - started:.0f} s, {len(leaks)} leaks\n"
        )
        for person in people:
            sys.stdout.write(f"  {person.name}: own canary {person.own} times; {dict(person.done)}\n")
        for leak in leaks:
            sys.stdout.write(f"  {leak}\n")


def demo(home: Path, actions: int, seed: int) -> tuple[list[str], list[Person]]:
    """Let two visitors of a demo act in turn; return what crossed over, and the two."""
    with wire.server(home, "demo") as (address, _), _tabs(address, 2) as (left, right):
        one = Person("one", left, f"canary-one-{secrets.token_hex(4)}", ("canary-two",), _query())
        two = Person("two", right, f"canary-two-{secrets.token_hex(4)}", ("canary-one",), _query())
        for person in (one, two):
            bring(person, extra=0)
        return turns([one, two], actions, seed), [one, two]


def hosted(home: Path, actions: int, seed: int) -> tuple[list[str], list[Person]]:
    """Let a planner, a stranger and a viewer of a hosted server act in turn; return what crossed over, and them."""
    secret = passphrase.hashed(WORDS)
    with (
        wire.server(home, "hosted", STOCKCAST_PASSPHRASE_HASH=secret) as (address, _),
        _tabs(address, 2) as (first, second),
    ):
        wire.sign_in(first, WORDS)
        planner = Person("planner", first, f"canary-one-{secrets.token_hex(4)}", (), _query())
        bring(planner, extra=0)
        stranger = Person("stranger", second, "nothing of their own", ("canary", "SUP-", "ITEM-0"))
        token = _link(planner)
        with wire.Tab(address, query=f"share={token}", keep=True) as third:
            # The label of the link and the lines of the one supplier are theirs to see.
            forbidden = tuple(f"{planner.canary}-{what}" for what in ("b", "note", "plan", "scenario", "file"))
            viewer = Person("viewer", third, f"{planner.canary}-a", forbidden)
            people = [planner, stranger, viewer]
            return turns(people, actions, seed), people


@contextmanager
def _tabs(address: str, number: int) -> Iterator[list[wire.Tab]]:
    opened = [wire.Tab(address, query=_query(), keep=True) for _ in range(number)]
    try:
        yield opened
    finally:
        for tab in opened:
            tab.__exit__()


def _query(**more: str) -> str:
    told = {"set": json.dumps(SETTINGS), **more}
    return "&".join(f"{name}={quote(value)}" for name, value in told.items())


def turns(people: list[Person], actions: int, seed: int) -> list[str]:
    """Act so often, whoever's turn it is; return what anybody got that is another's."""
    chance, leaks = random.Random(seed), [leak for person in people for leak in person.look()]
    for turn in range(actions):
        person = chance.choice(people)
        name, act = chance.choice(ways(person, chance))
        try:
            act()
        except wire.TabError as fault:
            # What is acted on may have gone meanwhile; a server that hangs up or is silent is a fault.
            if "stands on the page" not in str(fault):
                leaks.append(f"{person.name}, {name}: {fault}")
            name = "nothing there"
        person.done[name] += 1
        leaks += [f"turn {turn}, {name}: {leak}" for one in people for leak in one.look()]
        leaks += [f"turn {turn}, {name}: a fault at {one.name}" for one in people if one.tab.faults]
        for one in people:
            one.tab.faults = 0
    return leaks


def ways(person: Person, chance: random.Random) -> list[tuple[str, Callable[[], object]]]:
    """What a person may do next, by name."""
    tab = person.tab
    pages = sorted(tab.pages)
    found: list[tuple[str, Callable[[], object]]] = [
        ("page", lambda: tab.go(chance.choice(pages), person.query)),
        ("page", lambda: tab.go(chance.choice(pages), person.query)),
        ("address", lambda: tab.go(chance.choice(pages), _foreign(chance))),
        ("rerun", tab.run),
    ]
    if person.name == "stranger":
        return [*found, *_tricks(person, chance)]
    found += [("tab", lambda w=whose, t=name: tab.open(w, t)) for whose, name in tab.tabs()]
    found += [("download", lambda b=button: tab.take(b)) for button in tab.downloads()]
    keys = " ".join(tab.widgets())
    if "filter_search" in keys:
        found.append(("filter", lambda: tab.run(tab.text("filter_search", chance.choice(("", "ITEM", "2"))))))
        found.append(("filter", lambda: tab.run(tab.choices("filter_abc", *chance.sample("ABC", 2)))))
    if "param_service_target" in keys:
        target = chance.randrange(900, 990) / 10
        found += [("target", lambda: tab.slide("param_service_target", target))] * 3
    if person.name != "viewer":
        found += _decisions(person, chance)
    return found


def _decisions(person: Person, chance: random.Random) -> list[tuple[str, Callable[[], object]]]:
    """What who decides may do, each leaving a canary behind."""
    return [
        ("files", lambda: bring(person, extra=chance.randrange(1, 9))),
        ("note", lambda: _note(person)),
        ("plan", lambda: _plan(person)),
        ("scenario", lambda: _scenario(person)),
        ("link", lambda: _link(person)),
        ("download", lambda: _download(person, chance)),
    ]


def _tricks(person: Person, chance: random.Random) -> list[tuple[str, Callable[[], object]]]:
    """What a stranger may send that no page offers."""
    tab = person.tab
    guess = chance.choice(("param_service_target", "filter_search", "work_approve", "share_make", "all_data"))
    state = WidgetState(id=f"$$ID-{secrets.token_hex(16)}-{guess}", trigger_value=True)
    upload = f"_stcore/upload_file/{tab.session_id}/{secrets.token_hex(8)}"
    return [
        ("widget of others", lambda: tab.run(state)),
        ("token", lambda: tab.go(chance.choice(sorted(tab.pages)), f"share={secrets.token_urlsafe(32)}")),
        ("passphrase", lambda: wire.sign_in(tab, f"guess {chance.random()}")),
        ("clear the caches", lambda: (tab.say(clear_cache=True), tab.run())),
        ("file", lambda: _refused(tab.put(upload, "a.csv", b"x"))),
    ]


def _refused(status: int) -> None:
    if status != 403:
        msg = f"a stranger's file was answered by {status}"
        raise wire.TabError(msg)


def _foreign(chance: random.Random) -> str:
    """An address that asks for what may be somebody else's: identifiers can be guessed, canaries cannot."""
    return _query(item=f"ITEM-0{chance.randrange(ITEMS)}", at=f"PLACE-{chance.randrange(2)}", supplier="SUP-B")


# --- what leaves a canary ---------------------------------------------------------------------------------------------


def bring(person: Person, *, extra: int) -> None:
    """Import the company of this person, and wait until it is planned."""
    tab, canary = person.tab, person.canary
    tab.go("import_data", person.query)
    if "import_tabs" in " ".join(tab.widgets()):
        whose, name = next(iter(tab.tabs()))
        tab.open(whose, name)
    drop = next(key for key in tab.widgets() if key.startswith("drop_"))
    tab.drop(drop, company(canary, extra))
    tab.press(tab.named("Check the files"))
    tab.press(tab.named("Use these data"))
    tab.go("", person.query)
    until = time.monotonic() + LONGEST_FIT
    while PLANNED not in tab.said() and time.monotonic() < until:
        time.sleep(0.5)
        tab.run()


def company(canary: str, extra: int) -> dict[str, bytes]:
    """A company whose numbers are everybody's, and whose names carry a canary; -a of one supplier, -b of the other."""
    days = pd.date_range("2026-02-02", "2026-05-31").strftime("%Y-%m-%d")
    lines = [f"{d},ITEM-0{n},PLACE-{n % 2},{2 + (k + n) % 5}" for n in range(ITEMS) for k, d in enumerate(days)]
    stock = [f"ITEM-0{n},PLACE-{n % 2},{9 * n + extra},2026-06-01" for n in range(ITEMS)]
    items = [
        f"ITEM-0{n},{canary}-{'ab'[n % 2]} item {n},{canary}-{'ab'[n % 2]} category,SUP-{'AB'[n % 2]},{2 + n},{5 + n},7"
        for n in range(ITEMS)
    ]
    tables = {
        "sales": ["date,item_id,location_id,quantity", *lines],
        "stock": ["item_id,location_id,on_hand,as_of", *stock],
        "items": ["item_id,item_name,category,supplier_id,unit_cost,unit_price,lead_time_days", *items],
        "suppliers": ["supplier_id,supplier_name", *(f"SUP-{s.upper()},{canary}-{s} supplier" for s in "ab")],
    }
    return {f"{canary}-file {name}.csv": "\n".join(rows).encode() for name, rows in tables.items()}


def _note(person: Person) -> None:
    tab = person.tab
    tab.go("replenishment", person.query)
    table = next((told for told in tab.seen.values() if getattr(told, "selection_mode", None)), None)
    if table is None:
        msg = "no table stands on the page"
        raise wire.TabError(msg)
    tab.run(WidgetState(id=table.id, string_value=json.dumps({"selection": {"rows": [0], "columns": [], "cells": []}})))
    tab.press("note_do", tab.text("note_text", f"{person.canary}-note"))


def _plan(person: Person) -> None:
    tab = person.tab
    tab.go("replenishment", person.query)
    whose = next(whose for whose, name in tab.tabs() if name == "Changes")
    tab.open(whose, "Changes")
    tab.run(tab.text("plan_name", f"{person.canary}-plan {person.done['plan']}"))
    tab.press("plan_next")
    tab.press("plan_create")


def _scenario(person: Person) -> None:
    tab = person.tab
    tab.go("scenarios", person.query)
    tab.press("try_stress:service_98")
    field = next(key for key in tab.widgets() if key.startswith("scenario_name"))
    tab.press(tab.named("Keep it"), tab.text(field, f"{person.canary}-scenario {person.done['scenario']}"))


def _link(person: Person) -> str:
    """Make a link to the lines of one supplier, and return its token."""
    tab = person.tab
    tab.go("service", _query(supplier="SUP-A"))
    tab.press("share_open")
    whose = WidgetState(id=tab.find("share_whose").id)
    whose.string_array_value.data[:] = ["One supplier"]
    tab.run(whose, tab.text("share_name", f"{person.canary}-a link"))
    tab.press("share_make")
    code = next(told.code_text for told in tab.seen.values() if hasattr(told, "code_text"))
    return str(code.partition("share=")[2])


def _download(person: Person, chance: random.Random) -> None:
    tab = person.tab
    tab.go(chance.choice(("", "replenishment", "forecast", "service", "import_data", "scenarios")), person.query)
    tab.take(chance.choice(tab.downloads() or ["download"]))


if __name__ == "__main__":
    main()
