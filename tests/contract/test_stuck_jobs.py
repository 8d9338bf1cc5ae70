"""Jobs that failed for good without an incident: an operator throws away what carries no process on, once, with a reason that is kept."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa

from engine.errors import Conflict, InvalidInput, NotAllowed, NotFound, RequestIdReused
from engine.model import commands as cmd
from engine.model.actors import Actor
from engine.plugins import PeriodicTask
from engine.ports import Due
from engine.store import tables
from engine.testing import START as NOW
from engine.testing import EmbeddedEngine
from tests.support.racing import raised, together

ANN = Actor("ann", "Ann", roles=frozenset({"operator"}))
BEN = Actor("ben", "Ben", roles=frozenset({"operator"}))
CLERK = Actor("clerk", "", roles=frozenset({"staff"}))
WHY = "nobody needs it any more"
DAY = 24 * 3600


def failed(engine, kind="mail", job_id="j", **more):
    values = {"instance_id": None, "key": None, "element_id": "", "handler": None, "parameters": {}, **more}
    due = Due(job_id, kind, **values, due_at=NOW, attempts=3, retries=3, state="failed")
    engine.app._transact(lambda uow: uow.jobs.add(due))


def stuck(engine):
    with engine.app.reading() as read:
        return {one.id: one for one in read.stuck_jobs(ANN).rows}


def acts(engine, actor=ANN):
    with engine.app.reading() as read:
        return [(one.act, one.job_id, one.kind, one.element_id, one.instance_id, one.actor, one.reason) for one in read.job_acts(actor)]


@pytest.mark.parametrize("kind", ["mail", "notify"])
def test_what_only_tells_people_is_thrown_away_and_who_did_it_and_why_is_kept(engine, kind):
    failed(engine, kind, instance_id="i1", key=3, element_id="check")
    assert stuck(engine)["j"].discardable
    engine.clock.set(NOW + timedelta(seconds=60))
    engine.app.execute(cmd.DiscardJob("j", f" {WHY} "), ANN)
    assert stuck(engine) == {}
    assert acts(engine) == [("discard", "j", kind, "check", "i1", "ann", WHY)]
    with engine.app.reading() as read:
        assert read.job_acts(ANN)[0].at == NOW + timedelta(seconds=60)
    with pytest.raises(NotFound):
        engine.app.execute(cmd.DiscardJob("j", WHY), ANN)


def test_another_try_is_kept_too_and_the_newest_act_comes_first(engine):
    failed(engine, "periodic", handler="some.work", parameters={"text": "R/PT1H"})
    engine.app.execute(cmd.RetryJob("j", "once more"), BEN)
    failed(engine)
    engine.app.execute(cmd.DiscardJob("j", WHY), ANN)
    assert [(act, element, actor) for act, _, _, element, _, actor, _ in acts(engine)] == [("discard", "", "ann"), ("retry", "some.work", "ben")]
    with pytest.raises(NotAllowed):
        acts(engine, CLERK)


@pytest.mark.parametrize("kind", ["start", "begin", "message", "signal", "deliver", "bulk", "timer", "service", "answer"])
def test_what_carries_a_process_on_is_not_thrown_away(engine, kind):
    failed(engine, kind)
    assert not stuck(engine)["j"].discardable
    with pytest.raises(Conflict, match="carries a process on"):
        engine.app.execute(cmd.DiscardJob("j", WHY), ANN)
    assert set(stuck(engine)) == {"j"}
    assert acts(engine) == []


def test_only_operators_with_a_reason_and_only_what_failed(engine):
    failed(engine)
    with pytest.raises(NotAllowed):
        engine.app.execute(cmd.DiscardJob("j", WHY), CLERK)
    with pytest.raises(InvalidInput):
        engine.app.execute(cmd.DiscardJob("j", " "), ANN)
    with pytest.raises(NotFound):
        engine.app.execute(cmd.DiscardJob("k", WHY), ANN)
    engine.app._transact(lambda uow: uow.jobs.add(Due("due", "mail", None, None, "", None, {}, NOW + timedelta(days=1), 0, 3)))
    with pytest.raises(NotFound):
        engine.app.execute(cmd.DiscardJob("due", WHY), ANN)


def test_a_repeated_request_is_done_once(engine):
    failed(engine)
    engine.app.execute(cmd.DiscardJob("j", WHY), ANN, "r-1")
    failed(engine)  # another job that has come under the same id meanwhile
    engine.app.execute(cmd.DiscardJob("j", WHY), ANN, "r-1")
    assert set(stuck(engine)) == {"j"}
    assert len(acts(engine)) == 1
    for command in (cmd.RetryJob("j", WHY), cmd.DiscardJob("k", WHY)):
        with pytest.raises(RequestIdReused):
            engine.app.execute(command, ANN, "r-1")
    with pytest.raises(NotAllowed):
        engine.app.execute(cmd.DiscardJob("j", WHY), BEN, "r-1")


def test_of_a_discard_and_another_try_at_the_same_moment_one_is_done(nodes):
    one, two = nodes
    jobs = [f"j{number}" for number in range(5)]
    for job_id in jobs:
        failed(one, "mail", job_id)
        results = together(
            partial(one.app.execute, cmd.DiscardJob(job_id, WHY), ANN),
            partial(two.app.execute, cmd.RetryJob(job_id, WHY), BEN),
            partial(two.app.execute, cmd.DiscardJob(job_id, WHY), BEN),
        )
        assert raised(results) == ["NotFound"] * 2
    assert sorted(act[1] for act in acts(one)) == jobs


@pytest.mark.parametrize("transactional", [True, False], ids=["inside", "outside"])
def test_periodic_work_that_is_thrown_away_comes_again_at_its_next_time(url, transactional):
    times, broken = [], [True]

    def run(context):
        if broken:
            raise ValueError("no paper")
        times.append((context.now - NOW).total_seconds() / 3600)

    with EmbeddedEngine(database=url, periodic=[PeriodicTask("test.work", "R/PT6H", run, transactional)]) as engine:
        engine.app.plan()
        engine.advance(DAY)
        assert set(stuck(engine)) == {"periodic-test.work"}
        broken.clear()
        engine.advance(DAY - 3600)
        assert times == [], "what failed for good waits for somebody"
        engine.app.execute(cmd.DiscardJob("periodic-test.work", WHY), ANN)
        assert (stuck(engine), times) == ({}, [])
        with engine.app.store.begin(write=False) as connection:
            row = connection.execute(sa.select(tables.job).where(tables.job.c.kind == "periodic", tables.job.c.handler == "test.work")).one()
        assert (row.state, row.attempts, row.stack, row.lease_owner) == ("due", 0, None, None)
        next_time = (row.due_at - NOW).total_seconds() / 3600
        assert 47 < next_time <= 47 + 6
        engine.advance(12 * 3600)
        assert times == [next_time, next_time + 6]
        engine.app.plan()  # a node that is started knows it, and makes no second one
        assert stuck(engine) == {}
