"""Registering a project: from an empty installation to a report about it; what is refused comes back with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from engine.errors import NotAllowed
from engine.model.actors import Actor
from engine.plugins.loading import Catalogue
from engine.testing import EmbeddedEngine
from processes.service_report import tables
from processes.service_report.pack import pack
from tests.support.service_report_bench import complete, open_elements, rows, walk

PROJECT: dict[str, Any] = {
    "customer_id": "C-1", "customer_name": "某市图书馆", "customer_attribute": "culture", "contact": "馆长", "phone": "1",
    "project_id": "P-A", "project_name": "图书馆网络维护", "contract_no": "HT-7", "starts_on": "2026-01-01", "ends_on": "2026-12-31",
    "frequency": "monthly", "project_owner": "pm", "onsite_engineers": ["onsite1"], "devices": ["host"], "businesses": ["network"],
    "new_codes": [{"dimension": "customer", "code": "culture", "title": "文化"}], "sla_version": "V1.0",
    "sla_times": [{"priority": "P1", "response_min": 15, "resolution_min": 240, "clock": "calendar"}],
    "sla_targets": [{"metric_id": "on_time_response", "target": 95}],
}  # fmt: skip


@pytest.fixture
def engine() -> Iterator[EmbeddedEngine]:
    with EmbeddedEngine(packs=Catalogue((pack,)), start=datetime(2026, 7, 2, 2, tzinfo=UTC)) as made:
        made.app.install_packs()
        yield made


def _register(engine: EmbeddedEngine, **over: Any) -> str:
    instance = engine.start("service_report_project")
    complete(engine, instance, "fill_project", "pm", {**PROJECT, **over})
    complete(engine, instance, "check_project", "qa", {"project_decision": "pass"})
    return instance


def test_a_registered_project_can_be_reported_on(engine: EmbeddedEngine) -> None:
    assert engine.instance(_register(engine)).state == "completed"
    report = walk(engine)
    assert report.variables()["metrics"][0]["target_text"] == "≥ 95 %"
    assert ("culture", True) in {(f["code"], f["applies"]) for f in report.variables()["facets"]}
    report.go("archived")
    assert len(rows(engine, tables.archive_item)) == 1


def test_registering_again_changes_the_project_and_leaves_the_sla_alone(engine: EmbeddedEngine) -> None:
    _register(engine)
    assert engine.instance(_register(engine, project_name="新名称")).state == "completed"
    assert [p["name"] for p in rows(engine, tables.project)] == ["新名称"]
    assert len(rows(engine, tables.sla_target)) == 1


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"devices": ["toaster"]}, "没有编码 toaster"),
        ({"ends_on": "2025-01-01"}, "结束日期早于开始日期"),
        ({"sla_targets": [{"metric_id": "csat", "target": 90}, {"metric_id": "csat", "target": 95}]}, "出现了两次"),
        ({"sla_targets": [{"metric_id": "on_time_response", "target": 99}]}, "V1.0 已有不同的内容"),
    ],
)
def test_what_is_refused_comes_back_and_writes_nothing(engine: EmbeddedEngine, over: dict[str, Any], words: str) -> None:
    _register(engine)
    before = rows(engine, tables.project), rows(engine, tables.sla_target)
    instance = _register(engine, **over, project_name="另一个")
    assert open_elements(engine, instance) == ["fill_project"]
    assert words in str(engine.variables(instance)["setup_problem"])
    assert (rows(engine, tables.project), rows(engine, tables.sla_target)) == before


def test_who_filled_it_in_does_not_check_it(engine: EmbeddedEngine) -> None:
    instance = engine.start("service_report_project")
    both = Actor("pm", "pm", frozenset({"project_manager", "quality_admin"}), frozenset({"staff"}))
    complete(engine, instance, "fill_project", both, PROJECT)
    with pytest.raises(NotAllowed):
        complete(engine, instance, "check_project", both, {"project_decision": "pass"})
    complete(engine, instance, "check_project", "qa", {"project_decision": "return", "project_remarks": "合同号有误"})
    assert open_elements(engine, instance) == ["fill_project"]
