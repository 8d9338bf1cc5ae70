"""For tests of processes: the whole engine in memory, with a clock that only moves when told.

    from engine.testing import EmbeddedEngine

    with EmbeddedEngine() as engine:
        engine.deploy({"order.bpmn": Path("order.bpmn").read_bytes()})
        order = engine.start("order", {"amount": 3}, business_key="A-1")
        [task] = engine.user_tasks(order)
        engine.complete(task.id, {"approved": True})
        assert engine.trace(order)[-1] == "End"

Whatever a call makes due (jobs, timers that are past, messages and signals to other instances) runs inside the call. The
database, the records and their hashes are those of production; `check()` verifies and re-executes all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from types import TracebackType
from typing import Any, Self

from engine.bootstrap import Flowledger, Settings
from engine.errors import BpmnError, DeploymentRejected
from engine.expressions import SandboxEvaluator
from engine.model import commands as cmd
from engine.model.actors import SYSTEM, Actor
from engine.model.values import Json
from engine.model.views import InstanceFilter, TaskFilter
from engine.plugins import PeriodicTask, ServiceTask
from engine.plugins.loading import FORMS, Catalogue, installed
from engine.ports import Evaluator, FormCompiler, Notifier
from engine.store.database import Database
from engine.store.schema import create

__all__ = ["BpmnError", "DeploymentRejected", "EmbeddedEngine", "Instance", "UserTask", "VirtualClock"]

START = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)  # a Monday, 09:00 in Shanghai


@dataclass(frozen=True, slots=True)
class Instance:
    """A process instance. `state`: active completed failed cancelled; `error` also while an incident is open."""

    id: str
    process_id: str
    state: str
    error: str | None
    business_key: str | None


@dataclass(frozen=True, slots=True)
class UserTask:
    """An open user task."""

    id: str
    element_id: str
    name: str
    candidate_groups: tuple[str, ...]
    form_key: str | None
    assignee: str | None
    due: datetime | None
    instance_id: str
    follow_up: datetime | None = None


class VirtualClock:
    """Stands still until `set`."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """Aware UTC."""
        return self._now

    def set(self, moment: datetime) -> None:
        """Never backwards."""
        self._now = max(self._now, moment)


class CountedIdentifiers:
    """i1, i2, i3 ..."""

    def __init__(self) -> None:
        self._last = 0

    def new(self) -> str:
        """The next one."""
        self._last += 1
        return f"i{self._last}"


_shared_evaluator: SandboxEvaluator | None = None


def _evaluator() -> SandboxEvaluator:
    """One pool of sandbox processes for all engines of a test run: starting one costs more than most tests."""
    global _shared_evaluator  # noqa: PLW0603 - a cache of this module's own
    if _shared_evaluator is None:
        _shared_evaluator = SandboxEvaluator()
    return _shared_evaluator


def _opened(address: str) -> Database:
    """A database with all tables. In memory they are copied from a template: making them costs more than most tests."""
    store = Database(address)
    if store.in_memory:
        _driver(_template()).backup(_driver(store))
    else:
        create(store)
    return store


@cache
def _template() -> Database:
    """In memory, with all tables and nothing in them; only copied."""
    store = Database("sqlite://")
    create(store)
    return store


def _driver(store: Database) -> Any:
    """The one connection of a database in memory."""
    with store.engine.connect() as connection:
        return connection.connection.dbapi_connection


class EmbeddedEngine:
    """See the module's docstring.

    `functions`: extra names that scripts and conditions may call; one may raise `BpmnError(code)`. Their results are recorded, so
    re-execution does not call them again. `handlers`: service tasks of the pack under test. `start`: first reading of the clock.
    `notifier`: gets what people are told (without one nobody is). `periodic`: runs at its times once `app.plan()` was called.
    """

    def __init__(
        self,
        functions: Mapping[str, Callable[..., Any]] | None = None,
        *,
        handlers: Iterable[ServiceTask] = (),
        start: datetime = START,
        packs: Catalogue | None = None,
        database: str = "sqlite://",
        evaluator: Evaluator | None = None,
        notifier: Notifier | None = None,
        public_url: str = "",
        periodic: Iterable[PeriodicTask] = (),
    ) -> None:
        catalogue = packs or Catalogue()
        compilers: list[type[FormCompiler]] = installed(FORMS)
        self.clock = VirtualClock(start)
        store = _opened(database)
        self._owns_evaluator = evaluator is not None
        self.app = Flowledger(
            Settings(database, public_url=public_url, periodic=tuple(periodic)),
            database=store,
            clock=self.clock,
            identifiers=CountedIdentifiers(),
            evaluator=evaluator or _evaluator(),
            packs=catalogue,
            forms=compilers[0]() if compilers else None,
            functions={**catalogue.functions, **(functions or {})},
            handlers={**catalogue.handlers, **{h.name: h for h in handlers}},
            notifier=notifier,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        self.app.store.close()

    # --- deploy and start -------------------------------------------------------------------------------------------------
    def deploy(self, files: Mapping[str, bytes], comment: str = "") -> list[str]:
        """Bytes by file name to the ids of the processes in them. Raises DeploymentRejected with all `problems`."""
        deployment = self.app.execute(cmd.Deploy(files, comment), SYSTEM)
        self._settle()
        return [d.process_id for d in deployment.definitions]

    def start(self, process_id: str, variables: Mapping[str, Json] | None = None, business_key: str | None = None, actor: Actor = SYSTEM) -> str:
        """A new instance, run to its next wait state; gives its id."""
        done = self.app.execute(cmd.Start(process_id, variables or {}, business_key), actor)
        self._settle()
        return str(done.instance_id)

    # --- what happens ---------------------------------------------------------------------------------------------------------
    def advance(self, seconds: float) -> None:
        """Move the clock; everything that becomes due on the way runs at its own time, in order."""
        end = self.clock.now() + timedelta(seconds=seconds)
        while True:
            self._settle()
            with self.app.store.begin(write=True) as connection:
                earliest = _jobs(connection).earliest(self.clock.now())
            if earliest is None or earliest > end:
                break
            self.clock.set(earliest)
        self.clock.set(end)

    def publish_message(self, name: str, payload: Mapping[str, Json] | None = None, correlation_key: str | None = None) -> None:
        """To one waiting instance, a message start event, or kept for a catcher to come."""
        self.app.execute(cmd.PublishMessage(name, payload or {}, correlation_key), SYSTEM)
        self._settle()

    def broadcast_signal(self, name: str, payload: Mapping[str, Json] | None = None) -> None:
        """To everyone who waits for it, and signal start events."""
        self.app.execute(cmd.BroadcastSignal(name, payload or {}), SYSTEM)
        self._settle()

    def complete(self, task_id: str, values: Mapping[str, Json] | None = None, actor: Actor = SYSTEM) -> None:
        """Finish a user task."""
        self.app.execute(cmd.Complete(task_id, values or {}), actor)
        self._settle()

    def cancel(self, instance_id: str, reason: str = "test") -> None:
        """End an instance as an operator does."""
        self.app.execute(cmd.Cancel(instance_id, reason), SYSTEM)
        self._settle()

    # --- what one sees ------------------------------------------------------------------------------------------------------------
    def instances(self) -> list[Instance]:
        """All instances, in order of their start."""
        out: list[Instance] = []
        cursor = None
        while True:
            with self.app.reading() as read:
                page = read.instances(SYSTEM, InstanceFilter(cursor=cursor, size=200))
            out += [Instance(r.id, r.process_id, r.state, r.error, r.business_key) for r in page.rows]
            cursor = page.next
            if cursor is None:
                return sorted(out, key=lambda i: int(i.id[1:]))

    def instance(self, instance_id: str) -> Instance:
        """One of them."""
        with self.app.reading() as read:
            r = read.instance(SYSTEM, instance_id)
        return Instance(r.id, r.process_id, r.state, r.error, r.business_key)

    def user_tasks(self, instance_id: str | None = None) -> list[UserTask]:
        """Open user tasks in order of creation; of all instances when none is named."""
        out: list[UserTask] = []
        cursor = None
        while True:
            with self.app.reading() as read:
                page = read.worklist(SYSTEM, TaskFilter(view="every", instance_id=instance_id, sort="created", cursor=cursor, size=200))
            out += [
                UserTask(t.id, t.element_id, t.name, t.candidate_groups, t.form_key, t.assignee, t.due, t.instance_id, t.follow_up) for t in page.rows
            ]
            cursor = page.next
            if cursor is None:
                return out

    def variables(self, instance_id: str) -> dict[str, Json]:
        """Of the instance's scope."""
        with self.app.reading() as read:
            return read.variables(SYSTEM, instance_id)

    def trace(self, instance_id: str) -> list[str]:
        """Element ids in order of completion."""
        with self.app.reading() as read:
            return read.trace(SYSTEM, instance_id)

    def check(self) -> int:
        """Verify the chain of every instance and re-execute it. Returns the number of records; raises IntegrityViolation, ReplayDiverged."""
        count = 0
        with self.app.reading() as read:
            for instance_id in read.instance_ids(SYSTEM):
                count += read.verify(SYSTEM, instance_id)
                read.reexecute(SYSTEM, instance_id)
        return count

    def _settle(self) -> None:
        self.app.run_due()


def _jobs(connection: Any) -> Any:
    from engine.store.work import SqlJobs  # keeps the public names of this module few

    return SqlJobs(connection)
