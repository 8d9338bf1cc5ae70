"""Bounds on time whose verdicts are recorded: re-execution stops where the live command stopped, and nowhere else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from engine.application.stopwatch import RUNS, CommandStopwatch, _computed
from engine.errors import BpmnError, Conflict, ExpressionStopped, NotAvailable
from engine.history.transition import RecordedCalls
from engine.model.records import Call


class Hand:
    """A stopwatch that the test moves."""

    def __init__(self, left: float) -> None:
        self._left = left
        self.excused = 0

    def left(self) -> float:
        return self._left

    def sent(self) -> None:
        pass

    @contextmanager
    def running(self, worker: int | None = None) -> Iterator[None]:
        yield
        self._left -= 0.25

    @contextmanager
    def aside(self) -> Iterator[None]:
        self.excused += 1
        yield


def stops(cause: str = "it took too long") -> Callable[[], Any]:
    def run() -> Any:
        raise ExpressionStopped(source="loop", cause=cause)

    return run


def live(left: float = 1.0, **functions: Any) -> RecordedCalls:
    return RecordedCalls(functions, stopwatch=Hand(left))


def test_a_stopped_expression_is_written_down_and_read_back() -> None:
    first = live()
    assert first.watch.evaluation(lambda: 1) == 1
    with pytest.raises(ExpressionStopped) as stopped:
        first.watch.evaluation(stops())
    assert first.made == [Call("$stopped", 2, failed=True, error=str(stopped.value))]
    again = RecordedCalls({}, first.made)
    assert again.watch.evaluation(lambda: 2) == 2
    with pytest.raises(ExpressionStopped, match="too long") as repeated:
        again.watch.evaluation(lambda: pytest.fail("it is not run again"))
    assert str(repeated.value) == str(stopped.value)


def test_what_once_finished_is_never_judged_again() -> None:
    again = RecordedCalls({}, [])
    assert again.watch.seconds(1.0) == 10.0
    with pytest.raises(NotAvailable, match="try again"):
        again.watch.evaluation(stops())
    assert not any(again.watch.used_up(None) for _ in range(1000))


def test_the_command_stops_at_the_same_step_again() -> None:
    first = live(0.5)
    places = []
    for _ in range(4):
        places.append(first.watch.used_up(None) is not None)
        with first.watch.running():
            pass
    assert places == [False, False, True, True]
    again = RecordedCalls({}, first.made[:1])
    assert [again.watch.used_up(None) is not None for _ in range(4)] == [False, False, True, False]


def test_the_command_stops_again_where_its_counts_were_used_up_with_the_same_words() -> None:
    first = live()
    assert [first.watch.used_up(None), first.watch.used_up("more than 2 steps")] == [None, "more than 2 steps"]
    again = RecordedCalls({}, first.made)
    assert [again.watch.used_up(None), again.watch.used_up(None)] == [None, "more than 2 steps"]
    assert RecordedCalls({}, []).watch.used_up("more than any version allowed") == "more than any version allowed"


def test_calls_of_a_stopped_expression_are_passed_over() -> None:
    first = live(f=lambda: 1, g=lambda: 2)

    def calls_then_stops() -> Any:
        first("f", (), {})
        return stops()()

    with pytest.raises(ExpressionStopped):
        first.watch.evaluation(calls_then_stops)
    first.watch.evaluation(lambda: first("g", (), {}))
    again = RecordedCalls({}, first.made)
    with pytest.raises(ExpressionStopped):
        again.watch.evaluation(lambda: None)
    assert again.watch.evaluation(lambda: again("g", (), {})) == 2
    with pytest.raises(Conflict, match="no further call"):
        again("g", (), {})


def test_an_expression_gets_what_the_command_has_left() -> None:
    watch = live(0.25).watch
    with pytest.raises(ExpressionStopped, match="the command has used up its time"):
        watch.evaluation(lambda: (watch.seconds(1.0), stops()())[1])
    assert live(0.25).watch.seconds(0.1) == 0.1


def test_nothing_is_evaluated_any_more_when_the_time_is_used_up_in_the_middle_of_a_step() -> None:
    first = live(0.0)
    with pytest.raises(ExpressionStopped, match="x \\+ 1 was stopped: the command has used up its time") as stopped:
        first.watch.evaluation(lambda: pytest.fail("it is not run"), "x + 1")
    with pytest.raises(ExpressionStopped) as repeated:
        RecordedCalls({}, first.made).watch.evaluation(lambda: pytest.fail("it is not run"))
    assert str(repeated.value) == str(stopped.value)


def test_a_business_error_is_no_verdict() -> None:
    first = live()

    def fails() -> Any:
        raise BpmnError("one")

    with pytest.raises(BpmnError):
        first.watch.evaluation(fails)
    assert first.made == []


def test_functions_of_packs_do_not_count() -> None:
    hand = Hand(1.0)
    RecordedCalls({"f": lambda: 1}, stopwatch=hand)("f", (), {})
    assert hand.excused == 1


def test_the_stopwatch_counts_own_work_and_that_of_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    now = {"busy": 0.0, "wall": 0.0, "worker": 0.0}
    monkeypatch.setattr("time.thread_time", lambda: now["busy"])
    monkeypatch.setattr("time.perf_counter", lambda: now["wall"])
    monkeypatch.setattr("engine.application.stopwatch._computed", lambda worker: now["worker"] if worker else None)

    def passes(wall: float, busy: float, worker: float = 0.0) -> None:
        now["wall"] += wall
        now["busy"] += busy
        now["worker"] += worker

    watch = CommandStopwatch(1.0)
    passes(wall=0.04, busy=0.04)  # too short to be measured
    assert watch.left() == pytest.approx(1.0)
    passes(wall=5, busy=0.0)  # waits for the database
    assert watch.left() == pytest.approx(1.0)
    passes(wall=0.1, busy=0.1)
    with watch.running(7):
        passes(wall=3.2, busy=0.0, worker=0.5)  # on a busy machine
    assert watch.left() == pytest.approx(0.5)
    with watch.running(7):
        passes(wall=0.8, busy=0.0, worker=0.0)  # on a very busy one
    assert watch.left() == pytest.approx(0.4)
    with watch.running(None):
        passes(wall=0.25, busy=0.05)  # nobody knows the process
    assert watch.left() == pytest.approx(0.2)
    with watch.aside():
        passes(wall=3.0, busy=3.0)
    assert watch.left() == pytest.approx(0.2)
    passes(wall=4, busy=1.9)
    assert watch.left() == pytest.approx(-0.05)


def test_each_run_in_the_sandbox_has_its_price() -> None:
    watch = CommandStopwatch(1.0)
    for _ in range(RUNS - 1):
        watch.sent()
    assert 0 < watch.left() < 0.001
    watch.sent()
    assert watch.left() <= 0


def test_the_clock_of_another_process_is_read() -> None:
    child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        watch = CommandStopwatch(1.0)
        with watch.running(child.pid):
            while _computed(child.pid) is not None and (_computed(child.pid) or 0) < 0.05:
                pass
        assert 0 < 1.0 - watch.left() < 5
    finally:
        child.kill()
        child.wait()
    assert _computed(child.pid) is None
