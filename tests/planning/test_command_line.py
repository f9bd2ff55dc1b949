"""The command line: exit codes, files, columns, what is said, the same bytes from any number of processes."""

import csv
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from data import service
from data.decisions import events_to_json
from data.store import Workspace
from planning import pipeline
from planning.__main__ import main
from planning.params import Params
from planning.tables import RESULT_TABLES, WATERFALL_STEPS

ROOT = Path(__file__).parents[2]
DONE, REFUSED, NOTHING = 0, 2, 3
AS_OF = "2026-06-01"
FILES = {f"{name}.csv" for name in RESULT_TABLES} | {"summary.json"}


def lines(header: str, *rows: str) -> str:
    return "\n".join((header, *rows)) + "\n"


def daily(item: str = "a", per_day: float = 10) -> list[str]:
    """Sales of 1 January to 31 May 2026, the same each day."""
    days = [(month, day) for month, last in ((1, 31), (2, 28), (3, 31), (4, 30), (5, 31)) for day in range(1, last + 1)]
    return [f"2026-{month:02d}-{day:02d},{item},{per_day:g}" for month, day in days]


SALES = lines("date,item_id,quantity", *daily())
STOCK = lines("item_id,on_hand", "a,40")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("STOCKCAST_HOME", str(tmp_path / "home"))
    return tmp_path


def write(folder: Path, **files: str) -> list[str]:
    """Write CSV files and return the options that name them."""
    options = []
    for name, text in files.items():
        path = folder / f"{name}.csv"
        path.write_text(text, encoding="utf-8")
        options += [f"--{name.replace('_', '-')}", str(path)]
    return options


def params(folder: Path, **values: object) -> list[str]:
    path = folder / "params.json"
    path.write_text(json.dumps({"lead_time_sd_fraction": 0, **values}), encoding="utf-8")
    return ["--params", str(path)]


def run(folder: Path, *options: str, as_of: str = AS_OF) -> int:
    return main(["plan", *options, "--as-of", as_of, "--out", str(folder / "out"), "--processes", "1"])


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "out" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def summary(folder: Path) -> dict:
    return json.loads((folder / "out" / "summary.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("values", "quantity"),
    [
        ({"unmet_demand": "lost"}, 70),
        ({"unmet_demand": "backordered"}, 170),
        ({"unmet_demand": "lost", "coverage_days": 28}, 280),
        ({"unmet_demand": "backordered", "coverage_days": 28}, 380),
    ],
)
def test_the_worked_orders_of_the_contract(folder, values, quantity):
    assert run(folder, *write(folder, sales=SALES, stock=STOCK), *params(folder, **values)) == DONE
    (row,) = rows(folder, "replenishment")
    assert float(row["order_quantity"]) == quantity
    assert (row["order_on"], row["arrives_on"], row["stockout_on"]) == (AS_OF, "2026-06-15", "2026-06-05")
    assert summary(folder)["totals"]["order_lines"] == 1


def test_a_plan_writes_every_file_of_the_contract_with_its_columns(folder):
    assert run(folder, *write(folder, sales=SALES, stock=STOCK)) == DONE
    assert {path.name for path in (folder / "out").iterdir()} == FILES
    for name, table in RESULT_TABLES.items():
        raw = (folder / "out" / f"{name}.csv").read_bytes()
        header = raw.split(b"\n")[0].decode().split(",")
        assert header[: len(table.names)] == list(table.names), name
        assert raw.endswith(b"\n")
        assert b"\r" not in raw
        assert b"nan" not in raw.lower().replace(b"nan_", b"")
        assert b"NaT" not in raw


def test_the_summary_says_what_the_plan_was_made_of(folder):
    run(folder, *write(folder, sales=SALES, stock=STOCK), *params(folder, service_target=0.9))
    told = summary(folder)
    assert set(told) >= {"as_of", "method_version", "snapshot_id", "params", "rows", "totals", "solver", "notes"}
    assert told["as_of"] == AS_OF
    assert told["params"]["service_target"] == 0.9
    assert len(told["params"]) >= 29
    assert told["rows"]["sales"] == {"read": 151, "accepted": 151, "rejected": 0}
    assert set(told["totals"]) >= {
        "order_value", "order_lines", "allocated_units", "items_at_risk", "expected_lost_units", "excess_value"
    }  # fmt: skip
    assert set(told["solver"]) >= {"status", "objective", "gap"}
    assert all(isinstance(note, str) for note in told["notes"])
    assert told["snapshot_id"]


def test_unknown_money_is_an_empty_cell(folder):
    run(folder, *write(folder, sales=SALES, stock=STOCK))
    assert rows(folder, "replenishment")[0]["order_value"] == ""
    assert rows(folder, "orders")[0]["unit_cost"] == ""
    assert summary(folder)["totals"]["order_value"] is None


def test_decimals_have_at_most_six_places_and_dates_are_iso(folder):
    sales = lines("date,item_id,quantity", *daily(per_day=1 / 3))
    run(folder, *write(folder, sales=sales, stock=STOCK))
    for name in RESULT_TABLES:
        for row in rows(folder, name):
            for column, text in row.items():
                kind = RESULT_TABLES[name].by_name.get(column)
                if text and kind and kind.kind == "date":
                    assert len(text) == 10
                    assert text[4] == text[7] == "-"
                elif text and kind and kind.kind not in ("id", "text"):
                    assert len(text.partition(".")[2]) <= 6, (name, column, text)


def test_the_waterfall_adds_up_in_the_file(folder):
    sales = lines("date,item_id,quantity", *daily(per_day=1 / 3), *daily("b", 7))
    items = lines("item_id,moq,order_multiple", "b,40,12")
    run(folder, *write(folder, sales=sales, stock=lines("item_id,on_hand", "a,0", "b,3"), items=items))
    steps = rows(folder, "waterfall")
    ordered = {row["item_id"]: row["order_quantity"] for row in rows(folder, "replenishment")}
    for item, quantity in ordered.items():
        units = {row["step"]: float(row["units"]) for row in steps if row["item_id"] == item}
        assert tuple(units) == WATERFALL_STEPS
        at = WATERFALL_STEPS.index("need")
        need = sum(units[name] for name in WATERFALL_STEPS[:at])
        assert round(need, 6) == units["need"]
        assert (
            round(need + sum(units[name] for name in WATERFALL_STEPS[at + 1 : -1]), 6)
            == units["order"]
            == float(quantity)
        )


def test_rejected_rows_are_reported_and_reconciled_and_never_hidden(folder, capsys):
    bad = lines("date,item_id,quantity", *daily(), "2026-05-31,,4", "yesterday,a,4", "2026-05-30,a,four")
    assert run(folder, *write(folder, sales=bad, stock=STOCK)) == DONE
    found = rows(folder, "rejected")
    assert [(row["table"], row["file"], row["row"]) for row in found] == [
        ("sales", "sales.csv", str(n)) for n in (153, 154, 155)
    ]
    assert [row["column"] for row in found] == ["item_id", "date", "quantity"]
    assert found[1]["value"] == "yesterday"
    assert all(len(row["reason"]) > 10 for row in found)
    assert summary(folder)["rows"]["sales"] == {"read": 154, "accepted": 151, "rejected": 3}
    assert str(folder) not in (folder / "out" / "rejected.csv").read_text(encoding="utf-8")
    capsys.readouterr()


def test_overlapping_exports_never_count_twice(folder):
    options = write(folder, sales=SALES, stock=STOCK)
    again = folder / "again.csv"
    again.write_text(SALES, encoding="utf-8")
    at = options.index("--sales") + 2
    assert run(folder, *options[:at], str(again), *options[at:], *params(folder)) == DONE
    assert float(rows(folder, "policy")[0]["demand_mean_per_day"]) == pytest.approx(10)


def test_unknown_columns_are_ignored_and_noted(folder):
    stock = lines("item_id,on_hand,colour", "a,40,red")
    assert run(folder, *write(folder, sales=SALES, stock=stock)) == DONE
    assert any("colour" in note for note in summary(folder)["notes"])


def refused(folder: Path, capsys, *options: str, as_of: str = AS_OF) -> str:
    """What is said on standard error by a run that must be refused."""
    try:
        status = run(folder, *options, as_of=as_of)
    except SystemExit as stop:
        status = stop.code
    assert status == REFUSED
    told = capsys.readouterr().err
    assert "Traceback" not in told
    return told


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"service_target": 95}, "0.95"),
        ({"service_level": 0.95}, "service_target"),
        ({"bucket": "month"}, "day, week"),
        ({"coverage_days": 3}, "review_period_days"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(folder, capsys, values, said):
    told = refused(folder, capsys, *write(folder, sales=SALES, stock=STOCK), *params(folder, **values))
    assert said in told
    assert next(iter(values)) in told


@pytest.mark.parametrize("text", ["{", "[]", "", "null", '{"seed": 1e999}'])
def test_parameters_that_are_no_object_are_refused(folder, capsys, text):
    (folder / "p.json").write_text(text, encoding="utf-8")
    options = write(folder, sales=SALES, stock=STOCK)
    assert refused(folder, capsys, *options, "--params", str(folder / "p.json"))


def test_a_missing_required_column_is_refused_with_file_and_column(folder, capsys):
    told = refused(folder, capsys, *write(folder, sales=lines("date,item_id", "2026-05-01,a"), stock=STOCK))
    assert "sales.csv" in told
    assert "quantity" in told


def test_a_required_table_of_which_every_row_is_bad_is_refused_with_its_faults(folder, capsys):
    told = refused(folder, capsys, *write(folder, sales=SALES, stock=lines("item_id,on_hand", "a,many", "b,few")))
    assert "stock.csv" in told
    assert "on_hand" in told
    assert "many" in told


def test_an_unreadable_file_is_refused(folder, capsys):
    options = write(folder, sales=SALES, stock=STOCK)
    told = refused(folder, capsys, *options[:2], "--stock", str(folder / "absent.csv"))
    assert "absent.csv" in told
    (folder / "broken.xlsx").write_bytes(b"PK\x03\x04 this is no workbook")
    assert "broken.xlsx" in refused(folder, capsys, *options[:2], "--stock", str(folder / "broken.xlsx"))
    (folder / "broken.parquet").write_bytes(b"PAR1 nor a table")
    assert "broken.parquet" in refused(folder, capsys, *options[:2], "--stock", str(folder / "broken.parquet"))
    (folder / "empty.csv").write_bytes(b"")
    assert "empty.csv" in refused(folder, capsys, *options[:2], "--stock", str(folder / "empty.csv"))


def test_what_is_missing_is_named(folder, capsys):
    assert "stock" in refused(folder, capsys, *write(folder, sales=SALES))
    assert "sales" in refused(folder, capsys, *write(folder, stock=STOCK))


@pytest.mark.parametrize("as_of", ["yesterday", "2026-02-30", "01.06.2026", ""])
def test_a_date_that_is_none_is_refused_with_how_to_write_it(folder, capsys, as_of):
    told = refused(folder, capsys, *write(folder, sales=SALES, stock=STOCK), as_of=as_of)
    assert "YYYY-MM-DD" in told


def test_weekly_sales_are_planned_on_their_weekday_and_refused_on_another(folder, capsys):
    mondays = [
        "03-02",
        "03-09",
        "03-16",
        "03-23",
        "03-30",
        "04-06",
        "04-13",
        "04-20",
        "04-27",
        "05-04",
        "05-11",
        "05-18",
    ]
    weekly = lines("date,item_id,quantity", *(f"2026-{monday},a,70" for monday in mondays))
    options = write(folder, sales=weekly, stock=STOCK)
    assert run(folder, *options) == DONE
    assert "Monday" in refused(folder, capsys, *options, as_of="2026-06-02")


def test_valid_input_with_nothing_to_plan_is_told_apart(folder, capsys):
    nothing = write(folder, sales="date,item_id,quantity\n", stock="item_id,on_hand\n")
    assert run(folder, *nothing) == NOTHING
    assert {"summary.json", "rejected.csv"} <= {path.name for path in (folder / "out").iterdir()}
    assert summary(folder)["rows"]["sales"]["read"] == 0
    assert "Traceback" not in capsys.readouterr().err


def test_stock_without_any_sale_is_planned(folder):
    assert run(folder, *write(folder, sales="date,item_id,quantity\n", stock=STOCK)) == DONE
    assert float(rows(folder, "replenishment")[0]["order_quantity"]) == 0


def test_a_repeated_key_with_other_values_is_rejected(folder):
    items = lines("item_id,unit_cost", "a,2", "a,3")
    assert run(folder, *write(folder, sales=SALES, stock=STOCK, items=items)) == DONE
    assert {row["table"] for row in rows(folder, "rejected")} == {"items"}


def test_codes_are_kept_to_the_letter_and_name_no_file(folder):
    codes = ["=1+1", "../../x", "00012", "1E5", "NaN", "A-1", "A_1"]
    sales = lines("date,item_id,quantity", *(line for n, code in enumerate(codes) for line in daily(code, n + 1)))
    stock = lines("item_id,on_hand", *(f"{code},0" for code in codes))
    assert run(folder, *write(folder, sales=sales, stock=stock)) == DONE
    assert [row["item_id"] for row in rows(folder, "replenishment")] == sorted(codes)
    assert {path.name for path in (folder / "out").iterdir()} == FILES


def test_a_mapping_names_the_columns_of_a_foreign_file(folder):
    foreign = SALES.replace("date,item_id,quantity", "Tag,Artikel,Menge")
    (folder / "mapping.json").write_text(
        json.dumps({"sales": {"Tag": "date", "Artikel": "item_id", "Menge": "quantity"}}), encoding="utf-8"
    )
    options = [*write(folder, sales=foreign, stock=STOCK), "--mapping", str(folder / "mapping.json")]
    assert run(folder, *options, *params(folder)) == DONE
    assert float(rows(folder, "replenishment")[0]["order_quantity"]) == 70


def test_the_same_files_give_the_same_bytes_in_any_order_of_rows(folder):
    header, *body = SALES.splitlines()
    outputs = []
    for text in (SALES, lines(header, *reversed(body))):
        run(folder, *write(folder, sales=text, stock=STOCK))
        outputs.append({path.name: path.read_bytes() for path in (folder / "out").iterdir()})
    assert outputs[0] == outputs[1]


def test_what_is_imported_is_what_the_workspace_plans(folder, capsys):
    files = write(folder, sales=SALES, stock=STOCK)
    assert main(["import", "--workspace", "nightly", *files]) == DONE
    made = capsys.readouterr().out.strip()
    options = ["--workspace", "nightly", "--as-of", AS_OF, "--out", str(folder / "out"), "--processes", "1"]
    assert main(["plan", *options, *params(folder)]) == DONE
    assert summary(folder)["snapshot_id"] == made
    assert float(rows(folder, "replenishment")[0]["order_quantity"]) == 70
    # The same files, planned without a workspace, are the same snapshot and the same plan.
    planned = {name: (folder / "out" / f"{name}.csv").read_bytes() for name in RESULT_TABLES}
    assert run(folder, *files, *params(folder)) == DONE
    assert summary(folder)["snapshot_id"] == made
    assert {name: (folder / "out" / f"{name}.csv").read_bytes() for name in RESULT_TABLES} == planned


OVERRIDES = lines(
    "override_id,item_id,starts_on,ends_on,kind,value,locked,reason",
    "1,a,2026-06-01,2026-11-30,percent,100,,twice",
    "2,a,2026-06-01,2026-06-30,percent,10,maybe,no flag",
    "3,a,2026-06-30,2026-06-01,percent,10,,backwards",
    "4,a,2026-06-01,2026-06-30,times,10,,no such kind",
    "5,a,2026-06-01,2026-06-30,percent,1e12,,too much",
    "6,nobody,2026-06-01,2026-06-30,percent,10,,no such item",
)


def test_a_file_of_corrections_moves_the_plan(folder):
    # 20 a day instead of 10: the shelf of 40 is empty when the order of 7 x 20 comes.
    assert run(folder, *write(folder, sales=SALES, stock=STOCK, overrides=OVERRIDES), *params(folder)) == DONE
    assert float(rows(folder, "replenishment")[0]["order_quantity"]) == 140
    assert [row["row"] for row in rows(folder, "rejected")] == ["3", "4", "5", "6"]
    told = " ".join(summary(folder)["notes"])
    assert "Corrections of the forecast: 2." in told
    assert "6 of nobody: no item and location of the plan is meant" in told


def decide(name: str) -> service.Visitor:
    """Double the forecast of a workspace, and close for a week in its past."""
    visitor = service.Visitor("local", Workspace(name))
    made = service.current_snapshot(visitor)
    first, last = date(2026, 6, 1), date(2026, 11, 30)
    service.override(visitor, made, kind="percent", value=100, starts_on=first, ends_on=last, reason="twice")
    closed = {"starts_on": date(2026, 5, 4), "ends_on": date(2026, 5, 10), "uplift": 0.5}
    service.edit_events(visitor, made, pd.DataFrame([closed]))
    return visitor


def test_the_plan_of_record_follows_what_was_decided(folder):
    files = write(folder, sales=SALES, stock=STOCK)
    assert main(["import", "--workspace", "nightly", *files]) == DONE
    visitor = decide("nightly")
    asked = ["plan", "--workspace", "nightly", "--as-of", AS_OF, "--out", str(folder / "out"), "--processes", "1"]
    assert main([*asked, *params(folder)]) == DONE
    changed = float(rows(folder, "replenishment")[0]["order_quantity"])
    made = service.current_snapshot(visitor)
    tables = service.planned_inputs(visitor, made)
    told = Params.from_json((folder / "params.json").read_text())
    result = pipeline.plan(tables, date.fromisoformat(AS_OF), told)
    assert changed == result.replenishment["order_quantity"].iloc[0] > 100
    service.undo(visitor, made)
    service.undo(visitor, made)
    assert main([*asked, *params(folder)]) == DONE
    assert float(rows(folder, "replenishment")[0]["order_quantity"]) == 70


def test_a_forecast_of_a_snapshot_takes_the_events_as_they_were_edited(folder):
    assert main(["import", "--workspace", "w", *write(folder, sales=SALES, stock=STOCK)]) == DONE
    visitor = decide("w")
    made = service.current_snapshot(visitor)
    tables = service.planned_inputs(visitor, made)
    (folder / "events.json").write_text(events_to_json(tables["events"]), encoding="utf-8")
    (folder / "params.json").write_text("{}", encoding="utf-8")
    snapshot = str(visitor.workspace.path(made))
    asked = ["fit", "--snapshot", snapshot, "--as-of", AS_OF, "--params", str(folder / "params.json")]
    outs = {name: str(folder / name) for name in ("with", "without")}
    assert main([*asked, "--out", outs["with"], "--events", str(folder / "events.json")]) == DONE
    assert main([*asked, "--out", outs["without"]]) == DONE
    expected = pipeline.fit(tables, date.fromisoformat(AS_OF), Params()).to_bytes()
    assert Path(outs["with"]).read_bytes() == expected
    assert Path(outs["without"]).read_bytes() != expected


@pytest.mark.usefixtures("folder")
def test_a_workspace_without_data_is_refused(capsys):
    assert main(["plan", "--workspace", "empty", "--as-of", AS_OF]) == REFUSED
    assert "import" in capsys.readouterr().err


def process(folder: Path, *options: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "STOCKCAST_HOME": str(folder / "home")}
    return subprocess.run(
        [sys.executable, "-m", "planning", *options],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def test_a_process_ends_with_the_status_and_says_where_it_is_on_standard_error(folder):
    options = ["plan", *write(folder, sales=SALES, stock=STOCK), "--out", str(folder / "out")]
    done = process(folder, *options, "--as-of", AS_OF, "--processes", "1")
    assert (done.returncode, done.stdout) == (DONE, "")
    assert " s  " in done.stderr
    refused_ = process(folder, *options, "--as-of", "soon")
    assert refused_.returncode == REFUSED
    assert "Traceback" not in refused_.stderr


def test_one_process_and_two_give_the_same_bytes(folder):
    # More item-locations than one partition holds, so that two processes both have work.
    codes = [f"{n:04d}" for n in range(1100)]
    weeks = [f"2026-{m:02d}-{d:02d}" for m in (2, 3, 4, 5) for d in (2, 9, 16, 23)]
    sales = lines(
        "date,item_id,quantity",
        *(f"{week},{code},{(n * 7 + w * w) % 11}" for n, code in enumerate(codes) for w, week in enumerate(weeks)),
    )
    stock = lines("item_id,on_hand", *(f"{code},{n % 17}" for n, code in enumerate(codes)))
    files = write(folder, sales=sales, stock=stock)
    outputs = []
    for processes in ("1", "2"):
        out = folder / f"out{processes}"
        done = process(folder, "plan", *files, "--as-of", AS_OF, "--out", str(out), "--processes", processes)
        assert done.returncode == DONE, done.stderr
        outputs.append({path.name: path.read_bytes() for path in out.iterdir()})
    assert outputs[0].keys() == FILES
    assert [name for name in outputs[0] if outputs[0][name] != outputs[1][name]] == []


def test_a_fault_of_the_program_is_a_sentence_and_no_traceback(tmp_path, monkeypatch, capsys):
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(pipeline, "plan", broken)
    sales, stock = tmp_path / "sales.csv", tmp_path / "stock.csv"
    sales.write_text("date,item_id,quantity\n2026-01-05,a,1\n")
    stock.write_text("item_id,on_hand\na,1\n")
    asked = [
        "plan",
        "--sales",
        str(sales),
        "--stock",
        str(stock),
        "--as-of",
        "2026-01-12",
        "--out",
        str(tmp_path / "out"),
    ]
    assert main(asked) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
    monkeypatch.setenv("STOCKCAST_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main(asked)


def test_how_far_the_reading_of_a_large_file_is_goes_to_standard_error(folder, capsys, monkeypatch):
    monkeypatch.setattr("planning.__main__.LARGE_BYTES", 10)
    options = write(folder, sales=SALES, stock=STOCK)
    main(["import", "--workspace", "w", *options])
    told = capsys.readouterr()
    assert "reading sales.csv: 100 % of 0 MB" in told.err
    assert "reading" not in told.out


def test_approved_orders_are_not_proposed_again_by_a_second_run(folder):
    files = write(folder, sales=SALES, stock=STOCK)
    assert main(["import", "--workspace", "nightly", *files]) == DONE
    asked = ["plan", "--workspace", "nightly", "--as-of", AS_OF, "--out", str(folder / "out"), "--processes", "1"]
    asked += params(folder)
    assert main(asked) == DONE
    visitor = service.Visitor("local", Workspace("nightly"))
    made = service.current_snapshot(visitor)
    first = service.plans(visitor)
    assert [(plan.status, plan.name) for plan in first] == [("plan of record", f"Plan of {AS_OF}")]
    lines = service.plan_lines(visitor, first[0].plan_id)
    assert lines["order_quantity"].tolist() == [70]
    # The same plan again is that plan: nothing is kept twice.
    assert main(asked) == DONE
    assert len(service.plans(visitor)) == 1
    day = pd.to_datetime(AS_OF)
    order = {"supplier_id": None, "location_id": "MAIN", "item_id": "a", "quantity": 70.0, "order_on": day}
    order |= {"arrives_on": day + pd.Timedelta(days=7), "unit_cost": None}
    service.approve(visitor, made, pd.DataFrame([order]))
    assert main(asked) == DONE
    assert rows(folder, "orders") == []
    assert float(rows(folder, "replenishment")[0]["on_order"]) == 70
    assert [plan.status for plan in service.plans(visitor)] == ["plan of record", "superseded"]
    told = service.changes(visitor, first[0].plan_id, service.plans(visitor)[0].plan_id)
    assert told[["change", "cause"]].to_numpy().tolist() == [[-70, "receipts"]]
    service.pin(visitor, made, item_id="a", location_id="MAIN", kind="order_quantity", value=5, order_on=day.date())
    assert main(asked) == DONE
    assert [float(row["quantity"]) for row in rows(folder, "orders")] == [5]


@pytest.mark.parametrize(("unmet", "quantity"), [("lost", 200), ("backordered", 280)])
def test_the_published_working_of_a_commercial_planner(folder, unmet, quantity):
    # 105 on hand; 94 and 91 in the two months until the order arrives, 200 in the two that it must last.
    days = [str(day.date()) for day in pd.date_range("2026-01-01", "2026-06-30")]
    files = write(
        folder,
        sales=lines("date,item_id,quantity", *(f"{day},a,3" for day in days)),
        stock=lines("item_id,on_hand", "a,105"),
        items=lines("item_id,lead_time_days", "a,62"),
        forecasts=lines(
            "item_id,date,quantity", "a,2026-07-01,94", "a,2026-08-01,91", "a,2026-09-01,200", "a,2026-11-01,9"
        ),
    )
    how = params(folder, bucket="day", review_period_days=30, coverage_days=61, unmet_demand=unmet)
    assert run(folder, *files, *how, as_of="2026-07-01") == DONE
    assert [float(row["order_quantity"]) for row in rows(folder, "replenishment")] == [quantity]


def test_pins_work_like_any_other_file(folder):
    pins = lines(
        "pin_id,item_id,kind,value", "P1,a,safety_stock,33", "P2,a,service_target,95", "P3,a,order_quantity,-1"
    )
    assert run(folder, *write(folder, sales=SALES, stock=STOCK, pins=pins), *params(folder)) == DONE
    (row,) = rows(folder, "policy")
    assert (float(row["pinned_safety_stock"]), row["target_source"]) == (33, "default")
    assert float(rows(folder, "replenishment")[0]["order_quantity"]) == 103
    told = rows(folder, "rejected")
    assert [(r["row"], r["column"]) for r in told] == [("3", "value"), ("4", "value")]
    assert "0.95" in told[0]["reason"]
