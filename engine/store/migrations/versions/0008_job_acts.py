"""What operators do about failed jobs that belong to no element."""

import sqlalchemy as sa
from alembic import op

from engine.store.tables import Utc

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "job_act",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("job_id", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("element_id", sa.String(length=200), nullable=False),
        sa.Column("instance_id", sa.String(length=64), nullable=True),
        sa.Column("act", sa.String(length=8), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_job_act")),
    )


def downgrade() -> None:
    op.drop_table("job_act")
