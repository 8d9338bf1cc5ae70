"""Migration of a running instance to another version of its process, and taking that back (docs/interventions.md).

The present state is rewritten (`migration_state`) and restored under the new version; the old execution is not touched, so the same code answers whether it
would work. Boundary events, event subprocesses and events behind an event-based gateway that only the new version has are armed, those that it lacks are
disarmed; what both have keeps its key and due date. The state from before is kept until the next movement: taking a migration back restores it.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from engine.bpmn import snapshot as snapshots
from engine.bpmn.compensation import Compensation
from engine.bpmn.computed import optional
from engine.bpmn.gateways import EventBasedGateway
from engine.bpmn.migration_state import Rewriting, own_scopes, state_of
from engine.bpmn.subscription import BOUNDARY, RACE, START, Subscription
from engine.bpmn.token import CHOOSE, WAIT, Token
from engine.bpmn.version_plan import judge
from engine.bpmn.workflow import InstanceWorkflow
from engine.errors import BpmnError, ExecutionError, ExpressionError, InvalidInput, MigrationNotUndone, MigrationProblem, MigrationRefused
from engine.model import inputs
from engine.model.events import IncidentResolved, JobCreated, JobEnded, SubscriptionClosed
from engine.model.migration import ElementMigrated, InstanceMigrated, UserTaskChanged
from engine.model.values import iso
from engine.ports import FIND_CALLED

FAILURES = (ExpressionError, ExecutionError, BpmnError, InvalidInput)


def migrated(top: InstanceWorkflow, spec: Any, movement: inputs.MigrateInstance) -> InstanceWorkflow:
    """The instance under `spec`, with what happened on the way told. Raises MigrationRefused with every problem, MigrationNotUndone."""
    if movement.undoes:
        return _taken_back(top, spec, movement)
    wrong = judge(top.spec.container, spec.container, movement.plan)
    if wrong:
        raise MigrationRefused(problems=wrong, target=movement.definition)
    rewriting = Rewriting(top, spec, movement.plan, lambda process_id: _pinned(top, movement.source, process_id))
    data = rewriting.run()
    if rewriting.problems:
        raise MigrationRefused(problems=rewriting.problems, target=movement.definition)
    made = _restored(top, spec, data)
    made.undoable = state_of(top)
    made.tell(InstanceMigrated(movement.source, movement.definition, spec.container.id))
    telling, arming = _Telling(top, made), _Arming(top, made, movement.plan)
    telling.run()
    arming.run()
    if telling.problems or arming.problems:
        raise MigrationRefused(problems=[*telling.problems, *arming.problems], target=movement.definition)
    return made


def _taken_back(top: InstanceWorkflow, spec: Any, movement: inputs.MigrateInstance) -> InstanceWorkflow:
    if top.undoable is None:
        raise MigrationNotUndone
    data = deepcopy(top.undoable)
    data["counter"] = top.counter  # keys that were given out since are not given out again
    known = top.event_manager.subscriptions
    reopened = {row[0] for row in data["subscriptions"]} - known.keys()
    data["incidents"] = [one for one in data["incidents"] if one[0] not in reopened]  # its job is due anew
    made = _restored(top, spec, data)
    made.tell(InstanceMigrated(movement.source, movement.definition, spec.container.id))
    _Telling(top, made).run()
    return made


def _restored(top: InstanceWorkflow, spec: Any, data: dict[str, Any]) -> InstanceWorkflow:
    made = InstanceWorkflow(spec, top.script_engine, top.limits, Compensation())
    snapshots.restore(made, data)
    made.now = top.now
    return made


def _pinned(top: InstanceWorkflow, source: str, process_id: str) -> str | None:
    """A recorded call, as the newest version of a process that an expression names."""
    found: Any = top.script_engine.sandbox.call(FIND_CALLED, (source, process_id), {})
    return None if found is None else str(found["definition"])


class _Telling:
    """What is another than before, as events of the new one."""

    def __init__(self, before: InstanceWorkflow, after: InstanceWorkflow) -> None:
        self.before, self.after = before, after
        self.problems: list[MigrationProblem] = []

    def run(self) -> None:
        old, new = self.before.event_manager.subscriptions, self.after.event_manager.subscriptions
        for key, one in old.items():
            if key not in new and one.kind != "conditional":
                self.after.tell(JobEnded(key, "cancelled") if one.kind == "timer" else SubscriptionClosed(key))
        for key in self.before.incidents:
            if key not in self.after.incidents:
                self.after.tell(IncidentResolved(key))
        for token in self.after.tokens.values():
            self._token(token, self.before.tokens[token.id])
        for key, token_id in self.after.continuations.items():
            self._moved(key, self.before.tokens[token_id].element, self.after.tokens[token_id].element)
        for key, one in new.items():
            if key in old:
                self._moved(key, old[key].node.id, one.node.id)
            else:
                self._opened(one)

    def _token(self, token: Token, was: Token) -> None:
        if token.task_spec.reported:
            self._moved(token.id, was.element, token.element)
        node, old = token.task_spec.node, was.task_spec.node
        if token.memory.get("offered") and (node.name, node.assignment.form_key) != (old.name, old.assignment.form_key):
            try:
                form_key = optional(self.after.script_engine.fill(token.scope, node.assignment.form_key), "the form key")
            except FAILURES as exc:
                self.problems.append(MigrationProblem("form", was.element, token.element, _cause(exc)))
            else:
                self.after.tell(UserTaskChanged(token.id, node.name, form_key))

    def _moved(self, key: int, element: str, target: str) -> None:
        if element != target:
            self.after.tell(ElementMigrated(key, element, target))

    def _opened(self, one: Subscription) -> None:
        """It was disarmed and waits again."""
        if one.schedule is not None:
            retry = one.node.retry
            self.after.tell(JobCreated(one.key, one.node.id, "timer", iso(one.schedule.due), retries=retry.attempts, backoff=retry.backoff))
        elif one.kind != "conditional":
            self.after.event_manager.tell_opened(one)


class _Arming:
    """What only the new version waits for; what it waits for under another name."""

    def __init__(self, before: InstanceWorkflow, after: InstanceWorkflow, plan: Mapping[str, str]) -> None:
        self.before, self.after, self.plan = before, after, plan
        self.hub = after.event_manager
        self.problems: list[MigrationProblem] = []

    def run(self) -> None:
        own = own_scopes(self.after)
        for key, one in list(self.hub.subscriptions.items()):
            if one.workflow.key in own:
                self._renewed(one, self.before.event_manager.subscriptions[key])
        for key in [key for key in self.after.live if key in own]:
            self._scope(self.after.live[key], self.before.live[key])

    def _renewed(self, one: Subscription, was: Subscription) -> None:
        """A message or signal of another name, or with another key; a condition that reads otherwise. Timers keep what they have."""
        new, old = one.definition, was.definition
        if one.kind == "conditional" and new.text != old.text:
            one.held = False
            self.hub.unseen[one.key] = None
        elif one.kind in ("message", "signal") and (new.name, new.correlation, new.keys) != (old.name, old.correlation, old.keys):
            try:
                self.hub.renew(one)
            except FAILURES as exc:
                self._failed(was.node.id, one.node.id, exc)

    def _scope(self, scope: Any, was: Any) -> None:
        begun = not any(token.task_spec is scope.spec.start for token in scope.tasks.values())
        if begun:
            for name in scope.spec.container.objects:
                if name not in was.spec.container.objects and name not in scope.scope.vars:
                    scope.scope.declare(name, None)
            self._event_subprocesses(scope, was)
        for token in list(scope.tasks.values()):
            self._token(token, self.before.tokens[token.id])

    def _event_subprocesses(self, scope: Any, was: Any) -> None:
        """While only event subprocesses run in a scope no new ones begin (section 13.5.4)."""
        over = scope.tasks and all(token.task_spec.is_event_subprocess for token in scope.tasks.values())
        if scope.interrupted or scope.revived or over:
            return
        known = {(self.plan.get(spec.name), self.plan.get(start)) for spec, start in was.spec.event_starts_inside}
        for spec, start in scope.spec.event_starts_inside:
            if (spec.name, start) not in known:
                self._await(START, spec, scope, None, scope.scope, start)

    def _token(self, token: Token, was: Token) -> None:
        spec = token.task_spec
        if "async" in token.memory:  # before it nothing waits yet, after it nothing does any more
            return
        if spec.is_activity and spec.waits and token.armed and token.phase != CHOOSE:
            known = {self.plan.get(one.name) for one in was.task_spec.boundaries}
            for boundary in spec.boundaries:
                if boundary.name not in known:
                    self._await(BOUNDARY, boundary, token.workflow, token, token.scope)
        elif isinstance(spec, EventBasedGateway) and token.phase == WAIT and not spec.node.parallel_events:
            known = {self.plan.get(flow.target) for flow in was.task_spec.node.outgoing}
            for target in [spec.process.task_specs[flow.target] for flow in spec.node.outgoing]:
                if target.name not in known:
                    self._await(RACE, target, token.workflow, token, token.scope)
            if not token.subscriptions:
                self.problems.append(MigrationProblem("race", was.element, token.element))

    def _await(self, role: str, spec: Any, workflow: Any, owner: Token | None, scope: Any, start: str | None = None) -> None:
        try:
            self.hub.await_events(role, spec, workflow, owner, scope, start)
        except FAILURES as exc:
            self._failed("", start or spec.name, exc)

    def _failed(self, element: str, target: str, exc: Exception) -> None:
        self.problems.append(MigrationProblem("arming", element, target, _cause(exc)))


def _cause(exc: Exception) -> str:
    return (exc.cause if isinstance(exc, ExecutionError) else str(exc))[:500]
