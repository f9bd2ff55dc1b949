"""Lead times: what receipts tell, who is asked first, and what is set aside."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning import lead_time
from planning.params import Params

AS_OF = date(2026, 6, 1)
ORDERED = pd.Timestamp("2026-03-02")
CHECK = (5, 7, 6, 12, 5, 8)


def receipts(rows: list[dict]) -> pd.DataFrame:
    """Receipts from rows of {days, item, location, supplier, order, quantity, promised (days), ordered}."""
    made = []
    for number, row in enumerate(rows):
        ordered = pd.Timestamp(row.get("ordered", ORDERED))
        promised = row.get("promised")
        made.append(
            {
                "item_id": row.get("item", "a"),
                "ordered_on": ordered,
                "received_on": ordered + pd.Timedelta(days=row["days"]),
                "quantity": float(row.get("quantity", 10)),
                "location_id": row.get("location", "S1"),
                "supplier_id": row.get("supplier", "acme"),
                "order_id": row.get("order", f"po{number}"),
                "promised_on": pd.NaT if promised is None else ordered + pd.Timedelta(days=promised),
            }
        )
    columns = list(lead_time.RECEIPT_COLUMNS)
    return pd.DataFrame(made, columns=columns).astype(
        {"ordered_on": "datetime64[ns]", "received_on": "datetime64[ns]", "promised_on": "datetime64[ns]"}
    )


def keys(*rows: dict) -> pd.DataFrame:
    columns = {"item_location_lead": np.nan, "item_lead": np.nan, "supplier_lead": np.nan, "supplier_sd": np.nan}
    filled = [{"item_id": "a", "location_id": "S1", "supplier_id": "acme", **columns, **row} for row in rows]
    return pd.DataFrame(filled)


def resolved(key: dict, rows: list[dict], **changes: object) -> tuple[float, float, str]:
    found = lead_time.lead_times(keys(key), receipts(rows), AS_OF, Params(**changes))
    return tuple(found.iloc[0])


def learned(rows: list[dict], by: tuple[str, ...] = lead_time.PLACE) -> pd.DataFrame:
    return lead_time.learn(lead_time.order_lines(receipts(rows), AS_OF), by)


def test_mean_spread_and_share_late_are_those_of_the_specification():
    # science, 3.4: LT = [5, 7, 6, 12, 5, 8], promise 6: mean 7.166667, SD 2.639444, late 50 %.
    told = learned([{"days": days, "promised": 6} for days in CHECK]).loc[("a", "S1")]
    assert told["lead_time_days"] == pytest.approx(7.166667, abs=5e-7)
    assert told["lead_time_sd_days"] == pytest.approx(2.639444, abs=5e-7)
    assert told["share_late"] == 0.5
    assert told["lines"] == 6


def test_lead_time_spread_widens_the_demand_of_the_protection_interval_as_specified():
    # science, 3.4: with 20 a day, sd 6 and R = 7, sigma = 57.416606; by hand (E L + R) 36 + 400 sd(L)^2.
    told = learned([{"days": days} for days in CHECK]).iloc[0]
    variance = (told["lead_time_days"] + 7) * 6**2 + 20**2 * told["lead_time_sd_days"] ** 2
    assert np.sqrt(variance) == pytest.approx(57.416606, abs=5e-7)


def test_few_lines_are_drawn_to_their_supplier():
    # n = 2 at 10 days; the supplier: those two and six at 6, mean 7, so (2 * 10 + 8 * 7) / 10 = 7.6.
    rows = [{"days": 10}, {"days": 10}, *({"days": 6, "item": "b"} for _ in range(6))]
    mean, sd, told_by = resolved({}, rows)
    assert (mean, told_by) == (pytest.approx(7.6), "receipts")
    assert sd == pytest.approx(0.8 * np.std([10, 10, *[6] * 6], ddof=1))


def test_eight_lines_stand_alone():
    rows = [*({"days": days} for days in (9, 11) * 4), *({"days": 2, "item": "b"} for _ in range(30))]
    mean, sd, _ = resolved({}, rows)
    assert (mean, sd) == (pytest.approx(10), pytest.approx(np.std([9, 11] * 4, ddof=1)))


def test_a_single_line_takes_its_suppliers_spread():
    rows = [{"days": 5}, {"days": 6, "item": "b"}, {"days": 10, "item": "c"}]
    mean, sd, _ = resolved({}, rows)
    assert mean == pytest.approx((5 + 8 * 7) / 9)
    assert sd == pytest.approx(np.std([5, 6, 10], ddof=1))


LADDER = {"item_location_lead": 3.0, "item_lead": 4.0, "supplier_lead": 6.0}


@pytest.mark.parametrize(
    ("key", "rows", "expected"),
    [
        (LADDER, [{"days": 2}], (2.0, "receipts")),
        (LADDER, [{"days": 5, "item": "b"}], (3.0, "item at location")),
        ({"item_lead": 4.0, "supplier_lead": 6.0}, [{"days": 5, "item": "b"}], (4.0, "item")),
        ({"supplier_lead": 6.0}, [{"days": 5, "item": "b"}], (5.0, "supplier receipts")),
        ({"supplier_lead": 6.0}, [{"days": 5, "item": "b", "supplier": "other"}], (6.0, "supplier")),
        ({}, [{"days": 5, "item": "b", "supplier": "other"}], (14.0, "assumed")),
        ({"supplier_id": None}, [{"days": 5, "item": "b", "supplier": None}], (14.0, "assumed")),
        ({"supplier_id": None}, [{"days": 5, "supplier": None}], (5.0, "receipts")),
    ],
)
def test_the_first_source_that_knows_tells_the_lead_time(key, rows, expected):
    mean, _, told_by = resolved(key, rows)
    assert (mean, told_by) == expected


@pytest.mark.parametrize(
    ("key", "changes", "sd"),
    [
        ({"item_lead": 40.0}, {}, 10.0),
        ({"item_lead": 2.0}, {}, 1.0),
        ({"item_lead": 40.0, "supplier_sd": 3.0}, {}, 3.0),
        ({"item_lead": 40.0, "supplier_sd": 0.0}, {}, 0.0),
        ({"item_lead": 40.0}, {"lead_time_sd_fraction": 0}, 0.0),
    ],
)
def test_without_receipts_the_spread_is_the_suppliers_or_a_share_and_at_least_a_day(key, changes, sd):
    assert resolved(key, [], **changes)[1] == sd


def test_the_suppliers_given_spread_serves_where_receipts_are_too_few_for_one():
    assert resolved({"supplier_sd": 2.5}, [{"days": 9}])[:2] == (9.0, 2.5)


def test_what_ifs_stretch_the_mean_and_the_spread_and_then_add_days_to_the_mean():
    rows = [{"days": days} for days in CHECK * 2]
    mean, sd, _ = resolved({}, rows)
    late_mean, late_sd, _ = resolved({}, rows, lead_time_multiplier=1.5, lead_time_added_days=4)
    assert late_mean == pytest.approx(1.5 * mean + 4)
    assert late_sd == pytest.approx(1.5 * sd)


def test_a_receipt_before_its_order_is_left_out():
    assert learned([{"days": -3}, {"days": 8}]).iloc[0]["lines"] == 1


def test_a_lead_time_beyond_belief_is_left_out_and_a_merely_late_one_is_kept():
    usual = [{"days": 10, "promised": 10} for _ in range(4)]
    # Median 10: beyond 5 x 10 and beyond 10 + 60 is an error; 70 days are late, but can be.
    assert learned([*usual, {"days": 70, "promised": 10}]).iloc[0]["lead_time_days"] == 22
    assert learned([*usual, {"days": 71, "promised": 10}]).iloc[0]["lead_time_days"] == 10
    # Promised for then: no error, however long.
    assert learned([*usual, {"days": 71, "promised": 71}]).iloc[0]["lines"] == 5


def test_a_place_with_long_lead_times_is_not_an_error_of_its_supplier():
    rows = [*({"days": 5, "item": f"i{n}"} for n in range(9)), *({"days": 90, "item": "far"} for _ in range(3))]
    assert learned(rows).loc[("far", "S1"), "lead_time_days"] == 90


def test_deliveries_of_one_line_count_once_and_by_their_units():
    # 30 of 40 units after 4 days, 10 after 12: (30 * 4 + 10 * 12) / 40 = 6.
    rows = [{"days": 4, "quantity": 30, "order": "po"}, {"days": 12, "quantity": 10, "order": "po"}]
    told = learned(rows).iloc[0]
    assert (told["lead_time_days"], told["lines"]) == (6, 1)


def test_a_receipt_after_the_morning_of_the_plan_is_not_known():
    ordered = pd.Timestamp(AS_OF) - pd.Timedelta(days=5)
    assert learned([{"days": 5, "ordered": ordered}]).iloc[0]["lines"] == 1
    assert learned([{"days": 6, "ordered": ordered}]).empty


def test_an_empty_delivery_tells_nothing():
    assert learned([{"days": 5, "quantity": 0}]).empty


def test_receipts_of_another_supplier_do_not_tell_a_places_lead_time():
    mean, _, told_by = resolved({"supplier_lead": 6.0}, [{"days": 30, "supplier": "former"}])
    assert (mean, told_by) == (6.0, "supplier")


def test_a_receipt_without_location_counts_wherever_its_item_is():
    found = lead_time.lead_times(
        keys({}, {"location_id": "S2"}, {"item_id": "b"}),
        receipts([{"days": 9, "location": None, "supplier": None}]),
        AS_OF,
        Params(),
    )
    assert found["lead_time_from"].tolist() == ["receipts", "receipts", "supplier receipts"]
    assert found["lead_time_days"].tolist() == [9, 9, 9]


def test_no_receipts_and_missing_optional_columns_are_no_fault():
    bare = receipts([{"days": 5, "order": None}])[["item_id", "ordered_on", "received_on", "quantity"]]
    assert lead_time.lead_times(keys({}), bare, AS_OF, Params())["lead_time_from"].tolist() == ["receipts"]
    for empty in (bare.iloc[:0], receipts([])):
        assert lead_time.lead_times(keys({}), empty, AS_OF, Params())["lead_time_days"].tolist() == [14]


def test_the_answer_stands_on_the_index_of_the_keys():
    asked = keys({"item_id": "x"}, {}, {"item_id": "x", "location_id": "S2"}).set_axis([7, 3, 5])
    found = lead_time.lead_times(asked, receipts([{"days": 4}]), AS_OF, Params())
    assert found.index.tolist() == [7, 3, 5]
    assert found["lead_time_from"].tolist() == ["supplier receipts", "receipts", "supplier receipts"]


HISTORY = st.lists(
    st.fixed_dictionaries(
        {
            "days": st.integers(-2, 90),
            "item": st.sampled_from("ab"),
            "location": st.sampled_from(["S1", "S2"]),
            "supplier": st.sampled_from(["acme", "other"]),
            "quantity": st.integers(1, 20),
        }
    ),
    max_size=25,
)
EVERY_PLACE = [
    {"item_id": item, "location_id": place, "supplier_id": supplier}
    for item, place, supplier in [("a", "S1", "acme"), ("a", "S2", "other"), ("b", "S1", "acme"), ("b", "S2", "none")]
]


@given(HISTORY, st.randoms(use_true_random=False))
def test_the_order_of_the_receipts_changes_nothing(rows, random):
    rows = [row | {"order": f"po{number}"} for number, row in enumerate(rows)]
    shuffled = rows.copy()
    random.shuffle(shuffled)
    first, second = (
        lead_time.lead_times(keys(*EVERY_PLACE), receipts(history), AS_OF, Params()) for history in (rows, shuffled)
    )
    pd.testing.assert_frame_equal(first, second, check_exact=True)


@given(HISTORY)
def test_lead_times_are_whole_answers_within_what_was_seen_or_assumed(rows):
    found = lead_time.lead_times(keys(*EVERY_PLACE), receipts(rows), AS_OF, Params())
    seen = [row["days"] for row in rows if row["days"] >= 0] + [14]
    assert found.notna().all(axis=None)
    assert found["lead_time_days"].between(min(seen), max(seen) + 1e-9).all()
    assert (found["lead_time_sd_days"] >= 0).all()


@given(HISTORY)
def test_learn_equals_a_plain_loop(rows):
    lines = lead_time.order_lines(receipts(rows), AS_OF)
    told = lead_time.learn(lines)
    for place, lots in lines.groupby(list(lead_time.PLACE)):
        days = list(lots["lead_time_days"])
        mean = sum(days) / len(days)
        assert told.loc[place, "lead_time_days"] == pytest.approx(mean)
        if len(days) > 1:
            variance = sum((day - mean) ** 2 for day in days) / (len(days) - 1)
            assert told.loc[place, "lead_time_sd_days"] ** 2 == pytest.approx(variance, abs=1e-9)
        else:
            assert np.isnan(told.loc[place, "lead_time_sd_days"])
