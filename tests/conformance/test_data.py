"""Data associations of events and messages (BPMN 2.0.2 section 10.4.2) and SpiffWorkflow's notation for payloads."""

from __future__ import annotations

import pytest

from engine.model import events as ev
from engine.model import inputs
from tests.conformance.test_events import MESSAGE, SIGNAL, S, boundary, catch, end, error, escalation, event_sub, p, sub, throw
from tests.conformance.test_refused import rules
from tests.conformance.test_whole_engine import engine
from tests.support.bpmn_bench import Bench, definitions, flows, log, script

OBJECT = '<dataObject id="o" name="got"/>'


def output(name: str, target: str = "o", inside: str = "") -> str:
    """A data output `name` and the association that copies it."""
    return f'<dataOutput id="out-{name}" name="{name}"/>{taken(f"out-{name}", target, inside)}'


def taken(source: str, target: str, inside: str = "") -> str:
    return f"<dataOutputAssociation><sourceRef>{source}</sourceRef><targetRef>{target}</targetRef>{inside}</dataOutputAssociation>"


def given(source: str, name: str, inside: str = "") -> str:
    """A data input `name` and the association that fills it."""
    return f'<dataInput id="in-{name}" name="{name}"/><dataInputAssociation><sourceRef>{source}</sourceRef><targetRef>in-{name}</targetRef>{inside}</dataInputAssociation>'


# --- catching -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("name", "payload", "expected"), [
    ("a", {"a": 1, "b": 2}, 1), ("whole", {"a": 1, "b": 2}, {"a": 1, "b": 2}), ("whole", {}, None),
])  # fmt: skip
def test_a_data_output_takes_its_part_of_the_payload_or_the_whole(name: str, payload: dict[str, int], expected: object) -> None:
    for element in (f"<intermediateCatchEvent id='c'>{output(name)}{MESSAGE}</intermediateCatchEvent>",
                    f"<receiveTask id='c' messageRef='M'><ioSpecification><dataOutput id='out' name='{name}'/></ioSpecification>{taken('out', 'o')}</receiveTask>"):  # fmt: skip
        bench = Bench(p(OBJECT, S, element, flows("s c"))).start().message("m", **payload)
        assert (bench.variables, bench.state) == ({"got": expected}, "completed")
        race = Bench(p(OBJECT, S, '<eventBasedGateway id="g"/>', element, catch("d", SIGNAL), flows("s g", "g c", "g d")))
        assert race.start().message("m", **payload).variables == {"got": expected}


def test_an_output_of_the_objects_own_name_a_transformation_and_a_failing_one() -> None:
    event = f"<intermediateCatchEvent id='c'>{output('got')}{output('n', 'o2', '<transformation>n * 10</transformation>')}{SIGNAL}</intermediateCatchEvent>"
    objects = OBJECT + '<dataObject id="o2" name="tens"/>'
    assert Bench(p(objects, S, event, flows("s c"))).start().signal("g", got="x", n=4, rest=1).variables == {"got": "x", "tens": 40}
    event = event.replace("n * 10", "n * factor")
    bench = Bench(p(objects, S, event, flows("s c"))).start().signal("g", got="x", n=4)
    assert "factor" in (bench.error or "")
    key = next(iter(bench.of(ev.IncidentRaised))).key
    bench.do(inputs.SetVariables({"factor": 2})).do(inputs.RetryElement(key))
    assert (bench.variables, bench.state) == ({"got": "x", "tens": 8, "factor": 2}, "completed")


def test_outputs_of_boundary_events_event_subprocesses_and_starts() -> None:
    for cancel in ("true", "false"):
        event = f'<boundaryEvent id="b" attachedToRef="u" cancelActivity="{cancel}">{output("a")}{MESSAGE}</boundaryEvent>'
        assert Bench(p(OBJECT, S, '<userTask id="u"/>', event, flows("s u"))).start().message("m", a=3).variables == {"got": 3}
    start = f'<startEvent id="hs" isInterrupting="false">{output("a")}{MESSAGE}</startEvent>'
    bench = Bench(p(OBJECT, S, '<userTask id="u"/>', sub("h", start, '<task id="t"/>', flows("hs t"), triggeredByEvent="true"), flows("s u"))).start()
    assert bench.message("m", a=3).message("m", a=4).variables == {"got": 4}
    bench = Bench(p(OBJECT, f'<startEvent id="s">{output("a")}{MESSAGE}</startEvent>')).start(element="s", a=5, b=6)
    assert bench.variables == {"got": 5}
    bench = Bench(p('<startEvent id="s"><messageEventDefinition messageRef="M" f:variable="all"/></startEvent>')).start(element="s", a=5, b=6)
    assert bench.variables == {"all": {"a": 5, "b": 6}}


def test_outputs_of_a_parallel_multiple_event_and_of_an_error() -> None:
    event = f'<intermediateCatchEvent id="c" parallelMultiple="true">{output("a")}{output("b", "o2")}{MESSAGE}{SIGNAL}</intermediateCatchEvent>'
    bench = Bench(p(OBJECT, '<dataObject id="o2" name="two"/>', S, event, flows("s c"))).start().message("m", a=1).signal("g", b=2)
    assert (bench.variables, bench.state) == ({"got": 1, "two": 2}, "completed")
    ending = f'<endEvent id="be">{given("o", "why")}{error("E1")}</endEvent>'
    event = f'<boundaryEvent id="k" attachedToRef="b">{output("why", "o2")}{error("E1")}</boundaryEvent>'
    two = OBJECT + '<dataObject id="o2" name="reason"/>'
    assert Bench(p(two, S, sub("b", '<startEvent id="bs"/>', ending, flows("bs be")), event, flows("s b"))).start(got=7).variables == {
        "got": 7,
        "reason": 7,
    }


# --- throwing -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("element", [
    "<intermediateThrowEvent id='t'>{}<messageEventDefinition messageRef='M'/></intermediateThrowEvent>",
    "<endEvent id='t'>{}<signalEventDefinition signalRef='G'/></endEvent>",
    "<sendTask id='t' messageRef='M'>{}</sendTask>",
])  # fmt: skip
def test_data_inputs_are_the_payload(element: str) -> None:
    inside = given("o", "k") + given("o", "got") + given("o", "double", "<transformation>got * 2</transformation>")
    if "sendTask" in element:
        inside = inside.replace("<dataInput id", "<ioSpecification><dataInput id").replace('"/><dataInputA', '"/></ioSpecification><dataInputA')
    bench = Bench(p(OBJECT, S, script("w", "got = 5"), element.format(inside), flows("s w", "w t"))).start()
    assert [e.payload for e in bench.of(ev.MessageSent) + bench.of(ev.SignalSent)] == [{"k": 5, "got": 5, "double": 10}]


# --- SpiffWorkflow's notation -------------------------------------------------------------------------------------------
def extended(*tags: tuple[str, str]) -> str:
    inside = "".join(f"<spiffworkflow:{tag}>{said}</spiffworkflow:{tag}>" for tag, said in tags)
    return f"<extensionElements>{inside}</extensionElements>"


@pytest.mark.parametrize(("said", "expected"), [('{"k": a}', {"k": 5}), ("a", 5)])
def test_payload_expressions_and_variables_of_messages_and_signals(said: str, expected: object) -> None:
    message = ("messagePayload", said), ("messageVariable", "got")
    signal = ("payloadExpression", said), ("variableName", "got")
    for roots, thrown, caught in (
        (f'<message id="M" name="m">{extended(*message)}</message>', '<sendTask id="t" messageRef="M"/>', MESSAGE),
        ('<message id="M" name="m"/>', throw("t", f'<messageEventDefinition messageRef="M">{extended(message[0])}</messageEventDefinition>'),
         f'<messageEventDefinition messageRef="M">{extended(message[1])}</messageEventDefinition>'),
        (f'<signal id="G" name="g">{extended(*signal)}</signal>', throw("t", SIGNAL), SIGNAL),
        ('<signal id="G" name="g"/>', throw("t", f'<signalEventDefinition signalRef="G">{extended(signal[0])}</signalEventDefinition>'),
         f'<signalEventDefinition signalRef="G">{extended(signal[1])}</signalEventDefinition>'),
    ):  # fmt: skip
        pools = definitions(
            roots,
            f'<process id="p">{S}{thrown}{flows("s t")}</process>',
            f'<process id="q"><startEvent id="qs"/>{catch("c", caught)}{flows("qs c")}</process>',
            f'<process id="r"><startEvent id="rs">{caught}</startEvent></process>',
        )
        made, _ = engine(pools)
        with made:
            waiting = made.start("q")
            made.start("p", {"a": 5})
            made.start("p", {"a": 5})
            assert [made.variables(waiting), made.variables(made.instances()[-1].id)] == [{"got": expected}] * 2
            made.check()


def test_payloads_of_errors_and_escalations() -> None:
    said = extended(("payloadExpression", '{"k": a}'), ("variableName", "got"))
    for kind, thrown, ref in (("error", error("X"), "errorCode"), ("escalation", escalation("X"), "escalationCode")):
        root = f'<{kind} id="X" {ref}="x">{said}</{kind}>'
        body = sub("b", '<startEvent id="bs"/>', end("be", thrown), flows("bs be"))
        xml = definitions(root, f'<process id="p">{S}{body}{boundary("c", "b", thrown)}{log("z")}{flows("s b", "c z")}</process>')
        bench = Bench(xml).start(a=5)
        assert (bench.variables, bench.lines) == ({"a": 5, "got": {"k": 5}}, ["z"])
        handler = event_sub("h", thrown, True, log("z"), flows("h-s z"))
        bench = Bench(definitions(root, f'<process id="p">{S}{end("e", thrown)}{handler}{flows("s e")}</process>')).start(a=5)
        assert (bench.variables, bench.lines) == ({"a": 5, "got": {"k": 5}}, ["z"])
    code = "fail('x')"
    root = f'<error id="X" errorCode="x">{extended(("variableName", "got"))}</error>'
    bench = Bench(definitions(root, f'<process id="p">{S}{script("t", code)}{boundary("c", "t", error("X"))}{flows("s t")}</process>')).start()
    assert bench.variables == {"got": {}}


# --- refused ------------------------------------------------------------------------------------------------------------
def test_an_association_that_copies_nothing_is_refused() -> None:
    one = given("o", "m").replace("<dataInput id", "<ioSpecification><dataInput id").replace('"/><dataInputA', '"/></ioSpecification><dataInputA')
    two = one.replace("<sourceRef>o</sourceRef>", "<sourceRef>o</sourceRef><sourceRef>o</sourceRef>")
    for association in (two, one.replace("<sourceRef>o</sourceRef>", "")):
        assert rules(p(OBJECT, S, script("t", "r = 1", association), flows("s t"))) == [("bpmn.data", "t")]
    summed = two.replace("</targetRef>", "</targetRef><transformation>1</transformation>")
    assert Bench(p(OBJECT, S, script("t", "r = m", summed), flows("s t"))).start().variables == {"got": None, "r": 1}
    wrong = given("o", "m", "<transformation>1 +</transformation>")
    assert rules(p(OBJECT, S, throw("t", wrong + MESSAGE), flows("s t"))) == [("expression", "t")]
