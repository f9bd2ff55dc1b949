"""The command line, `python -m planning`: plan, report, digest, replay, import, fit, passphrase, backup, restore.

Exit status: 0 done; 2 refused, each fault on standard error; 3 valid input with nothing to plan; 1 a fault of ours.
The one module of this folder that touches files and the clock.
"""

import argparse
import getpass
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from data import passphrase
from data.atomic import write_whole
from data.backup import back_up, restore
from data.decisions import events_from_json
from data.export import exact_csv, plan_csv
from data.read import Import, read_inputs
from data.report_book import compared_sheets, report_about, report_book
from data.service import (
    Scenario,
    Visitor,
    adopt_plan,
    confirm_import,
    create_plan,
    current_snapshot,
    decisions_id,
    fit_key,
    fits,
    planned_inputs,
    plans,
    scenarios,
)
from data.snapshot import read_snapshot, snapshot_id
from data.store import Workspace, home
from data.upload import Source
from data.validate import rejections
from planning import engine, pipeline, scenario
from planning.errors import InputError, NothingToPlanError, ParameterError, PlanningError
from planning.forecast import Progress
from planning.params import Params
from planning.replay_known import LEARN_EVERY, build_known
from planning.replay_run import LEAD_TIMES, POLICIES, exchange_curve, run_replay
from planning.replay_told import LINE_COLUMNS, WEEK_COLUMNS, asked_span, keyed, known_from, summary
from planning.result import PlanResult
from planning.tables import INPUT_TABLES, RESULT_TABLES

DONE, BROKEN, REFUSED, NOTHING = 0, 1, 2, 3
DEBUG = "STOCKCAST_DEBUG"
LEARN_DAYS = 28
"""Days after which a replay learns models and errors anew."""
USUAL = ("plan", "history", "min_max", "cover", "textbook")
"""The policies of a replay where none are named."""
LARGE_BYTES = 50_000_000
"""Of a larger file it is told how far its reading is."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    asked = _parser().parse_args(arguments)
    try:
        return int(asked.run(asked))
    except NothingToPlanError as fault:
        _say(str(fault))
        return NOTHING
    except PlanningError as fault:
        _say(str(fault))
        return REFUSED
    except OSError as fault:
        _say(f"{fault.filename or 'a file'} cannot be read or written: {fault.strerror}")
        return REFUSED
    except Exception as fault:  # the last door: people read a sentence, whoever mends it asks for the place
        if os.environ.get(DEBUG):
            raise
        _say(f"this should not happen ({type(fault).__name__}): please report it; {DEBUG}=1 shows the place")
        return BROKEN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m planning", description="Plan replenishment and allocation.")
    commands = parser.add_subparsers(dest="command", required=True)
    plan = commands.add_parser("plan", help="make a plan from files, or of a workspace's data")
    _add_files(plan)
    plan.add_argument("--workspace", help="plan the data of this workspace instead of files")
    plan.add_argument("--params", type=Path, help="a JSON file of parameters")
    plan.add_argument("--as-of", required=True, type=_day, help="the morning to plan for, YYYY-MM-DD")
    plan.add_argument("--out", type=Path, help="the folder to write to")
    plan.add_argument("--processes", type=_count, default=os.cpu_count() or 1, help="processes to forecast in")
    plan.set_defaults(run=_plan)
    told = commands.add_parser("report", help="tell a plan or scenario as a workbook and as one page to read")
    _add_files(told)
    told.add_argument("--workspace", help="of this workspace's data instead of files")
    told.add_argument("--scenario", metavar="NAME", help="the scenario of this name, kept in the workspace")
    told.add_argument("--params", type=Path, help="a JSON file of parameters")
    told.add_argument("--as-of", required=True, type=_day, help="the morning to plan for, YYYY-MM-DD")
    told.add_argument("--name", default="Plan", help="how the report is called")
    told.add_argument("--out", required=True, type=Path, help="the folder to write report.xlsx and report.html to")
    told.add_argument("--processes", type=_count, default=os.cpu_count() or 1, help="processes to forecast in")
    told.set_defaults(run=_report)
    _add_digest(commands.add_parser("digest", help="tell what needs attention, as a workbook and as one page to read"))
    load = commands.add_parser("import", help="put files into the workspace that the dashboard shows")
    _add_files(load)
    load.add_argument("--workspace", required=True, help="the workspace's name")
    load.set_defaults(run=_import)
    fit = commands.add_parser("fit", help="make the forecasts of a snapshot (what the dashboard starts)")
    fit.add_argument("--snapshot", required=True, type=Path)
    fit.add_argument("--as-of", required=True, type=_day)
    fit.add_argument("--params", required=True, type=Path)
    fit.add_argument("--out", required=True, type=Path)
    fit.add_argument("--events", type=Path, help="events as they were edited, instead of the snapshot's")
    fit.add_argument("--progress", type=Path)
    fit.add_argument("--processes", type=_count, default=1)
    fit.set_defaults(run=_fit)
    _add_replay(commands.add_parser("replay", help="run policies over the past: would the plan have worked?"))
    known = commands.add_parser("known", help="forecast on past mornings by what was known then (for a replay)")
    known.add_argument("--snapshot", required=True, type=Path)
    known.add_argument("--as-of", required=True, type=_day)
    known.add_argument("--first", required=True, type=_day)
    known.add_argument("--every", type=_count, default=LEARN_EVERY)
    known.add_argument("--params", required=True, type=Path)
    known.add_argument("--out", required=True, type=Path)
    known.add_argument("--events", type=Path)
    known.add_argument("--fits", type=Path)
    known.add_argument("--progress", type=Path)
    known.add_argument("--processes", type=_count, default=1)
    known.set_defaults(run=_known)
    word = commands.add_parser("passphrase", help="make the hash of the passphrase by which planners sign in")
    word.set_defaults(run=_passphrase)
    backup = commands.add_parser("backup", help="write the workspaces of STOCKCAST_HOME into one file")
    backup.add_argument("--out", required=True, type=Path, metavar="FILE.zip")
    backup.set_defaults(run=_backup)
    back = commands.add_parser("restore", help="put a backup into STOCKCAST_HOME, which must be empty")
    back.add_argument("file", type=Path, metavar="FILE.zip")
    back.set_defaults(run=_restore)
    return parser


def _add_digest(parser: argparse.ArgumentParser) -> None:
    _add_files(parser)
    parser.add_argument("--workspace", help="of this workspace's data instead of files")
    parser.add_argument("--params", type=Path, help="a JSON file of parameters")
    parser.add_argument("--as-of", required=True, type=_day, help="the morning to plan for, YYYY-MM-DD")
    parser.add_argument("--name", default="Digest", help="how it is called")
    parser.add_argument("--out", required=True, type=Path, help="the folder to write digest.xlsx and digest.html to")
    parser.add_argument("--processes", type=_count, default=os.cpu_count() or 1, help="processes to forecast in")
    parser.set_defaults(run=_digest)


def _add_replay(parser: argparse.ArgumentParser) -> None:
    _add_files(parser)
    parser.add_argument("--workspace", help="of this workspace's data instead of files")
    parser.add_argument("--params", type=Path, help="a JSON file of parameters")
    parser.add_argument("--as-of", required=True, type=_day, help="the morning after the past, YYYY-MM-DD")
    parser.add_argument("--from", dest="first", type=_day, metavar="DAY", help="the first day to replay")
    parser.add_argument("--to", dest="last", type=_day, metavar="DAY", help="the last day; else the day before --as-of")
    parser.add_argument(
        "--weeks", type=_count, help="how many weeks, instead of --from; else 52 or what the past allows"
    )
    parser.add_argument(
        "--policies", nargs="+", choices=POLICIES, default=list(USUAL), help="which; the plan's is always one"
    )
    parser.add_argument("--lead-times", choices=LEAD_TIMES, default=LEAD_TIMES[0], help="how long orders took")
    parser.add_argument("--refit", action="store_true", help="learn anew on every past morning: exact, and slow")
    parser.add_argument("--out", required=True, type=Path, help="the folder to write to")
    parser.add_argument("--processes", type=_count, default=os.cpu_count() or 1, help="processes to forecast in")
    parser.set_defaults(run=_replay)


def _add_files(parser: argparse.ArgumentParser) -> None:
    for table in INPUT_TABLES.values():
        parser.add_argument(
            f"--{table.name.replace('_', '-')}",
            dest=table.name,
            nargs="+",
            type=Path,
            metavar="FILE",
            help=table.meaning,
        )
    parser.add_argument("--mapping", type=Path, metavar="FILE.json", help="{table: {heading in the file: column}}")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as fault:
        msg = f"{text[:40]!r} is no date; write it as YYYY-MM-DD"
        raise argparse.ArgumentTypeError(msg) from fault


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        msg = f"{text[:40]!r} is no whole number of 1 or more"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _plan(asked: argparse.Namespace) -> int:
    clock = _Clock()
    params = _params(asked.params)
    if asked.workspace is not None:
        return _plan_of_record(asked, params, clock)
    if asked.out is None:
        msg = "--out is missing: name the folder to write the plan to"
        raise ParameterError(msg)
    read = _read(asked)
    clock("import", 1, 1)
    made = snapshot_id(read.frames)
    try:
        result = pipeline.plan(
            read.frames, asked.as_of, params, snapshot_id=made, run=engine.pool(asked.processes), progress=clock
        )
    except NothingToPlanError as fault:
        _write_nothing(asked.out, read, asked.as_of, params, made, str(fault))
        raise
    _write(asked.out, result, read)
    clock("write", 1, 1)
    return DONE


def _plan_of_record(asked: argparse.Namespace, params: Params, clock: "_Clock") -> int:
    """Make the plan of the workspace's current data; its forecast is kept, so that the dashboard opens at once."""
    visitor, made = _workspace(asked)
    frames = planned_inputs(visitor, made)
    kept = fits(visitor, made, asked.as_of, params, frames=frames)
    if kept is None:
        kept = pipeline.fit(frames, asked.as_of, params, run=engine.pool(asked.processes), progress=clock)
        visitor.workspace.keep(fit_key(visitor, made, asked.as_of, params, frames=frames), kept.to_bytes())
    decisions = decisions_id(visitor)
    result = pipeline.plan(frames, asked.as_of, params, fits=kept, snapshot_id=made, progress=clock)
    rows = _all_accepted(frames)
    key = pipeline.plan_key(made, decisions, asked.as_of, params)
    visitor.workspace.keep(key, json.dumps(_summary(result, rows)).encode())
    _adopt(visitor, made, result, key)
    if asked.out is not None:
        read = Import(frames, rejections(), rows, [])
        _write(asked.out, result, read)
    clock("write", 1, 1)
    return DONE


def _report(asked: argparse.Namespace) -> int:
    """Write a plan as a workbook and as one page; of a scenario also what differs from the plan without it."""
    # Charts are the pages' business: no other command loads them.
    from pages.components.report_html import report_html

    clock, params, text = _Clock(), _params(asked.params), ""
    name, base = asked.name, params
    if asked.workspace is None:
        if asked.scenario is not None:
            msg = "--scenario names one that is kept in a workspace: give --workspace, too"
            raise ParameterError(msg)
        frames = _read(asked).frames
        made, kept = snapshot_id(frames), None
    else:
        visitor, made = _workspace(asked)
        if asked.scenario is not None:
            found = _scenario(visitor, made, asked.scenario)
            name, params, text = found.name, found.params, found.text
        frames = planned_inputs(visitor, made)
        kept = fits(visitor, made, asked.as_of, params, frames=frames)
    run = engine.pool(asked.processes)
    kept = kept or pipeline.fit(frames, asked.as_of, params, run=run, progress=clock)
    result = pipeline.plan(frames, asked.as_of, params, fits=kept, snapshot_id=made, progress=clock)
    told, further = None, {}
    if params != base:
        same = kept if scenario.work(base, params) != "forecast" else None
        plain = pipeline.plan(frames, asked.as_of, base, fits=same, run=run)
        told = scenario.compare({"Plan": plain, name if name != "Plan" else "Scenario": result})
        further = compared_sheets(told, frames.get("pins"))
    about = report_about(
        result,
        name=name,
        method_version=pipeline.METHOD_VERSION,
        made_on=datetime.now().astimezone().date(),
        text=text,
        changes=scenario.differences(base, params),
    )
    asked.out.mkdir(parents=True, exist_ok=True)
    write_whole(asked.out / "report.xlsx", report_book(result, about, further))
    write_whole(asked.out / "report.html", report_html(result, about, told, further).encode())
    clock("report", 1, 1)
    return DONE


def _digest(asked: argparse.Namespace) -> int:
    """Write the Overview as a workbook and as one page; of a workspace also what changed since the plan before."""
    # Charts are the pages' business: no other command loads them.
    from pages.components.digest import digest_book, digest_of
    from pages.components.digest_html import digest_html

    clock, params, visitor, rejected = _Clock(), _params(asked.params), None, 0
    if asked.workspace is None:
        read = _read(asked)
        frames, made, kept = read.frames, snapshot_id(read.frames), None
        rejected = sum(count["rejected"] for count in read.rows.values())
    else:
        visitor, made = _workspace(asked)
        frames = planned_inputs(visitor, made)
        kept = fits(visitor, made, asked.as_of, params, frames=frames)
    kept = kept or pipeline.fit(frames, asked.as_of, params, run=engine.pool(asked.processes), progress=clock)
    result = pipeline.plan(frames, asked.as_of, params, fits=kept, snapshot_id=made, progress=clock)
    told = digest_of(frames, result, kept, visitor=visitor, rejected=rejected)
    made_on = datetime.now().astimezone().date()
    about = report_about(result, name=asked.name, method_version=pipeline.METHOD_VERSION, made_on=made_on)
    asked.out.mkdir(parents=True, exist_ok=True)
    write_whole(asked.out / "digest.xlsx", digest_book(told, about))
    write_whole(asked.out / "digest.html", digest_html(told, about).encode())
    clock("digest", 1, 1)
    return DONE


def _replay(asked: argparse.Namespace) -> int:
    """Run policies over the past and write what they did."""
    clock, params, run = _Clock(), _params(asked.params), engine.pool(asked.processes)
    if asked.workspace is None:
        read = _read(asked)
        frames, made, kept = read.frames, snapshot_id(read.frames), None
    else:
        visitor, made = _workspace(asked)
        frames = planned_inputs(visitor, made)
        read = Import(frames, rejections(), _all_accepted(frames), [])
        kept = fits(visitor, made, asked.as_of, params, frames=frames)
    try:
        kept = kept or pipeline.fit(frames, asked.as_of, params, run=run, progress=clock)
        span = asked_span(kept, asked.as_of, asked.first, asked.last, asked.weeks)
    except NothingToPlanError as fault:
        _write_nothing(asked.out, read, asked.as_of, params, made, str(fault))
        raise
    every = 1 if asked.refit else max(1, LEARN_DAYS // kept.calendar.bucket_days)
    known = build_known(
        frames,
        asked.as_of,
        params,
        first=known_from(kept, asked.as_of, span[0]),
        last=span[1],
        every=every,
        fits=kept,
        run=run,
        progress=clock,
    )
    more = {"fits": kept, "known": known, "span": span, "lead_times": asked.lead_times}
    names = tuple(dict.fromkeys(("plan", *asked.policies)))
    result = keyed(run_replay(frames, asked.as_of, params, policies=names, progress=clock.now_and_then, **more))
    curve = exchange_curve(frames, asked.as_of, params, progress=clock.now_and_then, **more)
    asked.out.mkdir(parents=True, exist_ok=True)
    write_whole(asked.out / "replay.csv", exact_csv(result.lines, LINE_COLUMNS))
    write_whole(asked.out / "replay_weeks.csv", exact_csv(result.weeks, WEEK_COLUMNS))
    write_whole(asked.out / "rejected.csv", plan_csv(read.rejected, "rejected"))
    told = {**_about(asked.as_of, made, params, read.rows), "lead_times": asked.lead_times, "refit": asked.refit}
    told |= summary(result, curve)
    _write_summary(asked.out, told | {"notes": [*read.notes, *told["notes"]]})
    clock("write", 1, 1)
    return DONE


def _scenario(visitor: Visitor, made: str, name: str) -> Scenario:
    known = scenarios(visitor, made)
    found = next((one for one in known if one.name.casefold() == name.strip().casefold()), None)
    if found is None:
        some = ", ".join(one.name for one in known[:10]) or "none"
        msg = f"no scenario is called {name[:80]!r} in this workspace; kept are: {some}"
        raise InputError(msg)
    return found


def _workspace(asked: argparse.Namespace) -> tuple[Visitor, str]:
    """Return who plans in the workspace that is named instead of files, and its data."""
    if any(getattr(asked, name) for name in INPUT_TABLES):
        msg = "give files or --workspace, not both; put files into a workspace with `import`"
        raise ParameterError(msg)
    visitor = Visitor("local", Workspace(asked.workspace))
    made = current_snapshot(visitor)
    if made is None:
        msg = f"the workspace {asked.workspace!r} holds no data: put some in with `import`"
        raise InputError(msg)
    return visitor, made


def _all_accepted(frames: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, int]]:
    """Return the counts of tables that were checked when they came."""
    return {name: {"read": len(f), "accepted": len(f), "rejected": 0} for name, f in frames.items()}


def _adopt(visitor: Visitor, made: str, result: PlanResult, key: str) -> None:
    """Keep the plan as the one of record; the same plan made again is that one already."""
    of_record = [plan for plan in plans(visitor) if plan.status == "plan of record" and plan.kind == "replenishment"]
    if any(plan.plan_key == key and not any(plan.scope.values()) for plan in of_record):
        return
    adopt_plan(visitor, create_plan(visitor, made, result, name=f"Plan of {result.as_of}"))


def _import(asked: argparse.Namespace) -> int:
    visitor = Visitor("local", Workspace(asked.workspace))
    read = _read(asked)
    names = [path.name for name in INPUT_TABLES for path in getattr(asked, name) or ()]
    made = confirm_import(visitor, read, files=names)
    for name, count in read.rows.items():
        _say(f"{name}: {count['read']:,} rows read, {count['accepted']:,} accepted, {count['rejected']:,} rejected")
    for note in read.notes:
        _say(note)
    sys.stdout.write(f"{made}\n")
    return DONE


def _fit(asked: argparse.Namespace) -> int:
    told = _to_file(asked.progress) if asked.progress else pipeline.silent
    tables = read_snapshot(asked.snapshot)
    if asked.events is not None:
        tables["events"] = events_from_json(asked.events.read_text(encoding="utf-8"))
    made = pipeline.fit(
        tables,
        asked.as_of,
        _params(asked.params),
        run=engine.pool(asked.processes),
        progress=told,
    )
    write_whole(asked.out, made.to_bytes())
    return DONE


def _known(asked: argparse.Namespace) -> int:
    tables = read_snapshot(asked.snapshot)
    if asked.events is not None:
        tables["events"] = events_from_json(asked.events.read_text(encoding="utf-8"))
    made = build_known(
        tables,
        asked.as_of,
        _params(asked.params),
        first=asked.first,
        every=asked.every,
        fits=None if asked.fits is None else pipeline.Fits.from_bytes(asked.fits.read_bytes()),
        run=engine.pool(asked.processes),
        progress=_to_file(asked.progress) if asked.progress else pipeline.silent,
    )
    write_whole(asked.out, made.to_bytes())
    return DONE


def _passphrase(_: argparse.Namespace) -> int:
    """Read a passphrase twice, showing nothing of it, and print its hash for the secrets of the server."""
    told = passphrase.checked(_typed("Passphrase: "))
    if passphrase.checked(_typed("Once more: ")) != told:
        msg = "the two are not the same: try again"
        raise InputError(msg)
    sys.stdout.write(passphrase.hashed(told) + "\n")
    _say("Set STOCKCAST_MODE=hosted and STOCKCAST_PASSPHRASE_HASH to this line.")
    return DONE


def _typed(prompt: str) -> str:
    # What is piped in is shown nowhere, and asks for no terminal.
    return getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")


def _backup(asked: argparse.Namespace) -> int:
    told = back_up(home(), asked.out)
    _say(f"{asked.out.name}: {told['files']:,} files, {told['bytes'] / 1e6:,.1f} MB of data")
    return DONE


def _restore(asked: argparse.Namespace) -> int:
    told = restore(asked.file, home())
    _say(f"{told['files']:,} files, {told['bytes'] / 1e6:,.1f} MB of data are back in {home().name}")
    return DONE


def _to_file(path: Path) -> Progress:
    def told(stage: str, done: int, total: int) -> None:
        write_whole(path, json.dumps({"stage": stage, "done": done, "total": total}).encode())

    return told


def _params(path: Path | None) -> Params:
    if path is None:
        return Params()
    try:
        return Params.from_json(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as fault:
        msg = f"{path.name} is not a text file in UTF-8"
        raise ParameterError(msg) from fault


def _read(asked: argparse.Namespace) -> Import:
    files = {
        name: [Source(path.name, path, progress=_Reading(path.name)) for path in getattr(asked, name)]
        for name in INPUT_TABLES
        if getattr(asked, name)
    }
    missing = [name for name, table in INPUT_TABLES.items() if table.required and name not in files]
    if missing and asked.command in ("plan", "report", "digest", "replay"):
        msg = "; ".join(f"--{name} is missing: a plan needs a file of {name}" for name in missing)
        raise InputError(msg)
    mapping = None
    if asked.mapping is not None:
        try:
            mapping = json.loads(asked.mapping.read_text(encoding="utf-8-sig"))
        except ValueError as fault:
            msg = f"{asked.mapping.name} is not valid JSON: {fault}"
            raise ParameterError(msg) from fault
    return read_inputs(files, mapping)


def _write(out: Path, result: PlanResult, read: Import) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for name in RESULT_TABLES:
        frame = read.rejected if name == "rejected" else getattr(result, name)
        write_whole(out / f"{name}.csv", plan_csv(frame, name))
    summary = _summary(result, read.rows)
    summary["notes"] = [*read.notes, *summary["notes"]]
    _write_summary(out, summary)


def _summary(result: PlanResult, rows: dict[str, dict[str, int]]) -> dict[str, Any]:
    return {
        **_about(result.as_of, result.snapshot_id, result.params, rows),
        "totals": dict(result.totals),
        "solver": dict(result.solver),
        "notes": list(result.notes),
    }


def _about(as_of: date, made: str, params: Params, rows: dict[str, dict[str, int]]) -> dict[str, Any]:
    """Return what any summary says first."""
    return {
        "as_of": as_of.isoformat(),
        "method_version": pipeline.METHOD_VERSION,
        "snapshot_id": made,
        "params": params.to_dict(),
        "rows": rows,
    }


def _write_nothing(out: Path, read: Import, as_of: date, params: Params, made: str, why: str) -> None:
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / "rejected.csv", plan_csv(read.rejected, "rejected"))
    _write_summary(
        out,
        {
            **_about(as_of, made, params, read.rows),
            "totals": {},
            "solver": {"status": "not_needed", "objective": 0.0, "gap": 0.0},
            "notes": [*read.notes, why],
        },
    )


def _write_summary(out: Path, summary: dict[str, Any]) -> None:
    text = json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False)
    write_whole(out / "summary.json", (text + "\n").encode())


def _say(text: str) -> None:
    sys.stderr.write(text.rstrip() + "\n")


class _Reading:
    """Tells on standard error how far the reading of a large file is, at every tenth."""

    def __init__(self, name: str) -> None:
        self._name, self._told = name, 0

    def __call__(self, done: int, total: int) -> None:
        tenths = 10 * done // total
        if total > LARGE_BYTES and tenths > self._told:
            self._told = tenths
            _say(f"reading {self._name}: {tenths * 10} % of {total / 1e6:,.0f} MB")


class _Clock:
    """Tells on standard error which stage is done, and after how many seconds."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def __call__(self, stage: str, done: int, total: int) -> None:
        _say(f"{time.monotonic() - self._start:7.2f} s  {stage}: {done:,} of {total:,}")

    def now_and_then(self, stage: str, done: int, total: int) -> None:
        """Tell the last step of a stage alone."""
        if done >= total:
            self(stage, done, total)


def entry() -> None:
    """Run the command line of this process."""
    stop: Callable[[int], None] = sys.exit
    stop(main())


if __name__ == "__main__":
    entry()
