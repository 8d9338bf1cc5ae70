"""A real incident log becomes a report: its counts are compared with a computation that shares no code with the pack.

The log is not part of the project. It is expected in the folder that FLOWLEDGER_DATA names, else in ../shared/data beside the
repository. Customer, contract and SLA are made up here: the log has none.
"""

from __future__ import annotations

import csv
import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.plugins import sha256
from engine.testing import EmbeddedEngine
from processes.service_report import tables, tabular
from processes.service_report.importing import Imported, Source, fold, store
from processes.service_report.presets import SERVICENOW_LOG
from tests.support.service_report_bench import pack_engine, put_project, rows, walk

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("FLOWLEDGER_DATA", ROOT.parent / "shared" / "data"))
LOG = FOLDER / "incident_event_log.csv"
pytestmark = pytest.mark.skipif(not LOG.is_file(), reason=f"needs incident_event_log.csv (UCI, CC BY 4.0) in {FOLDER}")

FIRST, LAST = datetime(2016, 3, 1), datetime(2016, 3, 2, 23, 59)


def _import(engine: EmbeddedEngine, data: bytes) -> Imported:
    folded = fold(tabular.read(data), SERVICENOW_LOG, "UTC")
    source = Source("P-LOG", "incident_event_log.csv", sha256(data), SERVICENOW_LOG, "UTC", "admin", datetime(2026, 7, 2, tzinfo=UTC))
    with engine.app.store.begin(write=True) as connection:
        return store(connection, source, folded)


def _by_hand(path: Path) -> list[dict[str, str]]:
    """The last row of each incident, by plain reading."""
    last: dict[str, dict[str, str]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            known = last.get(row["number"])
            if known is None or int(row["sys_mod_count"]) >= int(known["sys_mod_count"]):
                last[row["number"]] = row
    return list(last.values())


def _at(text: str) -> datetime | None:
    return None if text == "?" else datetime.strptime(text, "%d-%m-%Y %H:%M")


def _within(text: str) -> bool:
    moment = _at(text)
    return moment is not None and FIRST <= moment <= LAST


def test_the_log_imports_once_and_a_report_of_it_counts_right() -> None:
    data = LOG.read_bytes()
    with pack_engine() as engine:
        with engine.app.store.begin(write=True) as connection:
            put_project(connection, "P-LOG", "C-LOG", "government", starts_on="2016-02-29", time_zone="UTC")
        done = _import(engine, data)
        assert (done.rows, done.added, done.rejected) == (5998, 890, 0)
        again = _import(engine, data)
        assert (again.added, again.changed, again.unchanged) == (0, 0, 890)
        walk(engine, project_id="P-LOG", period_start="2016-03-01", period_end="2016-03-02").go("archived")
        figures: Any = rows(engine, tables.report)[0]["figures"]

    incidents = _by_hand(LOG)
    opened = [r for r in incidents if _within(r["opened_at"])]
    counts = figures["counts"]
    assert counts["opened"] == len(opened) > 400
    assert counts["resolved"] == sum(_within(r["resolved_at"]) for r in incidents)
    assert counts["closed"] == sum(_within(r["closed_at"]) for r in incidents)
    done_by_end = [r for r in incidents if any(at is not None and at <= LAST for at in (_at(r["resolved_at"]), _at(r["closed_at"])))]
    assert counts["backlog"] == len(incidents) - len(done_by_end)
    assert counts["reopened"] == sum(int(r["reopen_count"]) > 0 for r in opened)
    level = {"1 - Critical": "P1", "2 - High": "P2", "3 - Moderate": "P3", "4 - Low": "P4"}
    by_priority = Counter(level[r["priority"]] for r in opened)
    assert {r["key"]: r["opened"] for r in figures["workload"]["priority"]} == dict(by_priority)
    by_category = Counter(r["category"] for r in opened)
    shown = {r["key"]: r["opened"] for r in figures["workload"]["category"] if r["key"] != "*"}
    assert len(shown) >= 5
    assert all(by_category["" if key == "-" else key] == n or key == "-" for key, n in shown.items())
    [target] = figures["sla_results"]
    known = [r for r in opened if _at(r["resolved_at"]) or _at(r["closed_at"])]
    assert (target["successes"], target["n"]) == (sum(r["made_sla"] == "TRUE" for r in known), len(known))
    yesterday = [r for r in incidents if (at := _at(r["opened_at"])) is not None and at < FIRST]
    assert figures["previous_counts"] is None, "the log does not hold the two days before"
    assert len(opened) + len(yesterday) == 890


def test_bad_rows_are_rejected_and_the_others_taken() -> None:
    lines = LOG.read_text(encoding="utf-8").splitlines()
    spoilt = [*lines[:51], lines[51].replace(lines[51].split(",")[9], "31-02-2016 09:00", 1), lines[52].replace(lines[52].split(",")[0], "", 1)]
    with pack_engine() as engine:
        with engine.app.store.begin(write=True) as connection:
            put_project(connection, "P-LOG", "C-LOG", "government", starts_on="2016-02-29", time_zone="UTC")
        done = _import(engine, "\n".join(spoilt).encode())
        assert (done.rows, done.rejected) == (52, 2)
        [row] = rows(engine, tables.ticket_import)
        assert "not_a_date" in row["reject_file"]
        assert "missing" in row["reject_file"]
        assert len(rows(engine, tables.ticket)) == done.added
