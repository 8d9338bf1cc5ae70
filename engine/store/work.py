"""Adapters of the ports Jobs and Waiting: work that is due, and who waits for which message or signal."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from engine.errors import ConcurrentChange, JobUnreadable
from engine.model.values import Json, canonical
from engine.ports import OF_ELEMENTS, Carried, Due
from engine.store import rows
from engine.store.operation_tables import job_act
from engine.store.statements import Statement, run
from engine.store.tables import incident, job, kept_message, subscription

# Nobody leases for longer: a lease that ends later than that was taken before the clock was set back, and would hold the job until then.
LONGEST_LEASE = timedelta(minutes=5)
_MESSAGES = 7_301_945  # a number of ours, so that these locks meet no others'
_DUE = sa.select(job).where(
    job.c.state == "due",
    job.c.due_at <= sa.bindparam("b_now"),
    sa.or_(
        job.c.lease_until.is_(None),
        job.c.lease_until <= sa.bindparam("b_now"),
        job.c.lease_until > sa.bindparam("b_longest"),
    ),
)
_STILL_DUE = _DUE.where(job.c.id == sa.bindparam("b_id"))
_HOLD_DUE = _STILL_DUE.with_for_update(skip_locked=True)
_NEXT = _DUE.order_by(job.c.due_at, job.c.number).limit(1)
_SOMETHING = _DUE.with_only_columns(job.c.number).order_by(job.c.due_at, job.c.number).limit(1)
_OPEN = sa.select(subscription.c.kind).where(subscription.c.instance_id == sa.bindparam("b_instance"), subscription.c.key == sa.bindparam("b_key"))
_WAITS = Statement(
    sa.select(subscription.c.key)
    .where(subscription.c.instance_id == sa.bindparam("b_instance"), subscription.c.kind == "signal", subscription.c.name == sa.bindparam("b_name"))
    .limit(1)
)
_ADD = Statement(job.insert())
_SELECT_KEPT = (
    sa.select(kept_message.c.id, kept_message.c.correlation_key, kept_message.c.payload)
    .where(kept_message.c.name == sa.bindparam("b_name"), kept_message.c.expires_at > sa.bindparam("b_now"))
    .order_by(kept_message.c.number)
)
_OF_KEY = _SELECT_KEPT.where(sa.or_(kept_message.c.correlation_key == sa.bindparam("b_key"), kept_message.c.correlation_key.is_(None)))
_KEPT = {  # by: is there a key, is the first one enough
    (keyed, one): Statement(query.limit(1) if one else query) for keyed, query in ((True, _OF_KEY), (False, _SELECT_KEPT)) for one in (True, False)
}
_TAKE = Statement(kept_message.delete().where(kept_message.c.id == sa.bindparam("b_id")))
_HOLD = sa.select(sa.func.pg_advisory_xact_lock(_MESSAGES, sa.func.hashtext(sa.bindparam("b_name"))))


def _at(now: datetime) -> dict[str, datetime]:
    return {"b_now": now, "b_longest": now + LONGEST_LEASE}


def something_due(connection: Connection, now: datetime) -> bool:
    """Is there a job that somebody could run? One look into the index of due times."""
    return connection.execute(_SOMETHING, _at(now)).first() is not None


class SqlJobs:
    """Port Jobs. Jobs with the same due time run in the order of creation (`number`)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, due: Due) -> None:
        """A job of the same id is replaced. Raises ConcurrentChange when somebody else makes one at this moment."""
        self.remove(due.id)
        try:
            self.add_new([due])
        except sa.exc.IntegrityError as exc:
            raise ConcurrentChange from exc

    def add_new(self, dues: Sequence[Due]) -> None:
        """Jobs of ids that no job has, in this order, as one statement: a command may send a thousand messages."""
        if dues:
            values = [_row(due) for due in dues]
            run(self._connection, [(_ADD.compiled(self._connection.dialect, values[0]), values)])

    def remove(self, job_id: str, due_at: datetime | None = None) -> bool:
        """Whether it was there (due at that moment, where one is given)."""
        gone = job.delete().where(job.c.id == job_id)
        return bool(self._connection.execute(gone if due_at is None else gone.where(job.c.due_at == due_at)).rowcount)

    def next_due(self, now: datetime, skip: Sequence[str] = ()) -> Due | None:
        """The earliest due job that nobody holds, leaving out ids that the caller just found busy."""
        query = _NEXT.where(job.c.id.not_in(skip)) if skip else _NEXT
        row = self._connection.execute(query, _at(now)).first()
        return _read(row) if row else None

    def still_due(self, job_id: str, now: datetime, *, hold: bool = False) -> Due | None:
        """The job as it is now, unless it ended, was put off, or somebody else holds it meanwhile."""
        row = self._connection.execute(_HOLD_DUE if hold else _STILL_DUE, _at(now) | {"b_id": job_id}).first()
        return _read(row) if row else None

    def get(self, job_id: str) -> Due | None:
        """One job, whatever its state."""
        row = self._connection.execute(sa.select(job).where(job.c.id == job_id)).first()
        return _read(row) if row else None

    def has_incident(self, job_id: str) -> bool:
        """Does an open incident tell of it?"""
        return bool(self._connection.scalar(sa.select(sa.exists().where(job.c.id == job_id, told_of()))))

    def delivering(self, instance_ids: Sequence[str]) -> frozenset[str]:
        """Those of a few instances for which a signal is on its way."""
        query = sa.select(job.c.instance_id).where(job.c.instance_id.in_(instance_ids), job.c.kind == "deliver", job.c.state == "due")
        return frozenset(self._connection.scalars(query))

    def earliest(self, now: datetime) -> datetime | None:
        """The first moment after `now` at which a job can be run that cannot be run now: it becomes due, or its lease ends."""
        due = sa.select(sa.func.min(job.c.due_at)).where(job.c.state == "due", job.c.due_at > now)
        free = sa.select(sa.func.min(job.c.lease_until)).where(job.c.state == "due", job.c.due_at <= now, job.c.lease_until > now)
        return min((found for query in (due, free) if (found := self._connection.scalar(query)) is not None), default=None)

    def ahead(self, after: datetime) -> list[Due]:
        """Jobs that are due later than that moment and not because a diagram or a schedule says so; in the order of their moments."""
        planned = sa.or_(job.c.kind.in_(("start", "periodic")), sa.and_(job.c.kind == "timer", job.c.attempts == 0, job.c.handler.is_(None)))
        query = sa.select(job).where(job.c.state == "due", job.c.due_at > after, sa.not_(planned)).order_by(job.c.due_at, job.c.number)
        found = (_readable(row) for row in self._connection.execute(query))
        return [due for due in found if due is not None]

    def hasten(self, due: Due, now: datetime) -> None:
        """It is due now, unless it was changed meanwhile."""
        self._connection.execute(job.update().where(job.c.id == due.id, job.c.state == "due", job.c.due_at == due.due_at).values(due_at=now))

    def of_definition(self, definition_id: str) -> list[str]:
        """Ids of jobs that start instances of this definition."""
        return list(self._connection.scalars(sa.select(job.c.id).where(_begins("start", definition_id), job.c.kind != "missed")))

    def left_behind(self, definition_id: str, element: str) -> int:
        """Counted among the failed jobs, which are few."""
        missed = (job.c.state == "failed", job.c.kind == "missed", job.c.element_id == element, _begins("start", definition_id))
        return self._connection.scalar(sa.select(sa.func.count()).select_from(job).where(*missed)) or 0

    def postpone(self, job_id: str, attempts: int, due_at: datetime | None, stack: str) -> None:
        """After a failed attempt; without a time the job stands as failed until an operator acts."""
        values = {"attempts": attempts, "stack": stack, "lease_until": None, "lease_owner": None}
        values |= {"due_at": due_at} if due_at is not None else {"state": "failed"}  # one that was suspended meanwhile stays so
        self._connection.execute(job.update().where(job.c.id == job_id).values(**values))

    def revive(self, job_id: str, now: datetime) -> bool:
        """An operator tries again, with all attempts."""
        failed = job.update().where(job.c.id == job_id, job.c.state == "failed")
        return bool(self._connection.execute(failed.values(state="due", due_at=now, attempts=0, lease_until=None)).rowcount)

    def drop_failed(self, job_id: str) -> bool:
        """In one statement, so that one which somebody just revived stays."""
        return bool(self._connection.execute(job.delete().where(job.c.id == job_id, job.c.state == "failed")).rowcount)

    def write_down(self, due: Due, act: str, actor: str, reason: str, at: datetime) -> None:
        """Only ever added to."""
        known = {"job_id": due.id, "kind": due.kind, "element_id": due.element_id or due.handler or "", "instance_id": due.instance_id}
        self._connection.execute(job_act.insert().values(**known, act=act, at=at, actor=actor, reason=reason))

    def lease(self, job_id: str, owner: str, until: datetime) -> None:
        """Hold a job while an external handler runs outside the transaction."""
        self._connection.execute(job.update().where(job.c.id == job_id).values(lease_owner=owner, lease_until=until))

    def renew(self, job_id: str, owner: str, until: datetime) -> bool:
        """Only who holds it may hold it longer."""
        own = job.update().where(job.c.id == job_id, job.c.lease_owner == owner)
        return bool(self._connection.execute(own.values(lease_until=until)).rowcount)

    def give_back(self, job_ids: Sequence[str], owner: str) -> int:
        """Only what this owner holds; how many that were."""
        own = job.update().where(job.c.id.in_(job_ids), job.c.lease_owner == owner)
        return self._connection.execute(own.values(lease_owner=None, lease_until=None)).rowcount

    def keep_answer(self, job_id: str, input: Mapping[str, Json]) -> None:
        """The job itself carries it: whatever ends the job drops the answer, too."""
        values = {"kind": "answer", "parameters": canonical(input).decode(), "lease_until": None, "lease_owner": None}
        self._connection.execute(job.update().where(job.c.id == job_id).values(**values))

    def suspend_starts(self, definition_id: str) -> None:
        """Those that failed stay failed."""
        self._connection.execute(job.update().where(_begins("start", definition_id), job.c.state == "due").values(state="suspended"))

    def resume_starts(self, definition_id: str) -> None:
        """Timed starts and what `hold_start` kept."""
        held = sa.or_(_begins("start", definition_id), _begins("held", definition_id))
        self._connection.execute(job.update().where(held, job.c.state == "suspended").values(state="due"))

    def hold_start(self, definition_id: str, due: Due) -> None:
        """Its id begins with the definition's."""
        self.add(replace(due, id=f"held-{definition_id}-{due.id}", state="suspended"))


def told_of() -> sa.ColumnElement[bool]:
    """Condition on `job`: an open incident tells of it."""
    of_element = (job.c.kind.in_(OF_ELEMENTS), incident.c.instance_id == job.c.instance_id, incident.c.key == job.c.key)
    return sa.exists().where(*of_element, incident.c.resolved_at.is_(None)).correlate(job)


def _read(row: Any) -> Due:
    """Raises JobUnreadable for a row that this engine cannot have written."""
    try:
        return rows.due(row)
    except (ValueError, TypeError, RecursionError) as exc:
        raise JobUnreadable(id=row.id) from exc


def _readable(row: Any) -> Due | None:
    try:
        return _read(row)
    except JobUnreadable:
        return None


def _row(due: Due) -> dict[str, Any]:
    return {
        "id": due.id,
        "instance_id": due.instance_id,
        "key": due.key,
        "element_id": due.element_id,
        "kind": due.kind,
        "handler": due.handler,
        "parameters": canonical(due.parameters).decode(),
        "state": due.state,
        "due_at": due.due_at,
        "attempts": due.attempts,
        "retries": due.retries,
        "backoff": rows.json_list(due.backoff),
    }


def _begins(kind: str, definition_id: str) -> sa.ColumnElement[bool]:
    return job.c.id.startswith(f"{kind}-{definition_id}-", autoescape=True)


class SqlWaiting:
    """Port Waiting."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def match(
        self, kind: str, name: str, correlation_key: str | None, carried: Sequence[Carried] = (), *, suspended: bool = False
    ) -> tuple[str, int] | None:
        """Exact key first, then what the message carries, then subscriptions without a key; oldest first. Without a key: any that reads none."""
        query = sa.select(subscription.c.instance_id, subscription.c.key).where(subscription.c.kind == kind, subscription.c.name == name)
        query = query.where(subscription.c.suspended.is_(suspended))
        fits = [sa.and_(subscription.c.retrieval == rows.json_list(one.retrieval), subscription.c.correlation_key == one.key) for one in carried]
        if correlation_key is not None:
            fits.insert(0, subscription.c.correlation_key == correlation_key)
            rest = subscription.c.correlation_key.is_(None)
        else:
            rest = subscription.c.retrieval.is_(None)
        order: tuple[sa.ColumnElement[Any], ...] = (subscription.c.created_at, subscription.c.instance_id, subscription.c.key)
        if fits:
            order = (sa.case(*((fit, rank) for rank, fit in enumerate(fits)), else_=len(fits)), *order)
        row = self._connection.execute(query.where(sa.or_(*fits, rest)).order_by(*order).limit(1)).first()
        return (row.instance_id, row.key) if row else None

    def retrievals(self, name: str) -> list[tuple[str, ...]]:
        """In the order of their texts; few, because they come from the deployed diagrams, not from the instances."""
        query = sa.select(subscription.c.retrieval).distinct().order_by(subscription.c.retrieval)
        found = self._connection.scalars(query.where(subscription.c.name == name, subscription.c.retrieval.is_not(None)))
        return [rows.texts(one) for one in found if one is not None]

    def is_open(self, instance_id: str, key: int) -> bool:
        """Does it still wait there?"""
        return self._connection.execute(_OPEN, {"b_instance": instance_id, "b_key": key}).first() is not None

    def hold(self, name: str) -> bool:
        """Until the transaction ends nobody else keeps or takes a message of this name. False: nobody could anyway (SQLite)."""
        if self._connection.dialect.name == "sqlite":
            return False
        self._connection.execute(_HOLD, {"b_name": name})
        return True

    def instances(self, name: str) -> list[tuple[str, bool]]:
        """Instances that wait for the signal, oldest subscription first; are they suspended?"""
        columns = (subscription.c.instance_id, subscription.c.suspended)
        query = sa.select(*columns).where(subscription.c.kind == "signal", subscription.c.name == name).group_by(*columns)
        found = self._connection.execute(query.order_by(sa.func.min(subscription.c.created_at), subscription.c.instance_id))
        return [(row.instance_id, row.suspended) for row in found]

    def waits(self, instance_id: str, name: str) -> bool:
        """For the signal."""
        return bool(_WAITS.rows(self._connection, {"b_instance": instance_id, "b_name": name}))

    def keep(self, message_id: str, name: str, correlation_key: str | None, payload: Mapping[str, Json], expires: datetime) -> None:
        """A message that nobody waits for yet."""
        self._connection.execute(
            kept_message.insert().values(
                id=message_id, name=name, correlation_key=correlation_key, payload=canonical(payload).decode(), expires_at=expires
            )
        )

    def take_kept(
        self, name: str, correlation_key: str | None, now: datetime, accepts: Callable[[Mapping[str, Json]], bool] | None = None
    ) -> tuple[str | None, Mapping[str, Json]] | None:
        """Take the oldest kept message for a subscription with this key: (its key, payload); one without a key only if `accepts` its payload.

        The subscription is written already, and `publish` holds the name before it keeps a message: one of both sees the other.
        """
        self.hold(name)
        asked: dict[str, Any] = {"b_name": name, "b_now": now} | ({"b_key": correlation_key} if correlation_key is not None else {})
        for message_id, key, text in _KEPT[correlation_key is not None, accepts is None].rows(self._connection, asked):
            payload = json.loads(text)
            if accepts is None or key is not None or accepts(payload):
                _TAKE.rows(self._connection, {"b_id": message_id})
                return key, payload
        return None

    def forget_expired(self, now: datetime) -> int:
        """How many were dropped."""
        return self._connection.execute(kept_message.delete().where(kept_message.c.expires_at <= now)).rowcount
