"""A node that is told to stop lets its jobs end within a time for all of them together, and gives back what has not ended then."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from engine.errors import NotAvailable
from engine.jobs import dispatcher as dispatching
from engine.jobs.dispatcher import Dispatcher
from engine.model import commands as cmd
from engine.model.actors import SYSTEM
from engine.plugins import ServiceTask
from engine.store import tables
from engine.testing import EmbeddedEngine
from tests.contract.test_work import START, job
from tests.support.diagrams import END, chain, process
from tests.support.diagrams import START as BEGIN

SERVICE = process(BEGIN + '<serviceTask id="work" flowledger:handler="slow"/>' + END + chain("start", "work", "end"), "service")
LONG = 60.0  # no test waits for it


class Handler:
    """The first calls wait inside until `go`, a later one ends at once."""

    def __init__(self, waiting=1, *, fails=False, transactional=False):
        self.inside, self.go, self.keys = threading.Semaphore(0), threading.Event(), []
        self.waiting, self.fails = waiting, fails
        self.task = ServiceTask("slow", self.run, transactional=transactional)

    def run(self, context):
        self.keys.append(context.idempotency_key)
        number = len(self.keys)
        if number > self.waiting:
            return {"by": "another"}
        self.inside.release()
        assert self.go.wait(LONG)
        if self.fails:
            raise ValueError("too late")
        return {"by": "the first"}

    def wait(self, calls=1):
        """Until so many calls are inside."""
        for _ in range(calls):
            assert self.inside.acquire(timeout=LONG)


def begun(engine, handler, jobs=1, threads=1):
    """A dispatcher that runs so many jobs of the handler; it, and their instances."""
    engine.deploy({"s.bpmn": SERVICE})
    instances = [engine.app.execute(cmd.Start("service"), SYSTEM).instance_id for _ in range(jobs)]
    dispatcher = Dispatcher(engine.app.jobs, poll_seconds=0.01, threads=threads)
    dispatcher.start()
    handler.wait(min(jobs, threads))
    return dispatcher, instances


def ended(dispatcher):
    for thread in dispatcher._threads:
        thread.join(LONG)
    assert not any(thread.is_alive() for thread in dispatcher._threads)


def jobs(engine):
    with engine.app.store.begin(write=False) as connection:
        return connection.execute(sa.select(tables.job.c.lease_owner, tables.job.c.lease_until, tables.job.c.attempts, tables.job.c.state)).all()


def test_only_its_owner_gives_a_lease_back(work):
    with work() as uow:
        for name, owner in (("a", "one"), ("b", "two"), ("c", "one")):
            uow.jobs.add(job(name))
            uow.jobs.lease(name, owner, START + timedelta(seconds=60))
        assert uow.jobs.give_back(["a", "b", "gone"], "one") == 1
        assert uow.jobs.next_due(START).id == "a"
        assert uow.jobs.next_due(START, ["a"]) is None


def test_a_job_that_ends_in_time_is_finished(url):
    handler = Handler()
    with EmbeddedEngine(database=url, handlers=[handler.task]) as engine:
        dispatcher, [instance] = begun(engine, handler)
        stopping = threading.Thread(target=dispatcher.stop, args=(LONG,))
        stopping.start()
        handler.go.set()
        stopping.join(LONG)
        assert not stopping.is_alive()
        assert engine.instance(instance).state == "completed"
        assert engine.variables(instance) == {"by": "the first"}
        assert len(handler.keys) == 1


@pytest.mark.parametrize("fails", [False, True])
def test_a_job_that_does_not_end_is_free_at_once_and_its_late_answer_changes_nothing(url, fails):
    handler = Handler(fails=fails)
    with EmbeddedEngine(database=url, handlers=[handler.task]) as one, EmbeddedEngine(database=url, handlers=[handler.task]) as two:
        two.app.jobs._owner = "another"
        dispatcher, [instance] = begun(one, handler)
        assert not two.app.jobs.run_one()  # held
        dispatcher.stop(0)
        [row] = jobs(one)
        assert tuple(row) == (None, None, 0, "due")
        assert two.app.jobs.run_one()  # the clock stands still: no lease ran out
        handler.go.set()
        ended(dispatcher)
        assert handler.keys == [handler.keys[0]] * 2  # the receiver knows the repetition by its key
        assert one.variables(instance) == {"by": "another"}
        assert jobs(one) == []
        one.check()


def test_a_failure_that_comes_after_the_job_was_given_back_is_no_attempt(url):
    handler = Handler(fails=True)
    with EmbeddedEngine(database=url, handlers=[handler.task]) as engine:
        dispatcher, _ = begun(engine, handler)
        dispatcher.stop(0)
        handler.go.set()
        ended(dispatcher)
        [row] = jobs(engine)
        assert (row.attempts, row.state) == (0, "due")


def test_an_answer_that_comes_before_anybody_took_the_job_is_taken(url):
    handler = Handler()
    with EmbeddedEngine(database=url, handlers=[handler.task]) as engine:
        dispatcher, [instance] = begun(engine, handler)
        dispatcher.stop(0)
        handler.go.set()
        ended(dispatcher)
        assert engine.variables(instance) == {"by": "the first"}
        assert jobs(engine) == []


def test_all_threads_share_one_deadline(url, monkeypatch):
    """Three threads whose jobs never end: the time of the first one's wait is not there for the others any more."""
    handler = Handler(3)
    with EmbeddedEngine(database=url, handlers=[handler.task]) as engine:
        dispatcher, _ = begun(engine, handler, jobs=3, threads=3)
        now, asked = [1000.0], []

        class Waits:
            """In place of a thread that goes on; its clock moves as time would."""

            def join(self, timeout):
                asked.append(timeout)
                now[0] += timeout

            def is_alive(self):
                return True

        threads, dispatcher._threads = dispatcher._threads, [Waits() for _ in dispatcher._threads]
        with monkeypatch.context() as patch:
            patch.setattr(dispatching.time, "monotonic", lambda: now[0])
            dispatcher.stop(20.0)
        assert asked == [20.0, 0.0, 0.0]
        assert [row.lease_owner for row in jobs(engine)] == [None] * 3
        dispatcher._threads = threads
        handler.go.set()
        ended(dispatcher)


def test_who_stops_it_again_waits_for_the_first_and_no_longer(url):
    handler = Handler()
    with EmbeddedEngine(database=url, handlers=[handler.task]) as engine:
        dispatcher, _ = begun(engine, handler)
        assert not dispatcher.stopping
        dispatcher.stop(0)
        dispatcher.stop(LONG * 60)  # returns: the job still runs, and was given back already
        assert dispatcher.stopping
        handler.go.set()
        ended(dispatcher)


def test_a_job_whose_lease_was_committed_just_when_all_was_given_back_is_not_begun(url):
    handler = Handler(0)
    with EmbeddedEngine(database=url, handlers=[handler.task]) as engine:
        engine.deploy({"s.bpmn": SERVICE})
        engine.app.execute(cmd.Start("service"), SYSTEM)
        engine.app.jobs.give_back()
        assert engine.app.jobs.run_one()
        assert handler.keys == []
        [row] = jobs(engine)
        assert tuple(row) == (None, None, 0, "due")


@pytest.mark.parametrize("gone", [True, False])
def test_a_database_that_does_not_take_them_back_holds_nobody_up(url, monkeypatch, caplog, gone):
    monkeypatch.setattr(dispatching, "HAND_BACK_SECONDS", 0.0 if not gone else LONG)
    handler, answer = Handler(), threading.Event()
    with EmbeddedEngine(database=url, handlers=[handler.task]) as engine:
        dispatcher, [instance] = begun(engine, handler)

        def give_back():
            if gone:
                raise NotAvailable
            assert answer.wait(LONG)
            return 1

        monkeypatch.setattr(engine.app.jobs, "give_back", give_back)
        dispatcher.stop(0)
        assert "their leases end by themselves" in caplog.text
        answer.set()
        handler.go.set()
        ended(dispatcher)
        assert engine.instance(instance).state == "completed"
