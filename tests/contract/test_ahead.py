"""Commands that are carried out ahead of their transaction: what happens meanwhile is noticed, nobody waits for them, and what they cannot do is done in a transaction."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from engine.application.executions import LiveExecutions
from engine.errors import DefinitionSuspended, NotAvailable, OutcomeUnknown
from engine.model import commands as cmd
from engine.model.actors import SYSTEM
from engine.store.ahead import AGAIN, TRIES
from engine.store.ahead_connection import AheadConnection, NotAhead
from engine.store.deployments import SqlDefinitions
from engine.store.foreseen import Foreseen
from engine.store.history import SqlInstances
from engine.store.people import SqlDrafts
from engine.store.task_tables import user_task
from engine.store.unit_of_work import SqlUnitOfWork
from engine.testing import EmbeddedEngine
from tests.support.diagrams import END, LOOP, START, TWO_TASKS, chain, process, user

CALLER = process(START + user("a") + '<callActivity id="c" calledElement="${target}"/>' + END + chain("start", "a", "c", "end"))
FORM = b'{"key": "f", "title": "F", "schema": {"type": "object", "properties": {"x": {"type": "string", "title": "X"}}}}'
WITH_FORM = process(START + user("a", 'camunda:formKey="f"') + user("b") + END + chain("start", "a", "b", "end"))
SIDE_BY_SIDE = process(
    START
    + '<parallelGateway id="split"/><parallelGateway id="join"/>'
    + user("a")
    + user("b")
    + END
    + chain("start", "split", "a", "join", "end")
    + chain("split", "b", "join")
)


@contextmanager
def interpreted(monkeypatch):
    """The first command is carried out and has written nothing yet; it goes on when the block ends. Gives a function that begins it."""
    there, go, first = threading.Event(), threading.Event(), threading.Lock()
    original = SqlUnitOfWork.append

    def append(self, record, head):
        original(self, record, head)
        if first.acquire(blocking=False):
            there.set()
            assert go.wait(30)

    monkeypatch.setattr(SqlUnitOfWork, "append", append)
    with ThreadPoolExecutor(1) as pool:

        def begin(act):
            begun = pool.submit(act)
            assert there.wait(30)
            return begun

        try:
            yield begin, go
        finally:
            go.set()


def test_others_write_while_a_command_is_interpreted(engine, monkeypatch):
    engine.deploy({"two.bpmn": TWO_TASKS})
    one, two = (engine.user_tasks(engine.start("two"))[0] for _ in range(2))
    with interpreted(monkeypatch) as (begin, go):
        begun = begin(lambda: engine.app.execute(cmd.Complete(one.id), SYSTEM))
        assert engine.app.execute(cmd.Complete(two.id), SYSTEM).seq == 2
        go.set()
        assert begun.result(30).seq == 2


def test_two_branches_of_one_instance_both_go_on(nodes, monkeypatch):
    here, there = nodes
    here.deploy({"p.bpmn": SIDE_BY_SIDE})
    instance = here.start("p")
    a, b = here.user_tasks(instance)
    with interpreted(monkeypatch) as (begin, go):
        begun = begin(lambda: here.app.execute(cmd.Complete(a.id, {"a": 1}), SYSTEM))
        assert there.app.execute(cmd.Complete(b.id, {"b": 2}), SYSTEM).seq == 2
        go.set()
        assert begun.result(30).seq == 3
    assert here.instance(instance).state == "completed"
    assert here.variables(instance) == {"a": 1, "b": 2}


def test_a_version_that_is_suspended_meanwhile_starts_nothing(tmp_path, monkeypatch):
    """On SQLite; on PostgreSQL a start and a suspension at the same moment have no order, in a transaction neither."""
    with EmbeddedEngine(database=f"sqlite:///{tmp_path / 'one.sqlite3'}") as engine:
        engine.deploy({"two.bpmn": TWO_TASKS})
        engine.start("two")
        with interpreted(monkeypatch) as (begin, go):
            begun = begin(lambda: engine.app.execute(cmd.Start("two"), SYSTEM))
            engine.app.execute(cmd.SuspendDefinition("two:1", "wrong"), SYSTEM)
            go.set()
            with pytest.raises(DefinitionSuspended):
                begun.result(30)
        assert len(engine.instances()) == 1


def test_what_cannot_be_done_ahead_is_done_in_a_transaction_and_not_tried_for_ever(engine, tried, monkeypatch):
    engine.deploy({"loop.bpmn": LOOP})
    instance = engine.start("loop", {"again": True})
    tried.clear()
    original = SqlUnitOfWork.append

    def append(self, record, head):
        original(self, record, head)
        self.connection.scalar(sa.text("SELECT 1"))  # as a port that is not made for this would

    monkeypatch.setattr(SqlUnitOfWork, "append", append)
    for _ in range(TRIES + 2):
        [task] = engine.user_tasks(instance)
        engine.complete(task.id)
    assert tried == [False] * (TRIES + 2)
    assert engine.app.execute(cmd.Comment(instance, "counted"), SYSTEM).seq == TRIES + 4


def test_an_error_made_of_the_refusal_does_not_become_an_answer(engine, tried, monkeypatch):
    engine.deploy({"two.bpmn": TWO_TASKS})
    [task] = engine.user_tasks(engine.start("two"))
    tried.clear()
    original = SqlUnitOfWork.append

    def append(self, record, head):
        original(self, record, head)
        try:
            self.connection.scalar(sa.text("SELECT 1"))
        except NotAhead:
            raise ValueError from None

    monkeypatch.setattr(SqlUnitOfWork, "append", append)
    assert engine.app.execute(cmd.Complete(task.id), SYSTEM).seq == 2
    assert tried == [False]


def test_on_postgresql_a_completion_is_one_select_and_one_write_without_a_transaction(postgres, monkeypatch):
    with EmbeddedEngine(database=postgres.database()) as engine:
        engine.deploy({"two.bpmn": TWO_TASKS})
        engine.complete(engine.user_tasks(engine.start("two"))[0].id)
        [task] = engine.user_tasks(engine.start("two", business_key="B-7"))
        monkeypatch.setattr(Foreseen, "take", lambda *_: None)  # as on another node
        seen = []
        event.listen(engine.app.store.engine, "begin", lambda _: seen.append("BEGIN"))
        event.listen(engine.app.store.engine, "before_cursor_execute", lambda _c, _u, sql, *_: seen.append(sql.split()[0]))
        engine.app.execute(cmd.Complete(task.id, {"by": 1}), SYSTEM)
        assert seen == ["SELECT", "WITH"]


def test_a_write_that_is_cut_off_is_told_as_unknown(postgres):
    with EmbeddedEngine(database=postgres.database()) as engine:
        engine.deploy({"two.bpmn": TWO_TASKS})
        engine.complete(engine.user_tasks(engine.start("two"))[0].id)
        instance = engine.start("two")
        [task] = engine.user_tasks(instance)
        waiting = sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
        with ThreadPoolExecutor(1) as pool, engine.app.store.engine.connect() as other, other.begin():
            other.execute(sa.text("SELECT id FROM instance WHERE id = :id FOR UPDATE"), {"id": instance})
            begun = pool.submit(engine.app.execute, cmd.Complete(task.id), SYSTEM)
            while not other.execute(waiting).all():
                pass
            with pytest.raises(OutcomeUnknown):
                begun.result(30)
        assert engine.app.execute(cmd.Complete(task.id), SYSTEM).seq == 2  # it had not happened


def test_what_was_done_in_transactions_is_tried_ahead_again_some_day(engine, tried, monkeypatch):
    engine.deploy({"two.bpmn": TWO_TASKS})
    with monkeypatch.context() as patch:
        patch.setattr("engine.application.instances.advance", lambda uow, *_: uow.connection.scalar(sa.text("SELECT 1")))
        for _ in range(TRIES):
            engine.app.execute(cmd.Start("two"), SYSTEM)
    for _ in range(AGAIN):
        engine.app.execute(cmd.Start("two"), SYSTEM)
    assert tried.count(True) >= 1
    assert tried[-1]


def asked_after(monkeypatch, first):
    """The engine's question for a process that is called goes on after `first(connection)`, where it is asked ahead."""
    original = SqlDefinitions.latest_id

    def latest_id(self, process_id):
        if isinstance(self._connection, AheadConnection):
            first(self._connection)
        return original(self, process_id)

    monkeypatch.setattr(SqlDefinitions, "latest_id", latest_id)


def calling(engine):
    """A task after which the engine asks for the process that it calls."""
    engine.deploy({"p.bpmn": CALLER})
    engine.deploy({"two.bpmn": TWO_TASKS})
    [task] = engine.user_tasks(engine.start("p", {"target": "two"}))
    return task


def test_a_connection_that_is_lost_on_the_way_is_never_written_through(postgres, monkeypatch):
    with EmbeddedEngine(database=postgres.database()) as engine:
        task = calling(engine)

        def cut(connection):
            raw = connection.reader.connection.dbapi_connection
            with engine.app.store.engine.connect() as other:
                other.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": raw.info.backend_pid})

        with monkeypatch.context() as patch:
            asked_after(patch, cut)
            with pytest.raises(NotAvailable):
                engine.app.execute(cmd.Complete(task.id), SYSTEM)
        done = engine.app.execute(cmd.Complete(task.id), SYSTEM)
        another = engine.app.execute(cmd.Start("two"), SYSTEM)
        with engine.app.store.engine.connect() as other:  # sees what is committed
            seen = sa.text("SELECT seq FROM record WHERE instance_id = :id ORDER BY seq DESC LIMIT 1")
            assert [other.scalar(seen, {"id": one.instance_id}) for one in (done, another)] == [2, 1]
            assert other.scalar(sa.text("SELECT count(*) FROM incident")) == 0


def test_a_command_without_a_connection_to_read_from_waits_for_one_only_once(engine, monkeypatch):
    engine.deploy({"two.bpmn": TWO_TASKS})
    asked = []

    def none(*_args, **_more):
        asked.append(True)
        raise NotAvailable

    with monkeypatch.context() as patch:
        patch.setattr(type(engine.app.store), "outside", none)
        patch.setattr(type(engine.app.store), "begin", none)
        with pytest.raises(NotAvailable):
            engine.app.execute(cmd.Start("two"), SYSTEM)
    assert asked == [True]
    assert engine.app.execute(cmd.Start("two"), SYSTEM).seq == 1


def test_a_read_that_fails_ahead_is_no_incident(engine, tried, monkeypatch):
    task = calling(engine)
    tried.clear()
    asked_after(monkeypatch, lambda connection: connection.settled(sa.text("SELECT nothing FROM nowhere")))
    assert engine.app.execute(cmd.Complete(task.id), SYSTEM).seq == 2
    assert tried == [False]
    assert engine.instance(task.instance_id).error is None


def test_what_a_form_shows_is_read_before_somebody_else_may_have_the_execution(engine, monkeypatch):
    engine.deploy({"p.bpmn": WITH_FORM, "f.form.json": FORM})
    instance = engine.start("p")
    [task] = engine.user_tasks(instance)
    original, begun = LiveExecutions.put, []

    def put(self, instance_id, seq, execution):
        original(self, instance_id, seq, execution)
        if not begun:
            begun.append(True)
            other = self.take(instance_id)[1]  # another command's, which is rolled back: the execution is gone
            other._scope(0).declare_all({"x": "never"})

    monkeypatch.setattr(LiveExecutions, "put", put)
    engine.app.execute(cmd.Complete(task.id), SYSTEM)
    assert "x" not in engine.variables(instance)  # None: the form would have cleared what it was shown


def test_moments_of_the_hour_that_comes_twice_are_told_apart(postgres):
    with EmbeddedEngine(database=postgres.database()) as engine:
        engine.deploy({"two.bpmn": TWO_TASKS})
        seen = []
        for hour in (0, 1):  # half past two, twice
            engine.clock.set(engine.clock.now().replace(year=2026, month=10, day=25, hour=hour, minute=30))
            [task] = engine.user_tasks(engine.start("two"))
            with engine.app.store.begin(write=True) as connection:
                connection.execute(sa.text("SET LOCAL TIME ZONE 'Europe/Berlin'"))
                seen.append(SqlInstances(connection).open_task(task.id, lock=False)[0].created_at.hour)
        assert seen == [0, 1]


def test_a_draft_that_is_saved_while_its_task_ends_is_swept(engine):
    engine.deploy({"p.bpmn": WITH_FORM, "f.form.json": FORM})
    [task] = engine.user_tasks(engine.start("p"))
    engine.app.execute(cmd.SaveDraft(task.id, {"x": "typed"}), SYSTEM)
    [other] = engine.user_tasks(engine.start("p"))
    engine.app.execute(cmd.SaveDraft(other.id, {"x": "typed"}), SYSTEM)
    with engine.app.store.begin(write=True) as connection:  # as it is left by a completion that came at the same moment
        connection.execute(user_task.update().where(user_task.c.instance_id == task.instance_id).values(state="completed"))
        assert SqlDrafts(connection).forget_ended() == 1
        assert SqlDrafts(connection).form(other.instance_id, int(other.id.rpartition("-")[2]), SYSTEM.id) == {"x": "typed"}
        connection.execute(user_task.update().where(user_task.c.instance_id == task.instance_id).values(state="open"))
