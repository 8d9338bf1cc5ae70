"""Ids of elements, handlers, persons and groups have 255 characters: the name of a group in a directory is longer than 64.

PostgreSQL changes its catalogue only and rewrites no row; SQLite knows no lengths, so nothing is done there.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from engine.errors import FlowledgerError

revision = "0012"
down_revision = "0011"

#: (table, column, length before, length now)
WIDER: tuple[tuple[str, str, int, int], ...] = (
    *((table, "element_id", 200, 255) for table in ("start_trigger", "job", "subscription", "incident", "user_task", "job_act")),
    ("job", "id", 255, 512),
    ("job_act", "job_id", 255, 512),
    ("job", "handler", 200, 255),
    ("user_task", "assignee", 64, 255),
    ("task_candidate", "name", 64, 255),
)


def upgrade() -> None:
    _alter([(table, column, now) for table, column, _, now in WIDER])


def downgrade() -> None:
    _alter([(table, column, before) for table, column, before, _ in WIDER])


def _alter(lengths: list[tuple[str, str, int]]) -> None:
    """Raises FlowledgerError for views that PostgreSQL would not let it change the columns of."""
    bind = op.get_bind()
    if bind.dialect.name == "sqlite":
        return
    columns = [f"{table}.{column}" for table, column, _ in lengths]
    if views := bind.execute(_VIEWS, {"columns": columns}).scalars().all():
        raise FlowledgerError(f"Views read columns that get longer: {', '.join(views)}; drop them, and make them anew afterwards.")
    for table, column, length in lengths:
        op.alter_column(table, column, type_=sa.String(length))
    for table in dict.fromkeys(table for table, _, _ in lengths):
        op.execute(f"ANALYZE {table}")  # what the planner knew of such a column is dropped with its type


_VIEWS = sa.text("""
SELECT DISTINCT v.oid::regclass::text AS name
FROM pg_depend d
JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
JOIN pg_class v ON r.ev_class = v.oid
JOIN pg_class t ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
WHERE t.relnamespace = quote_ident(current_schema())::regnamespace AND t.relname || '.' || a.attname = ANY(:columns) AND v.oid <> t.oid
ORDER BY name
""")
