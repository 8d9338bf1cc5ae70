"""Hostile texts in every slot, hostile diagrams, failures that come twice: each ends soon, as a refusal or an incident that names the element.

What is asserted is what was done (steps, events, bytes) and computing time, not wall time: the machine may have other work. Every engine is
verified and re-executed when it closes, so each verdict below is also read back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from xml.sax.saxutils import escape

import pytest

from engine.bpmn import Limits
from engine.errors import DeploymentRejected
from engine.expressions import Limits as ExpressionLimits
from engine.expressions import SandboxEvaluator
from engine.model import events as ev
from engine.model import inputs
from engine.model.actors import SYSTEM
from engine.model.commands import ChangeVariables, RetryIncident
from engine.model.records import Record
from engine.testing import EmbeddedEngine
from tests.conformance.test_events import MESSAGE, SIGNAL, S, boundary, catch, end, escalation, event_sub, p, sub, throw, timer
from tests.support.bpmn_bench import Bench, definitions, flows, log, script

USER = '<userTask id="u"/>'
MERGE, FORK = '<exclusiveGateway id="m"/>', '<parallelGateway id="f"/>'
COMPUTING = 1.5  # seconds


def conditional(text: str) -> str:
    return f"<conditionalEventDefinition><condition>{escape(text)}</condition></conditionalEventDefinition>"


def multi(count: object, more: str = "", sequential: bool = False) -> str:
    start = f'<multiInstanceLoopCharacteristics isSequential="{str(sequential).lower()}">'
    return f"{start}<loopCardinality>{count}</loopCardinality>{more}</multiInstanceLoopCharacteristics>"


def until(text: str) -> str:
    return f"<completionCondition>{text}</completionCondition>"


# --- texts in slots ---------------------------------------------------------------------------------------------------
TEXTS = [
    "sum(range(10**10))",
    "9**9**9",
    "len([0] * 10**10)",
    "len('a' * 10**10)",
    "__import__('os').system('id')",
    "().__class__.__base__.__subclasses__()",
    "-" * 3000 + "1",
    "(lambda f: f(f))(lambda f: f(f))",
    "sorted([0] * 10**7)",
]
SLOTS: dict[str, Callable[[str], bytes]] = {
    "condition": lambda x: p(S, '<exclusiveGateway id="T"/><task id="a"/><task id="b"/>',
        f'<sequenceFlow id="F" sourceRef="T" targetRef="a"><conditionExpression>{x}</conditionExpression></sequenceFlow>', flows("s T", "T b if True")),
    "script": lambda x: p(S, f'<scriptTask id="T"><script>y = {x}</script></scriptTask>', flows("s T")),
    "assignee": lambda x: p(S, f'<userTask id="T" camunda:assignee="${{{x}}}"/>', flows("s T")),
    "due date": lambda x: p(S, f'<userTask id="T" camunda:dueDate="${{{x}}}"/>', flows("s T")),
    "timer date": lambda x: p(S, catch("T", timer(x, "timeDate")), flows("s T")),
    "timer duration": lambda x: p(S, catch("T", timer(x)), flows("s T")),
    "timer cycle": lambda x: p(S, catch("T", timer(x, "timeCycle")), flows("s T")),
    "cardinality": lambda x: p(S, f'<userTask id="T">{multi(x)}</userTask>', flows("s T")),
    "multi-instance condition": lambda x: p(S, f'<task id="T">{multi(2, until(x))}</task>', flows("s T")),
    "loop condition": lambda x: p(S, f'<task id="T"><standardLoopCharacteristics testBefore="true"><loopCondition>{x}</loopCondition>'
        "</standardLoopCharacteristics></task>", flows("s T")),
    "conditional catch": lambda x: p(S, catch("T", f"<conditionalEventDefinition><condition>{x}</condition></conditionalEventDefinition>"), flows("s T")),
    "conditional boundary": lambda x: p(S, USER, boundary("T", "u", f"<conditionalEventDefinition><condition>{x}</condition></conditionalEventDefinition>"), flows("s u")),
    "conditional start": lambda x: p(S, USER, event_sub("T", f"<conditionalEventDefinition><condition>{x}</condition></conditionalEventDefinition>", False), flows("s u")),
    "correlation key": lambda x: p(S, f'<intermediateCatchEvent id="T" camunda:correlationKey="${{{x}}}">{MESSAGE}</intermediateCatchEvent>', flows("s T")),
    "activation condition": lambda x: p(S, f'<complexGateway id="T"><activationCondition>{x}</activationCondition></complexGateway>', FORK,
        flows("s f", "f T"), '<sequenceFlow id="f2" sourceRef="f" targetRef="T"/>'),
    "ad-hoc condition": lambda x: p(S, f'<adHocSubProcess id="T"><task id="x"/><task id="y"/>{until(x)}</adHocSubProcess>', flows("s T")),
    "call parameter": lambda x: definitions(f'<process id="p">{S}<callActivity id="T" calledElement="q"><extensionElements><camunda:in sourceExpression='
        f'"${{{x}}}" target="b"/></extensionElements></callActivity>{flows("s T")}</process><process id="q"><startEvent id="qs"/></process>'),
    "transformation": lambda x: p(S, f'<task id="T"><dataInputAssociation><targetRef>zz</targetRef><transformation>{x}</transformation></dataInputAssociation></task>', flows("s T")),
    "called process": lambda x: p(S, f'<callActivity id="T" calledElement="${{{x}}}"/>', flows("s T")),
    "signal name": lambda x: definitions(f'<signal id="G" name="${{{x}}}"/><process id="p">{S}{throw("T", SIGNAL)}{flows("s T")}</process>'),
}  # fmt: skip


@pytest.fixture(scope="module")
def quick() -> Iterator[SandboxEvaluator]:
    """Stops a text after 0.3 s instead of 1 s: 180 of them are tried."""
    made = SandboxEvaluator(ExpressionLimits(seconds=0.3), processes=1)
    yield made
    made.close()


def set_variables(engine: EmbeddedEngine, one: str, **values: object) -> None:
    engine.app.execute(ChangeVariables(one, values, "test"), SYSTEM)


def named(engine: EmbeddedEngine, one: str) -> set[str]:
    with engine.app.reading() as read:
        return {incident.element_id for incident in read.incidents(SYSTEM, one, open_only=True)}


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:30])
@pytest.mark.parametrize("slot", SLOTS)
def test_a_hostile_text_ends_as_refusal_or_incident_of_its_element(slot: str, text: str, quick: SandboxEvaluator) -> None:
    xml = SLOTS[slot](escape(text, {'"': "&quot;"}))
    with EmbeddedEngine(evaluator=quick) as engine:
        began = time.thread_time()
        try:
            engine.deploy({"p.bpmn": xml})
        except DeploymentRejected as refused:
            found = {problem.element_id for problem in refused.problems if problem.severity == "error"}
        else:
            found = named(engine, engine.start("p"))
        assert time.thread_time() - began < COMPUTING
        assert found & {"T", "F", "T-s"}
        assert found <= {"T", "F", "T-s", "s", "u", "x", "y"}  # with the element whose turn it was when the command's time was used up


# --- conditional events -------------------------------------------------------------------------------------------------
def test_a_condition_waits_for_its_variables_without_an_incident() -> None:
    xml = p(S, "<dataObject id='d' name='x'/>", catch("c", conditional("x + y > 5")), log("a"), flows("s c", "c a"))
    bench = Bench(xml).start()
    assert bench.error is None  # x is null, y does not exist
    bench.do(inputs.SetVariables({"x": 3}))
    assert bench.error is None
    assert bench.do(inputs.SetVariables({"y": 3})).lines == ["a"]


def test_a_condition_that_fails_is_an_incident_of_its_event_until_it_can_be_evaluated() -> None:
    xml = p(S, USER, boundary("c", "u", conditional("10 / n > 3")), log("a"), flows("s u", "c a"))
    bench = Bench(xml).start(n=0)
    (incident,) = bench.of(ev.IncidentRaised)
    assert (incident.element, "ZeroDivisionError" in incident.cause) == ("c", True)
    bench.do(inputs.SetVariables({"other": 1}))
    assert len(bench.of(ev.IncidentRaised)) == 1
    bench.do(inputs.SetVariables({"n": 5}))
    assert (bench.error, bench.lines, bench.of(ev.IncidentResolved)) == (None, [], [ev.IncidentResolved(incident.key)])
    assert bench.do(inputs.SetVariables({"n": 2})).lines == ["a"]


def test_an_incident_of_a_condition_goes_with_what_waits_for_it() -> None:
    bench = Bench(p(S, USER, boundary("c", "u", conditional("1 / n > 3")), flows("s u"))).start(n=0)
    assert bench.complete("u").state == "completed"
    assert len(bench.of(ev.IncidentResolved)) == 1


def test_a_condition_that_was_stopped_is_not_evaluated_again_before_a_retry() -> None:
    with EmbeddedEngine(evaluator=SandboxEvaluator(ExpressionLimits(seconds=0.3), processes=1)) as engine:
        engine.deploy(
            {"p.bpmn": p(S, USER, event_sub("h", conditional("n > 1 and sum(range(10**10)) > 0"), False, log("a"), flows("h-s a")), flows("s u"))}
        )
        one = engine.start("p", {"n": 2})
        assert named(engine, one) == {"h-s"}
        set_variables(engine, one, x=1)
        set_variables(engine, one, n=0)
        assert stops(engine, one) == [1, 0, 0]
        (incident,) = incidents(engine, one)
        engine.app.execute(RetryIncident(incident, "repaired"), SYSTEM)
        assert named(engine, one) == set()


# --- two failures of one element in one record ----------------------------------------------------------------------------
TWO_TOKENS = FORK + flows("s f", "f T", "T z") + '<sequenceFlow id="f2" sourceRef="f" targetRef="T"/>'


def test_a_complex_gateway_that_fails_twice_in_a_record_stands_with_one_incident() -> None:
    xml = p(
        S, '<complexGateway id="T"><activationCondition>activationCount + missing > 1</activationCondition></complexGateway>', log("z"), TWO_TOKENS
    )
    with EmbeddedEngine(functions={"log": print}) as engine:
        engine.deploy({"p.bpmn": xml})
        one = engine.start("p")
        assert named(engine, one) == {"T"}
        (incident,) = incidents(engine, one)
        engine.app.execute(RetryIncident(incident, "repaired"), SYSTEM)
        assert (named(engine, one), engine.instance(one).state) == ({"T"}, "active")
        set_variables(engine, one, missing=0)
        engine.app.execute(RetryIncident(incident, "repaired"), SYSTEM)
        assert engine.instance(one).state == "completed"


@pytest.mark.parametrize("sequential", [False, True])
def test_a_completion_condition_that_fails_loses_no_output(sequential: bool) -> None:
    output = '<loopDataOutputRef>out</loopDataOutputRef><outputDataItem id="o"/>'
    task = script("t", "o = loopCounter * 10", multi(3, output + until("missing > 1"), sequential))
    with EmbeddedEngine(functions={"log": print}) as engine:
        engine.deploy({"p.bpmn": p(S, task, log("z"), flows("s t", "t z"))})
        one = engine.start("p")
        assert named(engine, one) == {"t"}
        set_variables(engine, one, missing=0)
        engine.app.execute(RetryIncident(incidents(engine, one)[0], "repaired"), SYSTEM)
        assert (engine.instance(one).state, engine.variables(one)["out"]) == ("completed", [0, 10, 20])


def test_an_event_of_the_first_completion_is_thrown_once_although_what_follows_fails() -> None:
    event = '<escalationEventDefinition id="first" escalationRef="C1"/>'
    loop = (
        '<multiInstanceLoopCharacteristics behavior="One" oneBehaviorEventRef="first"><loopCardinality>2</loopCardinality>'
        f"{until('missing > 1')}</multiInstanceLoopCharacteristics>"
    )
    xml = p(S, f'<task id="t">{loop}</task>', boundary("b", "t", event, False), log("a"), flows("s t", "b a"))
    bench = Bench(xml).start()
    (incident,) = bench.of(ev.IncidentRaised)
    bench.do(inputs.SetVariables({"missing": 0})).do(inputs.RetryElement(incident.key))
    assert (bench.state, bench.lines) == ("completed", ["a"])


def test_an_ad_hoc_condition_that_fails_twice_in_a_record() -> None:
    xml = p(S, f'<adHocSubProcess id="T"><task id="x"/><task id="y"/>{until("missing > 1")}</adHocSubProcess>', flows("s T"))
    with EmbeddedEngine() as engine:
        engine.deploy({"p.bpmn": xml})
        assert named(engine, engine.start("p")) == {"T"}


# --- diagrams that go on for ever -------------------------------------------------------------------------------------------
ENDLESS = {
    "loop": p(S, MERGE, '<task id="a"/>', flows("s m", "m a", "a m")),
    "loop of scripts": p(S, MERGE, script("a", "x = 1"), flows("s m", "m a", "a m")),
    "fork in a loop": p(S, MERGE, FORK, '<task id="a"/><task id="b"/>', flows("s m", "m f", "f a", "f b", "a m", "b m")),
    "fork that leaves tasks": p(S, MERGE, FORK, USER, '<task id="b"/>', flows("s m", "m f", "f u", "f b", "u m", "b m")),
    "self-calling": p(S, '<callActivity id="c" calledElement="p"/>', flows("s c")),
    "a thousand self-calling": p(S, f'<callActivity id="c" calledElement="p">{multi(1000)}</callActivity>', flows("s c")),
    "two self-calling": p(S, f'<callActivity id="c" calledElement="p">{multi(2)}</callActivity>', flows("s c")),
    "a million instances": p(S, f'<task id="c">{multi(10**6)}</task>', flows("s c")),
    "many instances": p(S, f'<task id="c">{multi(10**5)}</task>', flows("s c")),
    "many instances in sequence": p(S, f'<task id="c">{multi(10**5, sequential=True)}</task>', flows("s c")),
    "instances of instances": p(S, sub("b", f'<task id="t">{multi(1000)}</task>', multi(1000)), flows("s b")),
    "standard loop": p(S, '<task id="c"><standardLoopCharacteristics><loopCondition>True</loopCondition></standardLoopCharacteristics></task>', flows("s c")),
    "signal that starts its thrower": p(S, USER, event_sub("h", SIGNAL, False, throw("a", SIGNAL), flows("h-s a")), throw("t", SIGNAL), FORK, flows("s f", "f u", "f t")),
    "condition that flips": p(S, USER, event_sub("h", conditional("x % 2 == 0"), False, script("a", "x = x + 1"), script("b", "x = x + 1"), flows("h-s a", "a b")),
                              script("t", "x = 0"), FORK, flows("s f", "f u", "f t")),
    "ten endless scripts": p(S, FORK, *[script(f"t{n}", "while True: pass") + flows(f"f t{n}") for n in range(10)], flows("s f")),
    "text that doubles": p(S, MERGE, script("a", "x = (x if n else 'a' * 1000) * 2\nn = 1"), flows("s m", "m a", "a m")),
    "large values again and again": p(S, MERGE, script("a", "n = n + 1\nx = [str(n) * 50] * 20000"), flows("s m", "m a", "a m")),
    "large values read by conditions": p(S, script("i", "x = ['a' * 50] * 20000"), MERGE, '<exclusiveGateway id="g" default="g-e"/>', end("e"),
                                         flows("s i", "i m", "m g", "g m if len(x) > 1", "g e")),
    "tokens that multiply": p(S, *[f'<task id="t{n}" completionQuantity="1000"/>' for n in range(4)], flows("s t0", "t0 t1", "t1 t2", "t2 t3")),
    "boundary event in a loop": p(S, MERGE, sub("b", '<startEvent id="bs"/>', end("be", escalation("C1")), flows("bs be")), boundary("k", "b", escalation("C1"), False),
                                  flows("s m", "m b", "b m", "k m")),
    "inclusive gateways in a loop": p(S, '<inclusiveGateway id="g"/><inclusiveGateway id="h"/><task id="a"/><task id="b"/>', MERGE,
                                      flows("s m", "m g", "g a if True", "g b if True", "a h", "b h", "h m")),
}  # fmt: skip


def records(engine: EmbeddedEngine, one: str) -> list[Record]:
    with engine.app.reading() as read:
        return list(read.records(SYSTEM, one))


def stops(engine: EmbeddedEngine, one: str) -> list[int]:
    """Verdicts on time in each record."""
    return [sum(call.name == "$stopped" for call in record.calls) for record in records(engine, one)]


def incidents(engine: EmbeddedEngine, one: str) -> list[str]:
    with engine.app.reading() as read:
        return sorted({incident.id for incident in read.incidents(SYSTEM, one, open_only=True)})


@pytest.mark.parametrize("name", ENDLESS)
def test_an_endless_diagram_ends_with_an_incident(name: str) -> None:
    with EmbeddedEngine() as engine:
        engine.deploy({"p.bpmn": ENDLESS[name]})
        began = time.thread_time()
        one = engine.start("p", {"n": 0})
        spent = time.thread_time() - began
        (record, *_) = records(engine, one)
        assert named(engine, one)
        assert engine.instance(one).state == "active"
        assert len(record.events) <= 85_000
        assert len(record.body) < 12_000_000
        if not name.startswith("signal"):  # what it sent to other instances is delivered here too, in commands of their own
            assert spent < 4 * COMPUTING  # processor time is longer, too, while the machine does other work


def test_each_budget_of_a_command_stops_it() -> None:
    loop = ENDLESS["loop of scripts"]
    bench = Bench(loop, limits=Limits(steps=50)).start()
    assert "50 steps" in (bench.error or "")
    assert bench.trace().count("a") == 16  # gateway, script and its evaluation
    assert "50 events" in (Bench(loop, limits=Limits(events=50)).start().error or "")
    large = p(S, MERGE, script("a", "x = [n] * 1000\nn = n + 1"), flows("s m", "m a", "a m"))
    assert "50000 bytes" in (Bench(large, limits=Limits(value_bytes=50_000)).start(n=0).error or "")
    sending = p(S, MERGE, throw("a", SIGNAL), flows("s m", "m a", "a m"))
    bench = Bench(sending, limits=Limits(events=1000)).start()
    assert 10 < len(bench.of(ev.SignalSent)) < 20  # each makes a job that others must answer


def test_a_retry_goes_on_with_a_new_budget() -> None:
    xml = p(S, f'<task id="t">{multi(100, sequential=True)}</task>', log("z"), flows("s t", "t z"))
    bench = Bench(xml, limits=Limits(steps=60)).start()
    for _ in range(5):
        if bench.state == "active":
            bench.do(inputs.RetryElement(bench.of(ev.IncidentRaised)[-1].key))
    assert (bench.state, bench.lines) == ("completed", ["z"])


# --- time is a verdict in the record ---------------------------------------------------------------------------------------
SLOW = p(S, script("t", "x = sum(i % 7 for i in range(count))"), log("z"), flows("s t", "t z"))


def slower(engine: EmbeddedEngine, seconds: float) -> SandboxEvaluator:
    """From now on expressions get so little time."""
    made = SandboxEvaluator(ExpressionLimits(seconds=seconds), processes=1)
    made.evaluate("sum([1])", {}, {}, engine.clock.now())
    engine.app.services.library.interpreter.evaluator = made
    return made


def test_an_expression_that_finished_live_finishes_in_re_execution_on_a_slower_machine() -> None:
    with EmbeddedEngine(functions={"log": print}) as engine:
        engine.deploy({"p.bpmn": SLOW})
        one = engine.start("p", {"count": 400_000})
        assert engine.instance(one).state == "completed"
        other = slower(engine, 0.05)
        refused = engine.start("p", {"count": 4_000_000})
        assert "too long" in (engine.instance(refused).error or "")
        engine.check()
        other.close()


def test_an_expression_that_was_stopped_live_is_not_run_again() -> None:
    with EmbeddedEngine(functions={"log": print}) as engine:
        engine.deploy({"p.bpmn": SLOW})
        other = slower(engine, 0.02)
        one = engine.start("p", {"count": 300_000})
        assert stops(engine, one) == [1]
        engine.app.services.library.interpreter.evaluator = None  # re-execution does not need one
        engine.check()
        engine.app.services.library.interpreter.evaluator = other


def test_scripts_of_one_command_share_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.application.stopwatch._computed", lambda _: None)  # wall time, which does not depend on what else the machine does
    with EmbeddedEngine() as engine:
        engine.deploy({"p.bpmn": ENDLESS["ten endless scripts"]})
        one = engine.start("p", {"n": 0})
        assert stops(engine, one) == [2]  # one script, then the command
        assert "used up its time" in (engine.instance(one).error or "")
        engine.cancel(one)
