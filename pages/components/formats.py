"""Numbers, dates and user text as a person reads them. No Streamlit."""

import math
import re
from datetime import date
from typing import Any

import pandas as pd

DASH = "–"
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&])")
_ADDRESS = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=[\w.+-]@)(?=[\w-]+\.)", re.IGNORECASE)
"""Where an address is broken: Markdown makes a link of it, escaped or not."""


def known(value: Any) -> bool:
    """Whether there is a value at all (not None, NaN or NaT)."""
    return value is not None and not pd.isna(value)


def units(value: Any) -> str:
    """A quantity: `1,240 units`; an unknown one is a dash."""
    return f"{_number(value)} {'unit' if value == 1 else 'units'}" if known(value) else DASH


def money(value: Any, currency: str = "") -> str:
    """An amount with its currency, short where it is large: `€ 1.24 M`, `€ 482 k`, `€ 12.50`."""
    if not known(value):
        return DASH
    sign = "−" if value < 0 else ""
    return f"{sign}{_lead(currency)}{_short(abs(float(value)))}"


def money_in_full(value: Any, currency: str = "") -> str:
    """An amount to the unit of its currency: `€ 1,240,318`."""
    return f"{_lead(currency)}{_number(value)}" if known(value) else DASH


def percent(value: Any, digits: int = 1) -> str:
    """A fraction as a percentage: 0.953 is `95.3 %`."""
    return f"{100 * float(value):.{digits}f} %" if known(value) else DASH


def days(value: Any) -> str:
    """A duration: `12 days`."""
    return f"{_number(value)} {'day' if value == 1 else 'days'}" if known(value) else DASH


def day(value: Any) -> str:
    """A date: `Mon 4 May 2026`."""
    if not known(value):
        return DASH
    moment = pd.Timestamp(value)
    return f"{moment:%a} {moment.day} {moment:%b %Y}"


def short_day(value: date) -> str:
    """A date without weekday and year: `4 May`."""
    moment = pd.Timestamp(value)
    return f"{moment.day} {moment:%b}"


def count(number: int, one: str, many: str = "") -> str:
    """A count with its noun: `1 item`, `1,204 items`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def literal(text: Any) -> str:
    """User text so that Markdown shows it to the letter: no link, image, colour or formula comes of it."""
    return _MARKUP.sub(r"\\\1", _ADDRESS.sub("\N{WORD JOINER}", " ".join(str(text).split())))


def _number(value: float) -> str:
    size = abs(float(value))
    digits = 0 if size >= 100 or size == math.floor(size) else 1
    return f"{float(value):,.{digits}f}".replace("-", "−")


def _short(size: float) -> str:
    for limit, divisor, letter in ((1e9, 1e9, " bn"), (1e6, 1e6, " M"), (1e5, 1e3, " k")):
        if size >= limit:
            shown = size / divisor
            return f"{shown:,.{2 if shown < 10 else 1 if shown < 100 else 0}f}{letter}"
    return f"{size:,.2f}" if 0 < size < 100 else f"{size:,.0f}"


def _lead(currency: str) -> str:
    return f"{currency}\u00a0" if currency else ""
