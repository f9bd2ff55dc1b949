"""Cells of text -> values: numbers, dates, flags, choices. Each distinct text is parsed once."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from types import MappingProxyType

from planning.tables import Column

LARGEST = 1e12
"""Beyond it a number is a mistake: nobody plans a trillion units."""
LONGEST_ID = 200
DATE_ORDERS = ("dd/mm/yyyy", "mm/dd/yyyy")

_GROUP = "[ '\u00a0\u2009\u202f\u2019]"
_EXPONENT = r"(?:[eE][+-]?[0-9]{1,3})?"
_NUMBERS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        sign: re.compile(
            rf"(?:(?:[0-9]+|[1-9][0-9]{{0,2}}(?:{_GROUP}[0-9]{{3}})+|[1-9][0-9]{{0,2}}(?:{thousands}[0-9]{{3}})+)"
            rf"(?:{decimal}[0-9]*)?|{decimal}[0-9]+){_EXPONENT}"
        )
        for sign, decimal, thousands in ((".", r"\.", ","), (",", ",", r"\."))
    }
)
# Most cells look like these, and reading them need not ask for more; three decimals could be a thousand.
_PLAIN = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,12})?")
_PLAIN_TELLING = re.compile(r"-?[0-9]{1,12}\.(?:[0-9]{1,2}|[0-9]{4,12})")
_CODES = ("EUR", "USD", "GBP", "CHF", "CAD", "AUD", "INR", "JPY", "CNY", "SEK", "NOK", "DKK", "PLN")
_FLAGS: Mapping[str, float] = MappingProxyType(
    {"true": 1.0, "yes": 1.0, "t": 1.0, "y": 1.0, "false": 0.0, "no": 0.0, "f": 0.0, "n": 0.0}
)

_TIME = (
    r"(?:(?:[T ]\s*)[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?"
    r"\s*(?:[AaPp][Mm])?\s*(?:Z|UTC|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_YEAR_FIRST = re.compile(rf"([0-9]{{4}})([-/.])([0-9]{{1,2}})\2([0-9]{{1,2}}){_TIME}")
_COMPACT = re.compile(rf"((?:19|20|21)[0-9]{{2}})([0-9]{{2}})([0-9]{{2}}){_TIME}")
_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")
_DOTTED = re.compile(rf"([0-9]{{1,2}})\.([0-9]{{1,2}})\.([0-9]{{4}}|[0-9]{{2}}){_TIME}")
_SLASHED = re.compile(rf"([0-9]{{1,2}})([/-])([0-9]{{1,2}})\2([0-9]{{4}}|[0-9]{{2}}){_TIME}")
_DAY_NAMED = re.compile(rf"([0-9]{{1,2}})[ -]([A-Za-z]{{3,9}})\.?,?[ -]([0-9]{{4}}|[0-9]{{2}}){_TIME}")
_NAMED_DAY = re.compile(rf"([A-Za-z]{{3,9}})\.? ([0-9]{{1,2}}),? ([0-9]{{4}}){_TIME}")
_SERIAL = re.compile(r"([0-9]{5})(?:\.[0-9]+)?")
_SERIAL_ZERO = date(1899, 12, 30).toordinal()
_EPOCH = date(1970, 1, 1).toordinal()
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
FIRST_YEAR, LAST_YEAR = 1900, 2199


class CellError(ValueError):
    """A cell that cannot be read; its text says why and what to do."""


# --- numbers ----------------------------------------------------------------------------------------------------


def is_number(text: str) -> bool:
    """Whether a text is a number, whichever its decimal sign."""
    body = _unsigned(text.strip())[1]
    return any(pattern.fullmatch(body) for pattern in _NUMBERS.values())


def decimal_sign(texts: Iterable[str]) -> str | None:
    """Decide whether a column writes decimals with "." or ","; None where no text tells.

    `12` and `1,234` tell nothing (they fit both ways); `1.5` and `1,234,567` tell ".", `1,5` and `1.234,5` tell ",".
    """
    votes = {".": 0, ",": 0}
    for text in texts:
        if "," not in text and ("." not in text or _PLAIN_TELLING.fullmatch(text)):
            votes["."] += "." in text
            continue
        body = _unsigned(_without_currency(text))[1]
        fits = [sign for sign, pattern in _NUMBERS.items() if pattern.fullmatch(body)]
        if len(fits) == 1:
            votes[fits[0]] += 1
    if votes["."] == votes[","]:
        return "." if votes["."] else None
    return max(votes, key=lambda sign: votes[sign])


def depends_on_sign(text: str) -> bool:
    """Whether a text is another number under the other decimal sign: `1,234`."""
    body = _unsigned(_without_currency(text))[1]
    return ("," in body or "." in body) and all(pattern.fullmatch(body) for pattern in _NUMBERS.values())


def number(text: str, sign: str = ".", *, money: bool = False) -> float:
    """Read a number.

    Raises
    ------
    CellError : no number, not finite, or beyond `LARGEST`.
    """
    if sign == "." and _PLAIN.fullmatch(text):
        return float(text) + 0.0  # no negative zero
    negative, body = _unsigned(_without_currency(text) if money else text)
    if not _NUMBERS[sign].fullmatch(body):
        if _without_currency(body) != body:
            msg = "carries a currency sign; write a bare number of units"
            raise CellError(msg)
        if any(pattern.fullmatch(body) for pattern in _NUMBERS.values()):
            msg = f"has another decimal sign than the rest of the column ({sign!r}); write it like the others"
            raise CellError(msg)
        msg = "is not a number; write digits such as 12 or 12.5, or leave an optional cell empty"
        raise CellError(msg)
    body = re.sub(_GROUP, "", body).replace("," if sign == "." else ".", "").replace(",", ".")
    value = float(body)
    if not value <= LARGEST:
        msg = f"is larger than {LARGEST:.0e}; check it"
        raise CellError(msg)
    return -value + 0.0 if negative else value


def _unsigned(text: str) -> tuple[bool, str]:
    """Split the sign off: -5, \N{MINUS SIGN}5, 5- and (5) are negative."""
    body = text.replace("\N{MINUS SIGN}", "-")
    if body.startswith("(") and body.endswith(")"):
        return True, body[1:-1].strip()
    if body.endswith("-"):
        return True, body[:-1].strip()
    if body.startswith(("-", "+")):
        return body[0] == "-", body[1:].strip()
    return False, body


def _without_currency(body: str) -> str:
    for code in _CODES:
        body = body.removeprefix(code).removesuffix(code)
    return "".join(c for c in body if unicodedata.category(c) != "Sc").strip()


# --- dates ------------------------------------------------------------------------------------------------------


def is_date(text: str) -> bool:
    """Whether a heading is a date or a month (a bare number is not)."""
    for order in DATE_ORDERS:
        try:
            day(text, order)
        except CellError:
            continue
        return True
    return False


def is_month(text: str) -> bool:
    """Whether a heading is a month: `2024-01`."""
    return _MONTH.fullmatch(text) is not None


def date_order(texts: Iterable[str]) -> str | None:
    """Decide whether a column's slashed dates are dd/mm/yyyy or mm/dd/yyyy; None where no text tells.

    Raises
    ------
    CellError : some texts can only be the one, some only the other.
    """
    day_first, month_first = "", ""
    for text in texts:
        parts = _SLASHED.fullmatch(text)
        if parts and 12 < int(parts[1]) <= 31 and int(parts[3]) <= 12:
            day_first = day_first or text
        elif parts and 12 < int(parts[3]) <= 31 and int(parts[1]) <= 12:
            month_first = month_first or text
    if day_first and month_first:
        msg = f"mixes dd/mm/yyyy ({day_first}) and mm/dd/yyyy ({month_first})"
        raise CellError(msg)
    return "dd/mm/yyyy" if day_first else "mm/dd/yyyy" if month_first else None


def depends_on_order(text: str) -> bool:
    """Whether a text is another date when day and month change places: `03/04/2025`."""
    parts = _SLASHED.fullmatch(text)
    return parts is not None and int(parts[1]) <= 12 and int(parts[3]) <= 12 and int(parts[1]) != int(parts[3])


def is_serial(text: str) -> bool:
    """Whether a text could be a spreadsheet's serial number of a day (1954 to 2119)."""
    parts = _SERIAL.fullmatch(text)
    return parts is not None and 20_000 <= int(parts[1]) < 80_000


def day(text: str, order: str | None = None, *, serials: bool = False) -> int:
    """Read a date; a time and an offset are cut off, so the date is the local one.

    Returns
    -------
    Days since 1970-01-01.

    Raises
    ------
    CellError : no date, no such day, or outside 1900 to 2199.
    """
    if serials and is_serial(text):
        return int(text[:5]) + _SERIAL_ZERO - _EPOCH
    year, month, of_month = _date_parts(text, order)
    if not FIRST_YEAR <= year <= LAST_YEAR:
        msg = f"lies outside the years {FIRST_YEAR} to {LAST_YEAR}; correct it, or leave an optional cell empty"
        raise CellError(msg)
    try:
        return date(year, month, of_month).toordinal() - _EPOCH
    except ValueError:
        msg = "is no day of the calendar; correct it"
        raise CellError(msg) from None


def _date_parts(text: str, order: str | None) -> tuple[int, int, int]:
    if parts := _YEAR_FIRST.fullmatch(text):
        return int(parts[1]), int(parts[3]), int(parts[4])
    if parts := _COMPACT.fullmatch(text) or _MONTH.fullmatch(text):
        return int(parts[1]), int(parts[2]), int(parts[3]) if parts.lastindex == 3 else 1
    if parts := _DOTTED.fullmatch(text):
        return _year(parts[3]), int(parts[2]), int(parts[1])
    if parts := _SLASHED.fullmatch(text):
        first, second = int(parts[1]), int(parts[3])
        return _year(parts[4]), *((first, second) if order == "mm/dd/yyyy" else (second, first))
    if (parts := _DAY_NAMED.fullmatch(text)) and (month := _month(parts[2])):
        return _year(parts[3]), month, int(parts[1])
    if (parts := _NAMED_DAY.fullmatch(text)) and (month := _month(parts[1])):
        return int(parts[3]), month, int(parts[2])
    if is_serial(text):
        msg = "is a spreadsheet's serial number among dates; format the column as yyyy-mm-dd and export again"
        raise CellError(msg)
    msg = "is not a date; write it as yyyy-mm-dd"
    raise CellError(msg)


def _year(digits: str) -> int:
    """Two digits are a year of this century."""
    return int(digits) + (2000 if len(digits) == 2 else 0)


def _month(name: str) -> int:
    hits = [n for n, month in enumerate(_MONTHS, 1) if month.startswith(name.lower())]
    return hits[0] if len(hits) == 1 else 0


# --- the rest ---------------------------------------------------------------------------------------------------


def flag(text: str) -> float:
    """Read true or false as 1.0 or 0.0.

    Raises
    ------
    CellError : neither.
    """
    value = _FLAGS.get(text.casefold())
    if value is None and is_number(text):
        value = number(text)
    if value not in (0.0, 1.0):
        msg = "is neither true nor false; write true, false, yes, no, 1 or 0"
        raise CellError(msg)
    return value


def share(text: str, sign: str = ".") -> float:
    """Read true, false or the fraction between them.

    Raises
    ------
    CellError : none of them.
    """
    value = _FLAGS.get(text.casefold())
    if value is None and is_number(text):
        value = number(text, sign)
    if value is None:
        msg = "is neither true, false nor a fraction; write true, false or a number from 0 to 1"
        raise CellError(msg)
    return value


def choice(text: str, choices: Sequence[str]) -> str:
    """Read one of a few words, whichever its case.

    Raises
    ------
    CellError : another word.
    """
    known = {word.casefold(): word for word in choices}
    if text.casefold() not in known:
        between = "; " if any("," in word for word in choices) else ", "
        msg = f"is not allowed; write one of {between.join(choices)}"
        raise CellError(msg)
    return known[text.casefold()]


def identifier(text: str) -> str:
    """Keep an identifier to the letter.

    Raises
    ------
    CellError : it is too long to be one.
    """
    if len(text) > LONGEST_ID:
        msg = f"is longer than the {LONGEST_ID} characters of an identifier; shorten it"
        raise CellError(msg)
    return text


def within(column: Column, value: float) -> float:
    """Check a number against its column's bounds.

    Raises
    ------
    CellError : it is out of bounds, or should be whole.
    """
    low, high = column.minimum, column.maximum
    if low is not None and (value < low or (column.above_minimum and value == low)):
        msg = f"must be {'above' if column.above_minimum else 'at least'} {low:g}; correct it"
        raise CellError(msg)
    if high is not None and value > high:
        msg = f"must be at most {high:g}; correct it"
        raise CellError(msg)
    if column.kind == "integer" and value != int(value):
        msg = "must be a whole number; correct it"
        raise CellError(msg)
    return value
