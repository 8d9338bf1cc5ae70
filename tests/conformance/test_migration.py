"""Migration of a running instance in the interpreter: what goes on, what is refused and why, taking it back."""

from __future__ import annotations

import pytest

from engine.errors import Conflict, InstanceSuspended, MigrationNotUndone, MigrationRefused
from engine.model import events as ev
from engine.model import inputs
from engine.model.migration import ElementMigrated, InstanceMigrated, UserTaskChanged
from tests.support.bpmn_bench import flows, log
from tests.support.migration_diagrams import MESSAGE, SIGNAL, TRUE, boundary, executed_again, fork, task, timer, versions


@pytest.fixture(autouse=True)
def every_history_is_executed_again():
    with executed_again():
        yield


# --- what goes on -----------------------------------------------------------------------------------------------------------
def test_an_open_task_goes_on_as_its_successor_with_its_key_and_the_way_of_the_new_version():
    bench = versions((task("a"), log("z"), flows("s a", "a z")), (task("b", name="a"), task("c"), log("z"), flows("s b", "b c", "c z")))
    key = bench.keys()["a"]
    bench.migrate()
    assert bench.last == (InstanceMigrated("p:1", "p:2", "p"), ElementMigrated(key, "a", "b"))
    assert bench.keys() == {"b": key}
    bench.do(inputs.CompleteUserTask(key))
    bench.complete("c")
    assert (bench.state, bench.lines, bench.trace()) == ("completed", ["z"], ["s", "b", "c", "z"])


def test_the_form_and_name_of_the_new_version_are_told():
    bench = versions((task("a", f_formKey="old"), flows("s a")), (task("a", name="Better", f_formKey="${'new' + str(n)}"), flows("s a")))
    bench.migrate()
    assert bench.last[1:] == (UserTaskChanged(bench.keys()["a"], "Better", "new1"),)
    bench.take_back()
    assert bench.last[1:] == (UserTaskChanged(bench.keys()["a"], "a", "old"),)


def test_a_form_that_cannot_be_evaluated_is_a_reason():
    bench = versions((task("a", f_formKey="old"), flows("s a")), (task("a", f_formKey="${unknown}"), flows("s a")))
    assert bench.problems() == [("form", "a")]


def test_a_job_in_flight_keeps_its_key_and_its_answer_counts():
    bench = versions(
        ('<serviceTask id="j" f:handler="h"/>', flows("s j")), ('<serviceTask id="k" name="" f:handler="i"/>', log("z"), flows("s k", "k z"))
    )
    bench.migrate(plan={"s": "s", "j": "k"})
    assert bench.last[1:] == (ElementMigrated(bench.keys()["k"], "j", "k"),)
    bench.do(inputs.CompleteJob(bench.keys()["k"], {"done": True}))
    assert (bench.state, bench.variables["done"]) == ("completed", True)


def test_an_incident_stays_and_a_retry_makes_the_job_under_the_new_version():
    bench = versions(('<serviceTask id="j" f:handler="h"/>', flows("s j")), ('<serviceTask id="j" f:handler="i"/>', flows("s j")))
    key = bench.keys()["j"]
    bench.do(inputs.FailJob(key, "j", "no connection", tracked=True))
    bench.migrate()
    assert (bench.error, bench.last) == ("no connection", (InstanceMigrated("p:1", "p:2", "p"),))
    bench.do(inputs.RetryElement(key, {}, "mended"))
    assert [one.handler for one in bench.of(ev.JobCreated)] == ["h", "i"]


def test_a_suspended_instance_is_migrated_and_stays_suspended():
    bench = versions((task("a"), flows("s a")), (task("a"), boundary("l", "a", timer()), log("z"), flows("s a", "l z")))
    bench.do(inputs.SuspendInstance("wait"))
    bench.migrate()
    assert (bench.state, len(bench.of(ev.JobCreated))) == ("suspended", 1)
    with pytest.raises(InstanceSuspended):
        bench.complete("a")


def test_a_suspended_instance_with_a_condition_that_holds_looks_at_it_when_it_is_resumed():
    bench = versions((task("a"), flows("s a")), (task("a"), boundary("c", "a", TRUE), log("z"), flows("s a", "c z")))
    bench.do(inputs.SuspendInstance("wait")).migrate()
    bench.do(inputs.SetVariables({"n": 5}))
    assert bench.lines == []
    bench.do(inputs.ResumeInstance("go"))
    assert (bench.state, bench.lines) == ("completed", ["z"])


def test_new_data_objects_of_a_scope_exist():
    bench = versions((task("a"), flows("s a")), ('<dataObject id="d" name="total"/>', task("a"), flows("s a")))
    bench.migrate()
    assert bench.variables == {"n": 1, "total": None}


# --- refusing -----------------------------------------------------------------------------------------------------------------
def test_all_reasons_come_at_once_and_nothing_is_changed():
    bench = versions(fork("j"), (task("c"), flows("s c")))
    before = bench.execution.snapshot()
    assert bench.problems() == [("unmapped", "a"), ("unmapped", "b")]
    with pytest.raises(MigrationRefused, match="a is open and has no target in the plan; b is open") as refused:
        bench.interpreter.open(bench.model, "p", "i", before).apply(bench.order(), bench.now, bench._call)
    assert [one.why for one in refused.value.problems] == ["unmapped", "unmapped"]


def test_a_wrong_plan_is_refused_whatever_is_open():
    bench = versions((task("a"), log("z"), flows("s a", "a z")), (task("a"), task("b"), flows("s a", "a b")))
    assert bench.problems(plan={"a": "a", "z": "b"}) == [("kind", "z")]


# --- taking back ----------------------------------------------------------------------------------------------------------------
def test_taking_back_restores_the_state_from_before():
    bench = versions(
        (task("a"), boundary("l", "a", timer()), boundary("g", "a", SIGNAL), log("x"), flows("s a", "l x", "g x")),
        (task("b", name="a"), boundary("m", "b", MESSAGE), log("x"), flows("s b", "m x")),
    )
    (key,) = bench.open_jobs("timer")
    due = bench.open_jobs("timer")[key].due
    before = bench.execution.snapshot()
    bench.advance(minutes=5)
    bench.migrate()
    bench.take_back()
    assert bench.last[0] == InstanceMigrated("p:2", "p:1", "p")
    assert sorted(type(one).__name__ for one in bench.last[1:]) == ["ElementMigrated", "JobCreated", "SubscriptionClosed", "SubscriptionOpened"]
    assert next(one for one in bench.last if isinstance(one, ev.JobCreated)) == ev.JobCreated(key, "l", "timer", due)
    assert bench.execution.snapshot() == before | {"counter": before["counter"] + 1}
    bench.do(inputs.TriggerTimer(key))
    assert (bench.state, bench.lines) == ("completed", ["x"])


def test_an_incident_of_a_timer_that_was_disarmed_ends_and_its_job_is_due_anew():
    bench = versions((task("a"), boundary("l", "a", timer()), log("x"), flows("s a", "l x")), (task("a"), flows("s a")))
    (key,) = bench.open_jobs("timer")
    bench.do(inputs.FailJob(key, "l", "no connection", tracked=True))
    bench.migrate()
    assert (ev.IncidentResolved(key) in bench.last, bench.error) == (True, None)
    bench.take_back()
    assert (bench.error, [one.key for one in bench.last if isinstance(one, ev.JobCreated)]) == (None, [key])


def test_nothing_is_taken_back_after_something_has_happened():
    bench = versions((task("a"), task("b"), flows("s a", "s b")), (task("a"), task("b"), flows("s a", "s b")))
    bench.migrate()
    bench.do(inputs.SetVariables({"n": 2}))
    with pytest.raises(MigrationNotUndone):
        bench.execution.apply(bench.order(1, undoes=2), bench.now, bench._call)


def test_nothing_is_taken_back_after_the_instance_went_on_by_itself():
    bench = versions(
        (task("a"), flows("s a")), (task("a"), boundary("c", "a", TRUE.replace("&gt;", "&lt;="), "false"), task("t"), flows("s a", "c t"))
    )
    bench.migrate()
    assert sorted(bench.waiting()) == ["a", "t"]
    with pytest.raises(MigrationNotUndone):
        bench.execution.apply(bench.order(1, undoes=2), bench.now, bench._call)


def test_a_migration_back_by_a_plan_is_a_migration_like_any_other():
    bench = versions((task("a"), log("z"), flows("s a", "a z")), (task("b", name="a"), log("z"), flows("s b", "b z")))
    bench.migrate()
    bench.do(inputs.SetVariables({"n": 2}))
    bench.migrate(1)
    bench.complete("a")
    assert (bench.state, bench.lines) == ("completed", ["z"])


def test_taken_back_twice_is_refused():
    bench = versions((task("a"), flows("s a")), (task("a"), flows("s a")))
    bench.migrate().take_back()
    with pytest.raises(Conflict):
        bench.execution.apply(bench.order(2, undoes=3), bench.now, bench._call)
