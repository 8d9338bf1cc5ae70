"""Events inside one instance: who waits for what, who gets what is thrown (BPMN 2.0.2 sections 10.5 and 13.5).

Messages, signals, timers and conditions are subscriptions, indexed; errors and escalations need none, because their catchers are found on the way
outwards from where they are thrown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.util.event import EventManager

from engine.bpmn import correlation
from engine.bpmn import payload as payloads
from engine.bpmn.failure import ElementFailure
from engine.bpmn.subscription import BOUNDARY, RACE, START, Subscription
from engine.bpmn.timers import CHAIN, looks_iso, planned
from engine.errors import BpmnError, ExpressionError, ExpressionStopped, ValueMissing
from engine.model.events import JobCreated, JobEnded, SubscriptionClosed, SubscriptionOpened
from engine.model.schedule import SHORTEST_CYCLE, Plan, following
from engine.model.values import iso

if TYPE_CHECKING:
    from engine.bpmn.diagram import Definition, Node
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
        self.unseen: dict[int, None] = {}  # conditions that nobody has looked at yet
        self.payload: Mapping[str, Any] | None = None  # of the event that is just happening (`engine.bpmn.payload`)
        self.bound: dict[int, Subscription] = {}  # messages whose correlation key follows the instance's data
        self.chain = 0  # so many timers that were due at once led to the present command
        self.cause = 0  # so many messages and signals did (`engine.model.chains`)
        self.sent = 0  # by the present command

    # --- waiting ----------------------------------------------------------------------------------------------------
    def await_events(self, role: str, spec: Any, workflow: Any, owner: Token | None, scope: Scope, start: str | None = None) -> None:
        """Open a subscription for every event definition of the node that can be waited for."""
        node = spec.start_node(start) if role == START else spec.node
        by = owner.id if owner is not None else None
        wanted = [
            self._prepare(Subscription(0, d.kind, d.name, role, spec, index, workflow, by, start), owner, scope)
            for index, d in enumerate(node.definitions)
            if d.kind in WAITED_FOR
        ]
        for one in wanted:
            if one.schedule is not None and self._at_once(one.schedule):
                one.chain = self.chain + 1
            self.open(one)

    def _prepare(self, one: Subscription, owner: Token | None, scope: Scope) -> Subscription:
        """Evaluate what the definition leaves open, while it can still fail."""
        if one.kind == "timer":
            one.name, one.schedule = "", self._due(one.definition, scope)
        elif one.kind in ("message", "signal"):
            one.name = self.workflow.script_engine.event_name(scope, one.definition)
            one.correlation, one.retrieval = correlation.awaited(one.workflow, owner, one.definition, scope)
        return one

    def rekey(self, keys: Iterable[int] | None = None) -> None:
        """Correlation keys may have got other values: tell those that changed (of all subscriptions, or of these)."""
        for one in [self.subscriptions[key] for key in (self.subscriptions if keys is None else keys)]:
            if one.kind == "message" and one.definition.keys:
                owner = self.workflow.tokens[one.owner] if one.owner is not None else None
                scope = owner.scope if owner is not None else one.workflow.scope
                found = correlation.awaited(one.workflow, owner, one.definition, scope)
                if found != (one.correlation, one.retrieval):
                    one.correlation, one.retrieval = found
                    self.workflow.tell(SubscriptionClosed(one.key))
                    self.tell_opened(one)

    def _due(self, definition: Definition, scope: Scope) -> Plan:
        text = definition.text
        if not looks_iso(text):
            value = self.workflow.script_engine.sandbox.evaluate(text, scope)
            if not isinstance(value, str):
                raise ElementFailure(f"the timer expression {text!r} gives {value!r}, not an ISO 8601 text")
            text = value
        plan = planned(definition.form, text, self.workflow.now)
        if self._at_once(plan) and self.chain >= CHAIN:
            raise ElementFailure(f"more than {CHAIN} timers followed each other at once; is this loop meant to end?")
        return plan

    def _at_once(self, plan: Plan) -> bool:
        return bool(plan.due < self.workflow.now + timedelta(seconds=SHORTEST_CYCLE))

    def open(self, one: Subscription) -> None:
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
            self.unseen[one.key] = None
        else:
            self.tell_opened(one)

    def tell_opened(self, one: Subscription) -> None:
        self.workflow.tell(SubscriptionOpened(one.key, one.node.id, one.kind, one.name, one.correlation, one.retrieval))

    def index(self, one: Subscription) -> None:
        self.subscriptions[one.key] = one
        if one.kind == "signal":
            self.signals.setdefault(one.name, {})[one.key] = one
        elif one.kind == "conditional":
            self.conditions[one.key] = one
        elif one.kind == "message" and any(correlation.paths_of_data(one.workflow, key) for key in one.definition.keys):
            self.bound[one.key] = one

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
            self.workflow.forget_incident(key)
        else:
            self._unlist(one)
            self.workflow.tell(SubscriptionClosed(key))

    def _unlist(self, one: Subscription) -> None:
        self.bound.pop(one.key, None)
        if one.kind == "signal":
            del self.signals[one.name][one.key]
            if not self.signals[one.name]:
                del self.signals[one.name]

    def renew(self, one: Subscription) -> None:
        """Its definition is another one now: perhaps it waits under another name or correlation key, as the same subscription."""
        owner = self.workflow.tokens[one.owner] if one.owner is not None else None
        before = (one.name, one.correlation, one.retrieval)
        made = self._prepare(replace(one), owner, owner.scope if owner is not None else one.workflow.scope)
        self._unlist(one)
        one.name, one.correlation, one.retrieval = made.name, made.correlation, made.retrieval
        self.index(one)
        if before != (one.name, one.correlation, one.retrieval):
            self.workflow.tell(SubscriptionClosed(one.key))
            self.tell_opened(one)

    def close_all(self, holder: Any) -> None:
        """Everything that a token or scope waits for."""
        for key in holder.subscriptions:
            self.close(key)
        holder.subscriptions.clear()

    def close_scope(self, workflow: Any) -> None:
        if workflow.subscriptions:
            self.close_all(workflow)

    def complete_scope(self, workflow: Any) -> None:
        """While only event subprocesses run in a scope nothing from outside begins a new one (section 13.5.4); what they throw still may."""
        if workflow.subscriptions and all(token.task_spec.is_event_subprocess for token in workflow.tasks.values()):
            self.close_all(workflow)

    # --- happening ----------------------------------------------------------------------------------------------------
    def fire(self, one: Subscription, payload: Mapping[str, Any] | None = None) -> None:
        """The awaited event happened."""
        if one.kind == "message":
            correlation.learn(one.workflow, self.workflow.tokens[one.owner] if one.owner is not None else None, one.definition, payload or {})
        if payload:
            self._deliver(one, payload)
        carried = payload if payloads.wanted(one.node) else None
        if one.node.parallel_multiple and len(one.node.definitions) > 1:
            if not self._all_seen(one, carried):
                return
            carried = self._memory(one).setdefault("gathered", {}).pop(one.node.id, None)
        with payloads.brought(self, carried):
            if one.role == RACE:
                gateway = self.workflow.tokens[one.owner]
                gateway.task_spec.won(gateway, one)
            else:
                one.spec.fired(one)

    def _deliver(self, one: Subscription, payload: Mapping[str, Any]) -> None:
        scope = one.workflow.scope
        if one.owner is not None and one.role != BOUNDARY:
            scope = self.workflow.tokens[one.owner].scope
        _take(scope, one.node, one.definition, payload)

    def _memory(self, one: Subscription) -> dict[str, Any]:
        return self.workflow.tokens[one.owner].memory if one.owner is not None else one.workflow.memory  # type: ignore[no-any-return]

    def _all_seen(self, one: Subscription, carried: Mapping[str, Any] | None) -> bool:
        """A parallel multiple event waits for each of its definitions (section 10.5.5)."""
        memory = self._memory(one)
        if carried:
            memory.setdefault("gathered", {}).setdefault(one.node.id, {}).update(carried)
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
        self.chain = one.chain
        self.cause = self.cause if one.chain else 0  # time that passes begins anew
        assert one.schedule is not None
        upcoming = following(one.schedule.text, one.schedule.left, one.schedule.due, self.workflow.now) if one.spec.repeats(one) else None
        self.close(key, "triggered")
        holder = self.workflow.tokens[one.owner] if one.owner is not None else one.workflow
        holder.subscriptions.remove(key)
        if upcoming is not None:
            self.open(Subscription(0, "timer", "", one.role, one.spec, one.index, one.workflow, one.owner, one.start, upcoming))
        one.schedule = upcoming
        self.fire(one)

    def signal(self, name: str, payload: Mapping[str, Any], spared: Collection[int] = ()) -> None:
        """Every catcher of this instance gets it, but for the `spared` subscriptions, which have it already."""
        for key in list(self.signals.get(name, ())):
            one = self.subscriptions.get(key)
            if one is not None and key not in spared:
                self.fire(one, payload)

    def look_again(self) -> None:
        """Counters of loops have changed, which are told by no event of their own."""
        self.workflow.changed = self.workflow.changed or bool(self.conditions)

    def check_conditions(self, *, every: bool) -> None:
        """Fire conditional events whose condition has become true (not: has stayed true). Without a change of variables only new ones can."""
        keys = list(self.conditions if every else self.unseen)
        self.unseen.clear()
        for key in keys:
            one = self.conditions.get(key)
            if one is None or one.held is None:
                continue
            self.workflow.budget.looked()
            was, one.held = one.held, self._holds(one)
            if one.held and not was:
                self.fire(one)

    def _holds(self, one: Subscription) -> bool | None:
        """A condition that cannot be evaluated is an incident of its event until it can; one that was stopped, until a retry."""
        owner = self.workflow.tokens[one.owner] if one.owner is not None else None
        scope = owner.scope if owner is not None else one.workflow.scope
        holds: bool | None = False
        try:
            holds = self.workflow.script_engine.true(one.definition.text, scope)
        except ValueMissing:
            pass  # its variables are still to come
        except (ExpressionError, BpmnError) as failure:
            self.workflow.note_incident(one.key, one.node.id, str(failure))
            return None if isinstance(failure, ExpressionStopped) else False
        self.workflow.forget_incident(one.key)
        return holds

    def retry(self, key: int) -> bool:
        """An operator asks to look at a condition again. False: there is none that is waited for under this key."""
        one = self.conditions.get(key)
        if one is not None:
            one.held = False
            self.workflow.changed = True
        return one is not None

    def sends(self) -> None:
        """A message or signal is about to leave. Raises ElementFailure when others have led to it without end."""
        limit = self.workflow.limits.chain
        if self.cause >= limit:
            process = self.workflow.spec.name
            raise ElementFailure(f"messages and signals led to each other {limit} times, now in the process {process}; is this chain meant to end?")
        self.sent += 1

    # --- errors and escalations -----------------------------------------------------------------------------------------
    def throw_error(self, token: Token, code: str | None, variables: Mapping[str, Any] | None = None, message: str = "", reference: str = "") -> None:
        """An error runs outwards to its catcher; without one the instance fails (section 10.5.7)."""
        if not self.propagate(token, Thrown("error", code, reference), variables, message):
            self.workflow.fail(f"uncaught error event {code or reference or ''}".rstrip())

    def propagate(self, token: Token, thrown: Thrown, variables: Mapping[str, Any] | None = None, message: str = "") -> bool:
        """Find the innermost catcher and start it. False: there is none."""
        for spec, host, workflow, start in self._catchers(token, thrown):
            node = spec.start_node(start) if start else spec.node
            definition = next(d for d in node.definitions if thrown.caught_by(d))
            scope = workflow.scope
            _leave_scopes(token.workflow, workflow)
            _take(scope, node, definition, variables or {})
            if definition.code_variable:
                scope.assign(definition.code_variable, thrown.code)
            if definition.message_variable:
                scope.assign(definition.message_variable, message)
            with payloads.brought(self, variables if payloads.wanted(node) else None):
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


def _leave_scopes(inner: Any, outer: Any) -> None:
    """What was thrown passes the borders of these scopes on its way to the catcher."""
    while inner is not outer:
        inner.holder.task_spec.thrown_out(inner.holder, inner)
        inner = inner.holder.workflow


def _take(scope: Scope, node: Node, definition: Definition, payload: Mapping[str, Any]) -> None:
    """The payload becomes one variable or several, unless data outputs take it."""
    if definition.variable:
        scope.assign(definition.variable, payloads.value_of(definition, payload))
    elif not payloads.wanted(node):
        scope.assign_all(payload)
