"""What hostile files and diagrams without end cost, case by case; and how others are answered by a server that is busy with one."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.model.actors import SYSTEM
from engine.model.commands import Deploy
from tests.benchmarks.clients import Client
from tests.benchmarks.installation import Installation
from tests.benchmarks.results import Figure, Target
from tests.benchmarks.servers import RunningServer, flowledger_server
from tests.support.hostile import line, measured
from tests.support.hostile_diagrams import CASES

SECONDS = Target(1.5, at_least=False)
MEGABYTES = Target(128, at_least=False)
BESIDE = ("loop", "loop of scripts that run in the sandbox", "instances of instances")
"""One that computes in the server's process only, one in the sandbox, one that writes much."""
ROUNDS = 5


def figures() -> Iterator[Figure]:
    """Two lines a case: seconds of its longest command, megabytes; then the worst of both."""
    found = []
    for one in measured():
        if one.wrong:
            raise AssertionError(f"{one.name}: {one.wrong}")
        found.append(one)
        note = f"{line(one)}; {one.busy:.2f} s of processor time; {one.megabytes:.0f} MB"
        note += f" and {one.worker_megabytes:.0f} MB in the sandbox" if one.worker_megabytes else ""
        yield Figure(f"hostile: {one.name}", one.seconds, "s", target=SECONDS, note=note)
    slowest = max(found, key=lambda one: one.seconds)
    largest = max(found, key=lambda one: one.megabytes + one.worker_megabytes)
    busiest = max(found, key=lambda one: one.busy)
    yield Figure("hostile: the slowest case", slowest.seconds, "s", tuple(one.seconds for one in found), SECONDS, slowest.name)
    yield Figure("hostile: most processor time", busiest.busy, "s", tuple(one.busy for one in found), SECONDS, busiest.name)
    yield Figure(
        "hostile: the largest case", largest.megabytes + largest.worker_megabytes, "MB", tuple(one.megabytes + one.worker_megabytes for one in found), MEGABYTES, largest.name
    )  # fmt: skip


# --- the others -----------------------------------------------------------------------------------------------------------
def beside(name: str, installation: Installation, folder: Path) -> Iterator[Figure]:
    """Answers to one client who reads the worklist and to one who completes tasks, while a third starts hostile instances one after the other.

    The others have a target: nobody waits longer for a hostile command than its own bound. The hostile start has none, for its bound is on what it
    takes alone (`figures`); here it shares the processors with two busy clients, and a clock would measure these.
    """
    app = installation.open()
    for number, hostile in enumerate(BESIDE):
        xml = CASES[hostile].files()["p.bpmn"].replace(b'<process id="p"', f'<process id="hostile{number}"'.encode())
        app.execute(Deploy({f"hostile{number}.bpmn": xml}, "benchmark"), SYSTEM)
    app.close()
    with flowledger_server(installation.database, folder) as server:
        for number, hostile in enumerate(BESIDE):
            yield from _while(f"{name}, beside {hostile!r}", server, installation.token, f"hostile{number}")


def _while(name: str, server: RunningServer, token: str, process: str) -> Iterator[Figure]:
    over = threading.Event()
    readings, completions, starts = list[float](), list[float](), list[float]()

    def again(work: Callable[[Client], None], taken: list[float]) -> Callable[[], None]:
        def run() -> None:
            with Client(server.port, token) as client:
                while not over.is_set():
                    before = time.perf_counter()
                    work(client)
                    taken.append(time.perf_counter() - before)

        return run

    others = [threading.Thread(target=again(_read, readings)), threading.Thread(target=again(_complete, completions))]
    for one in others:
        one.start()
    with Client(server.port, token) as client:
        for _ in range(ROUNDS):
            before = time.perf_counter()
            client.post("/api/v1/instances", {"process_id": process, "variables": {"n": 0}})
            starts.append(time.perf_counter() - before)
    over.set()
    for one in others:
        one.join()
    yield Figure(f"{name}: the hostile start", statistics.median(starts), "s", tuple(starts))
    yield Figure(f"{name}: the longest wait of the others", max(readings + completions), "s", target=SECONDS)
    for what, taken in (("reading the worklist", readings), ("start and completion of a task", completions)):
        yield Figure(f"{name}: {what}", statistics.median(taken) * 1e3, "ms", note=f"{len(taken)} times; at most {max(taken) * 1e3:.0f} ms")


def _read(client: Client) -> None:
    client.get("/api/v1/tasks?size=20")


def _complete(client: Client) -> None:
    [task] = client.post("/api/v1/instances", {"process_id": "two"})["task_ids"]
    client.post(f"/api/v1/tasks/{task}/complete", {"values": {"approved": True}})
