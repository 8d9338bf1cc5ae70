"""A running process instance and the scopes inside it, as SpiffWorkflow workflows that keep indexes instead of searching a tree.

`InstanceWorkflow` is the instance: queue of ready tokens, counter of ids, journal of events, incidents. `ScopeWorkflow` is a running subprocess,
called process or event subprocess. A scope ends when no token is left in it.
"""

from __future__ import annotations

from collections import Counter, deque
from datetime import datetime
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.exceptions import TaskNotFoundException
from SpiffWorkflow.util.task import TaskState

from engine.bpmn.budget import Budget
from engine.bpmn.data_stores import StoreAccess
from engine.bpmn.event_hub import EventHub
from engine.bpmn.failure import ElementFailure
from engine.bpmn.scope import Scope
from engine.errors import BpmnError, ExecutionError, ExpressionError, InvalidInput
from engine.model.events import (
    Event,
    IncidentRaised,
    IncidentResolved,
    InstanceCompleted,
    InstanceFailed,
    VariableExtended,
    VariableRemoved,
    VariableSet,
)

if TYPE_CHECKING:
    from engine.bpmn.compensation import Compensation, Completed
    from engine.bpmn.evaluation import ScriptEngine
    from engine.bpmn.limits import Limits
    from engine.bpmn.process_spec import ProcessSpec
    from engine.bpmn.token import Token


CHANGES = frozenset({VariableSet, VariableExtended, VariableRemoved})


class ScopeMixin:
    """What the instance and its inner scopes share: open tokens, joins, variable scope."""

    spec: ProcessSpec
    tasks: dict[int, Token]
    top_workflow: Any
    completed: bool

    def set_up(self, key: int, scope: Scope) -> None:
        self.key = key
        self.scope = scope
        self.population: Counter[str] = Counter()  # open tokens by element id
        self.joins: dict[str, list[Token]] = {}  # waiting lead tokens of joins, oldest first
        self.compensable: list[Completed] = []
        self.interrupted = False  # an interrupting event subprocess has taken over
        self.revived = False  # a finished scope that lives again while its compensation handlers run
        self.started: list[str] | None = None  # ad-hoc: what was already started
        self.starting_at: str | None = None
        self.subscriptions: list[int] = []  # of its event subprocesses
        self.memory: dict[str, Any] = {}

    @property
    def data(self) -> Scope | None:
        return getattr(self, "scope", None)

    @data.setter
    def data(self, value: Any) -> None:
        """SpiffWorkflow's own dict is not used: variables live in scopes."""

    def register(self, token: Token) -> None:
        self.tasks[token.id] = token
        self.population[token.element] += 1
        self.top_workflow.tokens[token.id] = token

    def drop(self, token: Token) -> None:
        """Forget a finished token."""
        del self.tasks[token.id]
        del self.top_workflow.tokens[token.id]
        self.population[token.element] -= 1
        if not self.population[token.element]:
            del self.population[token.element]
        self.top_workflow.touched[self.key] = None

    def begin(self) -> None:
        """Queue the scope's start."""
        self.spec.start.arrive(self)

    def cancel_tokens(self, keep: Token | None = None) -> None:
        for token in list(self.tasks.values()):
            if token is not keep and token.driver is None:
                token.cancel()

    def update_waiting_tasks(self) -> None:
        """Nothing is polled."""

    def is_completed(self) -> bool:
        return bool(self.completed)

    def _task_completed_notify(self, task: Token) -> None:
        if self.spec.ad_hoc is not None and not self.completed:
            self.spec.after_inner_activity(self, task)

    def get_tasks_iterator(self, first_task: Token | None = None, **kwargs: Any) -> Any:
        state = kwargs.get("state", TaskState.ANY_MASK)
        return iter([token for token in self.tasks.values() if token._state & state])


class ScopeWorkflow(ScopeMixin, BpmnSubWorkflow):
    """A running subprocess, event subprocess, transaction or called process; its key is that of the token that holds it."""

    def __init__(self, spec: ProcessSpec, holder: Token, scope: Scope, key: int | None = None) -> None:
        self.holder = holder
        top = holder.workflow.top_workflow
        super().__init__(spec, parent_task_id=holder.id, top_workflow=top, deserializing=True)
        self.set_up(holder.id if key is None else key, scope)
        top.live[self.key] = self

    @property
    def parent_workflow(self) -> Any:
        return self.holder.workflow

    def _calculate_depth(self) -> int:
        depth = int(self.holder.workflow.depth) + 1
        limit = self.top_workflow.limits.nesting
        if depth > limit:
            raise ElementFailure(f"subprocesses and calls are nested deeper than {limit}")
        return depth

    def finish(self) -> None:
        """No token is left."""
        self.close()
        self.holder.task_spec.scope_done(self.holder, self)

    def close(self) -> None:
        self.completed = True
        self.top_workflow.event_manager.close_scope(self)
        self.top_workflow.live.pop(self.key, None)

    def withdraw(self) -> None:
        """Cancel everything in it."""
        for token in list(self.tasks.values()):
            token.cancel()
        self.close()


class InstanceWorkflow(ScopeMixin, BpmnWorkflow):
    """The process instance. Overrides the engine loop (a queue), task look-up, and everything that would search."""

    def __init__(self, spec: ProcessSpec, engine: ScriptEngine, limits: Limits, compensation: Compensation) -> None:
        self.limits = limits
        self.budget = Budget(limits)
        self.compensation = compensation
        self.counter = 0
        self.tokens: dict[int, Token] = {}
        self.live: dict[int, Any] = {}
        self.queue: deque[Token] = deque()
        self.listening: deque[Token] = deque()  # runs before the queue: nodes that only begin to wait for a signal
        self.touched: dict[int, None] = {}  # scopes that lost a token
        self.or_joins: dict[tuple[int, str], None] = {}  # joins to be decided when nothing else moves
        self.incidents: dict[int, str] = {}
        self.stores = StoreAccess(self)
        self.continuations: dict[int, int] = {}  # job -> token that waits for it (`engine.bpmn.continuation`)
        self.events: list[Event] = []
        self.changed = False
        self.ended: str | None = None  # completed, failed, cancelled
        self.suspended = False
        self.undoable: dict[str, Any] | None = None  # the state before the migration that came last (`engine.bpmn.migration`)
        self.failure: str | None = None
        self.now: datetime | None = None
        super().__init__(spec, script_engine=engine, deserializing=True)
        self.set_up(0, Scope(0, None, self.tell))
        self.event_manager = EventHub(self)
        self.live[0] = self

    # --- ids and journal --------------------------------------------------------------------------------------------
    def next_key(self) -> int:
        self.counter += 1
        return self.counter

    def tell(self, event: Event) -> None:
        if type(event) in CHANGES and (self.event_manager.conditions or self.event_manager.bound):
            self.changed = True
        self.budget.told(event)
        self.events.append(event)

    def take_events(self) -> tuple[Event, ...]:
        events, self.events = tuple(self.events), []
        return events

    def admit(self, count: int) -> None:
        """Raise unless `count` more tokens may live."""
        if len(self.tokens) + count > self.limits.elements:
            raise ElementFailure(f"more than {self.limits.elements} elements would be open at once")
        self.budget.admitted(count)

    # --- SpiffWorkflow's look-ups -----------------------------------------------------------------------------------
    def get_task_from_id(self, task_id: int) -> Token:
        try:
            return self.tokens[task_id]
        except KeyError:
            raise TaskNotFoundException(f"no open element instance {task_id}", task_spec=self.spec) from None

    def get_active_subprocesses(self) -> list[Any]:
        return [scope for key, scope in self.live.items() if key]

    def create_subprocess(self, my_task: Token, spec_name: ProcessSpec, scope: Scope | None = None) -> ScopeWorkflow:
        return ScopeWorkflow(spec_name, my_task, Scope(my_task.id, my_task.scope, self.tell) if scope is None else scope)

    def refresh_timers(self) -> None:
        """Timers are jobs; they come in as inputs."""

    # --- the engine loop --------------------------------------------------------------------------------------------
    def do_engine_steps(self, will_complete_task: Any = None, did_complete_task: Any = None) -> None:
        """Run what is ready, oldest first, until everything waits. Raises nothing that a diagram causes."""
        while self.ended is None:
            self.settle()
            if self.listening or self.queue:
                token = (self.listening or self.queue).popleft()
                if not token._state & TaskState.READY or token.id in self.incidents:
                    continue
                cause = self.budget.used_up()
                if cause is not None:
                    self.raise_incident(token, cause)
                    return
                self.attempt(token, token.run)
            elif not self.quiesce():
                return

    def attempt(self, token: Token, work: Any) -> None:
        """Do `work` for `token`: a BPMN error is thrown in the diagram, any other failure becomes an incident.

        Not while the token stands with an incident: a retry does it then.
        """
        if token.id in self.incidents:
            return
        try:
            work()
        except BpmnError as error:
            self.event_manager.throw_error(token, error.code, error.variables, str(error))
        except (ExpressionError, ExecutionError, InvalidInput) as failure:
            self.raise_incident(token, failure.cause if isinstance(failure, ExecutionError) else str(failure))

    def settle(self) -> None:
        """End scopes that have no token left; look at conditional events when variables changed."""
        hub = self.event_manager
        while self.ended is None and (self.touched or self.changed or hub.unseen):
            while self.touched and self.ended is None:
                key = next(iter(self.touched))
                del self.touched[key]
                scope = self.live.get(key)
                if scope is not None and not scope.tasks and not scope.revived:
                    if not scope.spec.stays_open(scope):
                        scope.finish()
                elif scope is not None:
                    hub.complete_scope(scope)
            if self.changed:
                self.changed = False
                hub.rekey(list(hub.bound))
                hub.check_conditions(every=True)
            elif hub.unseen and self.ended is None:
                hub.check_conditions(every=False)

    def quiesce(self) -> bool:
        """Nothing is ready: decide joins that depend on where the other tokens are; then those that wait only for each other."""
        for lenient in (False, True):
            for key, name in list(self.or_joins):
                scope = self.live.get(key)
                if scope is None or not scope.spec.task_specs[name].undecided(scope):
                    self.or_joins.pop((key, name), None)
                elif scope.spec.task_specs[name].decide(scope, lenient):
                    return True
        return False

    # --- endings ----------------------------------------------------------------------------------------------------
    def finish(self) -> None:
        self.completed = True
        self.ended = "completed"
        self.event_manager.close_scope(self)
        self.tell(InstanceCompleted())

    def fail(self, reason: str) -> None:
        self.stop()
        self.ended, self.failure = "failed", reason
        self.tell(InstanceFailed(reason))

    def stop(self) -> None:
        """Withdraw everything that is open."""
        self.completed = True
        for token in list(self.tasks.values()):
            token.cancel()
        self.event_manager.close_scope(self)
        self.queue.clear()
        self.listening.clear()

    def raise_incident(self, token: Token, cause: str) -> None:
        self.note_incident(token.id, token.element, cause)

    def note_incident(self, key: int, element: str, cause: str) -> None:
        """What stands already keeps its first incident: nothing is tried for it until somebody resolves that one."""
        if key not in self.incidents:
            self.incidents[key] = cause
            self.tell(IncidentRaised(key, element, cause))

    def forget_incident(self, key: int) -> None:
        """Of a token, a timer's job or a condition."""
        if self.incidents.pop(key, None) is not None:
            self.tell(IncidentResolved(key))
