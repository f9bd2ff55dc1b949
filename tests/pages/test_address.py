import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.components import address
from pages.components.address import View
from pages.components.filters import Filters
from planning.params import Params


def test_a_view_survives_the_way_through_a_url():
    view = View(
        as_of=date(2026, 5, 4),
        params=Params(service_target=0.98, service_target_by_class={"A": 0.99}, currency="€"),
        filters=Filters(location=("LEEDS", "a/b & c"), search="blue"),
        selected=("00012", "LEEDS"),
        level="category",
        of="Kitchen & bath",
    )
    assert address.read(address.write(view)) == view


def test_a_first_visit_has_an_empty_url():
    assert address.write(View()) == {}
    assert address.read({}) == View()


@pytest.mark.parametrize(
    "hostile",
    [
        {"as_of": ["1e999"]},
        {"as_of": ["9999-12-31"]},
        {"as_of": ["0001-01-01"]},
        {"as_of": []},
        {"set": ["{"]},
        {"set": ["[" * 3000]},
        {"set": ['{"service_target": 1e999}']},
        {"set": ['{"service_target": 95}']},
        {"set": ['{"__class__": 1}']},
        {"set": ["[1]"]},
        {"set": [json.dumps({"currency": "x" * 5000})]},
        {"item": ["x"]},
        {"item": ["x" * 500], "at": ["y"]},
        {"level": ["everything"], "of": ["x"]},
        {"level": ["total"], "of": ["x"]},
        {"of": ["x"]},
    ],
)
def test_what_cannot_be_believed_counts_as_not_there(hostile):
    assert address.read(hostile) == View()


@given(st.dictionaries(st.sampled_from(sorted(address.KEYS)), st.lists(st.text(max_size=30), max_size=3)))
def test_any_url_can_be_read_and_written_again(url):
    view = address.read(url)
    assert address.read(address.write(view)) == view
