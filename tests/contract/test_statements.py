"""Statements of the hot path behave as through SQLAlchemy: values, errors, listeners; a batch is all or nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from traceback import walk_tb

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from engine.store.statements import Batch, Statement
from engine.store.tables import account, session
from engine.store.task_tables import FAR, task_candidate

AT = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)
ADD = Statement(task_candidate.insert())
OF = sa.bindparam("b_instance")
NAMES = Statement(sa.select(task_candidate.c.key, task_candidate.c.name).where(task_candidate.c.instance_id == OF).order_by(task_candidate.c.key))
RENAME = Statement(task_candidate.update().where(task_candidate.c.instance_id == OF))


def candidate(key, instance="i", name="组"):
    row = {"instance_id": instance, "key": key, "kind": "group", "name": name}
    return row | {"sort_due": FAR, "created_at": AT, "priority": 50, "task_name": "", "process_id": "p", "excluded_users": "[]"}


def test_a_batch_runs_in_order_and_its_select_sees_what_stands_before_it(database):
    with database.begin(write=True) as connection:
        batch = Batch(connection)
        batch.add(ADD, candidate(2), candidate(1))
        batch.add(RENAME, {"b_instance": "i", "name": "人"})
        batch.add(RENAME)  # nothing to do is nothing done
        assert batch.first(NAMES, {"b_instance": "i"}) == (1, "人")
        batch.add(ADD, candidate(3))
        assert NAMES.rows(connection, {"b_instance": "i"}) == [(1, "人"), (2, "人")]
        batch.flush()
        batch.flush()  # once only: a second time would be a clash
    with database.begin(write=False) as connection:
        assert [key for key, _ in NAMES.rows(connection, {"b_instance": "i"})] == [1, 2, 3]
        assert NAMES.first(connection, {"b_instance": "other"}) is None


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_clash_anywhere_in_a_batch_is_an_integrity_error_and_nothing_stays(database, place):
    work = [candidate(1), candidate(2)]
    work.insert(place, candidate(9))
    with database.begin(write=True) as connection:
        ADD.rows(connection, candidate(9))
    with pytest.raises(sa.exc.IntegrityError), database.begin(write=True) as connection:  # noqa: PT012 - the transaction is meant
        batch = Batch(connection)
        for one in work:
            batch.add(ADD, one)
        batch.flush()
    with database.begin(write=True) as connection:  # the connection is as good as new
        assert NAMES.rows(connection, {"b_instance": "i"}) == [(9, "组")]


def test_columns_that_are_set_may_differ_from_call_to_call(database):
    with database.begin(write=True) as connection:
        batch = Batch(connection)
        batch.add(ADD, candidate(1))
        batch.add(RENAME, {"b_instance": "i", "name": "a"})
        batch.add(RENAME, {"b_instance": "i", "kind": "user"})
        batch.flush()
        assert connection.execute(sa.select(task_candidate)).one()[:4] == ("i", 1, "user", "a")


def test_moments_and_truth_values_come_back_as_they_went(database):
    people = Statement(account.insert())
    seen = Statement(
        sa.select(session.c.seen_at, account.c.active).join(account).where(account.c.active, session.c.expires_at > sa.bindparam("b_now"))
    )
    person = {"id": "li", "name": "李", "roles": "[]", "groups": "[]", "active": True, "language": "zh", "time_zone": "UTC"}
    with database.begin(write=True) as connection:
        batch = Batch(connection)
        batch.add(people, person)
        row = {"secret_hash": "x", "user_id": "li", "created_at": AT, "seen_at": AT, "expires_at": AT + timedelta(hours=1)}
        batch.add(Statement(session.insert()), row)
        batch.flush()
        assert seen.rows(connection, {"b_now": AT}) == [(AT, True)]
        assert seen.rows(connection, {"b_now": AT + timedelta(hours=1)}) == []


def test_a_value_that_is_missing_is_named(database):
    forgotten = Statement(sa.select(task_candidate).where(task_candidate.c.key == sa.bindparam("b_key"), task_candidate.c.name == OF))
    with database.begin(write=True) as connection, pytest.raises(ValueError, match="b_instance"):
        forgotten.rows(connection, {"b_key": 1})


def test_listeners_of_sqlalchemy_see_every_statement(database):
    heard = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: heard.append(args[2].split()[0]))
    with database.begin(write=True) as connection:
        batch = Batch(connection)
        batch.add(ADD, candidate(1))
        batch.first(NAMES, {"b_instance": "i"})
    assert [one for one in heard if one != "BEGIN"] == ["INSERT", "SELECT"]


def test_a_row_that_a_batch_writes_is_seen_by_what_follows_in_it(database):
    """On PostgreSQL neighbouring writes become one statement, whose parts would not see each other's rows."""
    gone = Statement(task_candidate.delete().where(task_candidate.c.instance_id == OF))
    with database.begin(write=True) as connection:
        batch = Batch(connection)
        batch.add(ADD, candidate(1))
        batch.add(RENAME, {"b_instance": "i", "name": "a"})
        batch.add(ADD, candidate(2))
        batch.add(ADD, candidate(3, "j"))
        batch.add(RENAME, {"b_instance": "i", "name": "b"})
        batch.add(ADD, candidate(4, "j"), candidate(5, "j"))
        batch.add(gone, {"b_instance": "j"})
        batch.add(ADD, candidate(6))
        batch.flush()
        found = NAMES.rows(connection, {"b_instance": "i"})
        assert found == [(1, "b"), (2, "b"), (6, "组")]
        assert NAMES.rows(connection, {"b_instance": "j"}) == []


def test_no_cursor_survives_in_the_traceback_of_a_failed_statement(database):
    """The garbage collector would finalise it in another thread, which SQLite makes wait for the connection: everybody stood still for 30 s."""
    with pytest.raises(sa.exc.IntegrityError) as caught, database.begin(write=True) as connection:  # noqa: PT012 - the transaction is meant
        ADD.rows(connection, candidate(1))
        ADD.rows(connection, candidate(1))
    held = [value for frame, _ in walk_tb(caught.tb) for value in frame.f_locals.values()]
    cursors = [one for value in held for one in (value if isinstance(value, list) else [value]) if hasattr(one, "fetchall") and hasattr(one, "close")]
    assert cursors
    for cursor in cursors:
        with pytest.raises(Exception, match="closed"):
            cursor.execute("SELECT 1")
