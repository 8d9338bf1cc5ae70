"""Plays a conformance case on the embedded engine and compares what is seen with what the case expects.

After every run a second engine on the same database, which shares nothing with the first and whose functions must not be called, executes all
records again and compares every outcome; the chain is verified too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from engine.bootstrap import Flowledger
from engine.errors import BpmnError, DeploymentRejected, Problem, Refusal
from engine.model import codec
from engine.model import commands as cmd
from engine.model.actors import SYSTEM, Actor
from engine.model.values import iso
from engine.model.views import InstanceRow, TaskFilter, TaskRow
from engine.plugins import ServiceContext, service_task
from engine.testing import EmbeddedEngine
from tests.conformance.case import Case, Run

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


# --- what diagrams of the cases may use ------------------------------------------------------------------------------------
@service_task("double")
def double(context: ServiceContext) -> dict[str, Any]:
    """`doubled`: twice the parameter n, else twice the variable n."""
    n: Any = context.parameters.get("n", context.variables.get("n", 0))
    return {"doubled": 2 * n}


@service_task("echo")
def echo(context: ServiceContext) -> dict[str, Any]:
    """Gives its parameters back."""
    return {"echo": dict(context.parameters)}


@service_task("reject")
def reject(context: ServiceContext) -> None:
    """Raises the BPMN error `rejected` with a reason."""
    raise BpmnError("rejected", "out of stock", {"left": 0})


@service_task("break")
def broken(context: ServiceContext) -> None:
    """Fails technically."""
    raise RuntimeError("the line is dead")


def fail(code: str = "rejected") -> None:
    """For scripts and conditions: a BPMN error."""
    raise BpmnError(code)


def never(*args: Any, **kwargs: Any) -> None:
    """What re-execution finds in place of every function: their results are in the records."""
    raise AssertionError("re-execution called a function")


HANDLERS = (double, echo, reject, broken)
FUNCTIONS = {"fail": fail, "triple": lambda n: 3 * n}


def problem_line(one: Problem) -> str:
    """`rule element`, or `rule` alone for a file."""
    return f"{one.rule} {one.element_id}" if one.element_id else one.rule


class Stage:
    """One engine for one run."""

    def __init__(self, case: Case, engine: EmbeddedEngine) -> None:
        self.case = case
        self.engine = engine
        self.started: list[str] = []

    def deploy(self, names: tuple[str, ...] | None = None) -> list[str]:
        processes: list[str] = self.engine.deploy(self.case.contents(names))
        return processes

    # --- playing ----------------------------------------------------------------------------------------------------------
    def play(self, run: Run, processes: list[str]) -> None:
        if run.start != "":
            self.begin(run.start or processes[0], run.given, run.key)
        for step in run.steps:
            self.step(step)
        Expectation(self, run.then).check()

    def begin(self, process: str, given: Mapping[str, Any], key: str | None = None) -> None:
        self.started.append(self.engine.start(process, given, key))

    def instance(self, number: int = 1) -> str:
        """The id of the instance of that number, in order of their start."""
        return self.engine.instances()[number - 1].id

    def step(self, step: Mapping[str, Any]) -> None:
        """One of: complete, activate, message, signal, advance, set, retry, start, deploy, cancel, refused, then."""
        match step:
            case {"refused": dict(inner)}:
                self._is_refused(inner)
            case {"complete": str(element)}:
                self.engine.complete(self.task(element, step.get("nth", 1), step.get("instance")).id, step.get("values", {}), _actor(step))
            case {"activate": str(element)}:
                self.engine.app.execute(cmd.StartActivity(self.instance(), element), SYSTEM)
                self.engine.app.run_due()
            case {"message": str(name)}:
                self.engine.publish_message(name, step.get("payload", {}), step.get("key"))
            case {"signal": str(name)}:
                self.engine.broadcast_signal(name, step.get("payload", {}))
            case {"advance": str(span)}:
                self.engine.advance(_seconds(span))
            case {"set": dict(values)}:
                self.engine.app.execute(cmd.ChangeVariables(self.instance(step.get("instance", 1)), values, "case"), SYSTEM)
                self.engine.app.run_due()
            case {"retry": str(element)}:
                self._retry(element, step.get("nth", 1))
            case {"start": str(process)}:
                self.begin(process, step.get("given", {}), step.get("key"))
            case {"deploy": list(names)}:
                self.deploy(tuple(names))
            case {"cancel": str(reason)}:
                self.engine.cancel(self.instance(), reason)
            case {"forget": True}:
                self.engine.app.services.live.clear()
            case {"then": dict(expected)}:
                Expectation(self, expected).check()
            case _:
                raise ValueError(f"{self.case.id}: no such step: {step}")

    def _is_refused(self, inner: Mapping[str, Any]) -> None:
        try:
            self.step(inner)
        except (Refusal, AssertionError):
            return
        raise AssertionError(f"{self.case.id}: {inner} was not refused")

    def _retry(self, element: str, nth: int) -> None:
        with self.engine.app.reading() as read:
            found = [one for one in read.incidents(SYSTEM, open_only=True) if one.element_id == element]
        self.engine.app.execute(cmd.RetryIncident(found[nth - 1].id, "repaired"), SYSTEM)
        self.engine.app.run_due()

    # --- looking ------------------------------------------------------------------------------------------------------------
    def tasks(self, instance: int | None = None) -> list[TaskRow]:
        chosen = None if instance is None else self.instance(instance)
        with self.engine.app.reading() as read:
            return list(read.worklist(SYSTEM, TaskFilter(view="every", instance_id=chosen, sort="created", size=200)).rows)

    def task(self, element: str, nth: int, instance: int | None = None) -> TaskRow:
        found = [one for one in self.tasks(instance) if one.element_id == element]
        assert len(found) >= nth, f"{self.case.id}: there is no open task {element!r}, only {[one.element_id for one in self.tasks()]}"
        return found[nth - 1]

    def rows(self) -> list[InstanceRow]:
        with self.engine.app.reading() as read:
            return [read.instance(SYSTEM, one.id) for one in self.engine.instances()]

    def story(self) -> list[Any]:
        """Every event of every record, as it is stored: what must be the same in another process."""
        out: list[Any] = []
        instances = self.engine.instances()
        with self.engine.app.reading() as read:
            for one in instances:
                out += [[one.id, record.seq, [codec.encode(event) for event in record.events]] for record in read.records(SYSTEM, one.id)]
        return out

    def replay(self) -> int:
        """Execute all records on an engine that shares only the database. Returns how many; raises ReplayDiverged, IntegrityViolation."""
        count = 0
        app = second(self.engine.app)
        with app.reading() as read:
            for instance_id in read.instance_ids(SYSTEM):
                count += read.verify(SYSTEM, instance_id)
                assert read.reexecute(SYSTEM, instance_id) > 0
        return count


def second(app: Flowledger) -> Flowledger:
    """Another engine on the same database: nothing compiled, nothing cached, its functions and handlers only names."""
    return Flowledger(
        app.settings,
        database=app.store,
        clock=app.clock,
        identifiers=app.services.identifiers,
        evaluator=app.services.evaluator,
        packs=app.catalogue,
        forms=app.services.library.forms,
        functions=dict.fromkeys(app.services.functions, never),
        handlers={},
    )


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is to be seen now, of the first instance or of number `instance`:

    `trace` completed elements in order; `visits` times that an element completed; `variables` values, `absent` names that are no variables;
    `state`, `error` (a part of it); `tasks` open tasks in order of creation; `incidents` elements that stand; `instances` all instances as
    "process state"; `task` attributes of the oldest open task; `nothing` True: there is no instance.
    """

    stage: Stage
    wanted: Mapping[str, Any]

    def check(self) -> None:
        for name, value in self.wanted.items():
            if name != "instance":
                found = getattr(self, f"_{name}")(value)
                assert found == value, f"{self.stage.case.id}: {name} is {found}, expected {value}"

    @property
    def _id(self) -> str:
        return self.stage.instance(self.wanted.get("instance", 1))

    def _nothing(self, value: bool) -> bool:
        return not self.stage.engine.instances()

    def _trace(self, value: list[str]) -> list[str]:
        return self.stage.engine.trace(self._id)

    def _visits(self, value: Mapping[str, int]) -> dict[str, int]:
        counted = Counter(self.stage.engine.trace(self._id))
        return {element: counted[element] for element in value}

    def _variables(self, value: Mapping[str, Any]) -> dict[str, Any]:
        held = self.stage.engine.variables(self._id)
        return {name: _named(held, name) for name in value}

    def _absent(self, value: list[str]) -> list[str]:
        held = self.stage.engine.variables(self._id)
        return [name for name in value if name not in held]

    def _state(self, value: str) -> str:
        return self.stage.engine.instance(self._id).state

    def _error(self, value: str) -> str:
        found = self.stage.engine.instance(self._id).error or ""
        return value if value and value in found else found

    def _tasks(self, value: list[str]) -> list[str]:
        return [one.element_id for one in self.stage.tasks(self.wanted.get("instance"))]

    def _incidents(self, value: list[str]) -> list[str]:
        """Those of one moment stand in no order."""
        with self.stage.engine.app.reading() as read:
            found = [one.element_id for one in read.incidents(SYSTEM, open_only=True)]
        return value if sorted(value) == sorted(found) else found

    def _instances(self, value: list[str]) -> list[str]:
        return [f"{one.process_id} {one.state}" for one in self.stage.engine.instances()]

    def _task(self, value: Mapping[str, Any]) -> dict[str, Any]:
        row = self.stage.tasks()[0]
        return {name: without_null(_plain(getattr(row, name))) for name in value}


def _named(held: Mapping[str, Any], name: str) -> Any:
    """TOML has no null."""
    return without_null(held[name]) if name in held else "(no such variable)"


def without_null(value: Any) -> Any:
    """The value with every null written as text, as the cases write it."""
    if isinstance(value, list):
        return [without_null(one) for one in value]
    if isinstance(value, dict):
        return {key: without_null(one) for key, one in value.items()}
    return "(null)" if value is None else value


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value.astimezone(UTC))
    return list(value) if isinstance(value, tuple) else value


def _seconds(span: str) -> float:
    found = re.findall(r"(\d+)([smhd])", span)
    assert found, span
    return sum(int(number) * UNITS[unit] for number, unit in found)


def _actor(step: Mapping[str, Any]) -> Actor:
    who = step.get("by")
    return SYSTEM if who is None else Actor(who, who, frozenset(step.get("groups", ())), frozenset({"staff"}))


def engine_for(case: Case) -> EmbeddedEngine:
    """In memory, with what the cases may call."""
    return EmbeddedEngine(functions=FUNCTIONS, handlers=HANDLERS)


def problems_of(case: Case) -> list[Problem]:
    """With which a deployment is refused; raises AssertionError when it is not."""
    with engine_for(case) as engine:
        try:
            engine.deploy(case.contents())
        except DeploymentRejected as exc:
            return list(exc.problems)
    raise AssertionError(f"{case.id} was deployed, but it is to be refused")
