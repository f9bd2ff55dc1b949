"""What one visitor's browser tab remembers: who, which data, which date, which parameters, which filters.

The only module that touches `st.session_state`. What a person would want to keep or pass on (filters, item, date,
changed parameters) also stands in the URL; whatever a URL says is checked again before it counts.
"""

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, NoReturn

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from data import service
from data.links import GONE, TRIED
from data.visitor import PASSPHRASE_HASH
from pages.components import address, cached, cookie, states
from pages.components.address import View
from pages.components.filters import Filters
from planning.errors import ParameterError, PlanningError
from planning.limited import ToldReplay
from planning.params import Params
from planning.result import PlanResult

SAMPLE_CURRENCY = "€"
TOKEN = "share"
"""The name in an address that carries the token of a link."""
LINK = "link"
"""The name in an address that tells which link is looked at: no secret, and it opens nothing by itself."""
LOG = logging.getLogger("stockcast")

UNEXPECTED = (
    "Something unexpected went wrong while planning. Your data are safe. Go back to the last date or settings that "
    "worked; if that does not help, pass the server's log on to whoever runs it."
)


# --- who and which data ----------------------------------------------------------------------------------------------


def visitor() -> service.Visitor:
    """Who is here, and what is theirs to see; a newcomer with a workspace finds the sample company open in it."""
    _through_the_router()
    _open_link()
    _end_where_over()
    if "visitor" not in st.session_state:
        _come_back()
    if "visitor" not in st.session_state:
        arrived = service.Visitor.arriving(mode())
        st.session_state["visitor"] = arrived
        _greet(arrived)
    known: service.Visitor = st.session_state["visitor"]
    return known


def _greet(who: service.Visitor) -> None:
    """Open the sample company in a workspace that never held anything."""
    if who.role == "planner" and not service.history(who):
        try:
            service.use_sample(who)
        except PlanningError as fault:
            LOG.warning("the sample company could not be opened: %s", fault)


def may_act() -> bool:
    """Whether this person decides here; who looks through a link does not. The service checks it again."""
    who = visitor()
    return who.role == "planner" and who.may_change


def tell_door() -> None:
    """Tell the server's door whether this tab may send files: who decides here may, nobody else."""
    run = get_script_run_ctx()
    if run is not None:
        cached.senders().note(run.session_id, may=may_act())


def grant() -> service.Grant | None:
    """What the link shows through which this person looks; None for a planner."""
    return visitor().grant


def may_try(*names: str) -> bool:
    """Whether these parameters can be changed here: by a planner all, through a link those that it lets one try."""
    told = grant()
    return may_act() or (told is not None and told.trials and not told.hide_costs and set(names) <= set(TRIED))


def costs_hidden() -> bool:
    """Whether costs and prices are none of this person's business."""
    told = grant()
    return told is not None and told.hide_costs


def sign_in(told: str, name: str) -> str:
    """Become a planner by the passphrase; return why not, where it is refused."""
    who = visitor()
    try:
        planner = service.sign_in(
            who, told, attempts=cached.attempts(), address=st.context.ip_address, secret=_hash(), name=name
        )
    except PlanningError as fault:
        return str(fault)
    _become(planner)
    _remember_browser(planner)
    _greet(planner)
    return ""


def leave() -> None:
    """Sign out in all tabs of the browser, or close what a link shows; nothing of it stays in this tab."""
    who, handle = visitor(), st.session_state.get("handle", "")
    forget_forecast()
    if who.grant is not None:
        cached.sessions().close(handle, who.grant.link_id)
    else:
        cached.sessions().end(handle)
    service.sign_out(who)
    st.session_state.clear()
    # What else this browser may see is told by its cookie, not by what the address said.
    st.query_params.clear()


def ticket() -> str:
    """What this page must bring to the server, so that its browser is known again; empty where nothing."""
    told: str = st.session_state.get("ticket", "")
    return told if told and cached.sessions().waits(told) else ""


def signed_out() -> bool:
    """Whether the planner who was here was signed out by the server; told once."""
    return bool(st.session_state.pop("ended", False))


def _remember_browser(who: service.Visitor) -> None:
    """Let this browser be known again after a reload."""
    told = cached.sessions().enter(who, _browser(), _hash())
    st.session_state["handle"], st.session_state["ticket"] = told.handle, told.ticket


def _browser() -> str:
    """The token that this browser brought when its tab connected."""
    return cookie.token_of(st.context.cookies, st.context.url)


def _come_back() -> None:
    """Be who was here before the tab was loaded again, as far as the server remembers it of this browser."""
    token, link_id = _browser(), st.query_params.get(LINK, "")
    try:
        found = cached.sessions().resume(mode(), token, link_id=link_id, secret=_hash()) if token else None
    except PlanningError as fault:
        LOG.warning("a session could not go on: %s", fault)
        return
    if found is not None:
        st.session_state["visitor"], st.session_state["handle"] = found


def _end_where_over() -> None:
    """Sign a planner out of a hosted server whose session ended: elsewhere, by age, or with a new passphrase."""
    who: service.Visitor | None = st.session_state.get("visitor")
    if who is None or who.role != "planner" or who.mode != "hosted":
        return
    if not cached.sessions().stands(st.session_state.get("handle", ""), _hash()):
        _become(service.sign_out(who))
        st.session_state["ended"] = True


def link_gone() -> str:
    """Why the link that was opened shows nothing; empty where none was, or where it stands."""
    who = visitor()
    if who.role == "viewer":
        try:
            service.check_link(who)
        except PlanningError:
            cached.sessions().close(st.session_state.get("handle", ""), who.grant.link_id if who.grant else "")
            st.session_state.clear()
            st.session_state["link_gone"] = True
    return GONE if st.session_state.get("link_gone") else ""


def forget_link() -> None:
    """Go on without the link that shows nothing."""
    st.session_state.pop("link_gone", None)


def name_link() -> None:
    """Let the address say which link is looked at: of several tabs each finds its own again."""
    told = _link()
    if st.query_params.get_all(LINK) != told.get(LINK, []):
        if told:
            st.query_params[LINK] = told[LINK]
        else:
            del st.query_params[LINK]


def _link() -> dict[str, list[str]]:
    told = grant()
    return {} if told is None else {LINK: [told.link_id]}


def _open_link() -> None:
    """Open the link whose token the address carries, and take the token out of the address at once."""
    if TOKEN not in st.query_params:
        return
    token = st.query_params.get_all(TOKEN)[-1]
    rest = {key: st.query_params.get_all(key) for key in st.query_params if key not in (TOKEN, LINK)}
    st.query_params.from_dict(rest)
    try:
        viewer = service.open_link(mode(), token)
    except PlanningError:
        st.session_state["link_gone"] = True
        return
    _become(viewer)
    _remember_browser(viewer)
    st.session_state["landing"] = True


def landing() -> str | None:
    """The page on which a link that was just opened begins, once; else None."""
    told = grant()
    return told.page if st.session_state.pop("landing", False) and told is not None else None


def _become(who: service.Visitor) -> None:
    """Start anew as somebody else: what the tab remembers of the one before is none of theirs."""
    running = st.session_state.get("forecast")
    if running is not None:
        running[1].cancel()
    st.session_state.clear()
    st.session_state["visitor"] = who


def _through_the_router() -> None:
    """Start anew where Streamlit would run the files of `pages/` by itself, app.py as one of them.

    It does so for whoever opens a page's own address before the router has run once in this server.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()


def mode() -> service.Mode:
    """How this server treats its visitors."""
    return service.mode(st.get_option("server.address"), _setting("STOCKCAST_MODE"), _hash())


def _hash() -> str | None:
    """The hash of the planners' passphrase, where this server has one."""
    return service.passphrase_hash(_setting(PASSPHRASE_HASH))


def _setting(name: str) -> str | None:
    """A setting of the server: the environment's, else what its secrets hold."""
    told = os.environ.get(name)
    if told is None and st.secrets.load_if_toml_exists():
        told = st.secrets.get(name)
    return told if isinstance(told, str) else None


def snapshot_id() -> str | None:
    """The snapshot in use; None where the workspace holds no data, and for who has none."""
    who = visitor()
    return service.current_snapshot(who) if who.role == "planner" else None


def is_sample() -> bool:
    """Whether the data in use is the sample company's."""
    who = visitor()
    return who.role == "planner" and service.is_sample(who)


def as_of() -> date:
    """The morning for which the plan is made."""
    told = grant()
    return told.as_of if told is not None else _view().as_of or default_as_of()


def default_as_of() -> date:
    """The date that the data itself suggests."""
    return cached.default_as_of(visitor(), _granted())


def choose_as_of(day: date | None) -> None:
    """Plan for that morning; None: for the one that the data suggests."""
    _remember(as_of=day if day is None or address.EARLIEST <= day <= address.LATEST else None)


# --- parameters ------------------------------------------------------------------------------------------------------


def params() -> Params:
    """The parameters in use, the same on every page; the sample company counts in its own currency."""
    who = visitor()
    if who.grant is not None:
        return cached.shared_plan(who).params.but(**_tried())
    kept = _view().params
    if kept.currency or not is_sample():
        return kept
    # Asked for dozens of times a run: made once for what is kept.
    known = st.session_state.get("sample_params")
    if known is None or known[0] is not kept:
        known = st.session_state["sample_params"] = (kept, kept.but(currency=SAMPLE_CURRENCY))
    told: Params = known[1]
    return told


def change_params(**changes: Any) -> bool:
    """Change parameters; one that does not fit changes nothing and is said in plain words."""
    if not may_act():
        return _try(changes)
    try:
        changed = _view().params.but(**changes)
    except ParameterError as fault:
        complain(str(fault))
        return False
    _remember(params=changed)
    return True


def reset_params(*names: str) -> None:
    """Back to the defaults: the named parameters, or all. What a viewer tries goes back to what was shared."""
    if grant() is not None:
        st.session_state["tried"] = {n: v for n, v in _tried().items() if names and n not in names}
        return
    plain = Params().to_dict()
    change_params(**{name: plain[name] for name in names or plain})


def changed_params() -> dict[str, Any]:
    """The parameters that differ from the defaults; for a viewer, from what was shared."""
    return address.changed(_view().params) if grant() is None else _tried()


def _try(changes: Mapping[str, Any]) -> bool:
    """Let a viewer see the plan under other parameters, where the link lets him; nothing of it is kept."""
    who = visitor()
    if who.grant is None or not may_try(*changes):
        complain("this view is read only: that cannot be tried here")
        return False
    shared = cached.shared_plan(who).params
    tried = {**_tried(), **changes}
    try:
        wanted = shared.but(**tried).to_dict()
    except ParameterError as fault:
        complain(str(fault))
        return False
    plain = shared.to_dict()
    st.session_state["tried"] = {name: wanted[name] for name in tried if wanted[name] != plain[name]}
    return True


def _tried() -> dict[str, Any]:
    return dict(st.session_state.get("tried") or {})


# --- filters and the item in view ------------------------------------------------------------------------------------


def filters() -> Filters:
    """The filters in use, the same on every page."""
    return _view().filters


def change_filters(**changes: Any) -> None:
    """Change some filters; unfit values are dropped."""
    _remember(filters=filters().but(**changes))


def clear_filters() -> None:
    """Let everything through again."""
    _remember(filters=Filters())


def selected() -> tuple[str, str] | None:
    """The item and location in view; they may be unknown to the plan."""
    return _view().selected


def select(item_id: str, location_id: str) -> None:
    """Bring an item at a location into view."""
    _remember(selected=(str(item_id), str(location_id)))


def level() -> tuple[str, str]:
    """How much the demand in view sums up, one of `address.LEVELS`, and of which category, location or item."""
    return _view().level, _view().of


def choose_level(name: str, of: str = "") -> None:
    """Look at demand by total, category, location, item or line (whose item and location `select` names)."""
    _remember(level=name if name in address.LEVELS else address.LEVELS[0], of=str(of))


def go(page: str) -> NoReturn:
    """Go to another page; the address takes along what this one carries."""
    st.switch_page(page, query_params=address.write(_view()) | _link())


# --- the plan --------------------------------------------------------------------------------------------------------


def require_plan() -> PlanResult:
    """Return the plan for the data, date and parameters in use.

    Where there is none yet the page ends here, with the way out: the designed empty state, the progress of the
    forecast with a way to cancel, or the fault in plain words.
    """
    if grant() is not None:
        return _shown()
    snapshot = snapshot_id()
    if snapshot is None:
        states.nothing_yet(use_sample)
        st.stop()
    try:
        plan = cached.plan(visitor(), snapshot, as_of(), params())
        if plan is None:
            _wait_for_forecast(snapshot)
            st.stop()
        return plan
    except PlanningError as fault:
        states.fault(str(fault), lambda: choose_as_of(None), reset_params, _way_to_undo(snapshot))
        st.stop()
    except Exception:
        # A fault of the program: logged in full for its operator, said in words to the person.
        LOG.exception("the plan of %s could not be made", snapshot[:12])
        states.fault(UNEXPECTED, lambda: choose_as_of(None), reset_params, _way_to_undo(snapshot))
        st.stop()


def _shown() -> PlanResult:
    """The plan that a link shows, or what its viewer tries of it."""
    who, tried = visitor(), _tried()
    try:
        shared = cached.shared_plan(who)
        other = cached.tried_plan(who, tried) if tried else shared
    except PlanningError as fault:
        states.fault_of_link(str(fault), reset_params if tried else None)
        st.stop()
    except Exception:
        LOG.exception("what a link shows could not be shown")
        states.fault_of_link(UNEXPECTED, reset_params if tried else None)
        st.stop()
    if other is None:
        states.fault_of_link("The forecast behind this view is not kept any more: nothing can be tried.", reset_params)
        st.stop()
    return other


def compared() -> Mapping[str, PlanResult]:
    """The plans that a link shows side by side, by name in their order; empty for a planner, and where it shows one.

    Where they cannot be shown the page ends here.
    """
    who = visitor()
    if who.grant is None or not who.grant.compared:
        return {}
    try:
        return cached.shared_comparison(who)
    except PlanningError as fault:
        states.fault_of_link(str(fault), None)
        st.stop()


def shared_replay() -> ToldReplay | None:
    """What a replay told, as a link shows it; None for a planner, and where none was shared.

    Where it cannot be shown the page ends here.
    """
    who = visitor()
    if who.grant is None:
        return None
    try:
        return cached.shared_replay(who)
    except PlanningError as fault:
        states.fault_of_link(str(fault), None)
        st.stop()


def facets() -> cached.Facets:
    """The values that the filters offer."""
    who = visitor()
    if who.grant is not None:
        return cached.shared_facets(who)
    snapshot = snapshot_id()
    return cached.facets(who, snapshot) if snapshot else cached.Facets((), (), ())


def while_shown(make: Callable[[], Any]) -> Callable[[], Any]:
    """What makes a download: through a link only as long as it stands. It runs later, outside of the page."""
    who = visitor()
    if who.grant is None:
        return make

    def checked() -> Any:
        service.check_link(who)
        return make()

    return checked


def view_address() -> dict[str, list[str]]:
    """What is looked at, as the address carries it: to be shared."""
    return address.write(_view())


def use_sample() -> None:
    """Open the sample company (the visitor's own data stays in the history)."""
    try:
        service.use_sample(visitor())
    except PlanningError as fault:
        complain(str(fault))
        return
    forget_view()


def forget_view() -> None:
    """Other data: date, filters and item begin anew, parameters stay."""
    _remember(as_of=None, filters=Filters(), selected=None, level=address.LEVELS[0], of="")


def _wait_for_forecast(snapshot: str) -> None:
    """Start the forecast if it does not run yet, and show how far it is."""
    work = (snapshot, as_of(), params(), service.decisions_id(visitor()))
    running = st.session_state.get("forecast")
    if running is None or running[0] != work or running[1].status() == "absent":
        forget_forecast()
        tables = cached.inputs(visitor(), snapshot)
        job = service.start_fit(visitor(), snapshot, as_of(), params(), frames=tables)
        running = st.session_state["forecast"] = (work, job)
    states.progress(running[1], forget_forecast, lambda: choose_as_of(None), reset_params, _way_to_undo(snapshot))


def _way_to_undo(snapshot: str) -> Callable[[], None] | None:
    """What takes back the last decision, which may be why there is no plan; None where nothing is left to undo."""
    try:
        log = service.decisions_log(visitor(), snapshot)
    except PlanningError:
        return None
    return _undo if (~log["undone"].astype(bool) & (log["what"] != "Undone")).any() else None


def _undo() -> None:
    try:
        service.undo(visitor(), str(snapshot_id()))
    except PlanningError as fault:
        complain(str(fault))


def forget_forecast() -> None:
    """End the forecast that runs, so that the next page may start another."""
    running = st.session_state.pop("forecast", None)
    if running is not None:
        running[1].cancel()


# --- what stands at the top of a page --------------------------------------------------------------------------------


def banner(*, way_out: bool = True) -> None:
    """Say which data and date the page shows, and what about them should not be overlooked.

    `way_out`: from the sample company, offer the way to one's own data.
    """
    for message in st.session_state.pop("complaints", []):
        st.error(message, icon=":material/error:")
    told = grant()
    if told is not None:
        states.shared_banner(told, _tried(), reset_params)
        return
    snapshot = snapshot_id()
    if snapshot is None:
        return
    try:
        known = cached.facts(visitor(), snapshot, as_of())
    except PlanningError:
        # The data cannot be read; what is asked of them next says so, with the way out.
        return
    states.banner(
        as_of=as_of(),
        facts=known,
        sample=is_sample(),
        way_out=way_out,
        demo=visitor().mode == "demo",
        changed=changed_params(),
        reset=reset_params,
    )


def complain(message: str) -> None:
    """Keep a message for the top of the page."""
    st.session_state.setdefault("complaints", []).append(message)


# --- widgets ---------------------------------------------------------------------------------------------------------


def enter(page: str) -> None:
    """Note which page is drawn: on another one, widgets begin anew and are seeded again."""
    if st.session_state.get("page") != page:
        st.session_state["page"] = page
        st.session_state["seeded"] = set()


def page() -> str:
    """The page that is drawn, as its address names it; empty: the first."""
    return str(st.session_state.get("page") or "")


def seed(key: str, value: Any) -> None:
    """Give a widget the value it must show; before it is drawn.

    Once a visit of the page, and where it shows another: what somebody is about to submit in a form stays.
    """
    seeded: set[str] = st.session_state.setdefault("seeded", set())
    if key not in seeded or st.session_state.get(key) != value:
        st.session_state[key] = value
        seeded.add(key)


def widget(key: str) -> Any:
    """What a widget holds now."""
    return st.session_state.get(key)


def keep(key: str, value: Any) -> None:
    """Remember a page's own value for the tab (a preview, a choice); None forgets it."""
    if value is None:
        st.session_state.pop(f"kept_{key}", None)
    else:
        st.session_state[f"kept_{key}"] = value


def kept(key: str) -> Any:
    """What a page has kept, or None."""
    return st.session_state.get(f"kept_{key}")


# --- memory and URL --------------------------------------------------------------------------------------------------


def _granted() -> str:
    snapshot = snapshot_id()
    if snapshot is None:
        msg = "there is no data yet; import your own or open the sample company"
        raise PlanningError(msg)
    return snapshot


def _view() -> View:
    """What this tab remembers; a URL that a link, back or forward brought is read into it first."""
    told = grant()
    url = {key: st.query_params.get_all(key) for key in st.query_params if key in address.KEYS}
    if "view" not in st.session_state and told is not None and not url:
        url = dict(told.view)
    # An empty URL is only a change of page: the memory holds.
    if "view" not in st.session_state or (url and url != st.session_state["url"]):
        st.session_state["view"] = address.read(url)
    view: View = st.session_state["view"]
    if told is not None:
        # Date and parameters are those of what is shown, whatever an address says.
        view = st.session_state["view"] = replace(view, as_of=None, params=Params())
    _write_url(view)
    return view


def _remember(**changes: Any) -> None:
    view = replace(_view(), **changes)
    st.session_state["view"] = view
    _write_url(view)


def _write_url(view: View) -> None:
    written = st.session_state.get("written")
    if written is None or written[0] is not view:
        written = st.session_state["written"] = (view, address.write(view))
    url = st.session_state["url"] = written[1]
    if url != {key: st.query_params.get_all(key) for key in st.query_params if key in address.KEYS}:
        st.query_params.from_dict(url | _link())
