"""Events inside one instance: who waits for what, who gets what is thrown (BPMN 2.0.2 sections 10.5 and 13.5).

Messages, signals, timers and conditions are subscriptions, indexed; errors and escalations need none, because their catchers are found on the way
outwards from where they are thrown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.util.event import EventManager

from engine.bpmn.failure import ElementFailure
from engine.bpmn.subscription import BOUNDARY, RACE, START, Subscription
from engine.bpmn.templates import template
from engine.bpmn.timers import anchored, looks_iso
from engine.errors import BpmnError, ExpressionError
from engine.model.events import JobCreated, JobEnded, SubscriptionClosed, SubscriptionOpened
from engine.model.schedule import Plan, first, following
from engine.model.values import iso

if TYPE_CHECKING:
    from engine.bpmn.diagram import Definition
    from engine.bpmn.scope import Scope
    from engine.bpmn.token import Token

WAITED_FOR = ("message", "signal", "timer", "conditional")


@dataclass(frozen=True, slots=True)
class Thrown:
    """An error or escalation on its way outwards. `reference`: id of the error element, for errors without a code."""

    kind: str
    code: str | None
    reference: str = ""

    def caught_by(self, definition: Definition) -> int:
        """0: not; 1: because it catches all; 2: because it names this one."""
        if definition.kind != self.kind:
            return 0
        if definition.code is not None:
            return 2 if definition.code == self.code else 0
        if definition.name and definition.name == self.reference:
            return 2
        return 1 if not definition.name or self.code is not None else 0


class EventHub(EventManager):
    """Replaces SpiffWorkflow's scan over all waiting tasks by an index of subscriptions."""

    def __init__(self, workflow: Any) -> None:
        super().__init__(workflow)
        self.subscriptions: dict[int, Subscription] = {}
        self.signals: dict[str, dict[int, Subscription]] = {}
        self.conditions: dict[int, Subscription] = {}

    # --- waiting ----------------------------------------------------------------------------------------------------
    def await_events(self, role: str, spec: Any, workflow: Any, owner: Token | None, scope: Scope, start: str | None = None) -> None:
        """Open a subscription for every event definition of the node that can be waited for."""
        node = spec.start_node(start) if role == START else spec.node
        wanted = [self._prepare(node, index, d, scope) for index, d in enumerate(node.definitions) if d.kind in WAITED_FOR]
        for index, definition, name, due, correlation in wanted:
            one = Subscription(0, definition.kind, name, role, spec, index, workflow, owner.id if owner is not None else None, start, due)
            self.open(one, correlation)

    def _prepare(self, node: Any, index: int, definition: Definition, scope: Scope) -> tuple[int, Definition, str, Plan | None, str | None]:
        engine = self.workflow.script_engine
        name, due, correlation = definition.name, None, None
        if definition.kind == "timer":
            due = self._due(definition, scope)
        elif definition.kind in ("message", "signal"):
            name = str(engine.fill(scope, template(name)) or "")
            correlation = self.correlation(definition, scope)
        return index, definition, name, due, correlation

    def correlation(self, definition: Definition, scope: Scope) -> str | None:
        """The evaluated correlation key of a message."""
        try:
            key = self.workflow.script_engine.fill(scope, definition.correlation)
        except ExpressionError:
            if not definition.correlation_may_fail:
                raise
            return None
        return None if key is None else str(key)

    def _due(self, definition: Definition, scope: Scope) -> Plan:
        text = definition.text
        if not looks_iso(text):
            value = self.workflow.script_engine.sandbox.evaluate(text, scope)
            if not isinstance(value, str):
                raise ElementFailure(f"the timer expression {text!r} gives {value!r}, not an ISO 8601 text")
            text = value
        return anchored(first(text, self.workflow.now), self.workflow.now)

    def open(self, one: Subscription, correlation: str | None = None) -> None:
        """Give it a key, index it, tell the outside."""
        top = self.workflow
        one.key = top.next_key()
        self.index(one)
        holder = top.tokens[one.owner] if one.owner is not None else one.workflow
        holder.subscriptions.append(one.key)
        if one.kind == "timer":
            assert one.schedule is not None
            retry = one.node.retry
            top.tell(JobCreated(one.key, one.node.id, "timer", iso(one.schedule.due), retries=retry.attempts, backoff=retry.backoff))
        elif one.kind == "conditional":
            top.changed = True
        else:
            top.tell(SubscriptionOpened(one.key, one.node.id, one.kind, one.name, correlation))

    def index(self, one: Subscription) -> None:
        self.subscriptions[one.key] = one
        if one.kind == "signal":
            self.signals.setdefault(one.name, {})[one.key] = one
        elif one.kind == "conditional":
            self.conditions[one.key] = one

    # --- no longer waiting --------------------------------------------------------------------------------------------
    def close(self, key: int, reason: str = "cancelled") -> None:
        one = self.subscriptions.pop(key, None)
        if one is None:
            return
        if one.kind == "timer":
            self.workflow.tell(JobEnded(key, reason))
            self.workflow.forget_incident(key)
        elif one.kind == "conditional":
            del self.conditions[key]
        else:
            self.workflow.tell(SubscriptionClosed(key))
            if one.kind == "signal":
                del self.signals[one.name][key]
                if not self.signals[one.name]:
                    del self.signals[one.name]

    def close_all(self, holder: Any) -> None:
        """Everything that a token or scope waits for."""
        for key in holder.subscriptions:
            self.close(key)
        holder.subscriptions.clear()

    def close_scope(self, workflow: Any) -> None:
        if workflow.subscriptions:
            self.close_all(workflow)

    def complete_scope(self, workflow: Any) -> None:
        """While only event subprocesses run in a scope no new ones begin (section 13.5.4)."""
        if workflow.subscriptions and all(token.task_spec.is_event_subprocess for token in workflow.tasks.values()):
            self.close_all(workflow)
            workflow.interrupted = True

    # --- happening ----------------------------------------------------------------------------------------------------
    def fire(self, one: Subscription, payload: Mapping[str, Any] | None = None) -> None:
        """The awaited event happened."""
        if payload:
            self._deliver(one, payload)
        if one.node.parallel_multiple and len(one.node.definitions) > 1 and not self._all_seen(one):
            return
        if one.role == RACE:
            gateway = self.workflow.tokens[one.owner]
            gateway.task_spec.won(gateway, one)
        else:
            one.spec.fired(one)

    def _deliver(self, one: Subscription, payload: Mapping[str, Any]) -> None:
        scope = one.workflow.scope
        if one.owner is not None and one.role != BOUNDARY:
            scope = self.workflow.tokens[one.owner].scope
        if one.definition.variable:
            scope.assign(one.definition.variable, dict(payload))
        else:
            scope.assign_all(payload)

    def _all_seen(self, one: Subscription) -> bool:
        """A parallel multiple event waits for each of its definitions (section 10.5.5)."""
        memory = self.workflow.tokens[one.owner].memory if one.owner is not None else one.workflow.memory
        seen = memory.setdefault("seen", {}).setdefault(one.node.id, [])
        if one.index not in seen:
            seen.append(one.index)
        if len(seen) < len(one.node.definitions):
            return False
        seen.clear()
        return True

    def trigger_timer(self, key: int) -> None:
        """The timer job is due; a cycle gets its next job, from the moment at which this one was due."""
        one = self.subscriptions[key]
        assert one.schedule is not None
        upcoming = following(one.schedule.text, one.schedule.left, one.schedule.due) if one.spec.repeats(one) else None
        self.close(key, "triggered")
        holder = self.workflow.tokens[one.owner] if one.owner is not None else one.workflow
        holder.subscriptions.remove(key)
        if upcoming is not None:
            self.open(Subscription(0, "timer", "", one.role, one.spec, one.index, one.workflow, one.owner, one.start, upcoming))
        one.schedule = upcoming
        self.fire(one)

    def signal(self, name: str, payload: Mapping[str, Any]) -> None:
        """Every catcher of this instance gets it."""
        for key in list(self.signals.get(name, ())):
            one = self.subscriptions.get(key)
            if one is not None:
                self.fire(one, payload)

    def check_conditions(self) -> None:
        """Fire conditional events whose condition has become true (not: has stayed true)."""
        for key in list(self.conditions):
            one = self.conditions.get(key)
            if one is None:
                continue
            holds, was = self._holds(one), one.held
            one.held = holds
            if holds and not was:
                self.fire(one)

    def _holds(self, one: Subscription) -> bool:
        owner = self.workflow.tokens[one.owner] if one.owner is not None else None
        scope = owner.scope if owner is not None else one.workflow.scope
        try:
            return bool(self.workflow.script_engine.true(one.definition.text, scope))
        except (ExpressionError, BpmnError):
            return False  # a variable that does not exist yet

    # --- errors and escalations -----------------------------------------------------------------------------------------
    def throw_error(self, token: Token, code: str | None, variables: Mapping[str, Any] | None = None, message: str = "", reference: str = "") -> None:
        """An error runs outwards to its catcher; without one the instance fails (section 10.5.7)."""
        if not self.propagate(token, Thrown("error", code, reference), variables, message):
            self.workflow.fail(f"uncaught error event {code or reference or ''}".rstrip())

    def propagate(self, token: Token, thrown: Thrown, variables: Mapping[str, Any] | None = None, message: str = "") -> bool:
        """Find the innermost catcher and start it. False: there is none."""
        for spec, host, workflow, start in self._catchers(token, thrown):
            definition = next(d for d in spec.start_node(start).definitions if thrown.caught_by(d)) if start else _catching(spec.node, thrown)
            scope = workflow.scope
            scope.assign_all(variables or {})
            if definition.code_variable:
                scope.assign(definition.code_variable, thrown.code)
            if definition.message_variable:
                scope.assign(definition.message_variable, message)
            spec.caught(workflow, host, start)
            return True
        return False

    def _catchers(self, token: Token, thrown: Thrown) -> Iterator[tuple[Any, Token | None, Any, str | None]]:
        """Catchers from inside to outside: (flow node, activity that it is attached to, scope, start event)."""
        host: Token | None = token
        while host is not None:
            carrier: Token | None = host
            while carrier is not None:
                yield from self._best(thrown, ((b, carrier, carrier.workflow, None) for b in carrier.task_spec.boundaries), lambda c: c[0].node)
                carrier = self.workflow.tokens.get(carrier.body) if carrier.body is not None else None
            workflow = host.workflow
            if not workflow.interrupted:
                inside = host.task_spec
                armed = ((s, None, workflow, n) for s, n in workflow.spec.event_starts_inside if s is not inside)
                yield from self._best(thrown, armed, lambda c: c[0].start_node(c[3]))
            host = getattr(workflow, "holder", None)

    def _best(self, thrown: Thrown, candidates: Any, node_of: Any) -> Iterator[Any]:
        ranked = [(max((thrown.caught_by(d) for d in node_of(c).definitions), default=0), c) for c in candidates]
        for rank in (2, 1):
            yield from (candidate for found, candidate in ranked if found == rank)


def _catching(node: Any, thrown: Thrown) -> Definition:
    return next(d for d in node.definitions if thrown.caught_by(d))  # type: ignore[no-any-return]
