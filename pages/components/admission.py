"""Who is let in to what: the pages that are offered, the sign-in, the end of a link.

What is not offered here is refused in `data.service` all the same.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

import streamlit as st

from pages.components import cookie, session
from pages.components.formats import literal

VIEWED: Mapping[str, str] = MappingProxyType(
    {
        "": "pages/overview.py",
        "replenishment": "pages/replenishment.py",
        "allocation": "pages/allocation.py",
        "item": "pages/item.py",
        "forecast": "pages/forecast.py",
        "service": "pages/service.py",
    }
)
"""The pages that a link may open, by address; the others are about data and decisions."""
BESIDE = MappingProxyType({"scenarios": "pages/scenarios.py"})
"""The page that a link of plans side by side opens too."""
REPLAYED = MappingProxyType({"replay": "pages/replay.py"})
"""The page that a link with a replay opens too."""
LONGEST_NAME, LONGEST_PASSPHRASE = 80, 1000


def pages(every: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """The pages that this person finds, by group; who sees none yet is asked to sign in on whichever it is."""
    if session.visitor().role != "viewer":
        return {group: list(some) for group, some in every.items()}
    open_to_him = _viewed()
    kept = {group: [page for page in some if page.url_path in open_to_him] for group, some in every.items()}
    return {group: some for group, some in kept.items() if some}


def position() -> Literal["sidebar", "hidden"]:
    """Where the pages are offered; nowhere to who may see none of them."""
    return "hidden" if session.visitor().role == "nobody" or session.link_gone() else "sidebar"


def admit() -> None:
    """Let the page be drawn for who may see it; else say what there is to do, and end here."""
    session.tell_door()
    if gone := session.link_gone():
        _gone(gone)
        st.stop()
    who = session.visitor()
    if who.role == "nobody":
        _sign_in()
        st.stop()
    _let_be_known()
    session.name_link()
    first = session.landing()
    if first is not None and first != session.page() and first in _viewed():
        session.go(_viewed()[first])
    if who.role == "viewer":
        st.sidebar.button("Close this view", icon=":material/logout:", type="tertiary", on_click=session.leave)
    elif who.mode == "hosted":
        with st.sidebar.container(horizontal=True, vertical_alignment="center", key="signed_in"):
            st.caption(literal(who.name) if who.name else "Signed in", width="content")
            st.button("Sign out", icon=":material/logout:", type="tertiary", on_click=session.leave)


def _viewed() -> Mapping[str, str]:
    """The pages that this viewer's link opens, by address."""
    told = session.grant()
    if told is None:
        return VIEWED
    return {**VIEWED, **(BESIDE if told.compared else {}), **(REPLAYED if told.replay else {})}


def _let_be_known() -> None:
    """Let the page fetch the cookie by which its browser is known after a reload."""
    told = session.ticket()
    if told:
        base = str(st.get_option("server.baseUrlPath") or "")
        st.html(cookie.fetching(told, base), unsafe_allow_javascript=True)


def _sign_in() -> None:
    with st.container(horizontal_alignment="center", key="sign_in_page"), st.container(border=True, width=420):
        st.title("Sign in")
        st.caption("Planners sign in here. To see what was shared with you, open the link that you were sent.")
        if session.signed_out():
            st.info("Your sign-in ended: sign in again to go on.", icon=":material/logout:")
        with st.form("sign_in", border=False, clear_on_submit=True):
            name = st.text_input(
                "Your name", max_chars=LONGEST_NAME, autocomplete="name", help="Stands beside what you decide."
            )
            told = st.text_input(
                "Passphrase", type="password", max_chars=LONGEST_PASSPHRASE, autocomplete="current-password"
            )
            pressed = st.form_submit_button("Sign in", type="primary", icon=":material/login:", width="stretch")
        if pressed:
            why = session.sign_in(told or "", name or "")
            if not why:
                st.rerun()
            st.error(literal(why[:1].upper() + why[1:]) + ".", icon=":material/error:")


def _gone(why: str) -> None:
    with st.container(horizontal_alignment="center", key="link_gone_page"), st.container(border=True, width=420):
        st.title("Nothing to see here")
        st.markdown(literal(why[:1].upper() + why[1:]))
        hosted = session.visitor().role == "nobody"
        st.button("To the sign-in" if hosted else "Go to Stockcast", on_click=session.forget_link)
