"""Answers to commands that leave no record under their request id: messages that nobody waits for, signals."""

import sqlalchemy as sa
from alembic import op

from engine.store.tables import Utc

revision = "0004"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "request_answer",
        sa.Column("request_id", sa.String(length=128), nullable=False),
        sa.Column("command", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_request_answer")),
    )
    op.create_index(op.f("ix_request_answer_at"), "request_answer", ["at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_request_answer_at"), table_name="request_answer")
    op.drop_table("request_answer")
