"""Gateways (BPMN 2.0.2 section 13.4) and conditional flows of activities (13.3.1)."""

from __future__ import annotations

import pytest

from engine.model import events as ev
from engine.model import inputs
from tests.support.bpmn_bench import Bench, flows, log, process

S, E = '<startEvent id="s"/>', '<endEvent id="e"/>'


def test_exclusive_takes_the_first_true_flow_in_document_order() -> None:
    bench = Bench(process(S, '<exclusiveGateway id="x"/>', log("b"), log("a"), flows("s x", "x b if n > 1", "x a if n > 0")))
    assert bench.start(n=2).lines == ["b"]
    assert bench.start(n=1).lines == ["a"]
    assert [d.result for d in bench.of(ev.DecisionTaken)] == [False, True]


def test_exclusive_default_flow_is_taken_last() -> None:
    bench = Bench(process(S, '<exclusiveGateway id="x" default="x-a"/>', log("a"), log("b"), flows("s x", "x a", "x b if n > 1")))
    assert bench.start(n=2).lines == ["b"]
    assert bench.start(n=0).lines == ["a"]


def test_exclusive_without_a_way_stands_with_an_incident_and_can_be_retried() -> None:
    bench = Bench(process(S, '<exclusiveGateway id="x"/>', log("a"), log("b"), flows("s x", "x a if n == 1", "x b if n == 2"))).start(n=0)
    assert (bench.state, bench.error) == ("active", "no condition holds and there is no default flow")
    (incident,) = bench.of(ev.IncidentRaised)
    assert incident.element == "x"
    bench.do(inputs.RetryElement(incident.key))
    assert len(bench.of(ev.IncidentRaised)) == 2
    bench.do(inputs.SetVariables({"n": 2})).do(inputs.RetryElement(incident.key))
    assert (bench.state, bench.error, bench.lines) == ("completed", None, ["b"])


def test_parallel_split_and_join() -> None:
    bench = Bench(process(S, '<parallelGateway id="f"/>', '<userTask id="a"/>', '<userTask id="b"/>', '<parallelGateway id="j"/>', log("z"),
                          flows("s f", "f a", "f b", "a j", "b j", "j z"))).start()  # fmt: skip
    assert bench.waiting() == ["a", "b"]
    bench.complete("b")
    assert bench.lines == []
    bench.complete("a")
    assert (bench.state, bench.lines) == ("completed", ["z"])
    assert bench.trace().count("j") == 1


def test_parallel_join_counts_tokens_per_flow() -> None:
    """Two tokens over the same flow do not make up for the one missing on the other."""
    bench = Bench(process(S, '<parallelGateway id="f"/>', '<userTask id="a"/>', '<userTask id="b"/>', '<userTask id="c"/>',
                          '<exclusiveGateway id="m"/>', '<parallelGateway id="j"/>', log("z"),
                          flows("s f", "f a", "f b", "f c", "a m", "b m", "m j", "c j", "j z"))).start()  # fmt: skip
    bench.complete("a").complete("b")
    assert bench.lines == []
    bench.complete("c")
    assert bench.lines == ["z"]
    assert bench.state == "active"  # the second token of the merged branch still waits


def test_parallel_branches_lose_no_write() -> None:
    bench = Bench(process(S, '<parallelGateway id="f"/>', '<userTask id="a"/>', '<userTask id="b"/>', '<parallelGateway id="j"/>',
                          flows("s f", "f a", "f b", "a j", "b j"))).start(v=0)  # fmt: skip
    bench.complete("a", v=1).complete("b")
    assert bench.variables == {"v": 1}


def test_inclusive_waits_for_what_can_still_come() -> None:
    bench = Bench(process(S, '<inclusiveGateway id="f"/>', '<userTask id="a"/>', '<userTask id="b"/>', '<userTask id="c"/>', '<inclusiveGateway id="j"/>', log("z"),
                          flows("s f", "f a if x >= 1", "f b if x >= 2", "f c if x >= 3", "a j", "b j", "c j", "j z")))  # fmt: skip
    bench.start(x=2)
    assert bench.waiting() == ["a", "b"]
    bench.complete("a")
    assert bench.lines == []
    bench.complete("b")
    assert (bench.lines, bench.state) == (["z"], "completed")
    assert bench.start(x=1).complete("a").lines == ["z"]


def test_inclusive_default_only_when_nothing_else_holds() -> None:
    bench = Bench(process(S, '<inclusiveGateway id="f" default="f-b"/>', log("a"), log("b"), flows("s f", "f a if x", "f b")))
    assert bench.start(x=True).lines == ["a"]
    assert bench.start(x=False).lines == ["b"]


def test_inclusive_join_does_not_wait_for_a_dead_branch() -> None:
    bench = Bench(process(S, '<inclusiveGateway id="f"/>', '<userTask id="a"/>', '<exclusiveGateway id="x"/>', '<userTask id="b"/>', '<endEvent id="out"/>',
                          '<inclusiveGateway id="j"/>', log("z"),
                          flows("s f", "f a if True", "f b if True", "b x", "x j if go", "x out if not go", "a j", "j z")))  # fmt: skip
    bench.start().complete("a")
    assert bench.lines == []
    bench.complete("b", go=False)
    assert (bench.lines, bench.state) == (["z"], "completed")


def test_inclusive_join_in_a_loop() -> None:
    bench = Bench(process(S, '<inclusiveGateway id="j"/>', '<userTask id="a"/>', '<exclusiveGateway id="x"/>', E,
                          flows("s j", "j a", "a x", "x j if again", "x e if not again"))).start()  # fmt: skip
    bench.complete("a", again=True).complete("a", again=True).complete("a", again=False)
    assert bench.state == "completed"
    assert bench.trace().count("j") == 3


def test_two_inclusive_joins_do_not_wait_for_each_other_for_ever() -> None:
    bench = Bench(process(S, '<parallelGateway id="f"/>', '<inclusiveGateway id="j"/>', '<inclusiveGateway id="k"/>', log("a"), log("b"), '<exclusiveGateway id="x"/>',
                          '<exclusiveGateway id="y"/>', E,
                          flows("s f", "f j", "f k", "j a", "a x", "x k if False", "x e if True", "k b", "b y", "y j if False", "y e if True"))).start()  # fmt: skip
    assert bench.state == "completed"
    assert sorted(bench.lines) == ["a", "b"]


def test_conditional_flows_of_a_task_with_default() -> None:
    bench = Bench(process(S, '<task id="t" default="t-c"/>', log("a"), log("b"), log("c"), flows("s t", "t a if x > 0", "t b if x > 1", "t c")))
    assert bench.start(x=2).lines == ["a", "b"]
    assert bench.start(x=1).lines == ["a"]
    assert bench.start(x=0).lines == ["c"]


def test_unconditional_flows_beside_conditional_ones() -> None:
    bench = Bench(process(S, '<task id="t"/>', log("a"), log("b"), flows("s t", "t a", "t b if x")))
    assert bench.start(x=True).lines == ["a", "b"]
    assert bench.start(x=False).lines == ["a"]


@pytest.mark.parametrize(("m", "r"), [
    ('<intermediateCatchEvent id="m"><messageEventDefinition messageRef="M"/></intermediateCatchEvent>',
     '<intermediateCatchEvent id="r"><messageEventDefinition messageRef="N"/></intermediateCatchEvent>'),
    ('<receiveTask id="m" messageRef="M"/>', '<receiveTask id="r" messageRef="N"/>'),
])  # fmt: skip
def test_event_based_gateway_first_event_wins(m: str, r: str) -> None:
    diagram = process(
        S, '<eventBasedGateway id="g"/>', m, r,
        '<intermediateCatchEvent id="t"><timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition></intermediateCatchEvent>',
        log("a"), log("b"), log("c"), flows("s g", "g m", "g t", "g r", "m a", "t b", "r c"),
        before='<message id="M" name="m"/><message id="N" name="n"/>',
    )  # fmt: skip
    bench = Bench(diagram)
    bench.start().message("m")
    assert (bench.lines, bench.state, bench.subscriptions(), bench.open_jobs("timer")) == (["a"], "completed", {}, {})
    assert bench.trace() == ["s", "g", "m", "a"]
    assert bench.start().advance(hours=1).lines == ["b"]
    assert bench.start().message("n", v=1).lines == ["c"]
    assert bench.variables == {"v": 1}


def test_complex_gateway_fires_at_its_condition_and_swallows_the_rest() -> None:
    bench = Bench(process(S, '<parallelGateway id="f"/>', '<userTask id="a"/>', '<userTask id="b"/>', '<userTask id="c"/>',
                          '<complexGateway id="j"><activationCondition>activationCount >= 2</activationCondition></complexGateway>', log("z"),
                          flows("s f", "f a", "f b", "f c", "a j", "b j", "c j", "j z"))).start()  # fmt: skip
    bench.complete("a")
    assert bench.lines == []
    bench.complete("c")
    assert bench.lines == ["z"]
    bench.complete("b")
    assert (bench.lines, bench.state) == (["z"], "completed")


def test_start_and_completion_quantity() -> None:
    bench = Bench(process(S, '<task id="t" completionQuantity="3"/>', log("u", startQuantity="3"), flows("s t", "t u"))).start()
    assert (bench.lines, bench.state) == (["u"], "completed")
    bench = Bench(process(S, '<task id="t" completionQuantity="2"/>', log("u", startQuantity="3"), flows("s t", "t u"))).start()
    assert (bench.lines, bench.state) == ([], "active")


@pytest.mark.parametrize("wrapped", ["${x == 1}", "#{x == 1}", "=x == 1", " x == 1 "])
def test_wrapped_conditions(wrapped: str) -> None:
    xml = process(S, '<exclusiveGateway id="g" default="g-b"/>', log("a"), log("b"), flows("s g", f"g a if {wrapped}", "g b"))
    bench = Bench(xml.replace(b"http://camunda.org/schema/zeebe", b"urn:zeebe"))  # in a file of Zeebe a leading = is FEEL
    assert bench.start(x=1).lines == ["a"]


def test_join_of_a_loop_beside_a_parallel_gateway_is_not_bound_by_depth() -> None:
    bench = Bench(process(S, '<exclusiveGateway id="m"/>', '<parallelGateway id="f"/>', log("a"), log("b"), '<parallelGateway id="j"/>',
                          '<scriptTask id="c"><script>n = n + 1</script></scriptTask>', '<exclusiveGateway id="x" default="x-e"/>', E,
                          flows("s m", "m f", "f a", "f b", "a j", "b j", "j c", "c x", "x m if n &lt; 400".replace("&lt;", "<"), "x e")), roundtrip=False)  # fmt: skip
    bench.start(n=0)
    assert bench.state == "completed"
    assert len(bench.lines) == 800


def test_a_task_whose_conditional_flows_all_fail_stands() -> None:
    bench = Bench(process(S, '<task id="t"/>', log("a"), log("b"), flows("s t", "t a if x > 0", "t b if x > 1"))).start(x=0)
    assert (bench.state, bench.error) == ("active", "no condition holds and there is no default flow")


def test_complex_gateway_works_again_after_its_reset() -> None:
    xml = process(
        S, '<exclusiveGateway id="m"/>', '<parallelGateway id="f"/>', '<userTask id="a"/>', '<userTask id="b"/>', '<userTask id="c"/>',
        '<complexGateway id="j"><activationCondition>activationCount == 2</activationCondition></complexGateway>', log("z"), '<exclusiveGateway id="x" default="x-e"/>', E,
        flows("s m", "m f", "f a", "f b", "f c", "a j", "b j", "c j", "j z", "z x", "x m if again", "x e"),
    )  # fmt: skip
    bench = Bench(xml).start(again=True).complete("a").complete("b")
    assert bench.lines == ["z"]
    assert sorted(bench.waiting()) == ["a", "b", "c", "c"]
    bench.complete("c", again=False)  # late token of the first round
    assert bench.lines == ["z"]
    bench.complete("a").complete("b")
    assert bench.lines == ["z", "z"]
    assert bench.complete("c").state == "completed"


def test_discriminator() -> None:
    xml = process(
        S,
        '<parallelGateway id="f"/>',
        '<userTask id="a"/>',
        '<userTask id="b"/>',
        '<complexGateway id="j"/>',
        log("z"),
        flows("s f", "f a", "f b", "a j", "b j", "j z"),
    )
    bench = Bench(xml).start().complete("b")
    assert bench.lines == ["z"]
    assert (bench.complete("a").lines, bench.state) == (["z"], "completed")


def test_multiple_merge_runs_what_follows_once_per_token() -> None:
    xml = process(
        S, '<parallelGateway id="f"/>', log("a"), log("b"), '<exclusiveGateway id="m"/>', log("z"), flows("s f", "f a", "f b", "a m", "b m", "m z")
    )
    assert sorted(Bench(xml).start().lines) == ["a", "b", "z", "z"]


def test_inclusive_join_waits_for_a_boundary_event_that_can_still_happen() -> None:
    xml = process(
        S, '<inclusiveGateway id="f"/>', '<userTask id="a"/>', '<userTask id="b"/>',
        '<boundaryEvent id="c" attachedToRef="b"><timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition></boundaryEvent>',
        '<endEvent id="out"/>', '<inclusiveGateway id="j"/>', log("z"), flows("s f", "f a if True", "f b if True", "a j", "b out", "c j", "j z"),
    )  # fmt: skip
    bench = Bench(xml).start().complete("a")
    assert bench.lines == []
    assert (bench.advance(hours=1).lines, bench.state) == (["z"], "completed")
    assert (Bench(xml).start().complete("a").complete("b").lines) == ["z"]
