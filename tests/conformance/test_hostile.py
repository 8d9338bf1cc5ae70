"""Hostile texts in every slot, diagrams without end, files that are bombs: each ends soon, as a refusal or an incident that names the element.

What is asserted is what was done and the processor's time, not the clock's: the machine may have other work. `make bench` shows both.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from xml.sax.saxutils import escape

import pytest

from engine.errors import DeploymentRejected
from engine.expressions import Limits as ExpressionLimits
from engine.expressions import SandboxEvaluator
from engine.model.actors import SYSTEM
from engine.testing import EmbeddedEngine
from tests.support.hostile import measured, run
from tests.support.hostile_diagrams import CASES
from tests.support.hostile_texts import FEEL_TEXTS, SLOTS, TEXTS, feel

COMPUTING = 1.5  # seconds
BUSY_MACHINE = 4  # processor time is longer, too, while the machine does other work
MEGABYTES = 128


@pytest.fixture(scope="module")
def quick() -> Iterator[SandboxEvaluator]:
    """Stops a text after 0.3 s instead of 1 s: hundreds of them are tried."""
    made = SandboxEvaluator(ExpressionLimits(seconds=0.3), processes=1)
    yield made
    made.close()


def named(xml: bytes, evaluator: SandboxEvaluator | None = None) -> set[str | None]:
    """By the refusal, or by the incidents of an instance."""
    with EmbeddedEngine(evaluator=evaluator) as engine:
        began = time.thread_time()
        try:
            engine.deploy({"p.bpmn": xml})
        except DeploymentRejected as refused:
            found = {problem.element_id for problem in refused.problems if problem.severity == "error"}
        else:
            one = engine.start("p")
            with engine.app.reading() as read:
                found = {incident.element_id for incident in read.incidents(SYSTEM, one, open_only=True)}
        assert time.thread_time() - began < COMPUTING
        return found


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:30])
@pytest.mark.parametrize("slot", SLOTS)
def test_a_hostile_text_ends_as_refusal_or_incident_of_its_element(slot: str, text: str, quick: SandboxEvaluator) -> None:
    found = named(SLOTS[slot](escape(text, {'"': "&quot;"})), quick)
    assert found & {"T", "F", "T-s"}
    assert found <= {"T", "F", "T-s", "s", "u", "x", "y"}  # with the element whose turn it was when the command's time was used up


@pytest.mark.parametrize("text", FEEL_TEXTS)
@pytest.mark.parametrize("slot", SLOTS)
def test_so_does_a_hostile_text_in_feel(slot: str, text: str) -> None:
    found = named(feel(SLOTS[slot](escape(FEEL_TEXTS[text], {'"': "&quot;"}))))
    assert found & {"T", "F", "T-s"}
    assert found <= {"T", "F", "T-s", "s", "u", "x", "y"}


@pytest.mark.parametrize("text", ["P99999999Y", "PT99999999999S", "R999999999/2020-01-01T00:00:00Z/PT1S", "R/PT0S", "R-5/PT1H", "-P1D"])
@pytest.mark.parametrize("slot", ["timer date", "timer duration", "timer cycle"])
def test_so_does_a_hostile_time(slot: str, text: str) -> None:
    assert named(SLOTS[slot](text)) == {"T"}


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_file_ends_as_it_must(name: str) -> None:
    with EmbeddedEngine() as engine:
        outcome = run(CASES[name], engine)
        assert outcome.wrong(CASES[name]) == ""
        assert outcome.busy < BUSY_MACHINE * COMPUTING
        made = engine.instances()
        with engine.app.reading() as read:
            for one in made:
                for record in read.records(SYSTEM, one.id):
                    assert len(record.events) <= 65_000
                    assert len(record.body) < 12_000_000


LARGEST = ["a thousand self-calling", "user tasks for a town", "large values again and again", "text that doubles", "the largest file that is taken"]


def test_the_largest_take_less_memory_than_is_allowed() -> None:
    found = list(measured(LARGEST))
    assert [one.name for one in found] == LARGEST
    assert all(10 < one.megabytes + one.worker_megabytes < MEGABYTES for one in found)
