"""What operators do: waits between attempts, suspension, bulk operations."""

import sqlalchemy as sa
from alembic import op

from engine.store.tables import Utc

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("job", sa.Column("backoff", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("subscription", sa.Column("suspended", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("process_definition", sa.Column("suspended", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "definition_act",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("definition_id", sa.String(length=255), nullable=False),
        sa.Column("act", sa.String(length=8), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["definition_id"], ["process_definition.id"], name=op.f("fk_definition_act_definition_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_definition_act")),
    )
    op.create_index(op.f("ix_definition_act_definition_id"), "definition_act", ["definition_id"], unique=False)
    op.create_table(
        "bulk",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("act", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("ended_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk")),
    )
    op.create_index(op.f("ix_bulk_created_at"), "bulk", ["created_at"], unique=False)
    op.create_table(
        "bulk_item",
        sa.Column("bulk_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("target", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("ended_at", Utc(), nullable=True),
        sa.ForeignKeyConstraint(["bulk_id"], ["bulk.id"], name=op.f("fk_bulk_item_bulk_id")),
        sa.PrimaryKeyConstraint("bulk_id", "number", name=op.f("pk_bulk_item")),
    )
    op.create_index("ix_bulk_item_bulk_id_state", "bulk_item", ["bulk_id", "state", "number"], unique=False)


def downgrade() -> None:
    op.drop_table("bulk_item")
    op.drop_table("bulk")
    op.drop_table("definition_act")
    op.drop_column("process_definition", "suspended")
    op.drop_column("subscription", "suspended")
    op.drop_column("job", "backoff")
