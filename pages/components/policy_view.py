"""The lines of the policy: edit a target or a safety stock in place and see what it does; set many at once; reset."""

from typing import Any

import pandas as pd
import streamlit as st

from pages.components import decided, glossary, headline, ordering, pinning, policy_lines, session, tables
from pages.components.controls import MEASURES
from pages.components.formats import count, days, known, literal, money, percent, units
from pages.components.lines import KEYS
from pages.components.policy_lines import Sums
from planning.result import PlanResult

ORDER = (
    "item_id",
    "location_id",
    "target",
    "safety_stock",
    "promised",
    "stock_value",
    "lost_margin",
    "lost_units",
    "item_name",
    "abc_class",
    "source",
    "demand_class",
    "lead_time_days",
)
LEVELS = (
    "item_id",
    "item_name",
    "location_id",
    "abc_class",
    "policy_type",
    "safety_stock",
    "reorder_point",
    "order_up_to_level",
    "expected_fill_rate",
    "expected_cycle_service_level",
    "implied_service",
    "demand_mean_per_day",
    "lead_time_days",
    "lead_time_from",
    "service_target",
    "service_target_from",
    "demand_class",
    "model",
)
EDITABLE = ("target", "safety_stock")
MOST_ROWS = 500
LONGEST_REASON = 500
HEIGHT = 440


def show(plan: PlanResult) -> None:
    """Draw the tab."""
    rows = policy_lines.by_loss(plan)
    now = policy_lines.sums(rows)
    said = session.kept("policy_edit")
    if said is not None:
        session.keep("policy_edit", None)
        st.success(f"{said[1]} {_change(said[0], now, literal(plan.params.currency))}", icon=":material/push_pin:")
    can, cost = pinning.possible(), plan.params.service_measure == "cost"
    if can:
        st.text_input(
            "Reason",
            key="policy_reason",
            max_chars=LONGEST_REASON,
            placeholder="Reason: kept with each value that you set",
            label_visibility="collapsed",
        )
    st.caption(
        "The lines that lose the most first. "
        + ("Under least cost no target decides: each line is held as long as a unit saves more than it costs. " * cost)
        + (f"Set a {'' if cost else 'target or a '}safety stock in its cell; empty it and the rules decide." * can)
    )
    shown = _shown(rows.head(MOST_ROWS))
    _editor(shown, now, plan, editable=can)
    if len(rows) > len(shown):
        st.caption(f"The first {len(shown):,} of {count(len(rows), 'line')}; filters and downloads reach the rest.")
    tables.downloads(rows, "policy", plan, key="policy")
    if can:
        _many(rows, now, targets=not cost)


def targets_told(plan: PlanResult) -> None:
    """What the plan aims at, for who may only look."""
    params = plan.params
    told = {"Measure": MEASURES[params.service_measure]}
    if params.service_measure != "cost":
        told["Target"] = percent(params.service_target)
        told |= {f"Target of class {name}": percent(v) for name, v in sorted(params.service_target_by_class.items())}
    told |= {"Review every": days(params.review_period_days), "Unmet demand is": params.unmet_demand}
    if params.coverage_days is not None:
        told["An order lasts"] = days(params.coverage_days)
    st.table(told, border="horizontal")


def levels(plan: PlanResult) -> None:
    """Every level of every line, with where it comes from."""
    rows = headline.with_names(plan.policy, plan).sort_values(["abc_class", "expected_fill_rate"])
    st.caption("By value class, the lowest service first.")
    tables.show(rows, "policy", plan=plan, key="levels", order=LEVELS, alt="Safety stock and levels by line")


def _change(before: Sums, now: Sums, currency: str) -> str:
    """What an edit did to the lines in view."""

    def step(value: float, words: str) -> str:
        return f"{words} {'+' if value >= 0 else '−'}"

    parts = [
        f"{step(now.lost_units - before.lost_units, 'lost sales')}"
        f"{units(round(abs(now.lost_units - before.lost_units)))} a year"
    ]
    for name, words in (("stock_value", "stock"), ("lost_margin", "lost margin")):
        more = getattr(now, name) - getattr(before, name)
        if known(more):
            each = " a year" if name == "lost_margin" else ""
            parts.append(f"{step(more, words)}{money(abs(more), currency)}{each}")
    return f"Now: {', '.join(parts)}."


def _shown(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(
        target=(100 * rows["service_target"]).round(2),
        promised=(100 * rows["promised"]).round(1),
        safety_stock=rows["safety_stock"].round(1),
    )


def _editor(shown: pd.DataFrame, now: Sums, plan: PlanResult, *, editable: bool) -> None:
    cost = plan.params.service_measure == "cost"
    order = [c for c in tables.seen(ORDER) if c in shown and (c != "item_name" or shown[c].notna().any())]
    order = [c for c in order if not cost or c not in ("target", "source")]
    # Once anything is kept, or other lines are shown, positions mean other lines: the editor begins anew.
    lot = int(pd.util.hash_pandas_object(shown[list(KEYS)], index=False).to_numpy().sum())
    key = f"policy_edit_{decided.decisions_id()[:12]}_{lot}"
    st.data_editor(
        shown,
        key=key,
        hide_index=True,
        column_order=order,
        column_config=_columns(plan.params.currency),
        disabled=[c for c in order if c not in EDITABLE or not editable],
        height=min(HEIGHT, 38 + 35 * len(shown)),
        placeholder="–",
        alt="Safety stock and targets by line; both can be edited",
        on_change=_edited,
        args=(key, shown, now),
    )


def _edited(key: str, shown: pd.DataFrame, now: Sums) -> None:
    """Keep each edit as a pin, and take back what was emptied."""
    changed = (session.widget(key) or {}).get("edited_rows", {})
    pinned, let_go = policy_lines.edits(shown, changed)
    done = len(pinned) > 0 and pinning.pin(pinned, _reason())
    for kind, rows in let_go.groupby("kind"):
        done |= pinning.reset(rows, (str(kind),))
    if done:
        session.keep("policy_edit", (now, "Kept."))


def _reason() -> str:
    return str(session.widget("policy_reason") or "")


def _many(rows: pd.DataFrame, now: Sums, *, targets: bool) -> None:
    """One target for all lines that the filters show, where targets decide, and the way back."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="policy_many"):
        if targets:
            st.number_input(
                f"Target of all {count(len(rows), 'line')} in view (%)",
                key="policy_many_target",
                min_value=0.1,
                max_value=99.99,
                value=95.0,
                step=0.5,
                format="%g",
                width=260,
            )
            st.button(
                "Set for all", key="policy_many_set", icon=":material/push_pin:", on_click=_set_all, args=(rows, now)
            )
        held = pinning.of_lines(rows)
        st.button(
            f"Reset {count(len(held), 'value')} set by hand" if len(held) else "Nothing set by hand",
            key="policy_many_reset",
            icon=":material/restart_alt:",
            disabled=held.empty,
            on_click=_reset_all,
            args=(rows, now),
        )
        ordering.undo_button("policy")


def _set_all(rows: pd.DataFrame, now: Sums) -> None:
    value = float(session.widget("policy_many_target") or 0) / 100
    if pinning.pin(rows[list(KEYS)].assign(kind=pinning.TARGET, value=value), _reason()):
        session.keep("policy_edit", (now, f"{count(len(rows), 'line')} set."))


def _reset_all(rows: pd.DataFrame, now: Sums) -> None:
    if pinning.reset(rows):
        session.keep("policy_edit", (now, "Reset."))


def _columns(currency: str) -> dict[str, Any]:
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    unit = f" ({currency})" if currency else ""
    return {
        "item_id": text("Item", pinned=True),
        "item_name": text("Name", width="medium"),
        "location_id": text("Location", width=90),
        "abc_class": text("ABC", width=60, help=glossary.term("ABC class")),
        "target": number(
            "Target (%)", width=115, format="%.2f", min_value=0.01, max_value=99.99, help="The service to reach."
        ),
        "source": text("Set by", help="Who set the target: you, the item, its supplier, category or class, or nobody."),
        "safety_stock": number(
            "Safety stock", width=125, format="%,.1f", min_value=0, help=glossary.term("Safety stock")
        ),
        "promised": number("Fill rate (%)", width=100, format="%.1f", help=glossary.term("Fill rate")),
        "stock_value": number(
            f"Stock{unit}", width=110, format="%,.0f", help="Mean stock on hand under the policy, at cost."
        ),
        "lost_margin": number(f"Lost margin a year{unit}", format="%,.0f", help=glossary.term("Lost margin")),
        "lost_units": number("Lost sales a year", format="%,.0f", help="Units that find an empty shelf."),
        "demand_class": text("Demand"),
        "lead_time_days": number("Lead time (days)", format="%,.0f"),
    }
