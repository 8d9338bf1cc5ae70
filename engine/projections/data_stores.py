"""Data stores of diagrams: the newest value that any instance wrote."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from engine.model import events as ev
from engine.model.records import Record
from engine.model.values import canonical
from engine.ports import Head
from engine.store.statements import Batch, Statement
from engine.store.tables import data_store

_PUT = Statement(data_store.insert())
_OTHER = data_store.alias()
_NEWEST = sa.select(sa.func.max(_OTHER.c.version)).where(_OTHER.c.name == sa.bindparam("b_name")).scalar_subquery()
_DROP_OLDER = Statement(data_store.delete().where(data_store.c.name == sa.bindparam("b_name"), data_store.c.version < _NEWEST))


class DataStoreProjection:
    """Table `data_store`. Versions come from the records, so a rebuild in another order of instances ends with the same newest one."""

    name = "data_store"
    about = frozenset({ev.DataStoreWritten})

    def apply(self, batch: Batch, record: Record, head: Head) -> None:
        """The last write of each store; older versions go."""
        written = {event.store: event for event in record.events if isinstance(event, ev.DataStoreWritten)}
        for event in written.values():
            batch.add(
                _PUT,
                {
                    "name": event.store,
                    "version": event.version,
                    "value": canonical(event.value).decode(),
                    "instance_id": head.instance_id,
                    "written_at": record.at,
                },
            )
            batch.add(_DROP_OLDER, {"b_name": event.store})

    def clear(self, connection: Connection) -> None:
        """Before a rebuild."""
        connection.execute(data_store.delete())
