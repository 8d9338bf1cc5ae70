"""Carries out one due job: everything that it changes commits together with the job's end, or not at all.

A failed attempt is rolled back whole; what becomes of the job then is written afterwards (`engine.jobs.failing`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

from engine.application import bulk, messages, notifications
from engine.application.advance import advance, execution_at
from engine.application.correlation import carried
from engine.application.messages import chain_of, payload_of
from engine.application.services import Services
from engine.errors import BpmnError, ExecutionError, JobUnreadable, NotFound, NotifierMissing, Refusal, WriterBusy
from engine.jobs import lease, periodic, starts
from engine.jobs.failing import Failures, passes
from engine.jobs.lease import Leases
from engine.model import codec
from engine.model import commands as cmd
from engine.model import inputs as inp
from engine.model.actors import SYSTEM
from engine.model.foreign import FOREIGN, code_of, text_of
from engine.plugins import PeriodicTask, ServiceContext, ServiceTask
from engine.ports import OF_ELEMENTS, Due, Head, UnitOfWork

T = TypeVar("T")
Transact = Callable[[Callable[[UnitOfWork], T]], T]

LOOK_AHEAD = 50  # due jobs whose instances others are just working on, before this worker lets them do it
GIVEN_BACK = "GivenBack"  # how an attempt ended that was not begun, because the process stops
SAVES = 20  # times that the end of external work is written while the writer is busy, each for as long as anybody waits for it
INSIDE = (*OF_ELEMENTS, "deliver")  # what an instance does or gets: its row is locked first


class JobRunner:
    """`transact` runs a function in a unit of work that commits when it returns."""

    def __init__(
        self,
        transact: Callable[[Callable[[UnitOfWork], Any]], Any],
        services: Services,
        handlers: Mapping[str, ServiceTask],
        owner: str,
        periodic_tasks: Sequence[PeriodicTask] = (),
        ended: Callable[[Due, str, float], None] = lambda _due, _outcome, _seconds: None,
        something_due: Callable[[], bool] = lambda: True,
    ) -> None:
        self._transact = transact
        self._services = services
        self._handlers = handlers
        self._periodic = {one.name: one for one in periodic_tasks}
        self._owner = owner
        self._leases = Leases()
        self._failures = Failures(transact, services, owner)
        self._ended = ended  # is told of each attempt: the job, how it ended, how long it took
        self.something_due = something_due  # one cheap question that takes no lock, for whoever polls

    def run_one(self, found: Callable[[], None] = lambda: None) -> bool:
        """Run the earliest due job that nobody else is busy with. False when there is none; `found` is called before it runs."""
        picked: list[Due] = []
        outside: list[Callable[[], str]] = []
        start, outcome = time.perf_counter(), "done"
        try:
            ran = bool(self._transact(lambda uow: self._pick_and_run(uow, picked, outside, found)))
        except Exception as exc:
            if passes(exc):
                raise
            if not picked and isinstance(exc, JobUnreadable):
                self._failures.set_aside(exc)
                return True
            if not picked:
                raise
            self._failures.tell(picked[0], exc)
            refused = picked[0].kind == "bulk" and isinstance(exc, Refusal)  # of an item: its answer, and no failure of the job
            ran, outcome = True, "done" if refused else type(exc).__name__
            outside.clear()
        for work in outside:  # the lease is committed: nobody waits for the writer while a handler talks to the world
            outcome = work()
        for due in picked if ran else ():
            self._ended(due, outcome, time.perf_counter() - start)
        return ran

    def give_back(self) -> int:
        """The process stops while external work goes on: others may take those jobs at once. How many; from now on none is begun here."""
        return self._leases.give_back(self._transact, self._owner)

    def _pick_and_run(self, uow: UnitOfWork, picked: list[Due], outside: list[Callable[[], str]], found: Callable[[], None]) -> bool:
        due, head = self._pick(uow, picked)
        if due is None:
            return False
        found()
        outside.clear()  # of an attempt that another node overtook
        self._run(uow, due, head, outside)
        return True

    def _pick(self, uow: UnitOfWork, picked: list[Due]) -> tuple[Due | None, Head | None]:
        """The earliest due job that is free, with its instance, both held. The instance comes first, as in every command: nobody waits in a circle."""
        busy: list[str] = []
        picked.clear()  # of an attempt that another node overtook
        while len(busy) < LOOK_AHEAD:
            due = uow.jobs.next_due(uow.now, busy)
            if due is None:
                break
            busy.append(due.id)
            picked[:] = [due]  # what goes wrong from here on is its failure
            owned = due.instance_id is not None and due.kind in INSIDE
            head = self._head(uow, due) if owned else None
            still = uow.jobs.still_due(due.id, uow.now, hold=not owned) if head is not None or not owned else None
            if still is not None:  # no other node took it meanwhile
                picked[:] = [still]
                return still, head
            picked.clear()
        return None, None

    def _head(self, uow: UnitOfWork, due: Due) -> Head | None:
        """The instance of the job, held; None when somebody is busy with it. Raises NotFound when there is none, as only in a damaged database."""
        head = uow.instances.head(due.instance_id or "", lock=True, wait=False)
        if head is None and uow.instances.head(due.instance_id or "") is None and uow.jobs.get(due.id) is not None:
            raise NotFound(kind="process instance", id=due.instance_id)
        return head

    def _run(self, uow: UnitOfWork, due: Due, head: Head | None, outside: list[Callable[[], str]]) -> None:
        if head is not None:
            self._inside(uow, due, head, outside)
        elif due.kind == "bulk":
            bulk.step(uow, self._services, due)
        elif due.kind == "start":
            starts.start(uow, self._services, due)
        elif due.kind == "missed":
            starts.make_up(uow, self._services, due)
        elif due.kind == "periodic":
            self._at_its_time(uow, due, outside)
        elif due.kind == "notify":
            notifications.spread(uow, self._services, due)
        elif due.kind == "mail":
            self._mail(uow, due, outside)
        elif uow.jobs.remove(due.id):  # no instance is locked here: whoever removes the row, and nobody else, sends
            self._send(uow, due)

    def _inside(self, uow: UnitOfWork, due: Due, head: Head, outside: list[Callable[[], str]]) -> None:
        """`head` is locked."""
        match due.kind:
            case "timer":
                advance(uow, self._services, head, inp.TriggerTimer(due.key or 0), SYSTEM)
            case "service":
                self._service(uow, due, head, outside)
            case "answer":
                advance(uow, self._services, head, codec.decode(dict(due.parameters)), SYSTEM)
            case _:
                messages.reach(uow, self._services, due, head)

    def _send(self, uow: UnitOfWork, due: Due) -> None:
        match due.kind:
            case "message":
                self._message(uow, due)
            case "signal":
                command = cmd.BroadcastSignal(str(due.parameters["name"]), payload_of(due.parameters))
                messages.deliver(uow, self._services, command, SYSTEM, sender=due.instance_id, chain=chain_of(due.parameters))
            case "begin":
                messages.begin(uow, self._services, due, SYSTEM)
            case _:
                pass

    def _message(self, uow: UnitOfWork, due: Due) -> None:
        """A message without a key goes first to whoever shares the sender's business key."""
        name, key = str(due.parameters["name"]), due.parameters.get("correlation_key")
        key = str(key) if key is not None else None
        own = due.parameters.get("business_key")
        if key is None and own is not None:
            found = uow.waiting.match("message", name, str(own), carried(uow, self._services, name, payload_of(due.parameters)))
            key = str(own) if found else None
        messages.publish(uow, self._services, cmd.PublishMessage(name, payload_of(due.parameters), key), SYSTEM, chain=chain_of(due.parameters))

    def _service(self, uow: UnitOfWork, due: Due, head: Head, outside: list[Callable[[], str]]) -> None:
        task = self._handlers.get(due.handler or "")
        if task is None:
            raise ExecutionError(due.element_id, f"no installed pack provides the service task {due.handler!r}")
        context = self._context(uow, due, head)
        if task.transactional:
            advance(uow, self._services, head, _call(task, context, due), SYSTEM)
            return
        alone = replace(context, connection=None, blobs=None)
        self._under_lease(uow, due, outside, lambda: _call(task, alone, due), lambda later, done: self._finish_if_open(later, due, done))

    def _at_its_time(self, uow: UnitOfWork, due: Due, outside: list[Callable[[], str]]) -> None:
        task = self._periodic.get(due.handler or "")
        if task is None:
            periodic.leave(uow, due)
        elif task.transactional:
            periodic.run_inside(uow, task, due)
        else:
            self._under_lease(uow, due, outside, periodic.outside(uow, task, due), lambda later, _: periodic.go_on(later, task, due))

    def _mail(self, uow: UnitOfWork, due: Due, outside: list[Callable[[], str]]) -> None:
        notices = self._services.notices
        if notices is None:
            raise NotifierMissing
        notice = notifications.notice(uow, self._services, due)
        if notice is None:
            uow.jobs.remove(due.id)
        else:
            self._under_lease(uow, due, outside, lambda: notices.notifier.send(notice), lambda later, _: later.jobs.remove(due.id))

    def _under_lease(
        self, uow: UnitOfWork, due: Due, outside: list[Callable[[], str]], work: Callable[[], T], end: Callable[[UnitOfWork, T], object]
    ) -> None:
        """Work outside of any transaction and at least once; `end` is what happens then, with what the work gave."""
        lease.take(uow, due.id, self._owner)
        outside.append(lambda: self._outside(due, work, end))

    def _outside(self, due: Due, work: Callable[[], T], end: Callable[[UnitOfWork, T], object]) -> str:
        if not self._leases.begin(due.id):
            self.give_back()
            return GIVEN_BACK
        try:
            with lease.renewed(self._transact, due.id, self._owner), FOREIGN:
                done = work()
            self._save(lambda later: end(later, done))
        except Exception as exc:  # of foreign code, or of saving what it gave
            if passes(exc):  # no fault of the work: when the lease ends it is done again, with the same key
                raise
            self._failures.tell(due, exc, leased=True)
            return type(exc).__name__
        finally:
            self._leases.end(due.id)
        return "done"

    def _save(self, end: Callable[[UnitOfWork], object]) -> None:
        """What has been done outside is not done again because somebody keeps the writer busy."""
        for _ in range(SAVES - 1):
            with suppress(WriterBusy):
                self._transact(end)
                return
        self._transact(end)

    def _finish_if_open(self, uow: UnitOfWork, due: Due, input: inp.Input) -> None:
        head = uow.instances.head(due.instance_id or "", lock=True)
        if head is None or uow.jobs.get(due.id) is None:
            return
        if head.state == "suspended":
            uow.jobs.keep_answer(due.id, codec.encode(input))
        else:
            advance(uow, self._services, head, input, SYSTEM)

    def _context(self, uow: UnitOfWork, due: Due, head: Head) -> ServiceContext:
        execution = execution_at(uow, self._services, head)
        variables = execution.variables(due.key or 0)
        self._services.live.put(head.instance_id, head.seq, execution)
        return ServiceContext(
            instance_id=head.instance_id,
            business_key=head.business_key,
            process_id=head.process_id,
            element_id=due.element_id,
            job_id=due.id,
            attempt=due.attempts + 1,
            now=uow.now,
            variables=variables,
            parameters=due.parameters,
            idempotency_key=due.id,
            connection=uow.connection,
            records=lambda: uow.records.of(head.instance_id),
            blobs=uow.blobs,
        )


def _call(task: ServiceTask, context: ServiceContext, due: Due) -> inp.Input:
    try:
        with FOREIGN:
            result = dict(task.run(context) or {})
    except BpmnError as exc:
        return inp.ThrowJobError(due.key or 0, code_of(exc), text_of(exc), exc.variables)
    return inp.CompleteJob(due.key or 0, result)
