"""One widget a parameter: it shows the parameter as it stands and writes a changed value back, where it is checked.

Inside a form (`live=False`) nothing is written back before the form's button is pressed.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec

import streamlit as st

from pages.components import session
from planning.params import ABC_CLASSES, Params, meaning

Told = ParamSpec("Told")


def _offered(draw: Callable[Concatenate[str, Told], None]) -> Callable[Concatenate[str, Told], None]:
    """A widget that is drawn for who may change its parameter, the first argument."""

    @wraps(draw)
    def drawn(name: str, *args: Told.args, **kwargs: Told.kwargs) -> None:
        if session.may_try(name):
            draw(name, *args, **kwargs)

    return drawn


def _changed(name: str, read: Callable[[Any], Any]) -> None:
    session.change_params(**{name: read(session.widget(f"param_{name}"))})


def _bound(
    name: str, read: Callable[[Any], Any] = lambda v: v, *, live: bool = True, about: str = ""
) -> dict[str, Any]:
    """Key, help and (outside a form) the way back of the widget of a parameter."""
    kept = {"key": f"param_{name}", "help": about or f"{meaning(name)}."}
    return kept | ({"on_change": _changed, "args": (name, read)} if live else {})


@_offered
def segments(
    name: str, label: str, choices: Mapping[str, str], *, live: bool = True, long: bool = False, about: str = ""
) -> None:
    """One of a few choices, all in sight; in a drop-down list where they are many (`long`)."""
    session.seed(f"param_{name}", getattr(session.params(), name))
    bound = _bound(name, live=live, about=about)
    if long:
        st.selectbox(label, list(choices), format_func=choices.__getitem__, **bound)
    else:
        st.segmented_control(label, list(choices), format_func=choices.__getitem__, required=True, **bound)


@_offered
def percent(name: str, label: str, *, low: float, high: float, step: float, slider: bool = True) -> None:
    """A fraction, shown in percent."""
    shown = round(100 * getattr(session.params(), name), 4)
    session.seed(f"param_{name}", shown)
    # A value from the URL may lie outside of what the widget offers.
    bound = _bound(name, lambda v: round(v / 100, 6)) | {"step": step, "format": "%.1f %%" if slider else "%.1f"}
    (st.slider if slider else st.number_input)(
        label if slider else f"{label} (%)", min_value=min(low, shown), max_value=max(high, shown), **bound
    )


@_offered
def optional_percent(name: str, label: str, empty: str) -> None:
    """A fraction to type in percent, or nothing; `empty` says what nothing means."""
    told = getattr(session.params(), name)
    session.seed(f"param_{name}", None if told is None else round(100 * told, 4))
    rule = Params.__dataclass_fields__[name].metadata
    st.number_input(
        f"{label} (%)",
        min_value=0.01,
        max_value=round(100 * rule["high"], 4),
        value=None,
        step=1.0,
        format="%.1f",
        placeholder=empty,
        **_bound(name, lambda v: None if v is None else round(v / 100, 6)),
    )


@_offered
def slider(name: str, label: str, low: float, high: float, step: float) -> None:
    """A number by a slider, whose range grows to take in the value as it stands."""
    shown = float(getattr(session.params(), name))
    session.seed(f"param_{name}", shown)
    st.slider(label, min_value=min(low, shown), max_value=max(high, shown), step=step, **_bound(name))


@_offered
def number(name: str, label: str, low: float, high: float, step: float) -> None:
    """A number to type."""
    session.seed(f"param_{name}", float(getattr(session.params(), name)))
    st.number_input(label, min_value=low, max_value=high, step=step, format="%.1f", **_bound(name))


@_offered
def whole(name: str, label: str, low: int, high: int, *, empty: str = "", live: bool = True) -> None:
    """A whole number to type; `empty` says what an empty field means, where that is allowed."""
    session.seed(f"param_{name}", getattr(session.params(), name))
    more = {"value": None, "placeholder": empty} if empty else {}
    st.number_input(label, min_value=low, max_value=high, step=1, **more, **_bound(name, live=live))


@_offered
def money(name: str, label: str, empty: str) -> None:
    """An amount of money to type, or nothing; `empty` says what nothing means."""
    currency = session.params().currency
    session.seed(f"param_{name}", getattr(session.params(), name))
    st.number_input(
        f"{label} ({currency})" if currency else label, min_value=0.0, value=None, placeholder=empty, **_bound(name)
    )


@_offered
def text(name: str, label: str, about: str) -> None:
    """A short text."""
    session.seed(f"param_{name}", getattr(session.params(), name))
    rule = Params.__dataclass_fields__[name].metadata
    st.text_input(
        label, max_chars=rule["max_length"], width=200, **_bound(name, lambda v: (v or "").strip(), about=about)
    )


@_offered
def switch(name: str, label: str, *, live: bool = True) -> None:
    """Yes or no."""
    session.seed(f"param_{name}", getattr(session.params(), name))
    st.toggle(label, **_bound(name, live=live))


@_offered
def ids(name: str, label: str, options: Sequence[str], empty: str) -> None:
    """Some of the ids that the data knows; none means what `empty` says."""
    chosen = getattr(session.params(), name) or ()
    session.seed(f"param_{name}", [v for v in chosen if v in set(options)])
    st.multiselect(label, options, placeholder=empty, **_bound(name, lambda v: list(v) or None))


def targets_by_class() -> None:
    """Targets that differ by ABC class: three sliders behind a switch."""
    if not session.may_try("service_target_by_class"):
        return
    targets = dict(session.params().service_target_by_class)
    session.seed("param_by_class", bool(targets))
    st.toggle(
        "Differs by class",
        key="param_by_class",
        on_change=_toggle_classes,
        help=f"{meaning('service_target_by_class')}.",
    )
    for name in ABC_CLASSES if targets else ():
        shown = round(100 * targets.get(name, session.params().service_target), 4)
        session.seed(f"param_class_{name}", shown)
        st.slider(
            f"Class {name}",
            min_value=min(50.0, shown),
            max_value=max(99.9, shown),
            step=0.1,
            format="%.1f %%",
            key=f"param_class_{name}",
            on_change=_change_class,
            args=(name,),
        )


def _toggle_classes() -> None:
    target = session.params().service_target
    # A spread around the one target that costs about the same stock: a start to work from.
    spread = {"A": min(0.999, target + 0.02), "B": target, "C": max(0.5, target - 0.05)}
    session.change_params(service_target_by_class=spread if session.widget("param_by_class") else {})


def _change_class(name: str) -> None:
    targets = dict(session.params().service_target_by_class)
    targets[name] = round(session.widget(f"param_class_{name}") / 100, 6)
    session.change_params(service_target_by_class=targets)


def defaults(group: str, *names: str, label: str = "Reset to defaults") -> None:
    """The way back to the defaults of the named parameters, while any of them differs."""
    if any(name in session.changed_params() for name in names):
        st.button(
            label,
            key=f"reset_{group}",
            type="tertiary",
            icon=":material/restart_alt:",
            on_click=session.reset_params,
            args=names,
        )
