"""SQLite's one writer is busy for too long: whoever waits is told so, and nothing of theirs is saved, not even later. Then everything goes on."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from engine.errors import NotAvailable, WriterBusy
from engine.model.actors import SYSTEM
from engine.model.commands import Start
from engine.plugins import service_task
from engine.projections import ALL
from engine.store import group_commit
from engine.store.database import Database
from engine.store.group_commit import GroupCommit
from engine.store.schema import create
from engine.store.turn import WAIT_SECONDS, Turn
from engine.testing import START as NOW
from engine.testing import EmbeddedEngine, VirtualClock
from tests.contract.test_group_commit import add, keys
from tests.support.diagrams import END, START, chain, process

SOON = 0.02
LATE = 30.0  # never reached unless something hangs


# --- threads and processes take turns -----------------------------------------------------------------------------------
@contextmanager
def held(turn):
    """Another thread has it until the block ends."""
    has, enough = threading.Event(), threading.Event()

    def hold():
        with turn:
            has.set()
            assert enough.wait(LATE)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        assert has.wait(LATE)
        try:
            yield
        finally:
            enough.set()
            holding.result()


def test_a_thread_that_has_waited_too_long_is_told_so():
    turn = Turn(None, SOON)
    with held(turn):
        with pytest.raises(WriterBusy), turn:
            pass
        assert turn.stuck
    assert not turn.stuck
    with turn, turn:
        pass


def test_so_is_a_process(tmp_path):
    asked, (one, other) = [], (Turn(tmp_path / "x.sqlite3", SOON) for _ in range(2))  # each opens the file by itself, as two processes do
    with one:
        for _ in range(2):
            with pytest.raises(WriterBusy), other:
                pass
            assert other.stuck
            asked.append(other._asked)
    assert asked[0] is asked[1]  # one thread waits, however often somebody gives up
    tick, third = threading.Event(), Turn(tmp_path / "x.sqlite3", SOON)
    while other.stuck:
        tick.wait(0.001)
    with third:  # what was given up was let go when it came
        pass
    other._seconds = LATE
    with other:
        assert not other.stuck
    for turn in (one, other, third):
        turn.close()


def test_a_process_that_waits_again_gets_its_turn_and_keeps_it(tmp_path):
    one, other, third = (Turn(tmp_path / "x.sqlite3", seconds) for seconds in (SOON, SOON, SOON))
    with ThreadPoolExecutor(1) as pool:
        with one:
            with pytest.raises(WriterBusy), other:
                pass
            other._seconds = LATE
            has, enough = threading.Event(), threading.Event()

            def again():
                with other:
                    has.set()
                    assert enough.wait(LATE)

            waits = pool.submit(again)
            while other.stuck:  # until it waits again
                has.wait(0.001)
        assert has.wait(LATE)
        with pytest.raises(WriterBusy), third:
            pass
        enough.set()
        waits.result()
    third._seconds = LATE
    with third:
        pass
    for turn in (one, other, third):
        turn.close()


def test_where_no_thread_can_wait_sqlites_own_lock_is_left(tmp_path, monkeypatch):
    one, other = (Turn(tmp_path / "x.sqlite3", SOON) for _ in range(2))

    def refuses(self):
        raise RuntimeError("can't start new thread")

    with one:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuses)
            with other:
                pass
        with other:  # and nothing is held back from the next one
            pass
    one.close()


def test_a_turn_that_did_not_come_is_not_left_either(tmp_path):
    """A thread that was refused holds nothing back from the next one of its process."""
    one, other = (Turn(tmp_path / "x.sqlite3", SOON) for _ in range(2))
    with one, pytest.raises(WriterBusy), other:
        pass
    other._seconds = LATE
    with held(other):
        pass
    for turn in (one, other):
        turn.close()


# --- units of work that share a transaction ---------------------------------------------------------------------------------
@pytest.fixture
def store(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'busy.sqlite3'}", pool_size=40)
    create(database)
    yield database
    database.close()


class Over(threading.Event):
    """The time of everybody who waits is over when it is set, once. `again`: somebody went on to wait nevertheless."""

    def __init__(self):
        super().__init__()
        self.again = threading.Event()
        self.late = set()

    def wait_of(self, ticket):
        if ticket in self.late:
            self.again.set()
        while ticket in self.late or not self.is_set():
            if ticket._turn.acquire(timeout=0.001):
                return True
        self.late.add(ticket)
        return ticket._turn.acquire(blocking=False)


@pytest.fixture
def over(monkeypatch):
    over = Over()
    monkeypatch.setattr(group_commit._Ticket, "wait", lambda ticket, _seconds: over.wait_of(ticket))
    return over


@pytest.fixture
def group(store):
    return GroupCommit(store, VirtualClock(NOW), ALL)


class Hanging:
    """A unit of work that hangs when it has written its row, each time until it is told to go on."""

    def __init__(self, key):
        self.hangs, self.go, self.runs = threading.Event(), threading.Event(), 0
        self._add = add(key)

    def __call__(self, uow):
        self.runs += 1
        done = self._add(uow)
        self.hangs.set()
        assert self.go.wait(LATE)
        return done


def queued(group, pool, store, *works):
    """Futures of units of work that share a transaction, in this order."""
    futures, tick = [], threading.Event()
    with store.begin(write=True):
        for number, work in enumerate(works):
            futures.append(pool.submit(group.run, work))
            while not group._led or len(group._waiting) < number:
                tick.wait(0.001)
    return futures


def test_the_limit_is_that_of_sqlite_itself(store, group):
    with store.begin(write=False) as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == WAIT_SECONDS * 1000
    assert group._wait_seconds == store._turn._seconds == WAIT_SECONDS


def test_who_waits_in_the_queue_is_told_in_time_and_not_saved_later(store):
    group, hanging = GroupCommit(store, VirtualClock(NOW), ALL, wait_seconds=SOON), Hanging(0)
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(group.run, hanging)
        assert hanging.hangs.wait(LATE)
        for key in (1, 2):
            with pytest.raises(WriterBusy):
                group.run(add(key))
        assert list(group._waiting) == []
        hanging.go.set()
        assert leader.result() == 0
    assert group.run(add(3)) == 3
    assert keys(store) == [0, 3]


def test_who_shares_the_transaction_of_one_that_hangs_is_told_in_time_and_not_saved_later(store, group, over):
    hanging = Hanging(0)
    with ThreadPoolExecutor(2) as pool:
        leader, follower = queued(group, pool, store, hanging, add(1))
        assert hanging.hangs.wait(LATE)
        assert list(group._waiting) == []
        over.set()
        assert isinstance(follower.exception(), WriterBusy)
        hanging.go.set()
        assert leader.result() == 0
    assert (keys(store), hanging.runs) == ([0], 1)


def test_what_has_been_written_is_undone_when_its_writer_gives_up_and_the_others_are_saved(store, group, over):
    hanging = Hanging(2)
    with ThreadPoolExecutor(3) as pool:
        leader, follower, last = queued(group, pool, store, add(0), add(1), hanging)
        assert hanging.hangs.wait(LATE)
        over.set()
        assert isinstance(follower.exception(), WriterBusy)
        assert over.again.wait(LATE)
        hanging.go.set()
        assert (leader.result(), last.result()) == (0, 2)
    assert (keys(store), hanging.runs) == ([0, 2], 2)


def test_nobody_gives_up_because_of_its_own_work(store, group, over):
    hanging = Hanging(1)
    with ThreadPoolExecutor(2) as pool:
        leader, follower = queued(group, pool, store, add(0), hanging)
        assert hanging.hangs.wait(LATE)
        over.set()
        assert over.again.wait(LATE)
        hanging.go.set()
        assert (leader.result(), follower.result()) == (0, 1)
    assert (keys(store), hanging.runs) == ([0, 1], 1)


def test_a_commit_that_has_begun_is_waited_for(store, group, over):
    commits, go = threading.Event(), threading.Event()

    def slow(_connection):
        commits.set()
        assert go.wait(LATE)

    def armed(_uow):
        event.listen(store.engine, "commit", slow)

    with ThreadPoolExecutor(2) as pool:
        leader, follower = queued(group, pool, store, add(0), add(1, armed))
        assert commits.wait(LATE)
        over.set()
        assert over.again.wait(LATE)
        go.set()
        assert (leader.result(), follower.result()) == (0, 1)
    event.remove(store.engine, "commit", slow)
    assert keys(store) == [0, 1]


def test_who_is_to_lead_when_its_time_is_over_leads(store, group, over, monkeypatch):
    hanging, wake, tick = Hanging(0), group_commit._Ticket.wake, threading.Event()

    def late(self):
        over.set()
        assert over.again.wait(LATE)
        wake(self)

    monkeypatch.setattr(group_commit._Ticket, "wake", late)
    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(group.run, hanging)
        assert hanging.hangs.wait(LATE)
        follower = pool.submit(group.run, add(1))
        while not group._waiting:
            tick.wait(0.001)
        hanging.go.set()
        assert (leader.result(), follower.result()) == (0, 1)
    assert keys(store) == [0, 1]


def test_one_that_was_undone_with_others_may_still_give_up(store, group, over):
    """The transaction is spoilt by one of them; each then waits for those that are run alone before it."""
    hanging, runs = Hanging(0), []

    def hangs_alone(uow):
        runs.append(0)
        return add(0)(uow) if len(runs) == 1 else hanging(uow)

    def spoil(_uow):
        raise sa.exc.OperationalError("x", None, Exception("malformed"))

    with ThreadPoolExecutor(3) as pool:
        leader, spoils, follower = queued(group, pool, store, hangs_alone, add(1, spoil), add(2))
        assert hanging.hangs.wait(LATE)
        over.set()
        assert isinstance(spoils.exception(), WriterBusy)
        assert isinstance(follower.exception(), WriterBusy)
        hanging.go.set()
        assert leader.result() == 0
    assert keys(store) == [0]


# --- the engine -----------------------------------------------------------------------------------------------------------------
SERVICE = process(START + '<serviceTask id="work" flowledger:handler="hangs"/>' + END + chain("start", "work", "end"), "service")
PLAIN = process(START + END + chain("start", "end"), "plain")


def test_a_handler_that_hangs_makes_writes_fail_in_time_and_the_server_not_ready(tmp_path):
    hangs, go = threading.Event(), threading.Event()

    @service_task("hangs")
    def work(_context):
        hangs.set()
        assert go.wait(LATE)
        return {}

    with EmbeddedEngine(database=f"sqlite:///{tmp_path / 'x.sqlite3'}", handlers=[work]) as engine, ThreadPoolExecutor(1) as pool:
        engine.deploy({"s.bpmn": SERVICE, "p.bpmn": PLAIN})
        engine.app.store._turn._seconds = engine.app._group_commit._wait_seconds = SOON
        instance = engine.app.execute(Start("service", {}), SYSTEM).instance_id
        job = pool.submit(engine.app.run_due)
        assert hangs.wait(LATE)
        for attempt in (lambda: engine.app.execute(Start("plain", {}), SYSTEM), engine.app.jobs.run_one):
            with pytest.raises(NotAvailable):
                attempt()
        assert "writer" in engine.app.unready()
        go.set()
        assert job.result() == 1
        assert "writer" not in engine.app.unready()
        assert (engine.instance(instance).state, len(engine.instances())) == ("completed", 1)


def test_external_work_is_not_done_again_because_its_end_has_to_wait_for_the_writer(url, monkeypatch):
    done, busy = [], []

    @service_task("outside", transactional=False)
    def outside(context):
        done.append(context.idempotency_key)
        return {"n": len(done)}

    with EmbeddedEngine(database=url, handlers=[outside]) as engine:
        engine.deploy({"p.bpmn": process(START + '<serviceTask id="a" flowledger:handler="outside"/>' + END + chain("start", "a", "end"))})
        honest = engine.app.jobs._transact

        def transact(work):
            if done and len(busy) < 3:
                busy.append(1)
                raise WriterBusy
            return honest(work)

        monkeypatch.setattr(engine.app.jobs, "_transact", transact)
        instance = engine.start("p")
        assert (engine.instance(instance).state, engine.variables(instance), len(done), len(busy)) == ("completed", {"n": 1}, 1, 3)
