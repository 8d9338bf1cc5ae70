"""Numbers above the worklist are counted, and tasks to follow up listed, in an index alone."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_LIST = ["kind", "name", "sort_due", "instance_id", "key"]
_DATED = sa.text("follow_up IS NOT NULL")


def upgrade() -> None:
    op.add_column("task_candidate", sa.Column("excluding", sa.Boolean(), nullable=False, server_default=sa.false()))
    table = sa.table("task_candidate", sa.column("excluding"), sa.column("excluded_users"))
    op.execute(table.update().where(table.c.excluded_users != "[]").values(excluding=sa.true()))
    _replace("due", [*_LIST, "excluding"])
    # After it: both have the order of a list by due time, and of two indexes that serve as well SQLite takes the later one.
    _replace("follow_up", [*_LIST, "follow_up"], sqlite_where=_DATED, postgresql_where=_DATED)


def downgrade() -> None:
    _replace("due", _LIST)
    _replace("follow_up", ["kind", "name", "follow_up"], sqlite_where=_DATED, postgresql_where=_DATED)
    op.drop_column("task_candidate", "excluding")


def _replace(name: str, columns: list[str], **where: Any) -> None:
    op.drop_index(f"ix_task_candidate_{name}", table_name="task_candidate")
    op.create_index(f"ix_task_candidate_{name}", "task_candidate", columns, unique=False, **where)
