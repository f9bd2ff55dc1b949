"""A plan or scenario as one HTML page that needs nothing but itself. No Streamlit.

Plotly's code stands in the page, no address is asked for anything, and whatever a user wrote is shown as text.
"""

import html
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pandas as pd
import plotly.graph_objects as go
from plotly.io import to_html
from plotly.offline import get_plotlyjs

from pages.components import charts
from pages.components.charts_scenario import cash_by_week, scenario_curve, stock_by_week
from pages.components.charts_style import CONFIG
from pages.components.formats import DASH, count, day, known, money, percent, units
from pages.components.scenario_words import measure_table
from planning.result import PlanResult
from planning.scenario import Comparison
from planning.tables import RESULT_TABLES, Column

MOST_ROWS = 200
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
"""What the page may do: run what stands in it, and ask for nothing."""
ORDERS = ("item_id", "location_id", "supplier_id", "quantity", "order_on", "arrives_on", "unit_cost", "line_value")
TRANSFERS = ("item_id", "source_id", "destination_id", "quantity", "ship_on", "arrives_on", "value", "reason")
DIFFERING: Mapping[str, str] = MappingProxyType(
    {
        "risk_changes": "Lines that change between red, amber and green",
        "order_changes": "Orders that differ",
        "transfer_changes": "Transfers that differ",
    }
)
MONEY = "Change in money"
TITLES: Mapping[str, str] = MappingProxyType(
    {
        "item_id": "Item",
        "item_name": "Name",
        "location_id": "Location",
        "source_id": "From",
        "destination_id": "To",
        "before": "First plan",
        "after": "Then",
        "before_units": "First plan (units)",
        "after_units": "Then (units)",
        "change_units": "Change (units)",
        "value_change": MONEY,
        "cause": "Main cause",
    }
)
EXCEPTIONS = ("kind", "item_id", "location_id", "quantity", "due_on", "value", "reason")
STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2327; background: #fff; margin: 0 auto; max-width: 1080px;
  padding: 16px; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
.numbers { display: flex; flex-wrap: wrap; gap: 12px; }
.numbers div { flex: 1 1 200px; border: 1px solid #d5dade; border-radius: 8px; padding: 12px; }
.numbers b { display: block; font-size: 1.4rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; }
th, td { border-bottom: 1px solid #e3e7ea; padding: 4px 8px; text-align: left; vertical-align: top; }
td { max-width: 64ch; overflow-wrap: anywhere; min-width: 7ch; }
td.n { text-align: right; white-space: nowrap; }
td.t { min-width: 36ch; }
td.i { white-space: nowrap; max-width: 18ch; overflow: hidden; text-overflow: ellipsis; }
p { overflow-wrap: anywhere; }
.quiet { color: #5c6a72; font-size: 13px; }
@media print { .wide { overflow: visible; } }
"""


def report_html(
    plan: PlanResult,
    about: Mapping[str, object],
    told: Comparison | None = None,
    changes: Mapping[str, pd.DataFrame] = MappingProxyType({}),
) -> str:
    """The page of a plan.

    Parameters
    ----------
    about : what `data.report_book.report_about` returned: name, date, data, method version, parameters.
    told : the plan beside others, the first of them today's; None: it stands alone.
    changes : what `data.report_book.compared_sheets` returned of these: the lines that differ.
    """
    title = str(about["Report"])
    parts = [f"<h1>{text(title)}</h1>", _lead(about), _numbers(plan)]
    if told is not None:
        parts += _side_by_side(told, plan.params.currency)
        currency = plan.params.currency
        parts += [_differ(heading, changes[name], currency) for name, heading in DIFFERING.items() if name in changes]
    for heading, figure in _figures(plan):
        parts += [f"<h2>{heading}</h2>", chart_of(figure)]
    parts += [
        section("Orders of today", plan.orders, "orders", ORDERS, plan),
        section("Transfers of today", plan.allocation, "allocation", TRANSFERS, plan),
        section("What needs a person", plan.exceptions, "exceptions", EXCEPTIONS, plan),
        "<h2>Data, method and parameters</h2>",
        pairs_of(about),
    ]
    return page_of(title, parts)


def page_of(title: str, parts: Sequence[str]) -> str:
    """Return a whole page of these parts, which are markup already; the title is text."""
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{text(title)}</title><style>{STYLE}</style><script>{get_plotlyjs()}</script></head>"
    )
    return f"{head}<body>{''.join(parts)}</body></html>\n"


def text(value: object) -> str:
    """What a user wrote, as it stands in a page."""
    return html.escape(str(value), quote=True)


def _lead(about: Mapping[str, object]) -> str:
    said = [f"{name}: {value}" for name, value in list(about.items())[1:5]]
    said += [str(value) for name, value in about.items() if name == "What it is for" or name.startswith("Supposed ")]
    return "".join(f'<p class="quiet">{text(line)}</p>' for line in (" · ".join(said[:4]), *said[4:]))


def _numbers(plan: PlanResult) -> str:
    currency = plan.params.currency
    orders, risk = plan.totals.get("order_value"), plan.lines["risk"]
    held = plan.lines["on_hand"].clip(lower=0).sum()
    filled = plan.policy["expected_fill_rate"]
    weight = plan.policy["demand_mean_per_day"].where(filled.notna(), 0.0)
    service = float((filled.fillna(0) * weight).sum() / weight.sum()) if weight.sum() > 0 else None
    told = (
        ("Orders of today", money(orders, currency) if known(orders) else count(len(plan.orders), "line")),
        ("Service promised", percent(service)),
        ("On hand", units(round(float(held)))),
        ("Red and amber", f"{int((risk == 'red').sum()):,} / {int((risk == 'amber').sum()):,} lines"),
    )
    return '<div class="numbers">' + "".join(f"<div>{n}<b>{text(v)}</b></div>" for n, v in told) + "</div>"


def _side_by_side(told: Comparison, currency: str) -> list[str]:
    rows = measure_table(told, currency)
    return [
        "<h2>Side by side</h2>",
        table_of([str(c).capitalize() if c == "measure" else str(c) for c in rows], rows.to_numpy(object).tolist()),
        chart_of(scenario_curve(told, currency)),
        chart_of(cash_by_week(told, currency)),
        chart_of(stock_by_week(told, currency)),
    ]


def _differ(heading: str, rows: pd.DataFrame, currency: str) -> str:
    """The lines that differ between plans, the first of them."""
    if rows.empty:
        return f'<h2>{heading}</h2><p class="quiet">None.</p>'
    shown = [str(name) for name in rows if rows[name].notna().any()]
    some = rows[shown].head(MOST_ROWS).to_numpy(object).tolist()
    cells = [[_plain(value) for value in row] for row in some]
    marks = ["n" if pd.api.types.is_numeric_dtype(rows[name]) else "" for name in shown]
    titles = [TITLES.get(name, name.capitalize()) for name in shown]
    titles = [f"{title} ({currency})" if title == MONEY and currency else title for title in titles]
    more = f" The first {MOST_ROWS} of {len(rows):,}; all are in the workbook." if len(rows) > MOST_ROWS else ""
    return f'<h2>{heading}</h2>{table_of(titles, cells, marks)}<p class="quiet">{count(len(rows), "row")}.{more}</p>'


def _figures(plan: PlanResult) -> list[tuple[str, go.Figure]]:
    found = [
        ("Stock value and cash out", charts.stock_value_and_cash(plan)),
        ("Service against stock", charts.service_stock_curve(plan.service_curve, plan.params)),
        ("Where stock lies and margin is lost", charts.abc_matrix(plan)),
    ]
    if len(plan.allocation):
        found.append(("From where to where", charts.transfers_flow(plan.allocation)))
    return found


def chart_of(figure: go.Figure) -> str:
    """A chart on white, as part of a page; the page holds the library."""
    plain = go.Figure(figure).update_layout(paper_bgcolor="#fff", plot_bgcolor="#fff")
    config = {**CONFIG, "modeBarButtonsToRemove": list(CONFIG["modeBarButtonsToRemove"]), "responsive": True}
    told: str = to_html(plain, config=config, include_plotlyjs=False, full_html=False, default_width="100%")
    return told


def section(heading: str, frame: pd.DataFrame, table: str, columns: Sequence[str], plan: PlanResult) -> str:
    """The first rows of a result table under a heading."""
    known_columns = RESULT_TABLES[table].by_name
    shown = [name for name in columns if name in frame and name in known_columns and frame[name].notna().any()]
    if frame.empty or not shown:
        return f'<h2>{heading}</h2><p class="quiet">None.</p>'
    some = frame.head(MOST_ROWS)
    rows = [[_cell(value, known_columns[name]) for name, value in zip(shown, row, strict=True)]
            for row in some[shown].itertuples(index=False)]  # fmt: skip
    more = f" The first {MOST_ROWS} of {len(frame):,} rows; all are in the workbook." if len(frame) > MOST_ROWS else ""
    currency = plan.params.currency
    titles = [_title(known_columns[name], currency) for name in shown]
    marks = [_mark(known_columns[name]) for name in shown]
    return f'<h2>{heading}</h2>{table_of(titles, rows, marks)}<p class="quiet">{count(len(frame), "row")}.{more}</p>'


def _mark(column: Column) -> str:
    """The class of a column's cells: numbers to the right, long texts with room."""
    if column.name == "reason":
        return "t"
    return "" if column.kind in ("id", "text") else "n"


def _title(column: Column, currency: str) -> str:
    return f"{column.title} ({currency})" if column.kind == "money" and currency else column.title


def _cell(value: object, column: Column) -> str:
    return day(value) if column.kind == "date" and known(value) else _plain(value)


def _plain(value: object) -> str:
    if not known(value):
        return DASH
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    return str(value)


def table_of(titles: Sequence[str], rows: Sequence[Sequence[object]], marks: Sequence[str] = ()) -> str:
    """A table of texts; `marks` are the classes of its columns."""
    classes = [f' class="{mark}"' if mark else "" for mark in marks or [""] * len(titles)]
    head = "".join(f"<th>{text(title)}</th>" for title in titles)
    body = "".join(
        "<tr>" + "".join(f"<td{mark}>{text(cell)}</td>" for cell, mark in zip(row, classes, strict=True)) + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def pairs_of(about: Mapping[str, object]) -> str:
    """What stands beside what, as a table."""
    return table_of(["What", "Value"], [[name, value] for name, value in about.items()])
