"""Lead time and its spread: what receipts tell, else what the master data say, else what is assumed.

Lead times are calendar days from order to usable receipt. One order line is one observation, however many
deliveries it came in; a receipt after the morning of the plan is not known yet.
Source: Silver, Pyke & Thomas, Inventory and Production Management in Supply Chains, 4th ed. (2017), ch. 6.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planning.params import Params

Floats = NDArray[np.float64]

ENOUGH = 8
"""Order lines from which on a place's own lead time stands alone; also the weight of its supplier's before."""

RECEIPT_COLUMNS = (
    "item_id",
    "location_id",
    "supplier_id",
    "order_id",
    "ordered_on",
    "received_on",
    "quantity",
    "promised_on",
)
PLACE = ("item_id", "location_id")
SUPPLIER = ("supplier_id",)


def lead_times(keys: pd.DataFrame, receipts: pd.DataFrame, as_of: date, params: Params) -> pd.DataFrame:
    """Lead time, its standard deviation and its source, for each item-location.

    The first that tells wins: receipts of the item at the location (shrunk to its supplier's while they are few),
    the item's master data at the location, the item's, the supplier's receipts, the supplier's master data,
    `params.lead_time_days`. The spread is that of the receipts where they gave the mean and hold two lines,
    else `supplier_sd`, else `params.lead_time_sd_fraction` of the mean and at least a day (a fraction of 0: none).
    The what-ifs come last: mean and spread times `lead_time_multiplier`, the mean plus `lead_time_added_days`.

    Parameters
    ----------
    keys : one row an item-location: item_id, location_id, supplier_id, and in days, missing where unknown,
        item_location_lead, item_lead, supplier_lead, supplier_sd.
    receipts : the input table of that name, dates as datetime64; may be empty.
    as_of : the morning of the plan; later receipts are not used.
    params : lead_time_days, lead_time_sd_fraction, lead_time_multiplier, lead_time_added_days.

    Returns
    -------
    DataFrame on the index of `keys`: lead_time_days and lead_time_sd_days (days, >= 0) and lead_time_from, one of
    "receipts", "item at location", "item", "supplier receipts", "supplier", "assumed".
    """
    own, supplier = _learned_for(keys, order_lines(receipts, as_of))
    sources = {
        "receipts": _shrunk(own["lead_time_days"], supplier["lead_time_days"], own["lines"]),
        "item at location": keys["item_location_lead"],
        "item": keys["item_lead"],
        "supplier receipts": supplier["lead_time_days"],
        "supplier": keys["supplier_lead"],
    }
    days = [_floats(source) for source in sources.values()]
    known = [~np.isnan(source) for source in days]
    mean = np.select(known, days, params.lead_time_days)
    told_by = np.select(known, list(sources), "assumed").astype(object)
    sd = _spread(keys, own, supplier, mean, told_by, params.lead_time_sd_fraction)
    return pd.DataFrame(
        {
            "lead_time_days": mean * params.lead_time_multiplier + params.lead_time_added_days,
            "lead_time_sd_days": sd * params.lead_time_multiplier,
            "lead_time_from": told_by,
        },
        index=keys.index,
    )


def learn(lines: pd.DataFrame, by: Sequence[str] = PLACE) -> pd.DataFrame:
    """What order lines tell of the lead time, by item-location or by supplier.

    Parameters
    ----------
    lines : one row an order line, as `order_lines` returns them.
    by : the columns to group by; rows in which one of them is missing are left out.

    Returns
    -------
    DataFrame indexed by `by`: lead_time_days (mean), lead_time_sd_days (n - 1; missing for a single line),
    lines (count), share_late (of the lines with a promise; missing without any).
    """
    late = (lines["lead_time_days"] > lines["promised_days"]).where(lines["promised_days"].notna()).astype(float)
    told = lines.assign(late=late).groupby(list(by))
    return pd.DataFrame(
        {
            "lead_time_days": told["lead_time_days"].mean(),
            "lead_time_sd_days": told["lead_time_days"].std(ddof=1),
            "lines": told.size(),
            "share_late": told["late"].mean(),
        }
    )


def order_lines(receipts: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Receipts as order lines, typing errors left out.

    Deliveries of one line (order, item, location, supplier, day of the order) are weighted by their units.
    Left out as errors: a receipt before its order, and a lead time over five times the median that is also more
    than 60 days after the promise (the median, where nothing was promised). The median is that of the
    item-location from three lines on, else the supplier's.

    Parameters
    ----------
    receipts : the input table of that name; may be empty, and lack optional columns.
    as_of : the morning of the plan; later receipts are left out.

    Returns
    -------
    DataFrame, one row an order line: item_id, location_id, supplier_id, lead_time_days, promised_days (days).
    """
    # A column that is missing altogether would come as numbers, and would not merge with text.
    known = receipts.reindex(columns=list(RECEIPT_COLUMNS)).astype(dict.fromkeys(RECEIPT_COLUMNS[:4], object))
    known = known[(known["received_on"] <= pd.Timestamp(as_of)) & (known["quantity"] > 0)]
    # Sums of fractional units depend on their order, and a plan must not depend on the order of its rows.
    known = known.sort_values(list(RECEIPT_COLUMNS))
    days = _days(known["received_on"], known["ordered_on"])
    deliveries = known.assign(
        unit_days=days * known["quantity"], promised_days=_days(known["promised_on"], known["ordered_on"])
    )[days >= 0]
    line = ["item_id", "location_id", "supplier_id", "order_id", "ordered_on"]
    parts = deliveries.groupby(line, dropna=False)
    lines = parts.agg(
        unit_days=("unit_days", "sum"), quantity=("quantity", "sum"), promised_days=("promised_days", "max")
    ).reset_index()
    lines["lead_time_days"] = lines["unit_days"] / lines["quantity"]
    plausible = lines["lead_time_days"] <= _longest_plausible(lines)
    return lines.loc[plausible, [*PLACE, *SUPPLIER, "lead_time_days", "promised_days"]].reset_index(drop=True)


def _spread(
    keys: pd.DataFrame,
    own: pd.DataFrame,
    supplier: pd.DataFrame,
    mean: Floats,
    told_by: NDArray[np.object_],
    fraction: float,
) -> Floats:
    """The standard deviation that goes with each mean: learned, else given, else assumed."""
    suppliers = supplier["lead_time_sd_days"]
    own_drawn = _shrunk(own["lead_time_sd_days"], suppliers, own["lines"]).fillna(suppliers)
    learned = np.select(
        [told_by == "receipts", told_by == "supplier receipts"], [_floats(own_drawn), _floats(suppliers)], np.nan
    )
    given = _floats(keys["supplier_sd"])
    assumed = np.maximum(1.0, fraction * mean) if fraction > 0 else np.zeros(len(keys))
    return np.select([~np.isnan(learned), ~np.isnan(given)], [learned, given], assumed)


def _floats(column: pd.Series) -> Floats:
    return column.to_numpy(dtype=float, na_value=np.nan)


def _days(later: pd.Series, earlier: pd.Series) -> pd.Series:
    """Whole days from one date to another; missing where either is."""
    return (pd.to_datetime(later, cache=False) - pd.to_datetime(earlier, cache=False)).dt.days.astype(float)


def _longest_plausible(lines: pd.DataFrame) -> pd.Series:
    at_place = lines.groupby(list(PLACE), dropna=False)["lead_time_days"]
    of_supplier = lines.groupby(list(SUPPLIER), dropna=False)["lead_time_days"]
    median = at_place.transform("median").where(at_place.transform("size") >= 3, of_supplier.transform("median"))
    return (5 * median).clip(lower=lines["promised_days"].fillna(median) + 60)


def _learned_for(keys: pd.DataFrame, lines: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What is learned of each key's own place, and of its supplier; both on the index of `keys`."""
    lines = _placed(lines, keys)
    same_supplier = (lines["supplier_id"] == lines["its_supplier"]) | lines["its_supplier"].isna()
    own = learn(lines[same_supplier])
    supplier = learn(lines.drop_duplicates(["line", "supplier_id"]), SUPPLIER)
    places = pd.MultiIndex.from_frame(keys[list(PLACE)])
    return own.reindex(places).set_axis(keys.index), supplier.reindex(keys["supplier_id"]).set_axis(keys.index)


def _placed(lines: pd.DataFrame, keys: pd.DataFrame) -> pd.DataFrame:
    """Lines at their places: one without a location counts wherever its item is; a missing supplier is the place's."""
    lines = lines.assign(line=np.arange(len(lines)))
    places = keys[[*PLACE, *SUPPLIER]].drop_duplicates(list(PLACE)).rename(columns={"supplier_id": "its_supplier"})
    at_place = lines[lines["location_id"].notna()].merge(places, how="left", on=list(PLACE))
    anywhere = lines[lines["location_id"].isna()].drop(columns="location_id").merge(places, how="left", on="item_id")
    placed = pd.concat([at_place, anywhere], ignore_index=True)
    return placed.assign(supplier_id=placed["supplier_id"].where(placed["supplier_id"].notna(), placed["its_supplier"]))


def _shrunk(own: pd.Series, supplier: pd.Series, lines: pd.Series) -> pd.Series:
    """The own value, drawn to the supplier's while there are fewer than `ENOUGH` lines."""
    drawn = (lines * own + ENOUGH * supplier) / (lines + ENOUGH)
    return own.where((lines >= ENOUGH) | supplier.isna(), drawn)
