"""Migration of a running instance in the interpreter: tokens at joins, loops, subprocesses, called processes, compensation."""

from __future__ import annotations

import pytest

from engine.model import inputs
from tests.support.bpmn_bench import flows, log, process
from tests.support.migration_bench import Versions
from tests.support.migration_diagrams import MANY, MESSAGE, ROOTS, S, executed_again, fork, sub, task, timer, versions


@pytest.fixture(autouse=True)
def every_history_is_executed_again():
    with executed_again():
        yield


# --- joins, loops, subprocesses -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["parallelGateway", "inclusiveGateway"])
def test_tokens_that_wait_at_a_join_wait_at_its_successor(kind):
    bench = versions(fork("j", kind), fork("k", kind))
    bench.complete("a")
    bench.migrate()
    assert sorted(bench.keys()) == ["b", "k"]
    bench.complete("b")
    assert (bench.state, bench.lines) == ("completed", ["z"])


def test_a_join_that_lost_a_flow_is_a_reason():
    bench = versions(
        fork("j"),
        ('<parallelGateway id="g"/><parallelGateway id="j"/>', task("a"), task("b"), log("z"), flows("s g", "g a", "g b", "b j", "a z", "j z")),
    )
    assert bench.problems() == []
    bench.complete("a")
    assert bench.problems() == [("join", "j")]


def test_an_inclusive_join_is_decided_by_the_new_diagram():
    """The branch that it waited for does not lead to it any more."""
    bench = versions(
        fork("j", "inclusiveGateway", task("c")),
        (
            '<parallelGateway id="g"/><inclusiveGateway id="j"/>',
            task("a"),
            task("b"),
            task("c"),
            log("z"),
            flows("s g", "g a", "g b", "a j", "c j", "j z"),
        ),
    )
    bench.complete("a")
    assert bench.lines == []
    bench.migrate()
    assert bench.lines == ["z"]


def test_iterations_go_on_and_another_way_of_repeating_is_a_reason():
    def many(kind, id="a", *more):
        return (task(id, kind, name="Each"), log("z"), flows(f"s {id}", f"{id} z"))

    sequential, parallel, once = many(MANY.format("true", 2)), many(MANY.format("false", 2)), many("")
    bench = versions(sequential, many(MANY.format("true", 5), "b"), parallel, once)
    assert (bench.problems(3), bench.problems(4)) == ([("loop", "a")], [("loop", "a")])
    bench.migrate()
    bench.do(inputs.CompleteUserTask(bench.keys()["b"]))
    bench.do(inputs.CompleteUserTask(bench.keys()["b"]))
    assert (bench.state, bench.lines) == ("completed", ["z"])


def test_what_is_inside_a_subprocess_goes_on_inside_its_successor():
    def around(id, *inside):
        return (sub(id, '<startEvent id="i"/>', *inside).replace("<subProcess", '<subProcess name="Sub"', 1), log("z"), flows(f"s {id}", f"{id} z"))

    bench = versions(around("q", task("a"), flows("i a")), around("r", task("a"), task("b"), flows("i a", "a b")), (task("a"), flows("s a")))
    assert bench.problems(3) == [("unmapped", "q"), ("unmapped", "a")]
    assert bench.problems(3, {"a": "a"}) == [("parent", "a")]
    bench.migrate()
    bench.complete("a")
    bench.complete("b")
    assert (bench.state, bench.lines) == ("completed", ["z"])


def test_ad_hoc_activities_go_on_and_another_order_is_a_reason():
    def ad_hoc(ordering, *names):
        inside = "".join(task(one) for one in names)
        return (f'<adHocSubProcess id="q" ordering="{ordering}">{inside}</adHocSubProcess>', log("z"), flows("s q", "q z"))

    bench = versions(ad_hoc("Parallel", "a", "b"), ad_hoc("Parallel", "a", "b", "c"), ad_hoc("Sequential", "a", "b"))
    assert bench.problems(3) == [("ad-hoc", "q")]
    bench.migrate()
    bench.do(inputs.StartActivity("c"))
    for element in ("a", "b", "c"):
        bench.complete(element)
    assert (bench.state, bench.lines) == ("completed", ["z"])


def test_a_sequential_ad_hoc_subprocess_comes_to_the_activities_of_the_new_version():
    def ad_hoc(*names):
        inside = "".join(task(one) for one in names)
        return (f'<adHocSubProcess id="q" ordering="Sequential">{inside}</adHocSubProcess>', log("z"), flows("s q", "q z"))

    bench = versions(ad_hoc("a", "b"), ad_hoc("a", "c"))
    bench.migrate()
    bench.complete("a")
    assert bench.waiting() == ["c"]
    bench.complete("c")
    assert (bench.state, bench.lines) == ("completed", ["z"])


# --- called processes, compensation ---------------------------------------------------------------------------------------------
def calling(inside):
    called = f'<process id="q" isExecutable="true"><startEvent id="qs"/>{task(inside)}{log("qz")}{flows(f"qs {inside}", f"{inside} qz")}</process>'
    return process(S, '<callActivity id="c" calledElement="q"/>', log("z"), flows("s c", "c z"), before=ROOTS + called)


def test_a_called_process_goes_on_under_its_own_version():
    bench = Versions(calling("old"), calling("new"), process_id="p").begin()
    bench.migrate()
    assert [made.name for made in bench.movements[-1][2]] == ["called process"]
    bench.complete("old")
    assert (bench.state, bench.lines) == ("completed", ["qz", "z"])


def test_what_may_have_to_be_compensated_needs_a_successor_that_can_be():
    def undone(id, handled=True):
        link = f'<boundaryEvent id="u" attachedToRef="{id}"><compensateEventDefinition/></boundaryEvent>'
        link += f'<association id="v" associationDirection="One" sourceRef="u" targetRef="h"/>{log("h", isForCompensation="true")}'
        throw = '<intermediateThrowEvent id="t"><compensateEventDefinition/></intermediateThrowEvent>'
        return (log(id), link if handled else "", task("w"), throw, flows(f"s {id}", f"{id} w", "w t"))

    bench = versions(undone("a"), undone("b"), undone("a", handled=False))
    assert bench.problems(2, {"s": "s", "w": "w"}) == [("compensation", "a")]
    assert bench.problems(3) == [("compensation", "a")]
    bench.migrate(plan={"s": "s", "a": "b", "w": "w", "t": "t"})
    bench.complete("w")
    assert (bench.state, bench.lines) == ("completed", ["a", "h"])


def test_a_compensation_that_runs_goes_on_with_the_handlers_of_the_new_version():
    def undone(*ids):
        parts = []
        for id in ids:
            parts += [log(id), f'<boundaryEvent id="u{id}" attachedToRef="{id}"><compensateEventDefinition/></boundaryEvent>']
            parts += [
                f'<association id="v{id}" associationDirection="One" sourceRef="u{id}" targetRef="h{id}"/>',
                task(f"h{id}", isForCompensation="true"),
            ]
        throw = '<intermediateThrowEvent id="t"><compensateEventDefinition/></intermediateThrowEvent>'
        return (*parts, throw, log("z"), flows(f"s {ids[0]}", f"{ids[0]} {ids[1]}", f"{ids[1]} t", "t z"))

    bench = versions(undone("a", "b"), undone("c", "d"))
    bench.migrate(plan={"s": "s", "a": "c", "b": "d", "ha": "hc", "hb": "hd", "t": "t"})
    assert list(bench.keys()) == ["t", "hd"]
    bench.do(inputs.CompleteUserTask(bench.keys()["hd"]))
    bench.do(inputs.CompleteUserTask(bench.keys()["hc"]))
    assert (bench.state, bench.lines) == ("completed", ["a", "b", "z"])


def test_a_race_that_is_won_and_waits_for_its_transaction_goes_on():
    def race(id):
        gateway = '<eventBasedGateway id="g" camunda:asyncAfter="true"/>'
        events = (
            f'<intermediateCatchEvent id="{id}">{MESSAGE}</intermediateCatchEvent><intermediateCatchEvent id="t">{timer()}</intermediateCatchEvent>'
        )
        return (gateway, events, log("z"), flows("s g", f"g {id}", "g t", f"{id} z", "t z"))

    bench = versions(race("m"), race("n"))
    bench.message("m")
    bench.migrate()
    bench.do(inputs.TriggerTimer(next(iter(bench.open_jobs("timer")))))
    assert (bench.state, bench.trace()) == ("completed", ["s", "g", "n", "z"])
