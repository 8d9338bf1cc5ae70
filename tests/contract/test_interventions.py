"""What operators do about work that hangs: incidents, retries, acts by hand; each act is a record with its reason. Suspension: test_suspension.py.

Every engine here is verified and re-executed when it closes (tests/conftest.py), so each act replays.
"""

from __future__ import annotations

from functools import partial

import pytest

from engine.application import instances
from engine.errors import Conflict, FormInvalid, InstanceNotActive, InvalidInput, NotAllowed, NotFound, RequestIdReused
from engine.model import commands as cmd
from engine.model.actors import SYSTEM, Actor
from tests.support.diagrams import END, START, chain, process, user
from tests.support.operators import ANN, CLERK, WHY, do, elements, incident, last, service
from tests.support.racing import raised, together

TWO = process(START + user("a") + user("b") + END + chain("start", "a", "b", "end"))


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
    engine.deploy({"p.bpmn": TWO})
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


def test_ended_instances_take_no_acts(engine):
    engine.deploy({"p.bpmn": TWO})
    instance = engine.start("p")
    engine.cancel(instance)
    for command in (cmd.Suspend(instance, WHY), cmd.Resume(instance, WHY), cmd.Cancel(instance, WHY), cmd.ChangeVariables(instance, {"x": 1}, WHY)):
        with pytest.raises(InstanceNotActive):
            engine.app.execute(command, ANN)


# --- races ----------------------------------------------------------------------------------------------------
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


# --- jobs that failed for good --------------------------------------------------------------------------------
def test_a_timed_start_that_failed_for_good_is_listed_and_tried_again(engine, monkeypatch):
    """It belongs to no instance, so no incident could show it. Its cycle went on: here all of its three times failed."""
    cycle = "<timerEventDefinition><timeCycle>R3/PT1H</timeCycle></timerEventDefinition>"
    engine.deploy({"p.bpmn": process(f'<startEvent id="timed">{cycle}</startEvent>' + user("a") + END + chain("timed", "a", "end"))})
    honest = instances.begin

    def unlucky(*args, **kw):
        raise RuntimeError("no luck")

    monkeypatch.setattr(instances, "begin", unlucky)
    engine.advance(7 * 3600)
    with engine.app.reading() as read:
        *missed, stuck = sorted(read.stuck_jobs(ANN).rows, key=lambda one: one.due_at)
        assert read.stuck_jobs(Actor("x", roles=frozenset({"auditor"}))).rows[0].stack is None
    assert [one.kind for one in missed] == ["missed", "missed"]
    assert (stuck.kind, stuck.element_id, stuck.cause) == ("start", "timed", "RuntimeError: no luck")
    assert "unlucky" in stuck.stack
    monkeypatch.setattr(instances, "begin", honest)
    with pytest.raises(InvalidInput):
        engine.app.execute(cmd.RetryJob(stuck.id, " "), ANN)
    with pytest.raises(NotAllowed):
        engine.app.execute(cmd.RetryJob(stuck.id, WHY), CLERK)
    for one in (*missed, stuck):
        do(engine, cmd.RetryJob(one.id, WHY))
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
