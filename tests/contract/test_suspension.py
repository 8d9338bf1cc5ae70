"""Suspended instances and definitions: everything waits and nothing is lost, whatever comes meanwhile.

Every engine here is verified and re-executed when it closes (tests/conftest.py), so each act replays.
"""

from __future__ import annotations

from functools import partial

import pytest
import sqlalchemy as sa

from engine.errors import Conflict, DefinitionSuspended, InstanceSuspended
from engine.model import commands as cmd
from engine.model.actors import SYSTEM
from engine.projections.rebuild import rebuild
from engine.store import tables
from tests.support.diagrams import END, START, chain, document, process, user
from tests.support.operators import ANN, WHY, count, do, elements, incident, service
from tests.support.racing import raised, together

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


# --- instances ----------------------------------------------------------------------------------------------------
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


# --- definitions ---------------------------------------------------------------------------------------------------------
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


# --- races ----------------------------------------------------------------------------------------------------
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
