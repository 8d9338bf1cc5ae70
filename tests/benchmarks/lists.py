"""Worklist and instance list with 1,000 and with 1,000,000 open tasks: as the engine reads them, and as pages and the API give them over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.bootstrap import Flowledger
from engine.model.views import InstanceFilter, TaskFilter
from tests.benchmarks.filling import OWNER, READER
from tests.benchmarks.results import Target

ROUNDS = 60
FLAT = Target(1.5, at_least=False)  # p95 of the large one to that of the small one
DEEP = 8  # pages of 50 further

TASKS = {
    "all my work": TaskFilter(),
    "important first": TaskFilter(sort="-priority"),
    "oldest first": TaskFilter(sort="created"),
    "newest first": TaskFilter(sort="-created"),
    "by name": TaskFilter(sort="name"),
    "overdue": TaskFilter(view="overdue"),
    "overdue, important first": TaskFilter(view="overdue", sort="-priority"),
    "with a due date": TaskFilter(view="due"),
    "to follow up": TaskFilter(view="followup"),
    "mine": TaskFilter(view="mine"),
    "mine, oldest first": TaskFilter(view="mine", sort="created"),
    "my groups": TaskFilter(view="groups"),
    "one process": TaskFilter(process_id="check"),
    "one process, oldest first": TaskFilter(process_id="check", sort="created"),
    "one element": TaskFilter(element_id="to_approve"),
    "text that many have": TaskFilter(text="PO-2026"),
    "a task's name": TaskFilter(text="calib"),
    "one business key": TaskFilter(text="PO-2026-00017"),
    "text that nobody has": TaskFilter(text="PO-1999"),
}
EVERY = {
    "every task": TaskFilter(view="every"),
    "every task, oldest first": TaskFilter(view="every", sort="created"),
    "every task, important first": TaskFilter(view="every", sort="-priority"),
    "every task, by name": TaskFilter(view="every", sort="name"),
}
INSTANCES = {
    "newest": InstanceFilter(),
    "active": InstanceFilter(state="active"),
    "failed": InstanceFilter(state="failed"),
    "of a process": InstanceFilter(process_id="approve"),
    "of a process, active": InstanceFilter(process_id="approve", state="active"),
    "of a version": InstanceFilter(definition_id="approve:1"),
    "text that many have": InstanceFilter(text="PO-2026"),
    "one business key": InstanceFilter(text="PO-2026-00017"),
    "text that nobody has": InstanceFilter(text="PO-1999"),
}

Read = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured, on the small and on the large installation."""

    name: str
    small: Read
    large: Read


@dataclass(frozen=True, slots=True)
class Pair:
    """Seconds of each round, sorted."""

    name: str
    small: list[float]
    large: list[float]

    @property
    def ratio(self) -> float:
        """Of the 95th percentiles."""
        return percentile(self.large, 0.95) / percentile(self.small, 0.95)


def percentile(taken: list[float], share: float) -> float:
    """Of sorted samples."""
    return taken[min(int(len(taken) * share), len(taken) - 1)]


def measured(cases: list[Case], rounds: int) -> list[Pair]:
    """Small and large take turns, and so do the cases, so that noise of the machine meets all; one round before only warms up."""
    pairs = [Pair(case.name, [], []) for case in cases]
    for number in range(rounds + 1):
        for case, pair in zip(cases, pairs, strict=True):
            for read, taken in ((case.small, pair.small), (case.large, pair.large)):
                before = time.perf_counter()
                read()
                if number:
                    taken.append(time.perf_counter() - before)
    for pair in pairs:
        pair.small.sort()
        pair.large.sort()
    return pairs


# --- as the engine reads ----------------------------------------------------------------------------------------------
def deep(app: Flowledger, wanted: Any, page_at: Callable[[Any, Any], Any]) -> Any:
    """The filter of a page some pages further on."""
    for _ in range(DEEP):
        with app.reading() as read:
            wanted = replace(wanted, cursor=page_at(read, wanted).next)
    return wanted


def _tasks(app: Flowledger, wanted: TaskFilter) -> Any:
    with app.reading() as read:
        return read.worklist(OWNER if wanted.view == "every" else READER, wanted)


def _instances(app: Flowledger, wanted: InstanceFilter, actor: Any = OWNER) -> Any:
    with app.reading() as read:
        return read.instances(actor, wanted)


def _counts(app: Flowledger) -> Any:
    with app.reading() as read:
        return read.worklist_counts(READER, datetime.now(UTC) + timedelta(hours=9))


def reads(small: Flowledger, large: Flowledger) -> list[Case]:
    """Every view, filter and order that pages and API offer."""
    cases = [Case(f"worklist, {n}", *(lambda a=a, w=w: _tasks(a, w) for a in (small, large))) for n, w in (TASKS | EVERY).items()]
    cases += [Case(f"instances, {n}", *(lambda a=a, w=w: _instances(a, w) for a in (small, large))) for n, w in INSTANCES.items()]
    cases.append(Case("instances, a clerk's", *(lambda a=a: _instances(a, InstanceFilter(), READER) for a in (small, large))))
    cases.append(Case("numbers above the worklist", *(lambda a=a: _counts(a) for a in (small, large))))
    return cases


# print
def main(small, large, rounds, only):
    from engine.bootstrap import Settings, build

    a, b = build(Settings(small)), build(Settings(large))
    try:
        cases = [c for c in reads(a, b) if only in c.name]
        for pair in measured(cases, rounds):
            p = [1e3 * percentile(x, q) for x in (pair.small, pair.large) for q in (0.5, 0.95)]
            print(f"{pair.name:40} small {p[0]:7.2f} {p[1]:7.2f}  large {p[2]:7.2f} {p[3]:7.2f}  ratio p95 {pair.ratio:.2f} p50 {p[2] / p[0]:.2f}")
    finally:
        a.close()
        b.close()


if __name__ == "__main__":
    import sys

    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] if len(sys.argv) > 4 else "")
