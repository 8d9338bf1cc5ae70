"""How a subscription reads its correlation key from a payload; when a user task is to be followed up; data stores."""

import sqlalchemy as sa
from alembic import op

from engine.store.tables import Utc

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("subscription", sa.Column("retrieval", sa.Text(), nullable=True))
    op.add_column("user_task", sa.Column("follow_up", Utc(), nullable=True))
    op.create_table(
        "data_store",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("instance_id", sa.String(length=64), nullable=False),
        sa.Column("written_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_data_store")),
    )
