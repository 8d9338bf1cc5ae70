"""A thousand random processes along random paths: after every step a fresh engine that replays the records is where the live one is.

A seed that fails is printed with the failure; `FLOWLEDGER_SEEDS=417 pytest tests/conformance/test_random_processes.py` runs it alone.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from engine.bootstrap import Flowledger
from engine.errors import BpmnError
from engine.history.replay import reexecute
from engine.model import commands as cmd
from engine.model.actors import SYSTEM
from engine.model.records import Record
from engine.plugins import ServiceContext, service_task
from engine.testing import EmbeddedEngine
from tests.conformance.stage import second
from tests.support.plain_evaluator import PlainEvaluator
from tests.support.random_processes import STARTS, ProcessWriter

MODELS, STEPS, BATCH = 1000, 6, 50


@service_task("h")
def handler(context: ServiceContext) -> dict[str, Any]:
    return {"n": context.variables.get("n", 0) + 1}  # type: ignore[operator]


@service_task("moody")
def moody(context: ServiceContext) -> dict[str, Any]:
    if context.variables.get("n", 0) % 2:  # type: ignore[operator]
        raise BpmnError("one", variables={"n": 4})
    return {}


@dataclass
class Walk:
    """One model, its instances, and what was compared so far."""

    seed: int
    engine: EmbeddedEngine
    fresh: Flowledger
    records: dict[str, list[Record]] = field(default_factory=dict)
    compared: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.writer = ProcessWriter(self.seed)
        self.before = len(self.engine.instances())

    def run(self) -> None:
        self.engine.deploy({f"p{self.seed}.bpmn": self.writer.xml()})
        self._start()
        self.compare()
        for _ in range(STEPS):
            if not self.active():
                break
            self._step(self.active())
            self.compare()
        for one in self.active():
            self.engine.cancel(one)
        self.compare()

    def mine(self) -> list[Any]:
        return self.engine.instances()[self.before :]

    def active(self) -> list[str]:
        """As of the last comparison."""
        return [one.id for one in self.now if one.state == "active"]

    def _start(self) -> None:
        engine, seed = self.engine, self.seed
        match self.writer.start:
            case "none" | "several":
                engine.start(f"p{seed}")
            case "signal":
                engine.broadcast_signal(f"g{seed}")
            case "timer":
                engine.advance(3600)
            case _:
                engine.publish_message(f"m{seed}")
                if self.writer.start == "parallel gateway":
                    engine.publish_message(f"n{seed}")

    def _step(self, active: list[str]) -> None:
        engine, chance = self.engine, self.random
        tasks = engine.user_tasks()
        action = chance.randrange(9)
        if tasks and action < 5:
            engine.complete(chance.choice(tasks).id, {"n": chance.randrange(6)})
        elif action == 5:
            engine.advance(seconds=200)
        elif action == 6:
            engine.broadcast_signal(f"g{self.seed}")
        elif action == 7:
            engine.app.execute(cmd.ChangeVariables(active[0], {"n": chance.randrange(6)}, "random"), SYSTEM)
            engine.app.run_due()
        else:
            engine.publish_message(f"m{self.seed}")
        if chance.random() < 0.3:
            engine.app.services.live.clear()  # the next command restores from a snapshot or replays

    def compare(self) -> None:
        """Every instance that has new records: all of them on a fresh engine."""
        self.now = self.mine()
        self._same_variables()
        with self.fresh.reading() as read:
            for one in self.now:
                held = self.records.setdefault(one.id, [])
                new = list(read.queries.stored.records.of(one.id, after=len(held)))
                if not new:
                    continue
                held += new
                execution = read._fresh(one.id)
                self.compared += reexecute(execution, held)
                assert execution.state == one.state
                self._same_as_live(one.id, execution)

    def _same_variables(self) -> None:
        """What an open instance goes on with is what its records tell."""
        with self.engine.app.reading() as read:
            for one in self.now:
                if one.state == "active":
                    assert read.variables(SYSTEM, one.id) == read.frame(SYSTEM, one.id, 1 << 31).variables

    def _same_as_live(self, instance_id: str, execution: Any) -> None:
        live = self.engine.app.services.live.take(instance_id)
        if live is None:
            return
        seq, other = live
        assert seq == len(self.records[instance_id])
        assert execution.snapshot() == other.snapshot()
        assert execution.variables() == other.variables()
        self.engine.app.services.live.put(instance_id, seq, other)


def seeds() -> Iterator[list[int]]:
    named = os.environ.get("FLOWLEDGER_SEEDS")
    if named:
        yield [int(one) for one in named.split(",")]
        return
    for first in range(0, MODELS, BATCH):
        yield list(range(first, first + BATCH))


@pytest.mark.parametrize("batch", list(seeds()), ids=lambda batch: f"{batch[0]}-{batch[-1]}")
def test_a_fresh_engine_that_replays_the_records_is_in_the_same_state(batch: list[int]) -> None:
    with EmbeddedEngine(handlers=[handler, moody], evaluator=PlainEvaluator()) as engine:
        fresh = second(engine.app)
        for seed in batch:
            try:
                walk = Walk(seed, engine, fresh)
                walk.run()
            except BaseException as exc:
                exc.add_note(f"seed {seed}")
                raise
            assert walk.compared > 0


KINDS = [
    "exclusiveGateway",
    "parallelGateway",
    "inclusiveGateway",
    "complexGateway",
    "eventBasedGateway",
    "startEvent",
    "endEvent",
    "intermediateCatchEvent",
    "intermediateThrowEvent",
    "boundaryEvent",
    "messageEventDefinition",
    "signalEventDefinition",
    "timerEventDefinition",
    "conditionalEventDefinition",
    "errorEventDefinition",
    "escalationEventDefinition",
    "compensateEventDefinition",
    "cancelEventDefinition",
    "terminateEventDefinition",
    "linkEventDefinition",
    "subProcess",
    "transaction",
    "adHocSubProcess",
    "callActivity",
    "userTask",
    "manualTask",
    "scriptTask",
    "serviceTask",
    "receiveTask",
    "standardLoopCharacteristics",
    "multiInstanceLoopCharacteristics",
]
FORMS = (
    'triggeredByEvent="true"', 'cancelActivity="false"', 'isInterrupting="false"', 'isSequential="true"', 'isSequential="false"', "loopDataInputRef", "timeCycle",
    'parallelMultiple="true"', 'instantiate="true"', 'eventGatewayType="Parallel"', 'isForCompensation="true"', "completionCondition", 'ordering="Sequential"',
    'completionQuantity="2"', 'startQuantity="2"', "default=",
)  # fmt: skip


def test_the_models_hold_every_kind_of_gateway_event_subprocess_and_multi_instance() -> None:
    written = b"".join(ProcessWriter(seed).xml() for seed in range(200)).decode()
    assert [kind for kind in KINDS if f"<{kind}" not in written] == []
    assert [form for form in FORMS if form not in written] == []
    assert {ProcessWriter(seed).start for seed in range(200)} == set(STARTS)
