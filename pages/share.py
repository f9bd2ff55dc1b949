"""Share: the links that were made, who they are for, when they were last used; withdraw one."""

import streamlit as st

from pages.components import session, share, states


def main() -> None:
    """Draw the page."""
    st.title("Share")
    session.banner(way_out=False)
    if session.snapshot_id() is None:
        states.nothing_yet(session.use_sample)
        return
    st.caption(
        "A link opens a page of one plan, frozen as it was, and the pages that belong to it: read only, until it "
        "expires or is withdrawn. Make one with Share, at the top of the page that is to be shown."
    )
    share.links()


main()
