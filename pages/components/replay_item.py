"""The items that gained and lost most, and one item's own replay, week by week."""

import numpy as np
import pandas as pd
import streamlit as st

from pages.components import charts_replay, item_view, panel, session, tables
from pages.components.formats import DASH, known, literal, money, percent, units
from pages.components.lines import KEYS
from pages.components.replay_words import shown
from planning.replay_measures import ReplayResult
from planning.result import PlanResult

MOST = 10
"""Items that gained, and items that lost."""
PICKED = "replay_picked"


def show(result: ReplayResult, policy: str, other: str, whole: PlanResult) -> None:
    """Draw the list, and below it the item that is in view."""
    listed = pd.DataFrame()
    if policy != other:
        listed = result.gained_and_lost(policy, other, MOST)
        _list(listed, policy, other, whole)
    line = _line(result, listed)
    if line is None:
        st.caption("No item was replayed.")
        return
    _own(result, *line, whole)


def _list(rows: pd.DataFrame, policy: str, other: str, whole: PlanResult) -> None:
    name, against = literal(shown(policy)), literal(shown(other))
    if rows.empty:
        st.success(
            f"No item fares better or worse under **{name}** than under **{against}**.", icon=":material/task_alt:"
        )
        return
    st.markdown(f"Items that **{name}** serves better and worse than **{against}**. Choose one to see its weeks below.")
    rows = rows.merge(whole.items[[*KEYS, "item_name"]], on=list(KEYS), how="left")
    rows = rows.assign(verdict=np.where(rows["gained"] > 0, "▲ gained", "▼ lost"))
    in_money = (rows["unit"] == "money").any()
    currency = whole.params.currency
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    unit = (currency or "money") if in_money else "units"
    event = st.dataframe(
        rows,
        key="replay_items",
        hide_index=True,
        column_order=[
            "verdict",
            *KEYS,
            "item_name",
            "gained",
            "fill_rate",
            "other_fill_rate",
            "average_stock_units",
            "other_average_stock_units",
        ],
        column_config={
            "verdict": text("", width="small"),
            "item_id": text("Item", pinned=True),
            "location_id": text("Location"),
            "item_name": text("Name", width="medium"),
            "gained": number(
                f"Saved ({unit})",
                format="%+,.0f",
                help="Total cost saved, or units served more where money is not known.",
            ),
            "fill_rate": number("Service", format="percent", help=shown(policy)),
            "other_fill_rate": number("Service of the other", format="percent", help=shown(other)),
            "average_stock_units": number("Stock (units)", format="%,.1f", help=shown(policy)),
            "other_average_stock_units": number("Stock of the other (units)", format="%,.1f", help=shown(other)),
        },
        height=min(38 + 35 * len(rows), 400),
        placeholder=DASH,
        on_select="rerun",
        selection_mode="single-row",
        alt="Items that gained and lost most",
    )
    _picked(rows, list(event.selection.rows))


def _picked(rows: pd.DataFrame, at: list[int]) -> None:
    """Bring a row into view when it is chosen; one that was chosen before does not come back by itself."""
    chosen = tuple(str(rows[key].iloc[at[0]]) for key in KEYS) if at and at[0] < len(rows) else None
    if chosen == session.kept(PICKED):
        return
    session.keep(PICKED, chosen)
    if chosen is not None:
        session.select(*chosen)


def _line(result: ReplayResult, listed: pd.DataFrame) -> tuple[str, str] | None:
    """The item in view where it was replayed; else the one that gained most, else the first."""
    keys = result.world.keys
    wanted = session.selected()
    if wanted and len(item_view.lines_of(keys, *wanted)):
        return wanted
    first = listed if len(listed) else keys
    return None if first.empty else (str(first["item_id"].iloc[0]), str(first["location_id"].iloc[0]))


def _own(result: ReplayResult, item_id: str, location_id: str, whole: PlanResult) -> None:
    """One item's replay: what each policy served and held, and its weeks."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", key="replay_item_heading"):
            st.subheader(literal(item_view.name_of(whole, item_id)), width="content")
            st.caption(f"{literal(item_id)} at {literal(location_id)}", width="content")
            if st.button("Open item", key="replay_open", type="tertiary", icon=":material/arrow_forward:"):
                tables.open_item(item_id, location_id)
        mine = result.lines[(result.lines["item_id"] == item_id) & (result.lines["location_id"] == location_id)]
        st.caption("  \n".join(_sentence(row, whole.params.currency) for row in mine.to_dict("records")))
        rows = result.item(item_id, location_id)
        rows = rows.assign(policy=rows["policy"].map(shown).astype(object))
        names = [shown(name) for name in result.names]
        panel.chart(
            charts_replay.item(rows, names),
            f"Demand, stock, orders and losses of {item_id} at {location_id} by week and policy",
            key="replay_item_chart",
        )
        warm = int((~result.world.counted).sum())
        if warm:
            st.caption(f"The first {warm} {'week' if result.bucket_days == 7 else 'day'}s warm up and count nowhere.")


def _sentence(row: dict[str, object], currency: str) -> str:
    """What a policy did for the item, in a line."""
    if not known(row["demand_units"]):
        return f"**{literal(shown(str(row['policy'])))}**: not known of this item."
    held = money(row["average_stock_value"], currency) if known(row["average_stock_value"]) else ""
    lost = float(str(row["lost_units"]))
    return (
        f"**{literal(shown(str(row['policy'])))}** served {percent(row['fill_rate'])} of {units(row['demand_units'])}, "
        f"lost {units(round(lost, 1))}, held {units(round(float(str(row['average_stock_units'])), 1))}"
        + (f" ({literal(held)})" if held else "")
        + f" on average, ordered {float(str(row['orders'])):,.0f} times."
    )
