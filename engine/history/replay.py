"""What the records tell: frames for the auditor's slider, explanations in plain parts, and re-execution that compares outcomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.errors import FlowledgerError, NotAvailable, ReplayDiverged
from engine.history.chain import holds_events
from engine.history.transition import RecordedCalls, step
from engine.model import codec
from engine.model import events as ev
from engine.model import inputs as inp
from engine.model.migration import ElementMigrated
from engine.model.records import Frame, Record
from engine.model.values import canonical
from engine.model.views import Explanation
from engine.ports import Execution

_STATES: dict[type[object], str] = {
    ev.InstanceCompleted: "completed",
    ev.InstanceFailed: "failed",
    ev.InstanceCancelled: "cancelled",
    ev.InstanceSuspended: "suspended",
    ev.InstanceResumed: "active",
}
CHANGES_STATE = frozenset(_STATES)


def migrations(records: Iterable[Record]) -> list[inp.MigrateInstance]:
    """Those of a history, oldest first."""
    return [record.input for record in records if isinstance(record.input, inp.MigrateInstance)]


def began_under(records: Iterable[Record], now: str) -> str:
    """The definition before the first of these records, of an instance that runs under the definition `now` after the last."""
    return next((one.source for one in migrations(records)), now)


def state_after(record: Record, before: str = "active") -> str:
    """The instance's state after a record, given the one before it."""
    return next((_STATES[type(e)] for e in reversed(record.events) if type(e) in _STATES), before)


class Fold:
    """State of an instance folded from outcomes alone, record by record; never executes anything."""

    def __init__(self) -> None:
        self.seq = 0
        self.state = "active"
        self.active: dict[int, str] = {}
        self.completed: Counter[str] = Counter()
        self.flows: Counter[str] = Counter()
        self.scopes: dict[int, dict[str, Any]] = {0: {}}

    def add(self, record: Record) -> None:
        """Take one record further."""
        self.seq = record.seq
        if isinstance(record.input, inp.MigrateInstance):
            self._migrate(record.input.plan)
        for event in record.events:
            self._event(event)

    def _migrate(self, plan: Mapping[str, str]) -> None:
        """What was completed before a migration shows at the successors."""
        completed, self.completed = self.completed, Counter()
        for element, count in completed.items():
            self.completed[plan.get(element, element)] += count

    def _event(self, event: ev.Event) -> None:
        match event:
            case ev.ElementEntered():
                self.active[event.key] = event.element
            case ev.ElementCompleted():
                self.active.pop(event.key, None)
                self.completed[event.element] += 1
            case ev.ElementCancelled():
                self.active.pop(event.key, None)
            case ElementMigrated() if event.key in self.active:
                self.active[event.key] = event.target
            case ev.FlowTaken():
                self.flows[event.flow] += 1
            case ev.VariableSet() | ev.VariableExtended() | ev.VariableRemoved():
                self._variable(event)
            case ev.InstanceCompleted() | ev.InstanceFailed() | ev.InstanceCancelled() | ev.InstanceSuspended() | ev.InstanceResumed():
                self.state = _STATES[type(event)]
            case _:
                pass

    def _variable(self, event: ev.VariableSet | ev.VariableExtended | ev.VariableRemoved) -> None:
        held = self.scopes.setdefault(event.scope, {})
        match event:
            case ev.VariableSet():
                held[event.name] = event.value
            case ev.VariableExtended():
                held[event.name] = [*held.get(event.name, ()), *event.items]
            case ev.VariableRemoved():
                held.pop(event.name, None)

    def frame(self) -> Frame:
        """A frozen copy of the present state."""
        return Frame(self.seq, self.state, dict(Counter(self.active.values())), dict(self.completed), dict(self.flows), dict(self.scopes[0]))


def frame_at(records: Iterable[Record], seq: int) -> Frame:
    """The state after record `seq` (or after the last one when there are fewer)."""
    fold = Fold()
    for record in records:
        if record.seq > seq:
            break
        fold.add(record)
    return fold.frame()


def trace(records: Iterable[Record]) -> list[str]:
    """Element ids in order of completion."""
    return [e.element for r in records for e in r.events if isinstance(e, ev.ElementCompleted)]


def explain(records: Iterable[Record]) -> Iterator[Explanation]:
    """Each record in plain parts, with the value of every changed variable before and after."""
    fold = Fold()
    tasks: dict[int, str] = {}
    for record in records:
        before = {scope: dict(held) for scope, held in fold.scopes.items() if any(_scope(e) == scope for e in record.events)}
        for e in record.events:
            if isinstance(e, ev.ElementEntered | ev.UserTaskCreated | ev.JobCreated | ev.SubscriptionOpened):
                tasks[e.key] = e.element
            elif isinstance(e, ElementMigrated):
                tasks[e.key] = e.target
        fold.add(record)
        yield Explanation(
            seq=record.seq,
            at=record.at,
            actor=record.actor,
            on_behalf_of=record.on_behalf_of,
            kind=type(record.input).__name__,
            element_id=_element(record.input, tasks),
            form_values=dict(getattr(record.input, "variables", None) or getattr(record.input, "payload", None) or {}),
            why=[_why(e) for e in record.events if isinstance(e, ev.DecisionTaken)],
            changes=_changes(record, before, fold),
            entered=[e.element for e in record.events if isinstance(e, ev.ElementEntered)],
            completed=[e.element for e in record.events if isinstance(e, ev.ElementCompleted)],
            cancelled=[e.element for e in record.events if isinstance(e, ev.ElementCancelled)],
            flows=[e.flow for e in record.events if isinstance(e, ev.FlowTaken)],
            hash=record.hash,
            details={k: v for k, v in codec.encode(record.input).items() if k not in {"type", "variables", "payload"}},
        )


def _scope(event: ev.Event) -> int | None:
    return event.scope if isinstance(event, ev.VariableSet | ev.VariableExtended | ev.VariableRemoved) else None


def _element(input: inp.Input, tasks: dict[int, str]) -> str | None:
    if isinstance(input, inp.StartInstance):
        return input.start_element
    return getattr(input, "element", None) or tasks.get(getattr(input, "key", 0))


def _why(event: ev.DecisionTaken) -> dict[str, Any]:
    return {
        "element": event.element,
        "kind": event.kind,
        "subject": event.subject,
        "expression": event.expression,
        "reads": dict(event.reads),
        "result": event.result,
        "rules": list(event.rules),
    }


def _changes(record: Record, before: dict[int, dict[str, Any]], fold: Fold) -> list[dict[str, Any]]:
    seen: dict[tuple[int, str], None] = {}
    for event in record.events:
        if isinstance(event, ev.VariableSet | ev.VariableExtended | ev.VariableRemoved):
            seen[event.scope, event.name] = None
    return [
        {"scope": scope, "name": name, "before": before.get(scope, {}).get(name), "after": fold.scopes.get(scope, {}).get(name)}
        for scope, name in seen
    ]


def reexecute(execution: Execution, records: Iterable[Record]) -> int:
    """Run every input again on a fresh execution and compare each outcome with the record. Returns how many were compared.

    Raises ReplayDiverged at the first difference, NotAvailable when it cannot be executed just now.
    """
    count = 0
    for record in records:
        try:
            events = step(execution, record.input, record.at, RecordedCalls({}, record.calls))
        except NotAvailable:
            raise  # nothing is known about the outcome
        except FlowledgerError as exc:
            raise ReplayDiverged(instance=record.instance_id, seq=record.seq, cause=str(exc)) from exc
        again = [codec.encode(e) for e in events]
        written = canonical(again)
        if not holds_events(record, written):
            then = [codec.encode(e) for e in record.events]
            if written != canonical(then):
                raise ReplayDiverged(instance=record.instance_id, seq=record.seq, cause=_difference(then, again))
        count += 1
    return count


def _difference(then: list[dict[str, Any]], again: list[dict[str, Any]]) -> str:
    for n, (a, b) in enumerate(zip(then, again, strict=False)):
        if canonical(a) != canonical(b):
            return f"event {n}: recorded {a}, now {b}"
    return f"recorded {len(then)} events, now {len(again)}"


def catch_up(execution: Execution, records: Iterable[Record]) -> None:
    """Apply the inputs of records without comparing outcomes."""
    for record in records:
        step(execution, record.input, record.at, RecordedCalls({}, record.calls))
