"""Where people are told of their tasks, and of which."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("account", sa.Column("email", sa.String(length=254), nullable=True))
    op.add_column("account", sa.Column("notify", sa.String(length=8), nullable=False, server_default="mine"))


def downgrade() -> None:
    op.drop_column("account", "notify")
    op.drop_column("account", "email")
