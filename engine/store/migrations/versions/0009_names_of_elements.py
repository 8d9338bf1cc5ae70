"""All names that the user tasks of an element have are found in an index: after a migration of instances a version has several."""

from alembic import op

revision = "0009"
down_revision = "0008"

_INDEX = "ix_user_task_definition_id_element_id"


def upgrade() -> None:
    op.drop_index(_INDEX, table_name="user_task")
    op.create_index(_INDEX, "user_task", ["definition_id", "element_id", "name"], unique=False)


def downgrade() -> None:
    op.drop_index(_INDEX, table_name="user_task")
    op.create_index(_INDEX, "user_task", ["definition_id", "element_id"], unique=False)
