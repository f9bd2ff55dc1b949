"""The contract: every table and column that goes in or comes out, with type, unit and meaning.

Code, checks, page tables, templates and the data dictionary all read it here. Standard library only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Kind = Literal["id", "text", "date", "units", "money", "days", "number", "fraction", "share", "flag", "integer"]
"""What a cell holds.

id        text kept to the letter; never empty in a required column
text      free text, shown only
date      a calendar date
units     a quantity of the item; fractions allowed
money     in the plan's currency, no sign
days      a duration in days
number    any other number
fraction  0 to 1
share     true or false, or the fraction between them
flag      true or false
integer   a whole number
"""


@dataclass(frozen=True)
class Column:
    """One column: its name (carrying its unit), kind, bounds and meaning."""

    name: str
    kind: Kind
    meaning: str
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    above_minimum: bool = False
    choices: tuple[str, ...] = ()
    label: str = ""

    @property
    def title(self) -> str:
        """The heading a person sees."""
        return self.label or self.name.replace("_", " ").capitalize()


@dataclass(frozen=True)
class Table:
    """One table of the contract.

    `key` names the columns that tell rows apart. `repeats` says what the same key twice means:
    "reject" (different values are a fault), "sum" (rows add up) or "keep" (every row counts).
    """

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    required: bool = False
    repeats: Literal["reject", "sum", "keep"] = "reject"
    by_name: Mapping[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", MappingProxyType({c.name: c for c in self.columns}))

    @property
    def names(self) -> tuple[str, ...]:
        """Column names, in order."""
        return tuple(c.name for c in self.columns)

    @property
    def required_names(self) -> tuple[str, ...]:
        """Names of the columns that must be there."""
        return tuple(c.name for c in self.columns if c.required)


def _c(name: str, kind: Kind, meaning: str, **more: object) -> Column:
    return Column(name, kind, meaning, **more)  # type: ignore[arg-type]


ITEM = _c("item_id", "id", "The item, to the letter", required=True, label="Item")
LOCATION = _c("location_id", "id", "The store or warehouse", label="Location")
SUPPLIER = _c("supplier_id", "id", "Who delivers the item", label="Supplier")

_LANE = (
    _c("source_id", "id", "The location that gives", required=True, label="From"),
    _c("destination_id", "id", "The location that receives", required=True, label="To"),
)

INPUT_TABLES: Mapping[str, Table] = MappingProxyType(
    {
        t.name: t
        for t in (
            Table(
                "sales",
                "What was sold, one row a sale, a day or a week",
                (
                    _c("date", "date", "Day of the sale, or first day of the week", required=True),
                    ITEM,
                    _c("quantity", "units", "Units sold; negative: a return", required=True),
                    LOCATION,
                    _c("unit_price", "money", "Price of one unit", minimum=0),
                    _c("order_id", "id", "The customer's order"),
                    _c("channel", "text", "Where it was sold"),
                ),
                key=("order_id", "item_id"),
                required=True,
                repeats="keep",
            ),
            Table(
                "stock",
                "What is on hand, one row an item, location, date and lot",
                (
                    ITEM,
                    _c("on_hand", "units", "Usable units on hand", required=True),
                    LOCATION,
                    _c("allocated", "units", "Units promised already", minimum=0),
                    _c("backorders", "units", "Units owed to customers", minimum=0),
                    _c("as_of", "date", "Day of the count"),
                    _c("unit_cost", "money", "Cost of one unit", minimum=0),
                    _c("lot_id", "id", "The lot"),
                    _c("expiry_date", "date", "Last day on which the lot can be sold"),
                ),
                key=("item_id", "location_id", "as_of", "lot_id"),
                required=True,
            ),
            Table(
                "items",
                "Master data of the items",
                (
                    ITEM,
                    _c("item_name", "text", "Name of the item"),
                    _c("category", "text", "Product group"),
                    _c("unit_cost", "money", "Cost of one unit", minimum=0),
                    _c("unit_price", "money", "Price of one unit", minimum=0),
                    SUPPLIER,
                    _c("lead_time_days", "days", "Days from order to usable receipt", minimum=0, maximum=1095),
                    _c("moq", "units", "Least quantity the supplier accepts", minimum=0),
                    _c(
                        "order_multiple",
                        "units",
                        "Case pack of the supplier: orders are multiples of it; transfers if item_locations say so",
                        minimum=0,
                        above_minimum=True,
                    ),
                    _c("max_order", "units", "Most units in one order", minimum=0),
                    _c("max_stock", "units", "Most units to hold", minimum=0),
                    _c("min_stock", "units", "Least units to hold", minimum=0),
                    _c("shelf_life_days", "days", "Days from receipt to expiry", minimum=0, above_minimum=True),
                    _c("volume", "number", "Volume of one unit", minimum=0),
                    _c(
                        "life_cycle", "text", "active, new, ending or dead", choices=("active", "new", "ending", "dead")
                    ),
                    _c("launch_on", "date", "First day of sale"),
                    _c("ends_on", "date", "Last day of sale"),
                    _c("like_item_id", "id", "An item whose demand is like this one's"),
                    _c("predecessor_id", "id", "The item that this one replaces"),
                    _c(
                        "policy",
                        "text",
                        "How it is reordered: R,S, R,s,S, s,Q or min/max",
                        choices=("R,S", "R,s,S", "s,Q", "min/max"),
                    ),
                    _c("service_target", "fraction", "The service to reach", minimum=0, maximum=1),
                ),
                key=("item_id",),
            ),
            Table(
                "item_locations",
                "What differs from the item's master data at one location",
                (
                    ITEM,
                    _c("location_id", "id", "The store or warehouse", required=True, label="Location"),
                    SUPPLIER,
                    _c("source_id", "id", "The location that feeds this one"),
                    _c("lead_time_days", "days", "Days from order to usable receipt", minimum=0, maximum=1095),
                    _c("moq", "units", "Least quantity the supplier accepts", minimum=0),
                    _c(
                        "order_multiple",
                        "units",
                        "Case pack: orders, and transfers to this location, are multiples of it",
                        minimum=0,
                        above_minimum=True,
                    ),
                    _c("min_stock", "units", "Least units to hold", minimum=0),
                    _c("max_stock", "units", "Most units to hold", minimum=0),
                    _c("presentation_stock", "units", "Units needed on the shelf for display", minimum=0),
                    _c("ranged", "flag", "Whether the item is stocked here"),
                    _c(
                        "policy",
                        "text",
                        "How it is reordered: R,S, R,s,S, s,Q or min/max",
                        choices=("R,S", "R,s,S", "s,Q", "min/max"),
                    ),
                    _c("service_target", "fraction", "The service to reach", minimum=0, maximum=1),
                ),
                key=("item_id", "location_id"),
            ),
            Table(
                "locations",
                "The stores and warehouses",
                (
                    _c("location_id", "id", "The store or warehouse", required=True, label="Location"),
                    _c("location_name", "text", "Its name"),
                    _c("kind", "text", "warehouse or store", choices=("warehouse", "store")),
                    _c("capacity", "number", "Room, in volume where items have one, else units", minimum=0),
                    _c("priority", "integer", "1 is served first", minimum=1),
                ),
                key=("location_id",),
            ),
            Table(
                "suppliers",
                "Who delivers",
                (
                    _c("supplier_id", "id", "The supplier", required=True, label="Supplier"),
                    _c("supplier_name", "text", "Its name"),
                    _c("lead_time_days", "days", "Days from order to usable receipt", minimum=0, maximum=1095),
                    _c("lead_time_sd_days", "days", "Standard deviation of the lead time", minimum=0, maximum=1095),
                    _c("review_period_days", "days", "Days between ordering occasions", minimum=1, maximum=365),
                    _c(
                        "order_weekday",
                        "text",
                        "The weekday on which it is ordered",
                        choices=("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
                    ),
                    _c("min_order_value", "money", "Least value of one order", minimum=0),
                    _c("order_cost", "money", "Fixed cost of one order", minimum=0),
                    _c("container_volume", "number", "Volume of one container", minimum=0, above_minimum=True),
                ),
                key=("supplier_id",),
            ),
            Table(
                "open_orders",
                "Ordered, not received yet",
                (
                    ITEM,
                    _c("quantity", "units", "Units still to come", required=True, minimum=0),
                    _c("due_on", "date", "Day on which they should arrive", required=True),
                    LOCATION,
                    SUPPLIER,
                    _c("order_id", "id", "The order"),
                    _c("ordered_on", "date", "Day of the order"),
                ),
                key=("order_id", "item_id", "location_id", "due_on"),
            ),
            Table(
                "receipts",
                "Orders that arrived: they tell the true lead times",
                (
                    ITEM,
                    _c("ordered_on", "date", "Day of the order", required=True),
                    _c("received_on", "date", "Day of the arrival", required=True),
                    _c("quantity", "units", "Units received", required=True, minimum=0),
                    LOCATION,
                    SUPPLIER,
                    _c("order_id", "id", "The order"),
                    _c("promised_on", "date", "Day that was promised"),
                ),
                key=("order_id", "item_id", "location_id", "received_on"),
            ),
            Table(
                "availability",
                "Whether the item was on the shelf",
                (
                    _c("date", "date", "Day, or first day of the week", required=True),
                    ITEM,
                    _c(
                        "in_stock",
                        "share",
                        "true, false, or the fraction of the bucket on the shelf",
                        required=True,
                        minimum=0,
                        maximum=1,
                    ),
                    LOCATION,
                ),
                key=("date", "item_id", "location_id"),
            ),
            Table(
                "customer_orders",
                "Demand that is known already",
                (
                    ITEM,
                    _c("quantity", "units", "Units ordered by customers", required=True, minimum=0),
                    _c("due_on", "date", "Day on which they are wanted", required=True),
                    LOCATION,
                    _c("order_id", "id", "The order"),
                ),
                key=("order_id", "item_id", "location_id", "due_on"),
            ),
            Table(
                "forecasts",
                "Your own forecast: replaces the mean, keeps the measured spread",
                (
                    ITEM,
                    _c("date", "date", "First day of the period", required=True),
                    _c("quantity", "units", "Units expected in the period", required=True, minimum=0),
                    LOCATION,
                ),
                key=("item_id", "location_id", "date"),
            ),
            Table(
                "lanes",
                "Which location feeds which",
                (
                    _c("source_id", "id", "The location that gives", required=True),
                    _c("destination_id", "id", "The location that receives", required=True),
                    _c("transit_days", "days", "Days on the way", minimum=0, maximum=365),
                    _c("cost_per_unit", "money", "Freight of one unit", minimum=0),
                    _c("cost_per_shipment", "money", "Freight of one shipment", minimum=0),
                    _c("capacity", "units", "Most units in one shipment", minimum=0),
                ),
                key=("source_id", "destination_id"),
            ),
            Table(
                "events",
                "Promotions, holidays, closures: their effect on demand",
                (
                    _c("starts_on", "date", "First day", required=True),
                    _c("ends_on", "date", "Last day", required=True),
                    _c("uplift", "number", "1.3 is 30 % more demand", required=True, minimum=0, maximum=100),
                    _c("item_id", "id", "Only this item", label="Item"),
                    _c("category", "text", "Only this category"),
                    _c("location_id", "id", "Only this location", label="Location"),
                    _c("event_name", "text", "Name of the event"),
                ),
                key=("starts_on", "ends_on", "item_id", "category", "location_id", "event_name"),
            ),
            Table(
                "counts",
                "Cycle counts: how far the records can be trusted",
                (
                    ITEM,
                    _c("counted_on", "date", "Day of the count", required=True),
                    _c("counted", "units", "Units found", required=True, minimum=0),
                    LOCATION,
                    _c("book", "units", "Units the record said"),
                ),
                key=("item_id", "location_id", "counted_on"),
            ),
            Table(
                "overrides",
                "Your corrections of the forecast, at any level, spread down by share",
                (
                    _c("override_id", "id", "The correction", required=True, label="Correction"),
                    _c("item_id", "id", "Only this item", label="Item"),
                    _c("category", "text", "Only this category"),
                    _c("location_id", "id", "Only this location", label="Location"),
                    _c("starts_on", "date", "First day", required=True),
                    _c("ends_on", "date", "Last day", required=True),
                    _c(
                        "kind",
                        "text",
                        "percent, add_units or set_units (over the whole period)",
                        required=True,
                        choices=("percent", "add_units", "set_units"),
                    ),
                    _c("value", "number", "20 is 20 % more, or units", required=True, minimum=-1e9, maximum=1e9),
                    _c("locked", "flag", "Whether no other correction may move it"),
                    _c("reason", "text", "Why"),
                    _c("made_by", "text", "Who made it"),
                    _c("made_at", "text", "When, as 2026-11-02T08:15:00; later ones come on top"),
                ),
                key=("override_id",),
            ),
            Table(
                "pins",
                "Your own word on one item: its safety stock, its service target, or the quantity of one order",
                (
                    _c("pin_id", "id", "The pin", required=True, label="Pin"),
                    ITEM,
                    LOCATION,
                    _c(
                        "kind",
                        "text",
                        "safety_stock, service_target or order_quantity",
                        required=True,
                        choices=("safety_stock", "service_target", "order_quantity"),
                    ),
                    _c(
                        "value",
                        "number",
                        "Units, or the target as a fraction between 0 and 1",
                        required=True,
                        minimum=0,
                        maximum=1e9,
                    ),
                    _c("order_on", "date", "Morning of the order, of order_quantity; empty: that of the plan"),
                    _c("reason", "text", "Why"),
                    _c("made_by", "text", "Who made it"),
                    _c("made_at", "text", "When, as 2026-11-02T08:15:00; the latest of a kind counts"),
                ),
                key=("pin_id",),
            ),
            Table(
                "approved_orders",
                "Orders that you approved: they stand as open orders until the data tell of them",
                (
                    _c("order_number", "id", "The order", required=True, label="Order"),
                    ITEM,
                    _c("quantity", "units", "Units ordered", required=True, minimum=0),
                    _c("ordered_on", "date", "Morning of the order", required=True),
                    _c("due_on", "date", "Day on which they should arrive", required=True),
                    LOCATION,
                    SUPPLIER,
                    _c("unit_cost", "money", "Cost of one unit", minimum=0),
                ),
                key=("order_number", "item_id", "location_id"),
            ),
            Table(
                "transfer_pins",
                "Your own word on what one location sends another today: it stands, and the rest is shared around it",
                (
                    ITEM,
                    *_LANE,
                    _c("quantity", "units", "Units to send; 0: none", required=True, minimum=0, maximum=1e9),
                    _c("planned_on", "date", "Morning of the plan that it is for; empty: any"),
                    _c("reason", "text", "Why"),
                    _c("made_by", "text", "Who made it"),
                    _c("made_at", "text", "When, as 2026-11-02T08:15:00; the latest counts"),
                ),
                key=("item_id", "source_id", "destination_id", "planned_on", "made_at"),
            ),
            Table(
                "approved_transfers",
                "Transfers that you approved: promised at their source and coming at their destination until the data "
                "tell of them",
                (
                    _c("transfer_number", "id", "The transfer", required=True, label="Transfer"),
                    ITEM,
                    *_LANE,
                    _c("quantity", "units", "Units sent", required=True, minimum=0),
                    _c("ship_on", "date", "Day of shipping", required=True),
                    _c("arrives_on", "date", "Day on which they should arrive", required=True),
                    _c("approved_on", "date", "Morning of the plan that it is of; empty: the day of shipping"),
                    _c(
                        "shipped",
                        "flag",
                        "Whether the source's stock shows it already; empty: where it was counted after ship_on",
                    ),
                    _c(
                        "received",
                        "flag",
                        "Whether the destination's stock shows it already; empty: where it was counted after "
                        "arrives_on",
                    ),
                ),
                key=("transfer_number", "item_id", "destination_id"),
            ),
        )
    }
)

_RISK = ("red", "amber", "green")
_ACTIONS = ("order", "expedite", "transfer", "wait", "reduce", "none")
_KEYS = (_c("item_id", "id", "The item", label="Item"), LOCATION)

WATERFALL_STEPS = (
    "expected demand to the end of coverage",
    "safety stock",
    "stores' safety stock",
    "usable on hand",
    "committed and backorders",
    "receipts counted",
    "demand lost before arrival",
    "need",
    "maximum",
    "moq",
    "order multiple",
    "supplier minimum",
    "container",
    "budget",
    "pinned",
    "order",
)
"""The steps from demand to order. `need` and `order` are subtotals: the steps above each add up to it."""

RESULT_TABLES: Mapping[str, Table] = MappingProxyType(
    {
        t.name: t
        for t in (
            Table(
                "forecast",
                "Expected demand by bucket",
                (
                    *_KEYS,
                    _c("starts_on", "date", "First day of the bucket"),
                    _c("mean", "units", "Expected demand in the bucket"),
                    _c("q50", "units", "Half of the time demand stays at or below it"),
                    _c("q80", "units", "In 80 % of cases demand stays at or below it"),
                    _c("q90", "units", "In 90 % of cases demand stays at or below it"),
                    _c("q95", "units", "In 95 % of cases demand stays at or below it"),
                ),
                key=("item_id", "location_id", "starts_on"),
            ),
            Table(
                "policy",
                "The levels that trigger and size an order",
                (
                    *_KEYS,
                    _c("abc_class", "text", "A, B or C by yearly value", label="ABC"),
                    _c("demand_class", "text", "smooth, intermittent, erratic, lumpy", label="Demand"),
                    _c("model", "text", "Forecast model"),
                    _c("forecast_reason", "text", "Why the forecast stands on weak ground, a code; empty: it does not"),
                    _c(
                        "demand_mean_per_day",
                        "units",
                        "Mean demand a day over lead time + review",
                        label="Demand per day",
                    ),
                    _c(
                        "demand_sd_per_day",
                        "units",
                        "Spread over lead time + review, per square root of a day",
                        label="Spread per day",
                    ),
                    _c("lead_time_days", "days", "Order to usable receipt", label="Lead time"),
                    _c("lead_time_sd_days", "days", "Standard deviation of the lead time", label="Lead time spread"),
                    _c("lead_time_from", "text", "Where the lead time comes from"),
                    _c("review_period_days", "days", "Days between ordering occasions", label="Review"),
                    _c("protection_interval_days", "days", "What one order must cover", label="Lead time + review"),
                    _c("service_target", "fraction", "The service to reach"),
                    _c("service_target_from", "text", "Where the target comes from"),
                    _c(
                        "target_source",
                        "text",
                        "Who set the target",
                        choices=("pin", "item", "supplier", "category", "class", "default"),
                        label="Target set by",
                    ),
                    _c(
                        "policy_type",
                        "text",
                        "How it is reordered",
                        choices=("R,S", "R,s,S", "s,Q", "min/max"),
                        label="Policy",
                    ),
                    _c("pinned_safety_stock", "units", "Safety stock set by hand", label="Pinned safety stock"),
                    _c("safety_stock", "units", "Target stock beyond the mean demand of lead time + review"),
                    _c("reorder_point", "units", "At or below it an order is due"),
                    _c("order_up_to_level", "units", "What stock and orders are filled up to", label="Target stock"),
                    _c(
                        "expected_fill_rate",
                        "fraction",
                        "Share of demand served from stock under this policy",
                        label="Fill rate promised",
                    ),
                    _c(
                        "expected_cycle_service_level",
                        "fraction",
                        "Share of cycles without a stock-out under this policy",
                        label="Cycles without stock-out",
                    ),
                    _c(
                        "implied_service",
                        "fraction",
                        "Service that the safety stock gives, by the measure in force",
                    ),
                ),
                key=("item_id", "location_id"),
            ),
            Table(
                "replenishment",
                "What to do today, item by item",
                (
                    *_KEYS,
                    SUPPLIER,
                    _c("on_hand", "units", "Usable units now"),
                    _c("on_order", "units", "Ordered, not received"),
                    _c("order_quantity", "units", "Purchase to place today", label="Order"),
                    _c("transfer_quantity", "units", "Transfer to send here today", label="Transfer in"),
                    _c("order_on", "date", "Day of the order"),
                    _c("arrives_on", "date", "Day it becomes usable"),
                    _c(
                        "risk",
                        "text",
                        "red: runs out before a normal order can arrive; amber: order now; green: covered",
                        choices=_RISK,
                    ),
                    _c("action", "text", "What to do", choices=_ACTIONS),
                    _c("stockout_on", "date", "First day on which mean demand is not met", label="Runs out on"),
                    _c("order_by", "date", "Last day for a normal order"),
                    _c("days_of_supply", "days", "How long today's stock lasts, looking forward"),
                    _c(
                        "expected_lost_units",
                        "units",
                        "Units expected to be lost until an order of today arrives, and after it within plan_days",
                        label="Expected lost",
                    ),
                    _c("lost_margin", "money", "Margin of the expected lost units"),
                    _c("excess_units", "units", "Units beyond any foreseeable need", label="Excess"),
                    _c("excess_value", "money", "Cost of the excess"),
                    _c("order_value", "money", "Cost of the order"),
                    _c("reason", "text", "Why"),
                ),
                key=("item_id", "location_id"),
            ),
            Table(
                "orders",
                "Purchase orders of today, line by line",
                (
                    _c("order_number", "id", "The order", label="Order"),
                    SUPPLIER,
                    LOCATION,
                    _c("item_id", "id", "The item", label="Item"),
                    _c("quantity", "units", "Units to order"),
                    _c("order_on", "date", "Day of the order"),
                    _c("arrives_on", "date", "Day it becomes usable"),
                    _c("unit_cost", "money", "Cost of one unit"),
                    _c("line_value", "money", "Cost of the line"),
                ),
                key=("order_number", "supplier_id", "location_id", "item_id"),
            ),
            Table(
                "planned_orders",
                "Orders to expect later",
                (
                    SUPPLIER,
                    LOCATION,
                    _c("item_id", "id", "The item", label="Item"),
                    _c("quantity", "units", "Units to order"),
                    _c("order_on", "date", "Day of the order"),
                    _c("arrives_on", "date", "Day it becomes usable"),
                ),
                key=("supplier_id", "location_id", "item_id", "order_on"),
            ),
            Table(
                "allocation",
                "Transfers of today",
                (
                    _c("item_id", "id", "The item", label="Item"),
                    _c("source_id", "id", "The location that gives", label="From"),
                    _c("destination_id", "id", "The location that receives", label="To"),
                    _c("quantity", "units", "Units to send"),
                    _c("ship_on", "date", "Day of shipping"),
                    _c("arrives_on", "date", "Day it becomes usable"),
                    _c("value", "number", "Expected gain, in money, or in units where price and cost are unknown"),
                    _c("reason", "text", "Why"),
                ),
                key=("item_id", "source_id", "destination_id", "ship_on"),
            ),
            Table(
                "sharing",
                "What each rule of sharing would make of the same stock today",
                (
                    _c(
                        "method",
                        "text",
                        "The rule",
                        choices=("optimal", "equal_days", "proportional", "equal_service"),
                    ),
                    _c("label", "text", "What a person calls it", label="Rule"),
                    _c("value_money", "money", "Margin expected from what is sent, less freight", label="Value"),
                    _c("expected_lost_units", "units", "Units expected to be lost", label="Expected lost"),
                    _c("lost_margin", "money", "Margin of the expected lost units"),
                    _c("units_moved", "units", "Units sent"),
                    _c("fill_rate", "fraction", "Share of demand expected to be served from stock"),
                ),
                key=("method",),
            ),
            Table(
                "limits",
                "What one more of a limit of today's transfers would be worth",
                (
                    _c(
                        "kind",
                        "text",
                        "source: a unit of stock; room: a unit of space; lane: a shipment",
                        choices=("source", "room", "lane"),
                    ),
                    _c("place", "id", "The location; of a lane, the one that gives"),
                    _c("other", "id", "Of a lane, the location that receives"),
                    _c("item_id", "id", "The item, of a source", label="Item"),
                    _c("one_more_worth", "money", "What one more would gain"),
                    _c("exact", "flag", "Whether it was shared anew with one more; else it is told by the last unit"),
                ),
                key=("kind", "place", "other", "item_id"),
            ),
            Table(
                "waterfall",
                "How each order came about, step by step",
                (
                    *_KEYS,
                    _c("step", "text", "The step", choices=WATERFALL_STEPS),
                    _c("units", "units", "What the step adds or takes"),
                ),
                key=("item_id", "location_id", "step"),
            ),
            Table(
                "exceptions",
                "What to move: open orders that come too late, too early or for nothing, and stock above its maximum",
                (
                    *_KEYS,
                    _c(
                        "kind",
                        "text",
                        "expedite, postpone, cancel, past_due (an order that should have come, or been placed), "
                        "above_maximum, least_order (due, but the least that can be ordered lasts too long)",
                        choices=("expedite", "postpone", "cancel", "past_due", "above_maximum", "least_order"),
                    ),
                    _c("order_id", "id", "The open order", label="Order"),
                    _c("quantity", "units", "Units of the order"),
                    _c("due_on", "date", "Day on which it is due, or stock is needed"),
                    _c("move_to", "date", "Day to move it to"),
                    _c("units_at_stake", "units", "Units saved from being short, or not needed"),
                    _c("value", "money", "Their margin, or their cost"),
                    _c("reason", "text", "Why"),
                ),
                key=("item_id", "location_id", "kind", "order_id", "due_on"),
            ),
            Table(
                "rejected",
                "Input rows set aside",
                (
                    _c("table", "text", "The table"),
                    _c("file", "text", "The file"),
                    _c("row", "integer", "Row as a spreadsheet shows it, header = 1"),
                    _c("column", "text", "The column at fault"),
                    _c("value", "text", "What stood there"),
                    _c("reason", "text", "The row's first fault, and its remedy"),
                ),
                key=("table", "file", "row", "column"),
            ),
        )
    }
)


def describe(tables: Mapping[str, Table]) -> str:
    """Return the data dictionary of these tables as Markdown."""
    parts = []
    for table in tables.values():
        need = ", **required**" if table.required else ""
        parts.append(f"### {table.name}{need}\n\n{table.meaning}. Key: {', '.join(table.key)}.\n")
        parts.append("| column | kind | meaning |\n|---|---|---|")
        for column in table.columns:
            name = f"**{column.name}**" if column.required else column.name
            parts.append(f"| {name} | {column.kind} | {column.meaning} |")
        parts.append("")
    return "\n".join(parts)
