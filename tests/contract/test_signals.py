"""Signals reach everybody who waits, whoever else cannot be reached and however many they are."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from engine.application import instances, messages
from engine.errors import ConcurrentChange, InstanceNotAvailable, NotAvailable
from engine.model import commands as cmd
from engine.model import inputs as inp
from engine.model.actors import SYSTEM, Actor
from engine.model.chains import reaching
from engine.projections import ALL
from engine.store import tables
from engine.store.unit_of_work import unit_of_work
from tests.support.diagrams import END, START, chain, document, flow, user

pytestmark = pytest.mark.parametrize("url", ["memory", "sqlite", "postgresql"], indirect=True)

ANN = Actor("ann", "Ann", roles=frozenset({"operator"}))
WHY = "because"
GO = '<signalEventDefinition signalRef="S"/>'
ROOTS = '<signal id="S" name="go"/>'
WAITS = document(
    ROOTS,
    '<process id="waits" isExecutable="true">',
    START,
    user("before"),
    f'<boundaryEvent id="c" attachedToRef="before">{GO}</boundaryEvent>',
    user("after"),
    END,
    chain("start", "before", "end") + chain("c", "after", "end"),
    "</process>",
)
THROWS = document(
    ROOTS,
    '<process id="throws" isExecutable="true">',
    START,
    user("ready"),
    f'<intermediateThrowEvent id="throw">{GO}</intermediateThrowEvent>',
    user("rest"),
    chain("start", "ready", "throw", "rest"),
    f'<subProcess id="own" triggeredByEvent="true"><startEvent id="each" isInterrupting="false">{GO}</startEvent>',
    user("caught") + flow("each", "caught") + "</subProcess>",
    "</process>",
)
BEGINS = [
    document(ROOTS, f'<process id="{one}" isExecutable="true"><startEvent id="start">{GO}</startEvent>', user("a"), chain("start", "a"), "</process>")
    for one in ("one", "two")
]


def test_signals_come_to_each_receiver_in_the_order_in_which_they_were_sent(engine, monkeypatch):
    """The second one would be at once for an instance that the first one reaches by a job."""
    monkeypatch.setattr(messages, "AT_ONCE", 1)
    again = f'<boundaryEvent id="c" attachedToRef="before" cancelActivity="false">{GO}</boundaryEvent>'
    body = START + user("before") + again + user("after") + chain("start", "before") + chain("c", "after")
    engine.deploy({"a.bpmn": document(ROOTS, '<process id="again" isExecutable="true">', body, "</process>")})
    first, second = engine.start("again"), engine.start("again")
    engine.app.execute(cmd.BroadcastSignal("go", {"n": 1}), SYSTEM)
    engine.app.execute(cmd.Cancel(first, WHY), SYSTEM)  # and not by `engine`, which would do the job first
    assert engine.app.execute(cmd.BroadcastSignal("go", {"n": 2}), SYSTEM).instance_ids == (second,)
    engine.app.run_due()
    with engine.app.reading() as read:
        inputs = [one.input for one in read.records(SYSTEM, second)]
    assert [one.payload["n"] for one in inputs if isinstance(one, inp.DeliverSignal)] == [1, 2]


@pytest.fixture
def waiting(engine):
    """Starts so many instances that wait, a second after each other."""
    engine.deploy({"w.bpmn": WAITS})

    def start(count):
        made = []
        for _ in range(count):
            made.append(engine.start("waits"))
            engine.clock.set(engine.clock.now() + timedelta(seconds=1))
        return made

    return start


def broadcast(engine, request_id=None):
    return list(engine.app.execute(cmd.BroadcastSignal("go", {"n": 1}), SYSTEM, request_id).instance_ids)


def stands(engine, instance_ids):
    """At which user task each one stands."""
    return [task.element_id for one in instance_ids for task in engine.user_tasks(one)]


def delivered(engine, instance_id):
    with engine.app.reading() as read:
        return [one.input for one in read.records(SYSTEM, instance_id) if isinstance(one.input, inp.DeliverSignal)]


def jobs(engine, kind="deliver"):
    """Instance and state of each job of the kind, in the order of their turns."""
    query = sa.select(tables.job.c.instance_id, tables.job.c.state).where(tables.job.c.kind == kind).order_by(tables.job.c.number)
    with engine.app.store.begin(write=False) as connection:
        return [tuple(row) for row in connection.execute(query)]


def rewrite(engine, instance_id, old, new):
    """In its first record; what is held of it in memory is forgotten."""
    first = (tables.record.c.instance_id == instance_id, tables.record.c.seq == 1)
    with engine.app.store.begin(write=True) as connection:
        body = connection.scalar(sa.select(tables.record.c.body).where(*first))
        connection.execute(tables.record.update().where(*first).values(body=bytes(body).replace(old, new)))
    engine.app.services.live.clear()


def stuck(engine):
    with engine.app.reading() as read:
        return read.stuck_jobs(ANN).rows


# --- one of them cannot be reached ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("thrown", [False, True])
def test_a_damaged_receiver_holds_up_nobody_and_stands_among_the_failed_jobs(engine, waiting, thrown):
    made = waiting(3)
    engine.deploy({"t.bpmn": THROWS})
    thrower = engine.start("throws")
    rewrite(engine, made[1], b"StartInstance", b"StartInstanze")
    if thrown:
        [ready] = engine.user_tasks(thrower)
        engine.app.execute(cmd.Complete(ready.id), SYSTEM)
        assert engine.app.run_due(1) == 1  # the signal itself is no job any more
        assert jobs(engine, "signal") == []
    else:
        assert broadcast(engine) == [*made, thrower]
    assert stands(engine, made) == ["after", "before", "after"]
    assert jobs(engine) == [(made[1], "due")]
    for _ in range(3):
        engine.app.run_due()
        engine.clock.set(engine.clock.now() + timedelta(hours=1))
    [job] = stuck(engine)
    assert (job.kind, job.instance_id) == ("deliver", made[1])
    rewrite(engine, made[1], b"StartInstanze", b"StartInstance")
    engine.app.execute(cmd.RetryJob(job.id, WHY), ANN)
    engine.app.run_due()
    assert stands(engine, made) == ["after"] * 3
    assert [one.payload for one in delivered(engine, made[1])] == [{} if thrown else {"n": 1}]


def test_what_a_receiver_wrote_before_it_raised_is_undone_alone(engine, waiting, monkeypatch):
    made, honest = waiting(3), messages.advance

    def advance(uow, services, head, *rest):
        done = honest(uow, services, head, *rest)
        if head.instance_id == made[1]:
            raise ValueError("late")
        return done

    with monkeypatch.context() as patched:
        patched.setattr(messages, "advance", advance)
        assert broadcast(engine) == made
    assert stands(engine, made) == ["after", "before", "after"]
    with engine.app.reading() as read:
        assert len(read.records(SYSTEM, made[1])) == 1
    assert engine.app.run_due() == 1
    assert stands(engine, made) == ["after"] * 3


def test_a_process_that_cannot_be_started_by_a_signal_holds_up_nobody(engine, waiting, monkeypatch):
    made = waiting(1)
    engine.deploy({"1.bpmn": BEGINS[0]})
    engine.deploy({"2.bpmn": BEGINS[1]})
    honest = instances.begin

    def begin(uow, services, definition, *rest, **more):
        if definition.process_id == "one":
            raise ValueError("broken")
        return honest(uow, services, definition, *rest, **more)

    with monkeypatch.context() as patched:
        patched.setattr(instances, "begin", begin)
        reached = broadcast(engine)
    assert stands(engine, reached) == ["after", "a"]
    assert (reached[0], sorted(one.process_id for one in engine.instances())) == (made[0], ["two", "waits"])
    assert jobs(engine, "begin") == [(None, "due")]
    assert engine.app.run_due() == 1
    assert sorted(one.process_id for one in engine.instances()) == ["one", "two", "waits"]


# --- many of them -----------------------------------------------------------------------------------------------------------
def test_beyond_some_each_receiver_is_a_job_of_its_own(engine, waiting, monkeypatch):
    monkeypatch.setattr(messages, "AT_ONCE", 2)
    monkeypatch.setattr(messages, "TOGETHER", 2)
    made = waiting(5)
    assert broadcast(engine, "r-1") == made  # whoever gets it next is named, too
    assert stands(engine, made) == ["after"] * 2 + ["before"] * 3
    assert jobs(engine) == [(one, "due") for one in made[2:]]
    assert broadcast(engine, "r-1") == made
    assert len(jobs(engine)) == 3
    assert engine.app.run_due() == 3
    assert stands(engine, made) == ["after"] * 5
    assert [delivered(engine, one) for one in made] == [[inp.DeliverSignal("go", {"n": 1}, reaching(0, 5))]] * 5


def test_who_no_longer_waits_does_not_get_it_and_who_is_suspended_gets_it_later(engine, waiting, monkeypatch):
    monkeypatch.setattr(messages, "AT_ONCE", 0)
    gone, before, between, stays = waiting(4)
    engine.app.execute(cmd.Suspend(before, WHY), ANN)
    assert broadcast(engine) == [gone, between, stays]
    [task] = engine.user_tasks(gone)
    engine.app.execute(cmd.Complete(task.id), SYSTEM)
    engine.app.execute(cmd.Suspend(between, WHY), ANN)
    engine.app.run_due()
    assert delivered(engine, gone) == []
    assert stands(engine, [before, between, stays]) == ["before", "before", "after"]
    assert sorted(jobs(engine)) == sorted([(before, "suspended"), (between, "suspended")])
    for one in (before, between):
        engine.app.execute(cmd.Resume(one, WHY), ANN)
    engine.app.run_due()
    assert stands(engine, [before, between, stays]) == ["after"] * 3
    assert jobs(engine) == []


def test_who_waits_elsewhere_when_its_turn_comes_does_not_get_it(engine, waiting, monkeypatch):
    """The instance goes on, but not with the event that was awaited."""
    monkeypatch.setattr(messages, "AT_ONCE", 0)
    [one] = waiting(1)
    broadcast(engine)
    broadcast(engine)
    engine.app.run_due()
    assert len(delivered(engine, one)) == 1
    assert stands(engine, [one]) == ["after"]


def test_the_sender_gets_its_own_signal_once_also_among_many(engine, waiting, monkeypatch):
    monkeypatch.setattr(messages, "AT_ONCE", 1)
    engine.deploy({"t.bpmn": THROWS})
    thrower, made = engine.start("throws"), waiting(3)
    [ready] = engine.user_tasks(thrower)
    engine.complete(ready.id)
    assert sorted(stands(engine, [thrower])) == ["caught", "rest"]
    assert stands(engine, made) == ["after"] * 3
    assert delivered(engine, thrower) == []
    assert {one.chain for each in made for one in delivered(engine, each)} == {reaching(1, 3)}


def test_so_many_are_locked_that_their_ids_are_no_parameters(engine, waiting):
    made = waiting(2)
    engine.app._transact(lambda uow: uow.instances.lock([*made, *(f"i{number}" for number in range(70_000))]))


# --- a part of a unit of work -------------------------------------------------------------------------------------------------
class Told:
    """Port Waker, that counts."""

    elsewhere = True

    def __init__(self):
        self.announced = self.woken = 0

    def announce(self, _connection):
        self.announced += 1

    def wake(self):
        self.woken += 1


def test_a_part_that_raises_leaves_nothing_to_be_done_after_the_commit_and_announces_nothing(database, clock):
    told, done = Told(), []

    def part(uow, name, error=None):
        uow.bulks.done("none", 1)
        uow.due_now()
        uow.after_commit.append(lambda: done.append(name))
        if error is not None:
            raise error

    with unit_of_work(database, clock, ALL, told) as uow:
        error = ValueError("no")
        assert uow.attempt(lambda: part(uow, "raises", error)) is error
        assert uow.attempt(lambda: part(uow, "goes on")) is None
    assert done == ["goes on"]
    assert (told.announced, told.woken) == (2, 1)  # what was announced first was undone


@pytest.mark.parametrize("error", [ConcurrentChange(), NotAvailable()])
def test_a_part_that_has_to_be_tried_again_spoils_the_whole(database, clock, error):
    def part():
        raise error

    with pytest.raises(type(error)), unit_of_work(database, clock, ALL) as uow:
        uow.attempt(part)


def test_an_error_of_the_database_spoils_the_whole_but_no_clash_of_keys_and_nothing_of_one_instance(database, clock):
    def broken(cls):
        def part():
            raise cls("x", None, Exception("x"))

        return part

    def not_now():
        raise InstanceNotAvailable

    with unit_of_work(database, clock, ALL) as uow:
        assert isinstance(uow.attempt(broken(sa.exc.IntegrityError)), sa.exc.IntegrityError)
        assert isinstance(uow.attempt(not_now), InstanceNotAvailable)
    with pytest.raises(sa.exc.OperationalError), unit_of_work(database, clock, ALL) as uow:
        uow.attempt(broken(sa.exc.OperationalError))
