"""Group commit on SQLite: what waits shares one transaction, and everybody gets just what they would have got alone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from engine.errors import Conflict, OutcomeUnknown
from engine.projections import ALL
from engine.store.database import Database
from engine.store.group_commit import TOGETHER, GroupCommit
from engine.store.schema import create
from engine.store.task_tables import FAR, task_candidate
from engine.testing import START, VirtualClock


@pytest.fixture
def store(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'group.sqlite3'}", pool_size=40)
    create(database)
    yield database
    database.close()


@pytest.fixture
def group(store):
    return GroupCommit(store, VirtualClock(START), ALL)


def add(key, then=None):
    """A unit of work that writes one row, and afterwards does `then`."""

    def work(uow):
        row = {"instance_id": "i", "key": key, "kind": "user", "name": "li", "sort_due": FAR, "created_at": FAR, "priority": 50}
        uow.connection.execute(task_candidate.insert().values(**row, task_name="", process_id="p", excluded_users="[]"))
        if then is not None:
            then(uow)
        return key

    return work


def fail(error):
    def then(_uow):
        raise error

    return then


def keys(store):
    with store.begin(write=False) as connection:
        return sorted(connection.scalars(sa.select(task_candidate.c.key)))


@contextmanager
def commits(store):
    """Counts transactions that commit."""
    seen = []
    event.listen(store.engine, "commit", lambda _connection: seen.append(1))
    yield seen


def together(store, group, works):
    """Results or errors of `works`, all of which waited before the first of them began."""
    with ThreadPoolExecutor(len(works)) as pool:
        with store.begin(write=True):  # nobody gets the writer meanwhile
            futures = [pool.submit(group.run, work) for work in works]
            queued = threading.Event()
            while len(group._waiting) < len(works) - 1:
                queued.wait(0.001)
        return [future.exception() or future.result() for future in futures]


def test_what_waits_shares_one_transaction(store, group):
    with commits(store) as seen:
        assert together(store, group, [add(key) for key in range(5)]) == [0, 1, 2, 3, 4]
    assert len(seen) == 2  # the one that held the writer, and one for all five
    assert keys(store) == [0, 1, 2, 3, 4]
    assert group.run(add(9)) == 9  # and the next one leads again


def test_a_refusal_is_undone_alone(store, group):
    works = [add(0), add(1, fail(Conflict("no"))), add(2), add(0)]
    zero, one, two, clash = together(store, group, works)
    assert {zero if isinstance(zero, int) else clash, two} == {0, 2}  # who was first of the two that write row 0 is left open
    assert isinstance(one, Conflict)
    assert sum(isinstance(e, sa.exc.IntegrityError) for e in (zero, clash)) == 1
    assert keys(store) == [0, 2]


def test_a_refusal_of_a_lone_unit_of_work_writes_nothing(store, group):
    with pytest.raises(Conflict):
        group.run(add(1, fail(Conflict("no"))))
    assert keys(store) == []


def test_what_spoils_the_transaction_is_tried_alone(store, group):
    error = sa.exc.OperationalError("x", None, Exception("malformed"))
    results = together(store, group, [add(0), add(1, fail(error)), add(2)])
    assert [r for r in results if r is not error] == [0, 2]
    assert keys(store) == [0, 2]


def test_nobody_is_told_of_success_when_the_commit_fails(store, group):
    def broken(_connection):
        raise sa.exc.OperationalError("COMMIT", None, Exception("disk I/O error"))

    def armed(_uow):
        event.listen(store.engine, "commit", broken)

    errors = together(store, group, [add(0), add(1, armed), add(2)])
    event.remove(store.engine, "commit", broken)
    assert [type(error) for error in errors] == [OutcomeUnknown] * 3
    assert keys(store) == []


def test_actions_after_the_commit_run_once_for_each_that_succeeded(store, group):
    done = []

    def later(key):
        return lambda uow: uow.after_commit.append(lambda: done.append(key))

    def refused(uow):
        later(1)(uow)
        raise Conflict("no")

    together(store, group, [add(0, later(0)), add(1, refused), add(2, later(2))])
    assert sorted(done) == [0, 2]


def test_more_than_fit_into_one_transaction_take_turns(store, group):
    count = TOGETHER + 5
    with commits(store) as seen:
        assert together(store, group, [add(key) for key in range(count)]) == list(range(count))
    assert len(seen) == 3
    assert keys(store) == list(range(count))


def test_many_threads_each_get_their_own_result(store, group):
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(lambda key: group.run(add(key)), range(400))) == list(range(400))
    assert keys(store) == list(range(400))
