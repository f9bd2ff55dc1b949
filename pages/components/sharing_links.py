"""Share links, asked of `data.service`; a refusal is told, never raised."""

from collections.abc import Mapping
from types import MappingProxyType

import pandas as pd

from data import service
from pages.components import cached, decided, session
from pages.components.admission import REPLAYED, VIEWED
from planning.errors import PlanningError
from planning.kpi import Kpi
from planning.limited import MONEY_SAID
from planning.params import Params
from planning.replay_measures import ReplayResult
from planning.result import PlanResult
from planning.scenario import differences

LONGEST_SCENARIO = 80


def make(
    plan: PlanResult,
    *,
    scenario: str,
    name: str,
    supplier: str | None,
    location: str | None,
    hide_costs: bool,
    trials: bool,
    days: int,
    compared: Mapping[str, PlanResult] = MappingProxyType({}),
    replay: tuple[ReplayResult, pd.DataFrame] | None = None,
) -> service.NewLink | str:
    """Make a link that opens this page with these filters on this plan; or return why there is none.

    A scenario that is shown alone opens on the first page; with others beside it (`compared`) on Scenarios. Replay
    opens where a replay is shared, with its exchange curve.
    """
    who, snapshot = decided.here()
    opened = VIEWED if replay is None else {**VIEWED, **REPLAYED}
    page = "scenarios" if compared else session.page() if session.page() in opened else ""
    try:
        return service.make_link(
            who,
            snapshot,
            plan,
            page=page,
            view=session.view_address(),
            # It may name lines that are not theirs to see.
            scenario="" if supplier or location else _supposed(plan, scenario, hide_costs=hide_costs),
            name=name,
            supplier=supplier,
            location=location,
            hide_costs=hide_costs,
            trials=trials,
            days=days,
            compared=compared,
            past=cached.recorded(who, snapshot, plan.as_of, plan.params),
            figures=lambda keys: _figures(plan, keys),
            replay=replay,
        )
    except PlanningError as fault:
        return str(fault)


def _figures(plan: PlanResult, keys: pd.DataFrame | None) -> Mapping[str, Kpi]:
    """The key figures of these lines; none where they cannot be made, which is no reason to share nothing."""
    who, snapshot = decided.here()
    try:
        return cached.figures(who, snapshot, plan.as_of, plan.params, keys)
    except PlanningError:
        return {}


def every() -> list[service.LinkRecord]:
    """The links of this workspace, the newest first."""
    try:
        return service.list_links(session.visitor())
    except PlanningError as fault:
        session.complain(str(fault))
        return []


def withdraw(link_id: str) -> bool:
    """Withdraw a link; tell whether it was done."""
    return decided.attempt(lambda who, _: service.revoke_link(who, link_id))


def _supposed(plan: PlanResult, scenario: str, *, hide_costs: bool) -> str:
    """What is supposed in this plan, in words, cut short; without what might tell of money where that is hidden."""
    changes = [scenario] if scenario else differences(Params(currency=plan.params.currency), plan.params)
    told = "; ".join(change for change in changes if not (hide_costs and MONEY_SAID.search(change)))
    return told if len(told) <= LONGEST_SCENARIO else f"{told[: LONGEST_SCENARIO - 2]} …"
