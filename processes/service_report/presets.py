"""Column mappings for exports of known ticket systems. A mapping is data: users save their own beside these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FIELDS = (
    "number", "process", "title", "priority", "category", "location", "ci", "close_code", "opened_at", "responded_at", "resolved_at",
    "closed_at", "downtime_min", "made_sla", "reopen_count",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Which column holds which field.

    `columns`: field to heading. `dates`: strptime formats, tried in order, empty for ISO 8601. `unknown`: cell texts that mean nothing is known.
    `values`: per field, cell text to value; a text that is not named stays as it is. `defaults`: values of fields without a column.
    `fold`: rows of one number are updates of one ticket, the last by `order_by` (then by line) wins. `state` and `paused` name the column
    and its values in which the clock stands still, from that row's `changed_at` to the next row's.
    """

    name: str
    title: Mapping[str, str]
    columns: Mapping[str, str]
    dates: tuple[str, ...] = ()
    unknown: frozenset[str] = frozenset({""})
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    fold: bool = False
    order_by: str = ""
    state: str = ""
    paused: frozenset[str] = frozenset()
    changed_at: str = ""

    def as_json(self) -> dict[str, Any]:
        """For the record of an import."""
        return {
            "name": self.name,
            "columns": dict(self.columns),
            "dates": list(self.dates),
            "unknown": sorted(self.unknown),
            "values": {k: dict(v) for k, v in self.values.items()},
            "defaults": dict(self.defaults),
            "fold": self.fold,
            "order_by": self.order_by,
            "state": self.state,
            "paused": sorted(self.paused),
            "changed_at": self.changed_at,
        }


PRIORITIES = {"1 - Critical": "P1", "2 - High": "P2", "3 - Moderate": "P3", "4 - Low": "P4"}

SERVICENOW_LOG = ColumnMapping(
    name="servicenow_log",
    title={"zh": "ServiceNow 事件更新日志", "en": "ServiceNow log of incident updates"},
    columns={
        "number": "number",
        "priority": "priority",
        "category": "category",
        "location": "location",
        "ci": "cmdb_ci",
        "close_code": "closed_code",
        "opened_at": "opened_at",
        "resolved_at": "resolved_at",
        "closed_at": "closed_at",
        "made_sla": "made_sla",
        "reopen_count": "reopen_count",
        "title": "u_symptom",
    },
    dates=("%d-%m-%Y %H:%M", "%d/%m/%Y %H:%M"),
    unknown=frozenset({"", "?"}),
    values={"priority": PRIORITIES},
    defaults={"process": "incident"},
    fold=True,
    order_by="sys_mod_count",
    state="incident_state",
    paused=frozenset({"Awaiting User Info", "Awaiting Problem", "Awaiting Vendor", "Awaiting Evidence"}),
    changed_at="sys_updated_at",
)

PLAIN = ColumnMapping(
    name="plain",
    title={"zh": "本系统模板（一行一张工单）", "en": "Our own template (one row a ticket)"},
    columns={name: name for name in FIELDS},
    dates=("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M"),
)

CHINESE = ColumnMapping(
    name="chinese",
    title={"zh": "中文表头（一行一张工单）", "en": "Chinese headings (one row a ticket)"},
    columns={
        "number": "工单编号",
        "process": "流程",
        "title": "标题",
        "priority": "优先级",
        "category": "分类",
        "location": "地点",
        "ci": "配置项",
        "close_code": "关闭代码",
        "opened_at": "创建时间",
        "responded_at": "响应时间",
        "resolved_at": "解决时间",
        "closed_at": "关闭时间",
        "downtime_min": "中断分钟",
        "reopen_count": "重开次数",
    },
    dates=("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M"),
    values={
        "process": {
            "事件": "incident",
            "问题": "problem",
            "变更": "change",
            "发布": "release",
            "配置": "config",
            "服务请求": "request",
            "任务": "task",
        },
        "priority": {"紧急": "P1", "高": "P2", "中": "P3", "低": "P4"},
    },
)

PRESETS: Mapping[str, ColumnMapping] = {each.name: each for each in (SERVICENOW_LOG, PLAIN, CHINESE)}
