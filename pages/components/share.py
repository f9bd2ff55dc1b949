"""Sharing what is on screen: the button, the dialog that makes a link, and the list of links."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pandas as pd
import streamlit as st

from data.links import DAYS, MOST_DAYS
from pages.components import replay_runs, session, sharing_links
from pages.components.admission import VIEWED
from pages.components.formats import literal
from planning.replay_measures import ReplayResult
from planning.result import PlanResult

LONGEST_NAME = 80
EVERYTHING, SUPPLIER, LOCATION = "Everything", "One supplier", "One location"
STATES = MappingProxyType({"open": "● Open", "expired": "○ Expired", "withdrawn": "✕ Withdrawn"})
TITLES = MappingProxyType(
    {
        "": "Overview",
        "replenishment": "Replenishment",
        "allocation": "Allocation",
        "item": "Item",
        "forecast": "Forecast",
        "service": "Service & safety stock",
        "scenarios": "Scenarios",
        "replay": "Replay",
    }
)
NONE: Mapping[str, PlanResult] = MappingProxyType({})


def button(
    plan: PlanResult, *, scenario: str = "", compared: Mapping[str, PlanResult] = NONE, replay: bool = False
) -> None:
    """The way to share this page, or a scenario by its name, for who decides here.

    Parameters
    ----------
    compared : the plans beside it, by name in their order, itself among them.
    replay : whether it is a replay that stands on this page.
    """
    if session.may_act() and (scenario or replay or session.page() in VIEWED):
        label = "Share this scenario" if scenario else "Share this replay" if replay else "Share"
        st.button(label, key="share_open", icon=":material/share:", on_click=_begin)
        if session.kept("sharing") == (session.page() or "overview"):
            _dialog(plan, scenario, compared)


def _begin() -> None:
    session.keep("sharing", session.page() or "overview")
    session.keep("made_link", None)


def end() -> None:
    """Forget the dialog, and the address in it."""
    session.keep("sharing", None)
    session.keep("made_link", None)


@st.dialog("Share this view", icon=":material/share:", on_dismiss=end)
def _dialog(plan: PlanResult, scenario: str, compared: Mapping[str, PlanResult]) -> None:
    made = session.kept("made_link")
    if made is not None:
        _made(made)
        return
    what = "the plan of this scenario" if scenario else "this page with these filters"
    if compared:
        what = "this comparison" if session.widget("share_beside") is not False else what
    st.caption(
        f"An address that opens {what}, with what its lines sold so far, frozen as it is now: new data change nothing "
        "of it. Whoever has it can look, and change nothing."
    )
    name = st.text_input("What it is for", key="share_name", max_chars=LONGEST_NAME, placeholder="Ms Lee, Tuesday")
    beside = bool(compared) and st.toggle(
        f"All {len(compared)} plans side by side",
        value=True,
        key="share_beside",
        help="The viewer finds the comparison on Scenarios, and this scenario's plan on the other pages.",
    )
    replay = None if scenario else _replay()
    whose = st.segmented_control(
        "Whose lines", [EVERYTHING, SUPPLIER, LOCATION], default=EVERYTHING, key="share_whose", required=True
    )
    limit = _limit(str(whose), plan)
    hide = st.toggle(
        "Hide costs and prices",
        value=True,
        key="share_hide",
        help="From tables, charts and downloads alike, with all that could be worked out of them.",
    )
    trials = st.toggle(
        "Let viewers try other settings",
        key="share_trials",
        disabled=hide,
        help="What is ordered under other settings would tell of costs."
        if hide
        else "For themselves; nothing is kept.",
    )
    days = st.number_input("Open for (days)", 1, MOST_DAYS, value=DAYS, key="share_days")
    if session.visitor().mode == "demo":
        _ends_with_the_server()
    if st.button("Make the link", key="share_make", type="primary", icon=":material/add_link:"):
        told = sharing_links.make(
            plan,
            scenario=scenario,
            name=name or "",
            supplier=limit if whose == SUPPLIER else None,
            location=limit if whose == LOCATION else None,
            hide_costs=bool(hide),
            trials=bool(trials) and not hide,
            days=int(days),
            compared=compared if beside else NONE,
            replay=replay,
        )
        if isinstance(told, str):
            st.error(literal(told), icon=":material/error:")
        else:
            session.keep("made_link", _address(told.token))
            st.rerun()


def _replay() -> tuple[ReplayResult, pd.DataFrame] | None:
    """Let the newest replay of this plan go along, where there is one."""
    found = replay_runs.newest()
    if found is None:
        return None
    words, result, curve = found
    wanted = st.toggle(
        "The newest replay too",
        value=session.page() == "replay",
        key="share_replay",
        help=f"{literal(words)}. Its answer, table and curve, of the lines that the link shows, on a page of its own.",
    )
    return (result, curve) if wanted else None


def _limit(whose: str, plan: PlanResult) -> str | None:
    if whose == EVERYTHING:
        return None
    column = "supplier_id" if whose == SUPPLIER else "location_id"
    options = sorted({str(value) for value in plan.items[column].dropna().unique()})
    if not options:
        st.caption("The plan knows none.")
        return None
    about = "Sees only the items that he delivers: a vendor-managed view." if whose == SUPPLIER else None
    return str(st.selectbox(whose, options, key=f"share_{column}", help=about, label_visibility="collapsed"))


def _made(address: str) -> None:
    st.markdown("**The link is made.** Copy it now: it is told this once.")
    st.code(address, language=None, wrap_lines=True)
    if session.visitor().mode == "local":
        st.caption("This server answers whoever reaches this address; at localhost that is this machine alone.")
    if session.visitor().mode == "demo":
        _ends_with_the_server()
    st.page_link("pages/share.py", label="All links", icon=":material/link:")


def _ends_with_the_server() -> None:
    st.warning(
        "This is a demo: what you made, and its links, go within a day or when the server restarts. To keep "
        "something, take it along: each table as Excel or CSV, the whole plan as a report from the Scenarios page.",
        icon=":material/hourglass_bottom:",
    )


def _address(token: str) -> str:
    """The address of this page with the token; a path alone where the server's own is not known."""
    parts = urlsplit(st.context.url or f"/{session.page()}")
    # Whoever opens another page is brought to the one that the link names.
    path = parts.path if session.page() in VIEWED else parts.path.removesuffix(session.page())
    return urlunsplit((parts.scheme, parts.netloc, path or "/", f"{session.TOKEN}={token}", ""))


# --- the list ---------------------------------------------------------------------------------------------------------


def links() -> None:
    """The links of this workspace, and the way to withdraw one."""
    end()
    records = sharing_links.every()
    if session.visitor().mode == "demo":
        _ends_with_the_server()
    if not records:
        st.info(
            "No link was made yet. Open a page, set its filters, and press **Share** at its top.",
            icon=":material/share:",
        )
        return
    rows = pd.DataFrame([_row(record) for record in records])
    event = st.dataframe(
        rows,
        key="links",
        hide_index=True,
        column_config=_columns(),
        height=min(36 + 35 * len(rows), 420),
        on_select="rerun",
        selection_mode="multi-row",
        placeholder="–",
        alt="Links that were made, with their state and last use",
    )
    ticked = [records[row] for row in event.selection.rows if row < len(records)]
    live = [record for record in ticked if _state(record) == "open"]
    with st.container(horizontal=True, vertical_alignment="center", key="link_actions"):
        st.button(
            f"Withdraw {len(live)} link{'s' * (len(live) != 1)}" if live else "Withdraw",
            key="link_withdraw",
            icon=":material/link_off:",
            disabled=not live,
            help="Its viewers see nothing from their next action on." if live else "Tick open links first.",
            on_click=_withdraw,
            args=([record.link_id for record in live],),
        )
        st.caption("A link cannot be read again: who lost it needs a new one.", width="content")


def _withdraw(ids: Sequence[str]) -> None:
    for link_id in ids:
        sharing_links.withdraw(link_id)


def _state(record: Any) -> str:
    if record.revoked_at is not None:
        return "withdrawn"
    return "open" if record.is_live(datetime.now(UTC)) else "expired"


def _row(record: Any) -> dict[str, Any]:
    told = record.opens
    lines = [f"{word} {told[word]}" for word in ("supplier", "location") if told.get(word)]
    return {
        "state": STATES[_state(record)],
        "name": told.get("name") or None,
        "page": TITLES.get(told.get("page", ""), told.get("page")),
        "scenario": told.get("scenario") or None,
        "lines": ", ".join(lines) or "everything",
        "costs": "hidden" if told.get("hide_costs") else "shown",
        "made_by": record.made_by or None,
        "made_at": record.made_at,
        "used_at": record.used_at,
        "expires_at": record.expires_at,
    }


def _columns() -> dict[str, Any]:
    text, moment = st.column_config.TextColumn, st.column_config.DatetimeColumn
    return {
        "state": text("State"),
        "name": text("For", width="medium"),
        "page": text("Page"),
        "scenario": text("Scenario"),
        "lines": text("Lines"),
        "costs": text("Costs"),
        "made_by": text("By"),
        "made_at": moment("Made", format="D MMM YYYY, HH:mm"),
        "used_at": moment("Last used", format="D MMM YYYY, HH:mm", help="To the minute; empty: never."),
        "expires_at": moment("Open until", format="D MMM YYYY, HH:mm"),
    }
