"""Loops and multi-instance activities (BPMN 2.0.2 sections 13.3.6 and 13.3.7)."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model import events as ev
from engine.model import inputs
from tests.conformance.test_events import ROOTS, SIGNAL, S, boundary, catch, error, escalation, event_sub, p, sub, throw
from tests.support.bpmn_bench import Bench, flows, log, process, script

BOTH = pytest.mark.parametrize("sequential", ["true", "false"])


def multi(inside: str, sequential: str = "false", **attributes: str) -> str:
    extra = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f'<multiInstanceLoopCharacteristics isSequential="{sequential}"{extra}>{inside}</multiInstanceLoopCharacteristics>'


COLLECTION = '<loopDataInputRef>xs</loopDataInputRef><inputDataItem id="i" name="x"/>'
OUTPUT = '<loopDataOutputRef>ys</loopDataOutputRef><outputDataItem id="o" name="y"/>'


def cardinality(n: str) -> str:
    return f"<loopCardinality>{n}</loopCardinality>"


def test_standard_loop_tests_after_by_default() -> None:
    loop = "<standardLoopCharacteristics{}><loopCondition>n &lt; 3</loopCondition></standardLoopCharacteristics>"
    bench = Bench(p(S, script("t", "n = n + 1", loop.format("")), flows("s t")))
    assert bench.start(n=0).variables == {"n": 3}
    assert bench.start(n=9).variables == {"n": 10}
    assert Bench(p(S, script("t", "n = n + 1", loop.format(' testBefore="true"')), flows("s t"))).start(n=9).variables == {"n": 9}
    assert Bench(p(S, script("t", "n = n + 1", loop.format(' loopMaximum="2"')), flows("s t"))).start(n=0).variables == {"n": 2}


def test_loop_counter_and_maximum_alone() -> None:
    loop = '<standardLoopCharacteristics loopMaximum="3"/>'
    bench = Bench(p(S, script("t", "log(loopCounter)", loop), flows("s t"))).start()
    assert bench.lines == [0, 1, 2]
    assert bench.variables == {}
    assert bench.trace() == ["s", "t", "t", "t"]


def test_loop_of_a_user_task_a_thousand_rounds() -> None:
    loop = "<standardLoopCharacteristics><loopCondition>again</loopCondition></standardLoopCharacteristics>"
    bench = Bench(p(S, f'<userTask id="u">{loop}</userTask>', flows("s u")), roundtrip=False).start()
    for _ in range(1000):
        (key,) = [e.key for e in bench.last if isinstance(e, ev.UserTaskCreated)]
        bench.do(inputs.CompleteUserTask(key, {"again": True}))
    (key,) = [e.key for e in bench.last if isinstance(e, ev.UserTaskCreated)]
    assert bench.do(inputs.CompleteUserTask(key, {"again": False})).state == "completed"


@BOTH
def test_collection_with_item_and_output(sequential: str) -> None:
    bench = Bench(p(S, script("t", "y = x * 10", multi(COLLECTION + OUTPUT, sequential)), flows("s t"))).start(xs=[1, 2, 3])
    assert bench.variables == {"xs": [1, 2, 3], "ys": [10, 20, 30]}


def test_output_keeps_the_order_of_the_input_whatever_the_order_of_completion() -> None:
    bench = Bench(p(S, f'<userTask id="u">{multi(COLLECTION + OUTPUT)}</userTask>', flows("s u"))).start(xs=["a", "b", "c"])
    keys = list(bench.open_tasks())
    assert [bench.execution.variables(key)["x"] for key in keys] == ["a", "b", "c"]
    for key, answer in ((keys[2], "C"), (keys[0], "A"), (keys[1], "B")):
        bench.do(inputs.CompleteUserTask(key, {"y": answer}))
    assert bench.variables == {"xs": ["a", "b", "c"], "ys": ["A", "B", "C"]}


@BOTH
def test_cardinality_and_loop_counter(sequential: str) -> None:
    assert Bench(p(S, script("t", "log(loopCounter)", multi(cardinality("n + 1"), sequential)), flows("s t"))).start(n=2).lines == [0, 1, 2]


@BOTH
def test_empty_collection_and_zero_cardinality(sequential: str) -> None:
    bench = Bench(p(S, script("t", "log(1)", multi(COLLECTION + OUTPUT, sequential)), log("z"), flows("s t", "t z"))).start(xs=[])
    assert (bench.lines, bench.variables["ys"]) == (["z"], [])
    assert Bench(p(S, script("t", "log(1)", multi(cardinality("0"), sequential)), log("z"), flows("s t", "t z"))).start().lines == ["z"]


@pytest.mark.parametrize("value", ["-1", "1.5", "'x'", "True", "None", "1000000"])
def test_bad_cardinality_is_an_incident(value: str) -> None:
    bench = Bench(p(S, script("x", f"n = {value}"), script("t", "log(1)", multi(cardinality("n"))), flows("s x", "x t"))).start()
    assert bench.state == "active"
    assert bench.error
    assert bench.lines == []


@BOTH
def test_completion_condition_ends_early(sequential: str) -> None:
    condition = "<completionCondition>nrOfCompletedInstances &gt;= 2</completionCondition>"
    bench = Bench(p(S, f'<userTask id="u">{multi(cardinality("5") + condition, sequential)}</userTask>', log("z"), flows("s u", "u z"))).start()
    assert len(bench.waiting()) == (1 if sequential == "true" else 5)
    bench.complete("u").complete("u")
    assert (bench.lines, bench.state, bench.waiting()) == (["z"], "completed", [])


def test_counters() -> None:
    code = "log([nrOfInstances, nrOfActiveInstances, nrOfCompletedInstances, nrOfTerminatedInstances, numberOfInstances, numberOfActiveInstances])"
    bench = Bench(p(S, script("t", code, multi(cardinality("2"), "true")), flows("s t"))).start()
    assert bench.lines == [[2, 1, 0, 0, 2, 1], [2, 1, 1, 0, 2, 1]]
    bench = Bench(p(S, script("t", code, multi(cardinality("2"))), flows("s t"))).start()
    assert bench.lines == [[2, 2, 0, 0, 2, 2], [2, 1, 1, 0, 2, 1]]


def test_iterations_write_shared_variables_without_loss() -> None:
    bench = Bench(p(S, f'<userTask id="u">{multi(cardinality("3"))}</userTask>', script("t", "log(sum)"), flows("s u", "u t"))).start(sum=0)
    for n, key in enumerate(bench.open_tasks()):
        bench.do(inputs.CompleteUserTask(key, {f"v{n}": n}))
    assert bench.variables == {"sum": 0, "v0": 0, "v1": 1, "v2": 2}


@BOTH
def test_multi_instance_subprocess_has_its_own_scope_per_iteration(sequential: str) -> None:
    body = sub("b", '<startEvent id="bs"/>', script("t", "log([x, loopCounter])"), flows("bs t"), multi(COLLECTION, sequential))
    bench = Bench(p(S, body, flows("s b"))).start(xs=["a", "b"])
    assert bench.lines == [["a", 0], ["b", 1]]
    assert bench.trace().count("b") == 2


def test_boundary_event_on_a_multi_instance_activity_ends_all_iterations() -> None:
    bench = Bench(p(S, f'<userTask id="u">{multi(cardinality("3"))}</userTask>', boundary("c", "u", '<messageEventDefinition messageRef="M"/>'), log("a"),
                    flows("s u", "c a"))).start().message("m")  # fmt: skip
    assert (bench.waiting(), bench.lines, bench.state) == ([], ["a"], "completed")


def test_error_in_one_iteration_reaches_the_boundary_of_the_whole() -> None:
    bench = Bench(p(S, script("t", "fail('one') if x == 2 else None", multi(COLLECTION, "true")), boundary("c", "t", '<errorEventDefinition errorRef="E1"/>'), log("a"), log("z"),
                    flows("s t", "c a", "t z"))).start(xs=[1, 2, 3])  # fmt: skip
    assert (bench.lines, bench.state) == (["a"], "completed")


@pytest.mark.parametrize(("behaviour", "extra", "inside", "times"), [
    ("None", {"noneBehaviorEventRef": "sd"}, "", 3),
    ("One", {"oneBehaviorEventRef": "sd"}, "", 1),
    ("All", {"noneBehaviorEventRef": "sd"}, "", 0),
    ("Complex", {}, ('<complexBehaviorDefinition><condition>nrOfCompletedInstances == 2</condition>'
     '<event><signalEventDefinition id="sd2" signalRef="G"/></event></complexBehaviorDefinition>'), 1),
])  # fmt: skip
def test_behaviour_events(behaviour: str, extra: dict[str, str], inside: str, times: int) -> None:
    body = script("t", "pass", multi(cardinality("3") + inside, "true", behavior=behaviour, **extra))
    bench = Bench(
        p(S, body, boundary("c", "t", '<signalEventDefinition id="sd" signalRef="G"/>'), log("a"), log("z"), flows("s t", "c a", "t z"))
    ).start()
    assert sorted(bench.lines) == ["a"] * times + ["z"]


def test_dictionaries_and_expressions_as_collections_and_vendor_notation() -> None:
    loop = '<multiInstanceLoopCharacteristics camunda:collection="${range_of(n)}" camunda:elementVariable="k"/>'
    assert Bench(p(S, script("t", "log(k)", loop), flows("s t")), functions={"range_of": lambda n: list(range(n))}).start(n=2).lines == [0, 1]
    zeebe = (
        '<multiInstanceLoopCharacteristics><extensionElements><zeebe:loopCharacteristics inputCollection="=xs" inputElement="x" outputCollection="ys" '
        'outputElement="=x + 1"/></extensionElements></multiInstanceLoopCharacteristics>'
    )
    assert Bench(p(S, script("t", "pass", zeebe), flows("s t"))).start(xs=[1, 2]).variables["ys"] == [2, 3]


def test_the_loop_counter_begins_as_the_modeler_of_the_diagram_counts() -> None:
    zeebe = '<multiInstanceLoopCharacteristics><extensionElements><zeebe:loopCharacteristics inputCollection="=xs"/></extensionElements></multiInstanceLoopCharacteristics>'
    loop = '<standardLoopCharacteristics loopMaximum="2"/>'
    for inside, expected in ((multi(cardinality("2")), [0, 1]), (multi("", **{"camunda:collection": "xs"}), [0, 1]), (zeebe, [1, 2]), (loop, [0, 1])):
        assert Bench(p(S, script("t", "log(loopCounter)", inside), flows("s t"))).start(xs=[5, 6]).lines == expected


def test_collection_from_a_data_input_with_association() -> None:
    io = (
        '<ioSpecification><dataInput id="din" name="rows"/><inputSet/><outputSet/></ioSpecification>'
        "<dataInputAssociation><sourceRef>xs</sourceRef><targetRef>din</targetRef></dataInputAssociation>"
    )
    loop = '<multiInstanceLoopCharacteristics><loopDataInputRef>din</loopDataInputRef><inputDataItem id="x"/></multiInstanceLoopCharacteristics>'
    assert Bench(p('<dataObject id="xs"/>', S, script("t", "log(x)", io + loop), flows("s t"))).start(xs=[1, 2]).lines == [1, 2]


@BOTH
def test_five_thousand_items(sequential: str) -> None:
    bench = Bench(p(S, script("t", "y = x + 1", multi(COLLECTION + OUTPUT, sequential)), flows("s t")), roundtrip=False).start(xs=list(range(5000)))
    assert bench.state == "completed"
    assert bench.variables["ys"][-1] == 5000


def test_escalation_from_iterations_to_a_non_interrupting_boundary() -> None:
    body = sub("b", '<startEvent id="bs"/>', throw("t", '<escalationEventDefinition escalationRef="C1"/>'), flows("bs t"), multi(cardinality("3")))
    bench = Bench(
        p(S, body, boundary("c", "b", '<escalationEventDefinition escalationRef="C1"/>', False), log("a"), log("z"), flows("s b", "c a", "b z"))
    ).start()
    assert sorted(bench.lines) == ["a", "a", "a", "z"]


def test_a_failing_iteration_stands_alone_and_goes_on_after_retry() -> None:
    bench = Bench(p(S, script("t", "log(x // d)", multi(COLLECTION)), log("z"), flows("s t", "t z"))).start(xs=[4, 6], d=0)
    keys = [e.key for e in bench.of(ev.IncidentRaised)]
    assert (len(keys), bench.lines) == (2, [])
    bench.do(inputs.SetVariables({"d": 2})).do(inputs.RetryElement(keys[1])).do(inputs.RetryElement(keys[0]))
    assert (bench.lines, bench.state) == ([3, 2, "z"], "completed")


def test_a_failing_completion_condition_can_be_retried() -> None:
    condition = "<completionCondition>enough</completionCondition>"
    bench = Bench(p(S, script("t", "log(loopCounter)", multi(cardinality("3") + condition, "true")), flows("s t"))).start()
    (incident,) = bench.of(ev.IncidentRaised)
    bench.do(inputs.SetVariables({"enough": False})).do(inputs.RetryElement(incident.key))
    assert (bench.lines, bench.state) == ([0, 1, 2], "completed")


def test_conditions_of_flows_are_evaluated_once_after_the_last_iteration() -> None:
    xml = p(S, script("t", "n = n + 1", multi(cardinality("3"), "true")), log("a"), log("b"), flows("s t", "t a if n == 3", "t b if n < 3"))
    bench = Bench(xml).start(n=0)
    assert (bench.lines, bench.state) == (["a"], "completed")
    assert [d.subject for d in bench.of(ev.DecisionTaken) if d.kind == "condition"] == ["t-a", "t-b"]


@pytest.mark.parametrize(("definition", "caught"), [
    (SIGNAL, lambda: catch("c", SIGNAL)), (escalation("C1"), lambda: event_sub("h", escalation("C1"), False, log("z"), flows("h-s z"))),
    (error("E1"), lambda: event_sub("h", error("E1"), True, log("z"), flows("h-s z"))),
])  # fmt: skip
def test_behaviour_events_reach_whoever_else_waits(definition: str, caught: Any) -> None:
    body = script("t", "pass", multi(cardinality("3"), "true", behavior="One", oneBehaviorEventRef="d"))
    roots = ROOTS + definition.replace("EventDefinition ", 'EventDefinition id="d" ', 1)
    if "signal" in definition:
        xml = process(S, '<parallelGateway id="f"/>', caught(), log("z"), body, flows("s f", "f c", "c z", "f t"), before=roots)
    else:
        xml = process(S, body, caught(), flows("s t"), before=roots)
    bench = Bench(xml).start()
    assert (bench.lines, bench.state) == (["z"], "completed")
    assert [e.name for e in bench.of(ev.SignalSent)] == (["g"] if "signal" in definition else [])


def test_a_behaviour_signal_reaches_its_own_boundary_once_and_a_message_goes_out() -> None:
    body = '<userTask id="t">' + multi(cardinality("2"), "true", behavior="None", noneBehaviorEventRef="d") + "</userTask>"
    roots = ROOTS + '<signalEventDefinition id="d" signalRef="G"/>'
    own = boundary("k", "t", "<eventDefinitionRef>d</eventDefinitionRef>", cancel=True)
    bench = Bench(process(S, body, own, log("z"), flows("s t", "k z"), before=roots)).start().complete("t").complete("t")
    assert (bench.lines, bench.state) == (["z", "z"], "completed")
    roots = (
        ROOTS
        + '<messageEventDefinition id="d" messageRef="M"><extensionElements><f:parameter name="n" value="${loopCounter}"/></extensionElements></messageEventDefinition>'
    )
    bench = Bench(process(S, body, flows("s t"), before=roots)).start().complete("t").complete("t")
    assert [(e.name, e.payload) for e in bench.of(ev.MessageSent)] == [("m", {"n": 0}), ("m", {"n": 1})]
