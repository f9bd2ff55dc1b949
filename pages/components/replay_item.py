"""The items that gained and lost most, and one item's own replay, week by week."""

import numpy as np
import pandas as pd
import streamlit as st

from pages.components import charts_replay, item_view, panel, replay_files, session, tables
from pages.components.formats import DASH, count, known, literal, money, percent, units
from pages.components.lines import KEYS
from pages.components.replay_words import shown
from planning.replay_measures import ReplayResult
from planning.result import PlanResult

MOST = 6
"""Items that gained, and items that lost."""
PICKED = "replay_picked"
OPENED, TAB = "replay_opened", "Items"
"""Where the page is told which of its tabs to open, and the one of this module."""


def link(item_id: str, location_id: str) -> None:
    """Offer the way to the item's own replay, to who may see one."""
    if session.may_act() and st.button(
        "Would it have worked? Replay this item",
        key="item_replay",
        icon=":material/history:",
        type="tertiary",
        help="Its past weeks under this plan and other policies.",
    ):
        session.select(item_id, location_id)
        session.keep(OPENED, TAB)
        session.go("pages/replay.py")


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
    _own(result, line, (policy, other), whole)


def _list(rows: pd.DataFrame, policy: str, other: str, whole: PlanResult) -> None:
    name, against = literal(shown(policy)), literal(shown(other))
    if rows.empty:
        st.success(
            f"No item fares better or worse under **{name}** than under **{against}**.", icon=":material/task_alt:"
        )
        return
    measure = "total cost" if (rows["unit"] == "money").any() else "units served"
    st.markdown(
        f"Where **{name}** gains and loses most against **{against}**, by {measure}. Choose a row to see its weeks."
    )
    rows = rows.merge(whole.items[[*KEYS, "item_name"]], on=list(KEYS), how="left")
    rates = {name: 100 * rows[name] for name in ("fill_rate", "other_fill_rate")}
    rows = rows.assign(**rates, verdict=np.where(rows["gained"] > 0, "▲ gained", "▼ lost"))
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
            "fill_rate": number("Service", format="%.1f %%", help=shown(policy)),
            "other_fill_rate": number("Service of the other", format="%.1f %%", help=shown(other)),
            "average_stock_units": number("Stock (units)", format="%,.1f", help=shown(policy)),
            "other_average_stock_units": number("Stock of the other (units)", format="%,.1f", help=shown(other)),
        },
        height="content",
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


def _own(result: ReplayResult, line: tuple[str, str], pair: tuple[str, str], whole: PlanResult) -> None:
    """One item's replay: what each policy served and held, and the weeks of the two that are compared."""
    item_id, location_id = line
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", key="replay_item_heading"):
            st.subheader(literal(item_view.name_of(whole, item_id)), width="content")
            st.caption(f"{literal(item_id)} at {literal(location_id)}", width="content")
            if st.button("Open item", key="replay_open", type="tertiary", icon=":material/arrow_forward:"):
                tables.open_item(item_id, location_id)
        mine = result.lines[(result.lines["item_id"] == item_id) & (result.lines["location_id"] == location_id)]
        st.caption("  \n".join(_sentence(row, whole.params.currency) for row in mine.to_dict("records")))
        rows = result.item(item_id, location_id)
        rows = pd.concat([rows[rows["policy"] == name] for name in dict.fromkeys(pair)])
        panel.chart(
            charts_replay.item(rows.assign(policy=rows["policy"].map(shown)), [shown(name) for name in result.names]),
            f"Demand, stock, orders and losses of {item_id} at {location_id} by week and policy",
            key="replay_item_chart",
        )
        warm = int(np.argmax(result.world.counted))
        if warm:
            one = "week" if result.bucket_days == 7 else "day"
            st.caption(f"The first {count(warm, one)} {'warms' if warm == 1 else 'warm'} up and count nowhere.")
        tables_of_item = result.item(item_id, location_id)
        replay_files.downloads({"replay_item": tables_of_item}, f"replay-{item_id}", whole, key="replay_item_all")


def _sentence(row: dict[str, object], currency: str) -> str:
    """What a policy did for the item, in a line."""
    if not known(row["demand_units"]):
        return f"**{literal(shown(str(row['policy'])))}**: not known of this item."
    held = money(row["average_stock_value"], currency) if known(row["average_stock_value"]) else ""
    if not known(row["fill_rate"]):
        return f"**{literal(shown(str(row['policy'])))}**: what it served of this item is not known."
    lost = float(str(row["lost_units"]))
    return (
        f"**{literal(shown(str(row['policy'])))}** served {percent(row['fill_rate'])} of {units(row['demand_units'])}, "
        f"lost {units(round(lost, 1))}, held {units(round(float(str(row['average_stock_units'])), 1))}"
        + (f" ({literal(held)})" if held else "")
        + " on average"
        + (f", ordered {float(str(row['orders'])):,.0f} times." if known(row["orders"]) else ".")
    )
