"""How a subscription reads its correlation key from a payload; when a user task is to be followed up."""

import sqlalchemy as sa
from alembic import op

from engine.store.tables import Utc

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("subscription", sa.Column("retrieval", sa.Text(), nullable=True))
    op.add_column("user_task", sa.Column("follow_up", Utc(), nullable=True))
