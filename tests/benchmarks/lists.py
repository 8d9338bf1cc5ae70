"""Worklist and instance list with 1,000 and with 1,000,000 open tasks: as the engine reads them, and as pages and the API give them over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engine.bootstrap import Flowledger
from engine.model.commands import IssueToken
from engine.model.views import InstanceFilter, TaskFilter
from tests.benchmarks.clients import Client
from tests.benchmarks.filling import OWNER, PASSWORD, READER, Filled, large, small
from tests.benchmarks.filling import TASKS as SMALL
from tests.benchmarks.installation import CLERK
from tests.benchmarks.results import Curve, Figure, Target, percentile
from tests.benchmarks.servers import flowledger_server

ROUNDS = 100
FLAT = Target(1.5, at_least=False)  # p95 of the large one to that of the small one
SHORT = 15  # rows of a page, where the small installation has fewer than 50
DEEP = 6  # pages of 50 further
BETWEEN = (10_000, 100_000)  # sizes that only the plot shows

TASKS = {
    "all my work": TaskFilter(),
    "important first": TaskFilter(sort="-priority"),
    "oldest first": TaskFilter(sort="created"),
    "newest first": TaskFilter(sort="-created"),
    "by name": TaskFilter(sort="name"),
    "overdue": TaskFilter(view="overdue"),
    "overdue, important first": TaskFilter(view="overdue", sort="-priority"),
    "with a due date": TaskFilter(view="due"),
    "to follow up": TaskFilter(view="followup", size=SHORT),
    "mine": TaskFilter(view="mine", size=SHORT),
    "mine, oldest first": TaskFilter(view="mine", sort="created", size=SHORT),
    "my groups": TaskFilter(view="groups"),
    "one process": TaskFilter(process_id="check", size=SHORT),
    "one process, oldest first": TaskFilter(process_id="check", sort="created", size=SHORT),
    "one element": TaskFilter(element_id="to_approve", size=SHORT),
    "text that many have": TaskFilter(text="PO-2026"),
    "a task's name": TaskFilter(text="calib", size=SHORT),
    "text that nobody has": TaskFilter(text="PO-1999"),
}
EVERY = {
    "every task": TaskFilter(view="every"),
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
    "text that nobody has": InstanceFilter(text="PO-1999"),
}

KEYS = "PO-2026-00017", "PO-2026-00017-777"  # of one task in the small and in the large installation

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
    cases.append(
        Case("worklist, one business key", *(lambda a=a, k=k: _tasks(a, TaskFilter(text=k)) for a, k in zip((small, large), KEYS, strict=True)))
    )
    cases.append(
        Case(
            "instances, one business key",
            *(lambda a=a, k=k: _instances(a, InstanceFilter(text=k)) for a, k in zip((small, large), KEYS, strict=True)),
        )
    )
    cases += [Case(f"instances, {n}", *(lambda a=a, w=w: _instances(a, w) for a in (small, large))) for n, w in INSTANCES.items()]
    wanted = [deep(app, TaskFilter(), lambda read, one: read.worklist(READER, one)) for app in (small, large)]
    cases.append(Case(f"worklist, page {DEEP + 1}", *(lambda a=a, w=w: _tasks(a, w) for a, w in zip((small, large), wanted, strict=True))))
    pages = [deep(app, InstanceFilter(), lambda read, one: read.instances(OWNER, one)) for app in (small, large)]
    cases.append(Case(f"instances, page {DEEP + 1}", *(lambda a=a, w=w: _instances(a, w) for a, w in zip((small, large), pages, strict=True))))
    cases.append(Case("instances, a clerk's", *(lambda a=a: _instances(a, InstanceFilter(), READER) for a in (small, large))))
    rare = InstanceFilter(size=SHORT)  # one instance of fifty is theirs
    cases.append(Case("instances, of a clerk with little work", *(lambda a=a: _instances(a, rare, CLERK) for a in (small, large))))
    cases.append(Case("numbers above the worklist", *(lambda a=a: _counts(a) for a in (small, large))))
    return cases


# --- as pages and the API give them ------------------------------------------------------------------------------------
PAGES = {
    "page of the worklist": "/worklist",
    "page of the worklist, overdue": "/worklist?view=overdue",
    "page of the worklist, text that many have": "/worklist?q=PO-2026",
    "page of instances": "/instances?state=active",
}
ANSWERS = {"API, tasks": "/api/v1/tasks", "API, instances": "/api/v1/instances"}


def requests(stack: ExitStack, small: Filled, large: Filled, folder: Path) -> list[Case]:
    """Both installations are served at the same time, each by `flowledger serve`. What is asked for has as many rows in both."""
    people = []
    for filled in (small, large):
        app = filled.installation.open()
        session, token = app.accounts.login(READER.id, PASSWORD), app.execute(IssueToken("benchmark"), READER)
        app.close()
        place = folder / f"lists{filled.tasks}"
        place.mkdir(exist_ok=True)
        server = stack.enter_context(flowledger_server(filled.installation.database, place))
        people.append((server.port, session, token))
    # Not before both servers run: a server does not keep a connection on which nothing is asked.
    clients = [[stack.enter_context(client) for client in (Client(port, session=session), Client(port, token))] for port, session, token in people]
    cases = [Case(name, *(lambda c=c, p=path: c[0].page(p) for c in clients)) for name, path in PAGES.items()]
    searched = (lambda c=c, k=k: c[0].page(f"/worklist?q={k}") for c, k in zip(clients, KEYS, strict=True))
    cases.append(Case("page of the worklist, one business key", *searched))
    return cases + [Case(name, *(lambda c=c, p=path: c[1].page(p) for c in clients)) for name, path in ANSWERS.items()]


# --- figures -----------------------------------------------------------------------------------------------------------
def figures(name: str, address: Callable[[str], str], folder: Path, tasks: int, rounds: int) -> Iterator[Figure | Curve]:
    """Of one database: `address` makes an empty one of a name."""
    sizes = sorted({SMALL, *(size for size in BETWEEN if size < tasks), tasks})
    filled = [small(address("lists"))] + [large(address(f"lists{size}"), size) for size in sizes[1:]]
    with ExitStack() as stack:
        apps = []
        for one in filled:
            apps.append(one.installation.open())
            stack.callback(apps[-1].close)
        for pair in measured(reads(apps[0], apps[-1]), rounds):
            yield _figure(name, pair, tasks)
        yield from _curves(name, apps, sizes, rounds)
    with ExitStack() as stack:
        for pair in measured(requests(stack, filled[0], filled[-1], folder), rounds):
            yield _figure(name, pair, tasks)


def _figure(name: str, pair: Pair, tasks: int) -> Figure:
    middle, late = ([percentile(taken, share) * 1e3 for taken in (pair.small, pair.large)] for share in (0.5, 0.95))
    note = f"50 % {middle[0]:.2f} -> {middle[1]:.2f} ms ({middle[1] / middle[0]:.2f} x), 95 % {late[0]:.2f} -> {late[1]:.2f} ms"
    return Figure(f"{name}: {pair.name}, {tasks:,} / {SMALL:,} open", pair.ratio, "x p95", target=FLAT, note=note)


def _curves(name: str, apps: list[Flowledger], sizes: list[int], rounds: int) -> Iterator[Curve]:
    for what, read in (("worklist", lambda app: _tasks(app, TaskFilter())), ("instances", lambda app: _instances(app, InstanceFilter()))):
        cases = [Case(str(size), lambda a=app, r=read: r(a), lambda: None) for size, app in zip(sizes, apps, strict=True)]
        points = [
            (size, percentile(pair.small, 0.5) * 1e3, percentile(pair.small, 0.95) * 1e3)
            for size, pair in zip(sizes, measured(cases, rounds), strict=True)
        ]
        yield Curve("lists", f"{name}: {what}", tuple(points))
