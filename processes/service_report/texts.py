"""Texts that the pack writes into reports and forms: Chinese, the language of the procedure. Pages translate by gettext instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

CLASSES = {"periodic": "定期运维报告", "inspection": "巡检报告", "major_event": "重大事件保障", "final_summary": "运维到期总结报告"}
PROCESSES = {
    "incident": "事件", "problem": "问题", "change": "变更", "release": "发布", "config": "配置", "request": "服务请求", "task": "任务",
}  # fmt: skip
DIMENSIONS = {"device": "设备类型", "customer": "客户属性", "business": "业务分类"}
RETENTIONS = {"D10": "10 年", "D30": "30 年", "Y": "永久"}
VERDICTS = {"rising": "上升", "falling": "下降", "none": "无显著趋势", "too_few": "数据点不足"}
REASONS = {"no_data": "无数据", "too_few": "样本不足 5，仅列计数", "not_measured": "未计量", "": ""}
RATINGS = {"green": "绿（全部达成）", "amber": "黄（有偏差）", "red": "红（重大偏差）"}
SOURCES = {
    "quality_check": "质量检查", "review_rd": "研发中心评审", "review_eng": "工程部评审", "approve": "经理审批", "approve_special": "经理亲自审批",
    "route_review": "评审去向判定",
}  # fmt: skip
NO_DATA = "无数据"


def number(value: float | None, unit: str = "", digits: int = 2) -> str:
    """A number with its unit; None is "无数据"."""
    if value is None:
        return NO_DATA
    text = f"{value:,.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{text} {unit}".strip()


def result_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """One SLA result as a form and a report show it."""
    unit, interval = row["unit"], row.get("interval")
    counted = f"{row['successes']}/{row['n']}" if row.get("successes") is not None else ""
    actual = number(row["actual"], unit) if row["actual"] is not None else (REASONS.get(row["reason"], "") or NO_DATA)
    if row["actual"] is None and row["n"] and counted:
        actual = f"{counted}（{REASONS['too_few']}）"
    return {
        "metric_id": row["metric_id"],
        "name": row["name"],
        "target_text": target_text(row),
        "actual_text": actual,
        "n_text": f"{row['n']:,} 分" if row["successes"] is None and row["n"] else str(row["n"]),
        "interval_text": f"{number(interval[0])}–{number(interval[1])} {unit}" if interval else "—",
        "prev_text": number(row["prev"], unit) if row.get("prev") is not None else "—",
        "result_text": {True: "达成", False: "未达成", None: "无法判定"}[row["attained"]],
    }


def target_text(row: Mapping[str, Any]) -> str:
    """`≥ 95 %`."""
    return f"{'≥' if row['comparator'] == '>=' else '≤'} {number(row['target'], row['unit'])}"


def period_text(first: str, last: str) -> str:
    """`2026-06-01 至 2026-06-30`."""
    return f"{first} 至 {last}"


def analysis_text(figures: Mapping[str, Any]) -> str:
    """The figures in a few sentences: what the author starts from."""
    counts, attainment, up = figures["counts"], figures["sla_attainment"], figures["availability"]
    before = figures["previous_counts"]
    change = f"（上一期 {before['opened']} 件）" if before else "（无上一期对照）"
    lines = [
        f"本期受理工单 {counts['opened']} 件{change}，解决 {counts['resolved']} 件，关闭 {counts['closed']} 件，期末未完成 {counts['backlog']} 件。",
        f"服务级别：可计量的 {attainment['measurable']} 项中达成 {attainment['attained']} 项；无法计量 {len(attainment['unmeasured'])} 项。",
    ]
    if up["availability_pct"] is None:
        lines.append("可用性：无数据。")
    else:
        spans = f"MTBF {number(up['mtbf_h'], '小时')}，MTRS {number(up['mtrs_h'], '小时')}"
        lines.append(f"可用性 {number(up['availability_pct'], '%', 3)}，中断 {up['downtime_min']} 分钟，{spans}。")
    for trend in figures["trends"]:
        detail = "" if trend["slope"] is None else f"（每周 {trend['slope']:+.2f} 件，p = {trend['p_value']:.3f}，{len(trend['points'])} 周）"
        lines.append(f"受理量趋势：{VERDICTS[trend['verdict']]}{detail}。")
    warned = [f"{o['name']}（{100 * o['breach_probability']:.0f}%）" for o in figures["outlook"] if o["warn"]]
    if warned:
        lines.append(f"预警：按本期比率推算，下期可能不达标的有 {joined(warned)}。")
    unreliable = [c["ci"] for c in figures["components"] if c["unreliable"]]
    if unreliable:
        lines.append(f"故障集中的组件：{'、'.join(unreliable[:5])}。")
    return "\n".join(lines)


def joined(names: Sequence[str]) -> str:
    """Chinese enumeration."""
    return "、".join(names)
