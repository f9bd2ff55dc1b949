"""Every chart of the dashboard: frame in, Plotly figure out. No Streamlit.

Each answers one question, says its unit and its dates, and carries meaning by shape as well as by colour.
"""

from pages.components.charts_accuracy import calibration_curve, error_by_group, value_added
from pages.components.charts_allocation import (
    allocation_before_after,
    sharing_before_after,
    sharing_rules,
    transfers_flow,
)
from pages.components.charts_budget import cut_line
from pages.components.charts_forecast import forecast_fan
from pages.components.charts_frontier import service_frontier
from pages.components.charts_money import stock_value_and_cash
from pages.components.charts_order import order_timeline, steps_of, waterfall
from pages.components.charts_quality import issues_by_value, lead_time_distribution
from pages.components.charts_service import abc_matrix, service_stock_curve
from pages.components.charts_stock import projected_stock, shortage
from pages.components.charts_style import CONFIG

__all__ = [
    "CONFIG",
    "abc_matrix",
    "allocation_before_after",
    "calibration_curve",
    "cut_line",
    "error_by_group",
    "forecast_fan",
    "issues_by_value",
    "lead_time_distribution",
    "order_timeline",
    "projected_stock",
    "service_frontier",
    "service_stock_curve",
    "sharing_before_after",
    "sharing_rules",
    "shortage",
    "steps_of",
    "stock_value_and_cash",
    "transfers_flow",
    "value_added",
    "waterfall",
]
