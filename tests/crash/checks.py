"""Reads the database after the storm: is everything there that was acknowledged, and nothing twice?"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from engine.history.chain import read
from engine.model.inputs import CompleteJob, StartInstance
from engine.store import tables
from engine.store.database import Database
from engine.store.history import stored_bytes
from tests.crash.clients import Acknowledged, Ledger
from tests.crash.crash_pack.pack import tally
from tests.crash.nodes import Installation
from tests.crash.sink import Sink

T = TypeVar("T", StartInstance, CompleteJob)
ONCE = ("StartInstance", "CorrelateMessage", "TriggerTimer")  # in an order
CLOSED = ("completed",)


@dataclass(slots=True)
class Findings:
    """Each list is empty when all is well."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    unverified: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Of all."""
        return sum(len(one) for one in (self.lost, self.doubled, self.stuck, self.unverified, self.other))


def outstanding(store: Database) -> list[str]:
    """Work that the engine still has to do: due or leased jobs, kept messages, notices that run."""
    with store.begin(write=False) as connection:
        job = tables.job
        # Timed starts of installed packs and periodic work are not of the harness.
        jobs = connection.execute(
            sa.select(job.c.id, job.c.kind, job.c.state, job.c.attempts, job.c.stack).where(job.c.kind.not_in(("start", "periodic")))
        ).all()
        kept = connection.scalar(sa.select(sa.func.count()).select_from(tables.kept_message))
        active = connection.execute(sa.select(tables.instance.c.id, tables.instance.c.process_id).where(tables.instance.c.state.not_in(CLOSED))).all()
    found = [f"job {one.id} ({one.kind}, {one.state}, {one.attempts} attempts) {(one.stack or '')[-1500:]}" for one in jobs]
    return found + [f"{one.process_id} {one.id} is open" for one in active] + ([f"{kept} kept messages"] if kept else [])


def settle(store: Database, seconds: float) -> list[str]:
    """Wait until nothing is outstanding; what is left when the time is over."""
    deadline = time.monotonic() + seconds
    while (left := outstanding(store)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return left


def check(store: Database, ledgers: Iterable[Ledger], sink: Sink) -> Findings:
    """Everything but the histories, which `flowledger verify` and `replay` judge."""
    findings = Findings()
    with store.begin(write=False) as connection:
        for ledger in ledgers:
            findings.other += [f"unexpected answer: {one}" for one in ledger.unexpected]
            findings.other += [f"never settled: {one}" for one in ledger.unsettled]
            _acknowledged(connection, ledger, findings)
        _orders(connection, findings)
        _effects(connection, sink, findings)
    return findings


def _acknowledged(connection: Connection, ledger: Ledger, findings: Findings) -> None:
    """The record of each acknowledged command stands where the answer said, under its request id."""
    rows = connection.execute(sa.select(tables.record.c.request_id, tables.record.c.instance_id, tables.record.c.seq))
    records = {one.request_id: (one.instance_id, one.seq) for one in rows if one.request_id is not None}
    correlated = _correlated(connection)
    for one in ledger.acknowledged:
        if not _is_there(one, records, correlated):
            findings.lost.append(f"{one.request_id}: {dict(one.answer)}")


def _is_there(one: Acknowledged, records: dict[str, tuple[str, int]], correlated: set[str]) -> bool:
    if one.path != "/api/v1/messages":
        return records.get(one.request_id) == (one.answer["instance_id"], one.answer["seq"])
    if one.answer["instance_ids"]:
        return one.request_id in records and records[one.request_id][0] in one.answer["instance_ids"]
    return one.request_id.removesuffix("-go") in correlated  # it was kept, and reached its order later


def _correlated(connection: Connection) -> set[str]:
    """Business keys of orders that took their message."""
    return set(
        connection.scalars(
            sa.select(tables.instance.c.business_key)
            .join(tables.record, tables.record.c.instance_id == tables.instance.c.id)
            .where(tables.record.c.kind == "CorrelateMessage", tables.instance.c.process_id == "order")
        )
    )


def _orders(connection: Connection, findings: Findings) -> None:
    """One order and one notice for each business key, each step of an order once."""
    rows = connection.execute(sa.select(tables.instance.c.business_key, tables.instance.c.process_id, tables.instance.c.id)).all()
    for (process, key), count in Counter((one.process_id, one.business_key) for one in rows).items():
        if count > 1 and process == "order":
            findings.doubled.append(f"{count} orders {key}")
    kinds: Counter[tuple[str, str]] = Counter()
    for one in connection.execute(sa.select(tables.record.c.instance_id, tables.record.c.kind)):
        kinds[one.instance_id, one.kind] += 1
    for row in rows:
        if row.process_id == "order":
            findings.doubled += [f"{kinds[row.id, kind]} x {kind} in order {row.business_key}" for kind in ONCE if kinds[row.id, kind] > 1]
    ordered = Counter(one.business_key for one in rows if one.process_id == "order")
    told = Counter(str(one.variables.get("said")) for _, one in _inputs(connection, StartInstance) if one.process_id == "notice")
    findings.lost += [f"no notice of order {key}" for key in ordered - told]
    findings.doubled += [f"{told[key]} notices of order {key}" for key in told - ordered]


def _effects(connection: Connection, sink: Sink, findings: Findings) -> None:
    """A row of the pack and an effect outside for each task, once."""
    counts = Counter(connection.scalars(sa.select(tally.c.job)))
    findings.doubled += [f"{count} rows of the pack for task {job}" for job, count in counts.items() if count > 1]
    findings.doubled += [f"two keys for {what}" for what in sink.doubled()]
    completed = {f"{instance_id}-{one.key}" for instance_id, one in _inputs(connection, CompleteJob)}
    findings.lost += [f"task {job} is completed without its effect" for job in sorted(completed - counts.keys() - sink.effects.keys())]
    findings.lost += [f"task {job} had its effect and is not completed" for job in sorted((counts.keys() | sink.effects.keys()) - completed)]


def _inputs(connection: Connection, kind: type[T]) -> list[tuple[str, T]]:
    """Instance and input of each record of that kind."""
    rows = connection.execute(sa.select(tables.record.c.body, tables.record.c.hash).where(tables.record.c.kind == kind.__name__))
    found = [read(stored_bytes(one.body), one.hash) for one in rows]
    return [(one.instance_id, one.input) for one in found if isinstance(one.input, kind)]


def histories(installation: Installation, findings: Findings) -> list[str]:
    """`flowledger verify` and `flowledger replay` over everything; their last lines."""
    said = []
    for command in ("verify", "replay"):
        done = installation.flowledger(command)
        said += done.stdout.strip().splitlines()[-2:]
        if done.returncode:
            findings.unverified.append((done.stderr or done.stdout)[-1000:])
    return said
