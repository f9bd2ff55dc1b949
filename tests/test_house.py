"""The rules of the house, kept by reading the source: who may import what, one door each, planning pure.

Each rule is a function from a module's path and syntax tree to its offences, and is shown to catch one.
"""

import ast
import os
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ("app.py", "pages", "planning", "data", "tests")
TOP_LEVEL = {
    "app.py", "pages", "planning", "data", "tests", "requirements.txt", "README.md",
    "pyproject.toml", "CHANGELOG.md", "Dockerfile", ".streamlit", ".ci", ".gitignore", ".dockerignore", ".git",
}  # fmt: skip
PAGE_LINES = 80
RUN = (
    "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt"
    " && .venv/bin/streamlit run app.py --server.address localhost"
)
TEST = "python3 -m venv .venv && .venv/bin/pip install -r tests/requirements.txt && .venv/bin/python -m pytest"

FILES_NETWORK_CLOCK = {
    "os", "sys", "pathlib", "shutil", "tempfile", "glob", "subprocess", "socket", "urllib", "http", "requests",
    "time", "random", "secrets", "uuid", "logging", "pickle", "sqlite3",
}  # fmt: skip
READS_OR_WRITES = {"to_csv", "to_parquet", "to_excel", "to_pickle", "read_text", "write_text", "writeLP", "writeMPS"}
SEEDED = {"default_rng", "Generator", "SeedSequence", "PCG64", "Philox"}
VAGUE_NAMES = {"utils", "helpers", "common", "misc"}
OF_PLANNING = {"tables", "errors", "params"}
OF_PLANNING_FOR_SERVICE = OF_PLANNING | {"pipeline", "scenario", "result", "limited"}

Rule = Callable[[str, ast.Module], Iterator[str]]


def imported(tree: ast.Module) -> set[str]:
    """Dotted names of all that is imported, also inside functions: `from a import b` is both a and a.b."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def packages(tree: ast.Module) -> set[str]:
    return {name.split(".")[0] for name in imported(tree)}


def nodes(tree: ast.Module, kind: type[ast.AST]) -> Iterator[ast.AST]:
    return (node for node in ast.walk(tree) if isinstance(node, kind))


def called(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """Each call with the bare name of what is called: `a.b.c()` is c."""
    for call in nodes(tree, ast.Call):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        yield name, call


def identifiers(tree: ast.Module) -> set[str]:
    """Every name and attribute that the code uses; texts and comments do not count."""
    used = {node.id for node in nodes(tree, ast.Name)} | {node.attr for node in nodes(tree, ast.Attribute)}
    return used | {part for name in imported(tree) for part in name.split(".")}


def is_pure(path: str) -> bool:
    return path.startswith("planning/") and path != "planning/__main__.py"


def is_script(path: str) -> bool:
    return path == "app.py" or (path.startswith("pages/") and path.count("/") == 1)


def planning_imports_no_front_no_store_and_no_files(path: str, tree: ast.Module) -> Iterator[str]:
    if is_pure(path):
        outside = {"streamlit", "plotly", "duckdb", "sqlalchemy", "pyarrow", "data", "pages", "app"}
        yield from sorted(packages(tree) & (outside | FILES_NETWORK_CLOCK))


def planning_opens_no_file_and_reads_no_clock(path: str, tree: ast.Module) -> Iterator[str]:
    if is_pure(path):
        for name, call in called(tree):
            if name in READS_OR_WRITES | {"open", "input", "now", "today", "utcnow"}:
                yield name
            if name.startswith("read_") and getattr(getattr(call.func, "value", None), "id", "") in ("pd", "pandas"):
                yield name


def planning_draws_only_from_seeded_generators(path: str, tree: ast.Module) -> Iterator[str]:
    if is_pure(path):
        for node in nodes(tree, ast.Attribute):
            if isinstance(node.value, ast.Attribute) and node.value.attr == "random" and node.attr not in SEEDED:
                yield f"random.{node.attr}"
        for name, call in called(tree):
            if name == "default_rng" and not (call.args or call.keywords):
                yield "default_rng() without a seed"
            if name == "rvs" and "random_state" not in {keyword.arg for keyword in call.keywords}:
                yield "rvs() without random_state"
        yield from sorted(name for name in imported(tree) if name.startswith("numpy.random"))


def data_knows_no_front_and_of_planning_only_the_contract(path: str, tree: ast.Module) -> Iterator[str]:
    if path.startswith("data/"):
        yield from sorted(packages(tree) & {"streamlit", "plotly", "statsforecast", "pulp", "pages", "app"})
        allowed = OF_PLANNING_FOR_SERVICE if path == "data/service.py" else OF_PLANNING
        parts = (name.split(".") for name in imported(tree) if name.startswith("planning."))
        yield from sorted({f"planning.{part[1]}" for part in parts if part[1] not in allowed})


def pages_know_no_store_and_no_solver(path: str, tree: ast.Module) -> Iterator[str]:
    if path.startswith("pages/") or path == "app.py":
        yield from sorted(packages(tree) & {"duckdb", "sqlalchemy", "pulp", "statsforecast", "app"})


def charts_know_no_streamlit(path: str, tree: ast.Module) -> Iterator[str]:
    if path.startswith("pages/components/charts"):
        yield from sorted(packages(tree) & {"streamlit"})


DOORS = {
    "duckdb": "data/duck.py",
    "statsforecast": "planning/forecast.py",
    "session_state": "pages/components/session.py",
    "cache_data": "pages/components/cached.py",
    "cache_resource": "pages/components/cached.py",
    "highspy": "planning/solver.py",
    "HiGHS": "planning/solver.py",
    "COIN_CMD": "planning/solver.py",
    "PULP_CBC_CMD": "planning/solver.py",
}


def each_thing_has_one_door(path: str, tree: ast.Module) -> Iterator[str]:
    if not path.startswith("tests/"):
        used = identifiers(tree)
        yield from (f"{name} belongs in {door}" for name, door in DOORS.items() if name in used and path != door)


def imports_are_absolute_and_by_name(path: str, tree: ast.Module) -> Iterator[str]:  # noqa: ARG001
    for node in nodes(tree, ast.ImportFrom):
        if node.level:
            yield f"relative import of {node.module}"
        if any(alias.name == "*" for alias in node.names):
            yield f"from {node.module} import *"
    yield from (name for name, _ in called(tree) if name in ("__import__", "import_module"))


def modules_are_named_by_their_idea(path: str, tree: ast.Module) -> Iterator[str]:  # noqa: ARG001
    yield from sorted(VAGUE_NAMES & set(Path(path).with_suffix("").parts))


def modules_hold_no_mutable_state(path: str, tree: ast.Module) -> Iterator[str]:
    # A page is a script: it runs anew each time, and keeps nothing at its top level.
    if path.startswith("tests/") or is_script(path):
        return
    yield from (f"global {', '.join(node.names)}" for node in nodes(tree, ast.Global))
    for node in tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign):
            continue
        names = [getattr(target, "id", "") for target in getattr(node, "targets", [getattr(node, "target", None)])]
        final = isinstance(node, ast.AnnAssign) and "Final" in ast.unparse(node.annotation)
        if names != ["__all__"] and not final and _is_mutable(node.value):
            yield names[0]


def _is_mutable(value: ast.expr | None) -> bool:
    if isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp):
        return True
    made_by = getattr(value, "func", None)
    makers = {"list", "dict", "set", "bytearray", "defaultdict", "deque", "Counter", "OrderedDict"}
    return getattr(made_by, "id", getattr(made_by, "attr", "")) in makers


RULES: dict[Rule, list[tuple[str, str]]] = {
    planning_imports_no_front_no_store_and_no_files: [
        ("planning/policy.py", "import streamlit as st"),
        ("planning/policy.py", "from data import store"),
        ("planning/policy.py", "def f():\n    from data.store import read"),
        ("planning/policy.py", "from pathlib import Path"),
        ("planning/policy.py", "import urllib.request"),
        ("planning/policy.py", "import plotly.graph_objects as go"),
    ],
    planning_opens_no_file_and_reads_no_clock: [
        ("planning/policy.py", "text = open('a.csv').read()"),
        ("planning/policy.py", "day = date.today()"),
        ("planning/policy.py", "t = pd.Timestamp.now()"),
        ("planning/policy.py", "table = pd.read_csv(name)"),
        ("planning/policy.py", "table.to_parquet(name)"),
    ],
    planning_draws_only_from_seeded_generators: [
        ("planning/policy.py", "x = np.random.normal()"),
        ("planning/policy.py", "np.random.seed(0)"),
        ("planning/policy.py", "rng = np.random.default_rng()"),
        ("planning/policy.py", "from numpy.random import normal"),
        ("planning/policy.py", "x = norm.rvs(size=3)"),
    ],
    data_knows_no_front_and_of_planning_only_the_contract: [
        ("data/store.py", "import streamlit"),
        ("data/store.py", "from planning.pipeline import plan"),
        ("data/store.py", "from planning import policy"),
        ("data/service.py", "from planning import policy"),
        ("data/service.py", "import pulp"),
    ],
    pages_know_no_store_and_no_solver: [
        ("pages/stock.py", "import duckdb"),
        ("pages/components/cached.py", "from sqlalchemy import text"),
        ("app.py", "import pulp"),
    ],
    charts_know_no_streamlit: [
        ("pages/components/charts.py", "import streamlit as st"),
        ("pages/components/charts_stock.py", "from streamlit import theme"),
    ],
    each_thing_has_one_door: [
        ("data/store.py", "import duckdb"),
        ("planning/policy.py", "def f():\n    from statsforecast.models import AutoETS"),
        ("pages/stock.py", "st.session_state['a'] = 1"),
        ("pages/components/tables.py", "@st.cache_data\ndef f(): pass"),
        ("planning/allocate.py", "problem.solve(pulp.HiGHS(msg=False))"),
    ],
    imports_are_absolute_and_by_name: [
        ("planning/policy.py", "from . import params"),
        ("tests/test_a.py", "from planning.params import *"),
        ("data/store.py", "duck = importlib.import_module('duckdb')"),
    ],
    modules_are_named_by_their_idea: [("data/utils.py", ""), ("pages/helpers/a.py", ""), ("tests/common.py", "")],
    modules_hold_no_mutable_state: [
        ("planning/policy.py", "CACHE = {}"),
        ("planning/policy.py", "CACHE: dict[str, int] = {}"),
        ("data/store.py", "SEEN = set()"),
        ("pages/components/tables.py", "NAMES = [name for name in 'ab']"),
        ("planning/policy.py", "def f():\n    global count\n    count = 1"),
    ],
}
"""Each rule with offences against it, as (path, code)."""

LAWFUL = [
    ("planning/__main__.py", "import sys\nfrom data import service\nfrom pathlib import Path\nopen('a')"),
    ("planning/forecast.py", "def f():\n    from statsforecast import StatsForecast"),
    ("planning/solver.py", "import pulp\nsolver = pulp.HiGHS(msg=False)"),
    ("planning/policy.py", "rng = np.random.default_rng(seed)\nx = rng.normal()\nfrom numpy.typing import NDArray"),
    ("planning/policy.py", '"""Solved by HiGHS; no duckdb here."""\nNAMES = ("a",)\nLOOKUP = MappingProxyType({})'),
    ("data/duck.py", "import duckdb"),
    ("data/service.py", "from planning import pipeline, params\nfrom planning.result import PlanResult"),
    ("data/store.py", "from planning.tables import INPUT_TABLES\nt = datetime.now(UTC)\n__all__ = ['a']"),
    ("pages/components/session.py", "st.session_state['a'] = 1"),
    ("pages/stock.py", "names = ['a']"),
    ("pages/components/charts_stock.py", "import plotly.graph_objects as go"),
    ("tests/test_a.py", "import duckdb\nCASES = [1, 2]"),
]


def modules() -> Iterator[tuple[str, str]]:
    for source in SOURCES:
        found = [ROOT / source] if source.endswith(".py") else sorted((ROOT / source).rglob("*.py"))
        yield from ((path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in found)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_source_keeps_the_rule(rule):
    offences = [f"{path}: {offence}" for path, code in modules() for offence in rule(path, ast.parse(code))]
    assert not offences, "\n".join(offences)


@pytest.mark.parametrize(
    ("rule", "path", "code"), [(rule, *planted) for rule, offences in RULES.items() for planted in offences]
)
def test_the_rule_catches_a_planted_offence(rule, path, code):
    assert list(rule(path, ast.parse(code)))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize(("path", "code"), LAWFUL)
def test_the_rule_lets_lawful_code_be(rule, path, code):
    assert not list(rule(path, ast.parse(code)))


def too_long(text: str) -> bool:
    return len(text.splitlines()) > PAGE_LINES


def test_pages_are_short():
    pages = sorted((ROOT / "pages").glob("*.py"))
    assert [page.name for page in pages if too_long(page.read_text(encoding="utf-8"))] == []
    assert too_long("a\n" * (PAGE_LINES + 1))
    assert not too_long("a\n" * PAGE_LINES)


def misplaced(names: list[str], ignored: str) -> list[str]:
    """Names at the top level that are neither the layout's nor ignored."""
    left_by_tools = {line.strip("/") for line in ignored.splitlines()}
    return sorted(set(names) - TOP_LEVEL - left_by_tools)


def test_the_top_level_holds_only_what_the_layout_names():
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8")
    assert misplaced(os.listdir(ROOT), ignored) == []
    assert misplaced(["app.py", "notes.txt", ".venv"], ".venv/\n") == ["notes.txt"]


def code_lines(markdown: str) -> list[str]:
    """The lines inside code fences, empty ones left out."""
    lines, fenced = [], False
    for line in markdown.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif fenced and line.strip():
            lines.append(line)
    return lines


def test_the_readmes_first_two_lines_of_code_run_and_test_the_project():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert code_lines(readme)[:2] == [RUN, TEST]
    assert code_lines("Run `a`:\n```\nb\n\n```\nc\n```bash\nd\n```") == ["b", "d"]


def test_continuous_integration_runs_what_the_readme_says_and_forgives_nothing():
    script = ROOT / ".ci" / "run"
    text = script.read_text(encoding="utf-8")
    assert os.access(script, os.X_OK)
    assert "set -euo pipefail" in text
    assert "|| true" not in text
    for check in ("ruff check", "ruff format --check", "mypy"):
        assert check in text


def test_the_server_reads_its_settings():
    """Streamlit passes over a file that is not TOML, and with it every setting that guards a visitor."""
    told = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert told["browser"]["gatherUsageStats"] is False
    assert told["client"]["disableDataExport"] is True
    assert told["client"]["showErrorDetails"] == "none"
    assert told["server"]["enableXsrfProtection"] is True
