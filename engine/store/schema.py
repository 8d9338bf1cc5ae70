"""Creates and upgrades the schema (Alembic), and refuses to run on one that is newer than this engine."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from engine.errors import FlowledgerError
from engine.store import operation_tables, task_tables  # noqa: F401 - their tables belong to the metadata, too
from engine.store.database import Database
from engine.store.making import making, require_unicode
from engine.store.tables import metadata, record

if TYPE_CHECKING:
    from alembic.config import Config


class SchemaTooNew(FlowledgerError):
    """The database has schema {found}, which this version of Flowledger does not know; install a newer Flowledger."""


class SchemaUnclear(FlowledgerError):
    """The table alembic_version names {number} schemas for the records of this database; restore it from a backup."""


def create(database: Database) -> None:
    """All tables at once, for databases that live as long as a test."""
    with database.begin(write=True) as connection:
        found = revision(connection)
        metadata.create_all(connection)
        _stamp.create(connection, checkfirst=True)
        if found is None:
            connection.execute(_stamp.insert().values(version_num=_revisions()[0]))


def upgrade(database: Database) -> None:
    """Bring the schema to this engine's version; does nothing when it is there.

    Raises SchemaTooNew, SchemaUnclear, and for PostgreSQL TablesForbidden, NotOwner, NotUnicode.
    """
    from alembic import command

    with making(database) as connection:
        # A first question, so that Alembic knows that it is inside a transaction. No savepoint: SQLite would keep each page that changes, in memory.
        found = revision(connection)
        _require_known(found)
        if found is None:
            require_unicode(connection)
        command.upgrade(_config(connection), "head")


def revision(connection: Connection) -> str | None:
    """The schema that a database has; None when it is empty. Raises SchemaUnclear when it names several, or none although there are tables."""
    tables = sa.inspect(connection)
    found = connection.scalars(sa.select(_stamp.c.version_num)).all() if tables.has_table(_stamp.name) else []
    if len(found) > 1 or (not found and tables.has_table(record.name)):
        raise SchemaUnclear(number=len(found))
    return found[0] if found else None


def check(database: Database) -> None:
    """Raises SchemaTooNew, SchemaUnclear, or FlowledgerError when the schema is missing or behind."""
    with database.begin(write=False) as connection:
        found = revision(connection)
    _require_known(found)
    if found != _revisions()[0]:
        raise FlowledgerError(f"The database has schema {found or 'none'}; run `flowledger db upgrade` first.")


def _require_known(found: str | None) -> None:
    if found is not None and found not in _revisions()[1]:
        raise SchemaTooNew(found=found)


# Alembic's own table, for `create` and for who only asks: a server starts an eighth sooner without Alembic.
_stamp = sa.Table("alembic_version", sa.MetaData(), sa.Column("version_num", sa.String(32), primary_key=True))
_MIGRATIONS = Path(__file__).parent / "migrations"


@cache
def _revisions() -> tuple[str, frozenset[str]]:
    """(the newest, all) that this engine knows, by the names of their files; read once, readiness asks often."""
    known = [path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*_*.py")]
    return max(known), frozenset(known)


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    return config
