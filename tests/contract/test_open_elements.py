"""What operators are told of open elements: each once, with everything that it waits for, and exactly the acts that succeed."""

from __future__ import annotations

import pytest

from engine.errors import Refusal
from engine.model import commands as cmd
from engine.model.actors import SYSTEM, Actor
from engine.testing import EmbeddedEngine
from tests.support.diagrams import END, START, chain, document, user

ANN = Actor("ann", "Ann", roles=frozenset({"operator"}))
WHY = "the customer called"
LATER = "<timerEventDefinition><timeDuration>P21D</timeDuration></timerEventDefinition>"
PAID = '<messageEventDefinition messageRef="m"/>'
STOP = '<signalEventDefinition signalRef="s"/>'
ENOUGH = "<conditionalEventDefinition><condition>n / d > 3</condition></conditionalEventDefinition>"
BROKEN = '<errorEventDefinition errorRef="e"/>'
FORK, JOIN = '<parallelGateway id="fork"/>', '<parallelGateway id="join"/>'
TRIPLE = "<multiInstanceLoopCharacteristics><loopCardinality>3</loopCardinality></multiInstanceLoopCharacteristics>"
REST = user("other") + END + chain("other", "end")
SERVICE = '<serviceTask id="do" flowledger:handler="nobody.has.it"/>'


def catch(element, definition):
    return f'<intermediateCatchEvent id="{element}">{definition}</intermediateCatchEvent>'


def boundary(element, host, definition, *, interrupting="true"):
    return f'<boundaryEvent id="{element}" attachedToRef="{host}" cancelActivity="{interrupting}">{definition}</boundaryEvent>' + chain(
        element, "end"
    )


def diagram(*parts):
    names = '<message id="m" name="paid"/><signal id="s" name="stop"/><error id="e" errorCode="broken"/>'
    return document(names, '<process id="p" isExecutable="true">', START, *parts, REST, "</process>")


def sub(*parts, extra=""):
    return f'<subProcess id="sub" {extra}>{"".join(parts)}</subProcess>'


EVENTS = diagram(
    FORK,
    *(catch(name, definition) for name, definition in (("t", LATER), ("m1", PAID), ("s1", STOP), ("c", ENOUGH))),
    chain("start", "fork", "t", "end") + chain("fork", "m1", "end") + chain("fork", "s1", "end") + chain("fork", "c", "end"),
)
RACE = diagram(
    '<eventBasedGateway id="race"/>', catch("t", LATER), catch("m1", PAID), chain("start", "race", "t", "end") + chain("race", "m1", "end")
)
BESIDE = diagram(
    user("a"),
    boundary("late", "a", LATER),
    boundary("word", "a", PAID, interrupting="false"),
    boundary("no", "a", BROKEN),
    chain("start", "a", "end"),
)
SEVERAL = diagram(user("a", inner=TRIPLE), boundary("late", "a", LATER), chain("start", "a", "end"))
INSIDE = diagram(
    FORK,
    JOIN,
    sub('<startEvent id="in_start"/>', user("in_a"), user("in_other"), chain("in_start", "in_a")),
    '<scriptTask id="sum"><script>x = 1 / 0</script></scriptTask>',
    chain("start", "fork", "sub", "join", "end") + chain("fork", "sum", "end") + chain("fork", "join"),
)
ARMED = diagram(
    user("a"),
    sub(f'<startEvent id="watch">{LATER}</startEvent>', user("in_a"), chain("watch", "in_a"), extra='triggeredByEvent="true"'),
    chain("start", "a", "end"),
)
WORK = diagram(SERVICE, boundary("no", "do", BROKEN), chain("start", "do", "end"))
UNCAUGHT = diagram(SERVICE, chain("start", "do", "end"))
RECEIVE = diagram('<receiveTask id="r" messageRef="m"/>', boundary("no", "r", BROKEN), chain("start", "r", "end"))
TURN = diagram(user("a", 'camunda:asyncBefore="true"'), chain("start", "a", "end"))
UNDO = diagram(
    '<scriptTask id="book"><script>b = 1</script></scriptTask>',
    '<boundaryEvent id="back" attachedToRef="book"><compensateEventDefinition/></boundaryEvent>',
    user("unbook", 'isForCompensation="true"'),
    '<association id="as" associationDirection="One" sourceRef="back" targetRef="unbook"/>',
    '<intermediateThrowEvent id="undo"><compensateEventDefinition/></intermediateThrowEvent>',
    chain("start", "book", "undo", "end"),
)
LOOP = diagram(
    user("a", inner=TRIPLE.replace("</multi", "<completionCondition>1 / d > 0</completionCondition></multi")),
    chain("start", "a", "end"),
)
KNOWN = {"n": 1, "d": 0}


def begin(engine: EmbeddedEngine, *, due=True) -> str:
    instance = engine.app.execute(cmd.Start("p", variables=KNOWN), SYSTEM).instance_id
    if due:
        engine.app.run_due()
    return instance


def shown(engine, instance):
    with engine.app.reading() as read:
        return read.open_elements(SYSTEM, instance)


def told(engine, instance):
    """(element, what it waits for itself, [(where, what, its name, at the boundary?)])."""
    return [
        (one.element_id, one.waits_for, [(wait.element_id, wait.kind, wait.name, wait.boundary) for wait in one.waits])
        for one in shown(engine, instance)
    ]


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        (
            EVENTS,
            [
                ("t", "timer", [("t", "timer", "", False)]),
                ("m1", "message", [("m1", "message", "paid", False)]),
                ("s1", "signal", [("s1", "signal", "stop", False)]),
                ("c", "condition", [("c", "condition", "n / d > 3", False)]),
            ],
        ),
        (RACE, [("race", "events", [("m1", "message", "paid", False), ("t", "timer", "", False)])]),
        (BESIDE, [("a", "task", [("a", "task", "", False), ("late", "timer", "", True), ("word", "message", "paid", True)])]),
        (SEVERAL, [("a", "task", [("a", "task", "", False), ("late", "timer", "", True)])] * 3),
        (INSIDE, [("sub", "scope", []), ("sum", "incident", []), ("join", "join", []), ("in_a", "task", [("in_a", "task", "", False)])]),
        (ARMED, [("a", "task", [("a", "task", "", False)]), ("watch", "timer", [("watch", "timer", "", False)])]),
        (WORK, [("do", "job", [("do", "job", "nobody.has.it", False)])]),
        (RECEIVE, [("r", "message", [("r", "message", "paid", False)])]),
        (TURN, [("a", "continuation", [("a", "continuation", "", False)])]),
        (UNDO, [("undo", "compensation", []), ("unbook", "task", [("unbook", "task", "", False)])]),
    ],
    ids=["events", "race", "boundary", "multi-instance", "scope", "event subprocess", "job", "receive", "boundary of transactions", "compensation"],
)
def test_each_open_element_stands_there_once_with_what_it_waits_for(engine, xml, expected):
    engine.deploy({"p.bpmn": xml})
    instance = begin(engine, due=xml is not TURN)
    assert sorted(told(engine, instance)) == sorted(expected)
    ids = [one.id for one in shown(engine, instance)]
    assert len(set(ids)) == len(ids)


ACTS = {
    "retry": lambda work, _: cmd.RetryIncident(work, WHY),
    "complete": lambda work, _: cmd.CompleteByHand(work, WHY),
    "error": lambda work, _: cmd.FailByHand(work, WHY, "broken"),
    "fail": lambda work, _: cmd.FailByHand(work, WHY),
    "move": lambda work, element: cmd.MoveToken(work, "in_other" if element.startswith("in_") else "other", WHY, element=element),
}


def succeeds(engine, command):
    try:
        engine.app.execute(command, ANN)
    except Refusal:
        return False
    return True


def handles(one):
    """What acts can name: the element itself, and what it waits for under another id. (id's key, element, kind, acts)"""
    own = [(one.id, one.element_id, one.waits_for, one.acts)]
    own += [(wait.id, wait.element_id, wait.kind, wait.acts) for wait in one.waits if wait.id != one.id]
    return [(work.rpartition("-")[2], *rest) for work, *rest in own]


@pytest.mark.parametrize(
    "xml",
    [EVENTS, RACE, BESIDE, SEVERAL, INSIDE, ARMED, WORK, UNCAUGHT, RECEIVE, TURN, UNDO],
    ids=["events", "race", "boundary", "multi-instance", "scope", "armed", "job", "uncaught", "receive", "turn", "undo"],
)
def test_exactly_the_acts_that_succeed_are_offered(engine, xml):
    engine.deploy({"p.bpmn": xml})
    due = xml is not TURN
    found = [one for element in shown(engine, begin(engine, due=due)) for one in handles(element)]
    assert any(acts for *_, acts in found)
    for key, element, kind, acts in found:
        assert set(acts) <= set(ACTS)
        for act, command in ACTS.items():
            fires = kind in ("timer", "continuation")
            if fires and act in ("complete", "fail") and act not in acts:
                continue  # more than is offered: the element of a lone timer stands for the timer; a timer can be stopped
            instance = begin(engine, due=due)
            assert succeeds(engine, command(f"{instance}-{key}", element)) == (act in acts), (key, element, kind, act)


PLACES = diagram(
    FORK,
    JOIN,
    user("a"),
    user("b"),
    boundary("late", "a", LATER),
    user("twice", 'startQuantity="2"'),
    sub('<startEvent id="in_start"/>', user("in_a"), chain("in_start", "in_a")),
    f'<subProcess id="watch" triggeredByEvent="true"><startEvent id="when">{STOP}</startEvent>{user("in_w")}{chain("when", "in_w")}</subProcess>',
    f'<startEvent id="called">{PAID}</startEvent>',
    chain("start", "fork", "a", "join", "sub", "end") + chain("fork", "b", "join") + chain("called", "twice", "end"),
)


def test_exactly_the_places_that_a_token_can_be_moved_to_are_offered(engine):
    engine.deploy({"p.bpmn": PLACES})
    places = ("start", "called", "fork", "join", "a", "b", "late", "twice", "sub", "in_a", "watch", "when", "in_w", "other", "end")
    instance = begin(engine)
    one = shown(engine, instance)[0]
    key = int(one.id.rpartition("-")[2])
    with engine.app.reading() as read:
        offered = read.move_targets(SYSTEM, instance, key)
    taken = {place for place in places if succeeds(engine, cmd.MoveToken(f"{begin(engine)}-{key}", place, WHY))}
    assert (one.element_id, set(offered), len(offered)) == ("a", taken, len(taken))
    assert {"a", "b", "fork", "sub", "other"} <= taken
    engine.app.execute(cmd.Suspend(instance, WHY), ANN)
    with engine.app.reading() as read:
        assert read.move_targets(SYSTEM, instance, key) == ()


def test_a_suspended_instance_takes_none(engine):
    engine.deploy({"p.bpmn": BESIDE})
    instance = begin(engine)
    engine.app.execute(cmd.Suspend(instance, WHY), ANN)
    [one] = shown(engine, instance)
    assert [one.acts, *(wait.acts for wait in one.waits)] == [()] * 4
    assert [wait.state for wait in one.waits] == ["", "suspended", ""]


def test_a_timer_fires_by_the_work_id_of_the_timer_and_of_the_element_that_waits_for_it_alone(engine):
    engine.deploy({"p.bpmn": EVENTS, "q.bpmn": RACE.replace(b'process id="p"', b'process id="q"')})
    for by in ("element", "timer"):
        instance = begin(engine)
        one = next(one for one in shown(engine, instance) if one.element_id == "t")
        [timer] = one.waits
        assert (one.due, one.state, one.retries) == (timer.due, "due", 3)
        engine.app.execute(cmd.CompleteByHand(one.id if by == "element" else timer.id, WHY), ANN)
        assert "t" in engine.trace(instance)
    race = engine.start("q")
    [one] = shown(engine, race)
    assert not succeeds(engine, cmd.CompleteByHand(one.id, WHY)), "which of both?"
    [timer] = [wait.id for wait in one.waits if wait.kind == "timer"]
    engine.app.execute(cmd.CompleteByHand(timer, WHY), ANN)
    assert engine.trace(race)[-2:] == ["t", "end"]


def test_what_stands_at_a_boundary_or_in_a_condition_is_tried_again_there(engine):
    engine.deploy({"p.bpmn": EVENTS})
    instance = begin(engine)
    one = next(one for one in shown(engine, instance) if one.element_id == "c")
    [condition] = one.waits
    assert (one.acts, condition.acts) == (("move",), ("retry",)), "n / 0 fails"
    engine.app.execute(cmd.RetryIncident(condition.id, WHY, {"n": 8, "d": 2}), ANN)
    assert "c" in engine.trace(instance)


def test_a_loop_that_stands_is_shown_although_no_iteration_of_it_is_open(engine):
    engine.deploy({"p.bpmn": LOOP})
    instance = begin(engine)
    engine.complete(engine.user_tasks(instance)[0].id)
    loop = next(one for one in shown(engine, instance) if one.waits_for == "incident")
    assert (loop.element_id, loop.acts) == ("a", ("retry",))
    engine.app.execute(cmd.RetryIncident(loop.id, WHY, {"d": 1}), ANN)
    assert shown(engine, instance) == []
