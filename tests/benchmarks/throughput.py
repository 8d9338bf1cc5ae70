"""Cases a second over HTTP (start -> A -> B -> end, three writing requests), beside one bare insert and commit a request."""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.clients import Client, Window, load
from tests.benchmarks.installation import Installation
from tests.benchmarks.results import Figure, Target
from tests.benchmarks.servers import RunningServer, bare_server, flowledger_server

CLIENTS = (1, 4)
CASES_A_SECOND = Target(100, at_least=True)  # with 4 clients


@dataclass(frozen=True, slots=True)
class Plan:
    """`windows` of `seconds` each are measured after one that only warms up; the figure is their median."""

    windows: int = 3
    seconds: float = 1.5
    seed: int = 1


def case(client: Client, random_numbers: random.Random) -> None:
    """One case; every answer is checked, so that nothing refused or lost can count as fast."""
    amount = random_numbers.randrange(1, 10_000)
    started = client.post("/api/v1/instances", {"process_id": "two", "business_key": f"B-{amount}", "variables": {"amount": amount}})
    [task] = started["task_ids"]
    done = client.post(f"/api/v1/tasks/{task}/complete", {"values": {"approved": True, "remark": "a short text"}})
    [task] = done["task_ids"]
    ended = client.post(f"/api/v1/tasks/{task}/complete", {"values": {"amount": amount + 1}})
    if ended["state"] != "completed" or ended["instance_id"] != started["instance_id"]:
        raise AssertionError(f"the case did not end: {ended}")


def measure(name: str, installation: Installation, folder: Path, plan: Plan) -> Iterator[Figure]:
    """Figures of one database. Both servers run all the time and their windows alternate, so that noise of the machine meets both."""
    with ExitStack() as stack:
        engine = stack.enter_context(flowledger_server(installation.database, folder))
        bare = stack.enter_context(bare_server(installation.database, folder))
        for count in CLIENTS:
            yield from _rates(name, count, engine, bare, installation.token, plan)


def _rates(name: str, count: int, engine: RunningServer, bare: RunningServer, token: str, plan: Plan) -> Iterator[Figure]:
    numbers = [random.Random(f"{plan.seed} {name} {n}") for n in range(count)]
    cases: list[Window] = []
    inserts: list[Window] = []
    with ExitStack() as stack:
        users = [stack.enter_context(Client(engine.port, token)) for _ in range(count)]
        others = [stack.enter_context(Client(bare.port)) for _ in range(count)]
        cpu = []
        for _ in range(plan.windows + 1):
            before = engine.cpu_seconds()
            cases.append(load(users, lambda client, number: case(client, numbers[number]), plan.seconds))
            cpu.append((engine.cpu_seconds() - before) / (3 * len(cases[-1].seconds)))
            inserts.append(load(others, lambda client, _: client.post("/", {"text": "a short text"}), plan.seconds))
    del cases[0], inserts[0], cpu[0]  # warming up
    rate, bare_rate = statistics.median(w.rate for w in cases), statistics.median(w.rate for w in inserts)
    label = f"{name}, {count} client{'s' if count > 1 else ''}"
    taken = sorted(t for w in cases for t in w.seconds)
    yield Figure(
        f"{label}: start, A, B, end",
        rate,
        "cases/s",
        tuple(w.rate for w in cases),
        CASES_A_SECOND if count == 4 else None,
        f"a case 50 % {taken[len(taken) // 2] * 1e3:.0f} ms, 95 % {taken[int(len(taken) * 0.95)] * 1e3:.0f} ms; "
        f"{statistics.median(cpu) * 1e3:.2f} ms of processor time a request; load generator {statistics.median(w.generator for w in cases):.0%} of a core",
    )
    yield Figure(
        f"{label}: bare insert and commit",
        bare_rate,
        "requests/s",
        tuple(w.rate for w in inserts),
        note=f"our writing requests {3 * rate:.0f}/s = {3 * rate / bare_rate:.0%} of it",
    )
