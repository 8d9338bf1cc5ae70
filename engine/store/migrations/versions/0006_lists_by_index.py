"""Worklist and instance list walk along an index in every order that they offer, however many tasks are open."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from engine.store.search import words
from engine.store.tables import Utc

revision = "0006"
down_revision = "0005"

TOGETHER = 5_000
FAR = "9999-01-01 00:00:00.000000"
INSTANCE = (
    ("process_id", "started_at"),
    ("process_id", "state", "started_at"),
    ("definition_id", "started_at"),
    ("definition_id", "state", "started_at"),
)
CANDIDATE = {
    "due": ("sort_due",),
    "created_at": ("created_at",),
    "priority": ("priority",),
    "task_name": ("task_name",),
    "process_id": ("process_id", "sort_due"),
}


def upgrade() -> None:
    _user_task()
    op.rename_table("task_candidate", "task_candidate_before")
    _task_candidate()
    op.execute(_OFFERED)
    op.execute(_HELD)
    op.execute(_FOR_EVERYBODY)
    op.drop_table("task_candidate_before")
    for name, columns in CANDIDATE.items():
        op.create_index(f"ix_task_candidate_{name}", "task_candidate", ["kind", "name", *columns, "instance_id", "key"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_LISTS)
    for name, column in (("due", "sort_due"), ("name", "task_name")):
        op.create_index(f"ix_task_candidate_every_{name}", "task_candidate", [column, "instance_id", "key"], unique=False)
    _partial("ix_task_candidate_follow_up", "task_candidate", ["kind", "name", "follow_up"], "follow_up IS NOT NULL")
    op.drop_index("ix_instance_definition_id", table_name="instance")
    op.drop_index("ix_instance_process_id_state", table_name="instance")
    for names in INSTANCE:
        op.create_index(f"ix_instance_{'_'.join(names)}", "instance", [*names, "id"], unique=False)
    _words()
    op.drop_index("ix_record_actor", table_name="record")
    op.create_index("ix_record_actor_instance_id", "record", ["actor", "instance_id"], unique=False)


def _words() -> None:
    word = sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql")
    table = op.create_table(
        "instance_word",
        sa.Column("word", word, nullable=False),
        sa.Column("instance_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("word", "instance_id", name=op.f("pk_instance_word")),
        sqlite_with_rowid=False,
    )
    last: str | None = ""
    while last is not None:
        found = op.get_bind().execute(_KEYS, {"last": last, "size": TOGETHER}).all()
        op.bulk_insert(table, [{"word": word, "instance_id": row.id} for row in found for word in words(row.business_key)])
        last = found[-1].id if found else None


def _user_task() -> None:
    far = FAR if op.get_bind().dialect.name == "sqlite" else f"{FAR}+00"
    op.add_column("user_task", sa.Column("sort_due", Utc(), nullable=False, server_default=far))
    op.execute("UPDATE user_task SET sort_due = due WHERE due IS NOT NULL")
    for old in ("assignee_state", "state_due", "definition_id_element_id"):
        op.drop_index(f"ix_user_task_{old}", table_name="user_task")
    _partial("ix_user_task_assignee", "user_task", ["assignee", "sort_due", "instance_id", "key"], "assignee IS NOT NULL")
    op.create_index("ix_user_task_definition_id_element_id", "user_task", ["definition_id", "element_id"], unique=False)


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, unique=False, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _task_candidate() -> None:
    """Made anew: on SQLite its rows now lie in the order of its key."""
    if op.get_bind().dialect.name == "sqlite":
        op.drop_index("ix_task_candidate_kind_name", table_name="task_candidate_before")
    else:
        op.execute("ALTER INDEX pk_task_candidate RENAME TO pk_task_candidate_before")
    op.create_table(
        "task_candidate",
        sa.Column("instance_id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=5), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("sort_due", Utc(), nullable=False),
        sa.Column("follow_up", Utc(), nullable=True),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("task_name", sa.Text(), nullable=False),
        sa.Column("process_id", sa.String(length=200), nullable=False),
        sa.Column("excluded_users", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "key", "kind", "name", name=op.f("pk_task_candidate")),
        sqlite_with_rowid=False,
    )


_KEYS = sa.text("SELECT id, business_key FROM instance WHERE business_key IS NOT NULL AND id > :last ORDER BY id LIMIT :size")
_LISTS = "CREATE STATISTICS task_candidate_lists (mcv) ON kind, name FROM task_candidate"
_OFFERED = """
INSERT INTO task_candidate
    (instance_id, key, kind, name, sort_due, follow_up, created_at, priority, task_name, process_id, excluded_users)
SELECT t.instance_id, t.key, c.kind, c.name, t.sort_due, t.follow_up, t.created_at, t.priority, t.name, t.process_id, t.excluded_users
FROM task_candidate_before c JOIN user_task t ON t.instance_id = c.instance_id AND t.key = c.key
WHERE t.state = 'open' AND t.assignee IS NULL
"""
_HELD = """
INSERT INTO task_candidate
    (instance_id, key, kind, name, sort_due, follow_up, created_at, priority, task_name, process_id, excluded_users)
SELECT t.instance_id, t.key, 'held', t.assignee, t.sort_due, t.follow_up, t.created_at, t.priority, t.name, t.process_id, t.excluded_users
FROM user_task t
WHERE t.state = 'open' AND t.assignee IS NOT NULL
"""
_FOR_EVERYBODY = """
INSERT INTO task_candidate
    (instance_id, key, kind, name, sort_due, follow_up, created_at, priority, task_name, process_id, excluded_users)
SELECT t.instance_id, t.key, 'any', '', t.sort_due, t.follow_up, t.created_at, t.priority, t.name, t.process_id, t.excluded_users
FROM user_task t
WHERE t.state = 'open' AND t.assignee IS NULL AND t.candidate_groups = '[]' AND t.candidate_users = '[]'
"""
