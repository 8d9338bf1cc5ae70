"""Migration of a running instance in the interpreter: what goes on, what is armed and disarmed, what is refused and why, taking it back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.errors import Conflict, InstanceSuspended, MigrationNotUndone, MigrationRefused
from engine.model import events as ev
from engine.model import inputs
from engine.model.migration import ElementMigrated, InstanceMigrated, UserTaskChanged
from engine.model.values import iso
from tests.support.bpmn_bench import START, flows, log, process
from tests.support.migration_bench import Versions

S = '<startEvent id="s"/>'
ROOTS = '<message id="M" name="m"/><message id="N" name="n"/><signal id="G" name="g"/><error id="E" errorCode="broken"/>'
MESSAGE, OTHER = '<messageEventDefinition messageRef="M"/>', '<messageEventDefinition messageRef="N"/>'
SIGNAL, TRUE = '<signalEventDefinition signalRef="G"/>', "<conditionalEventDefinition><condition>n &gt; 1</condition></conditionalEventDefinition>"
MANY = '<multiInstanceLoopCharacteristics isSequential="{}"><loopCardinality>{}</loopCardinality></multiInstanceLoopCharacteristics>'


def timer(text="PT1H"):
    return f"<timerEventDefinition><timeDuration>{text}</timeDuration></timerEventDefinition>"


def boundary(id, host, definition, interrupting="true"):
    return f'<boundaryEvent id="{id}" attachedToRef="{host}" cancelActivity="{interrupting}">{definition}</boundaryEvent>'


def task(id, inside="", name="", **attributes):
    extra = "".join(f' {key.replace("_", ":")}="{value}"' for key, value in attributes.items())
    return f'<userTask id="{id}" name="{name or id}"{extra}>{inside}</userTask>'


def sub(id, *inside, attributes=""):
    return f'<subProcess id="{id}" {attributes}>{"".join(inside)}</subProcess>'


def handler(id, definition, *, interrupting="false"):
    """An event subprocess with a task."""
    start = f'<startEvent id="{id}s" isInterrupting="{interrupting}">{definition}</startEvent>'
    return sub(id, start, task(f"{id}t"), flows(f"{id}s {id}t"), attributes='triggeredByEvent="true"')


def versions(*parts, **options):
    """Each version is what stands inside its process."""
    return Versions(*(process(S, *one, before=ROOTS) for one in parts), **options).begin(n=1)


@pytest.fixture(autouse=True)
def every_history_is_executed_again(monkeypatch):
    made = []
    begin = Versions.begin
    monkeypatch.setattr(Versions, "begin", lambda self, **values: (made.append(self), begin(self, **values))[1])
    yield
    for one in made:
        one.reexecute()


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


# --- joins, loops, subprocesses -------------------------------------------------------------------------------------------------
def fork(join, kind="parallelGateway", extra=""):
    ways = ["s g", "g a", "g b", f"a {join}", f"b {join}", f"{join} z"]
    return (f'<parallelGateway id="g"/><{kind} id="{join}"/>', task("a"), task("b"), log("z"), extra, flows(*ways))


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
