"""Business-rule tasks with a decision table of the same deployment."""

from __future__ import annotations

import pytest

from engine.dmn import DmnCompiler
from engine.model import events as ev
from engine.model import inputs
from tests.conformance.test_events import S, p
from tests.support.bpmn_bench import Bench, definitions, flows

TABLE = b"""<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="urn:t">
<decision id="route" name="route"><decisionTable id="t" hitPolicy="UNIQUE">
<input id="i"><inputExpression id="ie" typeRef="number"><text>amount</text></inputExpression></input>
<output id="o" name="level" typeRef="string"/>
<rule id="small"><inputEntry id="a"><text>&lt; 100</text></inputEntry><outputEntry id="b"><text>"clerk"</text></outputEntry></rule>
<rule id="big"><inputEntry id="c"><text>&gt;= 100</text></inputEntry><outputEntry id="e"><text>"manager"</text></outputEntry></rule>
</decisionTable></decision></definitions>"""


class Two(Bench):
    """A bench with the table beside the diagram."""

    def __init__(self, xml: bytes) -> None:
        super().__init__(xml, decisions=DmnCompiler(), extra={"rules.dmn": TABLE})


@pytest.mark.parametrize(
    "task",
    [
        '<businessRuleTask id="t" f:decisionRef="route" f:resultVariable="r"/>',
        '<businessRuleTask id="t" camunda:decisionRef="route" camunda:resultVariable="r" camunda:mapDecisionResult="singleEntry"/>',
        '<businessRuleTask id="t"><extensionElements><zeebe:calledDecision decisionId="route" resultVariable="r"/></extensionElements></businessRuleTask>',
        (
            '<businessRuleTask id="t" f:resultVariable="r"><extensionElements><spiffworkflow:calledDecisionId>route</spiffworkflow:calledDecisionId></extensionElements>'
            "</businessRuleTask>"
        ),
        '<businessRuleTask id="t" f:decision="${which}" f:resultVariable="r"/>',
    ],
)
def test_the_result_goes_into_the_variable_and_the_rule_is_told(task: str) -> None:
    bench = Two(p(S, task, flows("s t"))).start(amount=250, which="route")
    assert bench.variables["r"] == "manager"
    (decision,) = bench.of(ev.DecisionTaken)
    assert (decision.kind, decision.subject, decision.result, decision.reads, decision.rules) == (
        "decision",
        "route",
        "manager",
        {"amount": 250},
        ("big",),
    )


def test_without_a_variable_the_output_has_its_own_name() -> None:
    bench = Two(p(S, '<businessRuleTask id="t" f:decision="route"/>', flows("s t"))).start(amount=5)
    assert bench.variables["level" if "level" in bench.variables else "route"] == "clerk"


def test_a_decision_that_fails_can_be_retried() -> None:
    bench = Two(p(S, '<businessRuleTask id="t" f:decision="${which}" f:resultVariable="r"/>', flows("s t"))).start(amount=5, which="nowhere")
    (incident,) = bench.of(ev.IncidentRaised)
    bench.do(inputs.SetVariables({"which": "route"})).do(inputs.RetryElement(incident.key))
    assert bench.variables["r"] == "clerk"


def test_a_global_business_rule_task_is_callable() -> None:
    xml = definitions(
        '<globalBusinessRuleTask id="g" name="G" f:decision="route" f:resultVariable="r"/>',
        f'<process id="p">{S}<callActivity id="c" calledElement="g"/>{flows("s c")}</process>',
    )
    bench = Two(xml).start("p", amount=5)
    assert (bench.variables, bench.state, bench.trace()) == ({"amount": 5, "r": "clerk"}, "completed", ["s", "g_task", "c"])
