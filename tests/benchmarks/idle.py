"""What an installation costs in which nothing happens: 100,000 open instances, each with a timer weeks ahead, and nobody who does anything.

Processor time of the real processes (`flowledger serve`, on PostgreSQL with `flowledger worker` beside it), children included, over a minute after
they have started.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection

from engine.jobs import cluster
from engine.model.actors import SYSTEM
from engine.model.commands import Deploy, Start
from engine.store import tables, work
from engine.store.database import Database
from tests.benchmarks.installation import Installation
from tests.benchmarks.results import Figure, Target
from tests.benchmarks.servers import RunningServer, flowledger_server, flowledger_worker
from tests.support.diagrams import END, START, chain, process

INSTANCES = 100_000
SETTLE_SECONDS = 10.0  # for what happens once, after the start
SECONDS = 60.0
AT_ONCE = 5_000
AT_MOST = Target(1.0, at_least=False)
INDEX = "ix_job_state_due_at"
_TIMER = "<timerEventDefinition><timeDuration>P21D</timeDuration></timerEventDefinition>"
WAITING = process(START + f'<intermediateCatchEvent id="wait">{_TIMER}</intermediateCatchEvent>' + END + chain("start", "wait", "end"), "waiting")


def figures(name: str, installation: Installation, folder: Path, server: psutil.Process | None) -> Iterator[Figure]:
    """`server`: of the database, to show what the questions cost there; None: it is in the process (SQLite)."""
    fill(installation)
    plan = explained(installation.database)
    note = f"{INSTANCES:,} timers; due work is found by {INDEX}" if INDEX in plan else f"NOT BY INDEX: {plan}"
    with ExitStack() as stack:
        options = () if server is None else ("--no-jobs",)
        running = {"serve": stack.enter_context(flowledger_server(installation.database, folder, 1, *options))}
        if server is not None:
            running["worker"] = stack.enter_context(flowledger_worker(installation.database, folder))
            running["PostgreSQL itself"] = RunningServer(0, server)
        time.sleep(SETTLE_SECONDS)
        before = {what: one.cpu_seconds() for what, one in running.items()}
        start = time.perf_counter()
        time.sleep(SECONDS)
        took = time.perf_counter() - start
        for what, one in running.items():
            share = 100 * (one.cpu_seconds() - before[what]) / took
            target = None if what == "PostgreSQL itself" else AT_MOST
            yield Figure(f"{name}: idle, {what}", share, "% of a core", target=target, note=note)


def fill(installation: Installation) -> None:
    """One instance by the engine, and the others as copies of its rows under ids of their own."""
    app = installation.open()
    try:
        app.execute(Deploy({"waiting.bpmn": WAITING}, "benchmark"), SYSTEM)
        first = app.execute(Start("waiting"), SYSTEM).instance_id
    finally:
        app.close()
    store = Database(installation.database)
    try:
        cluster.install(store)  # workers are woken, and listen
        with store.begin(write=True) as connection:
            _copy(connection, first)
        with store.begin(write=True) as connection:
            connection.exec_driver_sql("ANALYZE")
    finally:
        store.close()


def _copy(connection: Connection, first: str) -> None:
    [instance] = connection.execute(sa.select(tables.instance).where(tables.instance.c.id == first)).mappings().all()
    [record] = connection.execute(sa.select(tables.record).where(tables.record.c.instance_id == first)).mappings().all()
    [job] = connection.execute(sa.select(tables.job).where(tables.job.c.instance_id == first)).mappings().all()
    for begin in range(1, INSTANCES, AT_ONCE):
        rows: dict[sa.Table, list[dict[str, Any]]] = {tables.instance: [], tables.record: [], tables.job: []}
        for number in range(begin, min(begin + AT_ONCE, INSTANCES)):
            one = f"idle{number}"
            rows[tables.instance].append({**instance, "id": one})
            rows[tables.record].append({**record, "instance_id": one})
            other = {name: value for name, value in job.items() if name != "number"}
            other |= {"id": f"{one}-{job['key']}", "instance_id": one, "due_at": job["due_at"] + timedelta(seconds=number)}
            rows[tables.job].append(other)
        for table, values in rows.items():
            connection.execute(table.insert(), values)


def explained(database: str) -> str:
    """How the database answers the question that every poll asks: its plan, as text."""
    store = Database(database)
    sent: list[tuple[str, Any]] = []
    try:
        with store.begin(write=False) as connection:
            event.listen(connection, "before_cursor_execute", lambda _c, _cursor, text, parameters, *_: sent.append((text, parameters)))
            connection.execute(work._SOMETHING, work._at(datetime.now(UTC))).all()
            [(text, parameters)] = sent
            how = "EXPLAIN QUERY PLAN " if store.is_sqlite else "EXPLAIN "
            return "; ".join(str(row[-1]) for row in connection.exec_driver_sql(how + text, parameters))
    finally:
        store.close()
