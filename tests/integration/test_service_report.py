"""P2 on the real engine: from start to archive, with returns, special case, four eyes, refusals."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pytest

from engine.errors import FormInvalid, NotAllowed
from engine.model.actors import Actor
from engine.testing import EmbeddedEngine
from processes.service_report import tables
from processes.service_report.demo_walk import Walk
from processes.service_report.metrics import compute
from tests.support.service_report_bench import REPORT, blob, complete, open_elements, pack_engine, put_project, put_tickets, rows, walk


@pytest.fixture
def engine() -> Iterator[EmbeddedEngine]:
    with pack_engine() as engine:
        with engine.app.store.begin(write=True) as connection:
            put_tickets(connection, "P-A", 40)
        yield engine


def _to_reviews(report: Walk) -> Walk:
    report.identify()
    report.write(special=False)
    report.check("pass")
    return report


def test_a_report_travels_from_start_to_archive(engine: EmbeddedEngine) -> None:
    report = _to_reviews(walk(engine))
    assert open_elements(engine, report.instance) == ["review_eng", "review_rd"]
    report.review("rd", "pass")
    report.review("eng", "pass")
    report.approve("")
    report.deliver()
    report.archive()
    assert engine.instance(report.instance).state == "completed"
    [row] = rows(engine, tables.report)
    assert (row["report_no"], row["status"], row["rounds"], row["prepared_by"]) == ("SMS-SR-2026-0001", "archived", 1, "pm")
    assert (row["first_complete"], row["figures_matched"] == row["figures_checked"] > 20) == (True, True)
    trace = engine.trace(report.instance)
    assert [e for e in trace if e in ("register", "freeze", "analyse", "submit", "route_review", "approve", "archive")] == [
        "register", "freeze", "analyse", "submit", "route_review", "approve", "archive",
    ]  # fmt: skip


def test_the_archive_item_verifies_and_its_figures_recompute(engine: EmbeddedEngine) -> None:
    report = walk(engine)
    report.go("archived")
    [item] = rows(engine, tables.archive_item)
    assert item["archive_code"] == "SMS-YW-2026-D10-YWFW-0001"
    assert item["volume_id"] == "2026-Q3-periodic"
    assert item["archived_by"] == "desk"
    assert all(check["passed"] for check in item["checks"].values()), item["checks"]
    files = {f["name"]: f for f in rows(engine, tables.archive_file)}
    for name, row in files.items():
        data = blob(engine, row["sha256"])
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (row["sha256"], row["size"]), name
    assert files["manifest.json"]["sha256"] == item["manifest_sha256"]
    assert blob(engine, files["report.pdf"]["sha256"]).startswith(b"%PDF-1.7")
    [row] = rows(engine, tables.report)
    assert compute(json.loads(blob(engine, files["snapshot.json"]["sha256"]))) == row["figures"]
    assert row["figures"]["counts"]["opened"] == 40
    [target] = row["figures"]["sla_results"]
    assert (target["successes"], target["n"], target["actual"], target["attained"]) == (36, 40, 90.0, True)
    lines = [json.loads(line) for line in blob(engine, files["record.jsonl"]["sha256"]).splitlines()]
    assert [line["record"]["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert {(f["dimension"], f["code"]) for f in rows(engine, tables.archive_facet)} == {
        ("device", "host"),
        ("customer", "government"),
        ("business", "network"),
    }


def test_each_return_brings_its_reason_and_a_new_round(engine: EmbeddedEngine) -> None:
    report = walk(engine)
    report.identify()
    report.write(special=False)
    report.check("return")
    assert open_elements(engine, report.instance) == ["write"]
    report.write(special=False)
    report.check("pass")
    report.review("rd", "return")
    report.review("eng", "return")
    report.write(special=False)
    report.check("pass")
    report.review("rd", "pass")
    report.review("eng", "pass")
    complete(engine, report.instance, "approve", "mgr2", {"approval_decision": "return", "approval_reason": "请补充费用"})
    shown = engine.variables(report.instance)
    told = [(r["round"], r["source"], r["by"]) for r in shown["return_reasons"]]
    assert told == [(1, "质量检查", "qa"), (2, "研发中心评审", "rd"), (2, "工程部评审", "eng"), (3, "经理审批", "mgr2")]
    assert shown["return_reasons"][-1]["reason"] == "请补充费用"
    report.write(special=False)
    assert engine.variables(report.instance)["round"] == 4
    assert rows(engine, tables.report)[0]["rounds"] == 4


def test_a_low_rating_returns_the_report_although_both_let_it_pass(engine: EmbeddedEngine) -> None:
    report = _to_reviews(walk(engine))
    report.review("rd", "pass")
    values = {f"eng_{q}": 4 for q in ("timely", "clear", "reliable")} | {"eng_concise": 2, "eng_meets_needs": True, "eng_reflects_state": True}
    complete(engine, report.instance, "review_eng", "eng", {**values, "eng_decision": "pass", "eng_special": False})
    shown = engine.variables(report.instance)
    assert shown["routing"]["route"] == "return"
    assert shown["return_reasons"] == [{"round": 1, "source": "评审去向判定", "reason": shown["routing"]["reason"], "by": "review_routing"}]
    assert open_elements(engine, report.instance) == ["write"]


def test_a_special_case_needs_both_managers_in_person(engine: EmbeddedEngine) -> None:
    report = walk(engine)
    report.identify()
    report.write(special=True)
    report.check("pass")
    report.review("rd", "pass")
    report.review("eng", "pass")
    assert sorted((t.element_id, t.assignee) for t in engine.user_tasks(report.instance)) == [
        ("approve_special", "mgr1"),
        ("approve_special", "mgr2"),
    ]
    report.complete("approve_special", "mgr1", {"special_decision": "approve", "special_comment": "同意"})
    report.complete("approve_special", "mgr2", {"special_decision": "return", "special_comment": "措施不够"})
    assert open_elements(engine, report.instance) == ["write"]
    assert engine.variables(report.instance)["return_reasons"][-1]["reason"] == "措施不够"


def test_nobody_reviews_or_approves_a_report_of_his_own(engine: EmbeddedEngine) -> None:
    report = _to_reviews(walk(engine))
    author = Actor("pm", "pm", frozenset({"project_manager", "rd_centre", "dept_manager"}), frozenset({"staff"}))
    review = next(t for t in engine.user_tasks(report.instance) if t.element_id == "review_rd")
    with pytest.raises(NotAllowed):
        engine.complete(review.id, {}, author)


@pytest.mark.parametrize(
    "wrong",
    [{"project_id": "NOBODY"}, {"period_end": "2026-05-01"}, {"project_id": "P-X"}],
)
def test_what_cannot_be_registered_takes_no_number(engine: EmbeddedEngine, wrong: dict[str, str]) -> None:
    with engine.app.store.begin(write=True) as connection:
        put_project(connection, "P-X", "C-X", "government", kind="development")
    refused = engine.start("service_report", {**REPORT, **wrong})
    assert "not_registered" in engine.trace(refused)
    assert engine.variables(refused)["registration_problem"]
    assert rows(engine, tables.report) == []
    assert walk(engine).variables()["report_no"] == "SMS-SR-2026-0001"


def test_numbers_are_gap_free_and_the_business_calendar_gives_the_due_date(engine: EmbeddedEngine) -> None:
    numbers = [walk(engine).variables()["report_no"] for _ in range(3)]
    assert numbers == [f"SMS-SR-2026-000{i}" for i in (1, 2, 3)]
    assert rows(engine, tables.report)[0]["due_at"].isoformat() == "2026-07-07T10:00:00+00:00"


def test_a_missing_dimension_sends_the_report_back_to_the_service_desk(engine: EmbeddedEngine) -> None:
    report = _to_reviews(walk(engine))
    report.review("rd", "pass")
    report.review("eng", "pass")
    report.approve("")
    report.deliver()
    none = [{"applies": False} for _ in report.variables()["facets"]]
    report.complete("confirm_archive", "desk", {"facets": none, "retention": "D10", "archive_confirmed": True})
    assert open_elements(engine, report.instance) == ["confirm_archive"]
    assert "设备类型" in str(report.variables()["archive_problem"])
    assert rows(engine, tables.archive_item) == []
    facets = [{"applies": True} for _ in report.variables()["facets"]]
    report.complete("confirm_archive", "desk", {"facets": facets, "retention": "D30", "archive_confirmed": True})
    assert rows(engine, tables.archive_item)[0]["archive_code"] == "SMS-YW-2026-D30-YWFW-0001"


def test_a_blank_element_blocks_the_submission(engine: EmbeddedEngine) -> None:
    report = walk(engine)
    report.identify()
    with pytest.raises(FormInvalid) as caught:
        complete(engine, report.instance, "write", "pm", {"summary": "本期运行总体平稳，详见后文。", "completeness": {"time": "六月"}})
    assert "/completeness/people" in {e.pointer for e in caught.value.errors}
    assert open_elements(engine, report.instance) == ["write"]
