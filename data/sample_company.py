"""The sample company: who it is, what it sells, and the stories that its books tell on the opening day.

A grocery and household retailer with two warehouses and six stores. Everything here is fiction.
`data.sample_simulation` lives its days; `data.sample` writes its files.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from io import StringIO
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd

Shape = npt.NDArray[np.float64]

AS_OF = date(2026, 11, 16)
WEEKS = 131
DAYS = 7 * WEEKS
FIRST_DAY = AS_OF - timedelta(days=DAYS)

_ITEMS = """
item_id|item_name|pattern|per_day|unit_cost|unit_price|case|volume|shelf
#Chilled|SUP-CHILL
SKU-0001|Whole milk 1 l|smooth|16|0.78|1.09|12|1.1|28
SKU-0002|Semi-skimmed milk 1 l|smooth|14|0.74|1.05|12|1.1|28
SKU-0003|Salted butter 250 g|smooth|7|1.72|2.39|20|0.3|60
SKU-0004|Natural yoghurt 500 g|smooth|6|0.92|1.49|6|0.6|30
SKU-0005|Strawberry yoghurt 4 pack|smooth|5|1.15|1.89|6|0.7|30
SKU-0006|Mature cheddar 350 g|smooth|4.5|2.65|3.99|10|0.4|60
SKU-0007|Goat cheese 150 g|erratic|1.6|1.95|3.29|8|0.2|35
SKU-0008|Sliced ham 200 g|smooth|4|1.80|2.79|10|0.3|30
SKU-0009|Smoked salmon 150 g|erratic|1.8|3.90|6.49|8|0.2|32
SKU-0010|Fresh orange juice 1 l|smooth|4.5|1.70|2.69|8|1.1|30
SKU-0011|Vegetable lasagne 400 g|smooth|2.5|2.10|3.49|6|0.6|30
SKU-0013|Horseradish cream 150 g|intermittent|0.094|1.30|2.29|6|0.2|60
#Dry grocery|SUP-DRY
00012|Spaghetti 500 g|smooth|9|0.62|0.99|24|0.7|
SKU-0014|Penne 500 g|smooth|7|0.62|0.99|24|0.7|
SKU-0015|Long grain rice 1 kg|smooth|5|1.35|1.99|12|1.1|
SKU-0016|Plain flour 1.5 kg|smooth|4.5|0.80|1.25|10|1.7|
SKU-0017|Caster sugar 1 kg|smooth|4|0.95|1.39|10|1.1|
SKU-0018|Chopped tomatoes 400 g|smooth|12|0.45|0.79|24|0.5|
SKU-0019|Chick peas 400 g|smooth|4|0.52|0.89|24|0.5|
SKU-0020|Olive oil 750 ml|smooth|2.6|5.20|7.49|6|0.9|
SKU-0021|Sunflower oil 1 l|smooth|3|1.60|2.29|12|1.1|
SKU-0022|Ground coffee 500 g|smooth|5|4.10|5.99|12|0.9|
SKU-0023|Breakfast tea 80 bags|smooth|4.5|1.85|2.79|12|0.8|
SKU-0024|Porridge oats 1 kg|smooth|4|1.05|1.69|10|1.6|
SKU-0025|Honey 340 g|smooth|2.2|2.60|3.99|6|0.4|
SKU-0026|Saffron 0.4 g|intermittent|0.056|3.10|5.49|10|0.1|
SKU-0027|Vanilla pods 2 pieces|intermittent|0.081|3.40|5.99|10|0.1|
SKU-0028|Basmati rice 5 kg sack|lumpy|0.34|7.20|10.99|2|5.5|
SKU-0029|Soup mix catering tub|lumpy|0.28|8.90|13.49|4|4.2|
SKU-0030|Cat food 12 pouches|erratic|2.2|3.60|5.29|6|1.8|
#Drinks|SUP-DRY
SKU-0031|Still water 6 x 1.5 l|smooth|8|1.35|2.19|1|9.8|
SKU-0032|Sparkling water 1 l|smooth|7|0.42|0.79|12|1.2|
SKU-0033|Cola 1.5 l|smooth|8|0.95|1.59|6|1.8|
SKU-0034|Lemonade 1.5 l|smooth|5|0.85|1.45|6|1.8|
SKU-0035|Apple juice 1 l|smooth|5|0.90|1.49|12|1.2|
SKU-0036|Elderflower cordial 500 ml|smooth|1.5|1.95|3.19|6|0.7|
SKU-0037|Alcohol-free beer 6 x 330 ml|erratic|2.2|3.40|5.49|4|3.2|
SKU-0038|Pale ale 500 ml|smooth|4|1.25|1.99|12|0.7|
SKU-0039|Red wine 750 ml|smooth|3.5|4.40|6.99|6|1.2|
SKU-0040|Sparkling wine 750 ml|erratic|1.8|5.80|9.49|6|1.3|
SKU-0041|Party keg 5 l|lumpy|0.25|9.80|15.99|1|6.5|
SKU-0042|Ginger beer 4 x 330 ml|smooth|1.8|2.10|3.49|6|1.7|
#Confectionery|SUP-DRY
SKU-0043|Milk chocolate 100 g|smooth|9|0.72|1.29|24|0.2|
SKU-0044|Dark chocolate 100 g|smooth|6|0.80|1.45|24|0.2|
SKU-0045|Chocolate assortment 400 g|erratic|1.6|4.30|7.99|8|1.1|
SKU-0046|Butter biscuits 250 g|smooth|4.5|1.05|1.79|12|0.9|
SKU-0047|Fruit gums 200 g|smooth|5|0.75|1.29|20|0.3|
SKU-0048|Mint drops 150 g|smooth|2.2|0.70|1.25|20|0.2|
SKU-0049|Marzipan loaf 200 g|erratic|0.9|1.60|2.89|12|0.3|
1-2|Nut brittle 1-2 portions|smooth|1.6|0.95|1.79|18|0.2|
SKU-0051|Salted caramel bar 90 g|smooth|3.5|0.85|1.59|24|0.2|
SKU-0052|Gift hamper small|lumpy|0.19|12.50|22.99|2|6.0|
#Household|SUP-HOME
SKU-0053|Laundry liquid 1.5 l|smooth|3|4.60|7.99|6|1.9|
SKU-0054|Dishwasher tablets 40|smooth|2.6|4.90|8.49|6|1.6|
SKU-0055|Washing-up liquid 500 ml|smooth|4.5|0.90|1.69|12|0.7|
SKU-0056|Toilet paper 9 rolls|smooth|7|2.40|3.99|6|9.5|
SKU-0057|Kitchen roll 4 pack|smooth|4.5|1.70|2.99|6|7.0|
SKU-0058|Bin bags 30 l, 30 pieces|smooth|2.6|1.25|2.49|20|0.8|
SKU-0059|All-purpose cleaner 1 l|smooth|2.4|1.20|2.29|12|1.3|
SKU-0060|Hand soap refill 500 ml|smooth|2.6|1.10|2.19|12|0.7|
SKU-0061|Descaler 250 ml|intermittent|0.16|1.90|3.99|6|0.4|
SKU-0062|Silver polish 150 ml|intermittent|0.05|2.70|5.99|6|0.3|
SKU-0063|Light bulb E27 warm|smooth|1.5|1.60|3.49|10|0.5|
SKU-0064|Batteries AA 8 pack|erratic|2.4|2.90|5.99|12|0.2|
SKU-0065|Candles 30 pieces|erratic|1.2|3.10|5.99|6|1.4|
1E5|Steel wool 100000 fibres|intermittent|0.12|0.85|1.99|12|0.3|
SKU-0067|Refuse sacks trade roll|lumpy|0.31|8.40|14.99|2|5.0|
SKU-0068|Floor care concentrate 5 l|lumpy|0.22|14.50|24.99|2|6.0|
#Home and garden|SUP-SEA
SKU-0069|Garden hose 20 m|intermittent|0.14|11.80|24.99|4|9.0|
SKU-0070|Watering can 10 l|smooth|0.8|4.20|9.99|6|14.0|
SKU-0071|Potting soil 20 l|erratic|1.8|2.60|5.49|1|21.0|
SKU-0072|Terracotta pot 24 cm|lumpy|0.37|3.10|7.49|6|8.0|
SKU-0073|Folding chair|intermittent|0.088|19.50|39.99|2|28.0|
SKU-0074|Charcoal 5 kg|erratic|1.5|3.20|6.99|1|18.0|
SKU-0075|Solar lantern|smooth|0.9|5.40|12.99|12|2.0|
SKU-0076|Storage box 45 l|smooth|1.2|5.90|12.49|6|12.0|
SKU-0077|Cast iron pan 28 cm|intermittent|0.1|16.80|36.99|4|5.0|
SKU-0078|Glass jars 6 pack|smooth|1.2|4.10|8.99|6|5.5|
SKU-0079|Electric kettle 1.7 l|intermittent|0.12|13.90|27.99|4|6.5|
SKU-0080|Fleece blanket|smooth|1.1|6.20|14.99|10|4.0|
"""

_LOCATIONS = """
location_id|location_name|kind|capacity|priority|source|transit_days|size|profile
WH-NORTH|North warehouse|warehouse|150000|||||
WH-SOUTH|South warehouse|warehouse|120000|||||
ST-01|Harbour Street|store|36000|1|WH-NORTH|1|2.4|town
ST-02|Mill Lane|store|30000|1|WH-NORTH|2|1.6|suburb
ST-03|Old Market|store|14500|1|WH-NORTH|3|1.1|town
ST-04|Station Road|store|28000|1|WH-SOUTH|1|2.1|station
ST-05|Orchard Park|store|20000|1|WH-SOUTH|2|1.4|suburb
ST-06|Riverside|store|14500|1|WH-SOUTH|3|1.0|town
"""

_SUPPLIERS = """
supplier_id|supplier_name|lead_time_days|lead_time_sd_days|review_period_days|order_weekday|min_order_value|order_cost|container_volume|late_by|late_sd
SUP-CHILL|Chilled Foods Depot|5|1|7|monday|400|15||0|0.7
SUP-DRY|Dry Goods Wholesale|12|2|7|thursday|600|25||0.4|1.8
SUP-HOME|Home and Care Works|21|3|14|monday|800|40||6|4
SUP-SEA|Overseas Household Trading|60|7|14|monday|2500|180|33000|2|5
"""

# What sets single items apart from their kind: a later launch, an end, a lead time of their own, limits.
_ITEM_EXTRAS: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {
        "SKU-0006": {"max_order": 600},
        "SKU-0020": {"lead_time_days": 18},
        "SKU-0026": {"lead_time_days": 30},
        "SKU-0031": {"max_order": 1400},
        "SKU-0036": {"life_cycle": "ending", "ends_on": date(2026, 12, 20)},
        "SKU-0042": {"life_cycle": "new", "launch_on": date(2026, 10, 5), "like_item_id": "SKU-0036"},
        "SKU-0048": {"life_cycle": "dead", "ends_on": date(2026, 8, 30)},
        "1-2": {"launch_on": date(2025, 2, 3)},
        "SKU-0051": {"life_cycle": "new", "launch_on": date(2026, 8, 31), "predecessor_id": "SKU-0048"},
        "SKU-0052": {"max_stock": 400},
        "SKU-0059": {"life_cycle": "new", "launch_on": date(2026, 11, 30), "like_item_id": "SKU-0055"},
        "SKU-0063": {"life_cycle": "ending", "ends_on": date(2027, 1, 31)},
        "SKU-0070": {"launch_on": date(2025, 3, 3)},
        "SKU-0075": {"life_cycle": "dead", "ends_on": date(2026, 5, 31)},
        "SKU-0079": {"max_order": 120},
    }
)

EVENTS = (
    # starts_on, ends_on, uplift, item, category, location, name
    ("2024-06-10", "2024-06-16", 1.6, "SKU-0033", "", "", "Summer drinks"),
    ("2024-08-05", "2024-08-11", 1.8, "SKU-0074", "", "", "Barbecue week"),
    ("2024-09-16", "2024-09-22", 1.5, "", "Dry grocery", "ST-04", "Station Road reopening"),
    ("2024-11-25", "2024-12-01", 1.4, "", "Household", "", "Household week"),
    ("2024-12-25", "2024-12-25", 0.0, "", "", "", "Closed"),
    ("2025-03-10", "2025-03-16", 2.2, "SKU-0022", "", "", "Coffee offer"),
    ("2025-04-28", "2025-05-04", 1.5, "", "Home and garden", "", "Garden opening"),
    ("2025-06-16", "2025-06-22", 1.6, "SKU-0033", "", "", "Summer drinks"),
    ("2025-09-08", "2025-09-14", 2.0, "SKU-0056", "", "", "Paper offer"),
    ("2025-10-06", "2025-10-12", 2.2, "SKU-0022", "", "", "Coffee offer"),
    ("2025-11-24", "2025-11-30", 1.4, "", "Household", "", "Household week"),
    ("2025-12-25", "2025-12-25", 0.0, "", "", "", "Closed"),
    ("2026-03-09", "2026-03-15", 2.2, "SKU-0022", "", "", "Coffee offer"),
    ("2026-04-27", "2026-05-03", 1.5, "", "Home and garden", "", "Garden opening"),
    ("2026-06-15", "2026-06-21", 1.6, "SKU-0033", "", "", "Summer drinks"),
    ("2026-08-10", "2026-08-16", 1.4, "", "Drinks", "ST-02", "Mill Lane street fair"),
    ("2026-10-05", "2026-10-11", 2.0, "SKU-0056", "", "", "Paper offer"),
    ("2026-11-23", "2026-11-29", 1.4, "", "Household", "", "Household week"),
    ("2026-12-01", "2026-12-06", 1.8, "SKU-0045", "", "", "Advent offer"),
    ("2026-12-25", "2026-12-25", 0.0, "", "", "", "Closed"),
)

PROFILES = MappingProxyType(
    {
        "town": (0.85, 0.85, 0.90, 0.95, 1.25, 1.45, 0.75),
        "station": (1.15, 1.15, 1.15, 1.15, 1.20, 0.75, 0.45),
        "suburb": (0.80, 0.80, 0.85, 0.95, 1.20, 1.50, 0.90),
    }
)
"""Weekday shape of a store's demand, Monday to Sunday, mean 1."""

NOT_RANGED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ST-03": ("SKU-0009", "SKU-0028", "SKU-0029", "SKU-0041", "SKU-0068", "SKU-0069", "SKU-0071", "SKU-0073"),
        "ST-04": ("SKU-0069", "SKU-0071", "SKU-0072", "SKU-0073", "SKU-0074"),
        "ST-06": (
            "SKU-0007",
            "SKU-0026",
            "SKU-0027",
            "SKU-0029",
            "SKU-0041",
            "SKU-0052",
            "SKU-0062",
            "SKU-0067",
            "SKU-0068",
            "SKU-0069",
            "SKU-0073",
            "SKU-0077",
        ),
    }
)

# Days are counted back from as_of. Each story is played by the simulation, so that the books stay consistent.
STORES_FORGOTTEN = (  # nothing was sent to the store any more, although its warehouse holds stock
    ("SKU-0022", "ST-02", 26),
    ("SKU-0053", "ST-05", 30),
    ("SKU-0039", "ST-01", 26),
    ("SKU-0018", "ST-06", 24),
    ("SKU-0078", "ST-04", 34),
    ("SKU-0046", "ST-02", 22),
)
BUYING_STOPPED = (  # nothing was bought any more
    ("SKU-0080", "WH-NORTH", 140),
    ("SKU-0080", "WH-SOUTH", 150),
    ("SKU-0048", "WH-NORTH", 110),
    ("SKU-0048", "WH-SOUTH", 110),
    ("SKU-0044", "WH-NORTH", 46),
    ("SKU-0015", "WH-SOUTH", 58),
    ("SKU-0054", "WH-NORTH", 62),
    ("SKU-0064", "WH-SOUTH", 65),
    ("SKU-0020", "WH-NORTH", 54),
    ("SKU-0025", "WH-SOUTH", 60),
)
EXTRA_PURCHASES = (  # ordered and arriving so many days ago, units: scarce rests, and slips of the pen
    ("SKU-0044", "WH-NORTH", 14, 2, 120),
    ("SKU-0015", "WH-SOUTH", 14, 2, 72),
    ("SKU-0054", "WH-NORTH", 27, 2, 54),
    ("SKU-0064", "WH-SOUTH", 27, 1, 60),
    ("SKU-0020", "WH-NORTH", 20, 1, 36),
    ("SKU-0025", "WH-SOUTH", 47, 35, 420),
    ("SKU-0061", "WH-NORTH", 150, 125, 600),
    ("SKU-0076", "WH-SOUTH", 160, 98, 900),
    ("SKU-0075", "WH-NORTH", 260, 196, 420),
    ("SKU-0013", "WH-SOUTH", 66, 61, 72),
)
EXTRA_TRANSFERS = (  # sent so many days ago, units: one store holds what its neighbours lack
    ("SKU-0025", "ST-06", 35, 420),
    ("SKU-0078", "ST-05", 50, 90),
)
NEVER_DELIVERED = ("SKU-0077", "WH-SOUTH", 148, 88, 40)
"""An order that never came: item, warehouse, ordered and due so many days ago, units."""

PROMISED = (
    # item, store, set aside for customers, owed to customers
    ("SKU-0022", "ST-02", 0, 6),
    ("SKU-0053", "ST-05", 0, 2),
    ("SKU-0054", "ST-01", 0, 3),
    ("SKU-0033", "ST-01", 12, 0),
    ("SKU-0039", "ST-04", 6, 0),
    ("SKU-0056", "ST-01", 8, 0),
    ("SKU-0076", "ST-05", 2, 0),
    ("SKU-0079", "ST-01", 1, 0),
    ("SKU-0043", "ST-04", 24, 0),
    ("SKU-0003", "ST-02", 5, 0),
    ("SKU-0070", "ST-02", 2, 0),
)

CUSTOMER_ORDERS = (
    # item, store, units, wanted on
    ("SKU-0052", "ST-01", 12, "2026-11-27"),
    ("SKU-0052", "ST-04", 8, "2026-12-03"),
    ("SKU-0041", "ST-01", 4, "2026-11-21"),
    ("SKU-0041", "ST-05", 3, "2026-11-28"),
    ("SKU-0045", "ST-02", 20, "2026-12-01"),
    ("SKU-0039", "ST-04", 36, "2026-11-25"),
    ("SKU-0040", "ST-01", 24, "2026-12-11"),
    ("SKU-0028", "ST-02", 6, "2026-11-20"),
    ("SKU-0029", "ST-05", 5, "2026-11-24"),
    ("SKU-0068", "ST-01", 4, "2026-11-30"),
    ("SKU-0031", "ST-04", 40, "2026-11-19"),
    ("SKU-0067", "ST-02", 4, "2026-12-07"),
)


def _table(text: str) -> pd.DataFrame:
    frame = pd.read_csv(StringIO(text.strip()), sep="|", dtype=str, keep_default_na=False)
    return frame.reset_index(drop=True)


def build_items() -> pd.DataFrame:
    """One row an item: the contract's columns, and `pattern`, `per_day` (units a day in an average store)."""
    rows = _table(_ITEMS)
    heading = rows["item_id"].str.startswith("#")
    rows["category"] = rows["item_id"].where(heading).str[1:].ffill()
    rows["supplier_id"] = rows["item_name"].where(heading).ffill()
    items = rows[~heading].reset_index(drop=True)
    numbers = ["per_day", "unit_cost", "unit_price", "case", "volume", "shelf"]
    items[numbers] = items[numbers].apply(pd.to_numeric)
    items = items.rename(columns={"case": "order_multiple", "shelf": "shelf_life_days"})
    items["moq"] = items["order_multiple"] * np.where(items["supplier_id"] == "SUP-SEA", 4, 2)
    extras = ("lead_time_days", "max_order", "max_stock", "launch_on", "ends_on", "like_item_id", "predecessor_id")
    for column in extras:
        items[column] = items["item_id"].map({k: v[column] for k, v in _ITEM_EXTRAS.items() if column in v})
    cycle = {k: v["life_cycle"] for k, v in _ITEM_EXTRAS.items() if "life_cycle" in v}
    items["life_cycle"] = items["item_id"].map(cycle).fillna("active")
    return items


def build_locations() -> pd.DataFrame:
    """The two warehouses, then the six stores, with `source`, `transit_days`, `size` and `profile` of the stores."""
    locations = _table(_LOCATIONS)
    numbers = ["capacity", "priority", "transit_days", "size"]
    locations[numbers] = locations[numbers].apply(pd.to_numeric)
    return locations


def build_suppliers() -> pd.DataFrame:
    """The suppliers, with what they promise and (`late_by`, `late_sd`, days) what they do."""
    suppliers = _table(_SUPPLIERS)
    numbers = suppliers.columns.difference(["supplier_id", "supplier_name", "order_weekday"], sort=False).tolist()
    suppliers[numbers] = suppliers[numbers].apply(pd.to_numeric)
    return suppliers


def season(category: str, days: npt.NDArray[np.int64]) -> Shape:
    """Return the yearly shape of a category's demand on the given days (counted from FIRST_DAY), mean about 1."""
    day_of_year = (days + FIRST_DAY.timetuple().tm_yday - 1) % 365.25

    def wave(peak: int, height: float) -> Shape:
        shape: Shape = np.exp(height * np.cos(2 * np.pi * (day_of_year - peak) / 365.25)) / (1 + height**2 / 4)
        return shape

    def bump(peak: int, width: int, height: float) -> Shape:
        away = (day_of_year - peak + 182.6) % 365.25 - 182.6
        shape: Shape = height * np.exp(-0.5 * (away / width) ** 2)
        return shape

    shapes = {
        "Chilled": wave(190, 0.06) + bump(355, 6, 0.25),
        "Dry grocery": wave(10, 0.10) + bump(352, 8, 0.20),
        "Drinks": wave(200, 0.32) + bump(358, 6, 0.45),
        "Confectionery": wave(350, 0.12) + bump(348, 12, 0.95) + bump(95, 8, 0.45),
        "Household": wave(60, 0.04),
        "Home and garden": wave(150, 0.55) + bump(345, 12, 0.30),
    }
    return shapes[category]


def store_packs(items: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return the packs in which stores are served, by item: singles, or the case where it sells fast."""
    fast = (items["per_day"] >= 4.5) & (items["order_multiple"] <= 12)
    return np.where(fast, items["order_multiple"], 1).astype(np.int64)


def presentation_stock(items: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return the units that a store keeps on display, by item."""
    return np.select([items["per_day"] >= 4, items["per_day"] >= 1], [4, 2], 1).astype(np.int64)


def day_of(when: date | str) -> int:
    """Return the number of a date, counted from the first day of the books."""
    return (pd.Timestamp(when) - pd.Timestamp(FIRST_DAY)).days
