"""A database that goes away, has no room, or a clock that is set back: what the engine says, and what it does by itself afterwards."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from engine.errors import ConcurrentChange, NotAllowed, NotAvailable, OutcomeUnknown, RequestIdReused, StorageFull
from engine.jobs import lease
from engine.model import commands as cmd
from engine.model.actors import SYSTEM, Actor
from engine.plugins import ServiceTask
from engine.store import tables
from engine.store.database import Database
from engine.testing import START as NOW
from engine.testing import EmbeddedEngine
from tests.contract.test_work import job
from tests.support.diagrams import END, START, TWO_TASKS, chain, document, process
from tests.support.racing import raised, together

MESSAGE = '<message id="m" name="paid"/><signal id="s" name="stop"/>'
CATCH = document(
    MESSAGE,
    '<process id="p" isExecutable="true">',
    START,
    '<intermediateCatchEvent id="wait"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>',
    END,
    chain("start", "wait", "end"),
    '</process><process id="q" isExecutable="true"><startEvent id="begin"><signalEventDefinition signalRef="s"/></startEvent><endEvent id="over"/>',
    chain("begin", "over"),
    "</process>",
)
SERVICE = process(START + '<serviceTask id="work" flowledger:handler="slow"/>' + END + chain("start", "work", "end"), "service")
LI = Actor("li", "李", frozenset(), frozenset({"operator", "staff"}))


def count(engine, table):
    with engine.app.store.begin(write=False) as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table))


# --- the same request again ---------------------------------------------------------------------------------------------
def test_a_message_repeated_under_its_request_id_is_kept_once(engine):
    engine.deploy({"p.bpmn": CATCH})
    again = cmd.PublishMessage("paid", {"n": 1}, "K")
    assert engine.app.execute(again, SYSTEM, "r-1").kept
    assert engine.app.execute(again, SYSTEM, "r-1").kept
    assert count(engine, tables.kept_message) == 1
    taker = engine.start("p", business_key="K")
    assert engine.instance(taker).state == "completed"
    assert engine.app.execute(again, SYSTEM, "r-1").kept  # and not kept anew for the next one
    assert count(engine, tables.kept_message) == 0


def test_a_message_that_was_taken_is_not_kept_when_it_is_repeated(engine):
    engine.deploy({"p.bpmn": CATCH})
    taker = engine.start("p", business_key="K")
    again = cmd.PublishMessage("paid", {"n": 1}, "K")
    first = engine.app.execute(again, SYSTEM, "r-1")
    assert first.instance_ids == (taker,)
    assert engine.app.execute(again, SYSTEM, "r-1") == first
    assert count(engine, tables.kept_message) == 0


def test_a_signal_repeated_under_its_request_id_starts_nothing_twice(engine):
    engine.deploy({"p.bpmn": CATCH})
    first = engine.app.execute(cmd.BroadcastSignal("stop"), SYSTEM, "r-1")
    assert engine.app.execute(cmd.BroadcastSignal("stop"), SYSTEM, "r-1") == first
    assert len(engine.instances()) == 1


def test_an_answer_is_its_actors_own_and_its_commands(engine):
    engine.deploy({"p.bpmn": CATCH})
    engine.app.execute(cmd.BroadcastSignal("stop"), SYSTEM, "r-1")
    with pytest.raises(RequestIdReused):
        engine.app.execute(cmd.PublishMessage("stop"), SYSTEM, "r-1")
    with pytest.raises(NotAllowed):
        engine.app.execute(cmd.BroadcastSignal("stop"), LI, "r-1")


def test_the_same_message_at_the_same_time_is_kept_once(nodes):
    one, two = nodes
    one.deploy({"p.bpmn": CATCH})
    again = cmd.PublishMessage("paid", {"n": 1}, "K")
    results = together(*((lambda e=e: e.app.execute(again, SYSTEM, "r-1")) for e in (one, two) * 2))
    assert not raised(results)
    assert count(one, tables.kept_message) == 1


def test_answers_are_forgotten_after_a_month(work):
    with work() as uow:
        uow.answers.put("r", "PublishMessage", "li", {"kept": True}, NOW)
    with work() as uow:
        uow.answers.forget(NOW)
        assert uow.answers.get("r") is not None
        uow.answers.forget(NOW + timedelta(seconds=1))
        assert uow.answers.get("r") is None
    with work() as uow:
        uow.answers.put("r", "PublishMessage", "li", {}, NOW)
    with work() as uow, pytest.raises(ConcurrentChange):
        uow.answers.put("r", "PublishMessage", "li", {}, NOW)


# --- what the engine says -------------------------------------------------------------------------------------------------
class Fault(Exception):
    """Of a driver."""

    def __init__(self, text, sqlstate=None):
        self.sqlstate = sqlstate
        super().__init__(text)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault("database or disk is full"), StorageFull),
        (Fault("could not extend file", "53100"), StorageFull),
        (Fault("disk I/O error"), NotAvailable),
        (Fault("too many clients", "53300"), NotAvailable),
        (Fault("the database system is shutting down", "57P03"), NotAvailable),
        (Fault("terminating connection due to administrator command"), NotAvailable),
        (Fault("deadlock detected", "40P01"), ConcurrentChange),
        (Fault("no such table"), sa.exc.OperationalError),
    ],
)
def test_a_fault_of_the_database_is_told_in_its_own_class(database, fault, said):
    with pytest.raises(said) as raised, database.begin(write=True):
        raise sa.exc.OperationalError("x", None, fault)
    assert type(raised.value) is said


def test_a_commit_that_is_cut_off_is_told_as_unknown_and_one_without_room_as_undone(database):
    def broken(fault):
        def listener(_connection):
            raise sa.exc.OperationalError("COMMIT", None, fault)

        return listener

    for fault, said in ((Fault("terminating connection"), OutcomeUnknown), (Fault("database or disk is full"), StorageFull)):
        listener = broken(fault)
        event.listen(database.engine, "commit", listener)
        with pytest.raises(said), database.begin(write=True):
            pass
        event.remove(database.engine, "commit", listener)
    with database.begin(write=True) as connection:
        assert connection.scalar(sa.text("SELECT 1")) == 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault("out of memory", "53200"), NotAvailable),  # the server says so: it did nothing
        (Fault("could not extend file: No space left on device", "53100"), StorageFull),
        (Fault("terminating connection due to administrator command", "57P01"), OutcomeUnknown),
        (Fault("connection failure", "08006"), OutcomeUnknown),
    ],
)
def test_a_statement_without_a_transaction_is_unknown_only_when_the_server_went_away(postgres, fault, said):
    store = Database(postgres.database())
    with pytest.raises(said) as raised, store.outside(writes=True):
        raise sa.exc.OperationalError("x", None, fault)
    assert type(raised.value) is said
    store.close()


@pytest.mark.parametrize("ended", ["commit", "rollback"])
def test_a_handler_that_ends_the_transaction_itself_is_told(database, ended):
    def handler():
        with database.begin(write=True) as connection:
            connection.execute(sa.text("SELECT 1"))
            getattr(connection, ended)()
            connection.execute(sa.text("SELECT 1"))

    with pytest.raises(sa.exc.InvalidRequestError):
        handler()
    with database.begin(write=True) as connection:
        assert connection.scalar(sa.text("SELECT 1")) == 1


def test_all_connections_in_use_is_told_and_ends(url, monkeypatch):
    store = Database(url, pool_size=1)
    monkeypatch.setattr(store.engine.pool, "_timeout", 0.05)
    with ExitStack() as stack:
        for _ in range(store.engine.pool.size() + store.engine.pool._max_overflow):
            stack.enter_context(store.begin(write=False))
        with pytest.raises(NotAvailable), store.begin(write=False):
            pass
    store.close()


def test_a_connection_that_would_not_commit_is_not_given_to_the_next_one_as_it_is(postgres):
    store = Database(postgres.database())
    with store.outside() as connection:
        connection.connection.dbapi_connection.autocommit = False
    with pytest.raises(NotAvailable), store.outside(writes=True):
        pass
    with store.outside(writes=True) as connection:
        assert connection.connection.dbapi_connection.autocommit  # the pool has put it right
    store.close()


# --- leases -----------------------------------------------------------------------------------------------------------------
def test_a_lease_from_before_the_clock_was_set_back_holds_nobody_up(work):
    day = timedelta(days=1)
    with work() as uow:
        uow.jobs.add(job("j", NOW - day - day))
        uow.jobs.lease("j", "node 1", NOW + timedelta(seconds=30))
    with work() as uow:
        assert uow.jobs.next_due(NOW) is None
        assert uow.jobs.next_due(NOW - day).id == "j"


def test_only_who_holds_a_lease_renews_it(work):
    with work() as uow:
        uow.jobs.add(job("j"))
        uow.jobs.lease("j", "one", NOW + timedelta(seconds=30))
        assert uow.jobs.renew("j", "one", NOW + timedelta(seconds=60))
        uow.jobs.lease("j", "two", NOW + timedelta(seconds=90))
        assert not uow.jobs.renew("j", "one", NOW + timedelta(seconds=120))
        assert uow.jobs.next_due(NOW + timedelta(seconds=91)).id == "j"


class Handler:
    """External; the first caller waits inside until `go`."""

    def __init__(self, fails=False):
        self.inside, self.go, self.keys, self.fails = threading.Event(), threading.Event(), [], fails
        self.task = ServiceTask("slow", self.run, transactional=False)

    def run(self, context):
        self.keys.append(context.idempotency_key)
        if len(self.keys) > 1:
            return {"by": "second"}
        self.inside.set()
        assert self.go.wait(30)
        if self.fails:
            raise ValueError("too late")
        return {"by": "first"}


@pytest.mark.parametrize("fails", [False, True])
def test_a_lease_that_was_lost_is_taken_over_and_the_late_answer_of_the_first_changes_nothing(url, monkeypatch, fails):
    monkeypatch.setattr(lease, "RENEW_SECONDS", 3600.0)  # the first worker is stopped, with its renewals
    handler = Handler(fails)
    with EmbeddedEngine(database=url, handlers=[handler.task]) as one, EmbeddedEngine(database=url, handlers=[handler.task]) as two:
        two.app.jobs._owner = "another"
        one.deploy({"s.bpmn": SERVICE})
        instance = one.app.execute(cmd.Start("service"), SYSTEM).instance_id
        first = threading.Thread(target=one.app.run_due)
        first.start()
        assert handler.inside.wait(30)
        assert not two.app.jobs.run_one()  # held
        two.clock.set(two.clock.now() + timedelta(seconds=lease.LEASE_SECONDS + 1))
        assert two.app.jobs.run_one()
        handler.go.set()
        first.join(30)
        assert handler.keys == [handler.keys[0]] * 2
        assert one.instance(instance).state == "completed"
        assert one.variables(instance) == {"by": "second"}
        assert count(one, tables.job) == count(one, tables.incident) == 0


def test_the_late_failure_of_a_worker_that_lost_its_lease_does_not_end_the_lease_of_the_next(url, monkeypatch):
    monkeypatch.setattr(lease, "RENEW_SECONDS", 3600.0)
    handler = Handler(fails=True)
    with EmbeddedEngine(database=url, handlers=[handler.task]) as engine:
        engine.deploy({"s.bpmn": SERVICE})
        engine.app.execute(cmd.Start("service"), SYSTEM)
        first = threading.Thread(target=engine.app.run_due)
        first.start()
        assert handler.inside.wait(30)
        with engine.app.store.begin(write=True) as connection:
            connection.execute(tables.job.update().values(lease_owner="another", lease_until=engine.clock.now() + timedelta(seconds=60)))
        handler.go.set()
        first.join(30)
        with engine.app.store.begin(write=True) as connection:
            row = connection.execute(sa.select(tables.job)).one()
        assert (row.attempts, row.lease_owner) == (0, "another")


def test_a_database_that_is_gone_when_a_handler_ends_counts_no_attempt(url, monkeypatch):
    handler = Handler()
    handler.go.set()
    with EmbeddedEngine(database=url, handlers=[handler.task]) as engine:
        engine.deploy({"s.bpmn": SERVICE})
        instance = engine.app.execute(cmd.Start("service"), SYSTEM).instance_id

        def gone(*_):
            raise NotAvailable

        with monkeypatch.context() as patch:
            patch.setattr(engine.app.jobs, "_finish_if_open", gone)
            with pytest.raises(NotAvailable):
                engine.app.run_due()
        with engine.app.store.begin(write=False) as connection:
            assert connection.scalar(sa.select(tables.job.c.attempts)) == 0
        engine.clock.set(engine.clock.now() + timedelta(seconds=lease.LEASE_SECONDS + 1))
        assert engine.app.run_due() == 1
        assert engine.instance(instance).state == "completed"
        assert handler.keys == [handler.keys[0]] * 2


# --- room ---------------------------------------------------------------------------------------------------------------------
def fill(engine):
    """Start instances until it is refused; how."""
    for _ in range(200):
        try:
            engine.start("two", {"text": "x" * 2000})
        except NotAvailable as exc:
            return type(exc)
    return None


def test_without_room_nothing_is_half_written_and_reading_goes_on(tmp_path):
    with EmbeddedEngine(database=f"sqlite:///{tmp_path / 'full.sqlite3'}") as engine:
        engine.deploy({"two.bpmn": TWO_TASKS})
        instance = engine.start("two")
        limit = []

        def narrow(connection):
            connection.connection.dbapi_connection.execute(f"PRAGMA max_page_count={limit[0] if limit else 1_000_000}")

        event.listen(engine.app.store.engine, "begin", narrow)
        with engine.app.store.begin(write=True) as connection:
            limit.append(connection.exec_driver_sql("PRAGMA page_count").scalar())
        assert fill(engine) == StorageFull
        assert count(engine, tables.record) == count(engine, tables.instance)
        assert engine.instance(instance).state == "active"
        limit[0] = 1_000_000
        assert engine.start("two")
