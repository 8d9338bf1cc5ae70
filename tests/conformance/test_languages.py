"""Languages of expressions: FEEL in every slot of a diagram, however a file says so; every other language but Python is refused in every slot."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from xml.sax.saxutils import escape

import pytest

from engine.dmn import DmnCompiler
from engine.errors import BpmnError, DeploymentRejected
from engine.model import events as ev
from engine.model.languages import FEEL, PYTHON, XPATH, named
from engine.model.values import moment
from tests.conformance.test_decisions import TABLE
from tests.conformance.test_events import S, boundary, catch, p, sub, throw
from tests.support.bpmn_bench import Bench, flows, process, script

URI = "https://www.omg.org/spec/DMN/20191111/FEEL/"
MODELER = ' xmlns:modeler="http://camunda.org/schema/modeler/1.0"'


def stated(xml: bytes, attributes: str) -> bytes:
    """The file with more attributes of `definitions`."""
    return xml.replace(b' id="definitions"', f' id="definitions" {attributes}'.encode())


@dataclass(frozen=True)
class Dialect:
    """How a file writes an expression: in an element of BPMN, in a vendor's text (`«expression»` in these tests), and around the file."""

    formal: Callable[[str, str], str]
    inline: Callable[[str], str]
    around: Callable[[bytes], bytes]

    def file(self, xml: bytes) -> bytes:
        return self.around(re.sub("«(.*?)»", lambda found: self.inline(found[1]), xml.decode()).encode())


def _element(tag: str, text: str, attributes: str = "") -> str:
    return f"<{tag}{attributes}>{escape(text)}</{tag}>"


def _quoted(text: str) -> str:
    return escape(text, {'"': "&quot;"})


DIALECTS = {
    "file": Dialect(_element, lambda text: _quoted(f"${{{text}}}"), lambda xml: stated(xml, f'expressionLanguage="{URI}"')),
    "expression": Dialect(
        lambda tag, text: _element(tag, text, f' language="{URI}"'),
        lambda text: _quoted(f"${{={text}}}"),
        lambda xml: xml,
    ),
    "camunda 8": Dialect(
        lambda tag, text: _element(tag, f"={text}"),
        lambda text: _quoted(f"= {text}"),
        lambda xml: stated(xml, f'{MODELER} modeler:executionPlatform="Camunda Cloud" modeler:executionPlatformVersion="8.6.0"'),
    ),
}


@pytest.fixture(params=sorted(DIALECTS))
def feel(request: pytest.FixtureRequest) -> Dialect:
    return DIALECTS[request.param]


def choice(feel: Dialect, condition: str) -> bytes:
    flow = f'<sequenceFlow id="g-a" sourceRef="g" targetRef="a">{feel.formal("conditionExpression", condition)}</sequenceFlow>'
    return feel.file(p(S, '<exclusiveGateway id="g" default="g-b"/><task id="a"/><task id="b"/>', flows("s g", "g b"), flow))


# --- conditions -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("condition", "variables", "taken"),
    [
        ("x = 3", {"x": 3}, "a"),
        ("x = 3", {"x": 4}, "b"),
        ("x != 3 and y in [1..5]", {"x": 1, "y": 5}, "a"),
        ("some item in order.items satisfies item.price > 100", {"order": {"items": [{"price": 5}, {"price": 101}]}}, "a"),
        ('date(due) < date("2026-03-01")', {"due": "2026-02-28"}, "a"),
        ("missing > 3", {}, "b"),  # null: the condition does not hold
        ("missing = null", {}, "a"),
        ("not(missing)", {}, "b"),
        ('x > "text"', {"x": 3}, "b"),
        ("1 / 0 > 1", {}, "b"),
        ("if x > 1 then true else false", {"x": 2}, "a"),
    ],
)
def test_a_condition_follows_feel_and_its_null(feel: Dialect, condition: str, variables: dict[str, Any], taken: str) -> None:
    assert Bench(choice(feel, condition)).start(**variables).trace()[-1] == taken


def test_the_decision_holds_text_values_and_result(feel: Dialect) -> None:
    bench = Bench(choice(feel, "order.total > limit")).start(order={"total": 12.5}, other=1)
    (told,) = bench.of(ev.DecisionTaken)
    assert (told.kind, told.subject, told.result) == ("condition", "g-a", None)
    assert told.expression == "=order.total > limit"
    assert told.reads == {"order": {"total": 12.5}, "limit": None}  # a variable that does not exist was read as null


def test_a_condition_that_is_neither_true_nor_false_is_an_incident(feel: Dialect) -> None:
    bench = Bench(choice(feel, "x + 1")).start(x=1)
    (incident,) = bench.of(ev.IncidentRaised)
    assert incident.element == "g" and "true, false or null" in incident.cause
    assert bench.state == "active"


def test_functions_of_packs_are_called_from_feel(feel: Dialect) -> None:
    def weight(item: Any, factor: int = 1) -> Any:
        if item is None:
            raise BpmnError("empty")
        return item["kg"] * factor

    xml = choice(feel, "weight(parcel, 2) + weight(factor: 3, item: parcel) = 10 and max(parcel.kg, 1) = 2")
    assert Bench(xml, functions={"weight": weight}).start(parcel={"kg": 2}).trace()[-1] == "a"
    assert Bench(xml, functions={"weight": weight}).start(parcel={"kg": 3}).trace()[-1] == "b"
    bench = Bench(xml, functions={"weight": weight}).start()
    assert (bench.state, bench.error) == ("failed", "uncaught error event empty")
    broken = Bench(xml, functions={"weight": lambda *_: 1 / 0}).start()
    assert "weight() failed" in broken.of(ev.IncidentRaised)[0].cause


def test_now_is_the_reading_of_the_record(feel: Dialect) -> None:
    assert Bench(choice(feel, 'now() = date and time("2026-01-31T08:00:00Z") and today() = date("2026-01-31")')).start().trace()[-1] == "a"


def test_activation_of_a_complex_gateway(feel: Dialect) -> None:
    gateway = f'<complexGateway id="c">{feel.formal("activationCondition", "activationCount = 2")}</complexGateway>'
    xml = p(
        S, '<parallelGateway id="f"/><userTask id="a"/><userTask id="b"/><userTask id="z"/>', gateway, flows("s f", "f a", "f b", "a c", "b c", "c z")
    )
    bench = Bench(feel.file(xml)).start().complete("a")
    assert bench.waiting() == ["b"]
    assert bench.complete("b").waiting() == ["z"]


def test_standard_loop(feel: Dialect) -> None:
    loop = f"<standardLoopCharacteristics>{feel.formal('loopCondition', 'n != 3')}</standardLoopCharacteristics>"
    assert Bench(feel.file(p(S, script("t", "n = n + 1", loop, scriptFormat="python"), flows("s t")))).start(n=0).variables["n"] == 3


def test_multi_instance(feel: Dialect) -> None:
    loop = (
        f'<multiInstanceLoopCharacteristics isSequential="true">{feel.formal("loopCardinality", "count(items) + 1")}'
        f"{feel.formal('completionCondition', 'numberOfCompletedInstances = 2')}</multiInstanceLoopCharacteristics>"
    )
    assert Bench(feel.file(p(S, script("t", "n = n + 1", loop, scriptFormat="python"), flows("s t")))).start(n=0, items=[1, 2]).variables["n"] == 2


def test_behaviour_of_a_multi_instance(feel: Dialect) -> None:
    thrown = '<event><signalEventDefinition signalRef="G"/></event>'
    loop = (
        f'<multiInstanceLoopCharacteristics isSequential="true" behavior="Complex">{feel.formal("loopCardinality", "3")}'
        f"<complexBehaviorDefinition>{feel.formal('condition', 'nrOfCompletedInstances = 2')}{thrown}</complexBehaviorDefinition>"
        "</multiInstanceLoopCharacteristics>"
    )
    xml = p(S, f'<userTask id="t">{loop}</userTask>', boundary("b", "t", '<signalEventDefinition signalRef="G"/>', cancel=False), '<userTask id="z"/>',
            flows("s t", "b z"))  # fmt: skip
    bench = Bench(feel.file(xml)).start().complete("t")
    assert "z" not in bench.waiting()
    assert "z" in bench.complete("t").waiting()


def test_collections_of_vendors(feel: Dialect) -> None:
    loop = (
        "<multiInstanceLoopCharacteristics><extensionElements>"
        '<zeebe:loopCharacteristics inputCollection="«items[item > 1]»" inputElement="one" outputCollection="out" '
        'outputElement="«one ** 2»"/></extensionElements></multiInstanceLoopCharacteristics>'
    )
    assert Bench(feel.file(p(S, f'<task id="t">{loop}</task>', flows("s t")))).start(items=[1, 2, 3]).variables["out"] == [4, 9]


def test_completion_of_an_ad_hoc_subprocess(feel: Dialect) -> None:
    inside = sub("h", '<userTask id="a"/><userTask id="b"/>', feel.formal("completionCondition", "done = true"), tag="adHocSubProcess")
    assert Bench(feel.file(p(S, inside, flows("s h")))).start().complete("a", done=True).state == "completed"


def test_conditional_events(feel: Dialect) -> None:
    event = f"<conditionalEventDefinition>{feel.formal('condition', 'total >= 10 and total != 12')}</conditionalEventDefinition>"
    xml = p(S, '<userTask id="u"/><userTask id="v"/>', boundary("b", "u", event), '<userTask id="z"/>', '<parallelGateway id="f"/>',
            flows("s f", "f u", "f v", "b z"))  # fmt: skip
    bench = Bench(feel.file(xml)).start().complete("v", total=10)
    assert bench.waiting() == ["z"]


@pytest.mark.parametrize(
    ("form", "text", "after"),
    [
        ("timeDuration", 'duration("PT" + string(n) + "M")', timedelta(minutes=5)),
        ("timeDuration", '@"PT1H" * n', timedelta(hours=5)),
        ("timeDate", "now() + duration(wait)", timedelta(days=1)),
        ("timeCycle", '"R2/PT" + string(n) + "H"', timedelta(hours=5)),
        ("timeDuration", "PT7M", timedelta(minutes=7)),
    ],
)
def test_timers(feel: Dialect, form: str, text: str, after: timedelta) -> None:
    written = f"<{form}>{text}</{form}>" if text.startswith("PT") else feel.formal(form, text)  # a literal is a literal in every language
    xml = feel.file(p(S, catch("c", f"<timerEventDefinition>{written}</timerEventDefinition>"), flows("s c")))
    bench = Bench(xml).start(n=5, wait="P1D")
    (job,) = bench.open_jobs("timer").values()
    assert moment(job.due or "") - bench.now == after


def test_a_timer_of_null_is_an_incident(feel: Dialect) -> None:
    xml = feel.file(p(S, catch("c", f"<timerEventDefinition>{feel.formal('timeDuration', 'missing')}</timerEventDefinition>"), flows("s c")))
    assert "not an ISO 8601 text" in Bench(xml).start().of(ev.IncidentRaised)[0].cause


# --- texts of vendors ---------------------------------------------------------------------------------------------------
def test_people_and_dates_of_a_user_task(feel: Dialect) -> None:
    task = (
        '<userTask id="u" camunda:assignee="«lower case(boss)»" camunda:candidateGroups="«["a", team]»" '
        'camunda:candidateUsers="«if true then "kim" else null»" camunda:priority="«10 ** 1 + 60»" '
        'camunda:dueDate="«now() + @"P1D"»" camunda:formKey="«"form-" + team»"/>'
    )
    (made,) = Bench(feel.file(p(S, task, flows("s u")))).start(boss="ANN", team="qa").of(ev.UserTaskCreated)
    assert (made.assignee, made.candidate_groups, made.candidate_users, made.priority) == ("ann", ("a", "qa"), ("kim",), 70)
    assert (made.due, made.form_key) == ("2026-02-01T08:00:00.000000Z", "form-qa")


def test_resource_roles(feel: Dialect) -> None:
    role = f"<potentialOwner><resourceAssignmentExpression>{_role(feel)}</resourceAssignmentExpression></potentialOwner>"
    (made,) = Bench(feel.file(p(S, f'<userTask id="u">{role}</userTask>', flows("s u")))).start(team="QA").of(ev.UserTaskCreated)
    assert made.candidate_groups == ("qa",)


def _role(feel: Dialect) -> str:
    text = "lower case(team)"
    return feel.formal("formalExpression", text if feel is not DIALECTS["file"] else f"${{{text}}}")


def test_inputs_outputs_and_parameters(feel: Dialect) -> None:
    task = (
        '<userTask id="u"><extensionElements><zeebe:ioMapping>'
        '<zeebe:input source="«items[-1]»" target="last"/><zeebe:output source="«last = answer»" target="same"/>'
        "</zeebe:ioMapping></extensionElements></userTask>"
    )
    bench = Bench(feel.file(p(S, task, flows("s u")))).start(items=[1, 2]).complete("u", answer=2)
    assert bench.variables["same"] is True


def test_handlers_and_their_parameters(feel: Dialect) -> None:
    task = (
        '<serviceTask id="t" f:handler="«"send-" + kind»"><extensionElements>'
        '<f:parameter name="a" value="«for i in 1..n return i»"/></extensionElements></serviceTask>'
    )
    (job,) = Bench(feel.file(p(S, task, flows("s t")))).start(kind="mail", n=3).open_jobs("service").values()
    assert (job.handler, job.parameters) == ("send-mail", {"a": [1, 2, 3]})


def test_calls_and_their_mappings(feel: Dialect) -> None:
    task = (
        '<callActivity id="c" calledElement="«"q" + string(which)»"><extensionElements><zeebe:calledElement propagateAllChildVariables="false"/>'
        '<camunda:in sourceExpression="«sum(items)»" target="total"/><camunda:out sourceExpression="«got != null»" target="ok"/>'
        "</extensionElements></callActivity>"
    )
    called = f'<process id="q1" isExecutable="true"><startEvent id="qs"/>{script("t", "got = total", scriptFormat="python")}<sequenceFlow id="x" sourceRef="qs" targetRef="t"/></process>'
    xml = p(S, task, flows("s c")).replace(b"</definitions>", called.encode() + b"</definitions>")
    bench = Bench(feel.file(xml)).start("p", items=[1, 2], which=1)
    assert bench.variables["ok"] is True


def test_decisions(feel: Dialect) -> None:
    task = '<businessRuleTask id="t" f:decision="«if big then "route" else null»" f:resultVariable="r"/>'
    bench = Bench(feel.file(p(S, task, flows("s t"))), decisions=DmnCompiler(), extra={"rules.dmn": TABLE}).start(amount=250, big=True)
    assert bench.variables["r"] == "manager"


def test_messages(feel: Dialect) -> None:
    root = '<message id="D" name="«"order-" + string(n)»"/>'
    event = '<messageEventDefinition messageRef="D" f:correlationKey="«order.id»"><extensionElements><f:parameter name="x" value="«n ** 2»"/></extensionElements></messageEventDefinition>'
    xml = process(S, '<parallelGateway id="f"/>', catch("c", event), throw("t", event), flows("s f", "f c", "f t"), before=root)
    bench = Bench(feel.file(xml)).start(n=7, order={"id": "A1"})
    (waiting,) = bench.of(ev.SubscriptionOpened)
    assert (waiting.name, waiting.correlation_key) == ("order-7", "A1")
    (sent,) = bench.of(ev.MessageSent)
    assert (sent.name, sent.payload, sent.correlation_key) == ("order-7", {"x": 49}, "A1")


def test_data_associations(feel: Dialect) -> None:
    task = (
        '<userTask id="u"><ioSpecification><dataInput id="given"/><dataOutput id="made"/></ioSpecification><dataInputAssociation><targetRef>given</targetRef>'
        f"<assignment>{feel.formal('from', 'items[1]')}<to>given</to></assignment></dataInputAssociation>"
        f"<dataOutputAssociation><sourceRef>made</sourceRef><targetRef>out</targetRef>{feel.formal('transformation', 'given + 1')}</dataOutputAssociation></userTask>"
    )
    assert Bench(feel.file(p('<dataObject id="out"/>', S, task, flows("s u")))).start(items=[4, 5]).complete("u").variables["out"] == 5


# --- scripts --------------------------------------------------------------------------------------------------------
def feel_script(body: str, extra: str = "", language: str = "feel") -> bytes:
    return p(S, f'<scriptTask id="t" scriptFormat="{language}" {extra}><script>{escape(body)}</script></scriptTask>', flows("s t"))


@pytest.mark.parametrize("language", ["feel", "FEEL", "application/feel", URI, "http://www.omg.org/spec/FEEL/20140401"])
def test_a_script_in_feel_gives_its_value_to_the_result_variable(language: str) -> None:
    xml = feel_script("for i in 1..n return if i = 2 then null else i", 'camunda:resultVariable="y"', language)
    assert Bench(xml).start(n=3).variables["y"] == [1, None, 3]


def test_a_script_in_feel_without_one_gives_a_context_of_variables() -> None:
    bench = Bench(feel_script("{net: price * n, gross: net * 1.19}")).start(price=100, n=2)
    assert (bench.variables["net"], bench.variables["gross"]) == (200, 238)
    assert Bench(feel_script("missing")).start().state == "completed"
    assert "gives a context" in Bench(feel_script("1 + 1")).start().of(ev.IncidentRaised)[0].cause


def test_scripts_of_camunda_8() -> None:
    task = '<scriptTask id="t"><extensionElements><zeebe:script expression="=x ** 2" resultVariable="y"/></extensionElements></scriptTask>'
    assert Bench(p(S, task, flows("s t"))).start(x=3).variables["y"] == 9


def test_a_file_in_feel_has_scripts_in_feel_unless_they_say_otherwise() -> None:
    both = script("t", "{y: x ** 2}") + script("v", "z = y + 1", scriptFormat="python")
    bench = Bench(stated(p(S, both, flows("s t", "t v")), f'expressionLanguage="{URI}"')).start(x=3)
    assert (bench.variables["y"], bench.variables["z"]) == (9, 10)


def test_python_stays_python() -> None:
    """A leading = outside Camunda 8, an expression that says Python in a file that says FEEL."""
    xml = choice(
        Dialect(lambda tag, text: _element(tag, f"={text}"), _quoted, lambda xml: xml.replace(b"http://camunda.org/schema/zeebe", b"urn:zeebe")),
        "x == 3",
    )
    assert Bench(xml).start(x=3).trace()[-1] == "a"
    python = Dialect(lambda tag, text: _element(tag, text, ' language="python"'), _quoted, DIALECTS["file"].around)
    assert Bench(choice(python, "len(x) == 3")).start(x="abc").trace()[-1] == "a"
    with pytest.raises(DeploymentRejected):
        Bench(p(S, script("t", "= x"), flows("s t")))


def test_a_platform_decides_over_a_declared_namespace() -> None:
    seven = Dialect(
        lambda tag, text: _element(tag, f"={text}"), _quoted, lambda xml: stated(xml, f'{MODELER} modeler:executionPlatform="Camunda Platform"')
    )
    assert Bench(choice(seven, "x == 3")).start(x=3).trace()[-1] == "a"


def test_feel_is_checked_at_deployment(feel: Dialect) -> None:
    with pytest.raises(DeploymentRejected) as caught:
        Bench(choice(feel, "x == 3"))
    (problem,) = caught.value.problems
    assert (problem.rule, problem.element_id) == ("expression", "g-a")


HOSTILE = [
    "for i in 1..1000000000 return i",
    "every i in 1..100000000 satisfies true",
    "for a in 1..100, b in 1..100, c in 1..100, d in 1..100 return 1",
    "{f: function(n) f(n + 1), r: f(1)}.r",
    "9 ** 9 ** 9 ** 9 = 1",
    'matches(x, "(a+)+$")',
    "(" * 300 + "1" + ")" * 300 + " = 1",
    "string join(for i in 1..100000 return x) = x",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_feel_ends_soon(text: str) -> None:
    began = time.process_time()
    try:
        bench = Bench(choice(DIALECTS["file"], text)).start(x="a" * 5000)
        assert bench.of(ev.IncidentRaised) or bench.trace()[-1] in "ab"
    except DeploymentRejected:
        pass
    assert time.process_time() - began < 1.5


# --- other languages --------------------------------------------------------------------------------------------------
def choice_of(said: Callable[[str, str], str]) -> bytes:
    flow = f'<sequenceFlow id="g-a" sourceRef="g" targetRef="a">{said("conditionExpression", "x")}</sequenceFlow>'
    return p(S, '<exclusiveGateway id="g" default="g-b"/><task id="a"/><task id="b"/>', flows("s g", "g b"), flow)


def multi(inside: str) -> bytes:
    return p(S, f'<task id="t"><multiInstanceLoopCharacteristics>{inside}</multiInstanceLoopCharacteristics></task>', flows("s t"))


FOREIGN = ["groovy", "javascript", "juel", "http://www.w3.org/1999/XPath", "http://www.mvel.org/2.0", "text/x-ruby", "lua", "http://camunda.org/el"]
SLOTS = {
    "conditionExpression": ("g-a", choice_of),
    "condition": ("c", lambda said: p(S, catch("c", f"<conditionalEventDefinition>{said('condition', 'x')}</conditionalEventDefinition>"), flows("s c"))),
    "activationCondition": ("c", lambda said: p(S, f'<complexGateway id="c">{said("activationCondition", "x")}</complexGateway>', flows("s c"))),
    "loopCondition": (
        "t",
        lambda said: p(S, f'<task id="t"><standardLoopCharacteristics>{said("loopCondition", "x")}</standardLoopCharacteristics></task>', flows("s t")),
    ),
    "loopCardinality": ("t", lambda said: multi(said("loopCardinality", "3"))),
    "completionCondition": ("t", lambda said: multi("<loopCardinality>3</loopCardinality>" + said("completionCondition", "x"))),
    "complexBehavior": (
        "t",
        lambda said: multi(
            f"<loopCardinality>3</loopCardinality><complexBehaviorDefinition>{said('condition', 'x')}<event><cancelEventDefinition/></event></complexBehaviorDefinition>"
        ),
    ),
    "adHoc": ("h", lambda said: p(S, sub("h", '<task id="a"/>', said("completionCondition", "x"), tag="adHocSubProcess"), flows("s h"))),
    **{
        form: ("c", lambda said, form=form: p(S, catch("c", f"<timerEventDefinition>{said(form, 'x')}</timerEventDefinition>"), flows("s c")))
        for form in ("timeDate", "timeDuration", "timeCycle")
    },
    "from": (
        "u",
        lambda said: p(
            S, f'<userTask id="u"><dataInputAssociation><assignment>{said("from", "x")}<to>y</to></assignment></dataInputAssociation></userTask>', flows("s u")
        ),
    ),
    "transformation": (
        "u",
        lambda said: p(
            S,
            f'<userTask id="u"><ioSpecification><dataOutput id="y"/></ioSpecification><dataOutputAssociation><targetRef>y</targetRef>{said("transformation", "x")}</dataOutputAssociation></userTask>',
            flows("s u"),
        ),
    ),
    "formalExpression": (
        "u",
        lambda said: p(
            S,
            f'<userTask id="u"><potentialOwner><resourceAssignmentExpression>{said("formalExpression", "${x}")}</resourceAssignmentExpression></potentialOwner></userTask>',
            flows("s u"),
        ),
    ),
    "messagePath": (
        "cp",
        lambda said: process(
            S, before=f'<correlationProperty id="cp"><correlationPropertyRetrievalExpression messageRef="M">{said("messagePath", "x")}'
            '</correlationPropertyRetrievalExpression></correlationProperty><message id="M" name="m"/>',
        ),
    ),
}  # fmt: skip


def refused(xml: bytes) -> set[tuple[str, str | None]]:
    with pytest.raises(DeploymentRejected) as caught:
        Bench(xml)
    found = [one for one in caught.value.problems if one.rule.endswith(".language")]
    assert all(one.line and one.advice for one in found)
    return {(one.rule, one.element_id) for one in found}


@pytest.mark.parametrize("slot", sorted(SLOTS))
@pytest.mark.parametrize("language", FOREIGN)
def test_another_language_is_refused_in_every_slot(slot: str, language: str) -> None:
    element, build = SLOTS[slot]
    assert refused(build(lambda tag, text: _element(tag, text, f' language="{language}"'))) == {("expression.language", element)}
    if slot != "formalExpression" or "XPath" not in language:  # ${...} beside the standard's default is Camunda's notation
        assert refused(stated(build(_element), f'expressionLanguage="{language}"')) == {("expression.language", element)}
    Bench(build(lambda tag, text: _element(tag, text, ' language="python"')))
    Bench(build(lambda tag, text: _element(tag, text.replace("${x}", "x"), ' language="feel"')))


@pytest.mark.parametrize(
    "task",
    [
        '<userTask id="t" camunda:assignee="${x}"/>',
        '<serviceTask id="t" f:handler="a-${x}"/>',
        '<userTask id="t"><extensionElements><zeebe:ioMapping><zeebe:input source="=x" target="y"/></zeebe:ioMapping></extensionElements></userTask>',
        '<userTask id="t"><extensionElements><camunda:inputOutput><camunda:inputParameter name="y">${x}</camunda:inputParameter></camunda:inputOutput></extensionElements></userTask>',
    ],
)
def test_texts_of_vendors_in_a_file_of_another_language_are_refused(task: str) -> None:
    assert refused(stated(p(S, task, flows("s t")), 'expressionLanguage="http://www.mvel.org/2.0"')) == {("expression.language", "t")}


@pytest.mark.parametrize("language", [*FOREIGN, "text/plain", "bash"])
def test_scripts_in_another_language_are_refused(language: str) -> None:
    assert refused(feel_script("x", language=language)) == {("script.language", "t")}
    if "XPath" not in language:
        assert refused(stated(p(S, script("t", "y = x"), flows("s t")), f'expressionLanguage="{language}"')) == {("script.language", "t")}


def test_the_header_that_activiti_and_flowable_always_write_does_no_harm() -> None:
    header = 'typeLanguage="http://www.w3.org/2001/XMLSchema" expressionLanguage="http://www.w3.org/1999/XPath"'
    xml = stated(choice_of(lambda tag, _: _element(tag, "${x == 3}")), header)
    assert Bench(xml).start(x=3).trace()[-1] == "a"
    assert Bench(
        stated(p(S, catch("c", "<timerEventDefinition><timeDuration>PT5M</timeDuration></timerEventDefinition>"), flows("s c")), header)
    ).start()


def test_what_a_process_that_is_not_executed_is_written_in_does_not_matter() -> None:
    other = b'<process id="q" isExecutable="false"><sequenceFlow id="z" sourceRef="a1" targetRef="a1"><conditionExpression language="groovy">x</conditionExpression></sequenceFlow></process>'
    assert Bench(p(S).replace(b"</definitions>", other + b"</definitions>")).start().state == "completed"


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("python", PYTHON),
        ("Python 3.11", PYTHON),
        ("text/x-python", PYTHON),
        ("application/python", PYTHON),
        ("https://www.python.org", PYTHON),
        ("http://www.python.org/", PYTHON),
        ("feel", FEEL),
        ("feel:unary", FEEL),
        ("http://www.omg.org/spec/DMN/20180521/FEEL/", FEEL),
        ("https://www.omg.org/spec/DMN/20211108/FEEL/", FEEL),
        ("https://www.omg.org/spec/DMN/20230324/FEEL", FEEL),
        ("http://www.w3.org/1999/XPath", XPATH),
        ("http://www.w3.org/TR/1999/REC-xpath-19991116", None),
        ("jython", None),
        ("notfeel", None),
        ("javascript", None),
        ("", None),
    ],
)
def test_names_of_languages(name: str, language: str | None) -> None:
    assert named(name) == language


@pytest.mark.parametrize("text", ["PT1H", '="PT1H"', "'PT1H'", '"PT1H"'])
def test_the_time_of_a_start_event_is_a_literal_in_any_notation(text: str) -> None:
    bench = Bench(p(f'<startEvent id="s"><timerEventDefinition><timeDuration>{text}</timeDuration></timerEventDefinition></startEvent>'))
    assert [one.schedule for one in bench.model.processes["p"].starts] == ["PT1H"]


@pytest.mark.parametrize("text", ["wait", "=wait", '="PT" + "1H"'])
def test_the_time_of_a_start_event_cannot_be_computed(text: str) -> None:
    """Nothing exists yet that it could be computed from."""
    with pytest.raises(DeploymentRejected) as caught:
        Bench(p(f'<startEvent id="s"><timerEventDefinition><timeDuration>{text}</timeDuration></timerEventDefinition></startEvent>'))
    assert [(one.rule, one.element_id) for one in caught.value.problems] == [("bpmn.timer", "s")]
