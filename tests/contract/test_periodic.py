"""Periodic work: one job for each task, done once at its time by one node, tried again when it fails, and never lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from engine.errors import InvalidInput
from engine.jobs import periodic
from engine.model import commands as cmd
from engine.model.actors import SYSTEM, Actor
from engine.plugins import Pack, PeriodicContext, PeriodicTask
from engine.plugins import periodic as declared
from engine.plugins.loading import Catalogue, catalogue
from engine.store import tables
from engine.testing import START as NOW
from engine.testing import EmbeddedEngine
from tests.support.racing import raised, together

HOUR = 3600


class Work:
    """Counts; fails while `broken`."""

    def __init__(self, schedule="R/PT2H", *, transactional=True):
        self.times, self.contexts, self.broken = [], [], False
        self.task = PeriodicTask("test.work", schedule, self.run, transactional)

    def run(self, context):
        if self.broken:
            raise ValueError("no paper")
        self.times.append((context.now - NOW).total_seconds() / HOUR)
        self.contexts.append(context)


@pytest.fixture(params=[True, False], ids=["inside", "outside"])
def work(request):
    return Work(transactional=request.param)


@pytest.fixture
def engine(url, work):
    with EmbeddedEngine(database=url, periodic=[work.task]) as one:
        one.app.plan()
        yield one


def row(engine, name="test.work"):
    with engine.app.store.begin(write=False) as connection:
        return connection.execute(sa.select(tables.job).where(tables.job.c.id == f"periodic-{name}")).one()


def test_it_is_done_at_its_times(engine, work):
    engine.advance(5 * HOUR)
    assert work.times == [2, 4]
    assert row(engine).due_at == NOW + timedelta(hours=6)
    engine.app.plan()  # the process is started anew
    engine.advance(HOUR)
    assert work.times == [2, 4, 6]


def test_what_was_missed_while_nobody_was_there_is_done_once(engine, work):
    engine.clock.set(NOW + timedelta(hours=9))
    engine.app.plan()
    engine.app.run_due()
    assert work.times == [9]
    engine.advance(2 * HOUR)
    assert len(work.times) == 2


def test_it_has_the_transaction_that_plans_its_next_time_or_none(engine, work):
    engine.advance(2 * HOUR)
    [context] = work.contexts
    assert isinstance(context, PeriodicContext)
    assert (context.connection is not None) is work.task.transactional
    assert (context.attempt, context.job_id) == (1, "periodic-test.work")


def test_what_fails_is_tried_again_then_stands_among_the_failed_jobs_until_somebody_acts(engine, work):
    work.broken = True
    engine.advance(2 * HOUR + 59)
    assert (row(engine).attempts, row(engine).state) == (1, "due")
    work.broken = False
    engine.advance(2)
    assert len(work.times) == 1
    work.broken = True
    engine.advance(24 * HOUR)
    assert (row(engine).attempts, row(engine).state) == (periodic.ATTEMPTS, "failed")
    engine.app.plan()
    with engine.app.reading() as read:
        [stuck] = read.stuck_jobs(SYSTEM).rows
    assert (stuck.kind, stuck.element_id, stuck.cause) == ("periodic", "test.work", "ValueError: no paper")
    work.broken = False
    engine.app.execute(cmd.RetryJob(stuck.id, "there is paper"), SYSTEM)
    engine.app.run_due()
    assert len(work.times) == 2
    engine.advance(2 * HOUR)
    assert len(work.times) == 3, "and goes on"


def test_it_keeps_its_times_after_attempts_that_failed_and_after_an_operators_retry(engine, work):
    work.broken = True
    engine.advance(2 * HOUR)
    work.broken = False
    engine.advance(4 * HOUR)
    assert work.times == pytest.approx([2 + 1 / 60, 4, 6])
    work.broken = True
    engine.advance(17 * HOUR)
    work.broken = False
    engine.app.execute(cmd.RetryJob("periodic-test.work", "there is paper"), SYSTEM)
    engine.advance(3 * HOUR)
    assert work.times[3:] == [23, 24, 26]
    work.broken = True
    engine.advance(17 * HOUR)
    work.broken = False
    engine.app.execute(cmd.DiscardJob("periodic-test.work", "not needed this time"), SYSTEM)
    engine.advance(3 * HOUR)
    assert work.times[6:] == [44, 46]


def test_it_keeps_its_times_when_it_waited_for_a_process_that_knows_it(engine, work):
    engine.app.jobs._periodic = {}
    engine.advance(2 * HOUR + 1)
    engine.app.jobs._periodic = {"test.work": work.task}
    engine.advance(4 * HOUR - 1)
    assert work.times == pytest.approx([2 + 5 / 60, 4, 6])


def test_another_schedule_counts_from_the_next_start(engine, work):
    engine.app._periodic = (PeriodicTask("test.work", "R/PT1H", work.run, work.task.transactional),)
    engine.app.plan()
    assert row(engine).due_at == NOW + timedelta(hours=1)


def test_a_clock_that_is_set_back_does_not_hold_it_up(engine, work, monkeypatch):
    with engine.app.store.begin(write=True) as connection:
        connection.execute(tables.job.update().where(tables.job.c.id == "periodic-test.work").values(due_at=NOW + timedelta(days=1)))
    engine.app.plan()
    assert row(engine).due_at == NOW + timedelta(hours=2)


def test_work_that_is_not_known_here_is_left_to_others(engine, work):
    engine.app.jobs._periodic = {}
    engine.advance(2 * HOUR + 1)
    assert (row(engine).attempts, row(engine).state) == (0, "due")
    engine.app.jobs._periodic = {"test.work": work.task}
    engine.advance(HOUR)
    assert len(work.times) == 1


def test_two_nodes_do_it_once(url):
    work = Work()
    with EmbeddedEngine(database=url, periodic=[work.task]) as one, EmbeddedEngine(database=url, periodic=[work.task]) as two:
        assert not raised(together(one.app.plan, two.app.plan, one.app.plan, two.app.plan))
        for engine in (one, two):
            engine.clock.set(NOW + timedelta(hours=2))
        assert not raised(together(one.app.run_due, two.app.run_due))
        assert work.times == [2]


def test_effects_of_an_attempt_that_fails_are_undone(url):
    def run(context):
        context.connection.execute(tables.kept_message.insert().values(id="x", name="n", payload="{}", expires_at=context.now))
        raise ValueError

    with EmbeddedEngine(database=url, periodic=[PeriodicTask("test.work", "R/PT1H", run)]) as engine:
        engine.app.plan()
        engine.advance(HOUR)
        with engine.app.store.begin(write=False) as connection:
            assert connection.scalar(sa.select(sa.func.count()).select_from(tables.kept_message)) == 0
        assert row(engine).attempts == 1


# --- the engine's own -----------------------------------------------------------------------------------------------------
def test_the_engine_drops_what_nobody_can_use_any_more(url):
    with EmbeddedEngine(database=url) as engine:
        engine.app.plan()
        engine.app.execute(cmd.PublishMessage("m", correlation_key="K", keep_seconds=60), SYSTEM, "r-1")
        engine.app.execute(cmd.PutUser("li", "Li", password="long enough 1"), SYSTEM)
        secret = engine.app.accounts.login("li", "long enough 1")
        assert counts(engine) == (1, 1, 1)
        engine.advance(HOUR)
        assert counts(engine) == (0, 1, 1)
        assert engine.app.accounts.session(secret) == Actor("li", "Li", frozenset(), frozenset({"staff"}))
        engine.advance(12 * HOUR)
        assert counts(engine) == (0, 0, 1)
        engine.advance(31 * 24 * HOUR)
        assert counts(engine) == (0, 0, 0)


def counts(engine):
    with engine.app.store.begin(write=False) as connection:
        return tuple(
            connection.scalar(sa.select(sa.func.count()).select_from(table)) for table in (tables.kept_message, tables.session, tables.request_answer)
        )


# --- packs ------------------------------------------------------------------------------------------------------------------
def test_packs_bring_periodic_work(url):
    done = []

    @declared("pack.count", "R/PT1H")
    def count(context):
        done.append(context.now)

    packs = Catalogue((Pack("p", {"en": "P"}, "p", periodic=(count,)),))
    with EmbeddedEngine(database=url, packs=packs) as engine:
        engine.app.plan()
        engine.advance(HOUR)
    assert done == [NOW + timedelta(hours=1)]


@pytest.mark.parametrize("schedule", ["PT1H", "R3/PT1H", "2026-01-05", "R/PT0S", "every day"])
def test_a_schedule_that_ends_is_refused_when_packs_are_loaded(monkeypatch, schedule):
    pack = Pack("p", {}, "p", periodic=(PeriodicTask("p.x", schedule, lambda _: None),))
    monkeypatch.setattr("engine.plugins.loading.installed", lambda _: [pack])
    with pytest.raises(InvalidInput):
        catalogue()


def test_two_packs_with_the_same_work_are_refused(monkeypatch):
    packs = [Pack(name, {}, "p", periodic=(PeriodicTask("same", "R/PT1H", lambda _: None),)) for name in ("a", "b")]
    monkeypatch.setattr("engine.plugins.loading.installed", lambda _: packs)
    with pytest.raises(InvalidInput, match="same periodic work"):
        catalogue()
