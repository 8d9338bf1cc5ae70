"""Cases a second over HTTP (start -> A -> B -> end, three writing requests), beside one bare insert and commit a request."""

from __future__ import annotations

import os
import random
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from tests.benchmarks.clients import Client, Window, load
from tests.benchmarks.installation import Installation
from tests.benchmarks.results import Figure, Target, percentile
from tests.benchmarks.servers import RunningServer, bare_server, flowledger_server

CASES_A_SECOND = Target(250, at_least=True)
OF_BARE = Target(0.4, at_least=True)  # writing requests against bare ones beside them
EVEN = Target(3, at_least=False)  # 95 % of the completions against 50 %
CLIENTS = 4
PROCESSES = 1 + (os.cpu_count() or 1)
"""Connections meet processes by chance, so that as many processes as cores would often leave a core idle with few connections; more than
one process beyond the cores only take the processor from each other."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`windows` of `seconds` each are measured after one that only warms up; the figure is their median."""

    windows: int = 5
    seconds: float = 1.5
    seed: int = 1


@dataclass(slots=True)
class Seen:
    """What the windows of one server showed. `completions`: seconds of each."""

    windows: list[Window] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    completions: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Median of the windows, works a second."""
        return statistics.median(w.rate for w in self.windows)


def case(client: Client, random_numbers: random.Random, completions: list[float]) -> None:
    """One case; every answer is checked, so that nothing refused or lost can count as fast."""
    amount = random_numbers.randrange(1, 10_000)
    started = client.post("/api/v1/instances", {"process_id": "two", "business_key": f"B-{amount}", "variables": {"amount": amount}})
    [task] = started["task_ids"]
    times = [time.perf_counter()]
    done = client.post(f"/api/v1/tasks/{task}/complete", {"values": {"approved": True, "remark": "a short text"}})
    times.append(time.perf_counter())
    [task] = done["task_ids"]
    ended = client.post(f"/api/v1/tasks/{task}/complete", {"values": {"amount": amount + 1}})
    times.append(time.perf_counter())
    completions += [after - before for before, after in pairwise(times)]
    if ended["state"] != "completed" or ended["instance_id"] != started["instance_id"]:
        raise AssertionError(f"the case did not end: {ended}")


def measure(name: str, installation: Installation, folder: Path, plan: Plan) -> Iterator[Figure]:
    """Figures of one database. Both servers run all the time and their windows alternate, so that noise of the machine meets both."""
    for processes, clients in ((1, 1), (1, CLIENTS), (PROCESSES, CLIENTS)):
        with ExitStack() as stack:
            engine = stack.enter_context(flowledger_server(installation.database, folder, processes))
            bare = stack.enter_context(bare_server(installation.database, folder, processes))
            label = f"{name}, {_count(clients, 'client')}, {_count(processes, 'process')}"
            yield from _figures(label, *_rates(clients, engine, bare, installation.token, plan), targets=processes > 1)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 'es' if what.endswith('s') else 's'}"


def _rates(clients: int, engine: RunningServer, bare: RunningServer, token: str, plan: Plan) -> tuple[Seen, Seen]:
    """Each window has new connections, because it is chance which process one of them meets."""
    numbers = [random.Random(f"{plan.seed} {n}") for n in range(clients)]
    cases, inserts = Seen(), Seen()
    for number in range(plan.windows + 1):
        with ExitStack() as stack:
            users = [stack.enter_context(Client(engine.port, token)) for _ in range(clients)]
            others = [stack.enter_context(Client(bare.port)) for _ in range(clients)]
            completions: list[float] = []
            before = engine.cpu_seconds()
            window = load(users, lambda client, n, to=completions: case(client, numbers[n], to), plan.seconds)  # type: ignore[misc]
            cpu = (engine.cpu_seconds() - before) / (3 * len(window.seconds))
            bare_window = load(others, lambda client, _: client.post("/", {"text": "a short text"}), plan.seconds)
        if number:  # the first one only warms up
            cases.windows.append(window)
            cases.cpu.append(cpu)
            cases.completions += completions
            inserts.windows.append(bare_window)
    return cases, inserts


def _figures(label: str, cases: Seen, inserts: Seen, *, targets: bool) -> Iterator[Figure]:
    generator = statistics.median(w.generator for w in cases.windows)
    yield Figure(
        f"{label}: start, A, B, end",
        cases.rate,
        "cases/s",
        tuple(w.rate for w in cases.windows),
        CASES_A_SECOND if targets else None,
        f"{statistics.median(cases.cpu) * 1e3:.2f} ms of processor time a request; load generator {generator:.0%} of a core",
    )
    yield Figure(
        f"{label}: bare insert and commit",
        inserts.rate,
        "requests/s",
        tuple(w.rate for w in inserts.windows),
    )
    share, note = 3 * cases.rate / inserts.rate, f"{3 * cases.rate:.0f} writing requests a second against the bare ones beside them"
    yield Figure(f"{label}: share of the bare rate", share, "x", target=OF_BARE if targets else None, note=note)
    times = sorted(cases.completions)
    half, most, nearly_all = (percentile(times, share) for share in (0.5, 0.95, 0.99))
    note = f"50 % {half * 1e3:.1f} ms, 95 % {most * 1e3:.1f} ms, 99 % {nearly_all * 1e3:.1f} ms"
    yield Figure(f"{label}: completion, 95 % / 50 %", most / half, "x", target=EVEN if targets else None, note=note)
