"""`python -m tests.benchmarks`: measure, print one table, write JSON. Exit code 0 also when a target is missed: the table says so."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psutil

from tests.benchmarks import completion, deployment, history, hostile, idle, lists, plots, web_process
from tests.benchmarks.bare import commits
from tests.benchmarks.installation import install
from tests.benchmarks.results import Curve, Figure, Report, machine
from tests.benchmarks.throughput import Plan, measure
from tests.support.postgres import postgres_server

PARTS = ("http", "statements", "growth", "process", "lists", "history", "idle", "long", "deployment", "hostile")
DATABASES = ("sqlite", "postgresql")


def arguments() -> argparse.Namespace:
    """Of the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Speed of Flowledger on this machine.")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this; may be repeated")
    parser.add_argument("--database", action="append", choices=DATABASES, help="only on this; may be repeated")
    parser.add_argument("--windows", type=int, default=5, help="measured windows a rate (default 5)")
    parser.add_argument("--seconds", type=float, default=1.5, help="length of a window (default 1.5)")
    parser.add_argument("--tasks", type=int, default=1_000_000, help="open tasks of the large installation of part lists (default 1,000,000)")
    parser.add_argument("--rounds", type=int, default=lists.ROUNDS, help=f"measured rounds of part lists (default {lists.ROUNDS})")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="where to write (default: var/benchmarks/<time>.json)")
    parser.add_argument("--strict", action="store_true", help="exit code 1 when a target is missed")
    return parser.parse_args()


def run(options: argparse.Namespace) -> Report:
    """Everything that was asked for."""
    started = datetime.now(UTC)
    report = Report(started.strftime("%Y-%m-%dT%H:%M:%SZ"), options.seed)
    parts, databases = options.part or PARTS, options.database or DATABASES
    load_before = os.getloadavg()[0]
    before = time.perf_counter()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flowledger-bench-")))
        server = stack.enter_context(postgres_server()) if "postgresql" in databases else None

        def address(database: str, what: str) -> str:
            return server.database(what) if database == "postgresql" and server else f"sqlite:///{folder / what}.sqlite3"

        for database, name in (("sqlite", "SQLite (file, WAL, FULL)"), ("postgresql", f"PostgreSQL {server.version.split()[0] if server else ''}")):
            if database not in databases:
                continue
            at = partial(address, database)
            bare = at("bare")
            for part, figures in _on_database(name, at, folder, options, server.process if database == "postgresql" and server else None).items():
                if part in parts:
                    report.add(_shown(commits(bare, f"{name}, {part}")))
                    report.add(_shown(figures()))
        in_memory: dict[str, Callable[[], Iterable[Figure]]] = {
            "long": completion.long_runs,
            "deployment": deployment.figures,
            "hostile": hostile.figures,
        }
        for part, of_engine in in_memory.items():
            if part in parts:
                report.add(_shown(commits(f"sqlite:///{folder / 'bare'}.sqlite3", f"In memory, {part}")))
                report.add(_shown(of_engine()))
    found = machine()
    report.notes.append(
        f"Machine: {found['cores']} cores shared by servers, database and load generator; {found['python']}, SQLite {found['sqlite']}, {found['system']}; "
        f"load before {load_before:.2f}, after {found['load_1_minute']:.2f}. Seed {options.seed}. Took {time.perf_counter() - before:.0f} s."
    )
    if load_before > 0.5 * (found["cores"] or 1):
        report.notes.append("The machine was busy before the run: the figures are too low.")
    return report


def _on_database(
    name: str, at: Callable[[str], str], folder: Path, options: argparse.Namespace, of_database: psutil.Process | None
) -> dict[str, Callable[[], Iterable[Figure | Curve]]]:
    """The parts that need one. `at`: the address of an empty database by its name; `of_database`: the process of a server."""
    return {
        "http": lambda: measure(name, install(at("http")), folder, Plan(options.windows, options.seconds, options.seed)),
        "statements": lambda: completion.statement_counts(name, install(at("statements"))),
        "growth": lambda: completion.growth(name, install(at("growth"))),
        "process": lambda: web_process.figures(name, install(at("process")), folder),
        "hostile": lambda: hostile.beside(name, install(at("hostile")), folder),
        "lists": lambda: lists.figures(name, at, folder, options.tasks, options.rounds),
        "history": lambda: history.rates(name, install(at("history"))),
        "idle": lambda: idle.figures(name, install(at("idle")), folder, of_database),
    }


def _shown(figures: Iterable[Figure | Curve]) -> Iterator[Figure | Curve]:
    for figure in figures:
        if isinstance(figure, Figure):
            print(f"  {figure.name}: {figure.value:.4g} {figure.unit}", file=sys.stderr, flush=True)
        yield figure


def main() -> int:
    """Returns the exit code."""
    options = arguments()
    report = run(options)
    path = options.json or Path("var/benchmarks") / f"{report.started_at.replace(':', '')}.json"
    report.write(path)
    plots.draw(report.curves, path.parent, f"{path.stem}-")
    print(report.table())
    print(f"Targets: {len(report.missed)} missed{': ' + '; '.join(f.name for f in report.missed) if report.missed else ''}. Written: {path}")
    return 1 if options.strict and report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
