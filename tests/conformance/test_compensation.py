"""Compensation (BPMN 2.0.2 section 13.5.5)."""

from __future__ import annotations

from engine.model import events as ev
from engine.model import inputs
from tests.conformance.test_events import S, boundary, end, p, sub, throw
from tests.support.bpmn_bench import Bench, flows, log, script

COMPENSATE = "<compensateEventDefinition/>"


def undoable(id: str, inside: str = "") -> str:
    """An activity with its compensating activity."""
    return (
        log(id, inside) + boundary(f"c-{id}", id, COMPENSATE) + log(f"undo-{id}", isForCompensation="true")
        + f'<association id="as-{id}" sourceRef="c-{id}" targetRef="undo-{id}"/>'
    )  # fmt: skip


def test_handlers_run_in_reverse_order_of_completion() -> None:
    bench = Bench(p(S, undoable("a"), undoable("b"), throw("t", COMPENSATE), log("z"), flows("s a", "a b", "b t", "t z"))).start()
    assert (bench.lines, bench.state) == (["a", "b", "undo-b", "undo-a", "z"], "completed")


def test_only_the_named_activity_and_each_only_once() -> None:
    one = '<compensateEventDefinition activityRef="a"/>'
    bench = Bench(
        p(S, undoable("a"), undoable("b"), throw("t", one), throw("u", one), end("e", COMPENSATE), flows("s a", "a b", "b t", "t u", "u e"))
    ).start()
    assert (bench.lines, bench.state) == (["a", "b", "undo-a", "undo-b"], "completed")


def test_what_did_not_complete_is_not_compensated() -> None:
    bench = Bench(
        p(S, '<exclusiveGateway id="g"/>', undoable("a"), undoable("b"), end("e", COMPENSATE), flows("s g", "g a if x", "g b if not x", "a e", "b e"))
    ).start(x=True)
    assert bench.lines == ["a", "undo-a"]


def test_throwing_waits_for_a_handler_of_a_person() -> None:
    handler = '<userTask id="u" isForCompensation="true"/><association id="as" sourceRef="c" targetRef="u"/>'
    bench = Bench(p(S, log("a"), boundary("c", "a", COMPENSATE), handler, throw("t", COMPENSATE), log("z"), flows("s a", "a t", "t z"))).start()
    assert (bench.waiting(), bench.lines) == (["u"], ["a"])
    assert bench.complete("u").lines == ["a", "z"]


def test_finished_subprocess_is_compensated_inside_with_its_data() -> None:
    body = sub("b", '<dataObject id="o" name="d"/>', '<startEvent id="bs"/>', script("x", "d = 7"), undoable("a"), flows("bs x", "x a"))
    body = body.replace("log('undo-a')", "log(d)")
    bench = Bench(p(S, body, '<userTask id="u"/>', throw("t", COMPENSATE), log("z"), flows("s b", "b u", "u t", "t z"))).start().complete("u")
    assert (bench.lines, bench.state) == (["a", 7, "z"], "completed")


def test_compensation_event_subprocess_replaces_the_default() -> None:
    handler = sub(
        "h", f'<startEvent id="hs">{COMPENSATE}</startEvent>', log("own"), throw("ht", COMPENSATE), flows("hs own", "own ht"), triggeredByEvent="true"
    )
    body = sub("b", '<startEvent id="bs"/>', undoable("a"), handler, flows("bs a"))
    bench = Bench(p(S, body, throw("t", COMPENSATE), flows("s b", "b t"))).start()
    assert (bench.lines, bench.state) == (["a", "own", "undo-a"], "completed")


def test_subprocess_with_a_handler_of_its_own() -> None:
    body = sub("b", '<startEvent id="bs"/>', undoable("a"), flows("bs a"))
    bench = Bench(p(S, body, boundary("c", "b", COMPENSATE), log("undo-b", isForCompensation="true"), '<association id="as" sourceRef="c" targetRef="undo-b"/>',
                    throw("t", COMPENSATE), flows("s b", "b t"))).start()  # fmt: skip
    assert bench.lines == ["a", "undo-b"]


def test_error_handler_compensates_what_its_scope_completed() -> None:
    handler = sub("h", '<startEvent id="hs"><errorEventDefinition/></startEvent>', end("he", COMPENSATE), flows("hs he"), triggeredByEvent="true")
    bench = Bench(p(S, undoable("a"), script("x", "fail('one')"), handler, flows("s a", "a x"))).start()
    assert (bench.lines, bench.state) == (["a", "undo-a"], "completed")


def test_multi_instance_iterations_are_compensated_one_by_one_but_only_when_all_completed() -> None:
    loop = '<multiInstanceLoopCharacteristics isSequential="true"><loopCardinality>3</loopCardinality></multiInstanceLoopCharacteristics>'
    bench = Bench(p(S, undoable("a", loop).replace("log('undo-a')", "log(loopCounter)"), throw("t", COMPENSATE), flows("s a", "a t"))).start()
    assert bench.lines == ["a", "a", "a", 2, 1, 0]
    body = f'<userTask id="u">{loop}</userTask>' + boundary("cu", "u", COMPENSATE) + log("undo", isForCompensation="true")
    body += '<association id="as" sourceRef="cu" targetRef="undo"/>' + boundary("m", "u", '<messageEventDefinition messageRef="M"/>')
    bench = Bench(p(S, body, end("e", COMPENSATE), flows("s u", "m e"))).start().complete("u").message("m")
    assert (bench.lines, bench.state) == ([], "completed")


def test_error_in_a_handler_goes_outwards_and_withdrawal_ends_handlers() -> None:
    bench = Bench(p(S, undoable("a").replace("log('undo-a')", "fail('one')"), throw("t", COMPENSATE), flows("s a", "a t"))).start()
    assert (bench.state, bench.error) == ("failed", "uncaught error event one")
    handler = '<userTask id="u" isForCompensation="true"/><association id="as" sourceRef="c" targetRef="u"/>'
    body = sub("b", '<startEvent id="bs"/>', log("a"), boundary("c", "a", COMPENSATE), handler, throw("t", COMPENSATE), flows("bs a", "a t"))
    bench = Bench(p(S, body, boundary("m", "b", '<messageEventDefinition messageRef="M"/>'), log("z"), flows("s b", "m z"))).start()
    assert bench.waiting() == ["u"]
    assert (bench.message("m").waiting(), bench.state, bench.lines) == ([], "completed", ["a", "z"])


def test_a_handler_that_fails_technically_can_be_retried() -> None:
    bench = Bench(p(S, undoable("a").replace("log('undo-a')", "log(missing)"), throw("t", COMPENSATE), log("z"), flows("s a", "a t", "t z"))).start()
    (incident,) = bench.of(ev.IncidentRaised)
    bench.do(inputs.SetVariables({"missing": 1})).do(inputs.RetryElement(incident.key))
    assert (bench.lines, bench.state) == (["a", 1, "z"], "completed")


def test_an_event_that_does_not_wait_goes_on_while_its_scope_waits() -> None:
    handler = '<userTask id="u" isForCompensation="true"/><association id="as" sourceRef="c" targetRef="u"/>'
    apart = '<compensateEventDefinition waitForCompletion="false"/>'
    bench = Bench(p(S, log("a"), boundary("c", "a", COMPENSATE), handler, throw("t", apart), log("z"), flows("s a", "a t", "t z"))).start()
    assert (bench.lines, bench.state, bench.waiting()) == (["a", "z"], "active", ["u"])
    assert bench.complete("u").state == "completed"
    nothing = Bench(p(S, throw("t", apart), log("z"), flows("s t", "t z"))).start()
    assert (nothing.lines, nothing.state) == (["z"], "completed")
