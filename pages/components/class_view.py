"""Service, stock and loss by value class and demand class, with the targets of the value classes."""

import streamlit as st

from pages.components import charts, panel, session
from pages.components.formats import literal
from planning.params import ABC_CLASSES
from planning.result import PlanResult


def show(plan: PlanResult) -> None:
    """Draw the tab."""
    panel.chart(
        charts.abc_matrix(plan), "Service promised, stock and lost margin by ABC and demand class", key="matrix"
    )
    unit = f", {literal(plan.params.currency)}" if plan.params.currency else ""
    st.caption(
        f"In each cell the share of demand promised, ▣ mean stock at cost{unit}, ▼ margin lost in a year{unit}, "
        "\\# lines; – where nothing is sold. The redder, the more margin is lost."
    )
    if not session.may_try("service_target_by_class"):
        return
    if plan.params.service_measure == "cost":
        st.caption("Under least cost no targets are read.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="class_targets"):
        for name in ABC_CLASSES:
            target = plan.params.service_target_by_class.get(name, plan.params.service_target)
            key = f"class_target_{name}"
            session.seed(key, round(100 * target, 4))
            st.number_input(
                f"Target {name} (%)",
                min_value=0.1,
                max_value=99.99,
                step=0.5,
                format="%g",
                key=key,
                on_change=_changed,
                args=(name,),
                width=150,
                help="Items and lines with a target of their own keep it.",
            )
        if plan.params.service_target_by_class:
            st.button(
                "One target for all",
                key="class_reset",
                type="tertiary",
                icon=":material/restart_alt:",
                on_click=session.reset_params,
                args=("service_target_by_class",),
            )


def _changed(name: str) -> None:
    value = session.widget(f"class_target_{name}")
    if value is not None:
        targets = dict(session.params().service_target_by_class)
        session.change_params(service_target_by_class=targets | {name: round(float(value) / 100, 6)})
