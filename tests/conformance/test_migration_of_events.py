"""Migration of a running instance in the interpreter: what is awaited, armed and disarmed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.errors import MigrationRefused
from engine.model import events as ev
from engine.model import inputs
from engine.model.migration import ElementMigrated, InstanceMigrated
from engine.model.values import iso
from tests.support.bpmn_bench import START, flows, log, process
from tests.support.migration_bench import Versions
from tests.support.migration_diagrams import MANY, MESSAGE, OTHER, ROOTS, SIGNAL, TRUE, S, boundary, executed_again, handler, task, timer, versions


@pytest.fixture(autouse=True)
def every_history_is_executed_again():
    with executed_again():
        yield


# --- what waits -------------------------------------------------------------------------------------------------------------
def test_timers_that_both_have_keep_their_due_date_and_key():
    bench = versions(
        (task("a"), boundary("l", "a", timer()), log("x"), flows("s a", "l x")),
        (task("a"), boundary("m", "a", timer("PT9H")).replace('id="m"', 'id="m" name=""'), log("x"), flows("s a", "m x")),
    )
    (key,) = bench.open_jobs("timer")
    bench.advance(minutes=30)
    bench.migrate(plan={"s": "s", "a": "a", "l": "m", "x": "x"})
    assert bench.last[1:] == (ElementMigrated(key, "l", "m"),)
    bench.advance(minutes=31)
    assert (bench.state, bench.lines) == ("completed", ["x"])


def test_boundary_events_are_armed_and_disarmed():
    bench = versions(
        (task("a"), boundary("l", "a", timer()), boundary("g", "a", SIGNAL), log("x"), flows("s a", "l x", "g x")),
        (task("a"), boundary("m", "a", MESSAGE), boundary("t", "a", timer("PT2H")), log("x"), flows("s a", "m x", "t x")),
    )
    bench.now += timedelta(minutes=10)
    bench.migrate(plan={"s": "s", "a": "a", "x": "x"})
    assert [type(one).__name__ for one in bench.last] == ["InstanceMigrated", "SubscriptionClosed", "JobEnded", "SubscriptionOpened", "JobCreated"]
    (due,) = [one.due for one in bench.last if isinstance(one, ev.JobCreated)]
    assert due == iso(START + timedelta(minutes=130))
    bench.signal("g")
    assert bench.waiting() == ["a"]
    bench.message("m")
    assert (bench.state, bench.lines) == ("completed", ["x"])


def test_a_boundary_event_that_has_happened_is_not_armed_again():
    parts = (task("a"), boundary("l", "a", timer(), "false"), log("x"), flows("s a", "l x"))
    bench = versions(parts, (*parts[:-1], log("y"), flows("s a", "l x", "x y")))
    bench.advance(hours=2)
    bench.migrate()
    assert (bench.last, bench.open_jobs("timer")) == ((InstanceMigrated("p:1", "p:2", "p"),), {})


def test_a_boundary_event_of_a_multi_instance_activity_is_armed_once():
    many = task("a", MANY.format("false", 3))
    bench = versions((many, flows("s a")), (many, boundary("l", "a", timer()), log("x"), flows("s a", "l x")))
    bench.migrate()
    assert len(bench.open_jobs("timer")) == 1
    bench.advance(hours=1)
    assert (bench.state, bench.lines, bench.waiting()) == ("completed", ["x"], [])


def test_messages_of_another_name_are_awaited_under_the_same_key():
    def catching(definition):
        return (f'<intermediateCatchEvent id="c">{definition}</intermediateCatchEvent>', flows("s c"))

    bench = versions(catching(MESSAGE), catching(OTHER))
    (key,) = bench.subscriptions()
    bench.migrate()
    assert bench.last[1:] == (ev.SubscriptionClosed(key), ev.SubscriptionOpened(key, "c", "message", "n"))
    bench.do(inputs.CorrelateMessage(key, "n"))
    assert bench.state == "completed"


def test_signals_of_another_name_too():
    catching = f'<intermediateCatchEvent id="c">{SIGNAL}</intermediateCatchEvent>'
    roots = (ROOTS, ROOTS.replace('name="g"', 'name="h"'))
    bench = Versions(*(process(S, catching, flows("s c"), before=one) for one in roots)).begin()
    bench.migrate()
    bench.signal("g")
    assert bench.state == "active"
    bench.signal("h")
    assert bench.state == "completed"


def test_a_key_that_cannot_be_evaluated_is_a_reason():
    keyed = process(
        S, f'<intermediateCatchEvent id="c">{MESSAGE}</intermediateCatchEvent>', flows("s c"), before='<message id="M" name="m${unknown}"/>'
    )
    bench = Versions(process(S, f'<intermediateCatchEvent id="c">{MESSAGE}</intermediateCatchEvent>', flows("s c"), before=ROOTS), keyed).begin()
    assert bench.problems() == [("arming", "c")]


def test_a_timer_that_cannot_be_armed_is_a_reason():
    bench = versions((task("a"), flows("s a")), (task("a"), boundary("l", "a", timer("unknown + 'H'")), log("x"), flows("s a", "l x")))
    assert bench.problems() == [("arming", "")]
    with pytest.raises(MigrationRefused, match="what l waits for cannot be evaluated"):
        bench.migrate()


def test_the_events_behind_a_gateway_follow_it():
    def race(*events):
        nodes = "".join(f'<intermediateCatchEvent id="{id}">{definition}</intermediateCatchEvent>' for id, definition in events)
        return ('<eventBasedGateway id="g"/>', nodes, log("z"), flows("s g", *(f"g {id}" for id, _ in events), *(f"{id} z" for id, _ in events)))

    bench = versions(race(("t", timer()), ("m", MESSAGE)), race(("t", timer("PT9H")), ("q", SIGNAL)))
    (key,) = bench.open_jobs("timer")
    bench.migrate()
    assert [type(one).__name__ for one in bench.last] == ["InstanceMigrated", "SubscriptionClosed", "SubscriptionOpened"]
    assert list(bench.open_jobs("timer")) == [key]
    bench.signal("g")
    assert (bench.state, bench.trace()) == ("completed", ["s", "g", "q", "z"])


def test_event_subprocesses_are_armed_and_disarmed_with_their_scope():
    bench = versions((task("a"), handler("h", timer()), flows("s a")), (task("a"), handler("k", MESSAGE), flows("s a")))
    bench.migrate()
    assert [type(one).__name__ for one in bench.last] == ["InstanceMigrated", "JobEnded", "SubscriptionOpened"]
    bench.message("m")
    assert sorted(bench.waiting()) == ["a", "kt"]


def test_a_running_event_subprocess_goes_on():
    bench = versions((task("a"), handler("h", MESSAGE), flows("s a")), (task("a"), handler("h", MESSAGE), log("z"), flows("s a", "a z")))
    bench.message("m")
    bench.migrate()
    bench.message("m")
    for element in ("ht", "ht", "a"):
        bench.complete(element)
    assert (bench.state, bench.lines) == ("completed", ["z"])


def test_no_event_subprocess_begins_in_a_scope_that_one_has_taken_over():
    parts = (task("a"), handler("h", MESSAGE, interrupting="true"), flows("s a"))
    bench = versions(parts, (*parts[:-1], handler("k", SIGNAL), flows("s a")))
    bench.message("m")
    bench.migrate()
    assert bench.last == (InstanceMigrated("p:1", "p:2", "p"),)


def test_a_condition_of_the_new_version_that_holds_happens_at_once():
    bench = versions((task("a"), flows("s a")), (task("a"), boundary("c", "a", TRUE.replace("&gt; 1", "&lt; 9")), log("x"), flows("s a", "c x")))
    bench.migrate()
    assert (bench.state, bench.lines) == ("completed", ["x"])


def test_transaction_boundaries_go_on():
    def async_task(id):
        return (f'<scriptTask id="{id}" camunda:asyncBefore="true"><script>log("{id}")</script></scriptTask>', flows(f"s {id}"))

    bench = versions(async_task("a"), async_task("b"))
    (key,) = bench.open_jobs("timer")
    bench.migrate(plan={"s": "s", "a": "b"})
    assert ElementMigrated(key, "a", "b") in bench.last
    bench.do(inputs.TriggerTimer(key))
    assert (bench.state, bench.lines) == ("completed", ["b"])


def test_after_a_transaction_boundary_behind_an_activity_nothing_is_armed():
    done = '<userTask id="a" camunda:asyncAfter="true"/>'
    bench = versions((done, flows("s a")), (done, boundary("l", "a", timer()), log("x"), flows("s a", "l x")))
    bench.complete("a")
    bench.migrate()
    assert bench.last == (InstanceMigrated("p:1", "p:2", "p"),)
