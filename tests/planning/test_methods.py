"""The table of methods in planning/README.md names functions and tests that exist, each with a source."""

import ast
import re
from pathlib import Path

import pytest

from planning.params import FORECAST_MODELS
from planning.smoothing import FAMILY, Member

ROOT = Path(__file__).parents[2]
README = (ROOT / "planning" / "README.md").read_text(encoding="utf-8")
HEADINGS = ["what", "in one line", "function", "source", "test"]


def names_in(path: Path) -> set[str]:
    """Functions of a module, and methods as Class.method; none where there is no such file."""
    if not path.is_file():
        return set()
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{method.name}" for method in node.body if isinstance(method, ast.FunctionDef)}
    return found


def rows(markdown: str) -> list[list[str]]:
    """The rows of all tables, cells stripped, headings and rules left out."""
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row != HEADINGS and not set("".join(row)) <= set("-")]


def faults(row: list[str]) -> list[str]:
    """What a row names that does not exist, or leaves out."""
    if len(row) != len(HEADINGS) or not all(row):
        return [f"{len(row)} cells, or an empty one: {row}"]
    what, _, functions, _, tests = row
    named = [name.split(".", 1) for name in re.findall(r"`([^`]+)`", functions)]
    tested = [name.split("::") for name in re.findall(r"`([^`]+)`", tests)]
    found = [f"{what}: no function is named"] if not named else []
    found += [f"{what}: no test is named"] if not tested else []
    for module, *name in named:
        if not set(name) or not set(name) <= names_in(ROOT / "planning" / f"{module}.py"):
            found.append(f"{what}: there is no planning.{'.'.join([module, *name])}")
    for module, *name in tested:
        if not set(name) or not set(name) <= names_in(ROOT / "tests" / "planning" / f"{module}.py"):
            found.append(f"{what}: there is no test {'::'.join([module, *name])}")
    return found


def test_the_tables_hold_methods():
    assert len(rows(README)) >= 30
    headings = [line for line in README.splitlines() if line.startswith("| what")]
    assert headings == ["| " + " | ".join(HEADINGS) + " |"] * 6


@pytest.mark.parametrize("row", rows(README), ids=lambda row: row[0])
def test_a_method_names_a_function_a_source_and_a_test_that_exist(row):
    assert faults(row) == []


@pytest.mark.parametrize(
    ("row", "missing"),
    [
        (
            ["A", "b", "`policy.no_such_formula`", "c", "`test_policy::test_more_service_never_needs_less`"],
            "planning.policy",
        ),
        (["A", "b", "`no_such_module.f`", "c", "`test_policy::test_more_service_never_needs_less`"], "no_such_module"),
        (["A", "b", "`policy.critical_ratio`", "c", "`test_policy::test_no_such_thing`"], "test_no_such_thing"),
        (["A", "b", "`policy.critical_ratio`", "c", "by eye"], "no test is named"),
        (["A", "b", "`policy.critical_ratio`", "", "`test_policy::test_x`"], "empty"),
        (["A", "b", "`policy`", "c", "`test_policy`"], "planning.policy"),
    ],
)
def test_a_row_that_names_what_is_not_there_is_caught(row, missing):
    assert any(missing in fault for fault in faults(row))


MODULES = (
    "demand season smoothing forecast told launch past choice spread distribution lead_time policy orders replenish "
    "network allocate classify accuracy"
)


@pytest.mark.parametrize("module", MODULES.split())
def test_every_module_of_formulas_has_its_line(module):
    named = {name.split(".")[0] for row in rows(README) for name in re.findall(r"`([^`]+)`", row[2])}
    assert module in named


def said(member: Member) -> str:
    """How the table names a member: means by their weeks, smoothers of one constant together."""
    return {"mean": str(member.days // 7), "ses": "SES by constant", "tsb": "TSB"}.get(member.kind, member.name)


def test_every_model_is_named():
    told = " ".join(row[1] for row in rows(README) if row[0] in ("Levels", "Models of the library", "Category's trend"))
    for member in FAMILY[7]:
        assert said(member) in told
    members = {member.name for member in FAMILY[7]}
    for model in set(FORECAST_MODELS) - members - {"auto", "Combination"}:
        assert model in told
