"""What operators do, with jobs, messages and timers around it: incidents, acts by hand, suspension; each act is a record with its reason.

Every engine here is verified and re-executed when it closes (tests/conftest.py), so each act replays.
"""

from __future__ import annotations

from functools import partial

import pytest
import sqlalchemy as sa

from engine.application import instances
from engine.errors import (
    BpmnError,
    Conflict,
    DefinitionSuspended,
    FormInvalid,
    InstanceNotActive,
    InstanceSuspended,
    InvalidInput,
    NotAllowed,
    NotFound,
    RequestIdReused,
)
from engine.model import commands as cmd
from engine.model.actors import SYSTEM, Actor
from engine.plugins import service_task
from engine.projections.rebuild import rebuild
from engine.store import tables
from engine.testing import EmbeddedEngine
from tests.support.diagrams import END, START, chain, document, process, user
from tests.support.racing import raised, together

ANN = Actor("ann", "Ann", roles=frozenset({"operator"}))
CLERK = Actor("clerk", "", frozenset({"clerks"}), frozenset({"staff"}))
WHY = "the network was down"


def service(extra="", after=""):
    task = f'<serviceTask id="do" name="Send" flowledger:handler="call" {extra}/>'
    return process(START + task + user("next") + END + chain("start", "do", "next", "end") + after)


class World:
    """An outside service that answers, fails, or refuses in business terms."""

    def __init__(self, url, transactional=True):
        self.calls, self.parameters, self.mood = [], [], "down"

        @service_task("call", transactional=transactional)
        def call(context):
            self.calls.append(context.attempt)
            self.during(context)
            if self.mood == "down":
                raise ConnectionError("connection refused")
            if self.mood == "refuses":
                raise BpmnError("refused")
            return {"answer": 42}

        self.during = lambda _context: None
        self.engine = EmbeddedEngine(database=url, handlers=[call])


@pytest.fixture
def world(url):
    one = World(url)
    with one.engine:
        yield one


@pytest.fixture
def outside(url):
    one = World(url, transactional=False)
    with one.engine:
        yield one


def incident(engine, instance):
    with engine.app.reading() as read:
        [one] = read.incidents(SYSTEM, instance, open_only=True)
    return one


def elements(engine, instance):
    with engine.app.reading() as read:
        return {e.element_id: e for e in read.open_elements(SYSTEM, instance)}


def last(engine, instance):
    with engine.app.reading() as read:
        return read.explanations(SYSTEM, instance)[-1]


def do(engine, command, actor=ANN):
    done = engine.app.execute(command, actor)
    engine.app.run_due()
    return done


# --- retries, incidents -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("extra", "after"),
    [("", [0, 5, 35]), ('flowledger:retry="R4/PT10M"', [0, 600, 1200, 1800]), ('flowledger:retry="PT1S,PT1H"', [0, 1, 3601])],
)
def test_attempts_are_as_many_and_as_far_apart_as_the_diagram_says(world, extra, after):
    engine, begun = world.engine, world.engine.clock.now()
    world.during = lambda context: seen.append((context.now - begun).total_seconds())
    seen = []
    engine.deploy({"p.bpmn": service(extra)})
    instance = engine.start("p")
    assert elements(engine, instance)["do"].attempts == 1
    engine.advance(86400)
    assert seen == after
    found = incident(engine, instance)
    assert (found.element_id, found.kind, found.attempts, found.cause) == ("do", "job", len(after), "ConnectionError: connection refused")
    assert "in call" in found.stack
    with engine.app.reading() as read:
        assert [i.stack for i in read.incidents(Actor("x", roles=frozenset({"auditor"})), instance)] == [None]


def test_an_operator_changes_variables_and_retries_in_one_record(world):
    engine = world.engine
    engine.deploy({"p.bpmn": service()})
    instance = engine.start("p", {"x": 1})
    engine.advance(3600)
    world.mood = "up"
    before = last(engine, instance).seq
    do(engine, cmd.RetryIncident(incident(engine, instance).id, WHY, {"x": 2}))
    with engine.app.reading() as read:
        act = read.explanations(SYSTEM, instance)[before]
    assert (act.kind, act.actor, act.details["reason"], act.element_id) == ("RetryElement", "ann", WHY, "do")
    assert act.changes == [{"scope": 0, "name": "x", "before": 1, "after": 2}]
    assert (engine.variables(instance), engine.instance(instance).error) == ({"x": 2, "answer": 42}, None)
    assert world.calls == [1, 2, 3, 1]


def test_a_retry_needs_an_incident_a_reason_and_the_right(world):
    engine = world.engine
    engine.deploy({"p.bpmn": service()})
    instance = engine.app.execute(cmd.Start("p"), SYSTEM).instance_id  # its job is due, and runs by itself
    job = elements(engine, instance)["do"].id
    for command, actor, refusal in (
        (cmd.RetryIncident(job, WHY), ANN, Conflict),
        (cmd.RetryIncident(job, " "), ANN, InvalidInput),
        (cmd.RetryIncident(job, WHY), CLERK, NotAllowed),
        (cmd.RetryIncident("nonsense", WHY), ANN, NotFound),
        (cmd.CompleteByHand(job, WHY), CLERK, NotAllowed),
        (cmd.CompleteByHand(job, ""), ANN, InvalidInput),
        (cmd.FailByHand(job, WHY), CLERK, NotAllowed),
        (cmd.FailByHand(job, WHY, "nobody catches this"), ANN, Conflict),
        (cmd.MoveToken(job, "next", WHY), CLERK, NotAllowed),
        (cmd.MoveToken(job, "next", WHY, element="start"), ANN, Conflict),
        (cmd.Suspend(instance, WHY), CLERK, NotAllowed),
        (cmd.Cancel(instance, ""), ANN, InvalidInput),
        (cmd.Resume(instance, WHY), ANN, Conflict),
        (cmd.SuspendDefinition("p:1", WHY), CLERK, NotAllowed),
        (cmd.SuspendDefinition("p:9", WHY), ANN, NotFound),
        (cmd.ResumeDefinition("p:1", WHY), ANN, Conflict),
    ):
        with pytest.raises(refusal):
            engine.app.execute(command, actor)
    assert last(engine, instance).kind == "StartInstance"


# --- by hand ----------------------------------------------------------------------------------------------------------------------
def test_a_job_completed_by_hand_is_not_run_again(world):
    engine = world.engine
    engine.deploy({"p.bpmn": service()})
    instance = engine.start("p")
    do(engine, cmd.CompleteByHand(elements(engine, instance)["do"].id, WHY, {"answer": "by phone"}))
    act = last(engine, instance)
    assert (act.kind, act.actor, act.details["reason"]) == ("CompleteJob", "ann", WHY)
    engine.advance(3600)
    assert (world.calls, engine.variables(instance)) == ([1], {"answer": "by phone"})
    assert list(elements(engine, instance)) == ["next"]


def test_after_an_incident_too_and_the_incident_is_resolved(world):
    engine = world.engine
    engine.deploy({"p.bpmn": service()})
    instance = engine.start("p")
    engine.advance(3600)
    do(engine, cmd.CompleteByHand(incident(engine, instance).id, WHY))
    with engine.app.reading() as read:
        assert [i.resolved_at is None for i in read.incidents(SYSTEM, instance)] == [False]
    assert engine.instance(instance).error is None


def test_a_user_task_by_hand_keeps_to_its_form_and_to_the_four_eyes(engine):
    form = b'{"key": "f", "title": "F", "schema": {"type": "object", "properties": {"ok": {"type": "boolean", "title": "OK"}}, "required": ["ok"]}}'
    body = START + user("write") + user("check", 'flowledger:excludes="write" camunda:formKey="f"') + END + chain("start", "write", "check", "end")
    engine.deploy({"p.bpmn": process(body), "f.form.json": form})
    instance = engine.start("p")
    do(engine, cmd.CompleteByHand(elements(engine, instance)["write"].id, WHY))
    task = elements(engine, instance)["check"].id
    with pytest.raises(NotAllowed):
        do(engine, cmd.CompleteByHand(task, WHY, {"ok": True}))
    other = Actor("bob", roles=frozenset({"operator"}))
    with pytest.raises(FormInvalid):
        do(engine, cmd.CompleteByHand(task, WHY, {"ok": "perhaps"}), other)
    do(engine, cmd.CompleteByHand(task, WHY, {"ok": True}), other)
    assert engine.instance(instance).state == "completed"
    assert (last(engine, instance).details["reason"], last(engine, instance).actor) == (WHY, "bob")


def test_a_timer_fires_at_an_operators_word(engine):
    timer = (
        '<intermediateCatchEvent id="wait"><timerEventDefinition><timeDuration>P21D</timeDuration></timerEventDefinition></intermediateCatchEvent>'
    )
    engine.deploy({"p.bpmn": process(START + timer + END + chain("start", "wait", "end"))})
    instance = engine.start("p")
    with engine.app.reading() as read:
        timer = next(e for e in read.open_elements(SYSTEM, instance) if e.waits_for == "timer")
    with pytest.raises(InvalidInput, match="no results"):
        do(engine, cmd.CompleteByHand(timer.id, WHY, {"x": 1}))
    do(engine, cmd.CompleteByHand(timer.id, WHY))
    assert engine.instance(instance).state == "completed"


CAUGHT = '<boundaryEvent id="caught" attachedToRef="do"><errorEventDefinition errorRef="e"/></boundaryEvent>'


def test_failed_by_hand_as_a_business_error_or_for_good(world):
    engine = world.engine
    xml = service(after=CAUGHT + user("repair") + chain("caught", "repair", "end")).replace(
        b"<process", b'<error id="e" errorCode="refused"/><process', 1
    )
    engine.deploy({"p.bpmn": xml})
    one, two = engine.start("p"), engine.start("p")
    do(engine, cmd.FailByHand(elements(engine, one)["do"].id, WHY, "refused", {"x": 1}))
    assert (list(elements(engine, one)), engine.variables(one)) == (["repair"], {"x": 1})
    do(engine, cmd.FailByHand(elements(engine, two)["do"].id, WHY))
    assert (incident(engine, two).cause, last(engine, two).kind, last(engine, two).actor) == (WHY, "FailJob", "ann")
    calls = len(world.calls)
    engine.advance(86400)
    assert len(world.calls) == calls
    with pytest.raises(Conflict, match="already"):
        do(engine, cmd.FailByHand(incident(engine, two).id, WHY))
    with pytest.raises(Conflict, match="Only a job"):
        do(engine, cmd.FailByHand(elements(engine, one)["repair"].id, WHY))
    world.mood = "up"
    do(engine, cmd.RetryIncident(incident(engine, two).id, WHY))
    assert list(elements(engine, two)) == ["next"]


def test_a_token_is_moved_and_the_page_can_say_why(world):
    engine = world.engine
    engine.deploy({"p.bpmn": service()})
    instance = engine.start("p")
    done = do(engine, cmd.MoveToken(elements(engine, instance)["do"].id, "next", WHY, {"x": 1}, element="do"))
    [task] = engine.user_tasks(instance)
    assert done.task_ids == (task.id,)
    act = last(engine, instance)
    assert (act.kind, act.element_id, act.details["target"], act.details["reason"], act.cancelled) == ("MoveToken", "do", "next", WHY, ["do"])
    engine.advance(3600)
    assert world.calls == [1]


def test_the_same_request_id_gives_the_first_answer(engine):
    engine.deploy({"p.bpmn": process(START + user("a") + user("b") + END + chain("start", "a", "b", "end"))})
    instance = engine.start("p")
    [task] = engine.user_tasks(instance)
    move = cmd.MoveToken(task.id, "b", WHY)
    first = engine.app.execute(move, ANN, "m-1")
    assert engine.app.execute(move, ANN, "m-1") == first
    with pytest.raises(RequestIdReused):
        engine.app.execute(cmd.Suspend(instance, WHY), ANN, "m-1")
    stopped = engine.app.execute(cmd.Suspend(instance, WHY), ANN, "s-1")
    assert engine.app.execute(cmd.Suspend(instance, WHY), ANN, "s-1") == stopped
    assert stopped.state == "suspended"


# --- suspended instances ----------------------------------------------------------------------------------------------------------
WAITS = document(
    '<message id="m" name="paid"/><signal id="s" name="stop"/>',
    '<process id="p" isExecutable="true">',
    START,
    '<parallelGateway id="fork"/>',
    user("a"),
    '<intermediateCatchEvent id="later"><timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition></intermediateCatchEvent>',
    '<intermediateCatchEvent id="paid"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>',
    '<intermediateCatchEvent id="stop"><signalEventDefinition signalRef="s"/></intermediateCatchEvent>',
    END,
    chain("start", "fork", "a", "end") + chain("fork", "later", "end") + chain("fork", "paid", "end") + chain("fork", "stop", "end"),
    "</process>",
)


def test_while_suspended_everything_waits_and_afterwards_everything_happens(engine):
    engine.deploy({"p.bpmn": WAITS})
    instance = engine.start("p", business_key="K")
    [task] = engine.user_tasks(instance)
    assert do(engine, cmd.Suspend(instance, WHY)).state == "suspended"
    for command in (cmd.Complete(task.id), cmd.CompleteByHand(task.id, WHY), cmd.MoveToken(task.id, "end", WHY), cmd.Suspend(instance, WHY)):
        with pytest.raises(InstanceSuspended):
            engine.app.execute(command, SYSTEM)
    engine.advance(7200)
    assert engine.app.execute(cmd.PublishMessage("paid", {"n": 1}, "K"), SYSTEM).kept
    assert engine.app.execute(cmd.BroadcastSignal("stop", {"s": 1}), SYSTEM).instance_ids == ()
    engine.app.execute(cmd.ChangeVariables(instance, {"x": 1}, WHY), ANN)
    engine.app.execute(cmd.Comment(instance, "we wait for the bank"), ANN)
    engine.advance(86400)
    assert (engine.instance(instance).state, engine.trace(instance)) == ("suspended", ["start", "fork"])
    assert {e.waits_for: e.state for e in elements(engine, instance).values()}["timer"] == "suspended"
    assert do(engine, cmd.Resume(instance, "paid")).state == "active"
    assert sorted(elements(engine, instance)) == ["a"]
    assert engine.variables(instance) == {"x": 1, "n": 1, "s": 1}
    engine.complete(task.id)
    assert engine.instance(instance).state == "completed"
    assert count(engine, tables.job) == count(engine, tables.kept_message) == 0


def count(engine, table):
    with engine.app.store.begin(write=False) as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table))


def test_a_message_passes_a_suspended_instance_by_when_another_one_waits(engine):
    engine.deploy({"p.bpmn": WAITS})
    one, two = engine.start("p", business_key="K"), engine.start("p", business_key="K")
    do(engine, cmd.Suspend(one, WHY))
    assert engine.app.execute(cmd.PublishMessage("paid", {}, "K"), SYSTEM).instance_ids == (two,)


def test_what_waited_for_an_instance_that_is_cancelled_goes_to_somebody_else(engine):
    engine.deploy({"p.bpmn": WAITS})
    one = engine.start("p", business_key="K")
    do(engine, cmd.Suspend(one, WHY))
    engine.publish_message("paid", {"n": 1}, "K")
    two = engine.start("p", business_key="K")
    do(engine, cmd.Cancel(one, WHY))
    engine.advance(1)
    assert (engine.instance(one).state, engine.variables(two)) == ("cancelled", {"n": 1})


def test_an_outside_answer_that_comes_while_suspended_is_kept_and_used(outside):
    engine, outside.mood = outside.engine, "up"
    engine.deploy({"p.bpmn": service()})
    outside.during = lambda context: engine.app.execute(cmd.Suspend(context.instance_id, WHY), ANN)
    instance = engine.start("p")
    assert (engine.instance(instance).state, outside.calls) == ("suspended", [1])
    engine.advance(3600)
    assert list(elements(engine, instance)) == ["do"]
    do(engine, cmd.Resume(instance, WHY))
    assert (outside.calls, engine.variables(instance), list(elements(engine, instance))) == ([1], {"answer": 42}, ["next"])


def test_an_outside_failure_while_suspended_is_tried_again_after_resuming(outside):
    engine = outside.engine
    engine.deploy({"p.bpmn": service('flowledger:retry="R1/PT1M"')})
    outside.during = lambda context: engine.app.execute(cmd.Suspend(context.instance_id, WHY), ANN) if len(outside.calls) == 1 else None
    instance = engine.start("p")
    with engine.app.reading() as read:
        assert read.incidents(SYSTEM, instance) == []
    outside.mood = "up"
    do(engine, cmd.Resume(instance, WHY))
    assert list(elements(engine, instance)) == ["next"]


def test_projections_can_be_rebuilt_while_something_is_suspended(world):
    engine = world.engine
    engine.deploy({"p.bpmn": service(), "w.bpmn": WAITS.replace(b'process id="p"', b'process id="w"')})
    one, two, three = engine.start("p"), engine.start("w", business_key="K"), engine.start("p")
    engine.advance(3600)
    for instance in (one, two):
        do(engine, cmd.Suspend(instance, WHY))
    do(engine, cmd.RetryIncident(incident(engine, three).id, WHY))

    def rows():
        with engine.app.store.begin(write=False) as connection:
            job, sub = tables.job.c, tables.subscription.c
            jobs = connection.execute(sa.select(job.id, job.kind, job.state, job.backoff, job.retries).order_by(job.id)).all()
            subs = connection.execute(sa.select(sub.instance_id, sub.key, sub.suspended).order_by(sub.instance_id, sub.key)).all()
            return jobs, subs, connection.execute(sa.select(tables.instance).order_by(tables.instance.c.id)).all()

    before = rows()
    assert {r.state for r in before[2]} == {"suspended", "active"}
    rebuild(engine.app.store)
    assert rows() == before


# --- suspended definitions ---------------------------------------------------------------------------------------------------------
STARTS = document(
    '<message id="m" name="ordered"/><signal id="s" name="fire"/>',
    '<process id="p" isExecutable="true">',
    START,
    '<startEvent id="timed"><timerEventDefinition><timeCycle>R2/PT1H</timeCycle></timerEventDefinition></startEvent>',
    '<startEvent id="ordered"><messageEventDefinition messageRef="m"/></startEvent>',
    '<startEvent id="fire"><signalEventDefinition signalRef="s"/></startEvent>',
    user("a"),
    END,
    chain("start", "a", "end") + chain("timed", "a") + chain("ordered", "a") + chain("fire", "a"),
    "</process>",
)


def test_a_suspended_definition_starts_nothing_and_loses_nothing(engine):
    engine.deploy({"p.bpmn": STARTS})
    before = engine.start("p")
    do(engine, cmd.SuspendDefinition("p:1", WHY))
    for command in (cmd.Start("p"), cmd.Start(definition_id="p:1")):
        with pytest.raises(DefinitionSuspended, match="p:1 is suspended"):
            engine.app.execute(command, SYSTEM)
    with pytest.raises(Conflict, match="already"):
        engine.app.execute(cmd.SuspendDefinition("p:1", WHY), ANN)
    assert engine.app.execute(cmd.PublishMessage("ordered", {"n": 1}, "A-1"), SYSTEM).kept
    engine.app.execute(cmd.BroadcastSignal("fire", {"n": 2}), SYSTEM)
    engine.advance(7200)
    assert [i.id for i in engine.instances()] == [before]
    engine.complete(engine.user_tasks(before)[0].id)  # what runs goes on
    do(engine, cmd.ResumeDefinition("p:1", "approved"))
    started = engine.instances()[1:]
    assert sorted(str(engine.variables(i.id)) for i in started) == ["{'n': 1}", "{'n': 2}", "{}", "{}"]
    assert [i.business_key for i in started if i.business_key] == ["A-1"]
    with engine.app.reading() as read:
        assert [(a.act, a.actor, a.reason) for a in read.definition_acts(ANN, "p:1")] == [("resume", "ann", "approved"), ("suspend", "ann", WHY)]
        assert not read.definition(ANN, "p:1").suspended
    assert count(engine, tables.job) == 0


def test_a_new_version_is_not_suspended_and_starts_what_waited(engine):
    engine.deploy({"p.bpmn": STARTS})
    do(engine, cmd.SuspendDefinition("p:1", WHY))
    engine.publish_message("ordered", {"n": 1})
    engine.deploy({"p.bpmn": STARTS.replace(b'"A"', b'"B"')})
    engine.advance(0)
    with engine.app.reading() as read:
        assert [read.instance(SYSTEM, i.id).definition_id for i in engine.instances()] == ["p:2"]


# --- races ----------------------------------------------------------------------------------------------------------------------------
RACE = process(START + user("a") + user("b") + END + chain("start", "a", "b", "end"))


def test_complete_against_suspend_one_is_first_and_nothing_is_lost(nodes):
    one, two = nodes
    one.deploy({"p.bpmn": RACE})
    for _ in range(8):
        instance = one.start("p")
        [task] = one.user_tasks(instance)
        completed, suspended = together(
            partial(one.app.execute, cmd.Complete(task.id, {"x": 1}), SYSTEM), partial(two.app.execute, cmd.Suspend(instance, WHY), ANN)
        )
        assert not isinstance(suspended, Exception)
        assert raised([completed]) in ([], ["InstanceSuspended"])
        assert one.instance(instance).state == "suspended"
        assert [t.element_id for t in two.user_tasks(instance)] == (["a"] if isinstance(completed, Exception) else ["b"])
        two.app.execute(cmd.Resume(instance, WHY), ANN)
        one.complete(one.user_tasks(instance)[0].id)


def test_move_against_complete_one_of_both_happens(nodes):
    one, two = nodes
    one.deploy({"p.bpmn": process(START + user("a") + user("b") + user("c") + END + chain("start", "a", "b", "end") + chain("c", "end"))})
    for _ in range(8):
        instance = one.start("p")
        [task] = one.user_tasks(instance)
        results = together(partial(one.app.execute, cmd.Complete(task.id), SYSTEM), partial(two.app.execute, cmd.MoveToken(task.id, "c", WHY), ANN))
        assert len(raised(results)) == 1
        assert raised(results)[0] in ("TaskNotOpen", "Conflict")
        assert [t.element_id for t in two.user_tasks(instance)] == (["c"] if isinstance(results[0], Exception) else ["b"])


def test_a_message_against_suspend_and_resume_arrives_once(nodes):
    one, two = nodes
    one.deploy({"p.bpmn": WAITS})
    for n in range(6):
        instance = one.start("p", business_key=f"K{n}")
        results = together(
            partial(one.app.execute, cmd.PublishMessage("paid", {"n": n}, f"K{n}"), SYSTEM),
            partial(two.app.execute, cmd.Suspend(instance, WHY), ANN),
        )
        assert not raised(results)
        results = together(partial(two.app.execute, cmd.Resume(instance, WHY), ANN), one.app.run_due)
        assert not raised(results)
        one.app.run_due()
        assert one.variables(instance) == {"n": n}
        assert count(one, tables.kept_message) == 0


def test_a_retry_asked_for_twice_at_once_is_one_retry(world, url):
    engine = world.engine
    engine.deploy({"p.bpmn": service()})
    instance = engine.start("p")
    engine.advance(3600)
    found = incident(engine, instance).id
    results = together(*(partial(engine.app.execute, cmd.RetryIncident(found, WHY), ANN) for _ in range(4)))
    assert raised(results) == ["NoOpenIncident"] * 3
    engine.app.run_due()
    assert world.calls == [1, 2, 3, 1]


def test_ended_instances_take_no_acts(engine):
    engine.deploy({"p.bpmn": RACE})
    instance = engine.start("p")
    engine.cancel(instance)
    for command in (cmd.Suspend(instance, WHY), cmd.Resume(instance, WHY), cmd.Cancel(instance, WHY), cmd.ChangeVariables(instance, {"x": 1}, WHY)):
        with pytest.raises(InstanceNotActive):
            engine.app.execute(command, ANN)


def test_a_timed_start_that_failed_for_good_is_listed_and_tried_again(engine, monkeypatch):
    """It belongs to no instance, so no incident could show it."""
    cycle = "<timerEventDefinition><timeCycle>R3/PT1H</timeCycle></timerEventDefinition>"
    engine.deploy({"p.bpmn": process(f'<startEvent id="timed">{cycle}</startEvent>' + user("a") + END + chain("timed", "a", "end"))})
    honest = instances.begin

    def unlucky(*args, **kw):
        raise RuntimeError("no luck")

    monkeypatch.setattr(instances, "begin", unlucky)
    engine.advance(7 * 3600)
    with engine.app.reading() as read:
        [stuck] = read.stuck_jobs(ANN).rows
        assert read.stuck_jobs(Actor("x", roles=frozenset({"auditor"}))).rows[0].stack is None
    assert (stuck.kind, stuck.element_id, stuck.cause) == ("start", "timed", "RuntimeError: no luck")
    assert "unlucky" in stuck.stack
    monkeypatch.setattr(instances, "begin", honest)
    with pytest.raises(InvalidInput):
        engine.app.execute(cmd.RetryJob(stuck.id, " "), ANN)
    with pytest.raises(NotAllowed):
        engine.app.execute(cmd.RetryJob(stuck.id, WHY), CLERK)
    do(engine, cmd.RetryJob(stuck.id, WHY))
    engine.advance(3 * 3600)
    assert len(engine.instances()) == 3
    with engine.app.reading() as read:
        assert read.stuck_jobs(ANN).rows == []
    with pytest.raises(NotFound):
        engine.app.execute(cmd.RetryJob(stuck.id, WHY), ANN)


def test_the_job_of_an_element_is_retried_by_its_incident_only(world):
    engine = world.engine
    engine.deploy({"p.bpmn": service()})
    instance = engine.start("p")
    engine.advance(3600)
    with pytest.raises(Conflict, match="retry its incident"):
        engine.app.execute(cmd.RetryJob(incident(engine, instance).id, WHY), ANN)
