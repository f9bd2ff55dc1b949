"""The lists of the Allocation page: transfers to edit and approve, what was approved, and what stays short."""

import numpy as np
import pandas as pd
import streamlit as st

from pages.components import decided, ordering, session, sharing, tables, transferring, work
from pages.components.formats import count, literal, units
from planning.result import PlanResult
from planning.tables import RESULT_TABLES

LINES = (
    "item_id",
    "item_name",
    "source_id",
    "destination_id",
    "quantity",
    "by_hand",
    "ship_on",
    "arrives_on",
    "value",
    "reason",
)
APPROVED = ("status", "transfer_number", *sharing.LANE, "quantity", "ship_on", "arrives_on", "found_as", "reason")
SHORT = ("item_id", "item_name", "location_id", "requested", "transferred", "short", "days_before", "days_after")
STATES = ("✓ Approved", "➤ Taken out", "⛟ On its way", "● Arrived", "✕ Closed")
NOTHING = "Nothing is to be sent: no line asks for what a source can give, or freight is more than it gains."
MOST_ROWS, LONGEST_REASON = 500, 500
ALMOST_NOTHING = 1e-6


def transfers(plan: PlanResult) -> None:
    """Draw the transfers of today: edit a quantity and the rest is shared around it; approve them."""
    pins = transferring.by_hand(plan)
    done = transferring.approved_today(plan)
    rows = sharing.lines(plan, pins, done)
    may = session.may_act()
    if may:
        _file_buttons(plan)
    if rows.empty:
        told = f"No transfer is left: all were approved, {count(len(done), 'line')} this morning."
        st.caption(told if len(done) else NOTHING)
        ordering.undo_button("transfer")
        return
    if may:
        st.caption("Change a quantity, and the rest is shared around it. 0 sends nothing; an emptied cell lets it go.")
    shown = rows.head(MOST_ROWS)
    edited = _editor(shown, plan)
    if len(rows) > len(shown):
        st.caption(f"The first {len(shown):,} of {len(rows):,} lines; filters and downloads reach the rest.")
    if may:
        _actions(shown, edited, rows[rows["quantity"] > 0], plan)
    tables.downloads(rows, "allocation", plan, key="transfers")


def _editor(rows: pd.DataFrame, plan: PlanResult) -> pd.DataFrame:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    whole = not len(rows) or (rows["quantity"] % 1 == 0).all()
    priced, meaning = work.priced(plan), RESULT_TABLES["allocation"].by_name["value"].meaning
    unit = (plan.params.currency or "money") if priced else "units"
    config = tables.columns("allocation", plan.params.currency, rows) | {
        "item_name": text("Name", width="medium"),
        "quantity": number("Send (units)", min_value=0.0, format="%,.0f" if whole else "%,.1f", help="Yours to set."),
        "value": number(f"Gain ({unit})", format="%,.2f" if priced else "%,.0f", help=f"{meaning}."),
        "by_hand": number("Set by hand", format="%,.0f", help="What you set; empty: the plan decides."),
    }
    order = [c for c in tables.seen(LINES) if c not in ("item_name", "by_hand") or rows[c].notna().any()]
    if not _later(rows, plan).any():
        order = [c for c in order if c != "ship_on"]
    return pd.DataFrame(
        st.data_editor(
            rows[order].reset_index(drop=True),
            key=f"transfer_edit_{decided.decisions_id()[:12]}",
            hide_index=True,
            column_order=order,
            column_config=config,
            disabled=[c for c in order if c != "quantity" or not session.may_act()],
            height=min(36 + 35 * len(rows), 396),
            placeholder="–",
            alt="Transfers of today; quantities can be edited",
        )
    )


def _later(rows: pd.DataFrame, plan: PlanResult) -> np.ndarray:
    """Whether a line leaves on a later day, (rows,) flags: it waits for what is still to come in."""
    return np.asarray(rows["ship_on"] > pd.Timestamp(plan.as_of))


def _actions(rows: pd.DataFrame, edited: pd.DataFrame, sent: pd.DataFrame, plan: PlanResult) -> None:
    now, before = edited["quantity"], rows["quantity"].reset_index(drop=True)
    typed = np.asarray(now.isna() | ((now - before).abs() > ALMOST_NOTHING))
    later = _later(rows, plan)
    changed = np.flatnonzero(typed & ~later)
    if (typed & later).any():
        st.caption("What leaves on a later day waits for its goods: it cannot be set by hand this morning.")
    pinned = rows[rows["by_hand"].notna()]
    with st.container(horizontal=True, vertical_alignment="bottom", key="transfer_actions"):
        reason = st.text_input(
            "Reason", key="transfer_why", max_chars=LONGEST_REASON, placeholder="What do you know?", width=240
        )
        fixed = st.button(
            f"Fix {count(len(changed), 'quantity', 'quantities')}" if len(changed) else "Fix as edited",
            key="transfer_fix",
            icon=":material/push_pin:",
            disabled=not len(changed),
            help="Your quantities stand; the rest is shared anew around them.",
        )
        approve = st.button(
            f"Approve {count(len(sent), 'transfer')} ({units(round(float(sent['quantity'].sum())))})",
            key="transfer_approve",
            type="primary",
            icon=":material/check:",
            disabled=sent.empty or bool(typed.any()),
            help="They get numbers: promised at their source, on their way to their destination.",
        )
        if len(pinned):
            st.button(
                "Reset all",
                key="transfer_reset_all",
                icon=":material/restart_alt:",
                on_click=transferring.release,
                args=(None, plan),
            )
        ordering.undo_button("transfer")
    _pinned(pinned, plan)
    if fixed:
        _keep(rows, now, changed, reason or "", plan)
        st.rerun()
    if approve and transferring.approve(sent, plan):
        st.rerun()


def _keep(rows: pd.DataFrame, now: pd.Series, changed: np.ndarray, reason: str, plan: PlanResult) -> None:
    """Keep each edited quantity; an emptied cell lets it go."""
    told = rows[list(sharing.LANE)].reset_index(drop=True).iloc[changed].assign(quantity=now.iloc[changed])
    gone, typed = told[told["quantity"].isna()], told[told["quantity"].notna()]
    if len(gone):
        transferring.release(gone, plan)
    if len(typed):
        transferring.fix(typed.assign(reason=reason), plan)


def _pinned(rows: pd.DataFrame, plan: PlanResult) -> None:
    """The lines set by hand, each with the way back."""
    if rows.empty:
        return
    st.caption("Set by hand; take one back and the plan decides again:")
    with st.container(horizontal=True, key="transfer_pins"):
        for n, pin in enumerate(rows.head(20).itertuples()):
            st.button(
                f"{literal(pin.item_id)} → {literal(pin.destination_id)}: {units(pin.by_hand)}",
                key=f"transfer_reset_{n}",
                icon=":material/restart_alt:",
                on_click=transferring.release,
                args=(rows.iloc[[n]][list(sharing.LANE)], plan),
            )


# --- approved ---------------------------------------------------------------------------------------------------------


def _file_buttons(plan: PlanResult) -> None:
    """The transfers approved for this morning, to take along: once taken out they stand."""
    rows = transferring.approved_of_morning(plan)
    if rows.empty:
        return
    number = rows["transfer_number"].nunique()
    with st.container(horizontal=True, key="transfers_out"):
        tables.taken_out(
            count(number, "approved transfer order"),
            transferring.file,
            plan,
            name="transfers",
            key="transfers_out",
            help="By source and destination, with item names. Once taken out, a transfer stands.",
        )


def approved(plan: PlanResult) -> None:
    """Draw what was approved and what became of it; take it back, or close it."""
    rows = transferring.approved(plan)
    if rows.empty:
        st.caption("No transfer was approved yet.")
        return
    late = rows[rows["late"]]
    if len(late):
        some = literal(", ".join(late["transfer_number"].drop_duplicates().head(3)))
        st.warning(
            f"{count(len(late), 'transfer line')} approved more than 7 days ago cannot be seen in the data ({some}). "
            "Bring newer counts or open orders, or close them.",
            icon=":material/warning:",
        )
    codes = ("approved", "taken out", "shipped", "found", "closed")
    lean = rows.assign(status=rows["status"].map(dict(zip(codes, STATES, strict=True)))).head(MOST_ROWS)
    event = st.dataframe(
        lean,
        key="approved_transfers",
        hide_index=True,
        column_order=[
            c for c in APPROVED if c not in ("found_as", "reason") or lean[c].replace("", None).notna().any()
        ],
        column_config=tables.columns("approved_transfers", plan.params.currency, lean)
        | {
            "status": st.column_config.TextColumn("State"),
            "found_as": st.column_config.TextColumn("Found as", help="The order in the data."),
            "reason": st.column_config.TextColumn("Why closed"),
        },
        height=min(36 + 35 * len(lean), 333),
        on_select="rerun",
        selection_mode="multi-row",
        placeholder="–",
        alt="Approved transfers",
    )
    ticked = rows.iloc[[r for r in event.selection.rows if r < len(lean)]]
    _act(ticked)


def _act(ticked: pd.DataFrame) -> None:
    """Take back what is still here; close what is out."""
    back, out = ticked[ticked["status"] == "approved"], ticked[ticked["status"].isin(["taken out", "shipped"])]
    with st.container(horizontal=True, vertical_alignment="bottom", key="approved_transfer_actions"):
        pressed = st.button(
            f"Take back {count(len(back), 'line')}",
            key="transfer_unapprove",
            icon=":material/undo:",
            disabled=back.empty,
            help="Tick approved lines first." if back.empty else "The plan proposes them anew.",
        )
        if pressed and transferring.unapprove(back):
            st.rerun()
        with st.popover("Close", icon=":material/block:", disabled=out.empty, help="Cancelled, or come unseen."):
            why = st.text_input("Reason", key="transfer_close_why", max_chars=LONGEST_REASON)
            if st.button("Close them", key="transfer_close", type="primary") and transferring.close(out, why or ""):
                st.rerun()


# --- short ------------------------------------------------------------------------------------------------------------


def short_lines(plan: PlanResult) -> None:
    """Draw the lines that asked for more than there is."""
    rows = sharing.short_lines(plan)
    if rows.empty:
        st.success("Nothing stays short.", icon=":material/task_alt:")
        return
    whole, tenth = st.column_config.NumberColumn, st.column_config.NumberColumn
    st.dataframe(
        rows.assign(bound=rows.apply(sharing.bound, axis=1)),
        hide_index=True,
        column_order=[*SHORT, "bound"],
        alt="Lines that stay short",
        height=min(36 + 35 * len(rows), 396),
        placeholder="–",
        column_config={
            "item_name": "Name",
            "item_id": "Item",
            "location_id": "Location",
            "requested": whole("Asked for (units)", format="%,.0f"),
            "transferred": whole("Sent (units)", format="%,.0f"),
            "short": whole("Still short (units)", format="%,.0f"),
            "days_before": tenth("Cover before (days)", format="%,.1f"),
            "days_after": tenth("Cover after (days)", format="%,.1f"),
            "bound": st.column_config.TextColumn("What bound", width="medium"),
        },
    )
