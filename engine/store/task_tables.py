"""The tables of the worklist: every user task, and what is free for whom in the orders that a list may have.

A list is one walk along an index for each of the reader's groups and one for the reader, so its cost does not grow with the number of open tasks (docs/benchmarks.md).
`task_candidate` repeats what a list sorts and filters by: the walk then needs nothing else.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import DDL, Boolean, Column, Index, Integer, String, Table, Text, event, false, text

from engine.store.tables import NAME, Utc, metadata

FAR = datetime(9999, 1, 1, tzinfo=UTC)  # `sort_due` of a task without a due time: such tasks come last

_HELD, _DATED = text("assignee IS NOT NULL"), text("follow_up IS NOT NULL")

user_task = Table(
    "user_task",
    metadata,
    Column("instance_id", String(64), primary_key=True),
    Column("key", Integer, primary_key=True, autoincrement=False),
    Column("definition_id", String(255), nullable=False),
    Column("process_id", String(200), nullable=False),
    Column("business_key", String(255)),
    Column("element_id", String(NAME), nullable=False),
    Column("name", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("assignee", String(NAME)),
    Column("candidate_groups", Text, nullable=False, default="[]"),
    Column("candidate_users", Text, nullable=False, default="[]"),
    Column("excludes", Text, nullable=False, default="[]"),
    Column("excluded_users", Text, nullable=False, default="[]"),
    Column("form_key", String(255)),
    Column("priority", Integer, nullable=False),
    Column("due", Utc),
    Column("follow_up", Utc),
    Column("created_at", Utc, nullable=False),
    Column("ended_at", Utc),
    Column("ended_by", String(64)),
    Column("sort_due", Utc, nullable=False),
    # Nothing that the end of a task changes is indexed: on PostgreSQL ending it then writes no index of this table.
    Index("ix_user_task_assignee", "assignee", "sort_due", "instance_id", "key", sqlite_where=_HELD, postgresql_where=_HELD),
    Index("ix_user_task_definition_id_element_id", "definition_id", "element_id", "name"),  # `search.names_of_element` reads nothing else
)

task_candidate = Table(  # open tasks: one row for who holds it, else one for each group and person that may take it
    "task_candidate",
    metadata,
    Column("instance_id", String(64), primary_key=True),
    Column("key", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(5), primary_key=True),  # held; group user; any: offered to everybody, under the name ""
    Column("name", String(NAME), primary_key=True),
    Column("sort_due", Utc, nullable=False),
    Column("follow_up", Utc),
    Column("created_at", Utc, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("task_name", Text, nullable=False),
    Column("process_id", String(200), nullable=False),
    Column("excluded_users", Text, nullable=False),
    Column("excluding", Boolean, nullable=False, server_default=false()),  # is anybody excluded?
    Index("ix_task_candidate_due", "kind", "name", "sort_due", "instance_id", "key", "excluding"),  # counting reads nothing else
    Index("ix_task_candidate_created_at", "kind", "name", "created_at", "instance_id", "key"),
    Index("ix_task_candidate_priority", "kind", "name", "priority", "instance_id", "key"),
    Index("ix_task_candidate_task_name", "kind", "name", "task_name", "instance_id", "key"),
    Index("ix_task_candidate_process_id", "kind", "name", "process_id", "sort_due", "instance_id", "key"),
    Index("ix_task_candidate_follow_up", "kind", "name", "sort_due", "instance_id", "key", "follow_up", sqlite_where=_DATED, postgresql_where=_DATED),
    # Of all lists together; by age and priority they are sorted: nobody works in such a list, and each index costs every completion.
    Index("ix_task_candidate_every_due", "sort_due", "instance_id", "key"),
    Index("ix_task_candidate_every_name", "task_name", "instance_id", "key"),
    sqlite_with_rowid=False,
)

# PostgreSQL would take kind and name for independent of each other and lists for much shorter than they are.
LISTS = "CREATE STATISTICS task_candidate_lists (mcv) ON kind, name FROM task_candidate"
event.listen(task_candidate, "after_create", DDL(LISTS).execute_if(dialect="postgresql"))  # type: ignore[no-untyped-call]
