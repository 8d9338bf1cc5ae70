"""Bounds end in incidents or refusals, never in a hang; incidents are open until the element goes on or away."""

from __future__ import annotations

import pytest

from engine.bpmn import Limits
from engine.errors import Conflict, InstanceNotActive, InvalidInput, NotFound
from engine.model import events as ev
from engine.model import inputs
from tests.support.bpmn_bench import Bench, flows, log, process, script

S = '<startEvent id="s"/>'
ENDLESS = process(S, '<exclusiveGateway id="m"/>', log("a"), flows("s m", "m a", "a m"))


def test_an_endless_loop_is_stopped_with_an_incident_and_can_be_cancelled() -> None:
    bench = Bench(ENDLESS, limits=Limits(steps=500)).start()
    assert bench.state == "active"
    assert "500 steps" in (bench.error or "")
    (incident,) = bench.of(ev.IncidentRaised)
    assert incident.element in ("a", "m")
    bench.do(inputs.RetryElement(incident.key))
    assert len(bench.of(ev.IncidentRaised)) == 2
    assert bench.do(inputs.CancelInstance("enough")).state == "cancelled"
    assert isinstance(bench.events[-1], ev.InstanceCancelled)


def test_an_explosion_of_tokens_is_stopped() -> None:
    xml = process(
        S,
        '<parallelGateway id="f"/>',
        '<exclusiveGateway id="m"/>',
        flows("s m", "m f", "f m") + '<sequenceFlow id="x" sourceRef="f" targetRef="m"/>',
    )
    bench = Bench(xml, limits=Limits(elements=50, steps=5000), roundtrip=False).start()
    assert "50 elements" in (bench.error or "")
    assert len(bench.execution.top.tokens) <= 50


def test_cardinality_is_bounded() -> None:
    loop = "<multiInstanceLoopCharacteristics><loopCardinality>n</loopCardinality></multiInstanceLoopCharacteristics>"
    bench = Bench(process(S, script("t", "pass", loop), flows("s t")), limits=Limits(cardinality=10))
    assert bench.start(n=10).state == "completed"
    assert "the limit is 10" in (bench.start(n=11).error or "")


def test_script_failure_and_retry() -> None:
    bench = Bench(process(S, script("t", "y = 1 / x"), log("z"), flows("s t", "t z"))).start(x=0)
    (incident,) = bench.of(ev.IncidentRaised)
    assert "ZeroDivisionError" in incident.cause
    assert bench.error == incident.cause
    with pytest.raises(Conflict):
        bench.execution.apply(inputs.RetryElement(999), bench.now, bench._call)
    bench.do(inputs.SetVariables({"x": 2}, reason="typo")).do(inputs.RetryElement(incident.key))
    assert (bench.lines, bench.error, bench.variables) == (["z"], None, {"x": 2, "y": 0.5})
    assert bench.of(ev.IncidentResolved) == [ev.IncidentResolved(incident.key)]


def test_a_script_is_not_repeated_when_only_the_condition_after_it_failed() -> None:
    xml = process(S, '<scriptTask id="t" default="t-b"><script>n = n + 1</script></scriptTask>', log("a"), log("b"), flows("s t", "t a if ok", "t b"))
    bench = Bench(xml).start(n=0)
    (incident,) = bench.of(ev.IncidentRaised)
    bench.do(inputs.SetVariables({"ok": True})).do(inputs.RetryElement(incident.key))
    assert (bench.variables["n"], bench.lines) == (1, ["a"])


def test_an_interrupting_event_takes_the_incident_away() -> None:
    xml = process(
        S,
        '<userTask id="t" f:assignee="${who}"/><boundaryEvent id="c" attachedToRef="t"><signalEventDefinition signalRef="G"/></boundaryEvent>',
        log("a"),
        flows("s t", "c a"),
        before='<signal id="G" name="g"/>',
    )
    bench = Bench(xml).start()
    assert bench.error is not None
    bench.signal("g")
    assert (bench.lines, bench.error, bench.state) == (["a"], None, "completed")
    assert len(bench.of(ev.IncidentResolved)) == 1


def test_other_branches_go_on_beside_an_incident() -> None:
    bench = Bench(
        process(S, '<parallelGateway id="f"/>', script("t", "x = missing"), '<userTask id="u"/>', log("z"), flows("s f", "f t", "f u", "u z"))
    ).start()
    assert bench.complete("u").lines == ["z"]
    assert (bench.state, bench.error is not None) == ("active", True)


@pytest.mark.parametrize("text", ["'P1X'", "5", "'9999-12-31'", "'P999Y'", "None"])
def test_a_timer_that_cannot_be_reckoned(text: str) -> None:
    xml = process(
        S,
        "<intermediateCatchEvent id='c'><timerEventDefinition><timeDuration>${"
        + text
        + "}</timeDuration></timerEventDefinition></intermediateCatchEvent>",
        flows("s c"),
    )
    bench = Bench(xml).start()
    assert bench.state == "active"
    if text != "'9999-12-31'":
        assert bench.error is not None


def test_commands_that_do_not_fit_are_refused() -> None:
    bench = Bench(process(S, '<userTask id="u"/>', '<serviceTask id="j" f:handler="h"/>', flows("s u", "u j"))).start()
    (key,) = bench.open_tasks()
    for movement in (
        inputs.CompleteUserTask(999),
        inputs.CompleteJob(key),
        inputs.ThrowJobError(key, "x"),
        inputs.TriggerTimer(key),
        inputs.CorrelateMessage(key, "m"),
        inputs.RetryElement(key),
        inputs.StartInstance("p"),
    ):
        with pytest.raises(Conflict):
            bench.execution.apply(movement, bench.now, bench._call)
    with pytest.raises(NotFound):
        bench.execution.apply(inputs.SetVariables({"x": 1}, scope=999), bench.now, bench._call)
    bench.complete("u")
    with pytest.raises(Conflict):
        bench.execution.apply(inputs.CompleteUserTask(key), bench.now, bench._call)
    bench.work("j")
    with pytest.raises(InstanceNotActive):
        bench.execution.apply(inputs.DeliverSignal("g"), bench.now, bench._call)


def test_values_that_are_no_json_are_refused() -> None:
    bench = Bench(process(S, '<userTask id="u"/>', flows("s u"))).start()
    (key,) = bench.open_tasks()
    with pytest.raises(InvalidInput):
        bench.execution.apply(inputs.CompleteUserTask(key, {"x": float("nan")}), bench.now, bench._call)


def test_unknown_process_and_start_element() -> None:
    bench = Bench(process(S))
    with pytest.raises(NotFound):
        bench.interpreter.open(bench.model, "q", "i")
    with pytest.raises(InvalidInput):
        bench.start(element="nowhere")


def test_the_snapshot_follows_what_is_open() -> None:
    xml = process(
        S, '<userTask id="u"/>', '<exclusiveGateway id="g" default="g-u"/>', '<endEvent id="e"/>', flows("s u", "u g", "g e if done", "g u")
    )
    bench = Bench(xml).start(done=False)
    sizes = []
    for _ in range(50):
        bench.complete("u")
        sizes.append(len(str(bench.execution.snapshot())))
    assert max(sizes) - min(sizes) < 20


def test_chain_of_a_thousand_elements_and_loops_need_no_recursion() -> None:
    count = 1000
    xml = process(S, *[f'<task id="t{i}"/>' for i in range(count)], flows("s t0", *[f"t{i} t{i + 1}" for i in range(count - 1)]))
    assert Bench(xml, roundtrip=False).start().state == "completed"


def test_boundary_events_are_not_armed_twice_by_a_retry() -> None:
    xml = process(
        S,
        '<userTask id="u"/><boundaryEvent id="b1" attachedToRef="u"><timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition></boundaryEvent>'
        '<boundaryEvent id="b2" attachedToRef="u"><timerEventDefinition><timeDuration>${span}</timeDuration></timerEventDefinition></boundaryEvent>',
        flows("s u"),
    )
    bench = Bench(xml).start()
    (incident,) = bench.of(ev.IncidentRaised)
    bench.do(inputs.SetVariables({"span": "PT2H"})).do(inputs.RetryElement(incident.key))
    assert sorted(job.element for job in bench.open_jobs("timer").values()) == ["b1", "b2"]
    assert bench.complete("u").state == "completed"


@pytest.mark.parametrize("count", ["²", "9" * 5000, "-1", "1.5", None, [3], 1e300])
def test_a_cardinality_that_is_no_number_of_instances(count: object) -> None:
    loop = "<multiInstanceLoopCharacteristics><loopCardinality>n</loopCardinality></multiInstanceLoopCharacteristics>"
    bench = Bench(process(S, script("t", "pass", loop), flows("s t"))).start(n=count)
    assert [one.element for one in bench.of(ev.IncidentRaised)] == ["t"]
    assert bench.start(n=" 3 ").state == "completed"


def test_the_largest_quantity() -> None:
    bench = Bench(process(S, '<task id="t" completionQuantity="1000"/>', '<userTask id="u" startQuantity="1000"/>', flows("s t", "t u"))).start()
    assert bench.waiting() == ["u"]
