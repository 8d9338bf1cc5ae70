"""An operator tries again what waits for its next attempt, and timers that were let fail keep their time."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from engine.errors import Conflict
from engine.jobs import runner
from engine.model import commands as cmd
from engine.model import inputs as inp
from engine.model.actors import SYSTEM, Actor
from engine.plugins import service_task
from engine.projections.rebuild import rebuild
from engine.store import tables
from engine.testing import EmbeddedEngine
from tests.support.diagrams import END, START, chain, process, user

ANN = Actor("ann", "Ann", roles=frozenset({"operator"}))
WHY = "the cause is mended"
DAY = 86400
PATIENT = 'flowledger:retry="R5/PT8H"'
TASK = (
    f'<serviceTask id="do" flowledger:handler="call" {PATIENT}><extensionElements><flowledger:parameter name="to" value="${{who}}"/>'
    "</extensionElements></serviceTask>"
)
SERVICE = process(START + TASK + user("next") + END + chain("start", "do", "next", "end"))
TIMER = process(
    START
    + f'<intermediateCatchEvent id="t" {PATIENT}><timerEventDefinition><timeDuration>P21D</timeDuration></timerEventDefinition></intermediateCatchEvent>'
    + END
    + chain("start", "t", "end")
)


class World:
    """An outside service that is down at first."""

    def __init__(self, url, *, transactional):
        self.calls, self.down, self.during = [], True, lambda _context: None

        @service_task("call", transactional=transactional)
        def call(context):
            self.calls.append((context.attempt, context.parameters["to"]))
            self.during(context)
            if self.down:
                raise ConnectionError("connection refused")
            return {"answer": 42}

        self.engine = EmbeddedEngine(database=url, handlers=[call])


@pytest.fixture(params=[True, False], ids=["inside", "outside"])
def world(url, request):
    one = World(url, transactional=request.param)
    with one.engine:
        one.engine.deploy({"p.bpmn": SERVICE})
        yield one


def shown(engine, instance):
    with engine.app.reading() as read:
        [one] = read.open_elements(SYSTEM, instance)
        return one


def work(engine, instance):
    """Work id of what the only open element waits for."""
    return shown(engine, instance).waits[0].id


def retry(engine, work_id, variables=None):
    engine.app.execute(cmd.RetryIncident(work_id, WHY, variables or {}), ANN)
    engine.app.run_due()


def jobs(engine):
    with engine.app.store.begin(write=False) as connection:
        job = tables.job.c
        return connection.execute(sa.select(job.id, job.state, job.due_at, job.attempts).order_by(job.id)).all()


def last(engine, instance):
    with engine.app.reading() as read:
        return read.explanations(SYSTEM, instance)[-1]


# --- before the next attempt is due ---------------------------------------------------------------------------------------------
def test_a_job_that_waits_for_its_next_attempt_is_tried_now_with_changed_variables(world):
    engine = world.engine
    instance = engine.start("p", {"who": "li"})
    assert (world.calls, "retry" in shown(engine, instance).acts) == ([(1, "li")], True)
    world.down = False
    engine.app.execute(cmd.RetryIncident(work(engine, instance), WHY, {"who": "wu"}), ANN)
    act = last(engine, instance)
    assert (act.kind, act.actor, act.details["reason"], act.details["waiting"]) == ("RetryElement", "ann", WHY, True)
    engine.app.run_due()
    assert world.calls == [(1, "li"), (1, "wu")]
    assert (engine.variables(instance), shown(engine, instance).element_id) == ({"who": "wu", "answer": 42}, "next")


def test_all_its_attempts_are_left_then(world):
    engine = world.engine
    instance = engine.start("p", {"who": "li"})
    retry(engine, work(engine, instance))
    assert (shown(engine, instance).attempts, shown(engine, instance).retries) == (1, 5)
    before = jobs(engine)[0].due_at
    assert before == engine.clock.now() + timedelta(hours=8)
    engine.advance(4 * 8 * 3600)
    assert [attempt for attempt, _ in world.calls] == [1, 1, 2, 3, 4, 5]
    with engine.app.reading() as read:
        assert len(read.incidents(SYSTEM, instance, open_only=True)) == 1


def test_an_incident_of_another_element_stays_what_the_instance_is_shown_with(url):
    fork = '<parallelGateway id="fork"/><scriptTask id="sum"><script>x = 1 / 0</script></scriptTask>'
    two = START + fork + TASK + END + chain("start", "fork", "do", "end") + chain("fork", "sum", "end")
    world = World(url, transactional=True)
    with world.engine as engine:
        engine.deploy({"p.bpmn": process(two)})
        instance = engine.start("p", {"who": "li"})
        with engine.app.reading() as read:
            job = next(one for one in read.open_elements(SYSTEM, instance) if one.element_id == "do")
        error = engine.instance(instance).error
        retry(engine, job.id)
        assert error is not None
        assert engine.instance(instance).error == error


def test_what_is_due_or_at_work_runs_by_itself(url):
    world = World(url, transactional=False)
    with world.engine as engine:
        engine.deploy({"p.bpmn": SERVICE})
        instance = engine.app.execute(cmd.Start("p", {"who": "li"}), SYSTEM).instance_id
        refused = []

        def again(context):
            assert shown(engine, instance).acts == ("complete", "fail", "move")
            with pytest.raises(Conflict, match="runs by itself"):
                engine.app.execute(cmd.RetryIncident(context.job_id, WHY), ANN)
            refused.append(context.attempt)

        with pytest.raises(Conflict, match="runs by itself"):
            engine.app.execute(cmd.RetryIncident(work(engine, instance), WHY), ANN)
        world.during = again
        engine.app.run_due()
        engine.advance(8 * 3600)
        assert refused == [1, 2]


def test_a_lease_counts_even_when_the_clock_says_that_the_job_is_not_due(url):
    """The clock was set back while somebody is at work."""
    world = World(url, transactional=False)
    with world.engine as engine:
        engine.deploy({"p.bpmn": SERVICE})
        instance = engine.start("p", {"who": "li"})
        job = work(engine, instance)
        engine.app._transact(lambda uow: uow.jobs.lease(job, "somebody", uow.now + timedelta(minutes=1)))
        assert "retry" not in shown(engine, instance).acts
        with pytest.raises(Conflict, match="runs by itself"):
            engine.app.execute(cmd.RetryIncident(job, WHY), ANN)


def test_a_timer_that_could_not_fire_is_tried_now(engine, monkeypatch):
    engine.deploy({"p.bpmn": TIMER})
    instance = engine.start("p")
    unlucky(monkeypatch)
    engine.advance(21 * DAY)
    assert (shown(engine, instance).attempts, shown(engine, instance).due) == (1, engine.clock.now() + timedelta(hours=8))
    monkeypatch.undo()
    retry(engine, work(engine, instance))
    assert engine.instance(instance).state == "completed"


def unlucky(monkeypatch):
    honest = runner.advance

    def fails(uow, services, head, input, *more):
        if type(input) is inp.TriggerTimer:
            raise RuntimeError("no luck")
        return honest(uow, services, head, input, *more)

    monkeypatch.setattr(runner, "advance", fails)


# --- timers that were let fail ----------------------------------------------------------------------------------------------------
def test_a_timer_that_was_let_fail_before_its_time_keeps_its_time(engine):
    engine.deploy({"p.bpmn": TIMER})
    instance = engine.start("p")
    timer = work(engine, instance)
    due = shown(engine, instance).due
    engine.advance(DAY)
    engine.app.execute(cmd.FailByHand(timer, WHY), ANN)
    retry(engine, timer)
    assert (shown(engine, instance).state, shown(engine, instance).due) == ("due", due)
    engine.advance(20 * DAY - 1)
    assert engine.instance(instance).state == "active"
    engine.advance(1)
    assert engine.instance(instance).state == "completed"


def test_after_its_time_it_fires_at_once(engine):
    engine.deploy({"p.bpmn": TIMER})
    instance = engine.start("p")
    timer = work(engine, instance)
    engine.app.execute(cmd.FailByHand(timer, WHY), ANN)
    engine.advance(22 * DAY)
    assert engine.instance(instance).state == "active"
    retry(engine, timer)
    assert engine.instance(instance).state == "completed"


def test_read_tables_are_rebuilt_to_the_same_moments(engine, monkeypatch):
    engine.deploy({"p.bpmn": TIMER})
    late = engine.start("p")
    engine.advance(DAY)
    early = engine.start("p")
    unlucky(monkeypatch)
    engine.advance(20 * DAY)  # `late` has failed once and waits; its job says so, its records do not
    for instance in (late, early):
        engine.app.execute(cmd.FailByHand(work(engine, instance), WHY), ANN)
        engine.app.execute(cmd.RetryIncident(work(engine, instance), WHY), ANN)
    before = jobs(engine)
    assert [job.due_at - engine.clock.now() for job in before] == [timedelta(), timedelta(days=1)]
    rebuild(engine.app.store)
    assert jobs(engine) == before
