"""Adapter of the port DataStores: the newest version of a store, held for the transaction that asks for it."""

from __future__ import annotations

import json

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from engine.model.values import Json
from engine.store.statements import Statement
from engine.store.tables import data_store

_STORES = 7_301_946  # a number of ours, so that these locks meet no others'
_HOLD = sa.select(sa.func.pg_advisory_xact_lock(_STORES, sa.func.hashtext(sa.bindparam("b_name"))))
_NEWEST = Statement(
    sa.select(data_store.c.version, data_store.c.value)
    .where(data_store.c.name == sa.bindparam("b_name"))
    .order_by(data_store.c.version.desc())
    .limit(1)
)


class SqlDataStores:
    """Port DataStores. Who read a store is the only one who may write its next version, until the transaction ends."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read(self, name: str) -> Json:
        """SQLite has one writer anyway."""
        if self._connection.dialect.name != "sqlite":
            self._connection.execute(_HOLD, {"b_name": name})
        row = _NEWEST.first(self._connection, {"b_name": name})
        return None if row is None else {"version": row[0], "value": json.loads(row[1])}
