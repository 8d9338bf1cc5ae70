"""What cannot be executed is refused at deployment, with every problem at once; what is only doubtful is a warning."""

from __future__ import annotations

import pytest

from engine.bpmn import Limits
from engine.errors import DeploymentRejected, Problem
from tests.conformance.test_events import MESSAGE, ROOTS, SIGNAL, S, boundary, catch, end, event_sub, p, sub, throw
from tests.support.bpmn_bench import Bench, definitions, flows, process

COMPENSATE = "<compensateEventDefinition/>"


def problems(*files: bytes, limits: Limits | None = None) -> list[Problem]:
    with pytest.raises(DeploymentRejected) as caught:
        Bench(*files, limits=limits)
    return [one for one in caught.value.problems if one.severity == "error"]


def rules(*files: bytes) -> list[tuple[str, str | None]]:
    return [(one.rule, one.element_id) for one in problems(*files)]


def warnings(*files: bytes) -> list[tuple[str, str | None]]:
    return [(one.rule, one.element_id) for one in Bench(*files).model.warnings]


# --- the file -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("data", "rule"), [
    (b"", "xml.syntax"),
    (b"<definitions", "xml.syntax"),
    (b"\xff\xfe\x00bad", "xml.syntax"),
    (b"<html/>", "bpmn.root"),
    (b'<!DOCTYPE definitions [<!ENTITY a "b">]>' + process(S), "xml.doctype"),
    (b'<!DOCTYPE definitions SYSTEM "http://localhost/x.dtd">' + process(S), "xml.doctype"),
    (b'<!DOCTYPE definitions [<!ENTITY a "x"><!ENTITY b "&a;&a;">]>' + process("&b;"), "xml.doctype"),
])  # fmt: skip
def test_files_that_are_no_bpmn(data: bytes, rule: str) -> None:
    assert [one.rule for one in problems(data)] == [rule]


def test_size_depth_and_nesting_are_bounded() -> None:
    assert [one.rule for one in problems(process(S), limits=Limits(file_bytes=50))] == ["xml.size"]
    deep = process("<documentation>" + "<x>" * 60 + "</x>" * 60 + "</documentation>")
    assert [one.rule for one in problems(deep, limits=Limits(xml_depth=50))] == ["xml.depth"]
    assert [one.rule for one in problems(deep.replace(b"<x>", b"<x>" * 5).replace(b"</x>", b"</x>" * 5))] == ["xml.syntax"]  # the parser's own bound
    deep = S
    for n in range(120):
        deep = sub(f"b{n}", f'<startEvent id="s{n}"/>', deep.replace('"s"', f'"x{n}"'), flows(f"s{n} {'b' + str(n - 1) if n else 'x0'}"))
    assert "bpmn.nesting" in [one.rule for one in problems(p(S, deep, flows("s b119")))]


def test_every_problem_is_reported_with_file_element_and_line() -> None:
    xml = process("\n", S, "\n", '<userTask id="u" name="Work"/>', "\n", "<scriptTask id='t'/>", flows("s u", "u nowhere"))
    found = problems(xml, b"<broken")
    assert [(one.file, one.rule, one.element_id, one.line) for one in found] == [
        ("file0.bpmn", "bpmn.flow", "u-nowhere", 4), ("file1.bpmn", "xml.syntax", None, 1), ("file0.bpmn", "script", "t", 4),
    ]  # fmt: skip


def test_a_deployment_needs_an_executable_process() -> None:
    assert rules(definitions()) == [("bpmn.no-process", None)]
    assert rules(definitions(f'<process id="p" isExecutable="false">{S}<unknownThing id="x"/></process>')) == [("bpmn.no-process", None)]
    assert (
        Bench(definitions(f'<process id="p">{S}</process>', '<process id="q" isExecutable="false"><foo/></process>')).start("p").state == "completed"
    )


def test_duplicate_ids() -> None:
    assert rules(p(S, '<task id="s"/>')) == [("bpmn.duplicate-id", "s")]
    assert rules(process(S), process(S)) == [("bpmn.duplicate-id", "p")]


# --- structure --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("xml", "expected"), [
    (p(""), ("bpmn.start", "p")),
    (p(S, '<foo id="x"/>'), ("bpmn.unsupported", "x")),
    (p(S, '<choreographyTask id="x"/>'), ("bpmn.unsupported", "x")),
    (p(S, "<task/>"), ("bpmn.missing-id", "p")),
    (p(S, flows("s x")), ("bpmn.flow", "s-x")),
    (p(S, '<task id="t" default="zz"/>', flows("s t")), ("bpmn.default-flow", "t")),
    (p(S, '<task id="t"/>', flows("s t", "t s")), ("bpmn.start", "s")),
    (p(S, end("e"), '<task id="t"/>', flows("s e", "e t")), ("bpmn.end", "e")),
    (p(S, '<task id="t" startQuantity="0"/>', flows("s t")), ("bpmn.quantity", "t")),
    (p(S, '<task id="t" startQuantity="1001"/>', flows("s t")), ("bpmn.quantity", "t")),
    (p(S, '<task id="t" completionQuantity="5000"/>', flows("s t")), ("bpmn.quantity", "t")),
    (p(S, f'<task id="t" completionQuantity="{"9" * 5000}"/>', flows("s t")), ("bpmn.quantity", "t")),
    (p(S, '<task id="t" completionQuantity="²"/>', flows("s t")), ("bpmn.quantity", "t")),
    (p(S, '<task id="t"><standardLoopCharacteristics loopMaximum="²"/></task>', flows("s t")), ("bpmn.loop", "t")),
    (p(S, sub("b", '<task id="x"/>'), '<task id="y"/>', flows("s b", "x y")), ("bpmn.flow", "x-y")),
    (p(S, sub("b"), flows("s b")), ("bpmn.start", "b")),
])  # fmt: skip
def test_structure(xml: bytes, expected: tuple[str, str]) -> None:
    assert expected in rules(xml)


@pytest.mark.parametrize(("xml", "expected"), [
    (p(S, boundary("c", "nowhere", '<messageEventDefinition messageRef="M"/>')), ("bpmn.boundary", "c")),
    (p(S, '<parallelGateway id="g"/>', boundary("c", "g", '<messageEventDefinition messageRef="M"/>'), flows("s g")), ("bpmn.boundary", "c")),
    (p(S, '<task id="t"/>', boundary("c", "t", ""), flows("s t")), ("bpmn.boundary", "c")),
    (p(S, '<task id="t"/>', boundary("c", "t", "<terminateEventDefinition/>"), flows("s t")), ("bpmn.event", "c")),
    (p(S, '<task id="t"/>', boundary("c", "t", "<cancelEventDefinition/>"), flows("s t")), ("bpmn.cancel", "c")),
    (p(S, '<task id="t"/>', boundary("c", "t", COMPENSATE), flows("s t")), ("bpmn.compensation", "c")),
    (p(S, end("e", "<cancelEventDefinition/>"), flows("s e")), ("bpmn.cancel", "e")),
    (p(S, catch("c", "<errorEventDefinition/>"), flows("s c")), ("bpmn.event", "c")),
    (p(S, throw("c", "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"), flows("s c")), ("bpmn.event", "c")),
    (p(S, catch("c", "<timerEventDefinition/>"), flows("s c")), ("bpmn.timer", "c")),
    (p(S, catch("c", "<timerEventDefinition><timeDuration>PT1X</timeDuration></timerEventDefinition>"), flows("s c")), ("bpmn.timer", "c")),
    (p(S, catch("c", "<timerEventDefinition><timeCycle>R3/PT0S</timeCycle></timerEventDefinition>"), flows("s c")), ("bpmn.timer", "c")),
    (p(S, catch("c", '<messageEventDefinition messageRef="zz"/>'), flows("s c")), ("bpmn.reference", "c")),
    (p(S, catch("c", "<messageEventDefinition/>"), flows("s c")), ("bpmn.event", "c")),
    (p(S, catch("c", "<eventDefinitionRef>zz</eventDefinitionRef>"), flows("s c")), ("bpmn.reference", "c")),
    (p(S, catch("c", "<conditionalEventDefinition/>"), flows("s c")), ("bpmn.condition", "c")),
    (p(S, throw("c", '<linkEventDefinition name="L"/>'), flows("s c")), ("bpmn.link", "c")),
    (p(S, throw("c", '<compensateEventDefinition activityRef="zz"/>'), flows("s c")), ("bpmn.reference", "c")),
    (p(S, sub("b", '<startEvent id="bs"><messageEventDefinition messageRef="M"/></startEvent>'), flows("s b")), ("bpmn.start", "bs")),
    (p(S, event_sub("h", "", True)), ("bpmn.start", "h-s")),
    (p(S, event_sub("h", '<messageEventDefinition messageRef="M"/>', True), flows("s h")), ("bpmn.event-subprocess", "h")),
])  # fmt: skip
def test_events(xml: bytes, expected: tuple[str, str]) -> None:
    assert expected in rules(xml)


@pytest.mark.parametrize(("xml", "expected"), [
    (p(S, '<exclusiveGateway id="g"/><task id="a"/><task id="b"/>', flows("s g", "g a if x", "g b")), ("bpmn.condition", "g-b")),
    (p(S, '<exclusiveGateway id="g"/><task id="a"/><task id="b"/>', flows("s g", "g a if x >", "g b if y")), ("expression", "g-a")),
    (p(S, '<eventBasedGateway id="g"/><task id="a"/>', flows("s g", "g a")), ("bpmn.event-gateway", "g-a")),
        (p(S, '<scriptTask id="t" scriptFormat="groovy"><script>x = 1</script></scriptTask>', flows("s t")), ("script.language", "t")),
    (p(S, '<scriptTask id="t"/>', flows("s t")), ("script", "t")),
    (p(S, '<scriptTask id="t"><script>def</script></scriptTask>', flows("s t")), ("script", "t")),
    (p(S, '<userTask id="t" f:assignee="${a b}"/>', flows("s t")), ("expression", "t")),
    (p(S, '<task id="t"><standardLoopCharacteristics/></task>', flows("s t")), ("bpmn.loop", "t")),
    (p(S, '<task id="t"><standardLoopCharacteristics loopMaximum="-1"/></task>', flows("s t")), ("bpmn.loop", "t")),
    (p(S, '<task id="t"><multiInstanceLoopCharacteristics/></task>', flows("s t")), ("bpmn.multi-instance", "t")),
    (p(S, '<callActivity id="c"/>', flows("s c")), ("bpmn.call", "c")),
    (p(S, '<callActivity id="c" calledElement="zz"/>', flows("s c")), ("bpmn.call", "c")),
    (p(S, '<businessRuleTask id="t" f:decision="zz"/>', flows("s t")), ("dmn.reference", "t")),
    (p(S, '<serviceTask id="t" camunda:class="com.example.Work"/>', flows("s t")), ("extension.unsupported", "t")),
    (p(S, '<task id="t"><extensionElements><camunda:executionListener event="start" class="X"/></extensionElements></task>', flows("s t")), ("extension.unsupported", "t")),
])  # fmt: skip
def test_gateways_and_activities(xml: bytes, expected: tuple[str, str]) -> None:
    assert expected in rules(xml)


# --- doubtful, but executable -------------------------------------------------------------------------------------------
def test_warnings_travel_with_the_model() -> None:
    assert warnings(p(S, '<serviceTask id="t"/><sendTask id="u"/><task id="lost"/>', flows("s t", "t u"))) == [
        ("bpmn.unreachable", "lost"), ("bpmn.handler", "t"), ("bpmn.message-missing", "u"),
    ]  # fmt: skip
    assert Bench(p(S, '<serviceTask id="t"/><sendTask id="u"/>', flows("s t", "t u"))).start().state == "completed"


def test_unknown_extensions_are_ignored() -> None:
    task = '<task id="t" xmlns:acme="urn:acme" acme:colour="red"><extensionElements><acme:thing><acme:inner/></acme:thing></extensionElements></task>'
    assert Bench(p(S, task, flows("s t"))).start().state == "completed"


# --- spellings that all mean the same -------------------------------------------------------------------------------------
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "gb18030"])
def test_any_encoding_and_prefix(encoding: str) -> None:
    name = "é" if encoding == "iso-8859-1" else "报告"
    xml = (
        f'<?xml version="1.0" encoding="{encoding}"?><bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:tns="urn:x" id="d">'
        f'<bpmn:message id="M" name="{name}"/><bpmn:process id="Start"><bpmn:startEvent id="End"/><bpmn:sequenceFlow sourceRef="End" targetRef="Root"/>'
        '<bpmn:intermediateCatchEvent id="Root"><bpmn:messageEventDefinition messageRef="tns:M"/></bpmn:intermediateCatchEvent></bpmn:process></bpmn:definitions>'
    ).encode(encoding)
    bench = Bench(xml).start("Start")
    assert [one.name for one in bench.subscriptions().values()] == [name]
    assert bench.message(name).state == "completed"


def test_several_processes_and_pools_in_a_file() -> None:
    xml = definitions(ROOTS, '<collaboration id="c"><participant id="a" processRef="p"/><participant id="b" processRef="q"/></collaboration>',
                      f'<process id="p">{S}</process><process id="q"><startEvent id="qs"/></process>')  # fmt: skip
    assert list(Bench(xml).model.processes) == ["p", "q"]


def test_lanes_documentation_and_flows_are_described() -> None:
    xml = process('<documentation>All of it</documentation><laneSet id="ls"><lane id="l" name="Sales"><flowNodeRef>u</flowNodeRef></lane></laneSet>', S,
                  '<userTask id="u" name="Work" f:formKey="k" f:candidateGroups="g1,g2"><documentation>Do it</documentation></userTask>', flows("s u"))  # fmt: skip
    info = Bench(xml).model.processes["p"]
    element = info.elements["u"]
    assert (info.documentation, element.lane, element.documentation, element.form_key, element.candidate_groups) == (
        "All of it",
        "Sales",
        "Do it",
        "k",
        ("g1", "g2"),
    )
    assert (info.elements["s-u"].source, info.elements["s-u"].target, info.form_keys) == ("s", "u", ("k",))


def test_a_process_cannot_wait_for_several_events_to_begin() -> None:
    start = f'<startEvent id="x" parallelMultiple="true">{MESSAGE}{SIGNAL}</startEvent>'
    assert rules(p(start)) == [("bpmn.event", "x")]
    assert Bench(p(start.replace('parallelMultiple="true"', ""))).model.processes["p"].starts[1].kind == "signal"
    assert Bench(p(S, sub("h", start, triggeredByEvent="true"))).start().state == "completed"
