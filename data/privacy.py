"""Personal data: which columns of a file hold it. They are dropped while reading, never stored, and said to be dropped.

A planner needs what was sold, never to whom.
"""

import re
from dataclasses import replace

import pandas as pd

from data.headings import KNOWN, listed, normalised
from data.upload import TextTable
from planning.tables import INPUT_TABLES

_PERSONS_WORDS = (
    "customer client buyer recipient consignee billing bill shipping ship contact cardholder subscriber "
    "patient member user kunde kunden empfaenger cliente"
)
_PERSONS = frozenset(_PERSONS_WORDS.split())
_TRAITS_WORDS = (
    "name firstname lastname fullname surname address address1 address2 street city zip zipcode postcode "
    "postal phone mobile fax email mail company province state country county id no nr number note notes tags "
    "dob birthday vat account"
)
_TRAITS = frozenset(_TRAITS_WORDS.split())
_ALONE_WORDS = (
    "email mail emailaddress phone phonenumber telephone mobile fax address address1 address2 street zip "
    "zipcode postcode postalcode firstname lastname fullname surname customer customername customerid "
    "customerno customernumber customerfullname client clientname clientid buyer buyername buyeremail "
    "recipient recipientname billto shipto billtoname shiptoname contact contactname note notes noteattributes "
    "remark remarks comments ip ipaddress browserip birthday dateofbirth dob iban vatid taxid acceptsmarketing "
    "employee salesrep salesperson paymentreference cardnumber receiptnumber username userid kunde "
    "kundennummer kundenname"
)
_ALONE = frozenset(_ALONE_WORDS.split())
_CONTRACT = frozenset(normalised(name) for table in INPUT_TABLES.values() for name in table.names)
_EMAIL = re.compile(r"[^\s@,;<>\"']+@[^\s@,;<>\"']+\.[A-Za-z]{2,}")
_SAMPLE = 200


def is_personal(heading: str) -> bool:
    """Whether a heading names personal data: a name, an address, a phone, a customer's number, free notes."""
    name = normalised(heading)
    if name in _CONTRACT:
        return False
    if name in _ALONE:
        return True
    words = re.findall(r"[a-z0-9]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", heading).casefold())
    if {"email", "phone"} & set(words) or ("e" in words and "mail" in words):
        return True
    return bool(_PERSONS & set(words[:1])) and bool(_TRAITS & set(words[1:]))


def personal_columns(text: TextTable, keep: frozenset[str] = frozenset()) -> list[int]:
    """Which columns of a file hold personal data, told by heading or by the e-mail addresses in them.

    Parameters
    ----------
    text : the file.
    keep : headings that a person has mapped by hand, normalised: those are what the person says.
    """
    return [
        n
        for n, heading in enumerate(text.columns)
        if normalised(heading) not in keep and (is_personal(heading) or _holds_addresses(text, n))
    ]


def _holds_addresses(text: TextTable, n: int) -> bool:
    """Whether at least half of a column's first filled cells are e-mail addresses."""
    if normalised(text.columns[n]) in KNOWN:
        return False
    cells = text.cells[n].slice(0, _SAMPLE)
    filled = [t.strip() for t in cells.to_pylist() if t and t.strip()]
    return bool(filled) and 2 * sum(_EMAIL.fullmatch(t) is not None for t in filled) >= len(filled)


def without_personal(text: TextTable, keep: frozenset[str] = frozenset()) -> tuple[TextTable, tuple[str, ...]]:
    """A file without its personal data, and the headings that were dropped."""
    drop = set(personal_columns(text, keep))
    left = [n for n in range(len(text.columns)) if n not in drop]
    dropped = tuple(text.columns[n] for n in sorted(drop))
    if not drop or not left:
        return text, ()
    return replace(
        text, columns=tuple(text.columns[n] for n in left), cells=tuple(text.cells[n] for n in left)
    ), dropped


def personal_note(text: TextTable, dropped: tuple[str, ...]) -> list[str]:
    """Say what was dropped."""
    return [f"{text.name}: dropped as personal data, never stored: {listed(dropped)}"] if dropped else []


def masked(rejected: pd.DataFrame) -> pd.DataFrame:
    """Rejected rows whose values show no e-mail address: a shifted row may carry one into another column."""
    hit = rejected["value"].astype(str).str.contains("@", regex=False)
    if not hit.any():
        return rejected
    told = rejected["value"].where(~hit, rejected["value"].str.replace(_EMAIL, "(personal data)", regex=True))
    return rejected.assign(value=told)
