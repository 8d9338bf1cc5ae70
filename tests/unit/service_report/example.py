"""A report's inputs for tests of rendering: three months of made-up tickets and filled forms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from processes.service_report.metrics import compute
from processes.service_report.performers import Completion
from processes.service_report.texts import analysis_text, period_text, result_row

AT = datetime(2026, 7, 6, 2, 0, tzinfo=UTC)


def snapshot() -> dict[str, Any]:
    """120 tickets in 13 weeks, by arithmetic rather than chance."""
    tickets = []
    for i in range(120):
        opened = datetime(2026, 4, 1, 1, tzinfo=UTC) + timedelta(hours=18 * i, minutes=7 * i % 60)
        tickets.append(
            {
                "number": f"T{i:04d}", "process": ("incident", "incident", "request", "change")[i % 4], "title": "", "priority": f"P{1 + i % 4}",
                "category": ("视频监控", "网络", "存储", "电源")[i * i % 4 if i % 3 else 2], "location": f"机房 {i % 3 + 1}", "ci": f"摄像头-{i % 7}", "close_code": "ok",
                "opened_at": opened.isoformat(), "responded_at": (opened + timedelta(minutes=5 + i % 40)).isoformat(),
                "resolved_at": (opened + timedelta(minutes=60 + 13 * (i % 30))).isoformat() if i % 17 else None, "closed_at": None, "pauses": [],
                "downtime_min": 30 if i % 12 == 0 else 0, "made_sla": None, "reopen_count": int(i % 25 == 0), "synthetic": True,
            }
        )  # fmt: skip
    return {
        "schema": 1,
        "project": {"id": "DEMO", "name": "演示项目", "customer": "C1", "contract_no": "HT-2026-001"},
        "period": {"start": "2026-06-01", "end": "2026-06-30", "time_zone": "Asia/Shanghai"},
        "window": {"from": "2026-04-01T00:00:00.000000Z", "to": "2026-06-30T16:00:00.000000Z"},
        "sla": {
            "version": "V1",
            "times": [{"priority": f"P{p}", "response_min": 30, "resolution_min": 240, "clock": "calendar"} for p in (1, 2, 3, 4)],
            "targets": [
                {"metric_id": "on_time_response", "name": "响应及时率", "unit": "%", "comparator": ">=", "target": 95},
                {"metric_id": "on_time_resolution", "name": "解决及时率", "unit": "%", "comparator": ">=", "target": 95},
                {"metric_id": "availability", "name": "可用性", "unit": "%", "comparator": ">=", "target": 99.5},
                {"metric_id": "csat", "name": "客户满意度", "unit": "%", "comparator": ">=", "target": 90},
            ],
        },
        "calendar": {"opens": "09:00", "closes": "18:00", "days_off": [], "estimated": False},
        "maintenance": [],
        "sources": [],
        "tickets": tickets,
    }


def figures() -> dict[str, Any]:
    """Of that snapshot."""
    return compute(snapshot())


def variables() -> dict[str, Any]:
    """As the process holds them when the report is archived."""
    found = figures()
    return {
        "title": "视频监控平台 2026 年 6 月运维报告", "report_no": "SMS-SR-2026-0001", "report_class": "periodic", "period_text": period_text("2026-06-01", "2026-06-30"),
        "prepared_by": "pm", "customer_name": "某市政务服务中心", "contract_no": "HT-2026-001", "sla_version": "V1", "valid_until": "2026-09-30",
        "audience": [{"party": "政务服务中心信息科", "name": "李工"}], "types": ["reactive", "proactive", "forward"], "decision_supported": "是否更换老化的存储",
        "overall_rating": "amber", "summary": "本期运行总体平稳，解决及时率未达目标，原因是备件到货延迟。", "analysis_text": analysis_text(found),
        "sla_results": [result_row(r) for r in found["sla_results"]],
        "breach_notes": [{"subject": "解决及时率", "cause": "备件到货延迟", "action": "常备两套硬盘", "owner": "王工", "due": "2026-07-31"}],
        "completeness": {"time": "6 月全月", "event": "40 件", "quantity": "见第 3 节", "people": "驻点 2 人", "environment": "机房 1 至 3", "summary": "平稳"},
        "customer_concerns": [{"concern": "夜间掉线多不多？", "answer": "3 次，均在 30 分钟内恢复", "section": "5"}],
        "plan_workload": [{"item": "季度巡检", "hours": 16}], "plan_changes": [], "plan_events": [{"on": "2026-07-15", "event": "高温用电高峰"}],
        "suggestions": "更换三台录像机的硬盘。", "algorithm_notes": "及时率 = 按时完成的工单 ÷ 可计量的工单。", "data_sources": [],
        "snapshot_sha256": "ab" * 32, "figures_sha256": "cd" * 32,
    }  # fmt: skip


def completions() -> list[Completion]:
    """Two rounds: returned once by the R&D centre."""
    at = datetime(2026, 7, 2, 3, tzinfo=UTC)
    ratings = {f"rd_{q}": 4 for q in ("timely", "clear", "reliable", "concise")}
    steps: list[tuple[str, str, dict[str, Any]]] = [
        ("write", "pm", {}),
        ("quality_check", "qa", {"quality_decision": "pass"}),
        ("review_rd", "rd", {**ratings, "rd_decision": "return", "rd_reason": "趋势一节没有说明原因"}),
        ("review_eng", "eng", {"eng_decision": "pass"}),
        ("write", "pm", {}),
        ("quality_check", "qa", {"quality_decision": "pass"}),
        ("review_rd", "rd", {**ratings, "rd_decision": "pass"}),
        ("review_eng", "eng", {"eng_decision": "pass"}),
        ("approve", "mgr1", {"approval_decision": "approve"}),
        ("deliver", "pm", {"recipient": "李工", "received_on": "2026-07-05"}),
    ]
    return [Completion(e, who, None, at + timedelta(hours=5 * i), v, i + 1) for i, (e, who, v) in enumerate(steps)]


ARCHIVE = {"code": "SMS-YW-2026-D10-YWFW-0001", "retention": "D10", "zone": "Asia/Shanghai", "project": "演示项目", "synthetic": True}
