"""A hosted server with the sample company, for tests of who sees what: its planner, and links to one plan."""

from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from data import passphrase, service
from data.store import Workspace
from pages.components import cached
from planning.params import Params
from planning.result import PlanResult

ROOT = Path(__file__).parents[2]
WORDS = "seven quiet boats at noon"
HASH = passphrase.hashed(WORDS)
PARAMS = Params(currency="€")


def planner() -> service.Visitor:
    return service.Visitor("hosted", Workspace(), name="Kim")


def sample_plan(visitor: service.Visitor) -> tuple[str, PlanResult]:
    """The plan of the sample company, whose forecast comes with the program."""
    snapshot = service.use_sample(visitor)
    as_of = cached.default_as_of(visitor, snapshot)
    plan = cached.plan(visitor, snapshot, as_of, PARAMS)
    assert plan is not None
    return snapshot, plan


def link(page: str = "", **told: Any) -> str:
    """A token that shows the plan of the sample company."""
    who = planner()
    snapshot, plan = sample_plan(who)
    return service.make_link(who, snapshot, plan, page=page, **told).token


def opened(token: str = "", page: str = "", **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=90)
    for name, value in query.items():
        app.query_params[name] = value
    if token:
        app.query_params["share"] = token
    app.run()
    return app.switch_page(page).run() if page else app


def said(app: AppTest) -> str:
    """All that an app says, in whatever element, as its messages hold it."""
    return "\n".join(str(element.proto) for element in _leaves(app))


def _leaves(app: AppTest) -> list[Any]:
    found, waiting = [], [app._tree]
    while waiting:
        node = waiting.pop()
        children = getattr(node, "children", None)
        if children is not None:
            waiting.extend(children.values())
        if getattr(node, "proto", None) is not None:
            found.append(node)
    return found
