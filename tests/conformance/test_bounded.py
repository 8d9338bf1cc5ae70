"""Bounds of a command: failures that come twice, budgets that are used up, time as a verdict. What hostile files come to is in `test_hostile.py`.

Every engine is verified and re-executed when it closes, so each verdict below is also read back.
"""

from __future__ import annotations

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
from tests.conformance.test_events import SIGNAL, S, boundary, catch, event_sub, p, throw
from tests.support.bpmn_bench import Bench, flows, log, script
from tests.support.hostile_diagrams import CASES, FORK, MERGE, USER, circle, conditional, multi, until


def set_variables(engine: EmbeddedEngine, one: str, **values: object) -> None:
    engine.app.execute(ChangeVariables(one, values, "test"), SYSTEM)


def named(engine: EmbeddedEngine, one: str) -> set[str]:
    with engine.app.reading() as read:
        return {incident.element_id for incident in read.incidents(SYSTEM, one, open_only=True)}


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


# --- budgets -----------------------------------------------------------------------------------------------------------------
def records(engine: EmbeddedEngine, one: str) -> list[Record]:
    with engine.app.reading() as read:
        return list(read.records(SYSTEM, one))


def stops(engine: EmbeddedEngine, one: str) -> list[int]:
    """Verdicts on time in each record."""
    return [sum(call.name == "$stopped" for call in record.calls) for record in records(engine, one)]


def incidents(engine: EmbeddedEngine, one: str) -> list[str]:
    with engine.app.reading() as read:
        return sorted({incident.id for incident in read.incidents(SYSTEM, one, open_only=True)})


def test_each_budget_of_a_command_stops_it() -> None:
    loop = circle(script("a", "x = 1"), path="a")
    bench = Bench(loop, limits=Limits(steps=50)).start()
    assert "50 steps" in (bench.error or "")
    assert bench.trace().count("a") == 16  # gateway, script and its evaluation
    assert "50 events" in (Bench(loop, limits=Limits(events=50)).start().error or "")
    large = p(S, MERGE, script("a", "x = [n] * 1000\nn = n + 1"), flows("s m", "m a", "a m"))
    assert "50000 bytes" in (Bench(large, limits=Limits(value_bytes=50_000)).start(n=0).error or "")
    sending = p(S, MERGE, throw("a", SIGNAL), flows("s m", "m a", "a m"))
    bench = Bench(sending, limits=Limits(events=1000)).start()
    assert 10 < len(bench.of(ev.SignalSent)) < 20  # each makes a job that others must answer


def test_looks_and_crowds_have_their_price() -> None:
    waiting = p(S, FORK, *[catch(f"c{n}", conditional("x > 1")) + flows(f"f c{n}") for n in range(50)], flows("s f"))
    assert "steps" in (
        Bench(waiting, limits=Limits(steps=250)).start(x=0).error or ""
    )  # 53 steps, 12 for the crowd, 50 looks of which each costs four
    bench = Bench(waiting, limits=Limits(steps=280)).start(x=0)  # a condition that begins to wait is no reason to look at all the others
    assert bench.error is None
    assert len(bench.do(inputs.SetVariables({"x": 2})).trace()) == 52
    crowd = p(S, f'<userTask id="t">{multi(400)}</userTask>', flows("s t"))
    bench = Bench(crowd, limits=Limits(steps=100), roundtrip=False).start()
    assert len(bench.open_tasks()) < 5


def test_what_was_deployed_once_goes_on_although_limits_have_become_stricter() -> None:
    with EmbeddedEngine(functions={"log": print}) as engine:
        engine.deploy({"p.bpmn": p(S, USER, script("a", "x = [one for one in (1, 2)]"), flows("s u", "u a"))})
        one = engine.start("p")
        library = engine.app.services.library
        library.interpreter.limits = Limits(file_elements=3, expressions=0)
        library._models._held.clear()
        engine.app.services.live.take(one)
        [task] = engine.user_tasks(one)
        engine.complete(task.id)
        assert engine.instance(one).state == "completed"
        with pytest.raises(DeploymentRejected):
            engine.deploy({"p.bpmn": p(S, '<task id="t"/>', flows("s t"))})


def test_the_first_instance_takes_the_model_that_was_judged() -> None:
    with EmbeddedEngine() as engine:
        engine.deploy({"p.bpmn": p(S, USER, flows("s u"))})
        engine.app.services.library.interpreter.compile = lambda *_, **__: pytest.fail("it is compiled already")  # type: ignore[method-assign]
        engine.start("p")


def test_counts_stop_re_execution_where_they_stopped_the_command_whatever_is_allowed_then() -> None:
    with EmbeddedEngine() as engine:
        engine.app.services.library.interpreter.limits = Limits(steps=50)
        engine.deploy({"p.bpmn": circle(script("a", "x = 1"), path="a")})
        one = engine.start("p", {"n": 0})
        assert stops(engine, one) == [1]
        for allowed in (10, 5_000):
            engine.app.services.library.interpreter.limits = Limits(steps=allowed)
            engine.check()


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
        engine.deploy({"p.bpmn": CASES["ten endless scripts"].files()["p.bpmn"]})
        one = engine.start("p", {"n": 0})
        assert stops(engine, one) in ([2], [3])  # one script, perhaps what a second one has left, then the command
        assert "used up its time" in (engine.instance(one).error or "")
        engine.cancel(one)
