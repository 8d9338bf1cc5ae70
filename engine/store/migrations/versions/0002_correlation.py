"""How a subscription reads its correlation key from a payload."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("subscription", sa.Column("retrieval", sa.Text(), nullable=True))
