"""FEEL through the whole engine: what it decides is recorded, explained, and the same in every re-execution."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import DeploymentRejected
from engine.model.actors import SYSTEM
from engine.model.codec import encode
from engine.model.values import canonical
from engine.testing import EmbeddedEngine
from tests.conformance.test_events import S, catch
from tests.support.bpmn_bench import Bench, flows, process

HEADER = b'expressionLanguage="https://www.omg.org/spec/DMN/20191111/FEEL/" targetNamespace'


def in_feel(*parts: str) -> bytes:
    return process(*parts).replace(b"targetNamespace", HEADER)


def flow(source: str, target: str, condition: str) -> str:
    inside = f"<conditionExpression>{escape(condition)}</conditionExpression>"
    return f'<sequenceFlow id="{source}-{target}" sourceRef="{source}" targetRef="{target}">{inside}</sequenceFlow>'


# --- random texts -----------------------------------------------------------------------------------------------------
ATOMS = st.sampled_from([
    "a", "b", "rows", "order", "order.total", "missing", "missing.part", "null", "true", "false", "0", "1", "2.5", "-3", '"x"', '"2026-02-28"', "now()", "today()",
    '@"P1D"', '@"P1M"', 'date("2026-01-31")', 'time("10:00:00")', "[]", "[1, 2, 3]", "{k: 1}", "[1..5]", "twice(a)", "rows[1]", "rows[-1]", "rows[item > 1]",
])  # fmt: skip


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(two, st.sampled_from(["+", "-", "*", "/", "**"])).map(lambda t: f"({t[0][0]} {t[1]} {t[0][1]})"),
        st.tuples(two, st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "and", "or", "in"])).map(lambda t: f"({t[0][0]} {t[1]} {t[0][1]})"),
        st.tuples(inner, inner, inner).map(lambda t: f"(if {t[0]} then {t[1]} else {t[2]})"),
        st.tuples(inner, inner).map(lambda t: f"(for i in {t[0]} return [i, {t[1]}])"),
        st.tuples(st.sampled_from(["some", "every"]), inner, inner).map(lambda t: f"({t[0]} i in {t[1]} satisfies i = {t[2]})"),
        st.tuples(st.sampled_from(["count", "sum", "max", "not", "string", "distinct values", "reverse"]), inner).map(lambda t: f"{t[0]}({t[1]})"),
        st.tuples(inner, inner).map(lambda t: f"{{one: {t[0]}, two: {t[1]}}}"),
    )  # fmt: skip


TEXTS = st.recursive(ATOMS, _larger, max_leaves=8)
VALUES = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(-9, 9, allow_nan=False), st.text("ab ", max_size=3), st.just("2026-02-28"))


def diagram(texts: list[str]) -> bytes:
    """A condition, a result, an input, an assignee, a collection and its output, and a condition again after a user task."""
    one, two, three, four = (escape(text, {'"': "&quot;"}) for text in texts)
    script = f'<scriptTask id="t" camunda:resultVariable="r"><script>{escape(texts[1])}</script></scriptTask>'
    inputs = f'<extensionElements><zeebe:ioMapping><zeebe:input source="${{{three}}}" target="x"/></zeebe:ioMapping></extensionElements>'
    loop = (
        f'<multiInstanceLoopCharacteristics camunda:collection="${{[1, {four}]}}" camunda:elementVariable="e"><extensionElements>'
        f'<zeebe:loopCharacteristics outputCollection="out" outputElement="${{{two}}}"/></extensionElements></multiInstanceLoopCharacteristics>'
    )
    return in_feel(
        S,
        script,
        '<exclusiveGateway id="g" default="g-u"/>',
        f'<userTask id="u" camunda:assignee="${{string({one})}}">{inputs}</userTask>',
        f'<userTask id="m">{loop}</userTask>',
        '<exclusiveGateway id="h" default="h-e"/>',
        '<endEvent id="e"/><endEvent id="f"/>',
        flows("s t", "t g", "g u", "u m", "m h", "h e"),
        flow("g", "m", texts[0]),
        flow("h", "f", f"({texts[3]}) = ({texts[2]})"),
    )


def told(events: list[Any]) -> bytes:
    return canonical([encode(event) for event in events])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(TEXTS, min_size=4, max_size=4), VALUES, VALUES, st.lists(VALUES, max_size=3))
def test_random_feel_replays_to_the_same_outcome(texts: list[str], a: Any, b: Any, rows: list[Any]) -> None:
    variables = {"a": a, "b": b, "rows": rows, "order": {"total": a}}
    with EmbeddedEngine(functions={"twice": lambda value: [value, value]}) as engine:
        engine.deploy({"p.bpmn": diagram(texts)})
        one = engine.start("p", variables)
        for answer in (b, a, rows, None):
            assert engine.check() > 0
            tasks = engine.user_tasks(one)
            if tasks:
                engine.complete(tasks[0].id, {"a": answer})
            engine.app.services.live.clear()  # the next command begins with the records alone
        assert engine.check() > 0


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(TEXTS, min_size=4, max_size=4), VALUES, VALUES, st.lists(VALUES, max_size=3))
def test_random_feel_is_the_same_with_snapshots_in_between(texts: list[str], a: Any, b: Any, rows: list[Any]) -> None:
    runs = []
    for roundtrip in (False, True):
        bench = Bench(diagram(texts), functions={"twice": lambda value: [value, value]}, roundtrip=roundtrip)
        bench.start(a=a, b=b, rows=rows, order={"total": a})
        for _ in range(4):
            if bench.waiting():
                bench.complete(bench.waiting()[0], a=b)
        runs.append((told(bench.events), bench.state, bench.error, canonical(bench.variables)))
    assert runs[0] == runs[1]


# --- what is recorded -------------------------------------------------------------------------------------------------
def test_records_explain_a_decision_in_feel_as_one_in_python() -> None:
    xml = in_feel(S, '<exclusiveGateway id="g" default="g-b"/><task id="a"/><task id="b"/>', flows("s g", "g b"), flow("g", "a", "total > limit"))
    with EmbeddedEngine() as engine:
        engine.deploy({"p.bpmn": xml})
        one = engine.start("p", {"total": 5})
        with engine.app.reading() as read:
            (explained,) = read.explanations(SYSTEM, one)
        (why,) = explained.why
        assert (why["expression"], why["reads"], why["result"]) == ("=total > limit", {"total": 5, "limit": None}, None)
        assert engine.check() == 1


def test_the_clock_of_a_replay_is_that_of_the_record() -> None:
    xml = in_feel(S, '<scriptTask id="t" camunda:resultVariable="at"><script>string(now()) + string(today())</script></scriptTask>',
                  catch("c", "<timerEventDefinition><timeDuration>duration(wait)</timeDuration></timerEventDefinition>"), flows("s t", "t c"))  # fmt: skip
    with EmbeddedEngine() as engine:
        engine.deploy({"p.bpmn": xml})
        one = engine.start("p", {"wait": "PT5M"})
        engine.advance(seconds=301)
        assert (engine.instance(one).state, engine.variables(one)["at"]) == ("completed", "2026-01-05T01:00:00Z2026-01-05")
        assert engine.check() == 2


def test_a_business_key_in_feel() -> None:
    xml = process('<startEvent id="s" f:businessKey="= &quot;A-&quot; + string(number)"/>')
    with EmbeddedEngine() as engine:
        engine.deploy({"p.bpmn": xml})
        assert engine.instance(engine.start("p", {"number": 7})).business_key == "A-7"
        assert engine.instance(engine.start("p")).business_key is None  # null


@pytest.mark.parametrize(
    "condition", ["${approved == true}", "${order != null}", "${!approved}", "${a &amp;&amp; b}", "${a eq b}", "${a ? b : c}", "${empty a}"]
)
def test_what_is_written_in_the_expression_language_of_java_is_refused_at_deployment(condition: str) -> None:
    """`${...}` is a notation; what is inside is Python. What is not does not wait for an instance to be found out."""
    xml = process(S, '<exclusiveGateway id="g" default="g-b"/><task id="a"/><task id="b"/>', flows("s g", "g b"))
    xml = xml.replace(b"</process>", flow("g", "a", "@").replace("@", condition).encode() + b"</process>")
    with EmbeddedEngine() as engine, pytest.raises(DeploymentRejected) as caught:
        engine.deploy({"p.bpmn": xml})
    assert [(one.rule, one.element_id, bool(one.line and one.advice)) for one in caught.value.problems] == [("expression", "g-a", True)]
