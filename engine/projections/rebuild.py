"""Drops every derived table and makes it anew from the records, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import cache
from time import monotonic
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from engine.errors import ConcurrentChange, IntegrityViolation, NotAvailable
from engine.history.chain import read
from engine.history.replay import state_after
from engine.model.definition import ProcessDefinition
from engine.model.inputs import MigrateInstance, StartInstance
from engine.model.records import Record
from engine.ports import OF_ELEMENTS, Head
from engine.projections import ALL
from engine.store.database import Database
from engine.store.deployments import SqlDefinitions
from engine.store.history import stored_bytes
from engine.store.statements import Batch
from engine.store.tables import data_store, incident, instance, instance_word, job, note, record, subscription
from engine.store.task_tables import task_candidate, user_task
from engine.store.unit_of_work import project

# Of jobs that were begun. A due time that was not put off by a failure is told by the records.
_LIVE = ("kind", "parameters", "attempts", "due_at", "lease_until", "lease_owner", "stack")
_BEGUN = sa.or_(job.c.attempts > 0, job.c.lease_until.is_not(None), job.c.stack.is_not(None), job.c.kind == "answer")
_UNDER_WAY = sa.select(job.c.id, *(job.c[name] for name in _LIVE)).where(job.c.kind.in_(OF_ELEMENTS), _BEGUN)
_KEEP = job.update().where(job.c.id == sa.bindparam("b_id")).values({name: sa.bindparam(f"b_{name}") for name in _LIVE})

# By time over all instances, but within an instance always by number: clocks differ between nodes and may be set back.
_TIME = sa.func.max(record.c.at).over(partition_by=record.c.instance_id, order_by=record.c.seq)
_IN_ORDER = sa.select(record.c.body, record.c.hash).order_by(_TIME, record.c.instance_id, record.c.seq)

TOGETHER = 200  # records whose writes travel in one batch
ATTEMPTS = 20
WRITTEN = (instance, instance_word, user_task, task_candidate, job, subscription, incident, note, data_store)
"""What is made anew. Whoever adds a record writes `instance`, too; `record` itself may be closed even to the owner of the installation."""


def rebuild(database: Database) -> int:
    """Returns the number of records. Who wants to write meanwhile, in this process or another, waits; readers see what was there before.

    What no record tells of jobs stays: who works on one, how often it failed and when it is tried again, an answer that waits for its instance.
    Raises IntegrityViolation when a record's definition is unknown, NotAvailable when others do not let go of the tables.
    """
    for _ in range(ATTEMPTS):
        with suppress(ConcurrentChange):  # PostgreSQL let somebody else go first, who had begun to write; nothing was done yet
            return _rebuild(database)
    raise NotAvailable("Too much is written just now for the read tables to be rebuilt; stop the servers and workers, or try again.")


def _rebuild(database: Database) -> int:
    with database.begin(write=True) as connection:
        if not database.is_sqlite:  # which has one writer
            connection.exec_driver_sql(f"LOCK TABLE {', '.join(table.name for table in WRITTEN)} IN EXCLUSIVE MODE")
        under_way, before = connection.execute(_UNDER_WAY).all(), monotonic()
        for projection in ALL:
            projection.clear(connection)
        batch = Batch(connection)
        definitions = SqlDefinitions(connection)
        started_under = cache(definitions.by_content)  # asked for each instance
        heads: dict[str, Head] = {}
        count = 0
        # Bodies come in portions: those of a million records would not all fit into memory.
        for body, stored in connection.execute(_IN_ORDER, execution_options={"yield_per": TOGETHER}):
            one = read(stored_bytes(body), stored)
            head = _next(heads.get(one.instance_id), one, started_under, definitions.get)
            heads[one.instance_id] = head
            project(ALL, batch, one, head)
            count += 1
            if count % TOGETHER == 0:
                batch.flush()
        batch.flush()
        _go_on(connection, under_way, timedelta(seconds=monotonic() - before))
        return count


def _go_on(connection: Connection, under_way: Sequence[sa.Row[Any]], taken: timedelta) -> None:
    """Give the jobs that are there again what they had. A lease lasts as much longer as nobody could renew it."""
    rows = [{f"b_{name}": value for name, value in row._mapping.items()} for row in under_way]
    for row in rows:
        row["b_lease_until"] = row["b_lease_until"] and row["b_lease_until"] + taken
    if rows:
        connection.execute(_KEEP, rows)


Found = ProcessDefinition | None


def _next(head: Head | None, one: Record, started_under: Callable[[str, str], Found], by_id: Callable[[str], Found]) -> Head:
    if head is None:
        if not isinstance(one.input, StartInstance):
            raise IntegrityViolation(instance=one.instance_id, seq=one.seq, cause="its first record is no start")
        found = started_under(one.input.process_id, one.definition_hash)
        if found is None:
            raise IntegrityViolation(instance=one.instance_id, seq=one.seq, cause="its definition is not deployed")
        head = Head(one.instance_id, found.id, found.process_id, one.input.business_key, "active", 0, "", one.actor)
    home = head.definition_id, head.process_id
    if isinstance(one.input, MigrateInstance):
        found = by_id(one.input.definition)
        if found is None or found.content_hash != one.input.content:
            raise IntegrityViolation(instance=one.instance_id, seq=one.seq, cause="the definition that it migrates to is not deployed")
        home = found.id, found.process_id
    return Head(head.instance_id, *home, head.business_key, state_after(one, head.state), one.seq, one.hash, head.started_by)
