"""asyncBefore and asyncAfter: what happened before a transaction boundary stays, whatever becomes of the rest."""

from __future__ import annotations

import pytest

from engine.model import events as ev
from engine.model import inputs
from engine.model.actors import SYSTEM
from tests.conformance.test_events import MESSAGE, SIGNAL, S, boundary, end, p, sub
from tests.conformance.test_whole_engine import engine
from tests.support.bpmn_bench import Bench, flows, log, script

BEFORE, AFTER = {"camunda:asyncBefore": "true"}, {"camunda:asyncAfter": "true"}


def go_on(bench: Bench) -> Bench:
    """Run the oldest open job."""
    return bench.do(inputs.TriggerTimer(next(iter(bench.open_jobs("timer")))))


def test_the_token_waits_before_and_after() -> None:
    bench = Bench(p(S, log("a", **BEFORE, **AFTER), log("b"), flows("s a", "a b"))).start()
    assert (bench.lines, bench.state) == ([], "active")
    go_on(bench)
    assert (bench.lines, bench.trace()) == (["a"], ["s"])
    go_on(bench)
    assert (bench.lines, bench.trace(), bench.state) == (["a", "b"], ["s", "a", "b"], "completed")
    assert [(e.kind, e.due) for e in bench.of(ev.JobCreated)] == [("timer", None)] * 2
    assert [e.reason for e in bench.of(ev.JobEnded)] == ["triggered"] * 2


@pytest.mark.parametrize("element", [
    '<startEvent id="x" camunda:asyncBefore="true"/>', '<exclusiveGateway id="x" camunda:async="true"/>', '<endEvent id="x" f:asyncBefore="true"/>',
    '<userTask id="x" camunda:asyncBefore="true"/>', sub("x", '<startEvent id="xs"/>', **BEFORE),
])  # fmt: skip
def test_every_flow_node_may_ask_for_it(element: str) -> None:
    bench = Bench(p(*([] if 'startEvent id="x"' in element else [S, flows("s x")]), element)).start()
    assert [job.element for job in bench.open_jobs("timer").values()] == ["x"]
    assert go_on(bench).waiting() == (["x"] if "userTask" in element else [])


def test_an_event_that_begins_something_has_its_boundary_behind_it() -> None:
    began = f'<startEvent id="x" camunda:asyncBefore="true">{MESSAGE}</startEvent>'
    bench = Bench(p(began, log("a"), flows("x a"))).start(element="x")
    assert (bench.lines, [job.element for job in bench.open_jobs("timer").values()]) == ([], ["x"])
    assert (go_on(bench).lines, bench.state) == (["a"], "completed")
    late = boundary("k", "u", SIGNAL).replace("<boundaryEvent", '<boundaryEvent camunda:asyncBefore="true"', 1)
    bench = Bench(p(S, '<userTask id="u"/>', late, log("a"), flows("s u", "k a"))).start().signal("g")
    assert (bench.lines, bench.waiting(), [job.element for job in bench.open_jobs("timer").values()]) == ([], [], ["k"])
    assert (go_on(bench).lines, bench.state) == (["a"], "completed")


def test_a_join_waits_once_and_an_iteration_by_itself() -> None:
    bench = Bench(p(S, '<parallelGateway id="f"/><task id="a"/><task id="b"/><parallelGateway id="j" camunda:asyncBefore="true"/>', log("z"),
                    flows("s f", "f a", "f b", "a j", "b j", "j z"))).start()  # fmt: skip
    assert len(bench.open_jobs("timer")) == 1
    assert go_on(bench).lines == ["z"]
    loop = "<multiInstanceLoopCharacteristics {}><loopCardinality>2</loopCardinality></multiInstanceLoopCharacteristics>"
    bench = Bench(p(S, log("t", loop.format(""), **BEFORE), flows("s t"))).start()
    assert len(bench.open_jobs("timer")) == 1
    assert go_on(bench).lines == ["t", "t"]
    bench = Bench(p(S, log("t", loop.format('camunda:asyncBefore="true"')), flows("s t"))).start()
    assert (len(bench.open_jobs("timer")), bench.lines) == (2, [])
    assert (go_on(bench).lines, bench.state) == (["t"], "active")
    assert (go_on(bench).lines, bench.state) == (["t", "t"], "completed")


def test_boundary_events_are_there_between_both_boundaries_only() -> None:
    bench = Bench(p(S, '<userTask id="u" camunda:asyncBefore="true" camunda:asyncAfter="true"/>', boundary("k", "u", SIGNAL), boundary("l", "u", MESSAGE),
                    flows("s u"))).start()  # fmt: skip
    assert bench.subscriptions() == {}
    assert len(go_on(bench).subscriptions()) == 2
    assert bench.complete("u").subscriptions() == {}
    assert (bench.state, go_on(bench).state) == ("active", "completed")


def test_a_token_that_is_withdrawn_gives_its_job_up() -> None:
    bench = Bench(p(S, sub("b", '<startEvent id="bs"/>', log("a", **BEFORE), flows("bs a")), boundary("k", "b", SIGNAL), flows("s b"))).start()
    assert bench.signal("g").state == "completed"
    assert [e.reason for e in bench.of(ev.JobEnded)] == ["cancelled"]
    bench = Bench(p(S, script("t", "1 / 0", **BEFORE), flows("s t"))).start()
    assert "division" in (go_on(bench).error or "")
    key = bench.of(ev.IncidentRaised)[0].key
    bench.do(inputs.RetryElement(key))  # not another job: the boundary was passed
    assert bench.open_jobs("timer") == {}


def test_the_work_before_is_committed_when_the_work_behind_fails() -> None:
    made, lines = engine(p(S, log("a"), script("t", "1 / 0", **BEFORE), end("e"), flows("s a", "a t", "t e")))
    with made:
        one = made.start("p")
        with made.app.reading() as read:
            records = read.records(SYSTEM, one)
        assert [type(r.input).__name__ for r in records] == ["StartInstance", "TriggerTimer"]
        assert ("division" in (made.instance(one).error or ""), lines) == (True, ["a"])
        made.check()
