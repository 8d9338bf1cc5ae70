"""Costs that must not grow, counted in calls of functions instead of seconds, so that a busy machine changes nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from engine.bpmn import BpmnInterpreter
from engine.model.actors import SYSTEM
from engine.model.commands import Complete, Start
from engine.testing import EmbeddedEngine
from tests.benchmarks.deployment import gateway_loop, long_chain, realistic
from tests.support.bpmn_bench import NoDecisions
from tests.support.plain_evaluator import PlainEvaluator

ELEMENTS_A_ROUND = 7


def calls(work: Callable[[], Any]) -> tuple[int, Any]:
    """How many functions, of Python and of C, `work` calls, and what it gives."""
    count = 0

    def note(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        if event in ("call", "c_call"):
            count += 1

    sys.setprofile(note)
    try:
        result = work()
    finally:
        sys.setprofile(None)
    return count, result


class Loop:
    """An instance that goes round a user task behind gateways."""

    def __init__(self, engine: EmbeddedEngine, kind: str) -> None:
        self.engine = engine
        engine.deploy({"loop.bpmn": gateway_loop(kind)})
        [self.task] = engine.app.execute(Start(kind, {"again": True}), SYSTEM).task_ids
        self.rounds = 0

    def complete(self) -> None:
        [self.task] = self.engine.app.execute(Complete(self.task, {"again": True}), SYSTEM).task_ids
        self.rounds += 1

    def cost_after(self, elements: int) -> int:
        """Calls of one completion. Not of one that writes a snapshot, which every hundredth does."""
        while self.rounds * ELEMENTS_A_ROUND < elements or self.rounds % 100 > 90:
            self.complete()
        return min(calls(self.complete)[0] for _ in range(3))


@pytest.mark.parametrize("kind", ["parallel", "inclusive"])
def test_completing_a_user_task_stays_flat_from_10_to_10_000_completed_elements(kind: str) -> None:
    with EmbeddedEngine() as engine:
        loop = Loop(engine, kind)
        early, middle, late = (loop.cost_after(elements) for elements in (10, 1_000, 10_000))
        assert len(engine.trace(engine.instances()[0].id)) > 10_000
    assert middle <= early * 1.02
    assert late <= early * 1.02


def compiled(xml: bytes) -> int:
    interpreter = BpmnInterpreter(PlainEvaluator(), NoDecisions())
    return calls(lambda: interpreter.compile({"process.bpmn": xml}, lambda _: None))[0]


def test_deploying_grows_with_the_number_of_elements_and_not_faster() -> None:
    assert compiled(long_chain(1_000)) <= 2.1 * compiled(long_chain(500))
    assert compiled(realistic(12)) <= 2.2 * compiled(realistic(6))


def test_the_meter_sees_growth() -> None:
    short, long = (calls(lambda number=number: sum(abs(one) for one in range(number)))[0] for number in (10, 1_000))
    assert long > 10 * short
