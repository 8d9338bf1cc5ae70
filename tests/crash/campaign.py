"""One database under load while its processes are killed, or itself is stopped, again and again."""

from __future__ import annotations

import random
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from engine.store.database import Database
from tests.crash import checks
from tests.crash.checks import Findings
from tests.crash.clients import Ledger
from tests.crash.diagrams import orders
from tests.crash.load import Load, load
from tests.crash.nodes import Installation, Node, answers, install, web_node, worker_node
from tests.crash.points import OF_WORKERS, ONLY_SQLITE, POINTS
from tests.crash.sink import Sink, running_sink
from tests.support.postgres import PostgresServer

RANDOM = "random moment"
STUCK_SECONDS = 60.0
POINT_SECONDS = 8.0  # a point that is not reached by then: the process is killed all the same, and the table says so
SEGMENT = 25  # kills, after which everything must come to rest


@dataclass(frozen=True, slots=True)
class Plan:
    """`lease_seconds` None: as shipped. `first_kill`, `first_stop`: how many are of earlier parts, so that all parts together try each kind evenly."""

    kills: int
    stops: int
    clients: int
    seed: int
    lease_seconds: float | None = None
    segment: int = SEGMENT
    first_kill: int = 0
    first_stop: int = 0

    def points(self, *, cluster: bool) -> list[str]:
        """Of each kill: half of them at random moments, the others at each point in turn."""
        points = [one for one in POINTS if not (cluster and one in ONLY_SQLITE)]
        return [RANDOM if n % 2 else points[n // 2 % len(points)] for n in range(self.first_kill, self.first_kill + self.kills)]

    def killed(self) -> list[bool]:
        """Of each stop of the database: SIGKILL or, in turn, an immediate stop?"""
        return [bool(n % 2) for n in range(self.first_stop, self.first_stop + self.stops)]


@dataclass(slots=True)
class Outcome:
    """Figures of one database. `parts`: how many that came to their end are in it."""

    database: str
    parts: int = 1
    kills: Counter[str] = field(default_factory=Counter)
    not_reached: Counter[str] = field(default_factory=Counter)
    stops: Counter[str] = field(default_factory=Counter)
    ready_seconds: list[float] = field(default_factory=list)
    rest_seconds: list[float] = field(default_factory=list)
    ledgers: list[Ledger] = field(default_factory=list)
    histories: list[str] = field(default_factory=list)
    asked: int = 0
    effects: int = 0
    findings: Findings = field(default_factory=Findings)

    def add(self, other: Outcome) -> None:
        """Everything of another part."""
        for one in fields(self):
            if one.name not in ("database", "findings"):
                setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))
        for one in fields(self.findings):
            setattr(self.findings, one.name, getattr(self.findings, one.name) + getattr(other.findings, one.name))

    def figures(self) -> dict[str, Any]:
        """As JSON."""
        tries = [one for ledger in self.ledgers for one in ledger.acknowledged]
        return {
            "database": self.database,
            "parts": self.parts,
            "kills": dict(self.kills),
            "points_not_reached_then_killed": dict(self.not_reached),
            "database_stops": dict(self.stops),
            "orders": sum(len(one.orders) for one in self.ledgers),
            "acknowledged": len(tries),
            "broken_connections": sum(one.broken for one in self.ledgers),
            "answers_503": sum(one.unavailable for one in self.ledgers),
            "texts_503": sorted({text for one in self.ledgers for text in one.texts}),
            "ambiguous_settled": sum(one.settled for one in self.ledgers),
            "ambiguous_unsettled": sum(len(one.unsettled) for one in self.ledgers),
            "effects_outside": self.effects,
            "requests_to_the_sink": self.asked,
            "ready_seconds": _spread(self.ready_seconds),
            "rest_seconds_after_last_restart": _spread(self.rest_seconds),
            "histories": self.histories,
            "acknowledged_lost": self.findings.lost,
            "effects_doubled": self.findings.doubled,
            "stuck_after_60_s": self.findings.stuck,
            "not_verified": self.findings.unverified,
            "other_findings": self.findings.other,
        }


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": round(statistics.median(values), 2), "max": round(max(values), 2)} if values else {}


def run(name: str, database: str, folder: Path, plan: Plan, server: PostgresServer | None, say: Callable[[str], None]) -> Outcome:
    """The whole campaign on one empty database."""
    outcome, chance = Outcome(name), random.Random(plan.seed)
    with running_sink() as sink:
        installation = install(database, folder, {"orders.bpmn": orders("PT1S")}, sink.address, plan.lease_seconds)
        nodes = [web_node(installation)] + ([worker_node(installation, f"worker{n}") for n in (1, 2)] if server else [])
        store = Database(database)
        storm = _Storm(installation, nodes, store, sink, chance, outcome, plan, say)
        try:
            for node in nodes:
                node.start()
            chosen = plan.points(cluster=server is not None)
            chance.shuffle(chosen)
            storm.kills(chosen)
            if server is not None:
                storm.stops(server)
        finally:
            for node in nodes:
                node.kill()
        findings = checks.check(store, outcome.ledgers, sink)
        findings.stuck = outcome.findings.stuck
        outcome.findings = findings
        store.close()
        outcome.histories = checks.histories(installation, findings)
        outcome.asked, outcome.effects = sum(sink.asked.values()), len(sink.effects)
    return outcome


@dataclass(slots=True)
class _Storm:
    """Kills and stops under load, in segments; after each segment everything must come to rest."""

    installation: Installation
    nodes: list[Node]
    store: Database
    sink: Sink
    chance: random.Random
    outcome: Outcome
    plan: Plan
    say: Callable[[str], None]

    def kills(self, chosen: list[str]) -> None:
        for begin in range(0, len(chosen), self.plan.segment):
            with self._load(f"k{begin}") as running:
                for point in chosen[begin : begin + self.plan.segment]:
                    self._kill(point)
                self._rest(running)
            self.say(f"{min(begin + self.plan.segment, len(chosen))} of {len(chosen)} kills")

    def stops(self, server: PostgresServer) -> None:
        chosen = self.plan.killed()
        for begin in range(0, len(chosen), self.plan.segment):
            with self._load(f"s{begin}") as running:
                for kill in chosen[begin : begin + self.plan.segment]:
                    self._stop(server, kill=kill)
                self._rest(running)
            self.say(f"{min(begin + self.plan.segment, len(chosen))} of {len(chosen)} stops of the database")

    def _load(self, name: str) -> Any:
        return load(name, self.nodes[0].port, self.installation.token, self.plan.clients)

    def _kill(self, point: str) -> None:
        """Arm (a fresh process, so that the count begins there), let it die, start it again without."""
        if point == RANDOM:
            victims = self.nodes if self.chance.random() < 0.3 else [self.chance.choice(self.nodes)]
            time.sleep(self.chance.uniform(0.1, 1.5))
        else:
            workers = [node for node in self.nodes if not node.port]
            victims = [self.chance.choice(workers if workers and point in OF_WORKERS else self.nodes[:1])]
            victims[0].kill()
            victims[0].start(f"{point}:{self.chance.randint(1, 25)}")
            if not victims[0].wait_dead(POINT_SECONDS):
                self.outcome.not_reached[point] += 1
        for node in victims:
            node.kill()
        self.outcome.kills[point] += 1
        begin = time.monotonic()
        for node in victims:
            node.start()
        self.outcome.ready_seconds.append(time.monotonic() - begin)

    def _stop(self, server: PostgresServer, *, kill: bool) -> None:
        time.sleep(self.chance.uniform(0.3, 2.0))
        server.stop_at_once(kill=kill)
        time.sleep(self.chance.uniform(0.0, 1.0))
        begin = time.monotonic()
        server.start()
        while not answers(self.nodes[0].port):
            if time.monotonic() - begin > STUCK_SECONDS:
                self.outcome.findings.stuck.append(f"{self.nodes[0].name} does not answer after a stop of the database")
                break
            time.sleep(0.05)
        self.outcome.ready_seconds.append(time.monotonic() - begin)
        self.outcome.stops["SIGKILL" if kill else "immediate"] += 1
        for node in self.nodes:
            if not node.alive:
                self.outcome.findings.stuck.append(f"{node.name} ended when the database stopped: {node.path.read_text(errors='replace')[-2000:]}")
                node.kill()
                node.start()

    def _rest(self, running: Load) -> None:
        """Nobody begins anything new: whatever was begun must end within a minute."""
        begin = time.monotonic()
        _, left = running.finish(STUCK_SECONDS)
        stuck = checks.settle(self.store, max(1.0, begin + STUCK_SECONDS - time.monotonic()))
        self.outcome.rest_seconds.append(time.monotonic() - begin)
        self.outcome.ledgers.append(running.ledger)
        self.outcome.findings.stuck += stuck[:20] + ([f"{left} orders are open"] if left else [])
