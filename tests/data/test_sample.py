"""The sample company: its files, its books, and the stories that a manager should find in them."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import sample_company as company
from data.catalog import NO_DECISIONS
from data.read import Import, read_inputs
from data.sample import (
    KNOWN,
    SAMPLE_AS_OF,
    SAMPLE_FOLDER,
    build_tables,
    kept_forecast,
    kept_snapshot,
    main,
    sample_sources,
)
from data.sample_simulation import WAREHOUSES, Simulation, simulate, take_oldest
from data.service import fingerprint
from data.snapshot import read_snapshot, snapshot_id
from planning import pipeline
from planning.params import Params
from planning.tables import INPUT_TABLES

AS_OF = pd.Timestamp(SAMPLE_AS_OF)
STORES = slice(WAREHOUSES, None)


@pytest.fixture(scope="module")
def days() -> Simulation:
    return simulate()


@pytest.fixture(scope="module")
def books() -> Import:
    return read_inputs(sample_sources())


@pytest.fixture(scope="module")
def stock_today(books: Import) -> pd.DataFrame:
    stock = books.frames["stock"]
    return stock[stock["as_of"] == AS_OF]


# --- the files


def test_regeneration_gives_the_committed_bytes(tmp_path):
    main(["--out", str(tmp_path)])
    written = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert written == {p.name: p.read_bytes() for p in SAMPLE_FOLDER.glob("*.csv")}


def test_the_kept_forecast_is_what_a_fresh_run_gives():
    frames = read_inputs(sample_sources()).frames
    key = pipeline.fit_key(frames, snapshot_id(frames), NO_DECISIONS, SAMPLE_AS_OF, Params())
    kept = kept_forecast(key)
    assert kept is not None, "the method or the sample changed: run `python -m tests.keep_sample`"
    fresh, kept_fits = pipeline.fit(frames, SAMPLE_AS_OF, Params()), pipeline.Fits.from_bytes(kept)
    for name in ("demand", "factor", "levels"):
        np.testing.assert_allclose(getattr(kept_fits, name), getattr(fresh, name), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(kept_fits.index(), fresh.index(), rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(kept_fits.library.rows, fresh.library.rows)
    assert kept_forecast("0" * 32) is None


def test_the_kept_snapshot_is_what_the_files_say(books):
    found = kept_snapshot(fingerprint(sample_sources()))
    assert found is not None, "the sample or its reader changed: run `python -m tests.keep_sample`"
    folder, told = found
    assert folder.name == told["snapshot_id"] == snapshot_id(books.frames)
    assert (told["rows"], told["notes"]) == (books.rows, books.notes)
    assert snapshot_id(read_snapshot(folder)) == folder.name
    assert kept_snapshot("0" * 64) is None


def test_another_seed_gives_another_company(days):
    assert (simulate(1).sales != days.sales).any()


def test_the_files_have_at_most_three_megabytes_and_four_with_what_is_kept_beside_them():
    past = SAMPLE_FOLDER / KNOWN
    assert sum(p.stat().st_size for p in SAMPLE_FOLDER.rglob("*") if p.is_file() and p != past) <= 4_000_000
    assert sum(p.stat().st_size for p in SAMPLE_FOLDER.glob("*.csv")) <= 3_000_000
    # The forecasts of a year of past mornings, so that the replay opens at once.
    assert past.stat().st_size <= 5_000_000


def test_every_contract_table_but_what_planners_decide_is_there():
    assert set(sample_sources()) == set(INPUT_TABLES) - {
        "forecasts",
        "overrides",
        "pins",
        "approved_orders",
        "transfer_pins",
        "approved_transfers",
    }


@pytest.mark.parametrize("name", sorted(sample_sources()))
def test_a_file_has_only_contract_columns_or_dates(name):
    source = sample_sources()[name][0]
    header = source.payload.read_text(encoding="utf-8").split("\n", 1)[0].split(",")
    known = INPUT_TABLES[name].by_name
    wide = [c for c in header if c not in known]
    assert len(set(header)) == len(header)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", c) for c in wide)
    assert bool(wide) == (name in ("sales", "availability"))


def test_every_row_is_accepted(books):
    assert books.rejected.empty
    assert all(counts["rejected"] == 0 and counts["read"] > 0 for counts in books.rows.values())


def test_the_last_sale_is_the_day_before_the_plan(books):
    assert AS_OF.day_name() == "Monday"
    assert books.frames["sales"]["date"].max() == AS_OF - pd.Timedelta(days=1)
    assert books.frames["stock"]["as_of"].max() == AS_OF


def test_awkward_identifiers_stay_as_they_are(books):
    for name in ("items", "sales", "stock", "receipts"):
        assert {"00012", "1E5", "1-2"} <= set(books.frames[name]["item_id"])


def test_every_identifier_is_known_to_its_master_table(books):
    items, places = set(books.frames["items"]["item_id"]), set(books.frames["locations"]["location_id"])
    for name, frame in books.frames.items():
        if "item_id" in frame:
            assert set(frame["item_id"].dropna()) <= items, name
        if "location_id" in frame:
            assert set(frame["location_id"].dropna()) <= places, name
    for column in ("like_item_id", "predecessor_id"):
        assert set(books.frames["items"][column].dropna()) <= items


def test_a_cell_is_empty_only_before_the_launch(books):
    days = books.frames["sales"].groupby(["item_id", "location_id"])["date"].agg(["min", "max", "size"])
    assert (days["max"] == AS_OF - pd.Timedelta(days=1)).all()
    assert (days["size"] == (days["max"] - days["min"]).dt.days + 1).all()
    launch = books.frames["items"].set_index("item_id")["launch_on"].reindex(days.index.get_level_values(0))
    first = launch.fillna(pd.Timestamp(company.FIRST_DAY)).to_numpy()
    assert (days["min"].to_numpy() == first).all()


# --- the books


def test_stock_is_conserved_day_by_day(days):
    feeder = np.repeat(np.eye(WAREHOUSES, dtype=int), 3, axis=0)
    before = np.concatenate([days.opening[None], days.closing[:-1]])
    stores = before[:, :, STORES] + days.landed - days.sales - days.waste[:, :, STORES]
    warehouses = before[:, :, :WAREHOUSES] + days.received - days.shipped @ feeder - days.waste[:, :, :WAREHOUSES]
    assert (np.concatenate([warehouses, stores], axis=2) == days.closing).all()
    assert (days.lots.sum(-1) == days.closing[-1]).all()


def test_what_was_shipped_landed_or_is_still_under_way(days):
    under_way = days.transfers.groupby("item")["quantity"].sum()
    missing = pd.Series((days.shipped.sum(0) - days.landed.sum(0)).sum(1))
    pd.testing.assert_series_equal(missing[missing > 0], under_way, check_names=False, check_index_type=False)


def test_what_was_bought_arrived_or_is_still_to_come(days):
    arrived = days.purchases[days.purchases["arrives"] < company.DAYS]
    assert arrived["quantity"].sum() == days.received.sum()
    assert (days.purchases["arrives"] > days.purchases["ordered"]).all()


def test_no_quantity_is_negative(days):
    for name in ("opening", "demand", "sales", "closing", "waste", "shipped", "landed", "received", "lots"):
        assert getattr(days, name).min() >= 0, name
    assert days.purchases["quantity"].min() > 0
    assert days.transfers["quantity"].min() > 0


def test_demand_is_lost_only_on_an_empty_shelf(days):
    assert (days.sales <= days.demand).all()
    lost = days.sales < days.demand
    listed = ~np.isnan(days.on_shelf)
    assert (days.closing[:, :, STORES][lost & listed] == 0).all()
    assert (days.on_shelf[lost & listed] < 1).all()
    assert (days.sales[days.on_shelf == 0] == 0).all()
    assert (days.demand[~listed] == 0).all()


def test_the_stock_file_is_the_simulations_last_count(days, stock_today):
    counted = stock_today.groupby(["item_id", "location_id"])["on_hand"].sum()
    items, places = company.build_items()["item_id"], company.build_locations()["location_id"]
    for (item, place), units in counted.items():
        assert units == days.closing[-1, items[items == item].index[0], places[places == place].index[0]]
    assert counted.sum() == days.closing[-1].sum()


def test_nobody_was_promised_more_than_there_is(stock_today):
    sums = stock_today.groupby(["item_id", "location_id"])[["on_hand", "allocated", "backorders"]].sum()
    assert (sums["allocated"] <= sums["on_hand"]).all()
    assert (sums.loc[sums["backorders"] > 0, "on_hand"] == 0).all()
    assert sums["allocated"].gt(0).any()
    assert sums["backorders"].gt(0).any()


def test_no_location_is_fuller_than_its_room(days):
    volume = company.build_items()["volume"].to_numpy()
    filled = np.einsum("dip,i->dp", days.closing, volume)
    assert (filled.max(0) <= company.build_locations()["capacity"].to_numpy()).all()


@given(st.lists(st.integers(0, 9), min_size=1, max_size=8), st.data())
def test_a_withdrawal_takes_the_shortest_life_first(lots, data):
    units = data.draw(st.integers(0, sum(lots)))
    expected, left = [], units
    for lot in lots:
        expected.append(min(lot, left))
        left -= expected[-1]
    assert take_oldest(np.array(lots), np.array(units)).tolist() == expected


# --- the stories


def demand_class(weeks: np.ndarray) -> str:
    """ADI 1.32 and CV2 0.49: Syntetos and Boylan (2005)."""
    weeks = np.trim_zeros(weeks, "f")
    sizes = weeks[weeks > 0]
    rare = len(weeks) / len(sizes) >= 1.32
    varied = (sizes.std(ddof=1) / sizes.mean()) ** 2 >= 0.49
    return ("lumpy" if varied else "intermittent") if rare else ("erratic" if varied else "smooth")


def test_all_four_demand_classes_appear(days):
    weeks = days.sales.reshape(company.WEEKS, 7, *days.sales.shape[1:]).sum(1)
    series = weeks.reshape(company.WEEKS, -1).T
    shares = pd.Series([demand_class(s) for s in series if (s > 0).sum() >= 2]).value_counts(normalize=True)
    assert (shares[["smooth", "intermittent", "erratic", "lumpy"]] >= 0.05).all()


def test_the_company_serves_most_of_its_demand_but_not_all(days):
    assert 0.94 < days.sales[-365:].sum() / days.demand[-365:].sum() < 0.99


def test_each_store_holds_thousands_of_money(days):
    value = company.build_items()["unit_cost"].to_numpy() @ days.closing[-1]
    assert (value[STORES] > 5_000).all()
    assert (value < 100_000).all()


def test_one_order_is_a_few_days_overdue_and_one_more_than_sixty(books):
    overdue = (AS_OF - books.frames["open_orders"]["due_on"]).dt.days
    assert overdue.between(1, 14).any()
    assert (overdue > 60).sum() == 1


def test_transfers_are_under_way_to_stores(books):
    orders = books.frames["open_orders"]
    assert orders[orders["location_id"].str.startswith("ST-")]["supplier_id"].isna().all()
    assert orders["location_id"].str.startswith("ST-").sum() >= 5


def test_one_supplier_is_clearly_late_and_the_others_are_not(books):
    receipts = books.frames["receipts"]
    assert receipts["received_on"].max() - receipts["received_on"].min() > pd.Timedelta(days=365)
    late = (receipts["received_on"] - receipts["promised_on"]).dt.days.groupby(receipts["supplier_id"]).mean()
    assert late["SUP-HOME"] > 4
    assert (late.drop("SUP-HOME").abs() < 4).all()
    assert late.idxmax() == "SUP-HOME"


def test_some_deliveries_come_in_two_parts(books):
    receipts = books.frames["receipts"]
    rests = receipts[receipts["order_id"].str.endswith("-B")]
    assert 0.03 < len(rests) / len(receipts) < 0.15


def test_a_lot_has_expired(stock_today):
    lots = stock_today[stock_today["expiry_date"].notna()]
    assert lots["lot_id"].notna().all()
    assert (lots["expiry_date"] < AS_OF).any()
    assert (lots["expiry_date"] >= AS_OF).any()


def test_a_dead_item_still_has_stock(books, stock_today):
    items = books.frames["items"]
    dead = set(items.loc[items["life_cycle"] == "dead", "item_id"])
    sales = books.frames["sales"]
    sold = sales[sales["item_id"].isin(dead) & (sales["date"] >= AS_OF - pd.Timedelta(days=60))]["quantity"].sum()
    assert sold == 0
    assert stock_today[stock_today["item_id"].isin(dead)]["on_hand"].sum() > 100


def covered_days(days: Simulation) -> tuple[np.ndarray, np.ndarray]:
    """Days that the stock of each item-store lasts at the last ten weeks' pace, and that pace."""
    sold = np.where(days.on_shelf == 1, days.sales, 0)[-70:].sum(0)
    pace = sold / np.maximum((days.on_shelf == 1)[-70:].sum(0), 1)
    return days.closing[-1, :, STORES] / np.maximum(pace, 1e-3), pace


def test_a_twentieth_of_the_item_stores_is_at_risk_and_most_of_it_can_be_helped(days):
    cover, pace = covered_days(days)
    at_risk = (cover < company.build_locations()["transit_days"].to_numpy()[STORES] + 7) & (pace > 0)
    assert 0.03 < at_risk.sum() / (pace > 0).sum() < 0.12
    in_warehouse = np.repeat(days.closing[-1, :, :WAREHOUSES], 3, axis=1)
    assert (at_risk & (in_warehouse > 60 * pace)).sum() >= 5
    assert (at_risk & (in_warehouse > 0) & (in_warehouse < 10 * pace)).sum() >= 3


@pytest.mark.parametrize(("item", "warehouse"), [("SKU-0044", 0), ("SKU-0015", 1), ("SKU-0054", 0)])
def test_a_warehouse_has_less_than_its_stores_need(days, item, warehouse):
    cover, pace = covered_days(days)
    i = company.build_items()["item_id"].tolist().index(item)
    stores = slice(3 * warehouse, 3 * warehouse + 3)
    need = np.maximum(14 - cover[i, stores], 0) @ pace[i, stores]
    assert 0 < days.closing[-1, i, warehouse] < need


def test_the_far_suppliers_item_runs_out_before_an_order_can_arrive(days):
    _, pace = covered_days(days)
    i = company.build_items()["item_id"].tolist().index("SKU-0080")
    assert days.closing[-1, i].sum() < 50 * pace[i].sum()
    assert not (days.purchases["item"].eq(i) & days.purchases["arrives"].ge(company.DAYS)).any()


def test_one_store_is_full_where_its_neighbours_are_short(days):
    cover, _ = covered_days(days)
    i = company.build_items()["item_id"].tolist().index("SKU-0025")
    assert days.closing[-1, i, 1] == 0
    assert cover[i, 5] > 60
    assert (cover[i, 3:5] < 3).all()


def test_one_item_is_clearly_in_excess(days):
    _, pace = covered_days(days)
    i = company.build_items()["item_id"].tolist().index("SKU-0061")
    assert days.closing[-1, i].sum() > 200 * pace[i].sum()


def test_past_promotions_did_raise_sales(days):
    coffee = company.build_items()["item_id"].tolist().index("SKU-0022")
    start = company.day_of("2026-03-09")
    demand = days.demand[:, coffee].sum(1)
    assert demand[start : start + 7].sum() > 1.6 * demand[start - 28 : start].sum() / 4


def test_two_promotions_lie_ahead(books):
    events = books.frames["events"]
    ahead = events[(events["starts_on"] >= AS_OF) & (events["uplift"] > 1)]
    assert len(ahead) == 2
    assert (ahead["starts_on"] <= AS_OF + pd.Timedelta(days=28)).all()


def test_building_the_tables_changes_nothing(days):
    before = days.closing.copy(), days.purchases.copy()
    build_tables(days)
    assert (days.closing == before[0]).all()
    pd.testing.assert_frame_equal(days.purchases, before[1])
