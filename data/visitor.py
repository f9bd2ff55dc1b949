"""Who is here: how the server treats its visitors, whose workspace is whose, and what each may do."""

import ipaddress
import logging
import os
import secrets
import time
import weakref
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from data import jobs, once, passphrase
from data.atomic import remove_folder
from data.store import LINKS, MAIN, SHARED, Workspace, home
from planning.errors import PlanningError

LOG = logging.getLogger("stockcast")

Mode = Literal["local", "demo", "hosted"]
Role = Literal["planner", "viewer", "nobody"]

PASSPHRASE_HASH = "STOCKCAST_PASSPHRASE_HASH"
"""The setting that holds what `python -m planning passphrase` prints."""

DEMO_IDLE = 24 * 3600.0
"""Seconds after which an unused demo workspace counts as left behind."""


class NotAllowedError(PlanningError):
    """The visitor may look, but not do this."""


def mode(server_address: str | None, configured: str | None = None, secret: str | None = None) -> Mode:
    """Return how this server treats its visitors; closed when in doubt.

    Parameters
    ----------
    server_address : the address the server is bound to, as Streamlit's `server.address` says; None: unset, which
        means every address.
    configured : STOCKCAST_MODE, where the operator set it. "local" trusts everybody who reaches the server; "hosted"
        asks planners for the passphrase; anything else but empty is demo.
    secret : the hash of the passphrase (see `passphrase_hash`); without a whole one, hosted is demo.
    """
    wish = (configured or "").strip().lower()
    if wish == "hosted":
        return "hosted" if passphrase.is_hash(secret) else "demo"
    if wish:
        return "local" if wish == "local" else "demo"
    return "local" if _is_loopback(server_address) else "demo"


def passphrase_hash(secrets_file: str | None = None) -> str | None:
    """Return the hash of the passphrase, or None: the environment's, else what the secrets of the server hold.

    Parameters
    ----------
    secrets_file : the value of STOCKCAST_PASSPHRASE_HASH in Streamlit's secrets, where it has one.
    """
    return (os.environ.get(PASSPHRASE_HASH) or secrets_file or "").strip() or None


@dataclass(frozen=True)
class Grant:
    """What a share link lets its viewer see.

    page, view : where it opens, and with which filters (names and values of the address).
    as_of, scenario, name : what is shown, as its maker called it.
    supplier, location : whose lines are in it; None: all. `hide_costs`: money is in none of it.
    trials : whether the viewer may try other parameters for himself (`data.links.TRIED`).
    result_key : names what is shown; the same key, the same figures.
    data_from : when the data came; `made_at` when the link was made.
    compared : the names of the plans that it shows side by side; empty: it shows one.
    replay : whether it shows what a replay told.
    holder : the workspace that keeps it. No business of whoever shows it.
    """

    link_id: str
    page: str
    view: Mapping[str, Any]
    as_of: date
    scenario: str
    name: str
    supplier: str | None
    location: str | None
    hide_costs: bool
    trials: bool
    result_key: str
    data_from: datetime | None
    made_at: datetime
    expires_at: datetime
    holder: Workspace = field(repr=False, compare=False)
    compared: tuple[str, ...] = ()
    replay: bool = False


@dataclass(frozen=True)
class Visitor:
    """Who is here.

    own : the workspace of a planner. Who has none is a viewer where a link opened something (`grant`), else nobody.
    may_change : whether a planner may change it, or only look.
    name : what a planner of a hosted server calls himself.
    """

    mode: Mode
    own: Workspace | None
    may_change: bool = True
    grant: Grant | None = None
    name: str = ""

    @property
    def role(self) -> Role:
        """What the visitor is: one who plans, one who was shown something, or nobody yet."""
        if self.own is not None and self.grant is None:
            return "planner"
        return "nobody" if self.grant is None else "viewer"

    @property
    def workspace(self) -> Workspace:
        """The visitor's workspace: the one way to data, so that who has none reaches nothing.

        Raises
        ------
        NotAllowedError : the visitor is no planner.
        """
        if self.own is None or self.grant is not None:
            raise NotAllowedError(self._refusal("see this"))
        return self.own

    @classmethod
    def arriving(cls, mode: Mode) -> "Visitor":
        """Return a new visitor: in local mode with the kept workspace, in demo mode with a private one.

        In hosted mode it is nobody until they sign in or open a link.
        The kept workspace is the one that STOCKCAST_WORKSPACE names, by default `main`.
        A private workspace goes when the last reference to its visitor does, when the server ends, or by age.

        Raises
        ------
        InputError : no workspace can be made here.
        """
        if mode == "hosted":
            return cls(mode, None)
        if mode == "local":
            return cls(mode, kept_workspace())
        _sweep()
        root = _private() / secrets.token_hex(16)
        visitor = cls(mode, Workspace(root=root, address=root / "catalog.sqlite"))
        weakref.finalize(visitor, _leave, root)
        visitor.log("arrived")
        return visitor

    @property
    def jobs(self) -> Path:
        """The folder of this visitor's long work."""
        return self.workspace.folder / "jobs"

    def permit(self, action: str) -> None:
        """Pass where the visitor may do this.

        Raises
        ------
        NotAllowedError : the visitor may only look, or is nobody.
        """
        if self.role != "planner" or not self.may_change:
            raise NotAllowedError(self._refusal(action))

    def require_planner(self) -> None:
        """Pass where the visitor may see the workspace: before anything that others have cached is handed out.

        Raises
        ------
        NotAllowedError : the visitor is a viewer, or nobody.
        """
        if self.role != "planner":
            raise NotAllowedError(self._refusal("see this"))

    def _refusal(self, action: str) -> str:
        if self.role == "nobody":
            return "sign in first"
        return f"this view is read only: you may not {action} here"

    def log(self, action: str, **facts: object) -> None:
        """Log ids and counts only: what people wrote stays out of the log."""
        told = " ".join(f"{name}={value}" for name, value in facts.items())
        where = "none" if self.own is None else self.own.folder.name
        link = "" if self.grant is None else f" link={self.grant.link_id}"
        LOG.info("%s mode=%s role=%s workspace=%s%s %s", action, self.mode, self.role, where, link, told)

    def touch(self) -> None:
        """Note that a private workspace is in use, so that it is not taken for one left behind."""
        place = self.own if self.grant is None else self.grant.holder
        if self.mode == "demo" and place is not None:
            once.read((place.root, "touched"), lambda: _touch(place.root))


def _touch(root: Path) -> None:
    with suppress(FileNotFoundError):
        os.utime(root)


def kept_workspace() -> Workspace:
    """Return the workspace of a server that keeps one.

    Raises
    ------
    InputError : it cannot be written.
    """
    return Workspace(os.environ.get("STOCKCAST_WORKSPACE") or MAIN)


def workspace_with_link(mode: Mode, digest: str) -> Workspace | None:
    """Return the workspace that may hold the link with this hash, or None.

    Raises
    ------
    InputError : the kept workspace cannot be read.
    """
    if mode != "demo":
        return kept_workspace()
    marks = _private().glob(f"*/workspaces/*/{LINKS}/{digest}")
    root = next((mark.parents[3] for mark in marks), None)
    return None if root is None else Workspace(root=root, address=root / "catalog.sqlite")


def private_jobs() -> list[jobs.Job]:
    """Return the long work that runs now for the visitors of a demo server, all together."""
    return jobs.running(*_private().glob("*/workspaces/*/jobs"))


def _is_loopback(address: str | None) -> bool:
    name = (address or "").strip().lower()
    try:
        return name == "localhost" or ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _private() -> Path:
    return home() / "demo"


def _sweep() -> None:
    """Remove the private workspaces that a server left behind when it was stopped hard."""
    for root in _private().glob("*"):
        with suppress(FileNotFoundError):
            if root.stat().st_mtime < time.time() - DEMO_IDLE:
                _end(root)


def _leave(root: Path) -> None:
    """Remove a private workspace; where links were made of it, all but what these show.

    What is left goes like one left behind: a day after it was last looked at.
    """
    marks = list(root.glob(f"workspaces/*/{LINKS}/*"))
    if not marks:
        _end(root)
        return
    for job in jobs.running(*root.glob("workspaces/*/jobs")):
        job.cancel()
    for folder in root.glob("workspaces/*/*"):
        if folder.is_dir() and folder.name not in (LINKS, SHARED):
            remove_folder(folder)


def _end(root: Path) -> None:
    """End what runs in a private workspace, and remove it."""
    for job in jobs.running(*root.glob("workspaces/*/jobs")):
        job.cancel()
    remove_folder(root)
