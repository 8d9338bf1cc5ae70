"""A campaign in parts: each is a campaign of its own, with its database (server), folder, sink and seed, in a process of its own, all at once."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from tests.crash.campaign import Outcome, Plan, run
from tests.support.postgres import postgres_server

NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
STRIDE = 1_000_003  # between the seeds of parts, so that those of neighbouring seeds do not meet


@dataclass(frozen=True, slots=True)
class Part:
    """`number` of `count`, from 1; `plan`: its own share."""

    database: str
    number: int
    count: int
    plan: Plan

    def __str__(self) -> str:
        return f"{NAMES[self.database]}, part {self.number} of {self.count}"


def shares(count: int, parts: int) -> list[int]:
    """As equal as can be; their sum is `count`."""
    return [count // parts + (n < count % parts) for n in range(parts)]


def split(databases: Sequence[str], whole: Plan, parts: int) -> list[Part]:
    """All parts of all databases. `whole` is shared by the databases (stops are PostgreSQL's alone); no part is without work, if there is any."""
    found = []
    for database, kills in zip(databases, shares(whole.kills, len(databases)), strict=True):
        stops = whole.stops if database == "postgresql" else 0
        count = max(1, min(parts, max(kills, stops)))
        plan = replace(whole, kills=0, stops=0)
        for n, (own_kills, own_stops) in enumerate(zip(shares(kills, count), shares(stops, count), strict=True)):
            first = {"first_kill": plan.first_kill + plan.kills, "first_stop": plan.first_stop + plan.stops}
            plan = replace(plan, kills=own_kills, stops=own_stops, seed=whole.seed + STRIDE * n, **first)
            found.append(Part(database, n + 1, count, plan))
    return found


def run_part(part: Part) -> Outcome:
    """To its end, on an empty database (server) that is gone afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flowledger-crash-")))
        server = stack.enter_context(postgres_server()) if part.database == "postgresql" else None
        address = server.database("crash") if server else f"sqlite:///{folder / 'flowledger.sqlite3'}"
        name = f"{NAMES[part.database]} {server.version.split()[0]}" if server else NAMES[part.database]
        return run(name, address, folder, part.plan, server, lambda text: print(f"  {part}: {text}", file=sys.stderr, flush=True))


LEAVING_SECONDS = 30.0


def run_parts(parts: Sequence[Part], done: Callable[[Part, Outcome], None], work: Callable[[Part], Outcome] = run_part) -> None:
    """All at once; `done` is told of each as it ends. One that fails or dies has a finding. Whatever ends this ends the processes, which clean up first."""
    context = multiprocessing.get_context("spawn")  # a fork would copy the locks of threads that the parent may have
    running: dict[Connection, tuple[Part, Any]] = {}
    try:
        for part in parts:
            here, there = context.Pipe(duplex=False)
            process = context.Process(target=_process, args=(there, work, part), name=str(part))
            running[here] = part, process
            process.start()
            there.close()  # so that the end of the process is the end of the pipe
        while running:
            ready = wait(list(running))
            for here in [one for one in running if one in ready]:
                result = _received(here)
                part, process = running[here]
                process.join(LEAVING_SECONDS)
                if process.is_alive():  # it has told its outcome; what keeps it must not hold up the others
                    process.kill()
                    process.join()
                del running[here]
                done(part, result if isinstance(result, Outcome) else _failed(part, result or f"exit code {process.exitcode}"))
    finally:
        left = [process for _, process in running.values() if process.pid]
        for process in left:
            process.terminate()
        for process in left:
            process.join()


def end_on_signals() -> None:
    """SIGINT and SIGTERM unwind this process once, so that every `finally` stops its servers; a second one does not disturb that."""

    def end(number: int, _: object) -> None:
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, signal.SIG_IGN)
        sys.exit(128 + number)

    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, end)


def _process(there: Connection, work: Callable[[Part], Outcome], part: Part) -> None:
    """The whole of a part's process: its outcome or its stack goes through the pipe."""
    end_on_signals()
    try:
        there.send(work(part))
    except Exception:  # noqa: BLE001 - whatever it is: the report must tell
        there.send(traceback.format_exc())


def _received(here: Connection) -> Any:
    """What the process sent; None when it died before."""
    with here:
        try:
            return here.recv()
        except Exception:  # noqa: BLE001 - it died in the middle, or sent what nobody can read: a finding, not the end of the others
            return None


def _failed(part: Part, why: str) -> Outcome:
    outcome = Outcome(NAMES[part.database], parts=0)
    outcome.findings.other.append(f"{part} did not come to its end: {why[-3000:]}")
    return outcome
