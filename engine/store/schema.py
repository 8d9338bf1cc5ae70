"""Creates and upgrades the schema (Alembic), and refuses to run on one that is newer than this engine."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from engine.errors import FlowledgerError
from engine.store import operation_tables, task_tables  # noqa: F401 - their tables belong to the metadata, too
from engine.store.database import Database
from engine.store.tables import metadata


class SchemaTooNew(FlowledgerError):
    """The database has schema {found}, which this version of Flowledger does not know; install a newer Flowledger."""


def create(database: Database) -> None:
    """All tables at once, for databases that live as long as a test."""
    with database.begin(write=True) as connection:
        metadata.create_all(connection)
        _stamp.create(connection, checkfirst=True)
        if revision(connection) is None:
            connection.execute(_stamp.insert().values(version_num=_revisions()[0]))


def upgrade(database: Database) -> None:
    """Bring the schema to this engine's version; does nothing when it is there. Raises SchemaTooNew."""
    with database.begin(write=True) as connection:
        # A first question, so that Alembic knows that it is inside a transaction. No savepoint: SQLite would keep each page that changes, in memory.
        revision(connection)
        command.upgrade(_config(connection), "head")


def revision(connection: Connection) -> str | None:
    """The schema that a database has; None when it has none."""
    return MigrationContext.configure(connection).get_current_revision()


def check(database: Database) -> None:
    """Raises SchemaTooNew, or FlowledgerError when the schema is missing or behind."""
    with database.begin(write=False) as connection:
        found = revision(connection)
    newest, known = _revisions()
    if found == newest:
        return
    if found is not None and found not in known:
        raise SchemaTooNew(found=found)
    raise FlowledgerError(f"The database has schema {found or 'none'}; run `flowledger db upgrade` first.")


# Alembic's own table, for `create`.
_stamp = sa.Table("alembic_version", sa.MetaData(), sa.Column("version_num", sa.String(32), primary_key=True))


@cache
def _revisions() -> tuple[str, frozenset[str]]:
    """(the newest, all) that this engine knows; read once, readiness asks often."""
    script = ScriptDirectory.from_config(_config(None))
    return script.get_current_head() or "", frozenset(r.revision for r in script.walk_revisions())


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config
