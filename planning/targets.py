"""Who says how much service an item gets, the most specific first; and the planner's pins."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from planning.inputs import KEY
from planning.params import Params

HIGHEST = 0.9999
"""No finite stock serves everything: a higher target counts as this."""

PIN_COLUMNS: Mapping[str, str] = MappingProxyType(
    {"service_target": "pinned_service_target", "safety_stock": "pinned_safety_stock"}
)
"""The kinds of pins that act on the policy, and the column of the positions that holds each."""


def pinned_values(pins: pd.DataFrame, keys: pd.DataFrame, kind: str) -> np.ndarray:
    """Return what the planner pinned by row, NaN where nothing, (n,).

    A pin without a location means each of the item's; one with a location goes before it. Of two for the same place
    the later made counts, without a moment the later row. A value that cannot be used is none: units are 0 or more,
    a service target lies between 0 and 1.

    Parameters
    ----------
    pins : the contract's table.
    keys : item_id, location_id, n rows.
    kind : "safety_stock", "service_target" or "order_quantity".
    """
    some = pins[(pins["kind"] == kind).to_numpy(bool) & _usable(pins)]
    made = pd.to_datetime(some["made_at"], format="ISO8601", errors="coerce", utc=True).dt.tz_localize(None)
    moment = made.fillna(pd.Timestamp(0)).to_numpy("datetime64[ns]").astype("int64")
    some = some.iloc[np.argsort(moment, kind="stable")]
    anywhere = some["location_id"].isna()
    of_item = some[anywhere].drop_duplicates("item_id", keep="last").set_index("item_id")["value"]
    here = some[~anywhere].drop_duplicates(list(KEY), keep="last").set_index(list(KEY))["value"]
    wide = keys["item_id"].map(of_item).to_numpy(float)
    # An empty index has no levels of text to be looked up by.
    local = here.reindex(pd.MultiIndex.from_frame(keys[list(KEY)])).to_numpy(float) if len(here) else wide
    return np.where(np.isnan(local), wide, local)


def unused_pins(pins: pd.DataFrame, keys: pd.DataFrame) -> pd.DataFrame:
    """Return the pins that name no line of the plan, or hold a value that cannot be used."""
    lines = pd.MultiIndex.from_frame(keys[list(KEY)])
    here = pd.MultiIndex.from_frame(pins[list(KEY)].astype(object).fillna("")).isin(lines)
    known = here | (pins["location_id"].isna() & pins["item_id"].isin(keys["item_id"])).to_numpy()
    return pd.DataFrame(pins[~(known & _usable(pins))])


def _usable(pins: pd.DataFrame) -> np.ndarray:
    value = pins["value"].to_numpy(float)
    fraction = (pins["kind"] == "service_target").to_numpy(bool)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.isfinite(value) & np.where(fraction, (value > 0) & (value < 1), value >= 0))


def join_targets(table: pd.DataFrame, params: Params) -> None:
    """Add service_target, service_target_from (in words) and target_source to the positions.

    The first that speaks wins: a pin, the item at its location, the item, its supplier, its category, its class, all.

    Parameters
    ----------
    table : pinned_service_target, place_target, item_target (fractions, NaN: none), supplier_id, category, abc_class.
    """
    spoken = (
        ("pin", table["pinned_service_target"], "pinned by hand"),
        ("item", table["place_target"], "item at location"),
        ("item", table["item_target"], "item"),
        ("supplier", _by_group(table["supplier_id"], params.service_target_by_supplier), "supplier "),
        ("category", _by_group(table["category"], params.service_target_by_category), "category "),
        ("class", _by_group(table["abc_class"], params.service_target_by_class), "class "),
    )
    values = [column.to_numpy(float) for _, column, _ in spoken]
    told = [(value > 0) & (value <= 1) for value in values]
    groups = {"supplier ": "supplier_id", "category ": "category", "class ": "abc_class"}
    words = [
        (text + table[groups[text]].astype(object).where(t, "").astype(str)).to_numpy(object)
        if text in groups
        else np.full(len(table), text, object)
        for (_, _, text), t in zip(spoken, told, strict=True)
    ]
    table["service_target"] = np.minimum(np.select(told, values, params.service_target), HIGHEST)
    table["service_target_from"] = np.select(told, words, "all items")
    names = [np.full(len(table), name, object) for name, _, _ in spoken]
    table["target_source"] = np.select(told, names, "default")


def _by_group(group: pd.Series, targets: Mapping[str, float]) -> pd.Series:
    return group.map(dict(targets)).astype(float)
