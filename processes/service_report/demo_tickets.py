"""Labelled synthetic tickets for the demonstration: six months, seeded, with one slow project and one component that keeps failing.

Pure: the same months give the same tickets. Every row carries `synthetic`; titles begin with 演示.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Line:
    """One project's kind of trouble. `per_day`: tickets on a working day; `growth`: share more each month; `late`: share of late ones."""

    project_id: str
    per_day: float
    growth: float
    late: float
    categories: tuple[tuple[str, tuple[str, ...]], ...]
    locations: tuple[str, ...]
    components: tuple[str, ...]


LINES = (
    Line(
        "DEMO-GOV",
        3.2,
        0.0,
        0.03,
        (
            ("视频监控", ("前端摄像头离线", "录像回放缺失", "画面花屏", "云台无法转动")),
            ("存储", ("录像机硬盘告警", "存储空间不足")),
            ("网络", ("接入交换机端口中断", "带宽拥塞")),
            ("电源", ("不间断电源电池老化", "机柜断电")),
        ),
        ("一号机房", "二号机房", "东区路口", "西区路口", "政务大厅"),
        ("录像机-07", "摄像头-113", "摄像头-208", "汇聚交换机-02", "存储阵列-01"),
    ),
    Line(
        "DEMO-EDU",
        2.6,
        0.06,
        0.05,
        (
            ("网络", ("无线接入掉线", "认证失败", "出口链路抖动")),
            ("软件平台", ("教务系统登录缓慢", "选课高峰报错")),
            ("主机", ("虚拟机内存告警", "主机风扇故障")),
        ),
        ("图书馆", "教学楼甲", "宿舍区", "数据中心"),
        ("无线控制器-01", "出口路由器-01", "虚拟化主机-04", "教务数据库"),
    ),
    Line(
        "DEMO-MED",
        2.1,
        0.0,
        0.18,
        (
            ("软件平台", ("挂号接口超时", "影像调阅缓慢", "报表统计有误")),
            ("存储", ("影像存储写入慢", "备份任务失败")),
            ("主机", ("内存错误告警", "主机重启")),
        ),
        ("门诊楼", "住院部", "信息科机房"),
        ("影像存储-02", "挂号接口服务", "核心数据库", "主机-11"),
    ),
    Line(
        "DEMO-CC",
        1.8,
        0.0,
        0.04,
        (
            ("呼叫中心", ("座席软电话掉线", "录音缺失", "排队播报异常")),
            ("网络", ("语音中继中断", "时延过高")),
            ("软件平台", ("工单弹屏失败", "MAS 终端短信延迟")),
        ),
        ("坐席大厅", "中心机房"),
        ("语音网关-01", "MAS 终端-03", "座席服务器-02"),
    ),
)
RESOLUTION = {"P1": 240, "P2": 480, "P3": 1440, "P4": 4320}
RESPONSE = {"P1": 15, "P2": 30, "P3": 60, "P4": 120}


def tickets(line: Line, first: date, now: datetime) -> Iterator[dict[str, Any]]:
    """Rows of the ticket table from the day `first` to the moment `now`."""
    rng = random.Random(f"flowledger demo {line.project_id}")  # noqa: S311 - made-up data, not a secret
    day, months = first, 0
    count = 0
    while datetime.combine(day, time(), ZONE) < now:
        months = (day.year - first.year) * 12 + day.month - first.month
        busy = line.per_day * (1 + line.growth) ** months * (1.0 if day.weekday() < 5 else 0.35)
        for _ in range(_poisson(rng, busy)):
            count += 1
            row = _ticket(rng, line, day, count)
            if row["opened_at"] < now:
                yield _as_of(row, now)
        day += timedelta(days=1)


def _poisson(rng: random.Random, mean: float) -> int:
    count, left = 0, rng.expovariate(1.0)
    while left < mean:
        count += 1
        left += rng.expovariate(1.0)
    return count


def _ticket(rng: random.Random, line: Line, day: date, count: int) -> dict[str, Any]:
    process = rng.choices(("incident", "request", "change", "problem"), (62, 24, 10, 4))[0]
    priority = rng.choices(("P1", "P2", "P3", "P4"), (5, 20, 50, 25))[0]
    category, faults = rng.choice(line.categories)
    location = rng.choice(line.locations)
    opened = (datetime.combine(day, time(), ZONE) + timedelta(minutes=int(rng.triangular(0, 1439, 620)))).astimezone(UTC)
    answered = opened + timedelta(minutes=max(1, int(rng.expovariate(1 / (RESPONSE[priority] * 0.35)))))
    share = rng.uniform(1.05, 1.9) if rng.random() < line.late else rng.betavariate(2, 3)
    resolved = max(answered, opened + timedelta(minutes=int(RESOLUTION[priority] * share)))
    outage = process == "incident" and rng.random() < {"P1": 0.7, "P2": 0.2}.get(priority, 0.02)
    return {
        "project_id": line.project_id,
        "number": f"{line.project_id}-{day:%y%m}-{count:05d}",
        "process": process,
        "title": f"演示：{location}{rng.choice(faults) if process != 'change' else f'{category}配置变更'}",
        "priority": priority,
        "category": category,
        "location": location,
        "ci": rng.choices(line.components, range(2 * len(line.components), 0, -2)[: len(line.components)])[0] if process == "incident" else "",
        "close_code": rng.choices(("ok", "rolled_back"), (97, 3))[0] if process == "change" else rng.choice(("已修复", "已更换", "已指导", "误报")),
        "opened_at": opened,
        "responded_at": answered,
        "resolved_at": resolved,
        "closed_at": resolved + timedelta(hours=rng.randint(2, 40)),
        "pauses": [],
        "downtime_min": int((resolved - opened).total_seconds() / 60 * rng.uniform(0.05, 0.3)) if outage else 0,
        "made_sla": None,
        "reopen_count": int(rng.random() < 0.04),
        "synthetic": True,
    }


def _as_of(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    """What lies in the future has not happened."""
    for name in ("responded_at", "resolved_at", "closed_at"):
        if row[name] is not None and row[name] >= now:
            row[name] = None
    return row
