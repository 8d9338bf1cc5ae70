"""Hostile expressions, and every slot of a diagram into which an author can write one. In each slot the element that is to be named is `T` (a flow `F`)."""

from __future__ import annotations

from collections.abc import Callable

from tests.conformance.test_events import MESSAGE, SIGNAL, S, boundary, catch, event_sub, p, throw, timer
from tests.support.bpmn_bench import definitions, flows
from tests.support.hostile_diagrams import FORK, USER, multi, until

TEXTS = [
    "sum(range(10**10))",
    "9**9**9",
    "[0] * 10**10",
    "len([0] * 10**10)",
    "import os",
    "while True: pass",
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
    "whole script": lambda x: p(S, f'<scriptTask id="T"><script>{x}</script></scriptTask>', flows("s T")),
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
FEEL = "https://www.omg.org/spec/DMN/20191111/FEEL/"
FEEL_TEXTS = {
    "an endless list": "count(for i in 1..10000000000 return i)",
    "lists of lists": "count(for i in 1..10000 return for j in 1..10000 return i * j)",
    "a quantifier over much": "some x in 1..10000000000 satisfies x < 0",
    "a function that calls itself": "{f: function(g) g(g), r: f(f)}.r",
    "a tower of powers": "9 ** 9 ** 9 ** 9",
    "a regular expression that goes back": 'matches("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "^(a+)+$")',
    "a long text": 'string join(for i in 1..100000 return string join(for j in 1..1000 return "aaaaaaaaaa"))',
    "signs": "-" * 3000 + "1",
    "parentheses": "(" * 3000 + "1" + ")" * 3000,
}


def feel(xml: bytes) -> bytes:
    """The same file with FEEL as its language."""
    return xml.replace(b"<definitions ", f'<definitions expressionLanguage="{FEEL}" '.encode(), 1)
