"""Diagrams that would go on for ever, multiply without end or take all memory. What they must come to is said beside each; `tests.support.hostile` runs them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from xml.sax.saxutils import escape

from tests.conformance.test_events import SIGNAL, S, boundary, catch, end, error, escalation, event_sub, p, sub, throw, timer
from tests.support.bpmn_bench import NAMESPACES, definitions, flows, script

USER = '<userTask id="u"/>'
MERGE, FORK = '<exclusiveGateway id="m"/>', '<parallelGateway id="f"/>'
MESSAGE = '<messageEventDefinition messageRef="M"/>'


@dataclass(frozen=True, slots=True)
class Case:
    """`files`: what is deployed; an instance of the process `p` is started with `variables`.

    `names`: one of these elements is named by the refusal (`refused`) or by the incident; with none a refusal names its file, and an instance ends well.
    `said`: part of what is said.
    """

    files: Callable[[], Mapping[str, bytes]]
    names: frozenset[str]
    refused: bool = False
    said: str = ""
    variables: Mapping[str, Any] = field(default_factory=lambda: {"n": 0})


def case(xml: bytes | Callable[[], bytes], names: str, said: str = "", *, refused: bool = False, more: Mapping[str, bytes] | None = None) -> Case:
    """Of one diagram. `names`: ids with blanks between."""
    return Case(lambda: {"p.bpmn": xml if isinstance(xml, bytes) else xml(), **(more or {})}, frozenset(names.split()), refused, said)


def conditional(text: str) -> str:
    return f"<conditionalEventDefinition><condition>{escape(text)}</condition></conditionalEventDefinition>"


def multi(count: object, more: str = "", sequential: bool = False) -> str:
    start = f'<multiInstanceLoopCharacteristics isSequential="{str(sequential).lower()}">'
    return f"{start}<loopCardinality>{count}</loopCardinality>{more}</multiInstanceLoopCharacteristics>"


def until(text: str) -> str:
    return f"<completionCondition>{text}</completionCondition>"


def circle(*inside: str, path: str) -> bytes:
    """Elements that follow each other in a circle; `path` names them in order."""
    ids = ["m", *path.split(), "m"]
    return p(S, MERGE, *inside, flows("s m", *(f"{a} {b}" for a, b in pairwise(ids))))


def beside(*inside: str) -> bytes:
    """Something that waits, so that the scope stays open, beside a branch that begins at `t`."""
    return p(S, USER, FORK, *inside, flows("s f", "f u", "f t"))


STEPS, EVENTS, TIME = "steps in one command", "events in one command", "used up its time"
CALL = '<callActivity id="{}" calledElement="{}">{}</callActivity>'
OTHER = definitions(f'<process id="q"><startEvent id="qs"/>{CALL.format("qc", "p", "")}{flows("qs qc")}</process>')


def _fan(conditions: list[str]) -> bytes:
    flow = '<sequenceFlow id="f{}" sourceRef="g" targetRef="z"><conditionExpression>{}</conditionExpression></sequenceFlow>'
    gateway = '<inclusiveGateway id="g" default="g-e"/>'
    return p(S, gateway, end("e"), '<task id="z"/>', flows("s g", "g e"), *(flow.format(n, text) for n, text in enumerate(conditions)))


def _parameters(number: int) -> str:
    return "".join(f'<camunda:inputParameter name="x{one}">${{(lambda: 1)()}}</camunda:inputParameter>' for one in range(number))


LOOPS: dict[str, Case] = {
    "loop": case(circle('<task id="a"/>', path="a"), "m a", STEPS),
    "loop of scripts": case(circle(script("a", "x = 1"), path="a"), "m a", STEPS),
    "loop of scripts that run in the sandbox": case(circle(script("a", "for i in range(3):\n  x = i"), path="a"), "m a", TIME),
    "loop of links": case(p(S, throw("a", '<linkEventDefinition name="l"/>'), catch("b", '<linkEventDefinition name="l"/>'), flows("s a", "b a")), "a b", STEPS),
    "loop of conditional flows": case(p(S, MERGE, '<exclusiveGateway id="g" default="g-e"/>', end("e"), flows("s m", "m g", "g m if n % 2 == 0", "g e")), "m g", STEPS),
    "inclusive gateways in a loop": case(p(S, '<inclusiveGateway id="g"/><inclusiveGateway id="h"/><task id="a"/><task id="b"/>', MERGE,
        flows("s m", "m g", "g a if True", "g b if True", "a h", "b h", "h m")), "m g h a b", STEPS),
    "complex gateway in a loop": case(p(S, MERGE, '<complexGateway id="g"><activationCondition>activationCount > 0</activationCondition></complexGateway>',
        flows("s m", "m g", "g m")), "m g", STEPS),
    "error caught before itself": case(p(S, MERGE, sub("b", '<startEvent id="bs"/>', end("be", error("E1")), flows("bs be")), boundary("k", "b", error("E1")),
        flows("s m", "m b", "k m")), "m b be k bs", STEPS),
    "transaction that is cancelled and tried again": case(p(S, MERGE, sub("b", '<startEvent id="bs"/>', end("be", "<cancelEventDefinition/>"), flows("bs be"), tag="transaction"),
        boundary("k", "b", "<cancelEventDefinition/>"), flows("s m", "m b", "k m")), "m b be k bs", STEPS),
    "compensation in a loop": case(p(S, MERGE, '<task id="a"/><task id="ac" isForCompensation="true"/><boundaryEvent id="ab" attachedToRef="a"><compensateEventDefinition/>'
        '</boundaryEvent><association id="as" sourceRef="ab" targetRef="ac"/>', throw("c", "<compensateEventDefinition/>"), flows("s m", "m a", "a c", "c m")), "m a ac c", STEPS),
    "compensation that waits for ever": case(p(S, MERGE, '<task id="a"/><task id="ac" isForCompensation="true"/><boundaryEvent id="ab" attachedToRef="a"><compensateEventDefinition/>'
        '</boundaryEvent><association id="as" sourceRef="ab" targetRef="ac"/>', flows("s m", "m a", "a m")), "m a", STEPS),
    "standard loop": case(p(S, '<task id="c"><standardLoopCharacteristics><loopCondition>True</loopCondition></standardLoopCharacteristics></task>', flows("s c")), "c", STEPS),
    "standard loop that tests first": case(p(S, '<task id="c"><standardLoopCharacteristics testBefore="true"><loopCondition>loopCounter >= 0</loopCondition>'
        "</standardLoopCharacteristics></task>", flows("s c")), "c", STEPS),
    "ad-hoc subprocess that goes round": case(p(S, sub("b", '<task id="x"/><task id="y"/>', until("False"), flows("x y", "y x"), sub("z", '<startEvent id="zs"/>', MERGE,
        '<task id="w"/>', flows("zs m", "m w", "w m")), tag="adHocSubProcess"), flows("s b")), "m w x y b z", STEPS),
    "timers without delay": case(circle(catch("a", timer("PT0S")), path="a"), "a", "timers followed each other"),
    "ten endless scripts": case(p(S, FORK, *[script(f"t{n}", "while True: pass") + flows(f"f t{n}") for n in range(10)], flows("s f")),
        " ".join(f"t{n}" for n in range(10)), TIME),
}  # fmt: skip

CROWDS: dict[str, Case] = {
    "fork in a loop": case(p(S, MERGE, FORK, '<task id="a"/><task id="b"/>', flows("s m", "m f", "f a", "f b", "a m", "b m")), "m f a b", STEPS),
    "fork that leaves tasks": case(p(S, MERGE, FORK, USER, '<task id="b"/>', flows("s m", "m f", "f u", "f b", "u m", "b m")), "m f b u", STEPS),
    "boundary event in a loop": case(p(S, MERGE, sub("b", '<startEvent id="bs"/>', end("be", escalation("C1")), flows("bs be")), boundary("k", "b", escalation("C1"), False),
        flows("s m", "m b", "b m", "k m")), "m b k bs be", STEPS),
    "self-calling": case(p(S, CALL.format("c", "p", ""), flows("s c")), "c", "nested deeper than 100"),
    "calling each other": case(p(S, CALL.format("c", "q", ""), flows("s c")), "c qc", "nested deeper than 100", more={"q.bpmn": OTHER}),
    "two self-calling": case(p(S, CALL.format("c", "p", multi(2)), flows("s c")), "c", STEPS),
    "a thousand self-calling": case(p(S, CALL.format("c", "p", multi(1000)), flows("s c")), "c", EVENTS),
    "a million instances": case(p(S, f'<task id="c">{multi(10**6)}</task>', flows("s c")), "c", "the limit is 100000"),
    "many instances": case(p(S, f'<task id="c">{multi(10**5)}</task>', flows("s c")), "c", "would be open at once"),
    "user tasks for a town": case(p(S, f'<userTask id="c">{multi(24_000)}</userTask>', flows("s c")), "c", STEPS),
    "many instances in sequence": case(p(S, f'<task id="c">{multi(10**5, sequential=True)}</task>', flows("s c")), "c", STEPS),
    "instances of instances": case(p(S, sub("b", f'<task id="t">{multi(1000)}</task>', multi(1000)), flows("s b")), "t b", STEPS),
    "a cardinality that one waits for": case(p(S, f'<task id="c">{multi("sum(range(10**10))")}</task>', flows("s c")), "c", "was stopped"),
    "tokens that multiply": case(p(S, *[f'<task id="t{n}" completionQuantity="1000"/>' for n in range(4)], flows("s t0", "t0 t1", "t1 t2", "t2 t3")), "t0 t1 t2 t3", "in one command"),
    "tokens that multiply and gather": case(p(S, MERGE, '<task id="a" completionQuantity="1000"/><task id="b" startQuantity="1000" completionQuantity="3"/>',
        flows("s m", "m a", "a b", "b m")), "m a b", "in one command"),
}  # fmt: skip

STORMS: dict[str, Case] = {
    "signal that starts its thrower": case(beside(event_sub("h", SIGNAL, False, throw("a", SIGNAL), flows("h-s a")), throw("t", SIGNAL)), "h a t", EVENTS),
    "signal that starts two throwers": case(beside(event_sub("h", SIGNAL, False, throw("a", SIGNAL), flows("h-s a")), event_sub("k", SIGNAL, False, throw("b", SIGNAL), flows("k-s b")),
        throw("t", SIGNAL)), "h a k b t", "in one command"),
    "signal that interrupts its thrower": case(p(S, MERGE, sub("b", '<startEvent id="bs"/>', throw("t", SIGNAL), USER, flows("bs t", "t u")), boundary("k", "b", SIGNAL),
        flows("s m", "m b", "k m")), "m b k bs t u", EVENTS),
    "escalation from its own handler": case(beside(event_sub("h", escalation("C1"), False, throw("a", escalation("C1")), flows("h-s a")),
        sub("t", event_sub("i", escalation("C1"), False, throw("c", escalation("C1")), flows("i-s c")), '<startEvent id="ts"/>', MERGE, throw("d", escalation("C1")),
        flows("ts m", "m d", "d m"))), "h a i c m d t", "in one command"),
    "condition that flips": case(beside(event_sub("h", conditional("x % 2 == 0"), False, script("a", "x = x + 1"), script("b", "x = x + 1"), flows("h-s a", "a b")),
        script("t", "x = 0")), "h a b h-s t", STEPS),
    "condition at a boundary that flips": case(beside(boundary("k", "u", conditional("x % 2 == 0"), False), script("a", "x = x + 1"), script("b", "x = x + 1"),
        script("t", "x = 0"), flows("k a", "a b")), "k a b t", STEPS),
    "a thousand conditions for each change": case(p(S, '<task id="i"/>', FORK, *[catch(f"c{n}", conditional(f"x % {n + 2} == -1")) + flows(f"f c{n}") for n in range(1000)],
        MERGE, script("a", "x = x + 1 if x else 1"), '<dataObject id="d" name="x"/>', flows("s i", "i f", "f m", "m a", "a m")), " ".join(f"c{n}" for n in range(1000)) + " i f m a", "in one command"),
    "a step with ten thousand expressions": case(lambda: p(S, f'<userTask id="u"><extensionElements><camunda:inputOutput>{_parameters(10_000)}</camunda:inputOutput>'
        "</extensionElements></userTask>", flows("s u")), "u", TIME),
    "three thousand different conditions": case(lambda: _fan([f"(lambda: n)() == {n + 1}" for n in range(3_000)]), " ".join(f"f{n}" for n in range(3_000)), "1500 different", refused=True),
    "messages without end": case(circle(throw("a", MESSAGE), path="a"), "m a", EVENTS),
}  # fmt: skip

VALUES: dict[str, Case] = {
    "text that doubles": case(circle(script("a", "x = (x if n else 'a' * 1000) * 2\nn = 1"), path="a"), "m a"),
    "number that is squared": case(circle(script("a", "n = (n if n else 3) ** 2"), path="a"), "m a", "4,200 digits"),
    "list in a list in a list": case(circle(script("a", "x = [x] if n else []\nn = 1"), path="a"), "m a"),
    "object that grows": case(circle(script("a", "x = {'a': x, 'b': x} if n else {}\nn = 1"), path="a"), "m a"),
    "large values again and again": case(circle(script("a", "n = n + 1\nx = [str(n) * 50] * 20000"), path="a"), "m a", "values of one command"),
    "large values read by conditions": case(p(S, script("i", "x = ['a' * 50] * 20000"), MERGE, '<exclusiveGateway id="g" default="g-e"/>', end("e"),
        flows("s i", "i m", "m g", "g m if len(x) > 1", "g e")), "m g", "values of one command"),
    "large values sent": case(p(S, script("i", "x = ['a' * 50] * 20000"), MERGE, '<sendTask id="a" messageRef="M"/>', flows("s i", "i m", "m a", "a m")), "m a", "in one command"),
    "a script of memory": case(p(S, script("a", "x = [0] * 10**10"), flows("s a")), "a", "too much memory"),
}  # fmt: skip


def _decision(body: str, needs: str = "") -> bytes:
    space = "https://www.omg.org/spec/DMN/20191111/MODEL/"
    return f'<definitions xmlns="{space}" id="d" name="d" namespace="urn:d">{needs}<decision id="D" name="D">{body}</decision></definitions>'.encode()


def _literal(text: str) -> str:
    return f"<literalExpression><text>{text}</text></literalExpression>"


DECIDES = p(S, '<businessRuleTask id="b" camunda:decisionRef="D"/>', flows("s b"))
RECURSIVE = f'<businessKnowledgeModel id="K" name="k"><encapsulatedLogic><formalParameter name="n"/>{_literal("k(n + 1) + k(n + 2)")}</encapsulatedLogic></businessKnowledgeModel>'
NEEDS = '<knowledgeRequirement id="r"><requiredKnowledge href="#K"/></knowledgeRequirement>'
CIRCLE = '<informationRequirement id="r"><requiredDecision href="#D"/></informationRequirement>'
DECISIONS: dict[str, Case] = {
    "a decision without end": case(DECIDES, "b", "too many steps", more={"d.dmn": _decision(_literal("some x in 1..10000000000 satisfies x &lt; 0"))}),
    "a knowledge model that calls itself": case(DECIDES, "b D K", more={"d.dmn": _decision(NEEDS + _literal("k(1)"), RECURSIVE)}),
    "decisions in a circle": case(DECIDES, "D", more={"d.dmn": _decision(CIRCLE + _literal("1"))}, refused=True),
}  # fmt: skip

XML = '<?xml version="1.0"?>'
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


def _document(doctype: str, inside: str = "") -> bytes:
    return f'{XML}{doctype}<definitions {NAMESPACES} id="definitions" targetNamespace="urn:test"><process id="p"><startEvent id="s"/>{inside}</process></definitions>'.encode()


def _nested(depth: int) -> str:
    return "".join(f'<subProcess id="b{n}">' for n in range(depth)) + "</subProcess>" * depth


def _chain(length: int) -> bytes:
    return p(S, *(f'<task id="t{n}"/>' for n in range(length)), flows("s t0", *(f"t{n} t{n + 1}" for n in range(length - 1))))


def _form(field: Any) -> dict[str, bytes]:
    schema = {"type": "object", "properties": {"n": field}}
    return {"f.form.json": json.dumps({"form": 1, "schema": schema}).encode()}


FILLS = p(S, '<userTask id="u" camunda:formKey="f"/>', flows("s u"))
FILES: dict[str, Case] = {
    "external entity": case(
        _document('<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>', "<documentation>&x;</documentation>"), "", refused=True
    ),
    "parameter entity": case(_document('<!DOCTYPE d [<!ENTITY % x SYSTEM "http://127.0.0.1:1/x.dtd"> %x;]>'), "", refused=True),
    "a billion laughs": case(_document(f'<!DOCTYPE d [<!ENTITY l0 "ha">{LAUGHS}]>', "<documentation>&l9;</documentation>"), "", refused=True),
    "external DTD": case(_document('<!DOCTYPE definitions SYSTEM "http://127.0.0.1:1/x.dtd">'), "", refused=True),
    "a file of more than 5 MB": case(lambda: _document("", f"<documentation>{'a' * 5_300_000}</documentation>"), "", refused=True),
    "300 subprocesses inside each other": case(lambda: _document("", _nested(300)), "", refused=True),
    "120 subprocesses inside each other": case(lambda: p(S, _nested_running(120), flows("s b0")), "b100", refused=True),
    "a hundred thousand elements": case(lambda: _chain(50_001), "", refused=True),
    "the largest file that is taken": case(lambda: _chain(3_900), ""),
    "form: a reference to another machine": case(FILLS, "", refused=True, more=_form({"$ref": "http://127.0.0.1:1/x.json"})),
    "form: a reference to itself": case(FILLS, "", refused=True, more=_form({"$ref": "#"})),
    "form: a default that is code": case(
        FILLS, "", refused=True, more=_form({"type": "integer", "title": "n", "default": "__import__('os').system('id')"})
    ),
}


def _nested_running(depth: int) -> str:
    inside = f'<task id="b{depth}"/>'
    for n in reversed(range(depth)):
        inside = f'<subProcess id="b{n}"><startEvent id="s{n}"/>{inside}{flows(f"s{n} b{n + 1}")}</subProcess>'
    return inside


CASES: dict[str, Case] = LOOPS | CROWDS | STORMS | VALUES | DECISIONS | FILES
