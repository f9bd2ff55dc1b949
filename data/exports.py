"""Known exports, recognised by their headers, never by the name of a file."""

from collections.abc import Callable

from data.known import amazon, deliveries, ledgers, shopify, systems
from data.known.parts import Part, Sheet
from data.upload import TextTable

Reader = Callable[[Sheet], list[Part] | None]

EXPORTS: tuple[tuple[str, Reader], ...] = (
    ("Shopify inventory", shopify.inventory),
    ("Shopify orders", shopify.orders),
    ("Shopify products", shopify.products),
    ("Amazon FBA inventory", amazon.manage),
    ("Amazon FBA inventory planning", amazon.planning),
    ("Amazon restock report", amazon.restock),
    ("QuickBooks sales by product", ledgers.quickbooks_sales),
    ("QuickBooks inventory valuation", ledgers.quickbooks_valuation),
    ("Odoo stock", systems.odoo_quants),
    ("WooCommerce products", systems.woocommerce_products),
    ("NetSuite saved search", systems.netsuite),
    ("Cin7 products", systems.cin7_products),
    ("invoice lines", ledgers.invoices),
    ("forecast by channel", deliveries.channel_forecast),
    ("sell-in", deliveries.sell_in),
    ("purchase order history", deliveries.order_history),
)
"""Name and reader of each known export, the more particular header first."""


def recognise_export(text: TextTable) -> tuple[str, list[Part]] | None:
    """Return which known export a file is and the contract tables it gives; None for any other file.

    Parameters
    ----------
    text : the file, with all its columns; personal ones are looked at, never kept.
    """
    sheet = Sheet(text)
    for name, read in EXPORTS:
        parts = read(sheet)
        if parts:
            return name, parts
    return None
