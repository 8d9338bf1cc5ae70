"""Carries out one due job: everything that it changes commits together with the job's end, or not at all.

A failed attempt is rolled back whole; its count and the next due time are written afterwards. After the last attempt the job's
element stands with an incident.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from engine.application import bulk, definitions, instances, messages, notifications
from engine.application.advance import advance, execution_at
from engine.application.correlation import carried
from engine.application.services import Services
from engine.errors import BpmnError, ConcurrentChange, ExecutionError, NotAvailable, NotifierMissing, Refusal
from engine.jobs import lease, periodic
from engine.jobs.lease import Leases
from engine.jobs.setback import next_attempt
from engine.model import codec, schedule
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
        self._ended = ended  # is told of each attempt: the job, how it ended, how long it took
        self.something_due = something_due  # one cheap question that takes no lock, for whoever polls

    def run_one(self, found: Callable[[], None] = lambda: None) -> bool:
        """Run the earliest due job that nobody else is busy with. False when there is none; `found` is called before it runs."""
        picked: list[Due] = []
        outside: list[Callable[[], str]] = []
        start, outcome = time.perf_counter(), "done"
        try:
            ran = bool(self._transact(lambda uow: self._pick_and_run(uow, picked, outside, found)))
        except (ConcurrentChange, NotAvailable):
            raise
        except Exception as exc:
            if not picked:
                raise
            self._failed(picked[0], exc)
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
        due, head = self._pick(uow)
        if due is None:
            return False
        found()
        picked[:] = [due]
        outside.clear()  # of an attempt that another node overtook
        self._run(uow, due, head, outside)
        return True

    def _pick(self, uow: UnitOfWork) -> tuple[Due | None, Head | None]:
        """The earliest due job that is free, with its instance, both held. The instance comes first, as in every command: nobody waits in a circle."""
        busy: list[str] = []
        while len(busy) < LOOK_AHEAD:
            due = uow.jobs.next_due(uow.now, busy)
            if due is None:
                break
            busy.append(due.id)
            owned = due.instance_id is not None and due.kind in INSIDE
            head = uow.instances.head(due.instance_id or "", lock=True, wait=False) if owned else None
            if owned and head is None:
                continue
            due = uow.jobs.still_due(due.id, uow.now, hold=not owned)  # did another node take it meanwhile?
            if due is not None:
                return due, head
        return None, None

    def _run(self, uow: UnitOfWork, due: Due, head: Head | None, outside: list[Callable[[], str]]) -> None:
        if head is not None:
            self._inside(uow, due, head, outside)
        elif due.kind == "bulk":
            bulk.step(uow, self._services, due)
        elif due.kind == "start":
            self._start(uow, due)
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
                uow.jobs.remove(due.id)
                if head.state == "active":
                    advance(uow, self._services, head, inp.DeliverSignal(str(due.parameters["name"]), _payload(due), _chain(due)), SYSTEM)

    def _send(self, uow: UnitOfWork, due: Due) -> None:
        match due.kind:
            case "message":
                self._message(uow, due)
            case "signal":
                command = cmd.BroadcastSignal(str(due.parameters["name"]), _payload(due))
                messages.deliver(uow, self._services, command, SYSTEM, sender=due.instance_id, chain=_chain(due))
            case "begin":
                definition = self._services.library.definition(uow.definitions, str(due.parameters["definition"]))
                instances.begin(uow, self._services, definition, _payload(due), SYSTEM, start_element=due.element_id, chain=_chain(due))
            case _:
                pass

    def _message(self, uow: UnitOfWork, due: Due) -> None:
        """A message without a key goes first to whoever shares the sender's business key."""
        name, key = str(due.parameters["name"]), due.parameters.get("correlation_key")
        key = str(key) if key is not None else None
        own = due.parameters.get("business_key")
        if key is None and own is not None:
            found = uow.waiting.match("message", name, str(own), carried(uow, self._services, name, _payload(due)))
            key = str(own) if found else None
        messages.publish(uow, self._services, cmd.PublishMessage(name, _payload(due), key), SYSTEM, chain=_chain(due))

    def _start(self, uow: UnitOfWork, due: Due) -> None:
        definition = self._services.library.definition(uow.definitions, str(due.parameters["definition"]))
        if not uow.jobs.remove(due.id, due.due_at):  # the next time of a cycle has the same id
            return
        left = due.parameters["left"]
        plan = schedule.following(str(due.parameters["schedule"]), int(str(left)) if left is not None else None, due.due_at, uow.now)
        if plan is not None:
            uow.jobs.add(definitions.start_job(definition.id, due.element_id, plan))
        instances.begin(uow, self._services, definition, {}, SYSTEM, start_element=due.element_id)

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
            self._transact(lambda later: end(later, done))
        except NotAvailable:  # no fault of the work: when the lease ends it is done again, with the same key
            raise
        except Exception as exc:  # noqa: BLE001 - as in run_one
            self._failed(due, exc, leased=True)
            return type(exc).__name__
        finally:
            self._leases.end(due.id)
        return "done"

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

    def _failed(self, due: Due, exc: Exception, *, leased: bool = False) -> None:
        if due.kind == "bulk" and isinstance(exc, Refusal):
            self._transact(lambda uow: bulk.refuse(uow, self._services, due, exc))
            return
        cause = f"{type(exc).__name__}: {exc}" if not isinstance(exc, ExecutionError) else exc.cause
        stack = "".join(traceback.format_exception(exc))[-20_000:]
        self._transact(lambda uow: self._record_failure(uow, due, exc, cause, stack, leased=leased))

    def _record_failure(self, uow: UnitOfWork, due: Due, exc: Exception, cause: str, stack: str, *, leased: bool) -> None:
        head = uow.instances.head(due.instance_id, lock=True) if due.instance_id else None
        held = uow.jobs.get(due.id)
        # It ended meanwhile, an operator has let it fail, or another worker failed with it since this attempt was rolled back.
        if held is None or held.state == "failed" or held.attempts != due.attempts:
            return
        if leased and not lease.keep(uow, due.id, self._owner):  # another worker took it over: its attempt decides
            return
        attempts, suspended = due.attempts + 1, held.state == "suspended"
        final = attempts >= due.retries or isinstance(exc, ExecutionError)
        if suspended or not final:  # of what is suspended the last attempt is made after it was resumed
            uow.jobs.postpone(due.id, min(attempts, due.retries - 1), uow.now if suspended else next_attempt(due, uow.now), stack)
        elif due.kind == "bulk":
            bulk.refuse(uow, self._services, due, exc)
        else:
            uow.jobs.postpone(due.id, attempts, None, stack)
            if head is not None and head.state == "active" and due.key is not None and due.kind in OF_ELEMENTS:
                advance(uow, self._services, head, inp.FailJob(due.key, held.element_id, cause, tracked=True), SYSTEM)


def _call(task: ServiceTask, context: ServiceContext, due: Due) -> inp.Input:
    try:
        with FOREIGN:
            result = dict(task.run(context) or {})
    except BpmnError as exc:
        return inp.ThrowJobError(due.key or 0, code_of(exc), text_of(exc), exc.variables)
    return inp.CompleteJob(due.key or 0, result)


def _chain(due: Due) -> int:
    return int(str(due.parameters.get("chain", 0)))


def _payload(due: Due) -> dict[str, Any]:
    payload = due.parameters.get("payload")
    return dict(payload) if isinstance(payload, Mapping) else {}
