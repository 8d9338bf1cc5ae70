"""Only records that have a request id stand in its index: most have none, and each cost every command a page on SQLite."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from engine.errors import FlowledgerError

revision = "0011"
down_revision = "0010"

NAME = "uq_record_request_id"
_GIVEN = sa.text("request_id IS NOT NULL")


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _make_anew()
    else:
        op.drop_constraint(NAME, "record", type_="unique")
    op.create_index(NAME, "record", ["request_id"], unique=True, sqlite_where=_GIVEN, postgresql_where=_GIVEN)


def downgrade() -> None:
    op.drop_index(NAME, table_name="record")
    if op.get_bind().dialect.name == "sqlite":
        _make_anew(sa.UniqueConstraint("request_id", name=NAME))
    else:
        op.create_unique_constraint(NAME, "record", ["request_id"])


def _make_anew(*constraints: sa.UniqueConstraint) -> None:
    """SQLite cannot change the constraints of a table: one with these beside its key takes its place, in the upgrade's transaction.

    Rows, other indexes and triggers are as they were. Raises FlowledgerError for what could get lost with the table.
    """
    bind = op.get_bind()
    if added := bind.execute(_ADDED).scalars().all():
        raise FlowledgerError(f"Columns were added to the table record, which is made anew: {', '.join(added)}; drop them, and add them afterwards.")
    referring = bind.execute(_REFERRING).scalars().all()
    if referring:  # dropping a table deletes its rows first, and with them what refers to it by a key that cascades
        raise FlowledgerError(
            f"Foreign keys of {', '.join(referring)} refer to the table record, which is made anew: drop them, and add them afterwards."
        )
    table = sa.Table("record", sa.MetaData(), autoload_with=bind).to_metadata(sa.MetaData(), name="record_anew")
    table.constraints -= {one for one in table.constraints if isinstance(one, sa.UniqueConstraint)}
    for one in constraints:
        table.append_constraint(one)
    table.indexes.clear()
    beside = bind.execute(_BESIDE).all()
    table.create(bind)
    op.execute("INSERT INTO record_anew SELECT * FROM record")
    for kind, name, _ in beside:
        if kind == "trigger":  # before it fires
            bind.exec_driver_sql(f"DROP TRIGGER {bind.dialect.identifier_preparer.quote(name)}")
    op.execute("DELETE FROM record")  # of a table that is dropped with its rows SQLite keeps each page, in memory, until the statement is done
    op.drop_table("record")
    op.execute("PRAGMA legacy_alter_table = ON")  # else it would not be renamed while a view of somebody's names a table that is not there
    try:
        op.rename_table("record_anew", "record")
    finally:
        op.execute("PRAGMA legacy_alter_table = OFF")
    for _, _, sql in beside:
        bind.exec_driver_sql(sql)


# From SQLite's own list of what there is; the indexes of constraints have no text.
_BESIDE = sa.text(
    "SELECT type, name, sql FROM sqlite_master WHERE lower(tbl_name) = 'record' AND type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY rowid"
)
_ADDED = sa.text("""
SELECT name FROM pragma_table_xinfo('record')
WHERE name NOT IN ('instance_id', 'seq', 'at', 'actor', 'kind', 'request_id', 'hash', 'body') ORDER BY name
""")
_REFERRING = sa.text("""
SELECT DISTINCT m.name FROM sqlite_master m, pragma_foreign_key_list(m.name) k
WHERE m.type = 'table' AND lower(k."table") = 'record' ORDER BY m.name
""")
