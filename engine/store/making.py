"""Making tables on PostgreSQL: nodes that are set up at the same time do it one after the other, and what the database refuses is told in a line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from engine.errors import FlowledgerError
from engine.store.database import Database

_LOCK = 0x666C6F77  # of this engine: whoever makes tables in the same database waits for the transaction that has it
_MINE = sa.text(
    "SELECT quote_ident(current_user) AS role, quote_ident(current_schema()) AS schema, has_schema_privilege(current_schema(), 'CREATE') AS may"
)
_FORBIDDEN = ("42501", "3F000")  # no right; no schema where anything could be made


class TablesForbidden(FlowledgerError):
    """PostgreSQL does not let {role} make the tables; run as the owner of the database: {grant};"""


class NotOwner(FlowledgerError):
    """PostgreSQL does not let {role} change the tables ({cause}); run this with the role that owns them."""


class NotUnicode(FlowledgerError):
    """The database has the encoding {encoding}, which cannot hold every text; make one with: CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0;"""


@contextmanager
def making(database: Database) -> Iterator[Connection]:
    """A transaction that makes or changes tables. Nobody else makes any meanwhile: what it finds missing is missing.

    Raises TablesForbidden, NotOwner, and what `Database.begin` raises.
    """
    if database.is_sqlite:
        with database.begin(write=True) as connection:
            yield connection
        return
    try:
        with database.begin(write=True) as connection:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            mine = connection.execute(_MINE).one()
            yield connection
    except sa.exc.DBAPIError as exc:
        if getattr(exc.orig, "sqlstate", None) not in _FORBIDDEN:
            raise
        if mine.may:
            raise NotOwner(role=mine.role, cause=str(exc.orig).partition("\n")[0]) from exc
        rights = "CREATE" if mine.schema else "USAGE, CREATE"
        raise TablesForbidden(role=mine.role, grant=f"GRANT {rights} ON SCHEMA {mine.schema or 'public'} TO {mine.role}") from exc


def takes_changes(database: Database) -> bool:
    """Is it no standby, and not made read-only? Raises what `Database.outside` raises."""
    if database.is_sqlite:
        return True
    with database.outside() as connection:
        return bool(connection.scalar(sa.text("SHOW transaction_read_only")) == "off")


def require_unicode(connection: Connection) -> None:
    """Before the first table is made: SQLite's texts are Unicode, PostgreSQL's are what the database was made with. Raises NotUnicode."""
    if connection.dialect.name == "postgresql":
        encoding = connection.scalar(sa.text("SHOW server_encoding"))
        if encoding != "UTF8":
            raise NotUnicode(encoding=encoding)
