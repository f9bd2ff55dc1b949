"""The Overview as one HTML page that needs nothing but itself. No Streamlit."""

from collections.abc import Mapping

import pandas as pd

from pages.components import charts, digest, headline, kpi_words, overview_alerts, overview_changes, overview_work
from pages.components.digest import Digest
from pages.components.formats import count, day, known
from pages.components.report_html import chart_of, page_of, pairs_of, table_of, text

WORK_ROWS, CHANGE_ROWS = 20, 15


def digest_html(told: Digest, about: Mapping[str, object]) -> str:
    """Return the page; whatever a user wrote is shown as text.

    Parameters
    ----------
    about : what `data.report_book.report_about` returned.
    """
    title, plan = str(about["Report"]), told.plan
    parts = [
        f"<h1>{text(title)}</h1>",
        f'<p class="quiet">Plan for the morning of {text(day(plan.as_of))} · data '
        f"{text(str(about['Data'])[:12])} · made on {text(about['Report made on'])}</p>",
        _numbers(told),
        *_alerts(told),
        *_work(told),
        *_changes(told),
        *_figures(told),
        "<h2>Stock value and cash out, next 13 weeks</h2>",
        chart_of(charts.stock_value_and_cash(plan)),
        "<h2>Data, method and parameters</h2>",
        pairs_of(about),
    ]
    return page_of(title, parts)


def _numbers(told: Digest) -> str:
    currency = told.plan.params.currency
    boxes = []
    for one in headline.three(told.plan):
        label, value = one.said(currency)
        boxes.append(f'<div>{text(label)}<b>{text(value)}</b><span class="quiet">{text(one.told)}</span></div>')
    return f'<div class="numbers">{"".join(boxes)}</div>'


def _alerts(told: Digest) -> list[str]:
    if not told.alerts:
        return []
    currency = told.plan.params.currency
    rows = [[one.title, overview_alerts.worth(one, currency), one.told] for one in told.alerts]
    return ["<h2>Alerts</h2>", table_of(["What", "About", "What it means"], rows, ["", "n", "t"])]


def _work(told: Digest) -> list[str]:
    rows, plan = told.work.head(WORK_ROWS), told.plan
    currency = plan.params.currency
    if rows.empty:
        return ["<h2>Work list</h2>", '<p class="quiet">Nothing calls for action today.</p>']
    parts = [
        f"{overview_work.KINDS[kind]} {part.lines:,}: {overview_work.amount(part.stake, plan, kind, currency)} "
        f"{overview_work.at_stake(kind)}"
        for kind, part in told.segments.items()
        if part.lines
    ]
    lines = sum(part.lines for part in told.segments.values())
    cells = [
        [
            row["do"],
            row["item_id"],
            row["item_name"] if known(row["item_name"]) else "",
            row["location_id"],
            overview_work.amount(row["stake"], plan, row["kind"], currency),
            f"{row['quantity']:,.0f}" if known(row["quantity"]) else "",
            row["why"],
        ]
        for row in rows.to_dict("records")
    ]
    heads = ["Do", "Item", "Name", "Location", "At stake", "Units", "Why"]
    more = f" The first {len(rows)} of {count(lines, 'line')}; the workbook tells more."
    more = more if lines > len(rows) else ""
    return [
        "<h2>Work list</h2>",
        f'<p class="quiet">{text(" · ".join(parts))}.{more}</p>',
        table_of(heads, cells, ["", "i", "", "i", "n", "n", "t"]),
    ]


def _changes(told: Digest) -> list[str]:
    if told.changes is None:
        return []
    head = f"<h2>What changed since {text(told.since)}</h2>"
    if told.changes.empty:
        return [head, '<p class="quiet">No order has changed.</p>']
    said = overview_changes.in_words(overview_changes.told_changes(told.changes), told.plan.params.currency)
    some = digest.changes(told).head(CHANGE_ROWS)
    numeric = [pd.api.types.is_numeric_dtype(some[name]) for name in some]
    cells = [
        [f"{v:,.0f}" if n and known(v) else v if known(v) else "" for v, n in zip(row, numeric, strict=True)]
        for row in some.itertuples(index=False)
    ]
    titles = [str(name).capitalize() for name in some]
    texts = {"why": "t", "item": "i", "location": "i"}
    marks = ["n" if n else texts.get(name, "") for name, n in zip(some, numeric, strict=True)]
    return [head, f"<p>{text(said)}</p>", table_of(titles, cells, marks)]


def _figures(told: Digest) -> list[str]:
    currency = told.plan.params.currency
    parts = []
    for group, mine in kpi_words.grouped(told.figures):
        rows = [
            f"<tr><td>{text(kpi.name)}</td><td class='n'>{text(kpi_words.said(kpi, currency))}</td>"
            f"<td>{kpi_words.spark(kpi.trend)}</td><td>{text(kpi.period)}</td>"
            f"<td class='t'>{text(kpi.missing or kpi.covered)}</td><td class='t'>{text(kpi.formula)}</td></tr>"
            for kpi in mine
        ]
        parts.append(
            f"<h3>{text(group)}</h3><div class='wide'><table><thead><tr><th>Figure</th><th>Value</th><th>Trend</th>"
            "<th>Of</th><th>Tells of, or what to bring</th><th>How it is made up</th></tr></thead>"
            f"<tbody>{''.join(rows)}</tbody></table></div>"
        )
    return ["<h2>Key figures</h2>", *parts] if parts else []
