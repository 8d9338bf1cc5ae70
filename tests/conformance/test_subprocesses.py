"""Subprocesses, calls, ad-hoc subprocesses and transactions (BPMN 2.0.2 sections 13.3.4, 13.3.5, 13.5.2); scopes of variables."""

from __future__ import annotations

import pytest

from engine.errors import Conflict
from engine.model import events as ev
from engine.model import inputs
from tests.conformance.test_events import ROOTS, SIGNAL, E, S, boundary, end, error, escalation, event_sub, p, sub, throw
from tests.support.bpmn_bench import Bench, definitions, flows, log, process, script

BS = '<startEvent id="bs"/>'


def test_writes_go_to_the_instance_unless_declared_inside() -> None:
    body = sub("b", '<dataObject id="o" name="mine"/>', BS, script("t", "mine = 1; shared = 2; fresh = 3"), flows("bs t"))
    bench = Bench(p(S, body, flows("s b"))).start(shared=0)
    assert bench.variables == {"shared": 2, "fresh": 3}


def test_a_process_data_object_exists_from_the_start() -> None:
    bench = Bench(p('<dataObject id="o" name="d"/>', S, script("t", "e = d"), flows("s t"))).start()
    assert bench.variables == {"d": None, "e": None}


def test_input_and_output_parameters_are_local() -> None:
    io = (
        '<extensionElements><camunda:inputOutput><camunda:inputParameter name="a">${x + 1}</camunda:inputParameter>'
        '<camunda:outputParameter name="y">${b}</camunda:outputParameter></camunda:inputOutput></extensionElements>'
    )
    code = "<script>b = a * 10</script>"
    bench = Bench(p(S, f'<scriptTask id="t">{io}{code}</scriptTask>', flows("s t"))).start(x=1)
    assert bench.variables == {"x": 1, "y": 20, "b": 20}


def test_call_passes_all_variables_and_takes_changes_back() -> None:
    called = process('<startEvent id="cs"/>', script("ct", "x = x + 1; z = 1"), flows("cs ct"), id="q")
    bench = Bench(p(S, '<callActivity id="c" calledElement="q"/>', flows("s c")), called).start("p", x=1, y=5)
    assert bench.variables == {"x": 2, "y": 5, "z": 1}
    assert bench.trace() == ["s", "cs", "ct", "c"]


def test_call_mapping() -> None:
    called = process('<startEvent id="cs"/>', script("ct", "r = a + b; x = 99"), flows("cs ct"), id="q")
    mapping = (
        '<extensionElements><camunda:in source="x" target="a"/><camunda:in sourceExpression="${y * 2}" target="b"/>'
        '<camunda:out source="r" target="result"/></extensionElements>'
    )
    bench = Bench(p(S, f'<callActivity id="c" calledElement="q">{mapping}</callActivity>', flows("s c")), called).start("p", x=1, y=5)
    assert bench.variables == {"x": 1, "y": 5, "result": 11}


def test_call_of_an_expression_of_itself_and_of_another_deployment() -> None:
    bench = Bench(
        p(S, '<callActivity id="c" calledElement="${target}"/>', flows("s c")), process('<startEvent id="cs"/>', log("ct"), flows("cs ct"), id="q")
    )
    assert bench.start("p", target="q").lines == ["ct"]
    assert "not deployed" in (bench.start("p", target="nowhere").error or "")
    recursive = p(S, '<exclusiveGateway id="g" default="g-e"/>', script("t", "n = n - 1"), '<callActivity id="c" calledElement="p"/>', E,
                  flows("s g", "g t if n > 0", "t c", "c e", "g e"))  # fmt: skip
    bench = Bench(recursive).start(n=5)
    assert (bench.state, bench.variables) == ("completed", {"n": 0})
    far = Bench(process('<startEvent id="cs"/>', '<userTask id="u"/>', flows("cs u"), id="far"))
    bench = Bench(p(S, '<callActivity id="c" calledElement="far"/>', flows("s c")), called=lambda name: far.model if name == "far" else None).start(
        "p"
    )
    assert bench.model.processes["p"].called == ("far",)
    assert bench.complete("u").state == "completed"


def test_endless_recursion_of_calls_stands_with_an_incident() -> None:
    bench = Bench(p(S, '<callActivity id="c" calledElement="p"/>', flows("s c")), roundtrip=False).start()
    assert bench.state == "active"
    assert "nested deeper" in (bench.error or "")
    bench.do(inputs.CancelInstance("enough"))
    assert bench.state == "cancelled"


def test_error_passes_out_of_a_called_process() -> None:
    called = process('<startEvent id="cs"/>', end("ce", error("E1")), flows("cs ce"), id="q", before=ROOTS)
    bench = Bench(p(S, '<callActivity id="c" calledElement="q"/>', boundary("b", "c", error("E1")), log("a"), flows("s c", "b a")), called).start("p")
    assert (bench.lines, bench.state) == (["a"], "completed")


MAPPED = '<extensionElements><camunda:in source="x" target="a"/><camunda:out source="r" target="got"/><camunda:out sourceExpression="late + 1" target="late"/></extensionElements>'


def test_results_come_back_when_the_call_ends_by_an_error_or_escalates() -> None:
    for thrown, cancel in ((error("E1"), True), (escalation("C1"), True), (escalation("C1"), False)):
        called = process('<startEvent id="cs"/>', script("ct", "r = a + 1"), throw("cw", thrown) if not cancel else end("ce", thrown),
                         flows("cs ct", "ct cw" if not cancel else "ct ce"), id="q", before=ROOTS)  # fmt: skip
        for mapping, expected in (
            (MAPPED.replace("late + 1", "late") if cancel else MAPPED.replace("late + 1", "a"), {"x": 1, "got": 2}),
            ("", {"x": 1, "a": 1, "r": 2}),
        ):
            xml = p(
                S,
                f'<callActivity id="c" calledElement="q">{mapping}</callActivity>',
                boundary("b", "c", thrown, cancel),
                log("a"),
                flows("s c", "b a"),
            )
            bench = Bench(xml, called).start("p", x=1, **({} if mapping else {"a": 1}))
            assert (bench.lines, bench.state) == (["a"], "completed")
            assert bench.variables == expected | ({"late": 1} if mapping and not cancel else {})


def test_results_come_back_through_several_calls_and_scopes() -> None:
    inner = process('<startEvent id="is"/>', script("it", "deep = 7"), end("ie", error("E1")), flows("is it", "it ie"), id="r", before=ROOTS)
    outer = process(
        '<startEvent id="os"/>',
        sub("ob", '<startEvent id="obs"/>', '<callActivity id="oc" calledElement="r"/>', flows("obs oc")),
        flows("os ob"),
        id="q",
    )
    mapping = '<extensionElements><camunda:out source="deep" target="got"/></extensionElements>'
    bench = Bench(
        p(S, f'<callActivity id="c" calledElement="q">{mapping}</callActivity>', boundary("b", "c", error("E1")), log("a"), flows("s c", "b a")),
        outer,
        inner,
    )
    assert bench.start("p", x=1).variables == {"x": 1, "got": 7}


def test_ad_hoc_activities_that_a_person_starts() -> None:
    body = '<adHocSubProcess id="b" {}><userTask id="u"/><userTask id="v"/>{}<completionCondition>done</completionCondition></adHocSubProcess>'
    bench = Bench(p(S, body.format('f:activeElements="first"', event_sub("h", SIGNAL, False, log("z"), flows("h-s z"))), flows("s b"))).start(
        done=False, first=[]
    )
    assert (bench.waiting(), bench.state) == ([], "active")
    bench.do(inputs.StartActivity("v")).do(inputs.StartActivity("v")).signal("g")
    assert (bench.waiting(), bench.lines) == (["v", "v"], ["z"])
    bench.complete("v").complete("v")
    assert (bench.waiting(), bench.state) == ([], "active")
    assert bench.do(inputs.StartActivity("u")).complete("u", done=True).state == "completed"
    bench = Bench(p(S, body.format("f:activeElements=\"['v']\"", ""), flows("s b"))).start(done=False)
    assert bench.waiting() == ["v"]
    bench = Bench(p(S, body.format('f:activeElements="first"', ""), flows("s b"))).start(done=False, first=["nothing"])
    assert "u, v" in (bench.error or "")
    bench.do(inputs.SetVariables({"first": ["u"]})).do(inputs.RetryElement(bench.of(ev.IncidentRaised)[0].key))
    assert bench.waiting() == ["u"]


def test_what_an_ad_hoc_subprocess_does_not_offer_is_refused() -> None:
    body = '<adHocSubProcess id="b" ordering="Sequential" f:activeElements="[\'v\', \'u\']"><userTask id="u"/><userTask id="v"/>{}</adHocSubProcess>'
    bench = Bench(p(S, body.format(""), flows("s b")), roundtrip=False).start()
    assert bench.waiting() == ["v"]
    for element, said in (("u", "one activity"), ("s", "offers")):
        with pytest.raises(Conflict, match=said):
            bench.do(inputs.StartActivity(element))
    assert bench.complete("v").waiting() == ["u"]
    loop = "<multiInstanceLoopCharacteristics><loopCardinality>2</loopCardinality></multiInstanceLoopCharacteristics>"
    bench = Bench(p(S, body.replace('ordering="Sequential"', "").format(loop), flows("s b")), roundtrip=False).start()
    with pytest.raises(Conflict, match="2 ad-hoc"):
        bench.do(inputs.StartActivity("u"))
    key = next(e.key for e in bench.of(ev.ElementEntered) if e.element == "b")
    assert bench.do(inputs.StartActivity("u", key)).waiting().count("u") == 3


def test_a_mapped_call_is_isolated() -> None:
    called = process('<startEvent id="cs"/>', script("ct", "z = 1"), flows("cs ct"), id="q")
    cases = (
        ('<camunda:in source="x" target="x"/>', {"x": 1, "a": 2}),
        ('<camunda:out source="z" target="y"/>', {"x": 1, "a": 2, "y": 1}),
        ('<camunda:in variables="all"/>', {"x": 1, "a": 2}),
        ('<camunda:out variables="all"/>', {"x": 1, "a": 2, "z": 1}),
        ('<camunda:in businessKey="${x}"/>', {"x": 1, "a": 2, "z": 1}),
    )
    for mapping, expected in cases:
        bench = Bench(
            p(S, f'<callActivity id="c" calledElement="q"><extensionElements>{mapping}</extensionElements></callActivity>', flows("s c")), called
        )
        assert bench.start("p", x=1, a=2).variables == expected, mapping
    isolated = process('<startEvent id="cs"/>', script("ct", "z = x"), flows("cs ct"), id="q")
    only_out = '<extensionElements><camunda:out source="z" target="y"/></extensionElements>'
    bench = Bench(p(S, f'<callActivity id="c" calledElement="q">{only_out}</callActivity>', flows("s c")), isolated).start("p", x=1)
    assert "'x'" in (bench.error or "")
    declares = definitions('<process id="q"><ioSpecification><dataInput id="i" name="n"/><dataOutput id="o" name="r"/></ioSpecification>'
                           f'<startEvent id="cs"/>{script("ct", "r = n; z = 1")}{flows("cs ct")}</process>')  # fmt: skip
    only_in = '<extensionElements><camunda:in source="x" target="n"/></extensionElements>'
    assert Bench(p(S, f'<callActivity id="c" calledElement="q">{only_in}</callActivity>', flows("s c")), declares).start("p", x=1).variables == {
        "x": 1,
        "r": 1,
    }


def test_terminate_inside_a_multi_instance_call_ends_that_call_only() -> None:
    called = process('<startEvent id="cs"/>', '<parallelGateway id="f"/>', '<userTask id="u"/>', end("ce", "<terminateEventDefinition/>"),
                     '<exclusiveGateway id="g" default="g-w"/>', '<userTask id="w"/>', flows("cs f", "f u", "f g", "g ce if n == 0", "g w"), id="q")  # fmt: skip
    loop = '<multiInstanceLoopCharacteristics><loopDataInputRef>ns</loopDataInputRef><inputDataItem id="n"/></multiInstanceLoopCharacteristics>'
    bench = Bench(p(S, f'<callActivity id="c" calledElement="q">{loop}</callActivity>', log("z"), flows("s c", "c z")), called).start("p", ns=[0, 1])
    assert sorted(bench.waiting()) == ["u", "w"]
    bench.complete("u").complete("w")
    assert (bench.lines, bench.state) == (["z"], "completed")


def test_global_task_is_callable() -> None:
    bench = Bench(definitions('<globalScriptTask id="g"><script>log("done")</script></globalScriptTask>',
                              f'<process id="p">{S}<callActivity id="c" calledElement="g"/>{flows("s c")}</process>')).start("p")  # fmt: skip
    assert (bench.lines, bench.state) == (["done"], "completed")


def test_ad_hoc_parallel_with_completion_condition() -> None:
    body = '<adHocSubProcess id="b">{}{}<completionCondition>done</completionCondition></adHocSubProcess>'.format(
        '<userTask id="u"/>', '<userTask id="v"/>'
    )
    bench = Bench(p(S, body, log("z"), flows("s b", "b z"))).start(done=False)
    assert bench.waiting() == ["u", "v"]
    bench.complete("u", done=True)
    assert (bench.lines, bench.state) == (["z"], "completed")
    bench.start(done=False).complete("u").complete("v")
    assert bench.state == "completed"


def test_ad_hoc_sequential_and_without_cancelling() -> None:
    body = '<adHocSubProcess id="b" ordering="Sequential"><userTask id="u"/><userTask id="v"/><userTask id="w"/><completionCondition>done</completionCondition></adHocSubProcess>'
    bench = Bench(p(S, body, flows("s b"))).start(done=False)
    assert bench.waiting() == ["u"]
    assert bench.complete("u").waiting() == ["v"]
    assert bench.complete("v", done=True).state == "completed"
    body = '<adHocSubProcess id="b" cancelRemainingInstances="false"><userTask id="u"/><userTask id="v"/><completionCondition>done</completionCondition></adHocSubProcess>'
    bench = Bench(p(S, body, flows("s b"))).start(done=False).complete("u", done=True)
    assert (bench.state, bench.waiting()) == ("active", ["v"])
    assert bench.complete("v").state == "completed"


def test_cancelled_transaction_compensates_and_leaves_by_its_cancel_event() -> None:
    compensate = "<compensateEventDefinition/>"
    body = sub("b", BS, log("a"), boundary("ca", "a", compensate), log("undo", isForCompensation="true"), '<association id="as" sourceRef="ca" targetRef="undo"/>',
               '<userTask id="u"/>', '<exclusiveGateway id="g" default="g-ok"/>', end("ok"), end("no", "<cancelEventDefinition/>"),
               flows("bs a", "a u", "u g", "g no if stop", "g ok"), tag="transaction")  # fmt: skip
    diagram = p(S, body, boundary("c", "b", "<cancelEventDefinition/>"), log("cancelled"), log("fine"), flows("s b", "c cancelled", "b fine"))
    assert Bench(diagram).start().complete("u", stop=False).lines == ["a", "fine"]
    bench = Bench(diagram).start().complete("u", stop=True)
    assert (bench.lines, bench.state) == (["a", "undo", "cancelled"], "completed")
    assert bench.trace() == ["s", "bs", "a", "u", "g", "undo", "no", "c", "cancelled"]


def test_scope_of_events_is_that_of_the_variables() -> None:
    bench = Bench(
        p(S, sub("b", '<dataObject id="o" name="d"/>', BS, script("t", "d = 1"), '<userTask id="u"/>', flows("bs t", "t u")), flows("s b"))
    ).start()
    (entered,) = [e for e in bench.of(ev.ElementEntered) if e.element == "b"]
    assert [(e.scope, e.value) for e in bench.of(ev.VariableSet)] == [(entered.key, None), (entered.key, 1)]
    assert bench.execution.variables(entered.key) == {"d": 1}
    bench.do(inputs.SetVariables({"d": 2}, scope=entered.key))
    assert bench.execution.variables(entered.key) == {"d": 2}
    assert bench.variables == {}


def test_event_subprocess_reads_the_data_of_its_scope() -> None:
    body = sub("b", '<dataObject id="o" name="d"/>', BS, script("t", "d = 5; fail('one')"), event_sub("h", error("E1"), True, script("hs", "seen = d"), flows("h-s hs")),
               flows("bs t"))  # fmt: skip
    bench = Bench(p(S, body, flows("s b"))).start()
    assert bench.variables == {"seen": None}  # what a script wrote before it failed is not kept


def test_data_associations_copy_between_variables_and_names_of_the_activity() -> None:
    io = (
        '<ioSpecification><dataInput id="din" name="a"/><dataOutput id="dout" name="b"/></ioSpecification>'
        "<dataInputAssociation><sourceRef>ref</sourceRef><targetRef>din</targetRef></dataInputAssociation>"
        "<dataOutputAssociation><sourceRef>dout</sourceRef><targetRef>o2</targetRef></dataOutputAssociation>"
        "<dataInputAssociation><assignment><from>${order * 100}</from><to>c</to></assignment></dataInputAssociation>"
    )
    data = '<dataObject id="o1" name="order"/><dataObjectReference id="ref" dataObjectRef="o1"/><dataObject id="o2" name="total"/>'
    bench = Bench(p(S, data, script("t", "b = a + c", io), flows("s t"))).start(order=2)
    assert bench.variables == {"order": 2, "total": 202}


def test_cancel_from_deeper_inside_a_transaction() -> None:
    def undoable(id: str) -> str:
        association = f'<association id="as-{id}" sourceRef="c-{id}" targetRef="undo-{id}"/>'
        return log(id) + boundary(f"c-{id}", id, "<compensateEventDefinition/>") + log(f"undo-{id}", isForCompensation="true") + association

    inner = sub("i", '<startEvent id="is"/>', undoable("b"), end("no", "<cancelEventDefinition/>"), flows("is b", "b no"))
    body = sub(
        "t", BS, undoable("a"), '<parallelGateway id="f"/>', '<userTask id="u"/>', inner, flows("bs a", "a f", "f u", "f i"), tag="transaction"
    )
    bench = Bench(p(S, body, boundary("c", "t", "<cancelEventDefinition/>"), log("z"), flows("s t", "c z"))).start()
    assert (bench.lines, bench.state, bench.open_tasks()) == (["a", "b", "undo-b", "undo-a", "z"], "completed", {})
