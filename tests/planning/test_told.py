"""What the user told: own forecasts spread over their days, customers' orders in their buckets."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning import pipeline
from planning.fits import Fits
from planning.params import Params

AS_OF = date(2026, 6, 1)
MORNING = pd.Timestamp(AS_OF)
PLAIN = Params(outlier_correction=False)


def day(number: float) -> pd.Timestamp:
    return MORNING + pd.Timedelta(days=number)


def weekly(quantity: float, name: str = "a", weeks: int = 30, place: str | None = "S1") -> pd.DataFrame:
    dates = [day(-7 * (weeks - k)) for k in range(weeks)]
    return pd.DataFrame({"date": dates, "item_id": name, "location_id": place, "quantity": float(quantity)})


def fitted(sales: pd.DataFrame, params: Params = PLAIN, **more: pd.DataFrame) -> Fits:
    stock = pd.DataFrame({"item_id": sorted(set(sales["item_id"])), "location_id": "S1", "on_hand": 5.0})
    return pipeline.fit({"sales": sales, "stock": stock, **more}, AS_OF, params)


def told(fits: Fits, row: int = 0) -> list[float]:
    return fits.own[row].tolist()


def own_forecast(*rows: tuple[float, float], **more: object) -> pd.DataFrame:
    return pd.DataFrame(
        [{"item_id": "a", "location_id": "S1", "date": day(d), "quantity": float(q), **more} for d, q in rows]
    )


def orders(*rows: tuple[float, float], **more: object) -> pd.DataFrame:
    return own_forecast(*rows, **more).rename(columns={"date": "due_on"})


def test_the_users_forecast_is_spread_evenly_over_its_periods():
    # Periods of 14, 14 and (as the one before) 14 days, 28 + 56 + 14 units, from day 0 on, by week.
    fits = fitted(weekly(20), forecasts=own_forecast((0, 28), (14, 56), (28, 14)))
    assert told(fits)[:6] == pytest.approx([14, 14, 28, 28, 7, 7])
    assert not any(told(fits)[6:])
    assert fits.own_share[0].tolist() == [1] * 6 + [0] * 20


def test_months_are_told_by_the_days_they_have():
    dates = pd.to_datetime(["2026-06-01", "2026-07-01", "2026-08-01"])
    months = pd.DataFrame({"item_id": "a", "location_id": "S1", "date": dates, "quantity": [60.0, 31.0, 62.0]})
    # 2 a day in June, 1 a day in July; the fifth week has two days of June and five of July.
    assert told(fitted(weekly(20), forecasts=months))[:5] == pytest.approx([14, 14, 14, 14, 2 * 2 + 5 * 1])


def test_weeks_told_by_day_add_up_and_days_told_by_week_share():
    by_day = own_forecast(*((d, 3.0) for d in range(14)))
    assert told(fitted(weekly(20), forecasts=by_day))[:2] == pytest.approx([21, 21])
    daily = pd.DataFrame(
        {"date": pd.date_range(day(-50), day(-1)), "item_id": "a", "location_id": "S1", "quantity": 1.0}
    )
    by_week = own_forecast((0, 14), (7, 28))
    fits = fitted(daily, Params(bucket="day", outlier_correction=False), forecasts=by_week)
    assert told(fits)[:14] == pytest.approx([2.0] * 7 + [4.0] * 7)


def test_a_single_period_lasts_one_bucket():
    fits = fitted(weekly(20), forecasts=own_forecast((7, 35)))
    assert told(fits)[:3] == pytest.approx([0, 35, 0])
    assert fits.own_share[0, :3].tolist() == [0, 1, 0]


def test_only_what_lies_ahead_is_taken_from_a_forecast_that_began_before():
    fits = fitted(weekly(20), forecasts=own_forecast((-10, 28), (4, 14), (18, 14)))
    # 28 over 14 days, of which four lie ahead; then 1 a day.
    assert told(fits)[:3] == pytest.approx([4 * 2 + 3 * 1, 7, 7])


def test_what_lies_beyond_the_horizon_or_of_others_is_left_out():
    far = pd.concat([own_forecast((0, 7), (7, 7)), own_forecast((0, 50), (7, 50), item_id="zz")])
    fits = fitted(pd.concat([weekly(20), weekly(5, "b")]), forecasts=far)
    assert sum(told(fits, 1)) == 0
    assert any("Forecast rows for no item and location of the plan: 2" in note for note in fits.notes)
    assert sum(told(fitted(weekly(20), forecasts=own_forecast((9000, 7), (9007, 7))))) == 0


def test_where_the_users_forecast_covers_part_of_a_week_the_rest_is_forecast():
    forecasts = own_forecast((3, 49), (10, 49))
    fits = fitted(weekly(21), forecasts=forecasts)
    stock = pd.DataFrame({"item_id": ["a"], "location_id": "S1", "on_hand": 0.0})
    inputs = {"sales": weekly(21), "stock": stock, "forecasts": forecasts}
    mean = pipeline.plan(inputs, AS_OF, PLAIN, fits=fits).forecast["mean"]
    # Three days at 3 and four at 7; seven at 7; three at 7 and four at 3.
    assert mean[:3].tolist() == pytest.approx([37, 49, 33])


def test_forecasts_of_pooled_locations_add_up():
    stock = pd.DataFrame({"item_id": "a", "location_id": ["S1", "S2"], "on_hand": 0.0})
    both = pd.concat([own_forecast((0, 14), (7, 14)), own_forecast((0, 21), (7, 21), location_id="S2")])
    inputs = {"sales": weekly(21, place=None), "stock": stock, "forecasts": both}
    assert told(pipeline.fit(inputs, AS_OF, PLAIN))[:2] == pytest.approx([35, 35])


def test_customers_orders_lie_in_their_buckets_and_overdue_ones_in_the_first():
    rows = ((-9, 2.0), (0, 3.0), (6, 4.0), (7, 5.0), (20, 6.0), (9999, 7.0))
    fits = fitted(weekly(20), customer_orders=orders(*rows))
    assert fits.firm[0, :3].tolist() == [9, 5, 6]
    assert not fits.firm[0, 3:].any()


def test_orders_of_others_are_said_and_left_out():
    fits = fitted(weekly(20), customer_orders=orders((3, 2.0), item_id="zz"))
    assert not fits.firm.any()
    assert any("Customer order rows for no item and location of the plan: 1" in note for note in fits.notes)


def test_without_a_word_nothing_is_told():
    fits = fitted(weekly(20))
    assert not fits.own.any()
    assert not fits.own_share.any()
    assert not fits.firm.any()


@given(
    st.lists(st.tuples(st.integers(-40, 200), st.floats(0, 500)), min_size=1, max_size=12, unique_by=lambda r: r[0]),
    st.sampled_from(["week", "day"]),
)
@settings(max_examples=15)
def test_what_is_told_equals_a_plain_loop_over_days(rows, bucket):
    rows = sorted(rows)
    daily = pd.DataFrame(
        {"date": pd.date_range(day(-50), day(-1)), "item_id": "a", "location_id": "S1", "quantity": 1.0}
    )
    fits = fitted(daily, Params(bucket=bucket, outlier_correction=False), forecasts=own_forecast(*rows))
    length = fits.calendar.bucket_days
    units, covered = np.zeros(fits.horizon), np.zeros(fits.horizon)
    lengths = [b[0] - a[0] for a, b in zip(rows, rows[1:], strict=False)]
    lengths.append(lengths[-1] if lengths else length)
    for (first, quantity), days in zip(rows, lengths, strict=True):
        for at in range(first, first + days):
            if 0 <= at < fits.horizon * length:
                units[at // length] += quantity / days
                covered[at // length] += 1 / length
    np.testing.assert_allclose(fits.own[0], units, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(fits.own_share[0], np.minimum(covered, 1), rtol=1e-5, atol=1e-6)
