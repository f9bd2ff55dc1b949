"""`python -m planning replay`: files, columns, what adds up, exit statuses, the same bytes with more processes."""

import csv
import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from planning.__main__ import main
from planning.replay_told import LINE_COLUMNS, WEEK_COLUMNS

DONE, REFUSED, NOTHING = 0, 2, 3
AS_OF = date(2026, 6, 1)
FILES = {"replay.csv", "replay_weeks.csv", "summary.json", "rejected.csv"}
WEEKS = 90


def table(path: Path, header: str, rows: list[str]) -> str:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list[str]:
    """Weekly sales of three items at two stores, their stock, costs and levels."""
    folder = tmp_path_factory.mktemp("files")
    random = np.random.default_rng(5)
    days = [AS_OF - timedelta(weeks=WEEKS - n) for n in range(WEEKS)]
    lines = [(item, place) for item in ("a", "b", "=c") for place in ("S1", "S2")]
    sold = {line: random.poisson(6 + 3 * n, WEEKS) for n, line in enumerate(lines)}
    sales = [f"{day},{item},{place},{sold[item, place][n]}" for n, day in enumerate(days) for item, place in lines]
    stock = [f"{item},{place},30" for item, place in lines]
    items = [f"{item},2.5,4,14,5,30,60" for item in ("a", "b", "=c")]
    heads = "item_id,unit_cost,unit_price,lead_time_days,order_multiple,min_stock,max_stock"
    return [
        "--sales", table(folder / "sales.csv", "date,item_id,location_id,quantity", sales),
        "--stock", table(folder / "stock.csv", "item_id,location_id,on_hand", stock),
        "--items", table(folder / "items.csv", heads, items),
    ]  # fmt: skip


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("STOCKCAST_HOME", str(tmp_path / "home"))
    return tmp_path


def replay(out: Path, *options: str, processes: int = 1) -> int:
    return main(["replay", *options, "--as-of", str(AS_OF), "--out", str(out), "--processes", str(processes)])


def rows(out: Path, name: str) -> list[dict[str, str]]:
    with (out / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def summary(out: Path) -> dict:
    return json.loads((out / "summary.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def made(files, tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "out"
    assert replay(out, *files, "--weeks", "20", "--policies", "min_max", "cover", "textbook") == DONE
    return out


def test_the_files_are_there_with_their_columns(made):
    assert {path.name for path in made.iterdir()} == FILES
    lines = rows(made, "replay")
    assert tuple(lines[0]) == LINE_COLUMNS
    assert [row["policy"] for row in lines[::6]] == ["plan", "min_max", "cover", "textbook"]
    assert [(row["item_id"], row["location_id"]) for row in lines[:6]] == sorted(
        (item, place) for item in ("a", "b", "=c") for place in ("S1", "S2")
    )
    assert tuple(rows(made, "replay_weeks")[0]) == WEEK_COLUMNS


def test_what_comes_in_goes_out_and_weeks_and_lines_tell_the_same(made):
    lines, weeks = rows(made, "replay"), rows(made, "replay_weeks")
    for row in lines:
        told = {name: float(row[name]) for name in LINE_COLUMNS if name.endswith("_units")}
        left = told["start_units"] + told["received_units"] - told["sold_units"] - told["sent_units"]
        assert left - told["waste_units"] == pytest.approx(told["end_units"], abs=1e-3)
        assert told["sold_units"] + told["lost_units"] == pytest.approx(told["demand_units"], abs=1e-3)
    for policy in ("plan", "cover"):
        by_line = sum(float(row["lost_units"]) for row in lines if row["policy"] == policy)
        by_week = sum(float(row["lost_units"]) for row in weeks if row["policy"] == policy)
        assert by_line == pytest.approx(by_week, rel=1e-6)


def test_the_summary_says_what_was_replayed_and_what_it_showed(made):
    told = summary(made)
    assert told["as_of"] == str(AS_OF)
    assert told["policies"] == ["plan", "min_max", "cover", "textbook"]
    assert told["span"]["to"] == "2026-05-31"
    assert told["rows"]["sales"]["accepted"] == WEEKS * 6
    assert set(told["against"]) == {"min_max", "cover", "textbook"}
    plan = told["totals"][0]
    assert 0.8 < plan["fill_rate"] <= 1
    assert 0.9 < plan["promised_fill_rate"] <= 1
    assert {row["policy"] for row in told["exchange_curve"]} >= {"plan"}
    assert told["notes"]


def test_the_same_bytes_from_any_number_of_processes(files, made, home):
    other = home / "other"
    assert replay(other, *files, "--weeks", "20", "--policies", "min_max", "cover", "textbook", processes=2) == DONE
    assert {p.name: p.read_bytes() for p in other.iterdir()} == {p.name: p.read_bytes() for p in made.iterdir()}


def test_a_span_by_its_days_a_policy_and_a_refit(files, home):
    options = ("--from", "2026-02-02", "--to", "2026-04-26", "--policies", "textbook", "--refit")
    assert replay(home / "out", *files, *options, "--lead-times", "drawn") == DONE
    told = summary(home / "out")
    assert told["policies"][0] == "plan"
    assert told["refit"] is True
    assert told["lead_times"] == "drawn"
    assert told["span"]["to"] == "2026-04-26"
    days = [row["starts_on"] for row in rows(home / "out", "replay_weeks")]
    assert min(days) >= "2026-02-02"
    assert max(days) == "2026-04-20"


def test_a_workspace_says_what_its_files_say(files, made, home):
    assert main(["import", "--workspace", "w", *files]) == DONE
    options = ("--weeks", "20", "--policies", "min_max", "cover", "textbook")
    assert replay(home / "out", "--workspace", "w", *options) == DONE
    for name in ("replay.csv", "replay_weeks.csv"):
        assert (home / "out" / name).read_bytes() == (made / name).read_bytes()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--from", "2026-05-04", "--to", "2026-05-01"], "let it end after it begins"),
        (["--to", "2026-06-01"], "not past on the morning"),
        (["--from", "2020-01-06"], "too early"),
        (["--workspace", "w"], "give files or --workspace, not both"),
    ],
)
def test_what_cannot_be_is_refused_in_words(files, home, capsys, options, words):
    assert replay(home / "out", *files, *options) == REFUSED
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said


def test_files_that_are_missing_are_named(files, home, capsys):
    assert replay(home / "out", *files[:2]) == REFUSED
    assert "--stock is missing" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        replay(home / "out", *files, "--policies", "luck")
    assert stopped.value.code == REFUSED


def test_too_short_a_past_is_valid_input_with_nothing_to_replay(home, capsys):
    sales = [f"{AS_OF - timedelta(weeks=n)},a,5" for n in range(1, 20)]
    told = ["--sales", table(home / "sales.csv", "date,item_id,quantity", sales)]
    told += ["--stock", table(home / "stock.csv", "item_id,on_hand", ["a,9"])]
    assert replay(home / "out", *told) == NOTHING
    assert "too short to replay" in capsys.readouterr().err
    assert {path.name for path in (home / "out").iterdir()} == {"summary.json", "rejected.csv"}
    assert any("too short" in note for note in summary(home / "out")["notes"])
