"""The public API for process packs and service-task handlers.

A pack is a Python package that provides one object of class `Pack` under the entry point group `flowledger.packs` (or a folder with
a `pack.py` that defines `pack`, named in the setting `packs`). Our own pack `processes.service_report` uses nothing else.

    from engine.plugins import Pack, service_task, ServiceContext, BpmnError

    @service_task("greetings.send")                   # transactional: its writes commit with the task's completion
    def send(context: ServiceContext) -> dict:
        context.connection.execute(insert(greetings).values(text=context.parameters["text"]))
        return {"sent": True}                          # written to the task's variable scope

    pack = Pack(name="greetings", title={"zh": "问候", "en": "Greetings"}, package="greetings", handlers=(send,))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.errors import BpmnError
from engine.model.events import ElementEntered, UserTaskCreated
from engine.model.findings import Finding, fault, fine, warning
from engine.model.inputs import CompleteUserTask
from engine.model.records import Record
from engine.model.values import Json, canonical, iso, sha256

__all__ = [
    "BpmnError",
    "CompleteUserTask",
    "ElementEntered",
    "Finding",
    "Json",
    "Pack",
    "PeriodicContext",
    "PeriodicTask",
    "Record",
    "ServiceContext",
    "ServiceTask",
    "UserTaskCreated",
    "canonical",
    "fault",
    "fine",
    "iso",
    "periodic",
    "service_task",
    "sha256",
    "warning",
]


@dataclass(frozen=True, slots=True)
class ServiceContext:
    """What a handler gets.

    `connection` is a SQLAlchemy Connection inside the transaction that completes the task (None for external handlers).
    `idempotency_key` is the same for every attempt. `now` is the clock reading that the record will carry. `records()` gives the
    instance's records so far. `blobs` stores bytes (`put(data, media_type, name) -> sha256`, `get(sha256) -> bytes`).
    """

    instance_id: str
    business_key: str | None
    process_id: str
    element_id: str
    job_id: str
    attempt: int
    now: datetime
    variables: Mapping[str, Json]
    parameters: Mapping[str, Json]
    idempotency_key: str
    connection: Any
    records: Callable[[], list[Record]]
    blobs: Any


Handler = Callable[[ServiceContext], Mapping[str, Json] | None]


@dataclass(frozen=True, slots=True)
class ServiceTask:
    """A handler under the type (topic) that diagrams name. `transactional`: effects exactly once; else at least once."""

    name: str
    run: Handler
    transactional: bool = True
    title: Mapping[str, str] = field(default_factory=dict)
    description: str = ""


def service_task(name: str, *, transactional: bool = True, title: Mapping[str, str] | None = None) -> Callable[[Handler], ServiceTask]:
    """Decorator: declare a function as handler of service tasks of this type. Its docstring shows in the modeler."""

    def declare(run: Handler) -> ServiceTask:
        return ServiceTask(name, run, transactional, dict(title or {}), (run.__doc__ or "").strip())

    return declare


@dataclass(frozen=True, slots=True)
class PeriodicContext:
    """What periodic work gets: the clock reading, its job's id, the number of this attempt, and the SQLAlchemy Connection inside the transaction
    that plans the next time (None: the work is not transactional).
    """

    now: datetime
    job_id: str
    attempt: int
    connection: Any


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """Work at its times: `schedule` is an endless ISO 8601 cycle (`R/PT1H`, `R/2026-01-05T01:00:00Z/P1W`) or a cron text, in UTC.

    `transactional`: its effects and the next time commit together; else it runs outside of any transaction, at least once. One node does it, not each.
    """

    name: str
    schedule: str
    run: Callable[[PeriodicContext], object]
    transactional: bool = True


def periodic(name: str, schedule: str, *, transactional: bool = True) -> Callable[[Callable[[PeriodicContext], object]], PeriodicTask]:
    """Decorator: declare a function as periodic work."""
    return lambda run: PeriodicTask(name, schedule, run, transactional)


@dataclass(frozen=True, slots=True)
class Pack:
    """A process pack.

    `package` holds `*.bpmn` and `*.dmn`; `forms` is the package that holds `*.form.json` (default: `package`). `metadata` are the pack's
    SQLAlchemy tables (names begin with the pack's name), created with the database. `pages` names a callable `"module:function"` that
    returns a Flask blueprint for the pack's pages. `groups` are the candidate groups that its diagrams use, with titles by language.
    `demo` names a callable `(engine, progress) -> None` that fills an empty installation with demonstration data.
    `periodic` is work at its times. `functions` are pure functions that scripts and conditions may call. `doctor` names a callable `() -> Iterable[Finding]` that
    `flowledger doctor` asks what is wrong with the pack's installation.
    """

    name: str
    title: Mapping[str, str]
    package: str
    version: str = "1"
    forms: str | None = None
    handlers: tuple[ServiceTask, ...] = ()
    periodic: tuple[PeriodicTask, ...] = ()
    functions: Mapping[str, Callable[..., Json]] = field(default_factory=dict)
    groups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    metadata: Any = None
    pages: str | None = None
    demo: str | None = None
    documentation: str = ""
    doctor: str | None = None
