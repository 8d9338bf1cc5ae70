"""Short-hand for BPMN in tests: a process from its inner XML, and a bench that runs instances in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.bpmn import BpmnInterpreter, Limits
from engine.dmn.feel import FeelEvaluator
from engine.errors import BpmnError
from engine.expressions import Languages
from engine.model import events as ev
from engine.model import inputs
from engine.model.values import moment
from engine.ports import READ_STORE
from tests.support.plain_evaluator import PlainEvaluator

NAMESPACES = (
    'xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:f="https://flowledger.org/bpmn/1.0" '
    'xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" '
    'xmlns:spiffworkflow="http://spiffworkflow.org/bpmn/schema/1.0/core" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)
START = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)


def definitions(*parts: str) -> bytes:
    return f'<definitions {NAMESPACES} id="definitions" targetNamespace="urn:test">{"".join(parts)}</definitions>'.encode()


def process(*parts: str, id: str = "p", before: str = "") -> bytes:
    return definitions(before, f'<process id="{id}" isExecutable="true">{"".join(parts)}</process>')


def flows(*pairs: str) -> str:
    """`flows("a b", "b c if x > 1")`: sequence flows named `a-b`, with conditions."""
    out = []
    for pair in pairs:
        ends, _, condition = pair.partition(" if ")
        source, target = ends.split()
        inside = f"<conditionExpression><![CDATA[{condition}]]></conditionExpression>" if condition else ""
        out.append(f'<sequenceFlow id="{source}-{target}" sourceRef="{source}" targetRef="{target}">{inside}</sequenceFlow>')
    return "".join(out)


def script(id: str, code: str, inside: str = "", **attributes: str) -> str:
    extra = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f'<scriptTask id="{id}"{extra}><script><![CDATA[{code}]]></script>{inside}</scriptTask>'


def log(id: str, inside: str = "", **attributes: str) -> str:
    """A script task that writes its own id."""
    return script(id, f"log('{id}')", inside, **attributes)


class NoDecisions:
    def compile(self, file: str, xml: bytes, others: Any = None) -> Any:
        raise AssertionError("no decisions in this test")


class Bench:
    """Deploys one set of files and runs one instance at a time; keeps every event. `roundtrip`: snapshot and restore after every movement."""

    def __init__(
        self,
        *files: bytes,
        functions: Mapping[str, Callable[..., Any]] | None = None,
        limits: Limits | None = None,
        decisions: Any = None,
        roundtrip: bool = True,
        called: Any = None,
        evaluator: Any = None,
        extra: Mapping[str, bytes] | None = None,
    ) -> None:
        self.lines: list[str] = []
        self.functions = {"log": self.lines.append, "fail": self._fail, **(functions or {})}
        self.interpreter = BpmnInterpreter(
            Languages(evaluator or PlainEvaluator(), FeelEvaluator()), decisions or NoDecisions(), frozenset(self.functions), limits
        )
        self.model = self.interpreter.compile(
            {**{f"file{n}.bpmn": data for n, data in enumerate(files)}, **(extra or {})}, called or (lambda _: None)
        )
        self.now = START
        self.stores: dict[str, Any] = {}
        self.events: list[ev.Event] = []
        self.roundtrip = roundtrip

    @staticmethod
    def _fail(code: str) -> None:
        raise BpmnError(code)

    def _call(self, name: str, args: Any, kwargs: Any) -> Any:
        if name == READ_STORE:
            return self.stores.get(*args)
        return self.functions[name](*args, **kwargs)

    def start(self, process_id: str | None = None, element: str | None = None, initiator: str | None = None, **variables: Any) -> Bench:
        process_id = process_id or next(iter(self.model.processes))
        self.process_id = process_id
        self.execution = self.interpreter.open(self.model, process_id, "i")
        self.events, self.lines[:] = [], []
        return self.do(inputs.StartInstance(process_id, variables, start_element=element, initiator=initiator))

    def do(self, movement: inputs.Movement) -> Bench:
        self.last = self.execution.apply(movement, self.now, self._call)
        self.events += self.last
        self.stores |= {e.store: {"version": e.version, "value": e.value} for e in self.last if isinstance(e, ev.DataStoreWritten)}
        if self.roundtrip:
            text = json.dumps(self.execution.snapshot(), sort_keys=True)  # as it is stored
            self.execution = self.interpreter.open(self.model, self.process_id, "i", json.loads(text))
            assert json.dumps(self.execution.snapshot(), sort_keys=True) == text
        return self

    # --- what is open ---------------------------------------------------------------------------------------------------
    def open_tasks(self) -> dict[int, ev.UserTaskCreated]:
        made = {e.key: e for e in self.events if isinstance(e, ev.UserTaskCreated)}
        gone = {e.key for e in self.events if isinstance(e, (ev.UserTaskCompleted, ev.UserTaskCancelled))}
        return {key: one for key, one in made.items() if key not in gone}

    def open_jobs(self, kind: str) -> dict[int, ev.JobCreated]:
        gone = {e.key for e in self.events if isinstance(e, ev.JobEnded)}
        return {e.key: e for e in self.events if isinstance(e, ev.JobCreated) and e.kind == kind and e.key not in gone}

    def subscriptions(self) -> dict[int, ev.SubscriptionOpened]:
        gone = {e.key for e in self.events if isinstance(e, ev.SubscriptionClosed)}
        return {e.key: e for e in self.events if isinstance(e, ev.SubscriptionOpened) and e.key not in gone}

    def waiting(self) -> list[str]:
        return [one.element for one in self.open_tasks().values()]

    # --- doing ------------------------------------------------------------------------------------------------------------
    def complete(self, element: str, **variables: Any) -> Bench:
        key = next(key for key, one in self.open_tasks().items() if one.element == element)
        return self.do(inputs.CompleteUserTask(key, variables))

    def message(self, name: str, **payload: Any) -> Bench:
        key = next(key for key, one in self.subscriptions().items() if one.kind == "message" and one.name == name)
        return self.do(inputs.CorrelateMessage(key, name, payload))

    def signal(self, name: str, **payload: Any) -> Bench:
        return self.do(inputs.DeliverSignal(name, payload))

    def work(self, element: str, **variables: Any) -> Bench:
        key = next(key for key, one in self.open_jobs("service").items() if one.element == element)
        return self.do(inputs.CompleteJob(key, variables))

    def advance(self, **span: float) -> Bench:
        """Let time pass; due timers fire in order."""
        end = self.now + timedelta(**span)
        while self.execution.state == "active":
            due = sorted((moment(job.due) if job.due else self.now, key) for key, job in self.open_jobs("timer").items())
            if not due or due[0][0] > end:
                break
            self.now = max(self.now, due[0][0])
            self.do(inputs.TriggerTimer(due[0][1]))
        self.now = end
        return self

    # --- asking -----------------------------------------------------------------------------------------------------------
    @property
    def state(self) -> str:
        return self.execution.state

    @property
    def error(self) -> str | None:
        return self.execution.error

    @property
    def variables(self) -> dict[str, Any]:
        return self.execution.variables()

    def trace(self) -> list[str]:
        return [e.element for e in self.events if isinstance(e, ev.ElementCompleted)]

    def of(self, kind: type[Any]) -> list[Any]:
        return [e for e in self.events if isinstance(e, kind)]
