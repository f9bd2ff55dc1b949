"""Who is here: how the server treats its visitors, whose workspace is whose, and what each may do."""

import ipaddress
import logging
import os
import secrets
import time
import weakref
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from data import jobs
from data.atomic import remove_folder
from data.store import MAIN, Workspace, home
from planning.errors import PlanningError

LOG = logging.getLogger("stockcast")

Mode = Literal["local", "demo"]

DEMO_IDLE = 24 * 3600.0
"""Seconds after which an unused demo workspace counts as left behind."""


class NotAllowedError(PlanningError):
    """The visitor may look, but not do this."""


def mode(server_address: str | None, configured: str | None = None) -> Mode:
    """Return how this server treats its visitors; closed when in doubt.

    Parameters
    ----------
    server_address : the address the server is bound to, as Streamlit's `server.address` says; None: unset, which
        means every address.
    configured : STOCKCAST_MODE, where the operator set it. "local" trusts everybody who reaches the server;
        anything else but empty, "hosted" too until people can sign in, is demo.
    """
    wish = (configured or "").strip().lower()
    if wish:
        return "local" if wish == "local" else "demo"
    return "local" if _is_loopback(server_address) else "demo"


@dataclass(frozen=True)
class Visitor:
    """Who is here: their workspace, and whether they may change it."""

    mode: Mode
    workspace: Workspace
    may_change: bool = True

    @classmethod
    def arriving(cls, mode: Mode) -> "Visitor":
        """Return a new visitor: in local mode with the kept workspace, in demo mode with a private one.

        The kept workspace is the one that STOCKCAST_WORKSPACE names, by default `main`.
        A private workspace goes when the last reference to its visitor does, when the server ends, or by age.

        Raises
        ------
        InputError : no workspace can be made here.
        """
        if mode == "local":
            return cls(mode, Workspace(os.environ.get("STOCKCAST_WORKSPACE") or MAIN))
        _sweep()
        root = _private() / secrets.token_hex(16)
        visitor = cls(mode, Workspace(root=root, address=root / "catalog.sqlite"))
        weakref.finalize(visitor, _end, root)
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
        NotAllowedError : the visitor may only look.
        """
        if not self.may_change:
            msg = f"this view is read only: you may not {action} here"
            raise NotAllowedError(msg)

    def log(self, action: str, **facts: object) -> None:
        """Log ids and counts only: what people wrote stays out of the log."""
        told = " ".join(f"{name}={value}" for name, value in facts.items())
        LOG.info("%s mode=%s workspace=%s %s", action, self.mode, self.workspace.folder.name, told)

    def touch(self) -> None:
        """Note that a private workspace is in use, so that it is not taken for one left behind."""
        if self.mode == "demo":
            with suppress(FileNotFoundError):
                os.utime(self.workspace.root)


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


def _end(root: Path) -> None:
    """End what runs in a private workspace, and remove it."""
    for job in jobs.running(*root.glob("workspaces/*/jobs")):
        job.cancel()
    remove_folder(root)
