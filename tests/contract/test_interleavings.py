"""Two acts on one instance, one by one: the first has written its record and stands before its commit while the second comes. In both orders.

A completion that is carried out ahead of its transaction has written nothing where it stands: the second act wins then.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from engine.errors import ExecutionError, TaskNotOpen
from engine.model import commands as cmd
from engine.model.actors import SYSTEM
from engine.plugins import service_task
from engine.store import tables
from engine.store.ahead import Ahead
from engine.store.unit_of_work import SqlUnitOfWork
from engine.store.work import SqlJobs
from engine.testing import EmbeddedEngine
from tests.support.diagrams import END, START, chain, document, process, user
from tests.support.racing import somebody_waits_to_write
from tests.support.served import eventually

TIMER = "<timerEventDefinition><timeDuration>PT1M</timeDuration></timerEventDefinition>"
MESSAGE = '<messageEventDefinition messageRef="m"/>'


def guarded(definition):
    """A task with an interrupting boundary event, and what comes after each of both."""
    return document(
        '<message id="m" name="stop"/>',
        '<process id="p" isExecutable="true">',
        START + user("a") + f'<boundaryEvent id="early" attachedToRef="a">{definition}</boundaryEvent>' + user("b") + user("c") + END,
        chain("start", "a", "b", "end") + chain("early", "c", "end"),
        "</process>",
    )


@contextmanager
def standing(monkeypatch):
    """The first unit of work that appends stands between its record and its commit until `go` is set."""
    written, go, first = threading.Event(), threading.Event(), threading.Lock()
    original = SqlUnitOfWork.append

    def append(self, record, head):
        original(self, record, head)
        if first.acquire(blocking=False):
            written.set()
            assert go.wait(30)

    with monkeypatch.context() as patch:
        patch.setattr(SqlUnitOfWork, "append", append)
        try:
            yield written, go
        finally:
            go.set()


@pytest.fixture(params=["transaction", "ahead"])
def ahead(request, monkeypatch):
    """Are completions carried out ahead of their transaction?"""
    if request.param == "transaction":
        monkeypatch.setattr(Ahead, "attempt", lambda *_, **__: None)
    return request.param == "ahead"


def overtaken(monkeypatch, first, second):
    """What both gave or raised, when the second is done from beginning to end while the first stands."""
    with ThreadPoolExecutor(1) as pool, standing(monkeypatch) as (written, go):
        a = pool.submit(first)
        assert written.wait(30)
        b = second()
        go.set()
        return [a.exception(30) or a.result(), b]


def one_after_the_other(monkeypatch, database, first, second):
    """What both gave or raised. The first goes on when the second waits for it, or is over: on PostgreSQL a worker passes by what is held."""
    with ThreadPoolExecutor(2) as pool, standing(monkeypatch) as (written, go):
        a = pool.submit(first)
        assert written.wait(30)
        b = pool.submit(second)
        eventually(lambda: b.done() or somebody_waits_to_write(database), bool)
        go.set()
        return [one.exception(30) or one.result() for one in (a, b)]


def only(engine, instance):
    [task] = engine.user_tasks(instance)
    return task.element_id


def count(engine, table):
    with engine.app.store.begin(write=False) as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table))


@pytest.mark.parametrize("timer_first", [True, False])
def test_a_timer_at_a_boundary_against_a_completion(nodes, monkeypatch, timer_first, ahead):
    one, two = nodes
    one.deploy({"p.bpmn": guarded(TIMER)})
    instance = one.start("p")
    [task] = one.user_tasks(instance)
    for node in nodes:
        node.clock.set(node.clock.now().replace(hour=5))
    acts = [two.app.run_due, lambda: one.app.execute(cmd.Complete(task.id), SYSTEM)]
    if ahead and not timer_first:
        results = overtaken(monkeypatch, *acts[::-1])[::-1]
        timer_first = True
    else:
        results = one_after_the_other(monkeypatch, one.app.store, *(acts if timer_first else acts[::-1]))
    if timer_first:
        assert (results[0], type(results[1])) == (1, TaskNotOpen)
    else:
        assert results[1] == 0  # the job went with the task
    assert only(two, instance) == ("c" if timer_first else "b")
    assert count(one, tables.job) == 0
    assert count(one, tables.record) == 2


@pytest.mark.parametrize("message_first", [True, False])
def test_a_message_that_interrupts_against_a_completion(nodes, monkeypatch, message_first, ahead):
    one, two = nodes
    one.deploy({"p.bpmn": guarded(MESSAGE)})
    instance = one.start("p", business_key="K")
    [task] = one.user_tasks(instance)
    acts = [lambda: two.app.execute(cmd.PublishMessage("stop", {}, "K"), SYSTEM), lambda: one.app.execute(cmd.Complete(task.id), SYSTEM)]
    if ahead and not message_first:
        results = overtaken(monkeypatch, *acts[::-1])[::-1]
        message_first = True
    else:
        results = one_after_the_other(monkeypatch, one.app.store, *(acts if message_first else acts[::-1]))
    if message_first:
        assert results[0].instance_ids == (instance,)
        assert type(results[1]) is TaskNotOpen
    else:
        assert results[1].kept  # nobody waits any more
    assert only(two, instance) == ("c" if message_first else "b")
    assert count(one, tables.kept_message) == (0 if message_first else 1)
    assert count(one, tables.record) == 2


def test_two_messages_for_one_subscription(nodes, monkeypatch):
    one, two = nodes
    one.deploy({"p.bpmn": guarded(MESSAGE)})
    instance = one.start("p", business_key="K")
    results = one_after_the_other(
        monkeypatch, one.app.store, *((lambda e=e: e.app.execute(cmd.PublishMessage("stop", {"by": 1}, "K"), SYSTEM)) for e in (one, two))
    )
    assert (results[0].instance_ids, results[1].kept) == ((instance,), True)
    assert count(one, tables.record) == 2


def test_two_workers_on_one_transactional_job(url, monkeypatch):
    ran = []

    @service_task("note")
    def note(context):
        ran.append(context.job_id)

    xml = process(START + '<serviceTask id="do" flowledger:handler="note"/>' + END + chain("start", "do", "end"))
    with EmbeddedEngine(database=url, handlers=[note]) as one, EmbeddedEngine(database=url, handlers=[note]) as two:
        one.deploy({"p.bpmn": xml})
        instance = one.app.execute(cmd.Start("p"), SYSTEM).instance_id
        assert one_after_the_other(monkeypatch, one.app.store, one.app.run_due, two.app.run_due) == [1, 0]
        assert len(ran) == 1
        assert one.instance(instance).state == "completed"


def test_two_workers_that_fail_with_one_job_count_once_and_make_one_incident(url):
    with EmbeddedEngine(database=url) as engine:
        engine.deploy({"p.bpmn": process(START + '<serviceTask id="do" flowledger:handler="nobody.has.it"/>' + END + chain("start", "do", "end"))})
        engine.app.execute(cmd.Start("p"), SYSTEM)
        with engine.app.store.begin(write=False) as connection:
            due = SqlJobs(connection).next_due(engine.clock.now())
        for _ in range(2):  # both attempts were rolled back before either failure was written
            engine.app.jobs._failures.tell(due, ExecutionError("do", "nobody has it"))
        assert count(engine, tables.incident) == 1
        assert count(engine, tables.record) == 2


def test_a_worker_against_an_operator_who_cancels(url, monkeypatch):
    @service_task("note")
    def note(_context):
        return {"done": True}

    xml = process(START + '<serviceTask id="do" flowledger:handler="note"/>' + user("a") + END + chain("start", "do", "a", "end"))
    with EmbeddedEngine(database=url, handlers=[note]) as one, EmbeddedEngine(database=url, handlers=[note]) as two:
        one.deploy({"p.bpmn": xml})
        for worker_first in (True, False):
            instance = one.app.execute(cmd.Start("p"), SYSTEM).instance_id
            acts = [two.app.run_due, lambda i=instance: one.app.execute(cmd.Cancel(i, "x"), SYSTEM)]
            results = one_after_the_other(monkeypatch, one.app.store, *(acts if worker_first else acts[::-1]))
            assert not [r for r in results if isinstance(r, Exception)]
            assert one.instance(instance).state == "cancelled"
            assert ("done" in one.variables(instance)) is worker_first
        assert count(one, tables.job) == 0
