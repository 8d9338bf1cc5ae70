"""Soundness on demand: which diagrams are told to be flawed, where, and by what way one gets there. Semantics: BPMN 2.0.2 section 13."""

from __future__ import annotations

import pytest

from engine.model.soundness import Finding
from tests.conformance.test_events import MESSAGE, SIGNAL, E, S, boundary, catch, end, error, escalation, event_sub, p, sub, throw, timer
from tests.support.bpmn_bench import Bench, definitions, flows

TWO = '<userTask id="a"/><userTask id="b"/>'


def gateway(kind: str, id: str, **attributes: str) -> str:
    return f'<{kind}Gateway id="{id}"' + "".join(f' {name}="{value}"' for name, value in attributes.items()) + "/>"


def findings(*parts: str) -> list[Finding]:
    bench = Bench(p(*parts))
    [checked] = bench.interpreter.soundness(bench.model)
    assert checked.complete
    return list(checked.findings)


def told(*parts: str) -> list[tuple[str, str | None]]:
    return [(one.problem.rule.removeprefix("soundness."), one.problem.element_id) for one in findings(*parts)]


def two_ways(split: str, join: str) -> tuple[str, ...]:
    conditions = ("", "") if split == "parallel" else (" if x == 1", " if x == 2")
    ways = ("s x", f"x a{conditions[0]}", f"x b{conditions[1]}", "a j", "b j", "j z", "z e")
    return S, gateway(split, "x"), TWO, gateway(join, "j"), '<userTask id="z"/>', E, flows(*ways)


# --- gateways ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("split", "join", "expected"), [
    ("exclusive", "exclusive", []),
    ("parallel", "parallel", []),
    ("inclusive", "inclusive", []),
    ("parallel", "inclusive", []),
    ("exclusive", "inclusive", []),
    ("parallel", "complex", []),
    ("exclusive", "parallel", [("deadlock", "j")]),
    ("inclusive", "parallel", [("deadlock", "j")]),
    ("parallel", "exclusive", [("lack-of-synchronisation", "j")]),
    ("inclusive", "exclusive", [("lack-of-synchronisation", "j")]),
])  # fmt: skip
def test_split_and_join(split: str, join: str, expected: list[tuple[str, str]]) -> None:
    assert told(*two_ways(split, join)) == expected


def test_a_deadlock_comes_with_join_tokens_and_way() -> None:
    [one] = findings(*two_ways("exclusive", "parallel"))
    assert (one.trace, one.flows, one.tokens) == (("s", "x", "a", "j"), ("s-x", "x-a", "a-j"), ("a-j",))
    assert one.problem.message == "the join waits for ever: a token has come from 'a', none can come from 'b' any more"
    assert (one.problem.severity, one.problem.advice != "") == ("error", True)


def test_tokens_that_meet_come_with_both_ways() -> None:
    [one] = findings(*two_ways("parallel", "exclusive"))
    assert one.trace == ("s", "x", "a", "b", "j")


def test_default_flow_and_implicit_split_and_merge() -> None:
    """A task with conditional flows splits like an inclusive gateway, one with several incoming flows merges like an exclusive one."""
    task = '<task id="t" default="t-b"/>'
    assert told(S, task, TWO, gateway("inclusive", "j"), E, flows("s t", "t a if x", "t b", "a j", "b j", "j e")) == []
    assert told(S, task, TWO, gateway("parallel", "j"), E, flows("s t", "t a if x", "t b", "a j", "b j", "j e")) == [("deadlock", "j")]
    assert told(S, '<task id="t"/>', TWO, '<userTask id="z"/>', E, flows("s t", "t a", "t b", "a z", "b z", "z e")) == [
        ("lack-of-synchronisation", "z")
    ]
    assert told(S, '<task id="t"/>', TWO, E, flows("s t", "t a", "t b", "a e", "b e")) == []  # each way ends for itself


def test_loops() -> None:
    merge, split = gateway("exclusive", "m"), gateway("exclusive", "x")
    assert told(S, merge, '<userTask id="a"/>', split, E, flows("s m", "m a", "a x", "x m if again", "x e if done")) == []
    assert told(S, merge, '<userTask id="a"/>', E, flows("s m", "m a", "a m"), '<task id="z"/>', flows("z e")) == [("livelock", "m"), ("dead", "z")]


def test_a_branch_that_skips_the_join_in_a_loop() -> None:
    """The second time round the other branch comes again, before its first token is taken; a way out of the loop leaves the join alone."""
    parts = (S, gateway("exclusive", "m"), gateway("parallel", "f"), TWO, gateway("exclusive", "x"), gateway("parallel", "j"), E)
    ways = flows("s m", "m f", "f a", "f b", "b j", "a x", "x j if ok", "j e")
    assert ("lack-of-synchronisation", "b") in told(*parts, ways, flows("x m if again"))
    assert told(*parts, ways, end("out"), flows("x out if stop")) == [("deadlock", "j")]


def test_two_inclusive_joins_do_not_wait_for_each_other() -> None:
    parts = (
        S,
        gateway("parallel", "f"),
        gateway("inclusive", "j"),
        gateway("inclusive", "k"),
        TWO,
        gateway("exclusive", "x"),
        gateway("exclusive", "y"),
        E,
    )
    ways = flows("s f", "f j", "f k", "j a", "a x", "x k if n", "x e if m", "k b", "b y", "y j if n", "y e if m")
    assert "deadlock" not in [rule for rule, _ in told(*parts, ways)]


def test_event_based_gateway() -> None:
    events = catch("c", MESSAGE) + catch("d", timer("PT1H"))
    assert told(S, gateway("eventBased", "g"), events, gateway("exclusive", "j"), E, flows("s g", "g c", "g d", "c j", "d j", "j e")) == []
    assert told(S, gateway("eventBased", "g"), events, gateway("parallel", "j"), E, flows("s g", "g c", "g d", "c j", "d j", "j e")) == [
        ("deadlock", "j")
    ]


def test_complex_gateway_swallows_what_is_late() -> None:
    ways = flows("s f", "f a", "f b", "a j", "b j", "j z", "z e")
    rest = (S, gateway("parallel", "f"), TWO, '<userTask id="z"/>', E, ways)
    assert told(*rest, gateway("complex", "j")) == []
    assert told(*rest, '<complexGateway id="j"><activationCondition>activationCount >= 2</activationCondition></complexGateway>') == []


# --- events -------------------------------------------------------------------------------------------------------------------
def test_terminate_takes_the_waiting_token_away() -> None:
    parts = (S, gateway("parallel", "f"), TWO, gateway("exclusive", "x"), gateway("parallel", "j"), E)
    ways = flows("s f", "f a", "f b", "a j", "b x", "x j if ok", "x t if bad", "j e")
    assert told(*parts, end("t", "<terminateEventDefinition/>"), ways) == []
    assert told(*parts, end("t"), ways) == [("deadlock", "j")]


def test_a_boundary_event_that_leads_around_the_join() -> None:
    parts = (S, gateway("parallel", "f"), TWO, boundary("late", "b", timer("PT1H")), gateway("parallel", "j"), E, '<userTask id="c"/>')
    [one] = findings(*parts, flows("s f", "f a", "f b", "a j", "b j", "j e", "late c"))
    assert (one.problem.element_id, one.problem.rule) == ("j", "soundness.deadlock")
    assert "late" in one.trace and "b" not in one.trace


def test_a_boundary_event_that_leads_into_the_join() -> None:
    parts = (S, '<userTask id="a"/>', boundary("late", "a", timer("PT1H")), gateway("parallel", "j"), E)
    assert told(*parts, flows("s a", "a j", "late j", "j e")) == [("deadlock", "j")]
    aside = (S, '<userTask id="a"/>', boundary("late", "a", timer("PT1H"), cancel=False), E, '<userTask id="n"/>')
    assert told(*aside, flows("s a", "a e", "late n", "n e")) == []
    assert told(*aside, '<userTask id="z"/>', flows("s a", "a z", "late n", "n z", "z e")) == [("lack-of-synchronisation", "z")]


def test_a_boundary_event_of_an_activity_that_never_waits_is_dead() -> None:
    assert told(S, '<scriptTask id="t"><script>x = 1</script></scriptTask>', boundary("late", "t", timer("PT1H")), E, flows("s t", "t e", "late e")) == [("dead", "late")]  # fmt: skip


def test_links_are_flows() -> None:
    link = '<linkEventDefinition name="L"/>'
    assert told(S, throw("t", link), catch("c", link), '<userTask id="a"/>', E, flows("s t", "c a", "a e")) == []


def test_event_starts_begin_each_for_itself() -> None:
    starts = f'<startEvent id="m">{MESSAGE}</startEvent><startEvent id="g">{SIGNAL}</startEvent>'
    assert told(S, starts, TWO, gateway("exclusive", "j"), E, flows("s j", "m a", "a j", "g b", "b j", "j e")) == []
    [one] = findings(S, starts, TWO, gateway("parallel", "j"), '<userTask id="c"/>', E, flows("s c", "c e", "m a", "a j", "g b", "b j", "j e"))
    assert (one.problem.rule, one.trace) == ("soundness.deadlock", ("g", "b", "j"))


# --- scopes -------------------------------------------------------------------------------------------------------------------
INNER = (gateway("exclusive", "x"), TWO, gateway("parallel", "j"), '<startEvent id="bs"/>', flows("bs x", "x a if n", "x b if m", "a j", "b j"))


def test_deadlock_inside_a_subprocess() -> None:
    [one] = findings(S, sub("box", *INNER), E, flows("s box", "box e"))
    assert (one.problem.element_id, one.trace, one.tokens) == ("j", ("s", "bs", "x", "a", "j"), ("a-j",))


def test_a_timer_at_the_subprocess_rescues_one_that_interrupts_nothing_does_not() -> None:
    parts = (S, sub("box", *INNER), E, '<userTask id="c"/>', flows("s box", "box e", "late c", "c e"))
    assert ("deadlock", "j") not in told(*parts, boundary("late", "box", timer("PT1H")))
    assert ("deadlock", "j") in told(*parts, boundary("late", "box", timer("PT1H"), cancel=False))


def test_errors_and_escalations_go_to_their_catcher() -> None:
    inside = ('<startEvent id="bs"/>', '<userTask id="a"/>', gateway("exclusive", "x"))
    thrown = (end("bad", error("E1")), end("good"), flows("bs a", "a x", "x bad if n", "x good if m"))
    box = sub("box", *inside, *thrown)
    assert told(S, box, boundary("c", "box", error("E1")), E, gateway("exclusive", "j"), flows("s box", "box j", "c j", "j e")) == []
    assert told(S, box, boundary("c", "box", error("E2")), E, gateway("exclusive", "j"), flows("s box", "box j", "c j", "j e")) == [("dead", "c")]
    assert told(S, box, E, flows("s box", "box e")) == []  # nobody catches it: the instance fails, and that is an end
    calling = sub("box", '<startEvent id="bs"/>', throw("up", escalation("C1")), flows("bs up"))
    assert (
        told(S, calling, boundary("c", "box", escalation("C1"), cancel=False), E, '<userTask id="n"/>', flows("s box", "box e", "c n", "n e")) == []
    )


def test_event_subprocesses() -> None:
    handler = (TWO.replace('"a"', '"ha"').replace('"b"', '"hb"'), gateway("exclusive", "hx"), gateway("parallel", "hj"))
    ways = flows("h-s hx", "hx ha if n", "hx hb if m", "ha hj", "hb hj")
    for interrupting in (True, False):
        assert told(S, '<userTask id="t"/>', E, flows("s t", "t e"), event_sub("h", MESSAGE, interrupting, *handler, ways)) == [("deadlock", "hj")]
        good = event_sub("h", MESSAGE, interrupting, '<userTask id="ha"/>', flows("h-s ha"))
        assert told(S, '<userTask id="t"/>', E, flows("s t", "t e"), good) == []


def test_an_interrupting_event_subprocess_rescues_a_join() -> None:
    rescue = event_sub("h", MESSAGE, True, '<userTask id="ha"/>', flows("h-s ha"))
    waiting = (S, gateway("exclusive", "x"), TWO, gateway("parallel", "j"), flows("s x", "x a if n", "x b if m", "a j", "b j"))
    assert told(*waiting) == [("deadlock", "j")]
    assert told(*waiting, rescue) == [("dead", "j")]


def test_a_cancelled_transaction_goes_on_at_its_boundary_event() -> None:
    inside = ('<startEvent id="bs"/>', gateway("parallel", "f"), TWO, gateway("parallel", "j"), gateway("exclusive", "x"))
    box = sub(
        "box",
        *inside,
        end("stop", "<cancelEventDefinition/>"),
        flows("bs f", "f a", "f b", "a x", "x j if ok", "x stop if bad", "b j"),
        tag="transaction",
    )
    assert told(S, box, boundary("c", "box", "<cancelEventDefinition/>"), E, flows("s box", "box e", "c e")) == []


def test_a_subprocess_that_is_never_entered_is_told_once() -> None:
    assert told(S, sub("box", '<startEvent id="bs"/>', TWO, flows("bs a", "a b")), flows("box e"), E) == [("dead", "box")]


def test_each_process_of_a_file_and_calls_as_one_step() -> None:
    call = f'<process id="outer">{S}<callActivity id="c" calledElement="inner"/>{flows("s c")}</process>'
    inner = f'<process id="inner">{"".join(INNER)}</process>'
    bench = Bench(definitions(call, inner))
    found = {one.process_id: [f.problem.element_id for f in one.findings] for one in bench.interpreter.soundness(bench.model)}
    assert found == {"inner": ["j"], "outer": []}
