"""What was measured, against what was wanted: values, the printed table, the JSON document. Measures nothing itself."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """At least this value; at most it, where `at_least` is false."""

    limit: float
    at_least: bool

    def met(self, value: float) -> bool:
        """Is the value on the right side?"""
        return value >= self.limit if self.at_least else value <= self.limit

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.limit:g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `samples`: the windows or runs whose median `value` is; `note`: what to compare it with."""

    name: str
    value: float
    unit: str
    samples: tuple[float, ...] = ()
    target: Target | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """`met`, `MISSED`, or nothing when there is no target."""
        if self.target is None:
            return ""
        return "met" if self.target.met(self.value) else "MISSED"


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a plot: `points` are (how much, median, 95th percentile), both in milliseconds. `chart` and `series` name plot and line."""

    chart: str
    series: str
    points: tuple[tuple[float, float, float], ...]


def percentile(taken: Sequence[float], share: float) -> float:
    """Of sorted samples."""
    return taken[min(int(len(taken) * share), len(taken) - 1)]


@dataclass(slots=True)
class Report:
    """Everything that one run found."""

    started_at: str
    seed: int
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)

    def add(self, found: Iterable[Figure | Curve]) -> None:
        """Take lines in the order of the table, and lines of plots."""
        for one in found:
            if isinstance(one, Figure):
                self.figures.append(one)
            else:
                self.curves.append(one)

    @property
    def missed(self) -> list[Figure]:
        """Figures on the wrong side of their target."""
        return [f for f in self.figures if f.verdict == "MISSED"]

    def table(self) -> str:
        """Columns: what, value, unit, target, verdict, spread and note."""
        rows = [("", "median", "", "target", "", "lowest .. highest; note")]
        for f in self.figures:
            spread = f"{_short(min(f.samples))} .. {_short(max(f.samples))}" if f.samples else ""
            rows.append((f.name, _short(f.value), f.unit, str(f.target or ""), f.verdict, "; ".join(t for t in (spread, f.note) if t)))
        widths = [max(len(row[n]) for row in rows) for n in range(5)]
        lines = []
        for row in rows:
            cells = [row[0].ljust(widths[0]), row[1].rjust(widths[1]), *(row[n].ljust(widths[n]) for n in (2, 3, 4)), row[5]]
            lines.append("  ".join(cells).rstrip())
        lines.insert(1, "-" * max(len(line) for line in lines))
        return "\n".join([*lines, "", *self.notes])

    def write(self, path: Path) -> None:
        """The same as JSON: `{started_at, seed, machine, figures: [...], curves: [...], notes: [...]}`."""
        document: dict[str, Any] = {
            "started_at": self.started_at,
            "seed": self.seed,
            "machine": machine(),
            "figures": [asdict(f) | {"verdict": f.verdict or None} for f in self.figures],
            "curves": [asdict(c) for c in self.curves],
            "notes": self.notes,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def machine() -> dict[str, Any]:
    """What figures depend on besides the program."""
    return {
        "cores": os.cpu_count(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.machine()}",
        "sqlite": sqlite3.sqlite_version,
        "load_1_minute": round(os.getloadavg()[0], 2),
    }
