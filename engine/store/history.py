"""Adapters of the ports Records, Instances and Blobs: the truth and the caches beside it."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from engine.errors import ConcurrentChange
from engine.history.chain import read
from engine.model.actors import Actor
from engine.model.records import Record
from engine.model.values import Json, canonical, parse, sha256
from engine.model.views import TaskRow
from engine.model.work_ids import split_work_id
from engine.ports import Head
from engine.store import rows
from engine.store.foreseen import OF_INSTANCE, OF_TASK
from engine.store.statements import Batch, Row, StandIn, Statement
from engine.store.tables import blob, instance, note, record, snapshot
from engine.store.task_tables import user_task
from engine.store.walks import has_work


def _replacing(insert: Any) -> Any:
    """The row that is there gets the new values."""
    return insert.on_conflict_do_update(
        index_elements=[snapshot.c.instance_id], set_={name: insert.excluded[name] for name in ("seq", "engine_version", "data")}
    )


_APPEND = Statement(record.insert())
_IS_NEXT = sa.case((instance.c.seq == sa.bindparam("b_before"), sa.bindparam("b_seq", type_=sa.Integer)))
# Without a number, which a record must have, when the instance stands elsewhere or is not there: after the database lost its last commits, say.
_APPEND_NEXT = Statement(record.insert().values(seq=sa.select(_IS_NEXT).where(instance.c.id == sa.bindparam("b_instance")).scalar_subquery()))
_SELECT_AFTER = (
    sa.select(record.c.body, record.c.hash)
    .where(record.c.instance_id == sa.bindparam("b_instance"), record.c.seq > sa.bindparam("b_after"), record.c.seq <= sa.bindparam("b_until"))
    .order_by(record.c.seq)
)
_AFTER = Statement(_SELECT_AFTER, of_instance=True)
_LAST = 2**31 - 1
_COLUMNS = ("definition_id", "process_id", "business_key", "state", "seq", "head_hash", "started_by")
_SELECT_HEAD = sa.select(*(instance.c[name] for name in _COLUMNS)).where(instance.c.id == sa.bindparam("b_instance"))
_HEAD, _HEAD_LOCKED = Statement(_SELECT_HEAD, of_instance=True), Statement(_SELECT_HEAD.with_for_update())
_HEAD_FREE = Statement(_SELECT_HEAD.with_for_update(skip_locked=True))
_OPEN_TASK = Statement(
    sa.select(
        *(user_task.c[name] for name in OF_TASK),
        *(instance.c[name].label(f"instance_{name}") for name in OF_INSTANCE),
    )
    .join(instance, instance.c.id == user_task.c.instance_id)
    .where(user_task.c.instance_id == sa.bindparam("b_instance"), user_task.c.key == sa.bindparam("b_key")),
    of_instance=True,
)
_SNAPSHOT = Statement(
    sa.select(snapshot.c.seq, snapshot.c.data).where(
        snapshot.c.instance_id == sa.bindparam("b_instance"), snapshot.c.engine_version == sa.bindparam("b_version")
    ),
    of_instance=True,
)
_LOCK = Statement(sa.select(instance.c.id).where(instance.c.id == sa.bindparam("b_instance")).with_for_update())
_KEEP = {
    "sqlite": Statement(_replacing(sqlite.insert(snapshot))),
    "postgresql": Statement(_replacing(postgresql.insert(snapshot))),
}
_IDS = sa.bindparam("b_instances", type_=postgresql.ARRAY(sa.String))  # one parameter, however many they are: PostgreSQL takes 65,535
_LOCK_ALL = sa.select(instance.c.id).where(instance.c.id == sa.any_(_IDS)).order_by(instance.c.id).with_for_update()


class SqlRecords:
    """Port Records."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, instance_id: str, after: int = 0, until: int | None = None) -> list[Record]:
        """The records after seq `after`, up to `until` or the last one, in order."""
        found = _AFTER.rows(self._connection, {"b_instance": instance_id, "b_after": after, "b_until": _LAST if until is None else until})
        return [read(stored_bytes(body), stored) for body, stored in found]

    def page(self, instance_id: str, after: int, size: int) -> list[Record]:
        """The first `size` records after seq `after`, in order."""
        if after >= _LAST:
            return []
        found = self._connection.execute(_SELECT_AFTER.limit(size), {"b_instance": instance_id, "b_after": after, "b_until": _LAST})
        return [read(stored_bytes(body), stored) for body, stored in found]

    def by_request(self, request_id: str) -> Record | None:
        """The record that a request id made."""
        row = self._connection.execute(sa.select(record.c.body, record.c.hash).where(record.c.request_id == request_id)).first()
        return read(stored_bytes(row.body), row.hash) if row else None


def append(batch: Batch, item: Record) -> None:
    """Add a record as a row of its table. Where its instance was foreseen, not read, the statement itself looks whether it is the next one."""
    row: dict[str, object] = {
        "instance_id": item.instance_id,
        "at": item.at,
        "actor": item.actor,
        "kind": type(item.input).__name__,
        "request_id": item.request_id,
        "hash": item.hash,
        "body": item.body,
    }
    if isinstance(batch.connection, StandIn) and batch.connection.guessed:
        batch.add(_APPEND_NEXT, {**row, "b_instance": item.instance_id, "b_before": item.seq - 1, "b_seq": item.seq})
    else:
        batch.add(_APPEND, {**row, "seq": item.seq})


def stored_bytes(value: bytes | str) -> bytes:
    """What a binary column holds; SQLite gives text when somebody wrote text into it by hand."""
    return value.encode() if isinstance(value, str) else bytes(value)


class SqlInstances:
    """Port Instances."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def head(self, instance_id: str, *, lock: bool = False, wait: bool = True) -> Head | None:
        """`lock` holds the row until the transaction ends (PostgreSQL; SQLite has one writer anyway)."""
        lock = lock and not isinstance(self._connection, StandIn)  # the record that is appended clashes with anybody else's
        statement = _HEAD if not lock else _HEAD_LOCKED if wait else _HEAD_FREE
        row = statement.first(self._connection, {"b_instance": instance_id})
        return Head(instance_id, *row) if row else None

    def lock(self, instance_ids: Sequence[str]) -> None:
        """In the order of ids, so that two who lock several never wait for each other."""
        if self._connection.dialect.name != "sqlite":
            self._connection.execute(_LOCK_ALL, {"b_instances": list(instance_ids)}).all()

    def snapshot(self, instance_id: str, engine_version: str) -> tuple[int, Json] | None:
        """(seq, state); None when there is none that this engine version wrote."""
        row = _SNAPSHOT.first(self._connection, {"b_instance": instance_id, "b_version": engine_version})
        return (row[0], parse(zlib.decompress(row[1]))) if row else None

    def keep_snapshot(self, instance_id: str, seq: int, engine_version: str, data: Json) -> None:
        """Replace the instance's snapshot."""
        values = {"instance_id": instance_id, "seq": seq, "engine_version": engine_version, "data": zlib.compress(canonical(data), 1)}
        _KEEP[self._connection.dialect.name].rows(self._connection, values)

    def open_task(self, task_id: str, *, lock: bool = True, at: int | None = None) -> tuple[TaskRow, Head] | None:
        """The task in whatever state with its instance, locked unless it is only looked at. `at`: the record that the caller believes to be the newest."""
        parts = split_work_id(task_id)
        if parts is None:
            return None
        row = self._task_row(*parts, lock, at)
        if row is None:
            return None
        # Unpacked by position, in the order of _OPEN_TASK: each access by name costs as much as a column.
        definition_id, process_id, business_key, element_id, name, state, assignee, groups, users, *more = row
        excludes, excluded, form_key, priority, due, follow_up, created_at, ended_at, ended_by, i_state, seq, head_hash, started_by = more
        task = TaskRow(
            id=task_id,
            instance_id=parts[0],
            key=parts[1],
            element_id=element_id,
            name=name,
            state=state,
            process_id=process_id,
            definition_id=definition_id,
            process_name=process_id,
            business_key=business_key,
            assignee=assignee,
            assignee_name=None,
            candidate_groups=rows.texts(groups),
            candidate_users=rows.texts(users),
            excludes=rows.texts(excludes),
            excluded_users=rows.texts(excluded),
            form_key=form_key,
            priority=priority,
            due=due,
            created_at=created_at,
            ended_at=ended_at,
            ended_by=ended_by,
            follow_up=follow_up,
        )
        head = Head(parts[0], definition_id, process_id, business_key, i_state, seq, head_hash, started_by)
        return task, head

    def _task_row(self, instance_id: str, key: int, lock: bool, at: int | None) -> Row | None:
        connection, batch = self._connection, Batch(self._connection)
        if isinstance(connection, StandIn):
            foreseen = connection.foreseen(instance_id, key, at) if at is not None else None
            row = foreseen or batch.first(_OPEN_TASK, {"b_instance": instance_id, "b_key": key})
            connection.opened = row
            return row
        if lock and connection.dialect.name != "sqlite":
            # A statement of its own: one that waited for the lock would still show the task as it was before.
            batch.add(_LOCK, {"b_instance": instance_id})
        return batch.first(_OPEN_TASK, {"b_instance": instance_id, "b_key": key})

    def attached(self, instance_id: str) -> frozenset[str]:
        """SHA-256 of the files that were attached to this instance."""
        query = sa.select(note.c.sha256).where(note.c.instance_id == instance_id, note.c.kind == "attachment")
        return frozenset(self._connection.scalars(query))

    def took_part(self, instance_id: str, actor: Actor) -> bool:
        """Did the actor write a record of it, or is open work of it offered to them or theirs?"""
        wrote = sa.exists().where(record.c.instance_id == instance_id, record.c.actor == actor.id)
        held = sa.exists().where(user_task.c.instance_id == instance_id, user_task.c.assignee == actor.id)
        return bool(self._connection.scalar(sa.select(sa.or_(wrote, has_work(actor, sa.literal(instance_id)), held))))

    def completers(self, instance_id: str, elements: Sequence[str]) -> frozenset[str]:
        """Who completed a user task of one of these elements in this instance."""
        query = sa.select(user_task.c.ended_by).where(
            user_task.c.instance_id == instance_id, user_task.c.element_id.in_(elements), user_task.c.state == "completed"
        )
        return frozenset(u for u in self._connection.scalars(query) if u)


class SqlBlobs:
    """Port Blobs: bytes in the database, so that one backup holds all evidence."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def put(self, data: bytes, media_type: str = "application/octet-stream") -> str:
        """Store once; give the SHA-256. Raises ConcurrentChange when somebody else stores the same bytes at this moment."""
        digest = sha256(data)
        if self._connection.execute(sa.select(blob.c.size).where(blob.c.sha256 == digest)).first() is None:
            values = {"sha256": digest, "size": len(data), "media_type": media_type, "created_at": self._now, "data": data}
            try:
                self._connection.execute(blob.insert().values(values))
            except IntegrityError as exc:
                raise ConcurrentChange from exc
        return digest

    def get(self, digest: str) -> bytes | None:
        """The bytes, or None."""
        data = self._connection.scalar(sa.select(blob.c.data).where(blob.c.sha256 == digest))
        return stored_bytes(data) if data is not None else None
