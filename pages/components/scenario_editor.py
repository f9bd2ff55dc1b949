"""Writing a scenario of one's own: what is supposed of the world, any parameter, and how it is called."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import streamlit as st

from data.deciding import LONGEST_NAME
from data.scenarios import LONGEST_TEXT
from pages.components import cached, scenario_acts, scenario_runs, session
from pages.components.formats import literal
from pages.components.scenario_runs import DRAFT, TODAY, Asked, Draft
from planning import scenario
from planning.errors import ParameterError
from planning.params import ABC_CLASSES, Params, meaning
from planning.result import PlanResult
from planning.what_if import DAYS, Change

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "demand": "Demand",
        "late_supplier": "Late supplier",
        "closed": "Closed lane",
        "cost": "Costs",
        "price": "Prices",
    }
)
ALL = "All"
MOST_OPTIONS = 5_000
"""Of more items than this one is typed, not picked from a list."""
GROUPED = "targets_of"


def show(whole: PlanResult, known: Mapping[str, Asked]) -> None:
    """Draw the editor."""
    mine = scenario_runs.draft() or Draft(whole.params)
    _begin(known)
    told = scenario.differences(whole.params, mine.params)
    if told:
        st.markdown("\n".join(f"- {literal(line)}" for line in told))
    else:
        st.caption("Nothing is changed yet: suppose something of the world, or set a parameter.")
    world, setting = st.columns(2, gap="medium")
    with world, st.container(border=True):
        _change(mine, whole)
    with setting, st.container(border=True):
        _parameter(mine, whole)
    _taken_back(mine, whole)
    _keep(mine)


def _begin(known: Mapping[str, Asked]) -> None:
    """Begin with today's plan or any scenario."""
    keys = ["", *(key for key in known if key != DRAFT)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        start = st.selectbox(
            "Begin with",
            keys,
            format_func=lambda key: known[key].name if key in known else TODAY,
            key="scenario_start",
            width=320,
        )
        st.button(
            "Begin anew",
            key="scenario_begin",
            icon=":material/restart_alt:",
            on_click=_restart,
            args=(known.get(str(start)),),
        )


def _restart(start: Asked | None) -> None:
    if start is None:
        scenario_runs.begin(None)
        return
    named = (start.name, start.text, start.version) if start.scenario_id else ("", "", 0)
    scenario_runs.begin(Draft(start.params, *named))
    scenario_runs.choose(DRAFT)


def change(mine: Draft, **changes: Any) -> bool:
    """Change parameters of the scenario that is being written; one that does not fit is said in words."""
    try:
        params = mine.params.but(**changes)
    except ParameterError as fault:
        session.complain(str(fault))
        return False
    scenario_runs.write(replace(mine, params=params))
    scenario_runs.choose(DRAFT)
    return True


# --- what is supposed of the world ------------------------------------------------------------------------------------


def _change(mine: Draft, whole: PlanResult) -> None:
    st.markdown("**Suppose**")
    kind = str(
        st.segmented_control(
            "What changes",
            list(KINDS),
            format_func=KINDS.__getitem__,
            default="demand",
            key="change_kind",
            required=True,
        )
    )
    fields = {name: _field(name, kind, whole) for name in (*Change.ASKS[kind], *Change.MAY[kind])}
    # Drawn after the fields: what was typed last counts.
    if st.button("Suppose it", key="change_add", icon=":material/add:"):
        _add(mine, kind, fields)
        st.rerun()


def _field(name: str, kind: str, whole: PlanResult) -> Any:
    """One field of a change, drawn; its value, None where nothing is told."""
    key = f"change_{name}"
    if name == "factor":
        more = st.number_input("By how much (%)", -100.0, 9900.0, value=15.0, step=5.0, format="%.1f", key=key)
        return round(1 + float(more) / 100, 6)
    if name == "days":
        label = "Days later" if kind == "late_supplier" else "For how many days"
        return int(st.number_input(label, *DAYS, value=21 if kind == "late_supplier" else 14, key=f"{key}_{kind}"))
    if name == "open_orders":
        return bool(st.toggle("Open orders are late too", value=True, key=key)) or None
    if name in ("starts_on", "ends_on"):
        label = "From" if name == "starts_on" else "Until"
        return st.date_input(f"{label} (empty: no limit)", value=None, key=key, format="YYYY-MM-DD")
    return _pick(name, kind, whole, key)


def _pick(name: str, kind: str, whole: PlanResult, key: str) -> str | None:
    labels = {
        "item_id": "Item",
        "category": "Category",
        "location_id": "Location",
        "supplier_id": "Supplier",
        "source_id": "Sends nothing",
        "destination_id": "To",
    }
    options = _options(name, whole)
    if name == "item_id" and len(options) > MOST_OPTIONS:
        return st.text_input("Item (empty: all)", key=key, max_chars=200).strip() or None
    needed = name in Change.ASKS[kind]
    if needed and not options:
        st.caption("No location feeds another.")
        return None
    return st.selectbox(labels[name], options, index=0 if needed else None, placeholder=ALL, key=key, format_func=str)


def _options(name: str, whole: PlanResult) -> list[str]:
    items = whole.items
    if name == "source_id":
        return sorted(items["fed_by"].dropna().unique())
    column = "location_id" if name == "destination_id" else name
    facets = cached.facets(session.visitor(), str(session.snapshot_id()))
    listed = {"category": facets.category, "supplier_id": facets.supplier, "location_id": facets.location}
    return list(listed[column]) if column in listed else sorted(items[column].dropna().astype(str).unique())


def _add(mine: Draft, kind: str, fields: Mapping[str, Any]) -> None:
    told = {name: value for name, value in fields.items() if value is not None}
    supposed = [one.to_dict() for one in mine.params.what_if]
    change(mine, what_if=[*supposed, {"kind": kind, **told}])


# --- any parameter ----------------------------------------------------------------------------------------------------


def _parameter(mine: Draft, whole: PlanResult) -> None:
    st.markdown("**Set**")
    names = [name for name in Params.__dataclass_fields__ if name not in ("what_if", "currency", "seed")]
    name = str(
        st.selectbox(
            "Parameter",
            names,
            index=names.index("service_target"),
            format_func=scenario.parameter_name,
            key="param_name",
            help="Each parameter of a plan.",
        )
    )
    st.caption(f"{meaning(name)}.")
    value = _value(name, mine.params, whole)
    if st.button("Set it", key="param_set", icon=":material/tune:"):
        change(mine, **{name: value})
        st.rerun()


def _value(name: str, params: Params, whole: PlanResult) -> Any:
    """The field of a parameter, drawn by its rule; what it holds."""
    rule, now, key = Params.__dataclass_fields__[name].metadata, getattr(params, name), f"param_value_{name}"
    if GROUPED in rule:
        return _targets(name, dict(now), rule[GROUPED], whole)
    if rule.get("ids"):
        places = sorted(whole.items["location_id"].dropna().unique())
        return st.multiselect("Locations", places, default=[v for v in now or () if v in places], key=key) or None
    if isinstance(now, bool):
        return st.toggle("Yes", value=now, key=key)
    if "choices" in rule:
        return st.selectbox(
            "Value",
            rule["choices"],
            index=rule["choices"].index(now),
            key=key,
            format_func=lambda choice: str(choice).replace("_", " "),
        )
    empty = {"placeholder": "Empty"} if rule.get("nullable") else {}
    if Params.__annotations__[name] in (int, int | None):
        return st.number_input("Value", int(rule["low"]), int(rule["high"]), value=now, key=key, **empty)
    times = 100.0 if rule.get("fraction") or name in scenario.SHARES else 1.0
    shown = st.number_input(
        "Value (%)" if times > 1 else "Value",
        times * rule["low"],
        times * rule["high"],
        value=None if now is None else round(times * now, 6),
        key=key,
        **empty,
    )
    return None if shown is None else round(float(shown) / times, 8)


def _targets(name: str, now: dict[str, float], groups: tuple[str, ...], whole: PlanResult) -> dict[str, float]:
    """Targets by group: one group at a time."""
    column = "category" if name.endswith("category") else "supplier_id"
    options = list(groups) or _options(column, whole)
    group = st.selectbox("Of", options or list(ABC_CLASSES), key=f"{name}_of")
    told = st.number_input(
        "Target (%), empty: as the others",
        0.1,
        99.99,
        value=round(100 * now[group], 4) if group in now else None,
        key=f"{name}_target_{group}",
    )
    left = {key: value for key, value in now.items() if key != group}
    return left if told is None else {**left, str(group): round(float(told) / 100, 8)}


# --- taking back, and keeping -----------------------------------------------------------------------------------------


def _taken_back(mine: Draft, whole: PlanResult) -> None:
    """The way back of each thing that is supposed or set."""
    before, after = whole.params.to_dict(), mine.params.to_dict()
    changed = [name for name in after if after[name] != before[name] and name != "what_if"]
    if not changed and not mine.params.what_if:
        return
    with st.container(horizontal=True):
        for n, one in enumerate(mine.params.what_if):
            rest = [other.to_dict() for k, other in enumerate(mine.params.what_if) if k != n]
            _back(f"change_drop_{n}", one.words(), mine, what_if=rest)
        for name in changed:
            _back(f"param_drop_{name}", scenario.parameter_name(name), mine, **{name: before[name]})


def _back(key: str, label: str, mine: Draft, **changes: Any) -> None:
    st.button(
        literal(label[:80]),
        key=key,
        type="tertiary",
        icon=":material/close:",
        help="Take it back",
        on_click=change,
        args=(mine,),
        kwargs=changes,
    )


def _keep(mine: Draft) -> None:
    with st.form("scenario_keep", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        # A field that was drawn once keeps what it holds: another scenario has fields of its own.
        fresh = scenario_runs.times_begun() or ""
        name = st.text_input("Name", mine.name, LONGEST_NAME, key=f"scenario_name{fresh}", width=260)
        text = st.text_input("What it is for", mine.text, LONGEST_TEXT, key=f"scenario_text{fresh}", width=360)
        if st.form_submit_button("Keep it", type="primary", icon=":material/save:"):
            scenario_acts.keep(mine, name or "", text or "")
            # A refusal is told at the top of the page.
            st.rerun()
