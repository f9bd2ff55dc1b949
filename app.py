"""The router: which pages there are, and in which groups. Start with `streamlit run app.py`."""

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from data.once import reading_once
from pages.components import admission, cookie, door, session
from pages.components.brand import LOGO, MARK, STYLE


def pages() -> dict[str, list[StreamlitPage]]:
    """Every page there is, by group."""
    return {
        "Plan": [
            st.Page(
                "pages/overview.py",
                title="Overview",
                icon=":material/space_dashboard:",
                default=True,
                help="What is at risk, what lies idle, what to order today.",
            ),
            st.Page(
                "pages/replenishment.py",
                title="Replenishment",
                icon=":material/local_shipping:",
                help="What to order today, from whom, how much, and why.",
            ),
            st.Page(
                "pages/allocation.py",
                title="Allocation",
                icon=":material/call_split:",
                help="How stock is shared among locations.",
            ),
            st.Page(
                "pages/item.py",
                title="Item",
                icon=":material/package_2:",
                help="One item at one location: history, forecast, stock and order.",
            ),
        ],
        "Tune": [
            st.Page(
                "pages/forecast.py",
                title="Forecast",
                icon=":material/trending_up:",
                help="Expected demand, and how far it can be trusted.",
            ),
            st.Page(
                "pages/service.py",
                title="Service & safety stock",
                icon=":material/verified_user:",
                help="What a service target costs in stock, and what it saves in sales.",
            ),
        ],
        "Compare and share": [
            st.Page(
                "pages/scenarios.py",
                title="Scenarios",
                icon=":material/science:",
                help="What if: tried, kept, held side by side, adopted.",
            ),
            st.Page(
                "pages/replay.py",
                title="Replay",
                icon=":material/history:",
                help="Would it have worked on your own past? Policy against policy.",
            ),
            st.Page(
                "pages/share.py",
                title="Share",
                icon=":material/share:",
                help="Links that show a plan to others, read only; withdraw them.",
            ),
        ],
        "Data": [
            st.Page(
                "pages/import_data.py",
                title="Import",
                icon=":material/upload_file:",
                help="Bring your sales and stock, see what was accepted, go back.",
            ),
        ],
    }


def main() -> None:
    """Draw the page that the address names, for whoever may see it."""
    with reading_once():
        _draw()


def _draw() -> None:
    # First the mark: a page's own icon as favicon would be fetched from a foreign server.
    st.set_page_config(page_icon=MARK, layout="wide")
    st.logo(LOGO, icon_image=MARK, size="large")
    st.html(STYLE)
    page = st.navigation(admission.pages(pages()), position=admission.position())
    st.set_page_config(page_title=f"{page.title} · Stockcast")
    session.enter(page.url_path)
    admission.admit()
    page.run()


# Streamlit runs this file for each visit as a script, and imports it once for the server itself.
if __name__ == "__main__":
    main()
else:
    app = st.App(__file__, middleware=(*door.MIDDLEWARE, *cookie.MIDDLEWARE), lifespan=door.while_open)
