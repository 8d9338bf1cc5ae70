"""What one completion costs: whether its time grows with history, how many SQL statements it takes, and long loops in one go."""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import event, text

from engine.bootstrap import Flowledger
from engine.errors import FlowledgerError
from engine.model.actors import SYSTEM
from engine.model.commands import Complete, Deploy, Start
from engine.plugins.loading import WEB, installed
from engine.testing import EmbeddedEngine
from tests.benchmarks.installation import GROUP, Installation
from tests.benchmarks.results import Curve, Figure, Target, percentile
from tests.support.diagrams import END, START, chain, flow, process, user

AGES = (10, 1_000, 10_000)
WAY = (10, 30, 100, 300, 1_000, 3_000, 9_900)  # where the plot looks, on the way of the oldest one
WINDOW = 50  # completions of one instance that count as "after N"
ROUNDS = 4 * WINDOW
COLD = 40  # completions without the execution in the cache
FLAT = Target(1.2, at_least=False)
FLAT_95 = Target(1.5, at_least=False)
COLD_MS = Target(30, at_least=False)
STATEMENTS = Target(8, at_least=False)
WAL_KB = Target(3, at_least=False)

GATEWAY = '<exclusiveGateway id="more" default="more_end"/>'
LOOP = process(
    START + user("work", GROUP) + GATEWAY + END + chain("start", "work", "more") + flow("more", "work", "again") + flow("more", "end"), "loop"
)


# --- does history make it slower? ---------------------------------------------------------------------------------------
class Loop:
    """One instance of a process that goes round a user task for as long as it is `again`."""

    def __init__(self, app: Flowledger, process_id: str = "loop") -> None:
        self._app = app
        [self._task] = app.execute(Start(process_id, {"again": True}), SYSTEM).task_ids
        self.completed = 0

    def complete(self) -> float:
        """Complete the open task; seconds that it took."""
        command = Complete(self._task, {"again": True, "turn": self.completed})
        before = time.perf_counter()
        done = self._app.execute(command, SYSTEM)
        taken = time.perf_counter() - before
        [self._task] = done.task_ids
        self.completed += 1
        return taken

    def complete_cold(self) -> float:
        """As `complete`, after the execution was forgotten: it is rebuilt from its snapshot and the records since."""
        self._app.services.live.clear()
        return self.complete()

    def run_to(self, completed: int) -> list[float]:
        """Seconds of each completion on the way."""
        return [self.complete() for _ in range(completed - self.completed)]


def growth(name: str, installation: Installation) -> Iterator[Figure | Curve]:
    """Completion time of instances with 10, 1,000 and 10,000 completed tasks, measured in turn so that noise meets all three."""
    app = installation.open()
    try:
        app.execute(Deploy({"loop.bpmn": LOOP}), SYSTEM)
        old, middle = Loop(app), Loop(app)
        way = old.run_to(AGES[2])
        middle.run_to(AGES[1])
        taken: dict[int, list[float]] = {age: [] for age in AGES}
        for number in range(ROUNDS):
            if number % WINDOW == 0:
                young = Loop(app)
                young.run_to(AGES[0])
            for age, loop in zip(AGES, (young, middle, old), strict=True):
                taken[age].append(loop.complete())
        cold = sorted(old.complete_cold() for _ in range(COLD))
    finally:
        app.close()
    medians = {age: statistics.median(times) for age, times in taken.items()}
    for age in AGES:
        times = sorted(taken[age])
        yield Figure(f"{name}: completion after {age:,}", medians[age] * 1e3, "ms", note=f"95 % {percentile(times, 0.95) * 1e3:.2f} ms")
    most = {age: percentile(sorted(times), 0.95) for age, times in taken.items()}
    yield Curve("completion", name, tuple((age, *_around(way, age)) for age in WAY))
    early, late = statistics.median(way[10:210]), statistics.median(way[-200:])
    yield Figure(
        f"{name}: ratio after {AGES[2]:,} / after {AGES[0]}",
        medians[AGES[2]] / medians[AGES[0]],
        "x",
        target=FLAT,
        note=f"while it grew, one after another: {late / early:.2f}; {AGES[2]:,} completions took {sum(way):.1f} s",
    )
    yield Figure(f"{name}: the same ratio at 95 %", most[AGES[2]] / most[AGES[0]], "x", target=FLAT_95)
    note = f"95 % {percentile(cold, 0.95) * 1e3:.1f} ms; from snapshot and records"
    yield Figure(f"{name}: completion after {AGES[2]:,}, not in the cache", statistics.median(cold) * 1e3, "ms", target=COLD_MS, note=note)


def _around(way: list[float], age: int) -> tuple[float, float]:
    """(median, 95th percentile) in milliseconds of the completions about that one."""
    times = sorted(way[max(age - 100, age // 2) : age + 100])
    return statistics.median(times) * 1e3, percentile(times, 0.95) * 1e3


# --- statements ---------------------------------------------------------------------------------------------------------
@contextmanager
def statements(app: Flowledger) -> Iterator[list[str]]:
    """SQL that the engine's connections execute meanwhile; BEGIN, COMMIT and the driver's own pings are no statements."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    event.listen(app.store.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(app.store.engine, "before_cursor_execute", note)


def statement_counts(name: str, installation: Installation) -> Iterator[Figure]:
    """A request through the whole web application, look-up of the token included; the second of two like it, so that caches are warm."""
    app = installation.open()
    try:
        factories = installed(WEB)
        if not factories:
            raise FlowledgerError("No web application is installed; install the project first (make bench does).")
        client = factories[0](app).test_client()
        counts: dict[str, int] = {}

        def post(what: str, path: str, document: dict[str, object]) -> str:
            with statements(app) as seen:
                answer = client.post(path, json=document, headers={"Authorization": f"Bearer {installation.token}"})
            if answer.status_code not in (200, 201):
                raise AssertionError(answer.get_data(as_text=True))
            counts[what] = len(seen)
            return str((answer.get_json()["task_ids"] or [""])[0])

        for _ in range(2):
            task = post("start", "/api/v1/instances", {"process_id": "two", "variables": {"amount": 1}})
            task = post("a", f"/api/v1/tasks/{task}/complete", {"values": {"approved": True}})
            post("b", f"/api/v1/tasks/{task}/complete", {"values": {"amount": 2}})
        written = sorted(_wal_bytes(app) for _ in range(100))
    finally:
        app.close()
    note = f"that creates the next task; last task of the case {counts['b']}, start {counts['start']}; token look-up included"
    yield Figure(f"{name}: SQL statements per completion", max(counts["a"], counts["b"]), "statements", target=STATEMENTS, note=note)
    pages = app.store.is_sqlite
    always = "SQLite writes whole pages of 4 KB, so that one alone is more than the target" if pages else "whole pages after a checkpoint"
    note = f"that creates the next task; 95 % {written[95] / 1024:.1f} KB: {always}"
    yield Figure(f"{name}: WAL per completion", written[50] / 1024, "KB", target=None if pages else WAL_KB, note=note)


def _wal_bytes(app: Flowledger) -> int:
    """Of the completion of a small task."""
    if app.store.is_sqlite:
        with closing(sqlite3.connect(str(app.store.url.database))) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    [task] = app.execute(Start("two", {"amount": 1}), SYSTEM).task_ids
    before = _wal_position(app)
    app.execute(Complete(task, {"approved": True, "remark": "a short text"}), SYSTEM)
    return _wal_position(app) - before


def _wal_position(app: Flowledger) -> int:
    if app.store.is_sqlite:
        return Path(f"{app.store.url.database}-wal").stat().st_size
    with app.store.outside() as connection:
        return int(connection.scalar(text("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")) or 0)


# --- long runs in one go --------------------------------------------------------------------------------------------------
def long_runs() -> Iterator[Figure]:
    """In memory, with the embedded engine: 1,000 rounds of a user task, 5,000 parallel and sequential items of a multi-instance task."""
    yield _timed("1,000 rounds of a user-task loop, in memory", _rounds)
    for kind, sequential in (("parallel", "false"), ("sequential", "true")):
        yield _timed(f"5,000 {kind} multi-instance items, in memory", lambda sequential=sequential: _items(sequential))


def _timed(name: str, run: Callable[[], int]) -> Figure:
    before = time.perf_counter()
    number = run()
    taken = time.perf_counter() - before
    return Figure(name, taken, "s", note=f"{taken / number * 1e3:.2f} ms each")


def _rounds() -> int:
    with EmbeddedEngine() as engine:
        engine.deploy({"loop.bpmn": LOOP})
        Loop(engine.app).run_to(1_000)
    return 1_000


def _items(sequential: str) -> int:
    loop = f'<multiInstanceLoopCharacteristics isSequential="{sequential}" camunda:collection="${{items}}" camunda:elementVariable="item"/>'
    script = f'<scriptTask id="s"><script>pass</script>{loop}</scriptTask>'
    with EmbeddedEngine() as engine:
        engine.deploy({"items.bpmn": process(START + script + END + chain("start", "s", "end"))})
        one = engine.start("p", {"items": list(range(5_000))})
        if engine.instance(one).state != "completed":
            raise AssertionError(f"not completed: {engine.instance(one)}")
    return 5_000
