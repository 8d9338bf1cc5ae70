"""DMN 1.1 to 1.5 through a business-rule task of the whole engine: hit policies, aggregations, requirements, knowledge, boxed expressions; and replay."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

import pytest

from engine.dmn.xml import NAMESPACES
from engine.errors import DeploymentRejected
from engine.model.actors import SYSTEM
from engine.model.commands import Deploy
from engine.testing import EmbeddedEngine
from tests.conformance.test_events import S
from tests.support.bpmn_bench import flows, process

V13 = "https://www.omg.org/spec/DMN/20191111/MODEL/"


def dmn(*parts: str, namespace: str = V13) -> bytes:
    return f'<definitions xmlns="{namespace}" id="rules" name="rules" namespace="urn:rules">{"".join(parts)}</definitions>'.encode()


def text(feel: str, tag: str = "literalExpression", extra: str = "") -> str:
    return f"<{tag} {extra}><text>{escape(feel)}</text></{tag}>"


def decision(key: str, logic: str, *required: str, variable: str = "") -> str:
    """`required`: `decision a`, `input b`, `knowledge c`."""
    needs = "".join(_requirement(*one.split()) for one in required)
    return f'<decision id="{key}" name="{key}"><variable name="{variable or key}"/>{needs}{logic}</decision>'


def _requirement(kind: str, key: str) -> str:
    outer = "knowledgeRequirement" if kind == "knowledge" else "informationRequirement"
    return f'<{outer}><required{kind.title()} href="#{key}"/></{outer}>'


def table(policy: str, *rules: tuple[str, str], inputs: tuple[str, ...] = ("amount",), output: str = '<output id="o" name="level"/>') -> str:
    """Rules r1, r2, ...; cells of several inputs or outputs are divided by `;`."""
    columns = "".join(f"<input>{text(name, 'inputExpression')}</input>" for name in inputs)
    rows = "".join(
        f'<rule id="r{number}">{"".join(text(cell.strip(), "inputEntry") for cell in tests.split(";"))}'
        f"{''.join(text(cell.strip(), 'outputEntry') for cell in results.split(';'))}</rule>"
        for number, (tests, results) in enumerate(rules, 1)
    )
    return f"<decisionTable {policy}>{columns}{output}{rows}</decisionTable>"


def decided(data: bytes, key: str = "d", /, **variables: Any) -> tuple[Any, dict[str, Any]]:
    """Result of the decision in a process, and why; the records re-execute to the same."""
    task = f'<businessRuleTask id="t" f:decision="{key}" f:resultVariable="r"/>'
    with EmbeddedEngine() as engine:
        engine.deploy({"p.bpmn": process(S, task, flows("s t")), "rules.dmn": data})
        one = engine.start("p", variables)
        assert engine.instance(one).error is None, engine.instance(one).error
        with engine.app.reading() as read:
            (why,) = [why for line in read.explanations(SYSTEM, one) for why in line.why]
        assert engine.check() == 1
        return engine.variables(one)["r"], dict(why)


def incident(data: bytes, **variables: Any) -> str:
    with EmbeddedEngine() as engine:
        engine.deploy({"p.bpmn": process(S, '<businessRuleTask id="t" f:decision="d"/>', flows("s t")), "rules.dmn": data})
        found = engine.instance(engine.start("p", variables))
        assert (found.state, engine.check()) == ("active", 1)
        return str(found.error)


# --- hit policies -----------------------------------------------------------------------------------------------------
RULES = (("< 10", '"low"'), ("< 100", '"mid"'), ("< 1000", '"high"'))
NUMBERS = (("< 10", "5"), ("< 100", "1"), ("< 1000", "3"))
RANKED = '<output id="o" name="level"><outputValues><text>"high","mid","low"</text></outputValues></output>'


@pytest.mark.parametrize(
    ("policy", "rules", "amount", "result", "matched"),
    [
        ("", (("< 10", '"low"'), (">= 10", '"high"')), 50, "high", ["r2"]),
        ('hitPolicy="UNIQUE"', (("< 10", '"low"'), (">= 10", '"high"')), 5, "low", ["r1"]),
        ('hitPolicy="UNIQUE"', (("< 10", '"low"'),), 50, None, []),
        ('hitPolicy="FIRST"', RULES, 5, "low", ["r1"]),
        ('hitPolicy="FIRST"', RULES, 50, "mid", ["r2"]),
        ('hitPolicy="ANY"', (("< 10", '"x"'), ("< 100", '"x"')), 5, "x", ["r1", "r2"]),
        ('hitPolicy="PRIORITY"', RULES, 5, "high", ["r3"]),
        ('hitPolicy="OUTPUT ORDER"', RULES, 5, ["high", "mid", "low"], ["r3", "r2", "r1"]),
        ('hitPolicy="RULE ORDER"', RULES, 50, ["mid", "high"], ["r2", "r3"]),
        ('hitPolicy="COLLECT"', RULES, 50, ["mid", "high"], ["r2", "r3"]),
        ('hitPolicy="COLLECT"', RULES, 5000, [], []),
        ('hitPolicy="COLLECT" aggregation="SUM"', NUMBERS, 5, 9, ["r1", "r2", "r3"]),
        ('hitPolicy="COLLECT" aggregation="MIN"', NUMBERS, 5, 1, ["r1", "r2", "r3"]),
        ('hitPolicy="COLLECT" aggregation="MAX"', NUMBERS, 50, 3, ["r2", "r3"]),
        ('hitPolicy="COLLECT" aggregation="COUNT"', NUMBERS, 50, 2, ["r2", "r3"]),
        ('hitPolicy="COLLECT" aggregation="COUNT"', NUMBERS, 5000, 0, []),
        ('hitPolicy="COLLECT" aggregation="SUM"', NUMBERS, 5000, None, []),
    ],
)
def test_hit_policies_and_aggregations(policy: str, rules: tuple[tuple[str, str], ...], amount: int, result: Any, matched: list[str]) -> None:
    found, why = decided(dmn(decision("d", table(policy, *rules, output=RANKED))), amount=amount)
    assert found == result
    assert (why["subject"], why["result"], sorted(why["rules"]), why["reads"]) == ("d", result, sorted(matched), {"amount": amount})


@pytest.mark.parametrize("policy", ["UNIQUE", "ANY"])
def test_rules_that_contradict_their_policy_are_an_incident(policy: str) -> None:
    assert policy in incident(dmn(decision("d", table(f'hitPolicy="{policy}"', *RULES))), amount=5)


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (decision("d", table('hitPolicy="SOMETIMES"', *RULES)), "dmn.hit-policy"),
        (decision("d", table('hitPolicy="PRIORITY"', *RULES)), "dmn.priority"),
        (decision("d", table('hitPolicy="FIRST" aggregation="SUM"', *RULES)), "dmn.aggregation"),
        (
            decision("d", table('hitPolicy="COLLECT" aggregation="SUM"', ("1", "1;2"), output='<output name="a"/><output name="b"/>')),
            "dmn.aggregation",
        ),
        (decision("d", table("", ("< ", '"x"'))), "dmn.feel"),
        (decision("d", text("a == b")), "dmn.feel"),
        (decision("d", text("x", extra='expressionLanguage="http://www.w3.org/1999/XPath"')), "dmn.language"),
        (decision("d", text("x", extra='expressionLanguage="groovy"')), "dmn.language"),
        (decision("d", text("x", extra='expressionLanguage="notfeel"')), "dmn.language"),
        (decision("d", text("a"), "decision a") + decision("a", text("d"), "decision d"), "dmn.cycle"),
        (decision("d", text("a"), "decision a"), "dmn.reference"),
        (decision("d", ""), "dmn.logic"),
        (decision("d", '<functionDefinition kind="Java"><literalExpression><text>1</text></literalExpression></functionDefinition>'), "dmn.external"),
    ],
)
def test_what_is_refused(data: str, rule: str) -> None:
    with EmbeddedEngine() as engine, pytest.raises(DeploymentRejected) as caught:
        engine.deploy({"p.bpmn": process(S), "rules.dmn": dmn(data)})
    assert {(one.rule, one.file) for one in caught.value.problems} == {(rule, "rules.dmn")}
    assert all(one.element_id and one.line for one in caught.value.problems)


# --- tables -----------------------------------------------------------------------------------------------------------
def test_several_inputs_and_outputs_with_a_default() -> None:
    output = '<output name="who"><defaultOutputEntry><text>"nobody"</text></defaultOutputEntry></output><output name="days"/>'
    logic = table(
        "", ('"gold","silver"; [10..20[', '"boss"; amount * 2'), ('not("gold"); -', '"clerk"; null'), inputs=("kind", "amount"), output=output
    )
    assert decided(dmn(decision("d", logic)), kind="gold", amount=10)[0] == {"who": "boss", "days": 20}
    assert decided(dmn(decision("d", logic)), kind="other", amount=1)[0] == {"who": "clerk", "days": None}
    assert decided(dmn(decision("d", logic)), kind="gold", amount=20)[0] == {"who": "nobody", "days": None}


def test_dates_and_durations_by_type() -> None:
    logic = table("", ('<= date("2026-03-31"); > duration("P1D")', '"now"'), ("-; -", '"later"'), inputs=("due", "wait"))
    logic = logic.replace("<decisionTable ", '<decisionTable hitPolicy="FIRST" ').replace("<inputExpression >", '<inputExpression typeRef="date">', 1)
    logic = logic.replace("<inputExpression >", '<inputExpression typeRef="dayTimeDuration">', 1)
    assert decided(dmn(decision("d", logic)), due="2026-03-31", wait="P2D")[0] == "now"
    assert decided(dmn(decision("d", logic)), due="2026-04-01", wait="P2D")[0] == "later"
    assert decided(dmn(decision("d", logic)), due="2026-03-01", wait="PT5H")[0] == "later"


def test_null_and_missing_variables() -> None:
    logic = table('hitPolicy="FIRST"', ("null", '"nothing"'), ("< 5", '"small"'), ("-", '"else"'))
    assert decided(dmn(decision("d", logic)))[0] == "nothing"
    assert decided(dmn(decision("d", logic)), amount=None)[0] == "nothing"
    assert decided(dmn(decision("d", logic)), amount="text")[0] == "else"


# --- requirements -----------------------------------------------------------------------------------------------------
GRAPH = (
    '<inputData id="i" name="income"><variable name="income" typeRef="number"/></inputData>',
    decision("base", text("income * 0.3"), "input i"),
    decision("risk", table("", ("< 1000", '"high"'), (">= 1000", '"low"'), inputs=("income",)), "input i"),
    decision("d", text('if risk = "high" then base / 2 else base'), "decision base", "decision risk"),
)


def test_a_graph_of_decisions() -> None:
    found, why = decided(dmn(*GRAPH), income=900)
    assert (found, why["rules"], why["reads"]) == (135, ["r1"], {"income": 900})
    assert decided(dmn(*GRAPH), income=2000)[0] == 600


def test_several_decisions_of_a_file_and_of_several_files() -> None:
    tasks = "".join(f'<businessRuleTask id="t{key}" f:decision="{key}" f:resultVariable="{key}_"/>' for key in ("base", "risk", "other"))
    xml = process(S, tasks, flows("s tbase", "tbase trisk", "trisk tother"))
    with EmbeddedEngine() as engine:
        engine.deploy({"p.bpmn": xml, "a.dmn": dmn(*GRAPH), "b.dmn": dmn(decision("other", text("income + 1")))})
        one = engine.start("p", {"income": 100})
        found = engine.variables(one)
        assert (found["base_"], found["risk_"], found["other_"]) == (30, "high", 101)
        assert engine.check() == 1


def test_knowledge_models_and_invocations() -> None:
    function = (
        '<businessKnowledgeModel id="k" name="rate"><variable name="rate"/><encapsulatedLogic><formalParameter name="x" typeRef="number"/>'
        f'<formalParameter name="factor" typeRef="number"/>{table("", ("< 10", "x * factor"), (">= 10", "x"), inputs=("x",))}</encapsulatedLogic>'
        "</businessKnowledgeModel>"
    )
    binding = '<binding><parameter name="{}"/>{}</binding>'
    invoked = f"<invocation>{text('rate')}{binding.format('factor', text('3'))}{binding.format('x', text('amount'))}</invocation>"
    assert decided(dmn(function, decision("d", invoked, "knowledge k")), amount=5)[0] == 15
    assert decided(dmn(function, decision("d", text("rate(amount, 2) + rate(factor: 1, x: 50)"), "knowledge k")), amount=5)[0] == 60


def test_a_knowledge_model_that_calls_itself() -> None:
    logic = "<formalParameter name='n'/>" + text("if n < 2 then 1 else n * fac(n - 1)")
    function = (
        f'<businessKnowledgeModel id="k" name="fac"><variable name="fac"/><encapsulatedLogic>{logic}</encapsulatedLogic></businessKnowledgeModel>'
    )
    assert decided(dmn(function, decision("d", text("fac(amount)"), "knowledge k")), amount=5)[0] == 120


def test_a_decision_service() -> None:
    service = (
        '<decisionService id="s" name="serve"><variable name="serve"/><outputDecision href="#d"/><encapsulatedDecision href="#base"/>'
        '<encapsulatedDecision href="#risk"/><inputData href="#i"/></decisionService>'
    )
    assert decided(dmn(*GRAPH, service), "s", income=900)[0] == 135
    caller = decision("c", text("serve(2000) + serve(900)"), "knowledge s")
    assert decided(dmn(*GRAPH, service, caller), "c")[0] == 735


# --- boxed expressions ------------------------------------------------------------------------------------------------
def entry(name: str, logic: str) -> str:
    return f"<contextEntry>{f'<variable name={chr(34)}{name}{chr(34)}/>' if name else ''}{logic}</contextEntry>"


@pytest.mark.parametrize(
    ("logic", "result"),
    [
        (text("for i in 1..amount return i ** 2"), [1, 4, 9]),
        (text('some x in [1, 2] satisfies x > amount or "a" in ("a", "b")'), True),
        (text('{total: amount * 2, text: string(total), when: date("2026-01-31") + @"P1M"}'), {"total": 6, "text": "6", "when": "2026-02-28"}),
        (f"<context>{entry('a', text('amount + 1'))}{entry('b', text('a * 2'))}</context>", {"a": 4, "b": 8}),
        (f"<context>{entry('a', text('amount + 1'))}{entry('', text('a * 2'))}</context>", 8),
        (f"<list>{text('1')}{text('amount')}</list>", [1, 3]),
        (f'<relation><column name="a"/><column name="b"/><row>{text("1")}{text("amount")}</row></relation>', [{"a": 1, "b": 3}]),
        (f"<conditional><if>{text('amount > 2')}</if><then>{text('1')}</then><else>{text('2')}</else></conditional>", 1),
        (f"<filter><in>{text('[1, 5, 9]')}</in><match>{text('item > amount')}</match></filter>", [5, 9]),
        (f'<for iteratorVariable="x"><in>{text("[1, 2]")}</in><return>{text("x * amount")}</return></for>', [3, 6]),
        (f'<every iteratorVariable="x"><in>{text("[1, 2]")}</in><satisfies>{text("x < amount")}</satisfies></every>', True),
        (f'<some iteratorVariable="x"><in>{text("[1, 2]")}</in><satisfies>{text("x > amount")}</satisfies></some>', False),
        (text("amount / 0"), None),
        (text('amount + "text"'), None),
    ],
)
def test_boxed_expressions(logic: str, result: Any) -> None:
    assert decided(dmn(decision("d", logic)), amount=3)[0] == result


@pytest.mark.parametrize("namespace", sorted(NAMESPACES))
def test_versions_of_the_standard(namespace: str) -> None:
    assert decided(dmn(decision("d", table("", *RULES[:1])), namespace=namespace), amount=3)[0] == "low"


def test_files_import_each_other() -> None:
    shared = dmn(decision("base", text("income * 2"))).replace(b"urn:rules", b"urn:shared")
    head = f'<import name="lib" namespace="urn:shared" importType="{V13}"/>'
    logic = (
        '<decision id="d" name="d"><variable name="d"/><informationRequirement><requiredDecision href="urn:shared#base"/></informationRequirement>'
    )
    main = dmn(head, logic, text("lib.base + 1"), "</decision>")
    with EmbeddedEngine() as engine:
        xml = process(S, '<businessRuleTask id="t" f:decision="d" f:resultVariable="r"/>', flows("s t"))
        engine.deploy({"p.bpmn": xml, "main.dmn": main, "Shared.DMN": shared})
        assert engine.variables(engine.start("p", {"income": 4}))["r"] == 9


# --- versions -----------------------------------------------------------------------------------------------------------
TASK = process(S, '<userTask id="u"/><businessRuleTask id="t" f:decision="d" f:resultVariable="r"/>', flows("s u", "u t"))


def test_a_decision_is_a_part_of_its_deployment() -> None:
    """A new table makes a new version of the process; instances keep the tables that they began with, and the records' content hash covers them."""
    with EmbeddedEngine() as engine:
        engine.deploy({"p.bpmn": TASK, "rules.dmn": dmn(decision("d", text('"old"')))})
        before = engine.start("p")
        engine.app.execute(Deploy({"rules.dmn": dmn(decision("d", text('"new"')))}, complete_from="p:1"), SYSTEM)
        after = engine.start("p")
        for task in engine.user_tasks():
            engine.complete(task.id)
        assert [engine.variables(one)["r"] for one in (before, after)] == ["old", "new"]
        with engine.app.reading() as read:
            hashes = {read.definition(SYSTEM, f"p:{version}").content_hash for version in (1, 2)}
        assert len(hashes) == 2
        assert engine.check() == 4


def test_a_decision_alone_or_of_another_deployment_is_refused() -> None:
    rules = {"rules.dmn": dmn(decision("d", text("1")))}
    with EmbeddedEngine() as engine:
        engine.deploy({"p.bpmn": TASK, **rules})
        for files, rule in ((rules, "dmn.alone"), ({"q.bpmn": TASK.replace(b'"p"', b'"q"')}, "dmn.reference")):
            with pytest.raises(DeploymentRejected) as caught:
                engine.deploy(files)
            assert [(one.rule, bool(one.advice)) for one in caught.value.problems] == [(rule, True)]
