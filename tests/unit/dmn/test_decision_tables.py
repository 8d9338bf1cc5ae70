"""Decision tables: hit policies, aggregation, defaults, explanation, contradictions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from engine.dmn import DmnCompiler, DmnModel
from engine.errors import DeploymentRejected, ExpressionError

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DMN13 = "https://www.omg.org/spec/DMN/20191111/MODEL/"


def table(
    policy: str, rules: list[tuple[list[str], list[str]]], *, outputs: str = '<output name="r"/>', inputs: tuple[str, ...] = ("amount",)
) -> str:
    """A decision `d` with one table; rule ids are r1, r2 ..."""
    clauses = "".join(f"<input><inputExpression><text>{text}</text></inputExpression></input>" for text in inputs)
    rows = "".join(
        f'<rule id="r{number}">'
        + "".join(f"<inputEntry><text>{cell.replace('<', '&lt;')}</text></inputEntry>" for cell in cells)
        + "".join(f"<outputEntry><text>{cell}</text></outputEntry>" for cell in results)
        + "</rule>"
        for number, (cells, results) in enumerate(rules, 1)
    )
    return f'<decision id="d" name="d"><decisionTable {policy}>{clauses}{outputs}{rows}</decisionTable></decision>'


def model(body: str, namespace: str = DMN13) -> DmnModel:
    return DmnCompiler().compile("t.dmn", f'<definitions xmlns="{namespace}" name="t" namespace="t">{body}</definitions>'.encode())


OVERLAPPING = [(["< 10"], ["1"]), (["< 100"], ["2"]), (["[5..50]"], ["3"])]
PRIORITIES = '<output name="r"><outputValues><text>3,2,1</text></outputValues></output>'


@pytest.mark.parametrize(
    ("policy", "outputs", "amount", "value", "rules"),
    [
        ('hitPolicy="FIRST"', "", 7, 1, ("r1",)),
        ('hitPolicy="FIRST"', "", 70, 2, ("r2",)),
        ('hitPolicy="RULE ORDER"', "", 7, [1, 2, 3], ("r1", "r2", "r3")),
        ('hitPolicy="COLLECT"', "", 20, [2, 3], ("r2", "r3")),
        ('hitPolicy="COLLECT" aggregation="SUM"', "", 7, 6, ("r1", "r2", "r3")),
        ('hitPolicy="COLLECT" aggregation="MIN"', "", 20, 2, ("r2", "r3")),
        ('hitPolicy="COLLECT" aggregation="MAX"', "", 7, 3, ("r1", "r2", "r3")),
        ('hitPolicy="COLLECT" aggregation="COUNT"', "", 7, 3, ("r1", "r2", "r3")),
        ('hitPolicy="COLLECT" aggregation="COUNT"', "", 700, 0, ()),
        ('hitPolicy="COLLECT"', "", 700, [], ()),
        ('hitPolicy="PRIORITY"', PRIORITIES, 7, 3, ("r3",)),
        ('hitPolicy="OUTPUT ORDER"', PRIORITIES, 7, [3, 2, 1], ("r3", "r2", "r1")),
        ("", "", 70, 2, ("r2",)),
        ("", "", 700, None, ()),
    ],
)
def test_hit_policies(policy: str, outputs: str, amount: int, value: Any, rules: tuple[str, ...]) -> None:
    decided = model(table(policy, OVERLAPPING, outputs=outputs or '<output name="r"/>')).evaluate("d", {"amount": amount}, NOW)
    assert decided.value == value
    assert decided.rules == rules
    assert decided.reads == {"amount": amount}


@pytest.mark.parametrize("policy", ["UNIQUE", "ANY"])
def test_rules_that_contradict_the_hit_policy_are_an_error(policy: str) -> None:
    with pytest.raises(ExpressionError, match=rf"{policy}.*r1, r2, r3"):
        model(table(f'hitPolicy="{policy}"', OVERLAPPING)).evaluate("d", {"amount": 7}, NOW)


def test_any_takes_equal_results() -> None:
    assert model(table('hitPolicy="ANY"', [(["< 10"], ['"x"']), (["< 100"], ['"x"'])])).evaluate("d", {"amount": 7}, NOW).value == "x"


def test_several_inputs_and_outputs() -> None:
    outputs = '<output name="route"/><output name="days" />'
    rules = [(['"甲","乙"', "not(> 5)"], ['"fast"', "amount * 2"]), (["-", ""], ['"slow"', "null"])]
    made = model(table('hitPolicy="FIRST"', rules, outputs=outputs, inputs=("客户", "amount + 1")))
    decided = made.evaluate("d", {"客户": "乙", "amount": 4}, NOW)
    assert decided.value == {"route": "fast", "days": 8}
    assert decided.reads == {"客户": "乙", "amount": 4, "amount + 1": 5}
    assert made.evaluate("d", {"客户": "乙", "amount": 5}, NOW).value == {"route": "slow", "days": None}


def test_default_outputs() -> None:
    outputs = '<output name="r"><defaultOutputEntry><text>"none"</text></defaultOutputEntry></output>'
    assert model(table("", OVERLAPPING, outputs=outputs)).evaluate("d", {"amount": 500}, NOW).value == "none"


@pytest.mark.parametrize(("cell", "value", "met"), [("true", True, True), ("false", False, True), ("true", False, False), ("other > 3", "x", True)])
def test_boolean_cells(cell: str, value: Any, met: bool) -> None:
    decided = model(table("", [([cell], ["1"])])).evaluate("d", {"amount": value, "other": 4}, NOW)
    assert (decided.value == 1) is met


def test_dates_come_as_text_when_the_input_says_so() -> None:
    body = table("", [(['>= date("2026-01-01")'], ['date("2026-02-01")'])]).replace("<inputExpression>", '<inputExpression typeRef="date">')
    assert model(body).evaluate("d", {"amount": "2026-01-05"}, NOW).value == "2026-02-01"


GRAPH = """
<inputData id="in1" name="net amount"><variable name="net amount" typeRef="number"/></inputData>
<businessKnowledgeModel id="b" name="tax"><encapsulatedLogic><formalParameter name="x" typeRef="number"/>
  <literalExpression><text>x * 0.1</text></literalExpression></encapsulatedLogic></businessKnowledgeModel>
<decision id="gross" name="gross amount"><variable name="gross amount" typeRef="number"/>
  <informationRequirement><requiredInput href="#in1"/></informationRequirement>
  <knowledgeRequirement><requiredKnowledge href="#b"/></knowledgeRequirement>
  <literalExpression><text>net amount + tax(net amount)</text></literalExpression></decision>
<decision id="report" name="report"><informationRequirement><requiredDecision href="#gross"/></informationRequirement>
  <context><contextEntry><variable name="whole"/><literalExpression><text>floor(gross amount)</text></literalExpression></contextEntry>
  <contextEntry><variable name="twice"/><literalExpression><text>whole * 2</text></literalExpression></contextEntry></context></decision>
"""


@pytest.mark.parametrize(
    "namespace",
    [
        "http://www.omg.org/spec/DMN/20151101/dmn.xsd",
        "http://www.omg.org/spec/DMN/20180521/MODEL/",
        DMN13,
        "https://www.omg.org/spec/DMN/20211108/MODEL/",
        "https://www.omg.org/spec/DMN/20230324/MODEL/",
    ],
)
def test_requirements_graph_in_every_version(namespace: str) -> None:
    made = model(GRAPH, namespace)
    assert made.decision_ids == ("gross", "report")
    decided = made.evaluate("report", {"net_amount": 105}, NOW)
    assert decided.value == {"whole": 115, "twice": 230}
    assert decided.reads == {"net_amount": 105}
    assert made.evaluate("gross", {"net amount": 105}, NOW).value == 115.5
    assert made.result_name("gross") == "gross"


def test_unknown_decision() -> None:
    with pytest.raises(ExpressionError, match="no decision"):
        model(GRAPH).evaluate("b", {}, NOW)


@pytest.mark.parametrize(
    ("xml", "rule"),
    [
        ("<definitions", "xml.syntax"),
        ('<!DOCTYPE a [<!ENTITY x "y">]><definitions xmlns="' + DMN13 + '">&x;</definitions>', "xml.doctype"),
        ("<definitions/>", "dmn.root"),
        (f'<definitions xmlns="{DMN13}">' + "<a>" * 200 + "</a>" * 200 + "</definitions>", "xml.depth"),
        (" " * 3_000_000, "xml.size"),
    ],
)
def test_hostile_files_are_refused(xml: str, rule: str) -> None:
    with pytest.raises(DeploymentRejected) as caught:
        DmnCompiler().compile("t.dmn", xml.encode())
    assert [p.rule for p in caught.value.problems] == [rule]


def test_every_problem_is_reported_with_its_decision() -> None:
    body = table('hitPolicy="FIRST"', [(["< "], ["1 +"]), (["1"], [])], outputs='<output name="r" typeRef="tNothing"/>')
    loop = '<decision id="{}" name="x"><informationRequirement><requiredDecision href="#{}"/></informationRequirement>'
    loop += "<literalExpression><text>1</text></literalExpression></decision>"
    with pytest.raises(DeploymentRejected) as caught:
        model(body + loop.format("a", "b") + loop.format("b", "a") + loop.format("c", "gone") + '<decision id="e" name="e"/>')
    found = [(p.element_id, p.rule) for p in caught.value.problems]
    assert ("d", "dmn.type") in found
    assert found.count(("r1", "dmn.feel")) == 2
    assert ("r2", "dmn.rule") in found
    assert ("a", "dmn.cycle") in found
    assert ("c", "dmn.reference") in found
    assert ("e", "dmn.logic") in found


@pytest.mark.parametrize(
    "text",
    [
        "for i in 1..1000000000 return i",
        "count(for i in 1..3000, j in 1..3000 return i)",
        "{f: function(n) f(n), r: f(1)}.r",
        'matches("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "^(a+)+$")',
        "{a: for i in 1..90000 return i, b: concatenate(a, a)}.b",
        'count(for i in 1..20 return partial) + string length(string join(for i in 1..90000 return "aaaaaaaaaaaaaaaaaaaa"))',
    ],
)
def test_evaluation_is_bounded(text: str) -> None:
    made = model(f'<decision id="d" name="d"><literalExpression><text>{text}</text></literalExpression></decision>')
    with pytest.raises(ExpressionError):
        made.evaluate("d", {}, NOW)


IMPORTED = f"""<definitions xmlns="{DMN13}" name="lib" namespace="urn:lib">
<itemDefinition name="tPerson"><itemComponent name="full name"><typeRef>string</typeRef></itemComponent></itemDefinition>
<businessKnowledgeModel id="hello" name="Say Hello"><encapsulatedLogic><formalParameter name="p" typeRef="tPerson"/>
<literalExpression><text>"Hello " + p.full name</text></literalExpression></encapsulatedLogic></businessKnowledgeModel></definitions>"""
IMPORTING = f"""<definitions xmlns="{DMN13}" name="t" namespace="urn:t"><import namespace="urn:lib" name="lib" importType="{DMN13}"/>
<inputData id="i" name="person"><variable name="person" typeRef="lib.tPerson"/></inputData>
<decision id="d" name="d"><informationRequirement><requiredInput href="#i"/></informationRequirement>
<knowledgeRequirement><requiredKnowledge href="urn:lib#hello"/></knowledgeRequirement>
<literalExpression><text>lib.Say Hello(person)</text></literalExpression></decision></definitions>"""


def test_imports_of_files_of_the_same_deployment() -> None:
    files = {"lib.dmn": IMPORTED.encode(), "t.dmn": IMPORTING.encode(), "broken.dmn": b"<"}
    made = DmnCompiler().compile("t.dmn", files["t.dmn"], files)
    assert made.decision_ids == ("d",)
    assert made.evaluate("d", {"person": {"full name": "Li"}}, NOW).value == "Hello Li"
    assert made.evaluate("d", {"person": {"full name": 5}}, NOW).value is None


@pytest.mark.parametrize(
    "library",
    [
        None,
        IMPORTED.replace("Hello ", 'Hello" '),
        IMPORTED.replace("<item", '<import namespace="urn:t" name="t" importType="' + DMN13 + '"/><item', 1),
    ],
)
def test_imports_that_are_missing_faulty_or_circular(library: str | None) -> None:
    files = {} if library is None else {"lib.dmn": library.encode()}
    with pytest.raises(DeploymentRejected) as caught:
        DmnCompiler().compile("t.dmn", IMPORTING.encode(), files)
    assert "dmn.import" in [p.rule for p in caught.value.problems]
