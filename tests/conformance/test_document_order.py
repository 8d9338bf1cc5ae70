"""A diagram written in another order is the same diagram: order of execution, ids, events and snapshots do not change.

Only the conditions after an exclusive gateway are tried in the order of the document (BPMN 2.0.2 section 13.4.2).
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.model import events as ev
from engine.model.codec import encode
from engine.model.values import canonical
from tests.conformance.order import shuffled
from tests.conformance.test_events import CONDITION, MESSAGE, SIGNAL, S, boundary, catch, end, error, event_sub, p, sub, throw, timer
from tests.support.bpmn_bench import Bench, flows, log, script
from tests.support.random_diagrams import Writer, run

U = '<userTask id="u"/>'
FORK = '<parallelGateway id="f"/>'


def happened(xml: bytes, drive: Callable[[Bench], object] = lambda _: None, **variables: object) -> bytes:
    bench = Bench(xml, roundtrip=False).start("p", **variables)
    drive(bench)
    return canonical([encode(event) for event in bench.events]) + canonical(bench.execution.snapshot()) + canonical(bench.lines)


ABC = log("c") + log("a") + log("b")
CASES: dict[str, tuple[bytes, Callable[[Bench], object], dict[str, object]]] = {
    "parallel split": (p(S, FORK, ABC, flows("s f", "f b", "f a", "f c")), lambda _: None, {}),
    "inclusive split": (p(S, '<inclusiveGateway id="f"/>', ABC, flows("s f", "f b if x", "f a if x", "f c if x")), lambda _: None, {"x": 1}),
    "conditional flows of a task": (p(S, U, ABC, flows("s u", "u b if x", "u a if x", "u c if x")), lambda b: b.complete("u"), {"x": 1}),
    "complex split": (p(S, '<complexGateway id="f"/>', ABC, flows("s f", "f b", "f a", "f c")), lambda _: None, {}),
    "several starts": (p('<startEvent id="s2"/><startEvent id="s1"/>', ABC, flows("s1 b", "s2 a", "a c")), lambda _: None, {}),
    "no start at all": (p('<task id="t2"/><task id="t1"/>', ABC, flows("t1 b", "t2 a", "a c")), lambda _: None, {}),
    "event starts only": (p(f'<startEvent id="m">{MESSAGE}</startEvent><startEvent id="g">{SIGNAL}</startEvent>', flows()), lambda b: b.signal("g"), {}),
    "boundary events on one signal": (p(S, U, boundary("k2", "u", SIGNAL, False), boundary("k1", "u", SIGNAL, False), ABC, flows("s u", "k1 b", "k2 a")),
                                      lambda b: b.signal("g"), {}),
    "boundary events on one condition": (p(S, U, boundary("k2", "u", CONDITION, False), boundary("k1", "u", CONDITION, False), ABC, flows("s u", "k1 b", "k2 a")),
                                         lambda _: None, {"x": 9}),
    "two catchers of one error": (p(S, sub("t", '<startEvent id="ts"/>', end("te", error("E1")), flows("ts te")), boundary("k2", "t", error("E1")),
                                    boundary("k1", "t", error("E1")), ABC, flows("s t", "k1 b", "k2 a")), lambda _: None, {}),
    "event subprocesses": (p(S, U, event_sub("h2", SIGNAL, False, log("a"), flows("h2-s a")), event_sub("h1", SIGNAL, False, log("b"), flows("h1-s b")), flows("s u")),
                           lambda b: b.signal("g"), {}),
    "ad-hoc": (p(S, sub("b", '<userTask id="u2"/><userTask id="u1"/><userTask id="u3"/>', tag="adHocSubProcess"), flows("s b")), lambda b: b.complete("u2"), {}),
    "ad-hoc in sequence": (p(S, sub("h", log("c"), log("a"), log("b"), tag="adHocSubProcess", ordering="Sequential"), flows("s h")), lambda _: None, {}),
    "event-based gateway": (p(S, '<eventBasedGateway id="g"/>', catch("c2", MESSAGE), catch("c1", SIGNAL), catch("c3", timer("PT1H")), ABC,
                              flows("s g", "g c2", "g c1", "g c3", "c1 a", "c2 b", "c3 c")), lambda b: b.signal("g"), {}),
    "flows without ids": (p(S, FORK, ABC, flows("s f", "f b", "f a")).replace(b' id="f-a"', b"").replace(b' id="f-b"', b"").replace(b' id="s-f"', b""), lambda _: None, {}),
    "two flows without ids": (p(S, U, '<task id="t"/>', flows("s u", "u t if x > 1") + flows("u t if x > 2").replace('id="u-t"', "")).replace(b' id="u-t"', b""),
                              lambda b: b.complete("u"), {"x": 3}),
    "data objects": (p('<dataObject id="y" name="y"/><property id="z" name="z"/><dataObject id="x" name="x"/>', S, U, flows("s u")), lambda _: None, {}),
    "an event with several results": (p(S, FORK, U, f'<intermediateThrowEvent id="t">{SIGNAL}{MESSAGE}</intermediateThrowEvent>',
                                        '<endEvent id="e"><terminateEventDefinition/><messageEventDefinition messageRef="M"/></endEvent>',
                                        flows("s f", "f u", "f t", "t e")), lambda _: None, {}),
    "an event with several triggers": (p(S, f'<intermediateCatchEvent id="c">{timer("PT1H")}{SIGNAL}{MESSAGE}</intermediateCatchEvent>', flows("s c")),
                                       lambda b: b.message("m"), {}),
    "compensation": (p(S, FORK, *[f'<task id="{n}"/><task id="{n}c" isForCompensation="true"/>{boundary(n + "b", n, "<compensateEventDefinition/>")}'
                                  f'<association id="{n}s" sourceRef="{n}b" targetRef="{n}c"/>' for n in "yx"], U, throw("t", "<compensateEventDefinition/>"),
                       flows("s f", "f y", "f x", "f u", "u t")), lambda b: b.complete("u"), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_order_of_the_document_does_not_matter(name: str) -> None:
    xml, drive, variables = CASES[name]
    expected = happened(xml, drive, **variables)
    assert {happened(shuffled(xml, seed), drive, **variables) for seed in range(8)} == {expected}


@pytest.mark.parametrize("seed", range(40))
def test_random_diagrams_in_another_order(seed: int) -> None:
    xml = Writer(seed).xml()
    found = set()
    for order in (None, seed, seed + 1000):
        bench = run(Bench(xml if order is None else shuffled(xml, order), roundtrip=False), seed)
        found.add(canonical([encode(event) for event in bench.events]) + canonical(bench.execution.snapshot()))
    assert len(found) == 1


def test_branches_run_in_the_order_of_their_targets() -> None:
    assert Bench(p(S, FORK, ABC, flows("s f", "f c", "f a", "f b"))).start().lines == ["a", "b", "c"]


@pytest.mark.parametrize(("order", "expected"), [(("g a if x > 1", "g b if x > 0"), ["a"]), (("g b if x > 0", "g a if x > 1"), ["b"])])
def test_an_exclusive_gateway_keeps_the_order_of_the_document(order: tuple[str, ...], expected: list[str]) -> None:
    xml = p(S, '<exclusiveGateway id="g" default="g-c"/>', ABC, flows("s g", *order, "g c"))
    assert Bench(xml).start(x=5).lines == expected


def test_what_ends_a_scope_comes_last() -> None:
    ends = '<endEvent id="e"><errorEventDefinition errorRef="E1"/><messageEventDefinition messageRef="M"/></endEvent>'
    inside = sub("t", '<startEvent id="ts"/>', ends, flows("ts e"))
    bench = Bench(p(S, inside, boundary("k", "t", error("E1")), script("a", "log('caught')"), flows("s t", "k a"))).start()
    assert ([one.name for one in bench.of(ev.MessageSent)], bench.lines) == (["m"], ["caught"])
