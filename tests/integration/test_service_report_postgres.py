"""The pack's tables, service tasks and registers on a real PostgreSQL: one report and one draw from start to end."""

from __future__ import annotations

import hashlib

from processes.service_report import kpi, registers, tables
from processes.service_report.demo_walk import actor
from tests.support.postgres import postgres_server
from tests.support.service_report_bench import complete, pack_engine, put_tickets, rows, walk

NONCE = "一个足够长的随机数"


def test_report_archive_draw_call_and_registers() -> None:
    with postgres_server(durable=False) as server, pack_engine(database=server.database()) as engine:
        with engine.app.store.begin(write=True) as connection:
            put_tickets(connection, "P-A", 20)
        walk(engine).go("returned_then_archived")
        walk(engine, title="第二份").go("special")
        assert [r["report_no"] for r in rows(engine, tables.archive_item)] == ["SMS-SR-2026-0001", "SMS-SR-2026-0002"]

        draw = engine.start("service_report_callback", {"period_start": "2026-07-01", "period_end": "2026-07-31", "immediate": True})
        complete(engine, draw, "commit", "qa", {"commitment": hashlib.sha256(NONCE.encode()).hexdigest()})
        complete(engine, draw, "reveal", "qa", {"nonce": NONCE})
        answers = {"reached": True, "contact_name": "李科长", "received_report": True, "score": 4, "complaint": False}
        for task in engine.user_tasks(draw):
            engine.complete(task.id, {"attempts": [{"on": "2026-07-02", "at": "10:30", "result": "reached"}], **answers}, actor("desk"))
        assert engine.instance(draw).state == "completed"

        with engine.app.store.begin(write=False) as connection:
            wanted = registers.ArchiveFilter(text="六月", facets={"device": "host", "customer": "government", "business": ""})
            assert len(registers.archive(connection, wanted).rows) == 1
            first = registers.archive(connection, registers.ArchiveFilter(), size=1)
            assert first.next is not None
            second = registers.archive(connection, registers.ArchiveFilter(cursor=first.next), size=1)
            assert {r["report_no"] for r in (*first.rows, *second.rows)} == {"SMS-SR-2026-0001", "SMS-SR-2026-0002"}
            assert registers.facet_counts(connection, registers.ArchiveFilter())["device"][0]["n"] == 2
            assert registers.volumes(connection)[0]["items"] == 2
            found = registers.draw(connection, draw)
            assert found is not None
            assert found["repeats"] is True
            span = kpi.Span("2026-07", "2026-07", "Asia/Shanghai")
            figures = {f.key: (f.successes, f.n) for f in kpi.reports_figures(kpi.due_reports(connection, span, engine.clock.now()))}
            assert figures["timeliness"] == (2, 2)
            assert figures["right_first_time"] == (1, 2)
            assert kpi.callback_figures(connection, span)[1] == 4.0
