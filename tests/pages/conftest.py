"""What every test of a page runs under."""

import pytest
from streamlit.runtime import pages_manager
from streamlit.testing.v1 import app_test


class Routed(pages_manager.PagesManager):
    """Runs app.py first, as a server does; AppTest would run a file of `pages/` on its own."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        pages_manager.PagesManager.uses_pages_directory = False


@pytest.fixture(autouse=True)
def _through_the_router(monkeypatch):
    monkeypatch.setattr(app_test, "PagesManager", Routed)
