"""No job holds up those behind it: not one whose failure no record can hold, nor one that cannot even be read."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from engine.errors import ConcurrentChange, Conflict, NotAvailable
from engine.jobs import failing
from engine.model import commands as cmd
from engine.model.actors import SYSTEM, Actor
from engine.plugins import service_task
from engine.ports import Due
from engine.store import tables
from engine.store.history import SqlInstances
from engine.testing import START as NOW
from engine.testing import EmbeddedEngine
from tests.support.diagrams import END, START, chain, process, user

ANN = Actor("ann", "Ann", roles=frozenset({"operator"}))
WHY = "the records are back"
HOUR = 3600
TIMER = process(
    START
    + '<intermediateCatchEvent id="t"><timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition></intermediateCatchEvent>'
    + user("next")
    + END
    + chain("start", "t", "next", "end"),
    "tm",
)


def service(handler, process_id):
    task = f'<serviceTask id="do" flowledger:handler="{handler}" flowledger:retry="R3/PT1S"/>'
    return process(START + task + user("next") + END + chain("start", "do", "next", "end"), process_id)


class Broken:
    """A handler that says what it is told to say; another one that works."""

    def __init__(self, url, said, *, transactional):
        self.calls = []

        @service_task("bad", transactional=transactional)
        def bad(context):
            self.calls.append(context.attempt)
            raise RuntimeError(said)

        self.engine = EmbeddedEngine(database=url, handlers=[bad, service_task("good")(lambda _: {})])
        self.engine.deploy({"a.bpmn": service("bad", "pa"), "b.bpmn": service("good", "pb")})


def reached(engine, instance):
    return [task.element_id for task in engine.user_tasks(instance)]


def stuck(engine):
    with engine.app.reading() as read:
        return read.stuck_jobs(ANN).rows


def incidents(engine, instance):
    with engine.app.reading() as read:
        return read.incidents(ANN, instance, open_only=True)


def row(engine, job_id):
    with engine.app.store.begin(write=False) as connection:
        return connection.execute(sa.select(tables.job).where(tables.job.c.id == job_id)).one()


# --- what a failure says ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("said", ["cannot read \udce9.txt", "output: a\0b"], ids=["surrogate", "nul"])
@pytest.mark.parametrize("transactional", [True, False], ids=["inside", "outside"])
@pytest.mark.parametrize("url", ["memory", "sqlite", "postgresql"], indirect=True)
def test_a_failure_is_recorded_whatever_it_says_and_others_go_on(url, said, transactional):
    broken = Broken(url, said, transactional=transactional)
    with broken.engine as engine:
        bad = engine.app.execute(cmd.Start("pa"), SYSTEM).instance_id
        good = engine.app.execute(cmd.Start("pb"), SYSTEM).instance_id
        engine.app.run_due()
        assert (broken.calls, reached(engine, good)) == ([1], ["next"])
        engine.advance(HOUR)
        assert broken.calls == [1, 2, 3]
        [incident] = incidents(engine, bad)
        readable = said.replace("\udce9", "\ufffd").replace("\0", "\ufffd")
        assert (incident.cause, incident.stack.strip().rpartition("\n")[2]) == (f"RuntimeError: {readable}",) * 2
        assert stuck(engine) == []


def test_an_error_that_cannot_even_tell_its_text_is_recorded(url):
    class Mute(Exception):
        def __str__(self):
            raise ValueError("no text")

    @service_task("bad")
    def bad(_):
        raise Mute

    with EmbeddedEngine(database=url, handlers=[bad]) as engine:
        engine.deploy({"a.bpmn": service("bad", "pa")})
        instance = engine.start("pa")
        engine.advance(HOUR)
        assert [one.cause for one in incidents(engine, instance)] == ["Mute: Mute (its text cannot be made)"]


# --- what cannot be recorded --------------------------------------------------------------------------------------------------------
def damage(engine, instance, before="StartInstance", after="StartInstanze"):
    """What the first record says, and what should be there: nobody can bring this instance up to date any more."""
    body = tables.record.c.body
    with engine.app.store.begin(write=True) as connection:
        first = (tables.record.c.instance_id == instance, tables.record.c.seq == 1)
        text = connection.scalar(sa.select(body).where(*first))
        changed = text.replace(before.encode(), after.encode()) if isinstance(text, bytes) else text.replace(before, after)
        assert changed != text
        connection.execute(tables.record.update().where(*first).values(body=changed))
    engine.app.services.live.clear()


@pytest.mark.parametrize("url", ["memory", "sqlite", "postgresql"], indirect=True)
def test_an_instance_whose_records_cannot_be_read_holds_nobody_up_and_its_job_is_seen(url):
    with EmbeddedEngine(database=url) as engine:
        engine.deploy({"t.bpmn": TIMER})
        damaged = engine.start("tm")
        engine.clock.set(NOW + timedelta(seconds=5))
        whole = engine.start("tm")
        damage(engine, damaged)
        engine.advance(HOUR)
        assert reached(engine, whole) == ["next"]
        engine.advance(HOUR)
        [job] = stuck(engine)
        assert (job.instance_id, job.kind, job.element_id, job.discardable) == (damaged, "timer", "t", False)
        assert job.cause
        assert (row(engine, job.id).attempts, row(engine, job.id).state) == (3, "failed")
        assert not engine.app._something_due()
        with pytest.raises(Conflict, match="carries a process on"):
            engine.app.execute(cmd.DiscardJob(job.id, WHY), ANN)
        damage(engine, damaged, "StartInstanze", "StartInstance")  # restored
        engine.app.execute(cmd.RetryJob(job.id, WHY), ANN)
        engine.app.run_due()
        assert (reached(engine, damaged), stuck(engine)) == (["next"], [])


def test_a_failed_job_that_has_its_incident_is_mended_there(url):
    broken = Broken(url, "no", transactional=True)
    with broken.engine as engine:
        instance = engine.start("pa")
        engine.advance(HOUR)
        [incident] = incidents(engine, instance)
        assert stuck(engine) == []
        for command in (cmd.RetryJob(incident.id, WHY), cmd.DiscardJob(incident.id, WHY)):
            with pytest.raises(Conflict, match="retry its incident"):
                engine.app.execute(command, ANN)


@pytest.mark.parametrize("transactional", [True, False], ids=["inside", "outside"])
def test_whatever_hinders_the_record_the_job_is_put_off(url, transactional, monkeypatch):
    def hindered(*_):
        raise sa.exc.ProgrammingError("INSERT", {}, Exception("no such column"))

    monkeypatch.setattr(failing, "advance", hindered)
    broken = Broken(url, "no", transactional=transactional)
    with broken.engine as engine:
        bad, good = (engine.app.execute(cmd.Start(one), SYSTEM).instance_id for one in ("pa", "pb"))
        engine.advance(HOUR)
        assert (broken.calls, reached(engine, good)) == ([1, 2, 3], ["next"])
        [job] = stuck(engine)
        assert (job.instance_id, job.cause) == (bad, "RuntimeError")
        assert "ProgrammingError" in job.stack


@pytest.mark.parametrize("passing", [ConcurrentChange, NotAvailable])
def test_what_passes_is_waited_for_and_counts_nothing(url, passing, monkeypatch):
    def passes(*_):
        raise passing

    broken = Broken(url, "no", transactional=True)
    with broken.engine as engine:
        instance = engine.app.execute(cmd.Start("pa"), SYSTEM).instance_id
        spoil(engine, only_job(engine, instance), retries=1)
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(failing, "advance", passes)
            meanwhile.setattr("engine.bootstrap.InstanceNotAvailable", NotAvailable)
            with pytest.raises(NotAvailable):
                engine.app.run_due()
        assert (row(engine, only_job(engine, instance)).attempts, stuck(engine)) == (0, [])
        engine.app.run_due()
        assert len(incidents(engine, instance)) == 1


@pytest.mark.parametrize("transactional", [True, False], ids=["inside", "outside"])
def test_an_instance_whose_next_record_always_clashes_holds_nobody_up(url, transactional):
    calls = []

    @service_task("call", transactional=transactional)
    def call(context):
        calls.append(context.attempt)

    with EmbeddedEngine(database=url, handlers=[call, service_task("good")(lambda _: {})]) as engine:
        engine.deploy({"a.bpmn": service("call", "pa"), "b.bpmn": service("good", "pb")})
        bad = engine.app.execute(cmd.Start("pa"), SYSTEM).instance_id
        engine.app.execute(cmd.Comment(bad, "its second record"), SYSTEM)
        behind = tables.instance.update().where(tables.instance.c.id == bad)
        with engine.app.store.begin(write=True) as connection:
            [(seq, head)] = connection.execute(sa.select(tables.instance.c.seq, tables.instance.c.head_hash).where(tables.instance.c.id == bad))
            connection.execute(behind.values(seq=seq - 1))
        good = engine.app.execute(cmd.Start("pb"), SYSTEM).instance_id
        engine.advance(HOUR)
        assert reached(engine, good) == ["next"]
        assert [(one.instance_id, one.cause) for one in stuck(engine)] == [(bad, "InstanceNotAvailable")]
        assert sorted(set(calls)) == [1, 2, 3]
        with engine.app.store.begin(write=True) as connection:
            connection.execute(behind.values(seq=seq, head_hash=head))


def only_job(engine, instance):
    with engine.app.store.begin(write=False) as connection:
        return connection.scalar(sa.select(tables.job.c.id).where(tables.job.c.instance_id == instance))


def test_an_instance_whose_row_cannot_be_read_holds_nobody_up(url, monkeypatch):
    with EmbeddedEngine(database=url, handlers=[service_task("good")(lambda _: {})]) as engine:
        engine.deploy({"b.bpmn": service("good", "pb")})
        bad, good = (engine.app.execute(cmd.Start("pb"), SYSTEM).instance_id for _ in range(2))
        honest = SqlInstances.head

        def head(self, instance_id, **more):
            if instance_id == bad:
                raise ValueError("no number: 'x'")
            return honest(self, instance_id, **more)

        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(SqlInstances, "head", head)
            engine.advance(HOUR)
        assert reached(engine, good) == ["next"]
        assert [(one.instance_id, one.cause) for one in stuck(engine)] == [(bad, "ValueError")]


# --- what cannot be read ------------------------------------------------------------------------------------------------------------
def spoil(engine, job_id, **values):
    with engine.app.store.begin(write=True) as connection:
        connection.execute(tables.job.update().where(tables.job.c.id == job_id).values(**values))


@pytest.mark.parametrize("column", ["parameters", "backoff"])
@pytest.mark.parametrize("url", ["memory", "sqlite", "postgresql"], indirect=True)
def test_a_job_whose_row_cannot_be_read_is_set_aside(url, column):
    with EmbeddedEngine(database=url, handlers=[service_task("good")(lambda _: {})]) as engine:
        engine.deploy({"b.bpmn": service("good", "pb")})
        engine.app._transact(lambda uow: uow.jobs.add(Due("torn", "mail", None, None, "", None, {}, NOW)))
        spoil(engine, "torn", **{column: '{"half'})
        assert reached(engine, engine.start("pb")) == ["next"]
        [job] = stuck(engine)
        assert (job.id, job.cause.partition(":")[0]) == ("torn", "The row of job torn cannot be read")
        with pytest.raises(Conflict, match="cannot be read"):
            engine.app.execute(cmd.RetryJob("torn", WHY), ANN)


def test_a_damaged_job_that_is_not_due_yet_does_not_hinder_the_look_at_a_clock_that_was_set_back(engine):
    engine.app._transact(lambda uow: uow.jobs.add(Due("torn", "mail", None, None, "", None, {}, NOW + timedelta(hours=1))))
    spoil(engine, "torn", parameters='{"half')
    engine.app.plan()
    engine.app.run_due()
    assert stuck(engine) == []


def test_waits_that_cannot_be_read_are_replaced_by_the_usual_ones(url):
    broken = Broken(url, "no", transactional=True)
    with broken.engine as engine:
        instance = engine.app.execute(cmd.Start("pa"), SYSTEM).instance_id
        job_id = only_job(engine, instance)
        spoil(engine, job_id, backoff='["soon"]')
        engine.app.run_due()
        assert (row(engine, job_id).attempts, row(engine, job_id).due_at) == (1, NOW + timedelta(seconds=5))


def test_jobs_of_an_instance_that_is_not_there_hold_nobody_up(url):
    with EmbeddedEngine(database=url, handlers=[service_task("good")(lambda _: {})]) as engine:
        engine.deploy({"b.bpmn": service("good", "pb")})
        orphans = [Due(f"gone{n}-1", "timer", f"gone{n}", 1, "t", None, {}, NOW - timedelta(hours=1)) for n in range(60)]
        engine.app._transact(lambda uow: uow.jobs.add_new(orphans))
        assert reached(engine, engine.start("pb")) == ["next"]
        engine.advance(HOUR)
        assert len(stuck(engine)) == 50, "a page of them"
        assert not engine.app._something_due()
