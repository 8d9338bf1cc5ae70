"""Import: folding of updates, bad rows, files that are no tables, time zones, idempotence."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import openpyxl
import pytest
from sqlalchemy import Connection, create_engine, insert, select

from engine.plugins import sha256
from processes.service_report import tables, tabular
from processes.service_report.importing import Source, fold, reject_file, store
from processes.service_report.presets import CHINESE, PLAIN, SERVICENOW_LOG

HEAD = "number,incident_state,sys_mod_count,made_sla,opened_at,sys_updated_at,location,category,u_symptom,cmdb_ci,priority,closed_code,resolved_at,closed_at,reopen_count"
LOG = f"""{HEAD}
INC1,New,0,TRUE,29-02-2016 01:16,29-02-2016 01:23,L1,C1,S,?,3 - Moderate,code 5,29-02-2016 11:29,05-03-2016 12:00,0
INC2,New,0,TRUE,29-02-2016 02:00,29-02-2016 02:01,L1,C1,S,?,1 - Critical,code 5,?,?,0
INC1,Awaiting User Info,1,TRUE,29-02-2016 01:16,29-02-2016 03:00,L1,C1,S,?,3 - Moderate,code 5,29-02-2016 11:29,05-03-2016 12:00,0
INC1,Active,2,FALSE,29-02-2016 01:16,29-02-2016 05:00,L2,C1,S,?,2 - High,code 5,29-02-2016 11:29,05-03-2016 12:00,1
"""


def _fold(text: str, mapping: Any = SERVICENOW_LOG, zone: str = "UTC") -> Any:
    return fold(tabular.read(text.encode()), mapping, zone)


def test_updates_of_one_number_become_one_ticket_and_the_last_wins() -> None:
    found = _fold(LOG)
    assert sorted(found.tickets) == ["INC1", "INC2"]
    one = found.tickets["INC1"]
    assert (one["priority"], one["location"], one["made_sla"], one["reopen_count"]) == ("P2", "L2", False, 1)
    assert one["opened_at"] == "2016-02-29T01:16:00.000000Z"
    assert one["pauses"] == [["2016-02-29T03:00:00.000000Z", "2016-02-29T05:00:00.000000Z"]]
    assert (found.tickets["INC2"]["resolved_at"], found.tickets["INC2"]["ci"]) == (None, "")
    assert (found.rows, found.rejected) == (4, [])


def test_the_order_of_the_file_does_not_matter() -> None:
    lines = LOG.splitlines()
    assert _fold("\n".join([lines[0], *reversed(lines[1:])])).tickets == _fold(LOG).tickets


def test_dates_are_taken_in_the_chosen_zone() -> None:
    assert _fold(LOG, zone="Asia/Shanghai").tickets["INC1"]["opened_at"] == "2016-02-28T17:16:00.000000Z"


@pytest.mark.parametrize(
    ("row", "reason", "field"),
    [
        ("INC9,New,0,TRUE,31-02-2016 01:16,,L,C,S,?,3 - Moderate,c,?,?,0", "not_a_date", "opened_at"),
        (",New,0,TRUE,29-02-2016 01:16,,L,C,S,?,3 - Moderate,c,?,?,0", "missing", "number"),
        ("INC9,New,0,TRUE,?,,L,C,S,?,3 - Moderate,c,?,?,0", "missing", "opened_at"),
        ("INC9,New,0,TRUE,29-02-2016 01:16,,L,C,S,?,3 - Moderate,c,28-02-2016 01:16,?,0", "before_opened", "resolved_at"),
        ("INC9,New,0,TRUE,29-02-2016 01:16,,L,C,S,?,3 - Moderate,c,?,?,many", "not_a_number", "reopen_count"),
        ("INC9,New,first,TRUE,29-02-2016 01:16,,L,C,S,?,3 - Moderate,c,?,?,0", "not_a_number", "sys_mod_count"),
        ("INC9,New,0,TRUE,29-02-1016 01:16,,L,C,S,?,3 - Moderate,c,?,?,0", "date_out_of_range", "opened_at"),
    ],
)
def test_a_bad_row_is_rejected_with_its_reason_and_stops_nothing(row: str, reason: str, field: str) -> None:
    found = _fold(LOG + row + "\n")
    assert sorted(found.tickets) == ["INC1", "INC2"]
    [bad] = found.rejected
    assert (bad.line, bad.reason, bad.field) == (6, reason, field)


def test_the_reject_file_holds_the_row_and_no_formula() -> None:
    found = _fold(LOG + "INC9,=cmd(),0,TRUE,never,,L,C,S,?,3 - Moderate,c,?,?,0\n")
    text = reject_file(found)
    assert "6,not_a_date,opened_at,INC9,'=cmd()" in text


def test_a_number_twice_is_rejected_where_rows_are_tickets() -> None:
    found = _fold("工单编号,创建时间,优先级\nA,2026-01-02 08:00,高\nA,2026-01-03 08:00,低\n", CHINESE, "Asia/Shanghai")
    assert [r.reason for r in found.rejected] == ["twice"]
    assert found.tickets["A"]["priority"] == "P2"


def test_a_workbook_gives_the_same_tickets_as_its_csv() -> None:
    book = openpyxl.Workbook()
    book.active.append(["number", "opened_at", "downtime_min", "title"])
    book.active.append(["A", datetime(2026, 1, 2, 8), 5, "=1+1"])
    out = io.BytesIO()
    book.save(out)
    by_book = fold(tabular.read(out.getvalue()), PLAIN, "Asia/Shanghai").tickets
    by_text = _fold("number,opened_at,downtime_min,title\nA,2026-01-02 08:00:00,5,\n", PLAIN, "Asia/Shanghai").tickets
    assert by_book == by_text


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (b"", "import_empty"),
        (b"number,number\n1,2\n", "import_heading"),
        (b"number,opened_at\n\x00,\n", "import_unreadable"),
        (b"\xff\xff\xff\xff", "import_encoding"),
        (b"PK\x03\x04 not a workbook", "import_unreadable"),
        (b"a,b\n1,2\n", "import_column"),
    ],
)
def test_what_is_no_table_is_refused(data: bytes, key: str) -> None:
    with pytest.raises(tabular.UnreadableFile) as caught:
        fold(tabular.read(data), PLAIN, "UTC")
    assert caught.value.key == key


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(tabular.UnreadableFile):
        _fold(LOG, zone="../etc/passwd")


def test_gb18030_is_read() -> None:
    data = "工单编号,创建时间,标题\n甲,2026-01-02 08:00,摄像头掉线\n".encode("gb18030")
    assert fold(tabular.read(data), CHINESE, "Asia/Shanghai").tickets["甲"]["title"] == "摄像头掉线"


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    tables.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(tables.customer).values(id="C", name="客户", attribute="gov"))
        connection.execute(
            insert(tables.project).values(id="P", name="项目", customer_id="C", starts_on="2016-01-01", ends_on="2017-01-01", time_zone="UTC")
        )
        yield connection


def _store(connection: Connection, text: str) -> Any:
    source = Source("P", "log.csv", sha256(text.encode()), SERVICENOW_LOG, "UTC", "admin", datetime(2026, 1, 1, tzinfo=UTC))
    return store(connection, source, _fold(text))


def test_importing_again_changes_nothing_and_a_newer_log_updates(connection: Connection) -> None:
    first = _store(connection, LOG)
    assert (first.added, first.changed, first.unchanged) == (2, 0, 0)
    again = _store(connection, LOG)
    assert (again.added, again.changed, again.unchanged) == (0, 0, 2)
    newer = _store(connection, LOG + "INC2,Resolved,3,TRUE,29-02-2016 02:00,29-02-2016 06:00,L1,C1,S,?,1 - Critical,c,29-02-2016 06:00,?,0\n")
    assert (newer.added, newer.changed, newer.unchanged) == (0, 1, 1)
    row = connection.execute(select(tables.ticket).where(tables.ticket.c.number == "INC2")).mappings().one()
    assert row["resolved_at"] == datetime(2016, 2, 29, 6, tzinfo=UTC)
    assert row["import_id"] == newer.import_id
