"""The only composition root: settings to a running engine."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.pool import QueuePool

from engine import __version__
from engine.application.definitions import check, content
from engine.application.dispatch import HANDLERS
from engine.application.executions import LiveExecutions
from engine.application.idempotency import answer, first_answer, remember
from engine.application.intake import require_whole
from engine.application.queries import Reading
from engine.application.services import Library, Limits, Services
from engine.bpmn import BpmnInterpreter
from engine.bpmn.validation import RULES
from engine.bpmn.validation import TEXTS as RULE_TEXTS
from engine.dmn import DmnCompiler
from engine.dmn.feel import FeelEvaluator
from engine.errors import ConcurrentChange, DeploymentRejected, FlowledgerError, InstanceNotAvailable, NotAvailable, Problem, Refusal, StorageDamaged
from engine.expressions import Languages, SandboxEvaluator
from engine.jobs import cluster
from engine.jobs.cluster import Cluster
from engine.jobs.dispatcher import GRACE_SECONDS, THREADS, Dispatcher, Here
from engine.jobs.periodic import OWN, ensure
from engine.jobs.runner import JobRunner
from engine.jobs.setback import ClockWatch, bring_forward
from engine.mail import SmtpNotifier
from engine.model.actors import SYSTEM, Actor
from engine.model.commands import AccountCommand, Command, Complete, Deploy, Start
from engine.model.soundness import BUDGET, Soundness
from engine.plugins import PeriodicTask, ServiceTask
from engine.plugins.loading import FORMS, Catalogue, catalogue, installed, resources
from engine.ports import Clock, Evaluator, FormCompiler, Identifiers, Notices, Notifier, UnitOfWork, Waker
from engine.projections import ALL
from engine.store import schema
from engine.store.ahead import Ahead
from engine.store.database import Database
from engine.store.deployments import SqlDefinitions
from engine.store.figures import job_figures, open_incidents
from engine.store.group_commit import GroupCommit
from engine.store.login import AccountAccess, hash_password, verify_password
from engine.store.making import making, takes_changes
from engine.store.queries import SqlQueries
from engine.store.unit_of_work import unit_of_work
from engine.store.work import something_due
from engine.telemetry.tracing import NoTracer, OpenTelemetry, Tracer

if TYPE_CHECKING:
    from engine.telemetry.metrics import Installation, Process
    from engine.telemetry.watching import Watcher

T = TypeVar("T")
ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Settings:
    """How to run: `database` is a SQLAlchemy URL, `data` the folder under which everything is written."""

    database: str = "sqlite://"
    data: Path | None = None
    pack_folders: tuple[Path, ...] = ()
    limits: Limits = field(default_factory=Limits)
    job_threads: int = THREADS  # that run due jobs in this process
    grace_seconds: float = GRACE_SECONDS  # for jobs that run when this process is told to stop; then it gives them back
    log_format: str = "text"  # or json: engine.telemetry.logs
    log_level: str | None = None
    tracing: bool = False  # the extra `tracing`
    smtp: str | None = None  # the mail server, as engine.mail takes it; None: nobody is told of anything
    mail_from: str = ""
    public_url: str = ""  # where people reach the pages
    proxies: int = 0  # in front, which say who asks, how and for which host (X-Forwarded-For, -Proto, -Host); 0: nobody is believed who says so
    periodic: tuple[PeriodicTask, ...] = ()  # beside the engine's own and those of packs


class SystemClock:
    """Wall time."""

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC)


class RandomIdentifiers:
    """80 random bits in base 32: short enough to read out, long enough to never meet again."""

    _ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"

    def new(self) -> str:
        """16 characters."""
        number = secrets.randbits(80)
        return "".join(self._ALPHABET[(number >> shift) & 31] for shift in range(75, -1, -5))


class Flowledger:
    """The engine as views, command line and tests use it."""

    def __init__(
        self,
        settings: Settings,
        *,
        database: Database,
        clock: Clock,
        identifiers: Identifiers,
        evaluator: Evaluator,
        packs: Catalogue,
        forms: FormCompiler | None,
        functions: Mapping[str, Callable[..., Any]],
        handlers: Mapping[str, ServiceTask],
        tracer: Tracer | None = None,
        notifier: Notifier | None = None,
    ) -> None:
        self.settings = settings
        self.store = database
        self.clock = clock
        self.catalogue = packs
        self._evaluator = evaluator = Languages(evaluator, FeelEvaluator())
        interpreter = BpmnInterpreter(evaluator, DmnCompiler(), function_names=frozenset(functions))
        self.services = Services(
            library=Library(interpreter, forms),
            live=LiveExecutions(),
            identifiers=identifiers,
            evaluator=evaluator,
            engine_version=__version__,
            functions=functions,
            limits=settings.limits,
            hash_password=hash_password,
            check_password=verify_password,
            notices=Notices(notifier, settings.public_url.rstrip("/")) if notifier is not None else None,
        )
        self.watcher = self._watched(tracer)
        self._periodic = (*OWN, *packs.periodic, *settings.periodic)
        self.jobs = JobRunner(
            self._transact, self.services, handlers, identifiers.new(), self._periodic, ended=self.watcher.job, something_due=self._something_due
        )
        chore = partial(cluster.tidy, database) if cluster.is_installed(database) else None
        watch = partial(ClockWatch(clock.now).look, self.plan)
        self.dispatcher = Dispatcher(self.jobs, threads=settings.job_threads, chore=chore, watch=watch)
        self.accounts = AccountAccess(database, clock)
        self.cluster = Cluster(database.url, self.dispatcher.wake) if chore is not None else None
        self._waker: Waker = self.cluster or Here(self.dispatcher.wake)
        self._group_commit = GroupCommit(database, clock, ALL, self._waker) if database.is_sqlite else None
        self._ahead = Ahead(database, clock, ALL, self._waker, self._group_commit)

    def execute(self, command: Command, actor: Actor, request_id: str | None = None) -> Any:
        """Carry out a command; the answer is the one that its docstring names. Refusals raise and change nothing.

        The same `request_id` again gives the first answer, also when that answer was lost on its way.
        """
        return self.watcher.command(command, actor, lambda: self._execute(command, actor, request_id))

    def _execute(self, command: Command, actor: Actor, request_id: str | None) -> Any:
        handler = HANDLERS[type(command)]
        require_whole(command, request_id)

        def work(uow: UnitOfWork) -> Any:
            if isinstance(command, AccountCommand):
                uow.after_commit.append(self.accounts.forget)
            if request_id is None:
                return handler(uow, self.services, command, actor, request_id)
            known = first_answer(uow, self.services, request_id, command, actor)
            if known is not None:
                return known.answer
            done = handler(uow, self.services, command, actor, request_id)
            remember(uow, self.services, request_id, command, actor, done)
            return done

        try:
            done = None
            if isinstance(command, Complete):
                done = self._ahead.attempt(command.task_id.rpartition("-")[0], work, one_after_the_other=True)
            elif isinstance(command, Start):
                done = self._ahead.attempt(command.process_id or command.definition_id or "", work)
            return self._transact(work) if done is None else done.answer
        except Refusal:
            if request_id is None:
                raise
            with self.reading() as read:
                known = read.answered(request_id)
            if not known:
                raise
            return self._transact(lambda uow: answer(uow, self.services, request_id, command, actor))

    def _transact(self, work: Callable[[UnitOfWork], T]) -> T:
        for attempt in range(ATTEMPTS):
            try:
                if self._group_commit is not None:
                    return self._group_commit.run(work)
                with unit_of_work(self.store, self.clock, ALL, self._waker) as uow:
                    return work(uow)
            except ConcurrentChange:
                if attempt == ATTEMPTS - 1:
                    raise InstanceNotAvailable("Too many others changed the same instance at once; try again.") from None
        raise AssertionError

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """One consistent read transaction."""
        with self.store.begin(write=False) as connection:
            yield Reading(SqlQueries(connection), self.services, self.clock.now())

    def lint(self, files: Mapping[str, bytes], complete_from: str | None = None) -> list[Problem]:
        """Every problem and warning that a deployment of these files would meet; nothing is written."""
        with self.store.begin(write=False) as connection:
            try:
                return list(check(SqlDefinitions(connection), self.services, Deploy(files, complete_from=complete_from)).warnings)
            except DeploymentRejected as exc:
                return list(exc.problems)

    def soundness(self, files: Mapping[str, bytes], complete_from: str | None = None, budget: int = BUDGET) -> tuple[Soundness, ...]:
        """Explore the states that processes of these files can come to: one answer for each process. Raises DeploymentRejected, InvalidInput."""
        with self.store.begin(write=False) as connection:
            checked = check(SqlDefinitions(connection), self.services, Deploy(files, complete_from=complete_from))
        return self.services.library.interpreter.soundness(checked.model, budget)

    def install_packs(self) -> None:
        """Create the packs' tables and deploy their files, unless exactly these were deployed before."""
        for pack in self.catalogue.packs:
            with making(self.store) as connection:
                if pack.metadata is not None:
                    pack.metadata.create_all(connection)
            found = resources(pack)
            with self.reading() as read:
                known = read.is_deployed(content(found))
            if found and not known:
                self.execute(Deploy(found, f"{pack.name} {pack.version}"), SYSTEM)

    def run_due(self, limit: int = 1_000_000) -> int:
        """Run due jobs until none is left (or `limit`). Returns how many ran."""
        count = 0
        while count < limit and self.jobs.run_one():
            count += 1
        return count

    def plan(self) -> None:
        """When this process begins to work, and after its clock was set back: periodic work has its jobs, and nothing waits for a time that was wrong."""

        def work(uow: UnitOfWork) -> None:
            ensure(uow, self._periodic)
            bring_forward(uow)

        self._transact(work)

    def _something_due(self) -> bool:
        with self.store.outside() as connection:
            return something_due(connection, self.clock.now())

    def unready(self) -> list[str]:
        """What keeps this process from serving, in a word each: database, schema, writer, stopping or dispatcher, sandbox. Empty: it is ready."""
        found = []
        try:
            schema.check(self.store)
            if not takes_changes(self.store):
                found.append("database")
        except (NotAvailable, StorageDamaged):
            found.append("database")
        except FlowledgerError:
            found.append("schema")
        except sa.exc.SQLAlchemyError:  # no connection of the pool came free, or the server is just going down
            found.append("database")
        if self.store.stuck:
            found.append("writer")
        if self.dispatcher.stopping:
            found.append("stopping")
        elif not self.dispatcher.alive:
            found.append("dispatcher")
        if not self._evaluator.available():
            found.append("sandbox")
        return found

    def _watched(self, tracer: Tracer | None) -> Watcher:
        from engine.telemetry.metrics import Metrics  # only now: `engine.telemetry.sharing` comes before the library
        from engine.telemetry.watching import Watcher

        return Watcher(Metrics(__version__, self._installation, self._process), tracer or NoTracer())

    def _installation(self) -> Installation | None:
        from engine.telemetry.metrics import Installation

        now = self.clock.now()
        try:
            with self.store.begin(write=False) as connection:
                due, oldest, held, failed = job_figures(connection, now)
                incidents, _ = open_incidents(connection)
        except (FlowledgerError, sa.exc.SQLAlchemyError):
            return None
        return Installation(due, (now - oldest).total_seconds() if oldest else 0.0, held, failed, incidents)

    def _process(self) -> Process:
        from engine.telemetry.metrics import Process, sandbox_processes

        live, pool, idle = self.services.live, self.store.engine.pool, self.store.kept
        connections = (
            (pool.checkedin() + pool.checkedout(), pool.checkedout() - idle, pool.size() + pool._max_overflow)
            if isinstance(pool, QueuePool)
            else None
        )
        return Process(live.hits, live.misses, len(live), connections, sandbox_processes())

    def stop_jobs(self) -> None:
        """Begin no more jobs; return when those that run have ended, or were given back because the time for that is over."""
        self.dispatcher.stop(self.settings.grace_seconds)

    def close(self) -> None:
        """Stop the dispatcher, end sandbox processes, give connections back."""
        self.stop_jobs()
        self.watcher.close()
        self._evaluator.close()
        self.store.close()


def build(settings: Settings) -> Flowledger:
    """An engine on an existing database (see `engine.store.schema.upgrade`) with everything that is installed."""
    packs = catalogue(settings.pack_folders)
    compilers = installed(FORMS)
    clock = SystemClock()
    return Flowledger(
        settings,
        database=Database(settings.database),
        clock=clock,
        identifiers=RandomIdentifiers(),
        evaluator=SandboxEvaluator(),
        packs=packs,
        forms=compilers[0]() if compilers else None,
        functions=packs.functions,
        handlers=packs.handlers,
        tracer=OpenTelemetry() if settings.tracing else None,
        notifier=SmtpNotifier(settings.smtp, settings.mail_from, clock.now) if settings.smtp else None,
    )


__all__ = ["RULES", "RULE_TEXTS", "Flowledger", "Settings", "SystemClock", "build"]
