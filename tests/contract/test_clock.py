"""A clock that is set forwards or back by a day: what was due at once goes on, each timer fires once, leases hold nobody up."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest

from engine.jobs.dispatcher import Dispatcher
from engine.jobs.setback import ClockWatch, bring_forward
from engine.model import commands as cmd
from engine.model.actors import SYSTEM
from engine.plugins import ServiceTask
from engine.ports import CONTINUATION
from engine.store import tables
from engine.testing import START as NOW
from engine.testing import EmbeddedEngine
from tests.contract.test_work import job
from tests.support.diagrams import END, START, chain, process

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
TIMED = '<intermediateCatchEvent id="wait"><timerEventDefinition><timeDuration>PT2H</timeDuration></timerEventDefinition></intermediateCatchEvent>'
SERVICE = process(START + '<serviceTask id="work" flowledger:handler="fails"/>' + END + chain("start", "work", "end"), "service")
LATER = process(START + '<task id="later" camunda:asyncBefore="true"/>' + END + chain("start", "later", "end"), "continued")


def forward(work):
    with work() as uow:
        return bring_forward(uow)


def due(work, *names):
    with work() as uow:
        return [uow.jobs.get(one).due_at for one in names]


def test_what_was_due_at_once_does_not_wait_until_the_old_time_comes_again(work, clock):
    made = [job(kind, NOW + DAY, kind=kind) for kind in ("service", "message", "signal", "bulk", "answer", "begin", "deliver")]
    made.append(job("continuation", NOW + DAY, handler=CONTINUATION))
    made.append(job("again", NOW + DAY, attempts=1))  # a timer that failed
    with work() as uow:
        for one in made:
            uow.jobs.add(one)
    assert forward(work) == len(made)
    assert due(work, *(one.id for one in made)) == [NOW] * len(made)
    assert forward(work) == 0


def test_moments_of_diagrams_and_schedules_stay(work):
    with work() as uow:
        for kind in ("timer", "start", "periodic"):
            uow.jobs.add(job(kind, NOW + DAY, kind=kind))
        uow.jobs.add(job("waits", NOW + DAY, kind="service", state="suspended"))
    assert forward(work) == 0
    assert due(work, "timer", "start", "periodic", "waits") == [NOW + DAY] * 4


def test_waits_between_attempts_stay_as_long_as_they_are_meant_to_be(work):
    with work() as uow:
        uow.jobs.add(job("default", NOW + 600 * SECOND, kind="service", attempts=4))
        uow.jobs.add(job("own", NOW + 2 * DAY, kind="service", attempts=1, backoff=("P2D", "PT1S")))
        uow.jobs.add(job("longer", NOW + 2 * DAY, kind="service", attempts=2, backoff=("P2D", "PT1S")))
    assert forward(work) == 1
    assert due(work, "default", "own", "longer") == [NOW + 600 * SECOND, NOW + 2 * DAY, NOW]


def test_the_watch_tells_each_time_that_the_clock_was_set_back():
    clock, steady, told = [NOW], [100.0], []
    watch = ClockWatch(lambda: clock[0], lambda: steady[0])

    def passes(wall, real):
        clock[0] += timedelta(seconds=wall)
        steady[0] += real
        watch.look(lambda: told.append(clock[0]))
        return len(told)

    assert passes(0, 0) == 1, "nobody knows what was before the process began"
    assert passes(1, 1) == 1
    assert passes(86_400, 1) == 1, "forwards is no harm"
    assert passes(-86_400, 1) == 2
    assert passes(1, 1) == 2
    assert passes(-5, 1) == 2, "clocks are put right by seconds all the time"


def test_the_watch_tells_again_when_nobody_could_act():
    clock, told = [NOW], []
    watch = ClockWatch(lambda: clock[0], lambda: 0.0)
    watch.look(lambda: None)
    clock[0] -= DAY

    def gone():
        raise ConnectionError

    with pytest.raises(ConnectionError):
        watch.look(gone)
    watch.look(lambda: told.append(1))
    assert told == [1]


def test_the_thread_that_looks_for_work_watches_the_clock(engine):
    looked = threading.Event()
    dispatcher = Dispatcher(engine.app.jobs, poll_seconds=0.01, watch=looked.set)
    dispatcher.start()
    assert looked.wait(60)
    dispatcher.stop()


class Moved:
    """Unlike the clock of `EmbeddedEngine` it may go backwards."""

    def __init__(self) -> None:
        self.at: datetime = NOW

    def now(self) -> datetime:
        return self.at


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_a_whole_engine_goes_on_after_the_clock_was_set(url, jump):
    tried = []

    def fails(context):
        tried.append(context.attempt)
        if len(tried) == 1:
            raise ValueError("not yet")

    with EmbeddedEngine(database=url, handlers=[ServiceTask("fails", fails)]) as engine:
        clock = Moved()
        _with_clock(engine, clock)
        engine.deploy({"s.bpmn": SERVICE, "l.bpmn": LATER, "t.bpmn": process(START + TIMED + END + chain("start", "wait", "end"), "timed")})
        failed = engine.start("service")  # its first attempt failed, the second is due in 5 seconds
        waiting = engine.app.execute(cmd.Start("continued"), SYSTEM).instance_id
        timed = engine.start("timed")
        clock.at += jump
        engine.app._transact(bring_forward)
        engine.app.run_due()
        assert tried == [1, 2]
        assert [engine.instance(i).state for i in (failed, waiting)] == ["completed"] * 2
        assert engine.instance(timed).state == ("completed" if jump > timedelta(0) else "active")
        clock.at = NOW + timedelta(hours=2)
        engine.app.run_due()
        engine.app.run_due()
        assert engine.trace(timed).count("wait") == 1
        assert engine.instance(timed).state == "completed"
        engine.check()


def _with_clock(engine, clock):
    engine.app.clock = clock
    if engine.app._group_commit is not None:
        engine.app._group_commit._clock = clock


def test_embedded_time_goes_on_while_somebody_holds_a_job(engine):
    """What is leased can be run when the lease ends; until then `advance` must not ask for ever."""
    engine.deploy({"t.bpmn": process(START + TIMED + END + chain("start", "wait", "end"), "timed")})
    timed = engine.start("timed")
    hold(engine, timed, engine.clock.now() + timedelta(hours=2, seconds=30))
    engine.advance(2 * 3600 + 10)
    assert engine.instance(timed).state == "active"
    engine.advance(20)
    assert engine.instance(timed).state == "completed"


def hold(engine, instance, until):
    with engine.app.store.begin(write=True) as connection:
        connection.execute(tables.job.update().where(tables.job.c.instance_id == instance).values(lease_owner="another", lease_until=until))
