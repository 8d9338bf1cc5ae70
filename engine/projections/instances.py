"""Instance list, incidents, comments and attachments."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from engine.history.replay import CHANGES_STATE
from engine.model import events as ev
from engine.model import inputs as inp
from engine.model.records import Record
from engine.ports import Head
from engine.store.search import words
from engine.store.statements import Batch, Statement
from engine.store.tables import incident, instance, instance_word, note, snapshot

_INSERT = Statement(instance.insert())
_WORD = Statement(instance_word.insert())
_MOVE = Statement(instance.update().where(instance.c.id == sa.bindparam("b_id")))
_DROP_SNAPSHOT = Statement(snapshot.delete().where(snapshot.c.instance_id == sa.bindparam("b_id")))
_RAISE = Statement(incident.insert())
_UNRESOLVED = incident.update().where(incident.c.instance_id == sa.bindparam("b_instance"), incident.c.resolved_at.is_(None))
_RESOLVE = Statement(_UNRESOLVED)
_RESOLVE_ONE = Statement(_UNRESOLVED.where(incident.c.key == sa.bindparam("b_key")))
_OLDEST = sa.select(incident.c.cause).where(incident.c.instance_id == instance.c.id, incident.c.resolved_at.is_(None))
_ERROR = Statement(
    instance.update()
    .where(instance.c.id == sa.bindparam("b_id"))
    .values(error=_OLDEST.order_by(incident.c.seq, incident.c.key).limit(1).scalar_subquery()),
    sees="incident",
)
_NOTE = Statement(note.insert())


class InstanceProjection:
    """Table `instance`: one row an instance, at the head of its chain; `instance_word`: what its business key is found by."""

    name = "instance"
    about = None

    def apply(self, batch: Batch, record: Record, head: Head) -> None:
        """Insert at the start, else move the head."""
        values: dict[str, object] = {**_told(record, head), "seq": head.seq, "head_hash": head.hash}
        if isinstance(record.input, inp.StartInstance):
            batch.add(
                _INSERT,
                {
                    "error": None,
                    "ended_at": None,
                    **values,
                    "state": head.state,
                    "id": head.instance_id,
                    "definition_id": head.definition_id,
                    "process_id": head.process_id,
                    "business_key": head.business_key,
                    "started_at": record.at,
                    "started_by": record.actor,
                },
            )
            batch.add(_WORD, *({"word": word, "instance_id": head.instance_id} for word in words(head.business_key or "")))
            return
        batch.add(_MOVE, {"b_id": head.instance_id, **values})
        if "ended_at" in values:
            batch.add(_DROP_SNAPSHOT, {"b_id": head.instance_id})

    def clear(self, connection: Connection) -> None:
        """Before a rebuild."""
        connection.execute(instance.delete())
        connection.execute(instance_word.delete())


def _told(record: Record, head: Head) -> dict[str, object]:
    """What the events say of an instance. The state is written only when it changes: SQLite makes an index entry anew even where the value stays."""
    values: dict[str, object] = {}
    for event in record.events:
        if type(event) in CHANGES_STATE:
            values["state"] = head.state
        if isinstance(event, ev.InstanceFailed):
            values["error"] = event.error
    if "state" in values and not head.open:
        values["ended_at"] = record.at
    return values


class IncidentProjection:
    """Table `incident`: what stands or stood; and the error of a running instance, which is its oldest open incident."""

    name = "incident"
    about = frozenset({inp.FailJob, ev.IncidentRaised, ev.IncidentResolved, ev.InstanceCompleted, ev.InstanceFailed, ev.InstanceCancelled})

    def apply(self, batch: Batch, record: Record, head: Head) -> None:
        """Open and resolve. What was raised, resolved and raised again in one record is one row, with the last cause."""
        raised: dict[int, dict[str, object]] = {}
        resolved: dict[int, dict[str, object]] = {}
        for event in record.events:
            if isinstance(event, ev.IncidentRaised):
                raised[event.key] = {
                    "instance_id": head.instance_id,
                    "key": event.key,
                    "seq": record.seq,
                    "definition_id": head.definition_id,
                    "element_id": event.element,
                    "kind": "job" if isinstance(record.input, inp.FailJob) else "element",
                    "cause": event.cause,
                    "created_at": record.at,
                    "resolved_at": None,
                }
            elif isinstance(event, ev.IncidentResolved):
                if event.key in raised:
                    raised[event.key]["resolved_at"] = record.at
                else:
                    resolved[event.key] = {"b_instance": head.instance_id, "b_key": event.key, "resolved_at": record.at}
        batch.add(_RESOLVE_ONE, *resolved.values())
        batch.add(_RAISE, *raised.values())
        if (raised or resolved) and head.state != "failed":
            batch.add(_ERROR, {"b_id": head.instance_id})
        if not head.open and record.seq > 1:
            batch.add(_RESOLVE, {"b_instance": head.instance_id, "resolved_at": record.at})

    def clear(self, connection: Connection) -> None:
        """Before a rebuild."""
        connection.execute(incident.delete())


class NoteProjection:
    """Table `note`: comments and attachments."""

    name = "note"
    about = frozenset({ev.CommentAdded, ev.AttachmentAdded})

    def apply(self, batch: Batch, record: Record, head: Head) -> None:
        """One row a remark or file."""
        for event in record.events:
            if isinstance(event, ev.CommentAdded):
                values: dict[str, object] = {"kind": "comment", "text": event.text}
            elif isinstance(event, ev.AttachmentAdded):
                values = {"kind": "attachment", "text": event.name, "sha256": event.sha256, "size": event.size, "media_type": event.media_type}
            else:
                continue
            batch.add(
                _NOTE, {"instance_id": head.instance_id, "seq": record.seq, "at": record.at, "author": record.actor, "key": event.key, **values}
            )

    def clear(self, connection: Connection) -> None:
        """Before a rebuild."""
        connection.execute(note.delete())
