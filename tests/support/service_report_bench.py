"""An engine with the pack and made-up master data, and persons who complete its user tasks, for the integration tests of the pack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from engine.model.actors import Actor
from engine.plugins.loading import Catalogue
from engine.testing import EmbeddedEngine
from processes.service_report import tables
from processes.service_report.code_lists import install
from processes.service_report.demo_walk import Walk, actor
from processes.service_report.pack import pack

START = datetime(2026, 7, 2, 2, tzinfo=UTC)  # Thursday, 10:00 in Shanghai


@contextmanager
def pack_engine(start: datetime = START, database: str = "sqlite://") -> Iterator[EmbeddedEngine]:
    """The pack deployed; customers A (government) and B (education) with one project each."""
    with EmbeddedEngine(packs=Catalogue((pack,)), start=start, database=database) as engine:
        engine.app.install_packs()
        with engine.app.store.begin(write=True) as connection:
            install(connection)
            for key, attribute in (("A", "government"), ("B", "education")):
                put_project(connection, f"P-{key}", f"C-{key}", attribute)
        yield engine


def put_project(connection: Connection, project: str, customer: str, attribute: str, **over: Any) -> None:
    """A customer with one project."""
    connection.execute(insert(tables.customer).values(id=customer, name=f"客户 {customer}", attribute=attribute, contact="联系人", phone="0"))
    row = {"id": project, "name": f"项目 {project}", "customer_id": customer, "contract_no": "HT-1", "sla_version": "V1", "report_owner": "pm"}
    row |= {
        "starts_on": "2026-01-01",
        "ends_on": "2026-12-31",
        "devices": ["host"],
        "businesses": ["network"],
        "onsite_engineers": ["onsite1"],
        **over,
    }
    connection.execute(insert(tables.project).values(**row))
    target = {"project_id": project, "sla_version": row["sla_version"], "metric_id": "on_time_resolution", "name": "解决及时率", "target": 90.0}
    connection.execute(insert(tables.sla_target).values(**target))


def put_tickets(connection: Connection, project: str, count: int) -> None:
    """`count` incidents in June 2026, every tenth of them late by the source's own flag."""
    opened = [datetime(2026, 6, 1 + i % 28, 3, tzinfo=UTC) for i in range(count)]
    rows = [
        {"project_id": project, "number": f"T{i}", "opened_at": at, "resolved_at": at.replace(hour=5), "made_sla": i % 10 != 0}
        for i, at in enumerate(opened)
    ]
    connection.execute(insert(tables.ticket), rows)


REPORT = {
    "project_id": "P-A",
    "report_class": "periodic",
    "title": "六月运维报告",
    "period_start": "2026-06-01",
    "period_end": "2026-06-30",
    "frequency": "monthly",
    "report_owner": "pm",
}


def walk(engine: EmbeddedEngine, **over: Any) -> Walk:
    """A report that was just started by the project manager."""
    return Walk(engine.app, {**REPORT, **over})


def open_elements(engine: EmbeddedEngine, instance: str) -> list[str]:
    """Element ids of the open user tasks, sorted."""
    return sorted(t.element_id for t in engine.user_tasks(instance))


def complete(engine: EmbeddedEngine, instance: str, element: str, person: Actor | str, values: Mapping[str, Any]) -> None:
    """Complete the open user task of that element."""
    task = next(t for t in engine.user_tasks(instance) if t.element_id == element)
    engine.complete(task.id, values, actor(person) if isinstance(person, str) else person)


def rows(engine: EmbeddedEngine, table: Any) -> list[dict[str, Any]]:
    """All rows of a table of the pack."""
    with engine.app.store.begin(write=False) as connection:
        return [dict(r) for r in connection.execute(select(table)).mappings()]


def blob(engine: EmbeddedEngine, digest: str) -> bytes:
    """Bytes that the engine keeps under the digest."""
    with engine.app.reading() as read:
        return read.queries.blob(digest) or b""
