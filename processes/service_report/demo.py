"""Fills an empty installation with demonstration data: customers, projects, SLA, six months of synthetic tickets, reports on their way.

Everything is labelled 演示. The reports are walked through the real process by commands of the demonstration accounts, so their
history is real history of an invented service. A second run finds its own traces and does nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select

from processes.service_report import tables
from processes.service_report.business_days import after
from processes.service_report.code_lists import install
from processes.service_report.demo_tickets import LINES, RESOLUTION, RESPONSE, ZONE, tickets
from processes.service_report.demo_walk import Walk

Progress = Callable[[str], None]

CUSTOMERS = (
    ("DEMO-C1", "某市政务服务中心（演示）", "government", "李科长", "0000-1001"),
    ("DEMO-C2", "某大学（演示）", "education", "赵老师", "0000-1002"),
    ("DEMO-C3", "某市第一医院（演示）", "healthcare", "钱主任", "0000-1003"),
    ("DEMO-C4", "母公司业务部门（演示）", "parent_bu", "冯经理", "0000-1004"),
)
PROJECTS = (
    ("DEMO-GOV", "政务视频监控平台运维（演示）", "DEMO-C1", ["camera", "dvr", "storage"], ["video"]),
    ("DEMO-EDU", "校园网络维护（演示）", "DEMO-C2", ["host", "memory"], ["network"]),
    ("DEMO-MED", "医院软件平台运维（演示）", "DEMO-C3", ["host", "storage"], ["software"]),
    ("DEMO-CC", "呼叫中心运维（演示）", "DEMO-C4", ["seat", "mas"], ["call_centre"]),
)
TARGETS = (
    ("on_time_response", "响应及时率", 95.0),
    ("on_time_resolution", "解决及时率", 95.0),
    ("availability", "可用性", 99.5),
    ("changes_succeeded", "变更成功率", 98.0),
    ("solved_for_good", "一次解决率", 95.0),
    ("csat", "客户满意度", 90.0),
)


def fill(engine: Any, progress: Progress) -> None:
    """`engine` is the running Flowledger; `progress` takes a line for the person who waits."""
    now: datetime = engine.clock.now()
    months = _months(now)
    with engine.store.begin(write=True) as connection:
        known = connection.execute(select(tables.project.c.id).where(tables.project.c.id == PROJECTS[0][0])).first()
        if known is None:
            progress("演示数据：客户、项目、SLA、六个月的合成工单 customers, SLA, synthetic tickets")
            _base(connection, months, now)
    _reports(engine, progress, months, now)


def _months(now: datetime) -> list[tuple[date, date]]:
    """First and last day of the six calendar months before this one, oldest first."""
    first = now.astimezone(ZONE).date().replace(day=1)
    out = []
    for _ in range(6):
        last = first - timedelta(days=1)
        first = last.replace(day=1)
        out.append((first, last))
    return out[::-1]


def _base(connection: Connection, months: list[tuple[date, date]], now: datetime) -> None:
    install(connection)
    connection.execute(
        insert(tables.customer),
        [{"id": i, "name": n, "attribute": a, "contact": c, "phone": p, "synthetic": True} for i, n, a, c, p in CUSTOMERS],
    )
    begins, ends = months[0][0], date(now.year + 1, 12, 31)
    for project_id, name, customer, devices, businesses in PROJECTS:
        row: dict[str, Any] = {"id": project_id, "name": name, "customer_id": customer, "sla_version": "V1.0"}
        row |= {"contract_no": f"HT-{begins.year}-{project_id}"}
        row |= {"report_owner": "pm", "onsite_engineers": ["onsite1"], "devices": devices, "businesses": businesses, "synthetic": True}
        connection.execute(insert(tables.project).values(**row, starts_on=begins.isoformat(), ends_on=ends.isoformat()))
        times = [{"priority": p, "response_min": RESPONSE[p], "resolution_min": RESOLUTION[p], "clock": "calendar"} for p in ("P1", "P2", "P3", "P4")]
        connection.execute(insert(tables.sla_time), [{"project_id": project_id, "sla_version": "V1.0", **t} for t in times])
        targets = [{"metric_id": m, "name": n, "target": v, "position": i, "unit": "%", "comparator": ">="} for i, (m, n, v) in enumerate(TARGETS)]
        connection.execute(insert(tables.sla_target), [{"project_id": project_id, "sla_version": "V1.0", **t} for t in targets])
    for line in LINES:
        rows = list(tickets(line, begins, now))
        for start in range(0, len(rows), 500):
            connection.execute(insert(tables.ticket), rows[start : start + 500])


def _reports(engine: Any, progress: Progress, months: list[tuple[date, date]], now: datetime) -> None:
    """One month archived whole, the last month in every state that a list should show."""
    ways: list[tuple[str, int, str]] = [(project[0], month, "archived") for month in (4,) for project in PROJECTS]
    ways += [("DEMO-GOV", 5, "archived"), ("DEMO-EDU", 5, "returned_then_archived"), ("DEMO-MED", 5, "special"), ("DEMO-CC", 5, "returned")]
    titles = {project[0]: project[1].replace("（演示）", "") for project in PROJECTS}
    for number, (project, month, way) in enumerate(ways, start=1):
        first, last = months[month]
        title = f"{titles[project]} {first.year} 年 {first.month} 月运维报告（演示）"
        if _walked(engine, title):
            continue
        progress(f"演示报告 demo reports {number}/{len(ways) + 2}：{title}")
        due = after(last, 5).day if way == "returned_then_archived" else after(now.astimezone(ZONE).date(), 2).day
        Walk(engine, _start(project, title, first, last, due)).go(way)
    today = now.astimezone(ZONE).date()
    monday = today - timedelta(days=today.weekday() + 14)
    overdue = f"{titles['DEMO-GOV']} {monday.isoformat()} 周报（演示）"
    if not _walked(engine, overdue):
        progress(f"演示报告 demo reports {len(ways) + 1}/{len(ways) + 2}：{overdue}")
        Walk(engine, {**_start("DEMO-GOV", overdue, monday, monday + timedelta(days=6), today - timedelta(days=3)), "frequency": "weekly"}).go(
            "overdue"
        )
    review = f"{titles['DEMO-EDU']}巡检报告（演示）"
    if not _walked(engine, review):
        progress(f"演示报告 demo reports {len(ways) + 2}/{len(ways) + 2}：{review}")
        values = _start("DEMO-EDU", review, months[5][0], months[5][1], None)
        Walk(engine, {**values, "report_class": "inspection"}).go("in_review")


def _start(project: str, title: str, first: date, last: date, due: date | None) -> dict[str, Any]:
    values: dict[str, Any] = {"project_id": project, "report_class": "periodic", "title": title, "frequency": "monthly", "report_owner": "pm"}
    values |= {"period_start": first.isoformat(), "period_end": last.isoformat()}
    return {**values, "due_date": due.isoformat()} if due else values


def _walked(engine: Any, title: str) -> bool:
    with engine.store.begin(write=False) as connection:
        return connection.execute(select(tables.report.c.report_no).where(tables.report.c.title == title)).first() is not None
