"""Scenarios that are kept: a name, a text and a full set of parameters, in versions that never change.

The catalog holds what each version says; the decisions log says which version of which scenario stands, so that
saving, renaming and deleting are undone like any other decision.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from data import decisions
from data.acting import decide, is_of_sample
from data.catalog import Decision
from data.deciding import LONGEST_NAME, checked_text
from data.upload import shown
from data.visitor import Visitor
from planning.errors import InputError
from planning.params import Params

LONGEST_TEXT = 2_000
MOST_SCENARIOS = 500
"""Scenarios of one workspace."""


@dataclass(frozen=True)
class Scenario:
    """One version of a scenario.

    versions : how many were ever saved; `version` counts from 1. `made_by` and `made_at` are those of this version.
    """

    scenario_id: str
    name: str
    version: int
    versions: int
    text: str
    made_by: str
    made_at: datetime
    told: str = field(repr=False)

    @property
    def params(self) -> Params:
        """All its parameters.

        Raises
        ------
        ParameterError : an earlier version of the program kept one that this one refuses; the message says which.
        """
        return Params.from_json(self.told)


@dataclass(frozen=True)
class _Standing:
    """What the log says of one scenario: its name, and its versions in the order saved, as the log's lines."""

    name: str
    lines: tuple[Decision, ...]


def save_scenario(
    visitor: Visitor, snapshot_id: str, name: str, params: Params, *, text: str = "", after: int | None = None
) -> Scenario:
    """Keep a scenario, or a new version of the one that has this name, and return it.

    Parameters
    ----------
    name : 1 to 200 characters; capitals make no other name.
    text : what it is for, up to 2,000 characters.
    after : the version that was looked at; where another one stands by now, nothing is saved. None: whatever stands.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : the name or text cannot be used, somebody else saved it meanwhile, or there are too many.
    """
    visitor.permit("keep scenarios")
    called, told = _checked_name(name), checked_text(text, "the text", LONGEST_TEXT) or ""
    spelled, sample = params.to_json(), is_of_sample(visitor, snapshot_id)
    content = hashlib.sha256(json.dumps([told, spelled]).encode()).hexdigest()
    # First the content, then the line that speaks of it: a line without content never stands.
    visitor.workspace.catalog.add_scenario(visitor.workspace.name, content, told, spelled)

    def body(log: Sequence[Decision]) -> dict[str, object]:
        standing = _standing(log, sample=sample)
        name_of = {one.name.casefold(): scenario_id for scenario_id, one in standing.items()}
        scenario_id = name_of.get(called.casefold())
        latest = standing[scenario_id].lines[-1].body["version"] if scenario_id else 0
        if after is not None and after != latest:
            msg = f"{shown(called)} was changed meanwhile, it is at version {latest}: look at it, then save again"
            raise InputError(msg)
        if scenario_id is None and len(standing) >= MOST_SCENARIOS:
            msg = f"{MOST_SCENARIOS} scenarios are kept: delete one that is not needed any more"
            raise InputError(msg)
        scenario_id = scenario_id or secrets.token_hex(6)
        version = 1 + max((n for known, n in _numbers(log) if known == scenario_id), default=0)
        return {"scenario_id": scenario_id, "name": called, "version": version, "content": content}

    line = decide(visitor, snapshot_id, decisions.SCENARIO, body)
    made = line.body
    visitor.log("kept a scenario", scenario=made["scenario_id"], version=made["version"])
    by, at = made["by"], line.decided_at
    return Scenario(made["scenario_id"], called, made["version"], made["version"], told, by, at, spelled)


def scenarios(visitor: Visitor, snapshot_id: str) -> list[Scenario]:
    """Return the scenarios that stand, each in its latest version, by name."""
    standing = _standing(visitor.workspace.decisions(), sample=is_of_sample(visitor, snapshot_id))
    found = _read(visitor, {scenario_id: replace(one, lines=one.lines[-1:]) for scenario_id, one in standing.items()})
    counts = {scenario_id: len(one.lines) for scenario_id, one in standing.items()}
    told = [replace(one, versions=counts[one.scenario_id]) for one in found]
    return sorted(told, key=lambda one: (one.name.casefold(), one.scenario_id))


def scenario_versions(visitor: Visitor, snapshot_id: str, scenario_id: str) -> list[Scenario]:
    """Return every version of a scenario, the newest first.

    Raises
    ------
    InputError : there is no such scenario.
    """
    standing = _standing(visitor.workspace.decisions(), sample=is_of_sample(visitor, snapshot_id))
    return _read(visitor, {scenario_id: _known(standing, scenario_id)})[::-1]


def find_scenario(visitor: Visitor, snapshot_id: str, scenario_id: str, version: int | None = None) -> Scenario:
    """Return one scenario, by default its latest version.

    Raises
    ------
    InputError : there is no such scenario, or no such version of it.
    """
    found = scenario_versions(visitor, snapshot_id, scenario_id)
    mine = next((one for one in found if version is None or one.version == version), None)
    if mine is None:
        msg = f"there is no version {shown(version)[:12]} of this scenario: choose one of the list"
        raise InputError(msg)
    return mine


def rename_scenario(visitor: Visitor, snapshot_id: str, scenario_id: str, name: str) -> None:
    """Give a scenario another name; its versions stay.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : there is no such scenario, or another one has this name.
    """
    visitor.permit("rename scenarios")
    called, sample = _checked_name(name), is_of_sample(visitor, snapshot_id)

    def body(log: Sequence[Decision]) -> dict[str, object]:
        standing = _standing(log, sample=sample)
        before = _known(standing, scenario_id).name
        if any(one.name.casefold() == called.casefold() and key != scenario_id for key, one in standing.items()):
            msg = f"another scenario is called {shown(called)!r}: choose another name"
            raise InputError(msg)
        return {"scenario_id": scenario_id, "name": called, "before": before}

    decide(visitor, snapshot_id, decisions.SCENARIO_RENAMED, body)
    visitor.log("renamed a scenario", scenario=scenario_id)


def delete_scenario(visitor: Visitor, snapshot_id: str, scenario_id: str) -> None:
    """Take a scenario out of the list; `undo` brings it back.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : there is no such scenario.
    """
    visitor.permit("delete scenarios")
    sample = is_of_sample(visitor, snapshot_id)

    def body(log: Sequence[Decision]) -> dict[str, object]:
        return {"scenario_id": scenario_id, "name": _known(_standing(log, sample=sample), scenario_id).name}

    decide(visitor, snapshot_id, decisions.SCENARIO_REMOVED, body)
    visitor.log("deleted a scenario", scenario=scenario_id)


def scenario_names(log: Sequence[Decision], *, sample: bool) -> dict[str, str]:
    """Return the names of the scenarios that stand, by id."""
    return {scenario_id: one.name for scenario_id, one in _standing(log, sample=sample).items()}


def _checked_name(name: str) -> str:
    return str(checked_text(name, "the name", LONGEST_NAME, needed=True))


def _standing(log: Sequence[Decision], *, sample: bool) -> dict[str, _Standing]:
    """Return what stands on one's own data, or on the sample company, by the id of the scenario."""
    found: dict[str, _Standing] = {}
    for line in decisions.in_force(log, sample=sample):
        if line.kind == decisions.SCENARIO:
            key = line.body["scenario_id"]
            earlier = found.get(key)
            lines = earlier.lines if earlier else ()
            found[key] = _Standing(line.body["name"], (*lines, line))
        elif line.kind == decisions.SCENARIO_RENAMED and line.body["scenario_id"] in found:
            key = line.body["scenario_id"]
            found[key] = replace(found[key], name=line.body["name"])
        elif line.kind == decisions.SCENARIO_REMOVED:
            found.pop(line.body["scenario_id"], None)
    return found


def _numbers(log: Sequence[Decision]) -> list[tuple[str, int]]:
    """Return every version that was ever saved, undone or not: a number means one thing for good."""
    return [(line.body["scenario_id"], line.body["version"]) for line in log if line.kind == decisions.SCENARIO]


def _known(standing: Mapping[str, _Standing], scenario_id: str) -> _Standing:
    found = standing.get(scenario_id)
    if found is None:
        msg = "there is no such scenario: choose one of the list"
        raise InputError(msg)
    return found


def _read(visitor: Visitor, standing: Mapping[str, _Standing]) -> list[Scenario]:
    """Return the versions as they were saved; one whose content is lost is left out."""
    wanted = {line.body["content"] for one in standing.values() for line in one.lines}
    kept = visitor.workspace.catalog.scenarios(visitor.workspace.name, wanted)
    return [
        Scenario(
            scenario_id=scenario_id,
            name=one.name,
            version=line.body["version"],
            versions=len(one.lines),
            text=kept[line.body["content"]][0],
            made_by=line.body.get("by") or "",
            made_at=line.decided_at,
            told=kept[line.body["content"]][1],
        )
        for scenario_id, one in standing.items()
        for line in one.lines
        if line.body["content"] in kept
    ]
