"""Jobs and subscriptions of instances. Jobs that carry messages between instances are not derived here: they are an outbox."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from engine.model import events as ev
from engine.model import inputs as inp
from engine.model.records import Record
from engine.model.values import canonical, moment
from engine.ports import CONTINUATION, OF_ELEMENTS, Head
from engine.store.rows import json_list
from engine.store.statements import Batch, Statement
from engine.store.tables import job, subscription

_ADD_JOB = Statement(job.insert())
_END_JOB = Statement(job.delete().where(job.c.id == sa.bindparam("b_id")))
_CHANGE_JOB = Statement(job.update().where(job.c.id == sa.bindparam("b_id")))
_UNTRIED: dict[str, object] = {"lease_until": None, "lease_owner": None, "stack": None}
_OF_INSTANCE = job.update().where(job.c.instance_id == sa.bindparam("b_instance"))
_SUSPEND_JOBS = Statement(_OF_INSTANCE.where(job.c.state == "due", sa.or_(*(job.c.kind == kind for kind in OF_ELEMENTS))))
_RESUME_JOBS = Statement(_OF_INSTANCE.where(job.c.state == "suspended"))
_OPEN = Statement(subscription.insert())
_THIS = (subscription.c.instance_id == sa.bindparam("b_instance"), subscription.c.key == sa.bindparam("b_key"))
_CLOSE = Statement(subscription.delete().where(*_THIS))
_REOPEN = Statement(subscription.update().where(*_THIS))

_SUSPEND = Statement(subscription.update().where(subscription.c.instance_id == sa.bindparam("b_instance")))


class JobProjection:
    """Table `job`, the kinds `OF_ELEMENTS`."""

    name = "job"
    about = frozenset(
        {ev.JobCreated, ev.JobEnded, inp.RetryJob, inp.RetryElement, inp.FailJob, inp.SuspendInstance, inp.ResumeInstance, inp.CancelInstance}
    )

    def apply(self, batch: Batch, record: Record, head: Head) -> None:
        """Create, withdraw; an operator's retry revives."""
        created: dict[int, dict[str, object]] = {}
        ended: dict[int, str] = {}
        for event in record.events:
            if isinstance(event, ev.JobCreated):
                created[event.key] = {
                    "id": f"{head.instance_id}-{event.key}",
                    "instance_id": head.instance_id,
                    "key": event.key,
                    "element_id": event.element,
                    "kind": event.kind,
                    "handler": CONTINUATION if event.kind == "timer" and event.due is None else event.handler,
                    "parameters": canonical(event.parameters).decode(),
                    "state": "suspended" if head.state == "suspended" else "due",  # a migration of a suspended instance
                    "due_at": moment(event.due) if event.due else record.at,
                    "attempts": 0,
                    "retries": event.retries,
                    "backoff": json_list(event.backoff),
                }
            elif isinstance(event, ev.JobEnded) and created.pop(event.key, None) is None:
                ended[event.key] = f"{head.instance_id}-{event.key}"
        # An operator's retry makes a job anew under its old id: one write, because PostgreSQL takes all of them as one statement.
        for key in [key for key in created if key in ended]:
            batch.add(_CHANGE_JOB, {"b_id": ended.pop(key), **{k: v for k, v in created.pop(key).items() if k != "id"}, **_UNTRIED})
        batch.add(_END_JOB, *({"b_id": one} for one in ended.values()))
        batch.add(_ADD_JOB, *created.values())
        self._intervention(batch, record, head)

    def _intervention(self, batch: Batch, record: Record, head: Head) -> None:
        """What operators do to jobs that go on to exist; a failure that is final."""
        match record.input:
            case inp.RetryJob() | inp.RetryElement() | inp.FailJob():
                changed: dict[str, object] = {"b_id": f"{head.instance_id}-{record.input.key}", "state": "failed", "lease_until": None}
                if not isinstance(record.input, inp.FailJob):
                    due = record.input.due if isinstance(record.input, inp.RetryElement) else None
                    changed |= {"state": "due", "due_at": moment(due) if due else record.at, "attempts": 0}
                batch.add(_CHANGE_JOB, changed)
            case inp.SuspendInstance():
                batch.add(_SUSPEND_JOBS, {"b_instance": head.instance_id, "state": "suspended"})
            case inp.ResumeInstance() | inp.CancelInstance():  # what waited to reach a cancelled instance is published again
                batch.add(_RESUME_JOBS, {"b_instance": head.instance_id, "state": "due"})
            case _:
                pass

    def clear(self, connection: Connection) -> None:
        """Before a rebuild."""
        connection.execute(job.delete().where(job.c.kind.in_(OF_ELEMENTS)))


class SubscriptionProjection:
    """Table `subscription`. A subscription without a key of its own waits under the instance's business key."""

    name = "subscription"
    about = frozenset({ev.SubscriptionOpened, ev.SubscriptionClosed, inp.SuspendInstance, inp.ResumeInstance})

    def apply(self, batch: Batch, record: Record, head: Head) -> None:
        """Open and close."""
        opened: dict[int, dict[str, object]] = {}
        closed: list[int] = []
        for event in record.events:
            if isinstance(event, ev.SubscriptionOpened):
                opened[event.key] = {
                    "instance_id": head.instance_id,
                    "key": event.key,
                    "kind": event.kind,
                    "name": event.name,
                    "correlation_key": event.correlation_key if event.correlation_key is not None else head.business_key,
                    "retrieval": json_list(event.retrieval) if event.retrieval else None,
                    "element_id": event.element,
                    "created_at": record.at,
                    "suspended": head.state == "suspended",
                }
            elif isinstance(event, ev.SubscriptionClosed) and opened.pop(event.key, None) is None:
                closed.append(event.key)
        # One whose correlation key has changed is opened anew under its old key: one write, because PostgreSQL takes all of them as one statement.
        again = {key: opened.pop(key) for key in closed if key in opened}
        for key, values in again.items():
            batch.add(_REOPEN, {"b_instance": head.instance_id, "b_key": key, **{k: v for k, v in values.items() if k not in ("instance_id", "key")}})
        batch.add(_CLOSE, *({"b_instance": head.instance_id, "b_key": key} for key in closed if key not in again))
        batch.add(_OPEN, *opened.values())
        if isinstance(record.input, inp.SuspendInstance | inp.ResumeInstance):
            batch.add(_SUSPEND, {"b_instance": head.instance_id, "suspended": isinstance(record.input, inp.SuspendInstance)})

    def clear(self, connection: Connection) -> None:
        """Before a rebuild."""
        connection.execute(subscription.delete())
