"""The content of a printed report, as plain texts and tables: from the process variables, the figures, and who reviewed when.

One content for PDF and .docx; neither layout computes anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from processes.service_report import texts
from processes.service_report.performers import Completion
from processes.service_report.texts import number

Content: TypeAlias = dict[str, Any]
_DECISIONS = {"pass": "通过", "return": "退回", "approve": "同意"}
_QUALITIES = {"timely": "及时", "clear": "清晰", "reliable": "可靠", "concise": "简洁"}


def build(values: Mapping[str, Any], figures: Mapping[str, Any], done: Sequence[Completion], archive: Mapping[str, Any]) -> Content:
    """`archive` brings `code`, `retention`, `zone`, `class`, `project`, `synthetic` of the archive item."""
    zone = ZoneInfo(archive["zone"])
    return {
        "title": str(values["title"]),
        "report_no": values["report_no"],
        "class_title": texts.CLASSES.get(str(values["report_class"]), ""),
        "period_text": values["period_text"],
        "prepared_by": str(values.get("prepared_by", "")),
        "synthetic": bool(archive["synthetic"]),
        "archive_line": f"档号 {archive['code']} · 保管期限 {texts.RETENTIONS.get(archive['retention'], archive['retention'])}",
        "cover": _cover(values, archive),
        "rating": texts.RATINGS.get(str(values.get("overall_rating", "")), ""),
        "summary": _text(values, "summary"),
        "attainment_text": _attainment(figures),
        "sla_rows": [_sla_row(r) for r in values.get("sla_results") or []],
        "analysis": _text(values, "analysis_text"),
        "workload": {name: _groups(rows, texts.PROCESSES if name == "process" else {}) for name, rows in figures["workload"].items()},
        "availability": _availability(figures["availability"]),
        "trend_text": _trend(figures["trends"][0]),
        "outlook": [_outlook(o) for o in figures["outlook"]],
        "components": [_component(c) for c in figures["components"][:10]],
        "breaches": _table(values, "breach_notes", ("subject", "cause", "action", "owner", "due")),
        "completeness": _completeness(values),
        "concerns": _table(values, "customer_concerns", ("concern", "answer", "section")),
        "plan": {
            "workload": [[r[0], f"{r[1]} 小时" if r[1] else ""] for r in _table(values, "plan_workload", ("item", "hours"))],
            "changes": _table(values, "plan_changes", ("change", "on", "risk")),
            "events": _table(values, "plan_events", ("on", "event")),
        },
        "suggestions": _text(values, "suggestions"),
        "algorithm_notes": _text(values, "algorithm_notes"),
        "reviews": _reviews(done, zone),
        "sources": _table(values, "data_sources", ("name", "window", "rows", "sha256")),
        "snapshot_sha256": values["snapshot_sha256"],
        "figures_sha256": values["figures_sha256"],
    }


def _text(values: Mapping[str, Any], name: str) -> str:
    return str(values.get(name) or "")


def _table(values: Mapping[str, Any], name: str, columns: Sequence[str]) -> list[list[str]]:
    rows = values.get(name)
    return [["" if row.get(c) is None else str(row.get(c)) for c in columns] for row in rows] if isinstance(rows, list) else []


def _cover(values: Mapping[str, Any], archive: Mapping[str, Any]) -> list[list[str]]:
    audience = [f"{a.get('party', '')} {a.get('name') or ''}".strip() for a in values.get("audience") or []]
    return [
        ["报告编号", str(values["report_no"])],
        ["档号", archive["code"]],
        ["客户", str(values["customer_name"])],
        ["项目", archive["project"]],
        ["合同", str(values.get("contract_no", ""))],
        ["SLA 版本", str(values.get("sla_version", ""))],
        ["报告期", str(values["period_text"])],
        ["有效期至", _text(values, "valid_until")],
        ["编写人", str(values.get("prepared_by", ""))],
        ["接收方", texts.joined(audience)],
        [
            "报告类型",
            texts.joined([{"reactive": "反应性", "proactive": "前置性", "forward": "预先计划"}.get(t, t) for t in values.get("types") or []]),
        ],
        ["支持的决策", _text(values, "decision_supported")],
    ]


def _attainment(figures: Mapping[str, Any]) -> str:
    found = figures["sla_attainment"]
    share = number(found["value"], "%") if found["measurable"] else texts.NO_DATA
    return (
        f"可计量的指标 {found['measurable']} 项，达成 {found['attained']} 项（{share}）；无法计量 {len(found['unmeasured'])} 项，原因列于“实际”栏。"
    )


def _sla_row(r: Mapping[str, Any]) -> list[str]:
    return [str(r[c]) for c in ("name", "target_text", "actual_text", "n_text", "interval_text", "prev_text", "result_text")]


def _groups(rows: Sequence[Mapping[str, Any]], titles: Mapping[str, str]) -> list[list[str]]:
    names = {"*": "其他", "-": "未填", **titles}
    out = []
    for r in rows:
        before = "—" if r["prev_opened"] is None else str(r["prev_opened"])
        out.append([names.get(r["key"], r["key"]), str(r["opened"]), str(r["closed"]), str(r["backlog"]), before])
    return out


def _availability(found: Mapping[str, Any]) -> list[list[str]]:
    return [
        ["约定时间（不含约定维护）", f"{found['agreed_min']:,} 分钟"],
        ["约定的维护", f"{found['maintenance_min']:,} 分钟"],
        ["非计划中断", texts.NO_DATA if found["downtime_min"] is None else f"{found['downtime_min']:,} 分钟"],
        ["可用性", number(found["availability_pct"], "%", 3)],
        ["故障次数", texts.NO_DATA if found["failures"] is None else str(found["failures"])],
        ["MTBF", number(found["mtbf_h"], "小时")],
        ["MTRS", f"{number(found['mtrs_h'], '小时')}" + (f"（n = {found['restored']}）" if found["restored"] else "")],
    ]


def _trend(trend: Mapping[str, Any]) -> str:
    verdict = texts.VERDICTS[trend["verdict"]]
    if trend["slope"] is None:
        return f"每周受理量：{len(trend['points'])} 个数据点，{verdict}（至少 8 点），不作趋势判断。"
    return f"每周受理量（{trend['window'][0]} 至 {trend['window'][1]}）：斜率 {trend['slope']:+.2f} 件/周，p = {trend['p_value']:.3f}，{verdict}。"


def _outlook(o: Mapping[str, Any]) -> list[str]:
    chance = f"{100 * o['breach_probability']:.1f}"
    return [o["name"], str(o["expected"]), str(o["allowed"]), number(o["usual_pct"]), chance, "预警" if o["warn"] else "正常"]


def _component(c: Mapping[str, Any]) -> list[str]:
    numbers = (c["failures"], c["prev_failures"], c["downtime_min"], number(c["share_pct"]), number(c["cum_pct"]))
    return [c["ci"], *map(str, numbers), "是" if c["unreliable"] else "否"]


def _completeness(values: Mapping[str, Any]) -> list[list[str]]:
    names = {"time": "时间", "event": "事件", "quantity": "数量", "people": "相关人员", "environment": "环境", "summary": "总结"}
    given = values.get("completeness") or {}
    return [[title, str(given.get(key) or "")] for key, title in names.items()]


def _reviews(done: Sequence[Completion], zone: ZoneInfo) -> list[list[str]]:
    """Every completed step of review, approval and delivery, in order, with its round."""
    titles = {**texts.SOURCES, "write": "编写提交", "deliver": "交付签收", "confirm_archive": "归档确认"}
    rows, round_ = [], 0
    for each in done:
        if each.element not in titles:
            continue
        round_ += each.element == "write"
        who = f"{each.actor}（代 {each.on_behalf_of}）" if each.on_behalf_of else each.actor
        rows.append([str(round_), titles[each.element], who, _local(each.at, zone), *_verdict(each)])
    return rows


def _verdict(each: Completion) -> list[str]:
    values = each.values
    prefix = {"review_rd": "rd", "review_eng": "eng", "quality_check": "quality", "approve": "approval", "approve_special": "special"}.get(
        each.element
    )
    if each.element == "deliver":
        return ["签收", f"{values.get('recipient', '')} {values.get('received_on', '')}".strip()]
    if prefix is None:
        return ["提交" if each.element == "write" else "确认", ""]
    marks = [f"{title} {values[f'{prefix}_{key}']}" for key, title in _QUALITIES.items() if f"{prefix}_{key}" in values]
    reasons = [str(values[name]) for suffix in ("reason", "remarks", "comment", "special_reason") if values.get(name := f"{prefix}_{suffix}")]
    return [_DECISIONS.get(str(values.get(f"{prefix}_decision")), ""), "；".join([*([" ".join(marks)] if marks else []), *reasons])]


def _local(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
