"""Read tables made anew from the records, and every instance executed again: records a second and core."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

from engine.bootstrap import Flowledger
from engine.model.actors import SYSTEM
from engine.model.commands import Complete, Deploy, Start
from engine.projections.rebuild import rebuild
from tests.benchmarks.completion import LOOP
from tests.benchmarks.installation import CLERK, Installation
from tests.benchmarks.results import Figure, Target

CASES = 400  # of two user tasks; every second one is open at the second
TURNS = 1_000  # of one instance that goes round a user task
RUNS = 5
RATE = Target(3_000, at_least=True)


def rates(name: str, installation: Installation) -> Iterator[Figure]:
    """A core is this process's: on PostgreSQL the database server uses another one meanwhile, which the rate by the clock shows."""
    app = installation.open()
    try:
        _fill(app)
        ways: tuple[tuple[str, Callable[[], int]], ...] = (
            ("rebuild of read tables", lambda: rebuild(app.store)),
            ("re-execution", lambda: _again(app)),
        )
        for what, work in ways:
            samples, clock = _measured(work)
            note = f"by the clock {statistics.median(clock):,.0f}"
            yield Figure(f"{name}: {what}", statistics.median(samples), "records/s and core", tuple(samples), RATE, note)
    finally:
        app.close()


def _fill(app: Flowledger) -> None:
    app.execute(Deploy({"loop.bpmn": LOOP}), SYSTEM)
    for number in range(CASES):
        [task] = app.execute(Start("two", {"amount": number}, f"B-{number}"), CLERK).task_ids
        [task] = app.execute(Complete(task, {"approved": True, "remark": "a short text"}), CLERK).task_ids
        if number % 2:
            app.execute(Complete(task, {"amount": number + 1}), CLERK)
    [task] = app.execute(Start("loop", {"again": True}), SYSTEM).task_ids
    for turn in range(TURNS):
        [task] = app.execute(Complete(task, {"again": True, "turn": turn}), SYSTEM).task_ids


def _again(app: Flowledger) -> int:
    with app.reading() as read:
        return sum(read.reexecute(SYSTEM, one) for one in read.instance_ids(SYSTEM))


def _measured(work: Callable[[], int]) -> tuple[list[float], list[float]]:
    """(records a second of processor time, records a second) of each run after one that warms up."""
    work()
    samples, clock = [], []
    for _ in range(RUNS):
        used, before = time.process_time(), time.perf_counter()
        count = work()
        samples.append(count / (time.process_time() - used))
        clock.append(count / (time.perf_counter() - before))
    return samples, clock
