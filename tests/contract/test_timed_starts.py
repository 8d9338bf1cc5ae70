"""Starts by timers: a cycle keeps its times whatever becomes of single starts, and belongs to the newest version."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa

from engine.application import instances
from engine.model import commands as cmd
from engine.model.actors import Actor
from engine.store import tables
from engine.testing import START as NOW
from tests.support.diagrams import END, chain, document, user

ANN = Actor("ann", "Ann", roles=frozenset({"operator"}))
WHY = "it works again"
HOUR = 3600


def cycle(text, name="next"):
    start = f'<startEvent id="start"><timerEventDefinition><timeCycle>{text}</timeCycle></timerEventDefinition></startEvent>'
    return document(f'<process id="p" isExecutable="true">{start}{user(name)}{END}{chain("start", name, "end")}</process>')


class Luck:
    """Whether instances can be started."""

    def __init__(self, monkeypatch):
        honest = instances.begin
        self.bad = 0  # so many attempts fail
        self.attempts = 0

        def begin(*args, **more):
            self.attempts += 1
            if self.bad:
                self.bad -= 1
                raise RuntimeError("no luck")
            return honest(*args, **more)

        monkeypatch.setattr(instances, "begin", begin)


@pytest.fixture
def luck(monkeypatch):
    return Luck(monkeypatch)


def starts(engine):
    """When instances were started, in hours."""
    with engine.app.store.begin(write=False) as connection:
        moments = connection.scalars(sa.select(tables.instance.c.started_at).order_by(tables.instance.c.started_at))
        return [(one - NOW).total_seconds() / HOUR for one in moments]


def job(engine, version=1):
    with engine.app.store.begin(write=False) as connection:
        return connection.execute(sa.select(tables.job).where(tables.job.c.id == f"start-p:{version}-start")).one_or_none()


def stuck(engine):
    with engine.app.reading() as read:
        return read.stuck_jobs(ANN).rows


# --- one attempt fails ------------------------------------------------------------------------------------------------------------
LATE = 5 / HOUR  # the wait before the second attempt


@pytest.mark.parametrize("text", ["R/PT1H", "R4/PT1H", "0 * * * *"])
def test_a_cycle_keeps_its_times_after_an_attempt_that_failed(engine, luck, text):
    engine.deploy({"p.bpmn": cycle(text)})
    luck.bad = 1
    engine.advance(4 * HOUR)
    assert starts(engine) == pytest.approx([1 + LATE, 2, 3, 4])


def test_a_job_of_an_older_version_of_the_engine_counts_from_its_moment(engine):
    engine.deploy({"p.bpmn": cycle("R/PT1H")})
    old = {name: value for name, value in json.loads(job(engine).parameters).items() if name != "planned"}
    with engine.app.store.begin(write=True) as connection:
        connection.execute(tables.job.update().where(tables.job.c.kind == "start").values(parameters=json.dumps(old)))
    engine.advance(3 * HOUR)
    assert starts(engine) == [1, 2, 3]


# --- a start fails for good -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("text", ["R/PT1H", "R4/PT1H", "0 * * * *"])
def test_a_start_that_failed_for_good_is_left_behind_and_the_cycle_goes_on(engine, luck, text):
    engine.deploy({"p.bpmn": cycle(text)})
    luck.bad = 3
    engine.advance(3 * HOUR)
    assert starts(engine) == [2, 3]
    [left] = stuck(engine)
    assert (left.kind, left.element_id, left.cause, left.discardable) == ("missed", "start", "RuntimeError: no luck", True)
    assert left.due_at == NOW + timedelta(hours=1), "when it should have been"
    engine.app.execute(cmd.RetryJob(left.id, WHY), ANN)
    engine.app.run_due()
    assert (starts(engine), stuck(engine)) == ([2, 3, 3], [])
    engine.advance(2 * HOUR)
    assert starts(engine) == ([2, 3, 3, 4] if text.startswith("R4") else [2, 3, 3, 4, 5])


def test_it_can_be_thrown_away(engine, luck):
    engine.deploy({"p.bpmn": cycle("R/PT1H")})
    luck.bad = 3
    engine.advance(HOUR + 60)
    [left] = stuck(engine)
    engine.app.execute(cmd.DiscardJob(left.id, WHY), ANN)
    engine.advance(HOUR)
    assert (starts(engine), stuck(engine)) == ([2], [])


def test_one_that_fails_again_stands_where_it_was(engine, luck):
    engine.deploy({"p.bpmn": cycle("R/P1D")})
    luck.bad = 6
    engine.advance(25 * HOUR)
    [left] = stuck(engine)
    engine.app.execute(cmd.RetryJob(left.id, WHY), ANN)
    engine.advance(HOUR)
    assert (luck.bad, [one.id for one in stuck(engine)]) == (0, [left.id])
    engine.advance(24 * HOUR)
    assert starts(engine) == [48]


def test_the_last_time_and_a_single_start_stand_as_themselves(engine, luck):
    engine.deploy({"p.bpmn": cycle("R2/PT1H")})
    luck.bad = 6
    engine.advance(3 * HOUR)
    assert [(one.kind, one.discardable) for one in stuck(engine)] == [("missed", True), ("start", False)]
    for one in stuck(engine):
        engine.app.execute(cmd.RetryJob(one.id, WHY), ANN)
    engine.app.run_due()
    assert (starts(engine), stuck(engine), job(engine)) == ([3, 3], [], None)


def test_when_nobody_looks_the_cycle_waits_and_then_keeps_its_times(engine, luck, monkeypatch):
    monkeypatch.setattr("engine.jobs.starts.LEFT_BEHIND", 2)
    engine.deploy({"p.bpmn": cycle("R/PT1H")})
    luck.bad = 9
    engine.advance(9 * HOUR)
    assert [one.kind for one in stuck(engine)] == ["missed", "missed", "start"]
    assert (luck.bad, luck.attempts) == (0, 9)
    for one in stuck(engine):
        engine.app.execute(cmd.RetryJob(one.id, WHY), ANN)
    engine.advance(2 * HOUR)
    assert starts(engine) == [9, 9, 9, 10, 11]


# --- versions ---------------------------------------------------------------------------------------------------------------------
def test_a_newer_version_takes_over_the_cycle_and_leaves_what_was_missed(engine, luck):
    engine.deploy({"p.bpmn": cycle("R/PT1H")})
    luck.bad = 3
    engine.advance(HOUR + 60)
    engine.deploy({"p.bpmn": cycle("R/PT1H", "other")})
    [left] = stuck(engine)
    engine.advance(HOUR)
    assert (job(engine), [one.definition_id for one in rows(engine)]) == (None, ["p:2"])
    engine.app.execute(cmd.RetryJob(left.id, WHY), ANN)
    engine.app.run_due()
    assert sorted(one.definition_id for one in rows(engine)) == ["p:1", "p:2"], "it was the older one's"


def rows(engine):
    with engine.app.store.begin(write=False) as connection:
        return connection.execute(sa.select(tables.instance)).all()


def test_a_next_time_that_a_newer_version_did_not_see_starts_nothing(engine):
    engine.deploy({"p.bpmn": cycle("R/PT1H")})
    old = engine.app._transact(lambda uow: uow.jobs.get("start-p:1-start"))
    engine.deploy({"p.bpmn": cycle("R/PT1H", "other")})
    engine.app._transact(lambda uow: uow.jobs.add(old))
    engine.advance(HOUR)
    assert (job(engine), [one.definition_id for one in rows(engine)]) == (None, ["p:2"])


# --- suspension -------------------------------------------------------------------------------------------------------------------
def suspended(engine):
    engine.app.execute(cmd.SuspendDefinition("p:1", WHY), ANN)


def resumed(engine):
    engine.app.execute(cmd.ResumeDefinition("p:1", WHY), ANN)
    engine.app.run_due()


def test_what_was_missed_waits_while_its_version_is_suspended(engine, luck):
    engine.deploy({"p.bpmn": cycle("R/P1D")})
    luck.bad = 3
    engine.advance(25 * HOUR)
    [left] = stuck(engine)
    suspended(engine)
    engine.app.execute(cmd.RetryJob(left.id, WHY), ANN)
    engine.app.run_due()
    assert (starts(engine), stuck(engine)) == ([], [])
    resumed(engine)
    assert starts(engine) == [25]


def test_so_does_a_next_time_that_the_suspension_did_not_see(engine):
    engine.deploy({"p.bpmn": cycle("R/PT1H")})
    due = engine.app._transact(lambda uow: uow.jobs.get("start-p:1-start"))
    suspended(engine)
    engine.app._transact(lambda uow: uow.jobs.add(due))
    engine.advance(HOUR)
    assert starts(engine) == []
    engine.advance(HOUR / 2)
    resumed(engine)
    assert starts(engine) == [1.5]


def test_a_start_that_fails_while_its_version_is_suspended_is_tried_again_after_that(engine, luck, monkeypatch):
    engine.deploy({"p.bpmn": cycle("R/P1D")})
    luck.bad = 2
    engine.advance(24 * HOUR + 10)  # two attempts
    suspended(engine)
    engine.advance(HOUR)
    assert (luck.attempts, stuck(engine)) == (2, [])
    resumed(engine)
    assert len(starts(engine)) == 1
