"""The words of the field, each explained in a sentence where it stands."""

from collections.abc import Mapping
from types import MappingProxyType

import streamlit as st

TERMS: Mapping[str, str] = MappingProxyType(
    {
        "ABC class": "Items ranked by yearly value: A the few that make most of it, C the many that make little.",
        "Allocation": "How stock that one location has, or will receive, is shared among the others.",
        "Amber": "Covered until a normal order can arrive, but not until the one after it: order now.",
        "As-of date": "The morning for which the plan is made. Sales before it are history.",
        "Bias": "Whether forecasts run too high (above 0) or too low (below 0), as a share of demand.",
        "Committed": "Units on hand that are promised already, so that they serve nobody else.",
        "Cost of error": "What misses cost in a year: stock held for demand that did not come, margin lost where it "
        "did.",
        "Coverage": "How many days after its arrival an order must last.",
        "Cycles in stock": "The share of order cycles that end without a stock-out, however small.",
        "Days of supply": "How long today's stock lasts at the expected demand; it looks forward.",
        "Dead stock": "Stock of items that nobody is expected to ask for any more.",
        "Excess": "Units beyond what any foreseeable demand uses up, at their cost.",
        "Excess and dead stock": "Stock beyond any foreseeable need, at cost; dead stock is what nobody asks for.",
        "Expedite": "The item runs out before a normal order can arrive: ask for a faster delivery.",
        "Fair share": "Splitting scarce stock so that all locations fare alike: in days of supply, in proportion to "
        "what they need, or in service.",
        "Fill rate": "The share of demanded units that is served from the shelf.",
        "Frontier": "The most service that each amount of stock can give: every unit where it is needed most for its "
        "cost.",
        "Green": "Covered until the order after the next one can arrive, at the service you asked for.",
        "Lead time": "Days from placing an order until the goods can be sold.",
        "Lead time + review": "What one order must cover: until the order after it can arrive.",
        "Lost margin": "Price less cost of the units that are expected to be asked for and not to be there.",
        "Margin at risk": "Price less cost of the units that are expected to be asked for, and not to be there, before "
        "the order after today's can arrive, within the days that the plan looks at.",
        "MOQ": "The least quantity that the supplier accepts.",
        "Orders due today": "The cost of the purchases that the plan places today, after minimum quantities, packs and "
        "budget.",
        "Price of fairness": "What a fair share gives up against the split for the most value, in margin and units "
        "lost.",
        "Red": "Runs out before a normal order placed today can arrive.",
        "Reorder point": "When stock and open orders fall to it, an order is due.",
        "Review period": "Days between two occasions to order.",
        "RMSSE": "Root mean squared error over that of the naive forecast in the past: below 1 is better than naive.",
        "Safety stock": "Stock held beyond expected demand, against its swings and those of the lead time.",
        "Target stock": "What stock and open orders are filled up to when an order is placed.",
        "WAPE": "Forecast error: the sum of misses as a share of the demand in the same periods.",
    }
)


def term(name: str) -> str:
    """The explanation of a term, for a help text."""
    return TERMS[name]


def words(*names: str) -> None:
    """A popover that explains the terms on this page."""
    with st.popover("Words on this page", icon=":material/menu_book:", type="tertiary"):
        st.markdown("\n\n".join(f"**{name}** – {TERMS[name]}" for name in sorted(names)))
