"""`python -m tests.crash`: kill, stop, restart, check; prints a table and writes JSON. Exit code 1 when there is a finding."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.results import machine
from tests.crash.campaign import Outcome, Plan
from tests.crash.parts import NAMES, Part, end_on_signals, run_part, run_parts, split

DATABASES = tuple(NAMES)


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """Of the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description="Kills Flowledger under load and looks for what was lost or doubled.")
    parser.add_argument("--kills", type=int, default=40, help="kill -9 in all, shared by the databases (default 40)")
    parser.add_argument("--stops", type=int, default=4, help="immediate stops of PostgreSQL (default 4)")
    parser.add_argument("--database", action="append", choices=DATABASES, help="only on this; may be repeated")
    parser.add_argument(
        "--parts", type=_positive, default=1, help="campaigns of each database that share its kills and stops and run at once (default 1)"
    )
    parser.add_argument("--clients", type=int, default=4, help="of each part (default 4)")
    parser.add_argument("--lease", type=float, help="seconds of a lease, to shorten a run (default: as shipped)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, default=Path("var/crash/report.json"), help="where to write (default: %(default)s)")
    return parser.parse_args(given)


def _positive(text: str) -> int:
    """Of an argument. Raises ValueError."""
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number


def campaign(
    options: argparse.Namespace, write: Callable[[dict[str, Any]], None] = lambda _: None, work: Callable[[Part], Outcome] = run_part
) -> dict[str, Any]:
    """Run it; the report, which `write` gets at the beginning and again whenever a part has ended."""
    started, begin = datetime.now(UTC), time.monotonic()
    whole = Plan(options.kills, options.stops, options.clients, options.seed, options.lease)
    parts = split(list(dict.fromkeys(options.database or DATABASES)), whole, options.parts)
    outcomes: dict[Part, Outcome] = {}
    head = {
        "started_at": started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "seed": options.seed,
        "clients": options.clients,
        "lease_seconds": options.lease or "as shipped",
        "machine": machine(),
    }

    def report() -> dict[str, Any]:
        return {**head, "seconds": round(time.monotonic() - begin), **joined(parts, outcomes)}

    def done(part: Part, outcome: Outcome) -> None:
        outcomes[part] = outcome
        write(report())

    write(report())
    run_parts(parts, done, work)
    return report()


def joined(parts: list[Part], outcomes: dict[Part, Outcome]) -> dict[str, Any]:
    """What has ended so far: a column for each database."""
    columns = []
    for database in dict.fromkeys(part.database for part in parts):
        own = [outcomes[part] for part in parts if part.database == database and part in outcomes]
        column = Outcome(max((one.database for one in own), default=NAMES[database], key=len), parts=0)  # the longest: with the version
        for one in own:
            column.add(one)
        columns.append({**column.figures(), "parts_asked": sum(part.database == database for part in parts)})
    finished = sum(one["parts"] for one in columns)
    found = sum(one.findings.count for one in outcomes.values())
    return {"parts": finished, "parts_asked": len(parts), "complete": finished == len(parts), "databases": columns, "findings": found}


LINES = (
    ("parts that came to their end / asked for", lambda d: f"{d['parts']} / {d['parts_asked']}"),
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
    if not report["complete"]:
        lines = [f"**Incomplete**: {report['parts']} of {report['parts_asked']} parts came to their end.", "", *lines]
    return "\n".join(lines)


def write(report: dict[str, Any], path: Path) -> None:
    """JSON, and the table beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(table(report) + "\n", encoding="utf-8")


def main() -> int:
    """Returns the exit code."""
    options = arguments()
    end_on_signals()
    report = campaign(options, lambda so_far: write(so_far, options.json))
    print(table(report))
    for one in report["databases"]:
        for kind in ("acknowledged_lost", "effects_doubled", "stuck_after_60_s", "not_verified", "other_findings"):
            for finding in one[kind][:10]:
                print(f"{one['database']}: {kind}: {finding}")
    print(f"{report['findings']} findings in {report['seconds']} s. Written: {options.json}")
    return 1 if report["findings"] else 0


if __name__ == "__main__":
    sys.exit(main())
