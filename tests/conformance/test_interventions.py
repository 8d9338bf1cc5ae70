"""What operators do to a running instance, in the interpreter: retry, complete and fail by hand, move a token, suspend, resume."""

from __future__ import annotations

import pytest

from engine.bpmn.retry import parse
from engine.errors import Conflict, DeploymentRejected, InstanceSuspended, MoveRefused
from engine.history.transition import RecordedCalls, step
from engine.model import events as ev
from engine.model import inputs
from tests.support.bpmn_bench import Bench, flows, log, process, script

S = '<startEvent id="s"/>'
WHY = "because"
SERVICE = '<serviceTask id="j" f:handler="h"><extensionElements><f:parameter name="to" value="${who}"/></extensionElements></serviceTask>'
LATE = '<boundaryEvent id="late" attachedToRef="{}"><timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition></boundaryEvent>'
CAUGHT = '<boundaryEvent id="caught" attachedToRef="{}"><errorEventDefinition errorRef="E"/></boundaryEvent>'
ERROR = '<error id="E" errorCode="broken"/>'


def key_of(bench: Bench, element: str) -> int:
    return next(key for key, one in bench.execution.open_elements().items() if one == element)


def failed(bench: Bench, element: str, cause: str = "no connection") -> int:
    """The job of the element has failed for good."""
    key = next(key for kind in ("service", "timer") for key, one in bench.open_jobs(kind).items() if one.element == element)
    bench.do(inputs.FailJob(key, element, cause, tracked=True))
    return key


# --- how often a job is tried ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "attempts", "backoff"),
    [("R5/PT10M", 5, ("PT10M",)), ("PT1M,PT10M, PT1H", 4, ("PT1M", "PT10M", "PT1H")), ("PT0S", 2, ("PT0S",)), ("R1/P1D", 1, ("P1D",))],
)
def test_repeats_and_lists_of_durations(text, attempts, backoff):
    found = parse(text)
    assert (found.attempts, found.backoff) == (attempts, backoff)


@pytest.mark.parametrize("text", ["R0/PT1M", "R/PT1M", "R5", "often", "PT1M;PT2M", "-PT1M", "P2Y", "R5/2026-01-01T00:00:00Z/PT1M", "R9999/PT1M"])
def test_what_is_no_plan_of_retries_is_refused_with_element_and_line(text):
    with pytest.raises(DeploymentRejected) as refused:
        Bench(process(S, f'<serviceTask id="j" name="Send" f:handler="h" f:retry="{text}"/>', flows("s j")))
    (problem,) = refused.value.problems
    assert (problem.rule, problem.element_id, problem.element_name, problem.line) == ("extension.retry", "j", "Send", 1)
    assert "R5/PT10M" in problem.advice


@pytest.mark.parametrize(
    ("attribute", "inside", "expected"),
    [
        ('f:retry="R7/PT2M"', "", (7, ("PT2M",))),
        ('f:retries="4"', "", (4, ())),
        ("", "<camunda:failedJobRetryTimeCycle>R2/PT3S</camunda:failedJobRetryTimeCycle>", (2, ("PT3S",))),
        ("", '<zeebe:taskDefinition type="h" retries="6"/>', (6, ())),
        ("", "", (3, ())),
    ],
)
def test_the_job_knows_how_often_it_is_tried(attribute, inside, expected):
    task = f'<serviceTask id="j" f:handler="h" {attribute}><extensionElements>{inside}</extensionElements></serviceTask>'
    (job,) = Bench(process(S, task, flows("s j"))).start().of(ev.JobCreated)
    assert (job.retries, job.backoff) == expected


def test_timers_know_it_too():
    timer = '<intermediateCatchEvent id="c" f:retry="R9/PT1M"><timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition></intermediateCatchEvent>'
    (job,) = Bench(process(S, timer, flows("s c"))).start().of(ev.JobCreated)
    assert (job.kind, job.retries, job.backoff) == ("timer", 9, ("PT1M",))


# --- retry ----------------------------------------------------------------------------------------------------------------
def test_a_retry_with_changed_variables_evaluates_the_parameters_of_a_job_anew():
    bench = Bench(process(S, SERVICE, log("z"), flows("s j", "j z"))).start(who="nobody")
    key = failed(bench, "j")
    assert bench.error == "no connection"
    bench.do(inputs.RetryElement(key, {"who": "li"}, WHY))
    assert [j.parameters for j in bench.of(ev.JobCreated)] == [{"to": "nobody"}, {"to": "li"}]
    assert (bench.error, bench.of(ev.IncidentResolved)) == (None, [ev.IncidentResolved(key)])
    assert bench.do(inputs.CompleteJob(key)).lines == ["z"]


def test_a_retry_writes_a_variable_where_it_lives():
    loop = (
        '<multiInstanceLoopCharacteristics><loopDataInputRef>items</loopDataInputRef><inputDataItem name="item"/></multiInstanceLoopCharacteristics>'
    )
    bench = Bench(process(S, script("t", "r = 1 / item", loop), log("z"), flows("s t", "t z"))).start(items=[1, 0])
    (incident,) = bench.of(ev.IncidentRaised)
    bench.do(inputs.RetryElement(incident.key, {"item": 5, "new": 1}, WHY))
    assert (bench.state, bench.variables) == ("completed", {"items": [1, 0], "r": 0.2, "new": 1})


def test_a_timer_that_failed_is_due_again():
    timer = '<intermediateCatchEvent id="c"><timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition></intermediateCatchEvent>'
    bench = Bench(process(S, timer, log("z"), flows("s c", "c z"))).start()
    key = failed(bench, "c")
    bench.do(inputs.RetryElement(key, {"x": 1}, WHY)).do(inputs.TriggerTimer(key))
    assert (bench.lines, bench.error, bench.variables) == (["z"], None, {"x": 1})


def test_a_job_that_waits_for_its_next_attempt_is_made_anew_without_an_incident_to_resolve():
    bench = Bench(process(S, SERVICE, log("z"), flows("s j", "j z"))).start(who="nobody")
    [job] = bench.of(ev.JobCreated)
    bench.do(inputs.RetryElement(job.key, {"who": "li"}, WHY, waiting=True))
    assert [j.parameters for j in bench.of(ev.JobCreated)] == [{"to": "nobody"}, {"to": "li"}]
    assert (bench.of(ev.JobEnded), bench.of(ev.IncidentResolved)) == ([ev.JobEnded(job.key, "retried")], [])


def test_an_incident_of_a_timer_ends_with_the_timer():
    bench = Bench(process(S, '<userTask id="u"/>' + LATE.format("u"), '<userTask id="v"/>', log("z"), flows("s u", "u v", "late z"))).start()
    key = failed(bench, "late")
    bench.complete("u")
    assert (bench.error, bench.of(ev.IncidentResolved), bench.waiting()) == (None, [ev.IncidentResolved(key)], ["v"])


def test_a_transaction_boundary_that_failed_is_tried_again_with_changed_variables_or_given_up():
    xml = process(S, script("t", "y = 1 / x", camunda_async="1").replace("camunda_async", "camunda:asyncBefore"), log("z"), flows("s t", "t z"))
    bench = Bench(xml.replace(b'asyncBefore="1"', b'asyncBefore="true"')).start(x=0)
    key = failed(bench, "t")
    bench.do(inputs.RetryElement(key, {"x": 2}, WHY))
    assert (bench.error, bench.variables) == (None, {"x": 2})
    assert bench.do(inputs.TriggerTimer(key)).lines == ["z"]
    bench.start(x=0)
    key = failed(bench, "t")
    bench.do(inputs.MoveToken(key_of(bench, "t"), "z", {}, WHY))
    assert (bench.lines, bench.error, bench.of(ev.IncidentResolved)) == (["z"], None, [ev.IncidentResolved(key)])


@pytest.mark.parametrize("end", ["completes", "is interrupted", "is moved", "is cancelled"])
def test_an_incident_of_a_job_ends_with_the_job(end):
    bench = Bench(process(S, SERVICE + LATE.format("j"), log("z"), '<userTask id="u"/>', flows("s j", "j z", "late z", "z u"))).start(who=1)
    key = failed(bench, "j")
    if end == "completes":
        bench.do(inputs.CompleteJob(key))  # the answer of a handler that came late
    elif end == "is interrupted":
        bench.advance(hours=2)
    elif end == "is moved":
        bench.do(inputs.MoveToken(key, "z", {}, WHY))
    else:
        bench.do(inputs.CancelInstance(WHY))
    assert ev.IncidentResolved(key) in bench.events
    assert (bench.error, bench.state) == (None, "cancelled" if end == "is cancelled" else "active")


def test_a_history_of_the_first_versions_has_the_outcome_that_it_had():
    """Their incidents of jobs were not known to the interpreter, and the retry of a job was an annotation."""
    bench = Bench(process(S, SERVICE, flows("s j"))).start(who=1)
    (key,) = bench.open_jobs("service")
    again = RecordedCalls({}, ())
    assert step(bench.execution, inputs.FailJob(key, "j", "cause"), bench.now, again) == (ev.IncidentRaised(key, "j", "cause"),)
    assert step(bench.execution, inputs.RetryJob(key, "j"), bench.now, again) == (ev.IncidentResolved(key),)
    step(bench.execution, inputs.FailJob(key, "j", "cause"), bench.now, again)
    assert ev.IncidentResolved(key) not in step(bench.execution, inputs.CompleteJob(key), bench.now, again)


# --- by hand -----------------------------------------------------------------------------------------------------------------
def test_results_by_hand_take_the_place_of_the_failed_work():
    bench = Bench(process(S, script("t", "y = 1 / x"), log("z"), flows("s t", "t z"))).start(x=0)
    (incident,) = bench.of(ev.IncidentRaised)
    bench.do(inputs.CompleteElement(incident.key, {"y": 7}, WHY))
    assert (bench.lines, bench.variables, bench.error) == (["z"], {"x": 0, "y": 7}, None)
    assert bench.trace() == ["s", "t", "z"]


def test_a_choice_that_failed_has_no_result_to_give():
    bench = Bench(process(S, '<exclusiveGateway id="g"/>', log("z"), flows("s g", "g z if missing"))).start()
    (incident,) = bench.of(ev.IncidentRaised)
    with pytest.raises(Conflict, match="move the token"):
        bench.execution.apply(inputs.CompleteElement(incident.key, {}, WHY), bench.now, bench._call)


def test_what_does_not_stand_cannot_be_completed_so():
    bench = Bench(process(S, '<userTask id="u"/>', flows("s u"))).start()
    with pytest.raises(Conflict, match="no open incident"):
        bench.execution.apply(inputs.CompleteElement(key_of(bench, "u"), {}, WHY), bench.now, bench._call)


@pytest.mark.parametrize("task", ['<userTask id="j"/>', '<serviceTask id="j" f:handler="h"/>', script("j", "y = 1 / 0")])
def test_an_error_by_hand_is_caught_where_the_diagram_catches_it(task):
    bench = Bench(process(S, task + CAUGHT.format("j"), log("a"), log("z"), flows("s j", "j z", "caught a"), before=ERROR)).start()
    bench.do(inputs.ThrowJobError(key_of(bench, "j"), "broken", WHY, {"x": 1}, WHY))
    assert (bench.lines, bench.state, bench.error, bench.variables) == (["a"], "completed", None, {"x": 1})
    assert [e.element for e in bench.of(ev.ElementCancelled)] == ["j"]


def test_an_error_by_hand_that_nothing_catches_is_refused():
    bench = Bench(process(S, '<userTask id="u"/>', flows("s u"))).start()
    with pytest.raises(Conflict, match="Nothing catches the error broken at u"):
        bench.execution.apply(inputs.ThrowJobError(key_of(bench, "u"), "broken", WHY, {}, WHY), bench.now, bench._call)


# --- moving a token ------------------------------------------------------------------------------------------------------------
TWO = process(S, '<userTask id="u"/>', '<userTask id="v"/>', log("z"), flows("s u", "u v", "v z"))


def test_a_token_moves_forwards_and_back():
    bench = Bench(TWO).start()
    bench.do(inputs.MoveToken(key_of(bench, "u"), "v", {"x": 1}, WHY))
    assert (bench.waiting(), bench.variables) == (["v"], {"x": 1})
    assert [e.element for e in bench.of(ev.ElementCancelled)] == ["u"]
    assert len(bench.of(ev.UserTaskCancelled)) == 1
    bench.do(inputs.MoveToken(key_of(bench, "v"), "u", {}, WHY))
    assert bench.waiting() == ["u"]
    assert bench.complete("u").complete("v").state == "completed"


def test_to_the_same_element_it_begins_anew():
    bench = Bench(TWO).start()
    bench.do(inputs.MoveToken(key_of(bench, "u"), "u", {}, WHY))
    assert (bench.waiting(), len(bench.of(ev.UserTaskCreated))) == (["u"], 2)


def test_away_from_an_incident_and_what_was_armed_goes_with_it():
    bench = Bench(process(S, '<serviceTask id="j" f:handler="${missing}"/>' + LATE.format("j"), log("z"), flows("s j", "j z", "late z"))).start()
    assert bench.error is not None
    bench.do(inputs.MoveToken(key_of(bench, "j"), "z", {}, WHY))
    assert (bench.state, bench.error, bench.open_jobs("timer")) == ("completed", None, {})


def test_a_subprocess_moves_with_all_that_is_in_it():
    inner = '<subProcess id="sub"><startEvent id="is"/><userTask id="iu"/>' + flows("is iu") + "</subProcess>"
    bench = Bench(process(S, inner, '<userTask id="u"/>', flows("s sub", "sub u"))).start()
    bench.do(inputs.MoveToken(key_of(bench, "sub"), "u", {}, WHY))
    assert (bench.waiting(), sorted(bench.execution.open_elements().values())) == (["u"], ["u"])


def test_within_a_subprocess_its_scope_goes_on():
    inner = '<subProcess id="sub"><startEvent id="is"/><userTask id="iu"/><userTask id="iv"/>' + flows("is iu", "iu iv") + "</subProcess>"
    bench = Bench(process(S, inner, log("z"), flows("s sub", "sub z"))).start()
    bench.do(inputs.MoveToken(key_of(bench, "iu"), "iv", {}, WHY))
    assert bench.complete("iv").lines == ["z"]


def test_an_inclusive_join_looks_again_when_a_token_was_moved_past_it():
    xml = process(
        S,
        '<inclusiveGateway id="f"/><inclusiveGateway id="m"/><userTask id="a"/><userTask id="b"/><userTask id="late"/>',
        log("z"),
        flows("s f", "f a if 1", "f b if 1", "a m", "b m", "m z", "z late"),
    )
    bench = Bench(xml).start().complete("a")
    assert bench.lines == []
    bench.do(inputs.MoveToken(key_of(bench, "b"), "late", {}, WHY))
    assert bench.lines == ["z"]


SUB = '<subProcess id="sub"><startEvent id="is"/><userTask id="iu"/>' + flows("is iu") + "</subProcess>"
LOOP = "<multiInstanceLoopCharacteristics><loopCardinality>2</loopCardinality></multiInstanceLoopCharacteristics>"
EVENT_SUB = (
    '<subProcess id="es" triggeredByEvent="true"><startEvent id="es1" isInterrupting="false"><signalEventDefinition signalRef="G"/></startEvent>'
    '<userTask id="eu"/>' + flows("es1 eu") + "</subProcess>"
)
RICH = process(
    S,
    '<userTask id="u"/>' + LATE.format("u"),
    SUB,
    f'<userTask id="mi">{LOOP}</userTask>',
    '<parallelGateway id="f"/><parallelGateway id="m"/><userTask id="a"/>',
    '<startEvent id="other"><signalEventDefinition signalRef="G"/></startEvent>',
    '<userTask id="several" startQuantity="2"/>',
    '<adHocSubProcess id="ah"><userTask id="free"/></adHocSubProcess>',
    EVENT_SUB,
    '<callActivity id="call" calledElement="q"/>',
    flows("s f", "f u", "f a", "f mi", "f ah", "f sub", "a m", "u m", "mi m", "late several", "other several", "m call"),
    before='<signal id="G" name="g"/><process id="q" isExecutable="true"><startEvent id="qs"/><userTask id="qu"/>' + flows("qs qu") + "</process>",
)


@pytest.mark.parametrize(
    ("element", "target", "reason"),
    [
        ("u", "iu", "lies in another scope"),
        ("u", "nowhere", "is no element of the process"),
        ("iu", "u", "lies in another scope"),
        ("u", "m", "is a join"),
        ("u", "late", "is a boundary event"),
        ("u", "es", "begins only when its event happens"),
        ("u", "other", "begins only when its event happens"),
        ("u", "several", "takes several tokens at once"),
        ("mi", "u", "one iteration of a loop or multi-instance"),
        ("m", "u", "wait for others"),
        ("free", "free", "ad-hoc subprocess"),
        ("es", "u", "is an event subprocess"),
    ],
)
def test_where_a_move_makes_no_sense_it_is_refused_with_the_reason(element, target, reason):
    bench = Bench(RICH).start("p").complete("a").signal("g")
    key, before = key_of(bench, element), bench.execution.open_elements()
    with pytest.raises(MoveRefused, match=reason):
        bench.execution.apply(inputs.MoveToken(key, target, {}, WHY), bench.now, bench._call)
    assert bench.execution.open_elements() == before


def test_a_whole_multi_instance_activity_can_be_entered_and_what_is_gone_cannot_be_moved():
    bench = Bench(RICH).start("p")
    key = key_of(bench, "u")
    bench.do(inputs.MoveToken(key, "mi", {}, WHY))
    assert bench.waiting().count("mi") == 4
    with pytest.raises(Conflict, match="no open element"):
        bench.execution.apply(inputs.MoveToken(key, "a", {}, WHY), bench.now, bench._call)


# --- suspending -------------------------------------------------------------------------------------------------------------------
def test_while_suspended_nothing_moves_and_afterwards_everything_does():
    xml = process(S, '<userTask id="u"/>' + LATE.format("u"), log("a"), log("z"), flows("s u", "u z", "late a"))
    bench = Bench(xml).start().do(inputs.SuspendInstance(WHY))
    assert (bench.state, bench.events[-1]) == ("suspended", ev.InstanceSuspended(WHY))
    (task,), (timer,) = bench.open_tasks(), bench.open_jobs("timer")
    for movement in (
        inputs.CompleteUserTask(task),
        inputs.TriggerTimer(timer),
        inputs.MoveToken(task, "z"),
        inputs.DeliverSignal("g"),
        inputs.RetryElement(task),
        inputs.SuspendInstance(WHY),
    ):
        with pytest.raises(InstanceSuspended):
            bench.execution.apply(movement, bench.now, bench._call)
    bench.do(inputs.ResumeInstance(WHY)).do(inputs.TriggerTimer(timer))
    assert (bench.state, bench.lines) == ("completed", ["a"])
    with pytest.raises(Conflict, match="not suspended"):
        Bench(xml).start().do(inputs.ResumeInstance(WHY))


def test_a_conditional_event_sees_variables_that_were_changed_meanwhile_when_it_is_resumed():
    event = "<intermediateCatchEvent id='c'><conditionalEventDefinition><condition>x > 1</condition></conditionalEventDefinition></intermediateCatchEvent>"
    bench = Bench(process(S, event, log("z"), flows("s c", "c z"))).start(x=0).do(inputs.SuspendInstance(WHY))
    bench.do(inputs.SetVariables({"x": 5}, reason=WHY))
    assert (bench.lines, bench.state) == ([], "suspended")
    assert bench.do(inputs.ResumeInstance(WHY)).lines == ["z"]


def test_a_suspended_instance_can_be_cancelled():
    bench = Bench(TWO).start().do(inputs.SuspendInstance(WHY)).do(inputs.CancelInstance(WHY))
    assert (bench.state, bench.execution.open_elements()) == ("cancelled", {})
