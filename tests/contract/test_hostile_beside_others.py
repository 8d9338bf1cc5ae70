"""While one command is busy with a diagram without end, the server answers everybody else. What comes first is told by events, not by clocks.

The hostile process stops in the middle of its command until the others have been answered. A start and a completion are carried out ahead of
their transaction, so that even SQLite's one writer is free meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from engine.model import commands as cmd
from engine.model.actors import SYSTEM, Actor
from engine.model.views import InstanceRef, TaskFilter
from engine.testing import EmbeddedEngine
from tests.conformance.test_events import S, p
from tests.support.bpmn_bench import flows, script
from tests.support.diagrams import TWO_TASKS
from tests.support.hostile_diagrams import MERGE
from webui.app import create_app

WAIT = 60.0  # seconds until a test that hangs fails
HOSTILE = p(S, script("first", "pause()"), MERGE, '<task id="a"/>', flows("s first", "first m", "m a", "a m"))
CLERK = Actor("li", "李", frozenset(), frozenset({"staff"}))


class Held:
    """A hostile command in a thread of its own, in the middle of its work."""

    def __init__(self) -> None:
        self.entered, self.released = threading.Event(), threading.Event()
        self.ended: InstanceRef | None = None

    def pause(self) -> None:
        """The function that the hostile script calls. Re-execution reads its result and does not come here."""
        self.entered.set()
        assert self.released.wait(WAIT)

    @contextmanager
    def running(self, engine: EmbeddedEngine) -> Iterator[None]:
        """Inside the block it has begun and not ended."""

        def start() -> None:
            self.ended = engine.app.execute(cmd.Start("p"), SYSTEM)

        thread = threading.Thread(target=start)
        thread.start()
        try:
            assert self.entered.wait(WAIT)
            yield
            assert self.ended is None
        finally:
            self.released.set()
            thread.join(WAIT)


@pytest.fixture
def held() -> Held:
    return Held()


@pytest.fixture
def engine(url: str, held: Held) -> Iterator[EmbeddedEngine]:
    with EmbeddedEngine(functions={"pause": held.pause}, database=url) as one:
        one.deploy({"p.bpmn": HOSTILE, "two.bpmn": TWO_TASKS})
        one.app.execute(cmd.PutUser("li", "李", ("staff",), (), "a long password"), SYSTEM)
        yield one


def test_others_read_while_a_hostile_command_runs(engine: EmbeddedEngine, held: Held) -> None:
    one = engine.start("two")
    with held.running(engine), engine.app.reading() as read:
        assert [task.element_id for task in read.worklist(SYSTEM, TaskFilter(view="every")).rows] == ["a"]
        assert read.instance(SYSTEM, one).state == "active"
    assert held.ended is not None
    assert engine.instance(held.ended.instance_id).error is not None


def test_the_api_answers_while_a_hostile_command_runs(engine: EmbeddedEngine, held: Held) -> None:
    token = engine.app.execute(cmd.IssueToken("program"), CLERK)
    engine.start("two")
    client = create_app(engine.app).test_client()
    with held.running(engine):
        answer = client.get("/api/v1/tasks", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200


def test_others_complete_their_tasks_while_a_hostile_command_runs(engine: EmbeddedEngine, held: Held) -> None:
    engine.start("two")
    [task] = engine.user_tasks()
    completed: list[InstanceRef] = []
    other = threading.Thread(target=lambda: completed.append(engine.app.execute(cmd.Complete(task.id), SYSTEM)))
    with held.running(engine):
        other.start()
        other.join(WAIT)
        assert [ref.state for ref in completed] == ["active"]
