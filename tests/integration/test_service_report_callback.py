"""P5 on the real engine: commitment, population, draw, calls, replacements; an auditor repeats the draw without the pack's code."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert

from engine.model.actors import Actor
from engine.testing import EmbeddedEngine
from processes.service_report import tables
from processes.service_report.demo_walk import actor
from tests.support.service_report_bench import complete, open_elements, pack_engine, put_project, rows

NONCE = "曲水流觞-2026-07-02"
COMMITMENT = hashlib.sha256(NONCE.encode()).hexdigest()
ARCHIVED = datetime(2026, 7, 1, 3, tzinfo=UTC)


@pytest.fixture
def engine() -> Iterator[EmbeddedEngine]:
    """Seven archived reports: five of the government's customer, two of the school; one more was archived before the period."""
    with pack_engine() as engine:
        with engine.app.store.begin(write=True) as connection:
            connection.execute(insert(tables.volume).values(id="V", title="卷", year=2026, quarter=3, report_class="periodic", opened_at=ARCHIVED))
            for i in range(8):
                key = "B" if i in (5, 6) else "A"
                if i in (1, 2, 3, 4, 6):
                    put_project(connection, f"P-{key}{i}", f"C-{key}{i}", "government" if key == "A" else "education")
                _archived(connection, i, key, f"{key}{i}" if i in (1, 2, 3, 4, 6) else key)
        yield engine


def _archived(connection: Any, i: int, key: str, owner: str) -> None:
    number = f"SMS-SR-2026-{i:04d}"
    at = ARCHIVED if i < 7 else datetime(2026, 6, 29, tzinfo=UTC)
    row = {"report_no": number, "instance_id": f"x{i}", "report_class": "periodic", "title": f"报告 {i}", "project_id": f"P-{owner}"}
    row |= {"customer_id": f"C-{owner}", "period_start": "2026-06-01", "period_end": "2026-06-30", "frequency": "monthly", "due_at": at}
    connection.execute(insert(tables.report).values(**row, registered_at=at, status="archived", prepared_by="pm", archived_at=at))
    item = {"archive_code": f"AC-{i}", "report_no": number, "volume_id": "V", "item_no": i, "retention": "D10", "archived_at": at}
    connection.execute(insert(tables.archive_item).values(**item, archived_by="desk", manifest_sha256=f"{i:064d}", checks={}))


def _to_calls(engine: EmbeddedEngine) -> str:
    instance = engine.start("service_report_callback", {"period_start": "2026-07-01", "period_end": "2026-09-30", "immediate": True})
    complete(engine, instance, "commit", "qa", {"commitment": COMMITMENT})
    complete(engine, instance, "reveal", "qa", {"nonce": NONCE})
    return instance


def _call(engine: EmbeddedEngine, task_id: str, person: str = "desk", **values: Any) -> None:
    attempts = values.pop("attempts", [{"on": "2026-07-02", "at": "10:30", "result": "reached"}])
    engine.complete(task_id, {"attempts": attempts, **values}, actor(person))


REACHED = {"reached": True, "contact_name": "李科长", "received_report": True, "score": 5, "complaint": False}
NO_ANSWER = [{"on": day, "at": "10:30", "result": "no_answer"} for day in ("2026-07-02", "2026-07-03", "2026-07-06")]


def test_the_draw_can_be_repeated_from_what_is_published(engine: EmbeddedEngine) -> None:
    instance = _to_calls(engine)
    [row] = rows(engine, tables.draw)
    numbers = sorted(p["report_no"] for p in row["population"])
    assert numbers == [f"SMS-SR-2026-{i:04d}" for i in range(7)]
    seed = hashlib.sha256(f"{row['population_sha256']}|{NONCE}|2026-07-01/2026-09-30".encode()).hexdigest()
    assert row["seed"] == seed
    strata: dict[str, list[str]] = {}
    for each in row["population"]:
        strata.setdefault(each["stratum"], []).append(each["report_no"])
    lowest = {name: min(of, key=lambda no: hashlib.sha256(f"{seed}|{no}".encode()).hexdigest()) for name, of in strata.items()}
    assert row["sample_size"] == 2  # seven reports: code letter A
    assert sorted(i["report_no"] for i in engine.variables(instance)["drawn"]) == sorted(lowest.values())
    assert open_elements(engine, instance) == ["call", "call"]


def test_another_nonce_than_the_committed_one_is_refused(engine: EmbeddedEngine) -> None:
    instance = engine.start("service_report_callback", {"period_start": "2026-07-01", "period_end": "2026-09-30", "immediate": True})
    complete(engine, instance, "commit", "qa", {"commitment": COMMITMENT})
    complete(engine, instance, "reveal", "qa", {"nonce": "another one"})
    assert open_elements(engine, instance) == ["reveal"]
    assert "不符" in str(engine.variables(instance)["draw_problem"])
    assert rows(engine, tables.draw_item) == []
    complete(engine, instance, "reveal", "qa", {"nonce": NONCE})
    assert open_elements(engine, instance) == ["call", "call"]


def test_calls_are_recorded_each_with_its_own_answers(engine: EmbeddedEngine) -> None:
    instance = _to_calls(engine)
    first, second = engine.user_tasks(instance)
    _call(engine, first.id, **REACHED)
    _call(engine, second.id, "qa", **{**REACHED, "score": 2, "comment": "响应慢", "capa_owner": "eng", "capa_due": "2026-07-31"})
    assert engine.instance(instance).state == "completed"
    calls = rows(engine, tables.callback)
    assert [(c["caller"], c["score"], c["capa_owner"]) for c in calls] == [("desk", 5, ""), ("qa", 2, "eng")]
    assert {c["report_no"] for c in calls} == {i["report_no"] for i in engine.variables(instance)["drawn"]}
    summary = rows(engine, tables.draw)[0]["summary"]
    assert (summary["sampled"], summary["reached"], summary["satisfied"], summary["csat_pct"], summary["mean"]) == (2, 2, 1, None, 3.5)


def test_who_cannot_be_reached_is_replaced_from_the_same_stratum(engine: EmbeddedEngine) -> None:
    instance = _to_calls(engine)
    drawn: Any = engine.variables(instance)["drawn"]
    place = next(i for i, item in enumerate(drawn) if item["stratum"] == "education")
    task = engine.user_tasks(instance)[place]
    _call(engine, task.id, attempts=NO_ANSWER[:2], reached=False)
    assert rows(engine, tables.callback) == []  # two attempts are too few: call again
    again = engine.user_tasks(instance)[-1]
    _call(engine, again.id, attempts=NO_ANSWER, reached=False)
    items = {r["report_no"]: r for r in rows(engine, tables.draw_item)}
    lost = drawn[place]["report_no"]
    fresh = next(r for r in items.values() if r["replaces"] == lost)
    assert items[lost]["status"] == "unreachable"
    assert (fresh["stratum"], fresh["reason"], fresh["status"]) == ("education", "replacement", "drawn")
    _call(engine, engine.user_tasks(instance)[-1].id, attempts=NO_ANSWER, reached=False)
    assert len(engine.user_tasks(instance)) == 1  # the stratum is exhausted, the other call is still open
    _call(engine, engine.user_tasks(instance)[0].id, **REACHED)
    summary = rows(engine, tables.draw)[0]["summary"]
    assert (summary["sampled"], summary["reached"], summary["unreached"]) == (3, 1, sorted([lost, fresh["report_no"]]))


def test_author_and_on_site_engineer_may_not_call(engine: EmbeddedEngine) -> None:
    instance = _to_calls(engine)
    author = Actor("pm", "pm", frozenset({"service_desk"}), frozenset({"staff"}))
    values = {"attempts": [{"on": "2026-07-02", "at": "10:30", "result": "reached"}], **REACHED}
    engine.complete(engine.user_tasks(instance)[0].id, values, author)
    assert rows(engine, tables.callback) == []
    assert open_elements(engine, instance) == ["call", "call"]


def test_a_contact_called_lately_rests(engine: EmbeddedEngine) -> None:
    first = _to_calls(engine)
    for task in engine.user_tasks(first):
        _call(engine, task.id, **REACHED)
    called = {c["report_no"] for c in rows(engine, tables.callback)}
    second = _to_calls(engine)
    assert called.isdisjoint(i["report_no"] for i in engine.variables(second)["drawn"])  # type: ignore[union-attr]


def test_the_timer_opens_the_check_before_the_quarter_ends_and_waits_for_its_end() -> None:
    with pack_engine(datetime(2026, 12, 20, tzinfo=UTC)) as engine:
        engine.advance(seconds=2 * 86400)
        [instance] = [i for i in engine.instances() if i.process_id == "service_report_callback"]
        assert engine.variables(instance.id)["callback_period"] == "2026-Q4"
        complete(engine, instance.id, "commit", "qa", {"commitment": COMMITMENT})
        assert rows(engine, tables.draw) == []
        engine.advance(seconds=10 * 86400)
        assert rows(engine, tables.draw)[0]["frozen_at"] == datetime(2026, 12, 31, 16, tzinfo=UTC)
        complete(engine, instance.id, "reveal", "qa", {"nonce": NONCE})
        assert engine.instance(instance.id).state == "completed"
        assert "nothing_drawn" in engine.trace(instance.id)


def test_an_impossible_period_opens_nothing(engine: EmbeddedEngine) -> None:
    instance = engine.start("service_report_callback", {"period_start": "2026-09-30", "period_end": "2026-07-01", "immediate": False})
    assert engine.instance(instance).state == "completed"
    assert "not_opened" in engine.trace(instance)
