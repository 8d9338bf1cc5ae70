"""How the databases read lists: along indexes, and no further than to what is shown. Rows are few here, so PostgreSQL is kept from reading whole tables."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from engine.model.actors import Actor
from engine.model.views import TaskFilter
from engine.store import schema, search
from engine.store.database import Database
from engine.store.queries import SqlQueries
from engine.store.task_tables import FAR, task_candidate, user_task
from engine.store.walks import Narrow
from engine.testing import START as NOW

READER = Actor("li", "Li", frozenset({"a", "b", "c"}), frozenset({"staff"}))
TASKS = 300  # of each group
SHOWN = 5


@pytest.fixture
def read(url):
    """Queries on a transaction, with tasks of three groups: every second is overdue, every fifth has a follow-up date, every tenth excludes the reader.

    Of a fourth group all of them do.
    """
    tasks = [(group, number) for group in sorted(READER.groups) for number in range(TASKS)] + [("kept", 10 * number) for number in range(30)]
    database = Database(url)
    schema.upgrade(database)  # an installation's order of indexes: of two that serve as well, SQLite takes the later one
    with database.begin(write=True) as connection:
        connection.execute(user_task.insert(), [task(*one) for one in tasks])
        connection.execute(task_candidate.insert(), [offer(*one) for one in tasks])
    if not database.is_sqlite:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE task_candidate")  # only then an index alone is known to be enough
    with database.begin(write=False) as connection:
        if not database.is_sqlite:
            for way in ("enable_seqscan", "enable_bitmapscan"):
                connection.exec_driver_sql(f"SET LOCAL {way} = off")
        yield SqlQueries(connection)
    database.close()


def common(group, number):
    """What both tables hold of a task."""
    due = FAR if number % 7 == 0 else NOW + timedelta(hours=number * (-1 if number % 2 else 1))
    excluded = '["li"]' if number % 10 == 0 else "[]"
    return {
        "instance_id": f"{group}{number * 37 % TASKS:03}",
        "key": 1,
        "process_id": "p",
        "priority": 50 + number % 3,
        "created_at": NOW - timedelta(hours=number),
        "sort_due": due,
        "follow_up": NOW + timedelta(days=number % 3 - 1) if number % 5 == 0 else None,
        "excluded_users": excluded,
    }


def task(group, number):
    """A row of user_task."""
    found = common(group, number)
    return found | {
        "definition_id": "p:1",
        "element_id": "t",
        "name": "T",
        "state": "open",
        "due": None if found["sort_due"] == FAR else found["sort_due"],
    }


def offer(group, number):
    """A row of task_candidate."""
    found = common(group, number)
    return found | {"kind": "group", "name": group, "task_name": "T", "excluding": found["excluded_users"] != "[]"}


def plans(read, ask):
    """The plan of each statement of a question."""
    sent = []

    def keep(_connection, _cursor, text, parameters, *_):
        sent.append((text, parameters))

    event.listen(read.connection, "before_cursor_execute", keep)
    answer = ask(read)
    event.remove(read.connection, "before_cursor_execute", keep)
    how = "EXPLAIN QUERY PLAN " if is_sqlite(read) else "EXPLAIN (ANALYZE, TIMING OFF) "
    found = ["\n".join(str(tuple(row)) for row in read.connection.exec_driver_sql(how + text, parameters)) for text, parameters in sent]
    return answer, found


def is_sqlite(read):
    """Or PostgreSQL?"""
    return read.connection.dialect.name == "sqlite"


def test_a_filter_is_counted_in_an_index_alone(read, monkeypatch):
    monkeypatch.setattr(search, "FEW", 20)
    for wanted in (
        TaskFilter(view="overdue", sort="-priority"),
        TaskFilter(view="followup", sort="name"),
        TaskFilter(process_id="p", sort="created"),
    ):
        page, (counting, listing) = plans(read, lambda queries, w=wanted: queries.worklist(READER, w, NOW))
        assert page.rows
        reads = [line for line in counting.splitlines() if "task_candidate" in line]
        assert len(reads) == 6 and all("COVERING INDEX" in line or "Index Only Scan" in line for line in reads), (wanted, counting)
        assert "ix_task_candidate" in listing


def test_numbers_of_a_long_list_are_counted_in_an_index_alone(read, monkeypatch):
    monkeypatch.setattr("engine.store.task_queries.COUNTED", 20)
    found, [plan] = plans(read, lambda queries: queries.counts(READER, NOW, NOW + timedelta(days=3)))
    assert (found.mine, found.groups, found.due_today, found.overdue) == (0, 21, 21, 21)
    if is_sqlite(read):
        assert plan.count("COVERING INDEX ix_task_candidate_due (kind=? AND name=? AND sort_due") >= 2
    else:
        done = [line for line in plan.splitlines() if "task_candidate" in line and "never executed" not in line]
        assert len([line for line in done if "Index Only Scan using ix_task_candidate_due" in line]) >= 4
        assert "Heap Fetches: 0" in plan


@pytest.mark.parametrize("sort", ["due", "-priority", "created", "name"])
def test_sqlite_goes_along_all_lists_in_step(read, sort):
    page, plan = plans(read, lambda queries: queries.worklist(READER, TaskFilter(sort=sort, size=SHOWN), NOW))
    assert len(page.rows) == SHOWN and page.next
    if is_sqlite(read):
        assert plan[0].count("MERGE (UNION)") == 5
        assert plan[0].count("TEMP B-TREE") == 1, "only what is shown is sorted"
    assert plan[0].count("ix_task_candidate_" + {"due": "due", "-priority": "priority", "created": "created_at", "name": "task_name"}[sort]) == 6


def test_work_to_follow_up_is_listed_along_its_own_index(read):
    page, [plan] = plans(read, lambda queries: queries.worklist(READER, TaskFilter(view="followup", size=SHOWN), NOW))
    assert [t.due for t in page.rows] == sorted(t.due for t in page.rows)
    assert all(t.follow_up <= NOW for t in page.rows)
    assert plan.count("ix_task_candidate_follow_up") == 6


def test_what_many_tasks_have_is_looked_for_in_the_order_of_the_list(read, monkeypatch):
    """A process that many tasks are of; in the reader's three lists that hold nothing, another index is as good."""
    monkeypatch.setattr(search, "FEW", 20)
    page, (_, listing) = plans(read, lambda queries: queries.worklist(READER, TaskFilter(process_id="p", sort="-created", size=SHOWN), NOW))
    assert [t.created_at for t in page.rows] == sorted((t.created_at for t in page.rows), reverse=True)
    assert listing.count("ix_task_candidate_created_at") >= 3


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_postgresql_expects_that_a_walk_meets_what_it_looks_for(read):
    """Else it would read the whole list, to sort the few rows that it expects."""
    narrow = Narrow("process_id", lambda column: column == "p", ("process_id",))
    query = sa.select(task_candidate.c.key).where(narrow.row_by_row(task_candidate))
    _, [plan] = plans(read, lambda queries: queries.connection.execute(query).all())
    assert int(re.search(r"rows=(\d+) ", plan)[1]) > TASKS


def test_what_excludes_the_reader_is_not_counted(read, monkeypatch):
    assert read.counts(READER, NOW, NOW).groups == TASKS * 3 * 9 // 10
    monkeypatch.setattr("engine.store.task_queries.COUNTED", 20)
    kept = Actor("li", "Li", frozenset({"kept"}), READER.roles)
    assert read.counts(kept, NOW, NOW).groups == 0
    other = Actor("wang", "Wang", frozenset({"kept"}), READER.roles)
    assert read.counts(other, NOW, NOW).groups == 21
