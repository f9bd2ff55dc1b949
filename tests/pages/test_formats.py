import re

import numpy as np
import pandas as pd
import pytest

from pages.components import formats


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "€\u00a00"),
        (12.5, "€\u00a012.50"),
        (46793.2, "€\u00a046,793"),
        (134_500, "€\u00a0134 k"),
        (1_240_318, "€\u00a01.24 M"),
        (-1_240_318, "−€\u00a01.24 M"),
        (2_500_000_000, "€\u00a02.50 bn"),
        (np.nan, "–"),
        (None, "–"),
    ],
)
def test_money_is_short_where_it_is_large_and_never_zero_where_unknown(value, shown):
    assert formats.money(value, "€") == shown


def test_money_without_a_currency_stands_alone():
    assert formats.money(120) == "120"


def test_counts_and_units_agree_with_their_nouns():
    assert formats.units(1) == "1 unit"
    assert formats.units(1240) == "1,240 units"
    assert formats.units(18.04) == "18.0 units"
    assert formats.count(1, "line") == "1 line"
    assert formats.count(2, "entry", "entries") == "2 entries"
    assert formats.days(19.5) == "19.5 days"
    assert formats.percent(0.9534) == "95.3 %"


def test_dates_read_as_people_write_them():
    assert formats.day(pd.Timestamp("2026-05-04")) == "Mon 4 May 2026"
    assert formats.day(pd.NaT) == "–"


@pytest.mark.parametrize(
    "text",
    ["![](http://x)", "[a](javascript:1)", "<b>", "$x$", ":red[x]", "# h", "`a`", "http://x.y", "WWW.x.y", "a.b@x.y"],
)
def test_user_text_stays_text_in_markdown(text):
    shown = formats.literal(text)
    assert shown.replace("\\", "").replace("\u2060", "") == text
    # No address is left whole: the browser makes a link of one that is only escaped.
    assert not re.search(r"://|www\.|@x", shown.replace("\\", ""), re.IGNORECASE)
    assert all(shown[n - 1] == "\\" for n, sign in enumerate(shown) if sign in "![]()<>$#`:_*")


def test_user_text_cannot_break_out_of_its_line():
    assert formats.literal("a\n\n# b") == "a \\# b"
