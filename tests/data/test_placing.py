"""Sales without a location get the one that a person says, by channel."""

import pandas as pd
import pytest

from data.placing import assign_location, place_question
from planning.errors import InputError

STOCK = pd.DataFrame({"item_id": ["A", "A"], "on_hand": [1.0, 2.0], "location_id": ["W", "S"]})


def sales(**more: list[object]) -> pd.DataFrame:
    return pd.DataFrame({"item_id": ["A"] * 4, "quantity": [1.0, 5.0, 2.0, 3.0], **more})


def test_the_question_names_locations_and_channels_the_largest_first() -> None:
    asked = place_question({"stock": STOCK, "sales": sales(channel=["web", "shop", "web", None])})
    assert asked is not None
    assert asked.locations == ("S", "W")
    assert dict(zip(asked.channels, asked.units, strict=True)) == {"shop": 5.0, "web": 3.0, None: 3.0}
    assert asked.channels[0] == "shop"
    assert asked.rows == 4


def test_nothing_is_asked_where_nothing_is_open() -> None:
    assert place_question({"sales": sales()}) is None
    assert place_question({"sales": sales(), "stock": STOCK.head(1)}) is None
    assert place_question({"sales": sales(), "stock": STOCK.drop(columns="location_id")}) is None
    assert place_question({"sales": sales(location_id=["W"] * 4), "stock": STOCK}) is None
    assert place_question({"stock": STOCK}) is None


def test_each_channel_gets_its_location_and_the_others_that_of_none() -> None:
    frames = {"stock": STOCK, "sales": sales(channel=["web", "shop", "fair", None])}
    told = assign_location(frames, {"web": "W", None: "S"})
    assert told["sales"]["location_id"].tolist() == ["W", "S", "S", "S"]
    assert assign_location(frames, {"web": "W", "old": "S"})["sales"]["location_id"].tolist() == ["W", None, None, None]
    assert "location_id" not in frames["sales"]


def test_a_location_that_is_there_stays() -> None:
    frames = {"stock": STOCK, "sales": sales(location_id=["W", None, "W", None])}
    assert assign_location(frames, {None: "S"})["sales"]["location_id"].tolist() == ["W", "S", "W", "S"]
    assert assign_location(frames, {})["sales"]["location_id"].tolist() == ["W", None, "W", None]


def test_a_location_without_stock_is_refused_with_the_choices() -> None:
    with pytest.raises(InputError, match="no stock lies at 'X'.*S, W"):
        assign_location({"stock": STOCK, "sales": sales()}, {None: "X"})
