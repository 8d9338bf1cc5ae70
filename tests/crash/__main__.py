"""`python -m tests.crash`: kill, stop, restart, check; prints a table and writes JSON. Exit code 1 when there is a finding."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.results import machine
from tests.crash.campaign import Outcome, Plan, run
from tests.support.postgres import postgres_server

DATABASES = ("sqlite", "postgresql")


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """Of the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description="Kills Flowledger under load and looks for what was lost or doubled.")
    parser.add_argument("--kills", type=int, default=40, help="kill -9 in all, shared by the databases (default 40)")
    parser.add_argument("--stops", type=int, default=4, help="immediate stops of PostgreSQL (default 4)")
    parser.add_argument("--database", action="append", choices=DATABASES, help="only on this; may be repeated")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--lease", type=float, help="seconds of a lease, to shorten a run (default: as shipped)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, default=Path("var/crash/report.json"), help="where to write (default: %(default)s)")
    return parser.parse_args(given)


def campaign(options: argparse.Namespace) -> dict[str, Any]:
    """Run it; the report."""
    databases = options.database or DATABASES
    started, begin = datetime.now(UTC), time.monotonic()
    outcomes: list[Outcome] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flowledger-crash-")))
        for n, database in enumerate(databases):
            server = stack.enter_context(postgres_server()) if database == "postgresql" else None
            kills = options.kills // len(databases) + (n < options.kills % len(databases))
            plan = Plan(kills, options.stops if server else 0, options.clients, options.seed, options.lease)
            own = folder / database
            own.mkdir()
            address = server.database("crash") if server else f"sqlite:///{own / 'flowledger.sqlite3'}"
            name = f"PostgreSQL {server.version.split()[0]}" if server else "SQLite"
            outcomes.append(run(name, address, own, plan, server, lambda text: print(f"  {text}", file=sys.stderr, flush=True)))
    return {
        "started_at": started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "seconds": round(time.monotonic() - begin),
        "seed": options.seed,
        "clients": options.clients,
        "lease_seconds": options.lease or "as shipped",
        "machine": machine(),
        "databases": [one.figures() for one in outcomes],
        "findings": sum(one.findings.count for one in outcomes),
    }


LINES = (
    ("kill -9 of processes", lambda d: sum(d["kills"].values())),
    ("immediate stops of the database", lambda d: sum(d["database_stops"].values())),
    ("orders", lambda d: d["orders"]),
    ("acknowledged commands", lambda d: d["acknowledged"]),
    ("requests without an answer", lambda d: d["broken_connections"]),
    ("answers 503", lambda d: d["answers_503"]),
    ("ambiguous answers settled by repeating the request id", lambda d: d["ambiguous_settled"]),
    ("ambiguous answers not settled", lambda d: d["ambiguous_unsettled"]),
    ("effects outside / requests for them", lambda d: f"{d['effects_outside']} / {d['requests_to_the_sink']}"),
    ("acknowledged commands lost", lambda d: len(d["acknowledged_lost"])),
    ("effects doubled", lambda d: len(d["effects_doubled"])),
    ("instances stuck 60 s after the restart", lambda d: len(d["stuck_after_60_s"])),
    ("histories that do not verify or re-execute", lambda d: len(d["not_verified"])),
    ("other findings", lambda d: len(d["other_findings"])),
    ("seconds until ready again, median / max", lambda d: " / ".join(str(v) for v in d["ready_seconds"].values())),
    ("seconds until everything had come to rest, max", lambda d: d["rest_seconds_after_last_restart"].get("max", "")),
)


def table(report: dict[str, Any]) -> str:
    """Markdown."""
    columns = report["databases"]
    lines = [f"| | {' | '.join(one['database'] for one in columns)} |", f"|---|{'---:|' * len(columns)}"]
    lines += [f"| {name} | {' | '.join(str(value(one)) for one in columns)} |" for name, value in LINES]
    points = sorted({point for one in columns for point in one["kills"]})
    for point in points:
        cells = [f"{one['kills'].get(point, 0)} ({one['points_not_reached_then_killed'].get(point, 0)})" for one in columns]
        lines.append(f"| kills at: {point} (of these not reached in time) | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> int:
    """Returns the exit code."""
    options = arguments()
    report = campaign(options)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    text = table(report)
    options.json.with_suffix(".md").write_text(text + "\n", encoding="utf-8")
    print(text)
    for one in report["databases"]:
        for kind in ("acknowledged_lost", "effects_doubled", "stuck_after_60_s", "not_verified", "other_findings"):
            for finding in one[kind][:10]:
                print(f"{one['database']}: {kind}: {finding}")
    print(f"{report['findings']} findings in {report['seconds']} s. Written: {options.json}")
    return 1 if report["findings"] else 0


if __name__ == "__main__":
    sys.exit(main())
