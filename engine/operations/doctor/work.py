"""Checks of what the installation does: processes and their handlers, jobs, incidents, a sample of the history."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from engine.application.queries import Reading
from engine.bootstrap import Flowledger, RandomIdentifiers
from engine.errors import FlowledgerError
from engine.model.actors import SYSTEM
from engine.model.findings import Finding, fault, fine, warning
from engine.store.figures import job_figures, open_incidents
from engine.store.tables import instance

LATE_SECONDS = 60


def processes(app: Flowledger) -> Iterator[Finding]:
    """Every version that is the newest one or has running instances still compiles, and what it calls is installed."""
    with app.store.begin(write=False) as connection:
        running = set(connection.scalars(sa.select(instance.c.definition_id).where(instance.c.state == "active").distinct()))
    installed = set(app.catalogue.handlers)
    missing: dict[str, list[str]] = {}
    wrong = False
    with app.reading() as read:
        wanted = sorted(running | {d.id for d in read.definitions(SYSTEM)})
        for definition_id in wanted:
            try:
                handlers = read.process_info(definition_id).handlers
            except FlowledgerError as exc:
                wrong = True
                advice = (
                    "安装部署它时的 Flowledger 版本，或部署改正后的版本。",
                    "Install the version of Flowledger that deployed it, or deploy a corrected one.",
                )
                yield fault("processes", (f"{definition_id} 不再能执行：{exc}", f"{definition_id} can no longer be executed: {exc}"), advice)
                continue
            for name in handlers:
                if name not in installed:
                    missing.setdefault(name, []).append(definition_id)
    for name, users in sorted(missing.items()):
        told = ", ".join(users)
        advice = ("安装提供它的流程包并重新启动，然后重试异常。", "Install the pack that provides it, restart, then retry the incidents.")
        yield fault(
            "processes", (f"没有安装服务任务 {name}，使用它的流程：{told}。", f"The service task {name} is not installed; used by {told}."), advice
        )
    if not missing and not wrong:
        yield fine("processes", f"{len(wanted)} 个流程版本可以执行。", f"{len(wanted)} process versions can be executed.", count=len(wanted))


def jobs(app: Flowledger) -> Iterator[Finding]:
    """Jobs that failed for good, and jobs that should have run by now."""
    now = app.clock.now()
    with app.store.begin(write=False) as connection:
        count, oldest, _, failed = job_figures(connection, now)
    late = (now - oldest).total_seconds() if oldest is not None else 0.0
    if failed:
        advice = (
            "在“异常”页面查看原因，重试，或丢弃没有人再需要的。",
            "Look at the causes on the page of incidents and retry, or throw away what nobody needs any more.",
        )
        yield warning("jobs", (f"{failed} 个作业已用尽重试次数。", f"{failed} jobs have no attempts left."), advice, failed=failed)
    if late > LATE_SECONDS:
        advice = (
            "确认 flowledger serve 或 worker 正在运行，并查看其日志。",
            "See that flowledger serve or a worker runs, and look at its log.",
        )
        found = (
            f"{count} 个作业到期未执行，最早的迟了 {late / 60:.0f} 分钟。",
            f"{count} jobs are due and not run, the oldest for {late / 60:.0f} minutes.",
        )
        yield warning("jobs", found, advice, late=count)
    if not failed and late <= LATE_SECONDS:
        yield fine("jobs", "没有失败或迟到的作业。", "No job failed or is late.")


def incidents(app: Flowledger) -> Iterator[Finding]:
    """What waits for an operator."""
    with app.store.begin(write=False) as connection:
        count, oldest = open_incidents(connection)
    if oldest is not None:
        advice = ("在“异常”页面处理：重试、更改变量或取消。", "Deal with them on the page of incidents: retry, change variables, or cancel.")
        found = (
            f"{count} 个未解决的异常，最早的从 {oldest:%Y-%m-%d %H:%M} UTC 起。",
            f"{count} incidents are open, the oldest since {oldest:%Y-%m-%d %H:%M} UTC.",
        )
        yield warning("incidents", found, advice, open=count)
    else:
        yield fine("incidents", "没有未解决的异常。", "No incident is open.")


def history(app: Flowledger, sample: int) -> Iterator[Finding]:
    """The chains of the newest instances and of some that chance picks (ids are random), and everything behind hashes of deployments."""
    start = RandomIdentifiers().new()
    with app.store.begin(write=False) as connection:
        newest = list(connection.scalars(sa.select(instance.c.id).order_by(instance.c.started_at.desc()).limit(sample)))
        picked = list(connection.scalars(sa.select(instance.c.id).where(instance.c.id >= start).order_by(instance.c.id).limit(sample)))
        if len(picked) < sample:
            picked += connection.scalars(sa.select(instance.c.id).order_by(instance.c.id).limit(sample - len(picked)))
    faults = 0
    chosen = dict.fromkeys([*newest, *picked])
    for instance_id in chosen:
        with app.reading() as read:
            told = _fault(read, instance_id)
        if told is not None:
            faults += 1
            advice = (
                "不要更改任何东西；告诉审计员，运行 flowledger verify，再与留存的清单比较（--against）。",
                "Change nothing; tell the auditor, run flowledger verify, and compare with a kept manifest (--against).",
            )
            yield fault("history", (f"历史不能通过验证：{told}", f"The history does not verify: {told}"), advice, instance=instance_id)
    if not faults:
        yield fine(
            "history", f"抽查的 {len(chosen)} 个实例的记录链完好。", f"The chains of {len(chosen)} instances, a sample, verify.", sample=len(chosen)
        )


def _fault(read: Reading, instance_id: str) -> str | None:
    try:
        read.verify(SYSTEM, instance_id)
    except FlowledgerError as exc:
        return str(exc)
    return None
