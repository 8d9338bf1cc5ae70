"""Read tables made anew while servers and workers run: who writes waits, and what is under way goes on."""

from __future__ import annotations

from datetime import timedelta
from threading import Event, Thread

import pytest
import sqlalchemy as sa

from engine.errors import ConcurrentChange, NotAvailable
from engine.model import commands as cmd
from engine.model.actors import SYSTEM, Actor
from engine.plugins import service_task
from engine.projections import rebuild as rebuilding
from engine.store import tables
from engine.testing import EmbeddedEngine
from tests.support.diagrams import END, START, TWO_TASKS, chain, process, user
from tests.support.racing import somebody_waits_to_write
from tests.support.served import eventually

CLERKS = [Actor(f"clerk{n}", "", frozenset({"clerks"}), frozenset({"staff"})) for n in range(2)]
OFFERED = process(START + user("a", 'camunda:candidateGroups="clerks"') + user("b") + END + chain("start", "a", "b", "end"), "two")
SERVICE = process(
    START + '<serviceTask id="do" flowledger:handler="work" camunda:failedJobRetryTimeCycle="R3/PT1H"/>' + END + chain("start", "do", "end")
)


def only_task(engine, instance_id):
    [task] = engine.user_tasks(instance_id)
    return task


def contents(engine, table):
    with engine.app.store.begin(write=False) as connection:
        return sorted(repr(tuple(row)) for row in connection.execute(sa.select(*(c for c in table.c if c.name != "number"))))


def test_what_others_do_during_a_rebuild_waits_and_is_in_the_read_tables(nodes, monkeypatch):
    one, two = nodes
    one.deploy({"two.bpmn": OFFERED})
    task, taken = (only_task(one, one.start("two")) for _ in range(2))
    done = []

    def acts():
        two.app.execute(cmd.Start("two"), SYSTEM)
        two.app.execute(cmd.Complete(task.id), CLERKS[0])
        two.app.execute(cmd.Claim(taken.id), CLERKS[1])
        done.append(True)

    thread, project = Thread(target=acts), rebuilding.project

    def projected(projections, batch, *about):
        if thread.ident is None:  # the first record
            thread.start()
            eventually(lambda: somebody_waits_to_write(one.app.store), bool)
        assert not done
        project(projections, batch, *about)

    monkeypatch.setattr(rebuilding, "project", projected)
    assert rebuilding.rebuild(one.app.store) == 2
    thread.join()
    monkeypatch.undo()
    found = [contents(one, table) for table in rebuilding.WRITTEN]
    assert done and rebuilding.rebuild(one.app.store) == 5
    assert [contents(one, table) for table in rebuilding.WRITTEN] == found


def test_a_rebuild_goes_on_when_the_database_let_others_go_first(engine, monkeypatch):
    engine.deploy({"two.bpmn": TWO_TASKS})
    engine.start("two")
    answers = [ConcurrentChange(), ConcurrentChange()]
    original = rebuilding._rebuild

    def giving_way(database):
        if answers:
            raise answers.pop()
        return original(database)

    monkeypatch.setattr(rebuilding, "_rebuild", giving_way)
    assert rebuilding.rebuild(engine.app.store) == 1
    answers += [ConcurrentChange()] * rebuilding.ATTEMPTS
    with pytest.raises(NotAvailable, match="stop the servers"):
        rebuilding.rebuild(engine.app.store)


@pytest.fixture
def worker(url):
    """`worker(handler, transactional=...)`: two nodes that know the service."""
    made = []

    def nodes(handler):
        service = service_task("work", transactional=False)(handler)
        made.extend(EmbeddedEngine(database=url, handlers=[service]).__enter__() for _ in range(2))
        made[0].deploy({"p.bpmn": SERVICE})
        return made

    yield nodes
    for one in made:
        one.__exit__(None, None, None)


def test_what_a_worker_has_begun_is_not_begun_again(worker):
    begun, go, ran = Event(), Event(), []

    def work(context):
        ran.append(context.instance_id)
        begun.set()
        assert go.wait(60)
        return {"done": True}

    one, two = worker(work)
    instance = one.app.execute(cmd.Start("p"), SYSTEM).instance_id
    working = Thread(target=one.app.run_due)
    working.start()
    assert begun.wait(60)
    rebuilding.rebuild(two.app.store)
    assert two.app.run_due() == 0
    go.set()
    working.join()
    assert ran == [instance] and two.instance(instance).state == "completed"


def test_a_lease_lasts_as_much_longer_as_nobody_could_renew_it(worker, monkeypatch):
    one, _ = worker(lambda _context: {})
    one.app.execute(cmd.Start("p"), SYSTEM)
    until = one.clock.now() + timedelta(seconds=30)
    with one.app.store.begin(write=True) as connection:
        connection.execute(tables.job.update().values(lease_owner="somebody", lease_until=until))
    moments = iter((100.0, 340.0))
    monkeypatch.setattr(rebuilding, "monotonic", lambda: next(moments))
    rebuilding.rebuild(one.app.store)
    monkeypatch.undo()
    with one.app.store.begin(write=False) as connection:
        assert connection.execute(sa.select(tables.job.c.lease_owner, tables.job.c.lease_until)).one() == ("somebody", until + timedelta(minutes=4))


def test_failures_are_counted_on_and_waited_for(worker):
    def work(_context):
        raise ValueError("not yet")

    one, two = worker(work)
    instance = one.app.execute(cmd.Start("p"), SYSTEM).instance_id
    for attempt in range(3):
        assert one.app.run_due() == 1
        before = contents(one, tables.job)
        rebuilding.rebuild(two.app.store)
        assert contents(one, tables.job) == before
        assert two.app.run_due() == 0, f"attempt {attempt} is made again at once"
        one.clock.set(one.clock.now() + timedelta(hours=1))
        two.clock.set(one.clock.now())
    with one.app.reading() as read:
        [incident] = read.incidents(SYSTEM, instance)
    assert "not yet" in incident.cause


def test_an_answer_that_waits_for_its_instance_is_kept(worker):
    ran = []

    def work(context):
        ran.append(one.app.execute(cmd.Suspend(context.instance_id, "wait"), SYSTEM))
        return {"found": 7}

    one, two = worker(work)
    instance = one.app.execute(cmd.Start("p"), SYSTEM).instance_id
    one.app.run_due()
    rebuilding.rebuild(two.app.store)
    two.app.execute(cmd.Resume(instance, "go on"), SYSTEM)
    two.app.run_due()
    assert len(ran) == 1 and two.instance(instance).state == "completed" and two.variables(instance)["found"] == 7
