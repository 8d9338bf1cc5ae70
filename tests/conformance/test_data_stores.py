"""Data stores (BPMN 2.0.2 section 10.4.1): read by input associations, written by output associations."""

from __future__ import annotations

import pytest

from engine.model import events as ev
from engine.model import inputs
from tests.conformance.test_events import MESSAGE, ROOTS, SIGNAL, S
from tests.conformance.test_refused import rules
from tests.support.bpmn_bench import Bench, definitions, flows, script

STORE = '<dataStore id="ds" name="Ledger"/>'
REFERENCE = '<dataStoreReference id="dr" dataStoreRef="ds"/>'


def reads(name: str, inside: str = "", source: str = "dr") -> str:
    declared = f'<ioSpecification><dataInput id="i-{name}" name="{name}"/></ioSpecification>'
    return f"{declared}<dataInputAssociation><sourceRef>{source}</sourceRef><targetRef>i-{name}</targetRef>{inside}</dataInputAssociation>"


def writes(name: str, inside: str = "", target: str = "dr") -> str:
    declared = f'<ioSpecification><dataOutput id="o-{name}" name="{name}"/></ioSpecification>'
    return f"{declared}<dataOutputAssociation><sourceRef>o-{name}</sourceRef><targetRef>{target}</targetRef>{inside}</dataOutputAssociation>"


def pool(*parts: str, id: str = "p", head: str = STORE) -> bytes:
    return definitions(head, f'<process id="{id}">{REFERENCE}{"".join(parts)}</process>')


DEPOSIT = pool(S, script("t", "v = n", writes("v")), flows("s t"), id="deposit")
LOOK = pool(S, script("t", "r = w", reads("w")), flows("s t"), id="look")
COUNTER = pool(S, script("t", "v = (w or 0) + 1", reads("w") + writes("v")), flows("s t"), id="counter")


def test_a_step_sees_what_it_wrote_and_the_next_what_others_wrote() -> None:
    body = (script("a", "v = 5", writes("v")), script("b", "r = w", reads("w")), '<userTask id="u"/>', script("c", "q = x", reads("x")))
    bench = Bench(pool(S, *body, flows("s a", "a b", "b u", "u c"))).start()
    assert (bench.variables, bench.stores) == ({"r": 5}, {"Ledger": {"version": 1, "value": 5}})
    bench.stores["Ledger"] = {"version": 4, "value": "theirs"}
    assert bench.complete("u").variables == {"r": 5, "q": "theirs"}
    bench = Bench(COUNTER).start()
    assert bench.start().of(ev.DataStoreWritten) == [ev.DataStoreWritten(bench.of(ev.DataStoreWritten)[0].key, "t", "Ledger", 2, 2)]
    assert Bench(LOOK).start().variables == {"r": None}


def test_transformations_and_several_readers() -> None:
    body = (
        script("a", "r = w", reads("w", "<transformation>Ledger + 1 + x</transformation>")),
        script("b", "v = r * 10", writes("v", "<transformation>v + 1</transformation>")),
    )
    bench = Bench(pool(S, *body, flows("s a", "a b")))
    bench.stores["Ledger"] = {"version": 1, "value": 3}
    assert bench.start(x=1).stores == {"Ledger": {"version": 2, "value": 51}}
    assert bench.of(ev.IncidentRaised) == []


def test_an_output_that_was_never_written_and_a_failing_one_write_nothing() -> None:
    assert Bench(pool(S, script("t", "x = 1", writes("v")), flows("s t"))).start().stores == {}
    bench = Bench(pool(S, script("t", "v = 1", writes("v", "<transformation>v / d</transformation>")), flows("s t"))).start(d=0)
    assert (bench.stores, "division" in (bench.error or "")) == ({}, True)
    bench.do(inputs.SetVariables({"d": 1})).do(inputs.RetryElement(bench.of(ev.IncidentRaised)[0].key))
    assert (bench.stores, bench.state) == ({"Ledger": {"version": 1, "value": 1}}, "completed")


def test_events_and_iterations_use_stores() -> None:
    catching = f'<intermediateCatchEvent id="c">{writes("a").replace("ioSpecification>", "x>").replace("<x>", "").replace("</x>", "")}{MESSAGE}</intermediateCatchEvent>'
    throwing = f'<intermediateThrowEvent id="t">{reads("k").replace("ioSpecification>", "x>").replace("<x>", "").replace("</x>", "")}{SIGNAL}</intermediateThrowEvent>'
    bench = Bench(pool(S, catching, throwing, flows("s c", "c t"), head=ROOTS + STORE)).start().message("m", a=8)
    assert (bench.stores, [e.payload for e in bench.of(ev.SignalSent)]) == ({"Ledger": {"version": 1, "value": 8}}, [{"k": 8}])
    loop = "<multiInstanceLoopCharacteristics isSequential='true'><loopCardinality>3</loopCardinality></multiInstanceLoopCharacteristics>"
    bench = Bench(pool(S, script("t", "v = (w or 0) + 1", reads("w") + writes("v") + loop), flows("s t"))).start()
    assert (bench.stores, bench.variables) == ({"Ledger": {"version": 3, "value": 3}}, {})


def test_a_reference_without_a_store_is_a_store_of_its_own_name() -> None:
    body = script("t", "v = 1", writes("v", target="mine"))
    xml = definitions(f'<process id="p"><dataStoreReference id="mine" name="My book"/>{S}{body}{flows("s t")}</process>')
    assert Bench(xml).start().stores == {"My book": {"version": 1, "value": 1}}


def test_a_handler_gets_what_was_read() -> None:
    bench = Bench(pool(S, '<serviceTask id="t" f:handler="h">' + reads("w") + writes("n") + "</serviceTask>", flows("s t")))
    bench.stores["Ledger"] = {"version": 1, "value": 3}
    bench.start()
    assert bench.execution.variables(next(iter(bench.open_jobs("service"))))["w"] == 3
    assert bench.work("t", n=4).stores == {"Ledger": {"version": 2, "value": 4}}


LOOP = '<multiInstanceLoopCharacteristics><loopDataInputRef>i-w</loopDataInputRef><inputDataItem id="x"/></multiInstanceLoopCharacteristics>'


@pytest.mark.parametrize(("xml", "expected"), [
    (definitions(f'<process id="p"><dataStoreReference id="dr" dataStoreRef="no"/>{S}</process>'), [("bpmn.reference", "dr")]),
    (pool(S, head=f'<dataStore id="ds" name="{"x" * 201}"/>'), [("bpmn.data", "dr")]),
    (pool(S, script("t", "x = 1", writes("v", "<assignment><from>1</from><to>a</to></assignment>")), flows("s t")), [("bpmn.data", "t")]),
    (pool(S, script("t", "x = 1", reads("w") + LOOP), flows("s t")), [("bpmn.data", "t")]),
    (pool(S, script("t", "x = 1", writes("v", "<transformation>1 +</transformation>")), flows("s t")), [("expression", "t")]),
])  # fmt: skip
def test_what_is_refused(xml: bytes, expected: list[tuple[str, str]]) -> None:
    assert rules(xml) == expected
