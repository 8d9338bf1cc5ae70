"""Events in all positions (BPMN 2.0.2 sections 10.5 and 13.5)."""

from __future__ import annotations

from engine.model import events as ev
from tests.support.bpmn_bench import Bench, flows, log, process, script

S, E = '<startEvent id="s"/>', '<endEvent id="e"/>'
ROOTS = (
    '<message id="M" name="m"/><message id="N" name="n"/><signal id="G" name="g"/><error id="E1" errorCode="one"/><error id="E2" errorCode="two"/>'
    '<error id="E3"/><error id="E4"/><escalation id="C1" escalationCode="c1"/><escalation id="C2" escalationCode="c2"/>'
)
MESSAGE = '<messageEventDefinition messageRef="M"/>'
SIGNAL = '<signalEventDefinition signalRef="G"/>'
CONDITION = "<conditionalEventDefinition><condition>x > 5</condition></conditionalEventDefinition>"


def timer(text: str, form: str = "timeDuration") -> str:
    return f"<timerEventDefinition><{form}>{text}</{form}></timerEventDefinition>"


def error(ref: str | None) -> str:
    return f'<errorEventDefinition errorRef="{ref}"/>' if ref else "<errorEventDefinition/>"


def escalation(ref: str | None) -> str:
    return f'<escalationEventDefinition escalationRef="{ref}"/>' if ref else "<escalationEventDefinition/>"


def catch(id: str, definition: str) -> str:
    return f'<intermediateCatchEvent id="{id}">{definition}</intermediateCatchEvent>'


def throw(id: str, definition: str) -> str:
    return f'<intermediateThrowEvent id="{id}">{definition}</intermediateThrowEvent>'


def end(id: str, definition: str = "") -> str:
    return f'<endEvent id="{id}">{definition}</endEvent>'


def boundary(id: str, host: str, definition: str, cancel: bool = True) -> str:
    return f'<boundaryEvent id="{id}" attachedToRef="{host}" cancelActivity="{str(cancel).lower()}">{definition}</boundaryEvent>'


def sub(id: str, *inside: str, tag: str = "subProcess", **attributes: str) -> str:
    extra = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f'<{tag} id="{id}"{extra}>{"".join(inside)}</{tag}>'


def event_sub(id: str, definition: str, interrupting: bool, *inside: str) -> str:
    start = f'<startEvent id="{id}-s" isInterrupting="{str(interrupting).lower()}">{definition}</startEvent>'
    return sub(id, start, *inside, triggeredByEvent="true")


def p(*parts: str) -> bytes:
    return process(*parts, before=ROOTS)


# --- catching in the flow -------------------------------------------------------------------------------------------
def test_message_catch_takes_the_payload() -> None:
    bench = Bench(p(S, catch("c", MESSAGE), log("a"), flows("s c", "c a"))).start().message("m", x=3)
    assert (bench.variables, bench.lines, bench.state) == ({"x": 3}, ["a"], "completed")


def test_message_payload_into_one_variable() -> None:
    bench = Bench(p(S, catch("c", '<messageEventDefinition messageRef="M" f:variable="reply"/>'), flows("s c"))).start().message("m", x=3)
    assert bench.variables == {"reply": {"x": 3}}


def test_correlation_key_is_evaluated_when_the_subscription_opens() -> None:
    bench = Bench(p(S, catch("c", '<messageEventDefinition messageRef="M" f:correlationKey="${order}"/>'), flows("s c"))).start(order=17)
    assert [one.correlation_key for one in bench.subscriptions().values()] == ["17"]


def test_signal_catch_and_throw_inside_one_instance() -> None:
    bench = Bench(p(S, '<parallelGateway id="f"/>', catch("c", SIGNAL), log("a"), '<userTask id="u"/>', throw("t", SIGNAL), log("b"),
                    flows("s f", "f c", "c a", "f u", "u t", "t b"))).start()  # fmt: skip
    assert bench.complete("u").state == "completed"
    assert sorted(bench.lines) == ["a", "b"]
    assert [e.name for e in bench.of(ev.SignalSent)] == ["g"]


def test_timer_date_duration_and_quoted_expression() -> None:
    for text, form, hours in (
        ("2026-01-31T10:00:00Z", "timeDate", 2),
        ("PT3H", "timeDuration", 3),
        ('"PT1H"', "timeDuration", 1),
        ("${wait}", "timeDuration", 4),
    ):
        bench = Bench(p(S, catch("c", timer(text, form)), flows("s c"))).start(wait="PT4H")
        bench.advance(hours=hours, seconds=-1)
        assert bench.state == "active"
        assert bench.advance(seconds=1).state == "completed"


def test_conditional_catch_fires_when_the_condition_becomes_true() -> None:
    bench = Bench(p(S, '<parallelGateway id="f"/>', catch("c", CONDITION), log("a"), '<userTask id="u"/>', flows("s f", "f c", "c a", "f u"))).start(
        x=1
    )
    assert bench.lines == []
    bench.complete("u", x=6)
    assert (bench.lines, bench.state) == (["a"], "completed")


def test_conditional_catch_that_holds_already() -> None:
    assert Bench(p(S, catch("c", CONDITION), flows("s c"))).start(x=9).state == "completed"


def test_link_events_by_name() -> None:
    link = '<linkEventDefinition name="L"/>'
    bench = Bench(p(S, throw("t", link), catch("c", link), log("a"), flows("s t", "c a"))).start()
    assert (bench.lines, bench.state) == (["a"], "completed")


def test_link_events_by_reference() -> None:
    bench = Bench(p(S, throw("t", '<linkEventDefinition id="d1" name="x"><target>d2</target></linkEventDefinition>'),
                    catch("c", '<linkEventDefinition id="d2" name="y"><source>d1</source></linkEventDefinition>'), log("a"), flows("s t", "c a"))).start()  # fmt: skip
    assert (bench.lines, bench.state) == (["a"], "completed")


def test_multiple_catch_takes_any_and_parallel_multiple_all() -> None:
    bench = Bench(p(S, catch("c", MESSAGE + SIGNAL), flows("s c"))).start()
    assert len(bench.subscriptions()) == 2
    assert bench.signal("g").state == "completed"
    assert bench.subscriptions() == {}
    both = '<intermediateCatchEvent id="c" parallelMultiple="true">' + MESSAGE + SIGNAL + "</intermediateCatchEvent>"
    bench = Bench(p(S, both, flows("s c"))).start().signal("g")
    assert bench.state == "active"
    assert bench.message("m").state == "completed"


def test_receive_task_waits_for_its_message_or_a_person() -> None:
    assert Bench(p(S, '<receiveTask id="r" messageRef="M"/>', flows("s r"))).start().message("m").state == "completed"
    assert Bench(p(S, '<receiveTask id="r"/>', flows("s r"))).start().complete("r").state == "completed"
    assert Bench(p(S, '<manualTask id="r"/>', flows("s r"))).start().complete("r").state == "completed"


# --- throwing -------------------------------------------------------------------------------------------------------
def test_messages_are_sent_outwards_with_content() -> None:
    content = '<messageEventDefinition messageRef="M"><extensionElements><f:parameter name="n" value="${x + 1}"/></extensionElements></messageEventDefinition>'
    bench = Bench(p(S, throw("t", content), '<sendTask id="u" messageRef="N"/>', end("e", MESSAGE), flows("s t", "t u", "u e"))).start(x=1)
    assert [(e.element, e.name, e.payload) for e in bench.of(ev.MessageSent)] == [("t", "m", {"n": 2}), ("u", "n", {}), ("e", "m", {})]
    assert bench.trace() == ["s", "t", "u", "e"]


def test_error_end_event_is_caught_at_the_boundary_of_its_subprocess() -> None:
    bench = Bench(p(S, sub("b", S.replace('"s"', '"bs"'), end("be", error("E1")), flows("bs be")), boundary("c", "b", error("E1")), log("a"), log("z"),
                    flows("s b", "c a", "b z"))).start()  # fmt: skip
    assert (bench.lines, bench.state) == (["a"], "completed")
    assert bench.trace() == ["s", "bs", "be", "c", "a"]


def test_error_code_beats_catch_all_and_others_pass_by() -> None:
    inner = sub("b", '<startEvent id="bs"/>', end("be", error("E2")), flows("bs be"))
    middle = sub("m", '<startEvent id="ms"/>', inner, boundary("c1", "b", error("E1")), log("l1"), flows("ms b", "c1 l1"))
    bench = Bench(
        p(S, middle, boundary("all", "m", error(None)), boundary("c2", "m", error("E2")), log("l2"), log("l3"), flows("s m", "all l2", "c2 l3"))
    ).start()
    assert bench.lines == ["l3"]


def test_uncaught_error_fails_the_instance() -> None:
    bench = Bench(p(S, '<parallelGateway id="f"/>', '<userTask id="u"/>', end("e", error("E1")), flows("s f", "f u", "f e"))).start()
    assert bench.state == "failed"
    assert bench.error == "uncaught error event one"
    assert bench.open_tasks() == {}
    assert isinstance(bench.events[-1], ev.InstanceFailed)


def test_errors_without_code_are_told_apart_by_their_definition() -> None:
    body = sub("b", '<startEvent id="bs"/>', end("be", error("E3")), flows("bs be"))
    assert Bench(p(S, body, boundary("c", "b", error("E3")), log("a"), flows("s b", "c a"))).start().lines == ["a"]
    assert Bench(p(S, body, boundary("c", "b", error("E4")), log("a"), flows("s b", "c a"))).start().state == "failed"


def test_error_of_a_function_in_a_script_and_in_a_condition() -> None:
    bench = Bench(p(S, script("t", "fail('one')"), boundary("c", "t", error("E1")), log("a"), flows("s t", "c a"))).start()
    assert (bench.lines, bench.state) == (["a"], "completed")
    bench = Bench(p(S, sub("b", '<startEvent id="bs"/>', '<exclusiveGateway id="g"/>', log("k"), log("l"), flows("bs g", "g k if fail('one')", "g l if True")),
                    boundary("c", "b", error(None)), log("a"), flows("s b", "c a"))).start()  # fmt: skip
    assert bench.lines == ["a"]


def test_error_variables() -> None:
    definition = '<errorEventDefinition errorRef="E1" camunda:errorCodeVariable="code"/>'
    bench = Bench(p(S, script("t", "fail('one')"), boundary("c", "t", definition), flows("s t"))).start()
    assert bench.variables == {"code": "one"}


def test_escalation_interrupting_and_not() -> None:
    def diagram(cancel: bool) -> bytes:
        return p(S, sub("b", '<startEvent id="bs"/>', throw("t", escalation("C1")), log("after"), flows("bs t", "t after")),
                 boundary("c", "b", escalation("C1"), cancel), log("a"), log("z"), flows("s b", "c a", "b z"))  # fmt: skip

    assert sorted(Bench(diagram(False)).start().lines) == ["a", "after", "z"]
    assert Bench(diagram(True)).start().lines == ["a"]


def test_escalation_uncaught_is_ignored_and_other_codes_pass() -> None:
    bench = Bench(p(S, sub("b", '<startEvent id="bs"/>', end("be", escalation("C2")), flows("bs be")), boundary("c", "b", escalation("C1")), log("a"), log("z"),
                    flows("s b", "c a", "b z"))).start()  # fmt: skip
    assert (bench.lines, bench.state) == (["z"], "completed")


def test_escalation_rethrown_from_an_event_subprocess_reaches_the_outside() -> None:
    handler = event_sub("h", escalation("C1"), False, log("h-log"), end("h-e", escalation("C1")), flows("h-s h-log", "h-log h-e"))
    bench = Bench(p(S, sub("b", '<startEvent id="bs"/>', throw("t", escalation("C1")), log("after"), handler, flows("bs t", "t after")),
                    boundary("c", "b", escalation("C1"), False), log("a"), flows("s b", "c a"))).start()  # fmt: skip
    assert sorted(bench.lines) == ["a", "after", "h-log"]
    assert bench.state == "completed"


def test_terminate_ends_its_own_scope_only() -> None:
    terminate = "<terminateEventDefinition/>"
    bench = Bench(p(S, '<parallelGateway id="f"/>', '<userTask id="u"/>', end("e", terminate), flows("s f", "f u", "f e"))).start()
    assert (bench.state, bench.open_tasks()) == ("completed", {})
    bench = Bench(p(S, sub("b", '<startEvent id="bs"/>', '<parallelGateway id="f"/>', '<userTask id="u"/>', end("e", terminate), flows("bs f", "f u", "f e")), log("z"),
                    flows("s b", "b z"))).start()  # fmt: skip
    assert (bench.state, bench.lines) == ("completed", ["z"])


def test_multiple_throw_sends_everything() -> None:
    bench = Bench(p(S, throw("t", MESSAGE + SIGNAL), flows("s t"))).start()
    assert [type(e).__name__ for e in bench.events if type(e).__name__.endswith("Sent")] == ["MessageSent", "SignalSent"]


# --- boundary -------------------------------------------------------------------------------------------------------
def test_interrupting_boundary_timer_message_signal_condition() -> None:
    for definition, happen in (
        (timer("PT1H"), lambda b: b.advance(hours=1)),
        (MESSAGE, lambda b: b.message("m")),
        (SIGNAL, lambda b: b.signal("g")),
        (CONDITION, lambda b: b.complete("other", x=7)),
    ):
        bench = Bench(p(S, '<parallelGateway id="f"/>', '<userTask id="u"/>', '<userTask id="other"/>', boundary("c", "u", definition), log("a"), log("z"),
                        flows("s f", "f u", "f other", "c a", "u z"))).start(x=0)  # fmt: skip
        happen(bench)
        assert bench.lines == ["a"]
        assert "u" not in bench.waiting()
        assert bench.subscriptions() == {}
        assert bench.open_jobs("timer") == {}


def test_completing_the_activity_withdraws_its_boundary_events() -> None:
    bench = Bench(p(S, '<userTask id="u"/>', boundary("c", "u", timer("PT1H")), boundary("d", "u", MESSAGE), flows("s u"))).start()
    assert (len(bench.open_jobs("timer")), len(bench.subscriptions())) == (1, 1)
    bench.complete("u")
    assert (bench.state, bench.open_jobs("timer"), bench.subscriptions()) == ("completed", {}, {})


def test_non_interrupting_message_and_signal_fire_many_times() -> None:
    bench = Bench(p(S, '<userTask id="u"/>', boundary("c", "u", MESSAGE, False), boundary("d", "u", SIGNAL, False), log("a"), log("b"),
                    flows("s u", "c a", "d b"))).start()  # fmt: skip
    bench.message("m").message("m").signal("g").message("m").signal("g")
    assert bench.lines == ["a", "a", "b", "a", "b"]
    assert bench.complete("u").state == "completed"


def test_non_interrupting_cycle_fires_each_time_and_stops_with_the_activity() -> None:
    bench = Bench(p(S, '<userTask id="u"/>', boundary("c", "u", timer("R3/PT10M", "timeCycle"), False), log("a"), flows("s u", "c a"))).start()
    bench.advance(minutes=10)
    assert bench.lines == ["a"]
    bench.advance(hours=5)
    assert (bench.lines, bench.open_jobs("timer"), bench.waiting()) == (["a"] * 3, {}, ["u"])
    endless = Bench(p(S, '<userTask id="u"/>', boundary("c", "u", timer("R/PT10M", "timeCycle"), False), log("a"), flows("s u", "c a"))).start()
    endless.advance(minutes=35)
    assert endless.lines == ["a"] * 3
    assert endless.complete("u").state == "completed"


def test_cycles_of_months_do_not_drift() -> None:
    bench = Bench(p(S, '<userTask id="u"/>', boundary("c", "u", timer("R3/P1M", "timeCycle"), False), flows("s u"))).start()
    bench.advance(days=100)
    due = [e.due[:10] for e in bench.of(ev.JobCreated)]
    assert due == ["2026-02-28", "2026-03-31", "2026-04-30"]


def test_boundary_on_a_subprocess_withdraws_everything_inside() -> None:
    inner = sub("in", '<startEvent id="is"/>', '<userTask id="iu"/>', flows("is iu"))
    bench = Bench(p(S, sub("b", '<startEvent id="bs"/>', inner, '<userTask id="bu"/>', '<parallelGateway id="f"/>', flows("bs f", "f in", "f bu")),
                    boundary("c", "b", MESSAGE), log("a"), flows("s b", "c a"))).start()  # fmt: skip
    assert sorted(bench.waiting()) == ["bu", "iu"]
    bench.message("m")
    assert (bench.lines, bench.state) == (["a"], "completed")
    assert {e.element for e in bench.of(ev.ElementCancelled)} == {"b", "bu", "in", "iu"}


def test_boundary_of_a_service_task_by_job_error() -> None:
    from engine.model import inputs

    bench = Bench(p(S, '<serviceTask id="t" f:handler="h"/>', boundary("c", "t", error("E1")), log("a"), flows("s t", "c a"))).start()
    (key,) = bench.open_jobs("service")
    bench.do(inputs.ThrowJobError(key, "one", "no stock", {"left": 0}))
    assert (bench.lines, bench.variables, bench.state) == (["a"], {"left": 0}, "completed")
    assert [e.reason for e in bench.of(ev.JobEnded)] == ["error"]


# --- event subprocesses ---------------------------------------------------------------------------------------------
def test_interrupting_event_subprocess_takes_over() -> None:
    bench = Bench(p(S, '<userTask id="u"/>', event_sub("h", MESSAGE, True, log("a"), flows("h-s a")), flows("s u"))).start().message("m", x=1)
    assert (bench.lines, bench.state, bench.open_tasks()) == (["a"], "completed", {})


def test_non_interrupting_event_subprocess_runs_beside_and_again() -> None:
    bench = Bench(p(S, '<userTask id="u"/>', event_sub("h", SIGNAL, False, log("a"), flows("h-s a")), flows("s u"))).start()
    bench.signal("g").signal("g")
    assert (bench.lines, bench.waiting()) == (["a", "a"], ["u"])
    assert bench.complete("u").state == "completed"


def test_error_and_escalation_event_subprocesses() -> None:
    bench = Bench(p(S, script("t", "fail('one')"), event_sub("h", error("E1"), True, log("a"), flows("h-s a")), flows("s t"))).start()
    assert (bench.lines, bench.state) == (["a"], "completed")
    bench = Bench(
        p(S, throw("t", escalation("C1")), log("z"), event_sub("h", escalation("C1"), False, log("a"), flows("h-s a")), flows("s t", "t z"))
    ).start()
    assert sorted(bench.lines) == ["a", "z"]


def test_timer_and_conditional_event_subprocesses() -> None:
    bench = Bench(p(S, '<userTask id="u"/>', event_sub("h", timer("PT1H"), True, log("a"), flows("h-s a")), flows("s u"))).start().advance(hours=1)
    assert (bench.lines, bench.state) == (["a"], "completed")
    bench = Bench(
        p(S, '<userTask id="u"/>', event_sub("h", CONDITION, False, log("a"), flows("h-s a")), '<userTask id="v"/>', flows("s u", "u v"))
    ).start(x=0)
    assert bench.complete("u", x=6).lines == ["a"]


def test_nested_event_subprocess_belongs_to_its_subprocess() -> None:
    body = sub("b", '<startEvent id="bs"/>', '<userTask id="u"/>', event_sub("h", MESSAGE, True, log("a"), flows("h-s a")), flows("bs u"))
    bench = Bench(p(S, body, log("z"), flows("s b", "b z"))).start().message("m")
    assert (bench.lines, bench.state) == (["a", "z"], "completed")


def test_while_only_event_subprocesses_run_no_new_one_begins() -> None:
    bench = Bench(p(S, '<userTask id="u"/>', event_sub("h", SIGNAL, False, '<userTask id="hu"/>', flows("h-s hu")), flows("s u"))).start().signal("g")
    bench.complete("u")
    assert (bench.waiting(), bench.subscriptions()) == (["hu"], {})
    assert bench.complete("hu").state == "completed"


# --- starts ---------------------------------------------------------------------------------------------------------
def test_starting_by_an_event() -> None:
    bench = Bench(p(S, '<startEvent id="ms">' + MESSAGE + "</startEvent>", log("a"), log("b"), flows("s a", "ms b")))
    assert [(t.element, t.kind, t.name) for t in bench.model.processes["p"].starts] == [("ms", "message", "m"), ("s", "none", None)]
    assert bench.start().lines == ["a"]
    assert bench.start(element="ms").lines == ["b"]
    assert bench.trace() == ["ms", "b"]


def test_two_message_starts() -> None:
    bench = Bench(p('<startEvent id="m1">' + MESSAGE + '</startEvent><startEvent id="m2"><messageEventDefinition messageRef="N"/></startEvent>', log("a"), log("b"),
                    flows("m1 a", "m2 b")))  # fmt: skip
    assert bench.start(element="m2").lines == ["b"]
    assert bench.state == "completed"


def test_started_plainly_a_process_with_event_starts_waits_for_the_first() -> None:
    bench = Bench(p('<startEvent id="m1">' + MESSAGE + '</startEvent><startEvent id="m2"><messageEventDefinition messageRef="N"/></startEvent>', log("a"), log("b"),
                    flows("m1 a", "m2 b"))).start()  # fmt: skip
    assert (bench.message("n").lines, bench.state, bench.subscriptions()) == (["b"], "completed", {})


def test_several_none_starts_and_no_start_event() -> None:
    assert Bench(p(S, '<startEvent id="s2"/>', log("a"), log("b"), flows("s a", "s2 b"))).start().lines == ["a", "b"]
    assert Bench(p(log("a"), log("b"), flows("a b"))).start().lines == ["a", "b"]


def test_timer_and_signal_start_triggers_are_described() -> None:
    bench = Bench(
        p(f'<startEvent id="a">{timer("R/PT1H", "timeCycle")}</startEvent><startEvent id="b">{SIGNAL}</startEvent>', log("x"), flows("a x", "b x"))
    )
    assert [(t.kind, t.name, t.schedule) for t in bench.model.processes["p"].starts] == [("timer", None, "R/PT1H"), ("signal", "g", None)]


def test_instantiating_receive_task_and_gateways() -> None:
    bench = Bench(p('<receiveTask id="r" messageRef="M" instantiate="true"/>', log("a"), flows("r a")))
    assert bench.model.processes["p"].starts[0].kind == "message"
    assert bench.start(element="r").lines == ["a"]
    gateway = '<eventBasedGateway id="g" instantiate="true"{0}/>' + catch("c1", MESSAGE) + catch("c2", '<messageEventDefinition messageRef="N"/>')
    exclusive = Bench(p(gateway.format(""), log("a"), log("b"), flows("g c1", "g c2", "c1 a", "c2 b")))
    assert [t.element for t in exclusive.model.processes["p"].starts] == ["c1", "c2"]
    assert (exclusive.start(element="c2").lines, exclusive.state) == (["b"], "completed")
    parallel = Bench(p(gateway.format(' eventGatewayType="Parallel"'), log("a"), log("b"), flows("g c1", "g c2", "c1 a", "c2 b")))
    assert (parallel.start(element="c2").lines, parallel.state) == (["b"], "active")
    assert (parallel.message("m").lines, parallel.state) == (["b", "a"], "completed")


def test_initiator() -> None:
    assert Bench(p('<startEvent id="s" camunda:initiator="who"/>', E, flows("s e"))).start(initiator="li").variables == {"who": "li"}


def test_output_parameters_of_a_catching_event() -> None:
    outputs = '<extensionElements><zeebe:ioMapping><zeebe:output source="=amount * 2" target="double"/></zeebe:ioMapping></extensionElements>'
    bench = Bench(p(S, f'<intermediateCatchEvent id="c">{outputs}{MESSAGE}</intermediateCatchEvent>', flows("s c"))).start().message("m", amount=4)
    assert bench.variables == {"amount": 4, "double": 8}


def test_correlation_property_of_bpmn() -> None:
    before = (
        '<message id="M" name="m"/><correlationProperty id="cp"><correlationPropertyRetrievalExpression messageRef="M"><messagePath>order</messagePath>'
        "</correlationPropertyRetrievalExpression></correlationProperty>"
    )
    xml = process(S, throw("t", MESSAGE), catch("c", MESSAGE), flows("s t", "t c"), before=before)
    bench = Bench(xml).start(order=17)
    assert bench.of(ev.MessageSent)[0].correlation_key == "17"
    assert [one.correlation_key for one in bench.subscriptions().values()] == ["17"]
    assert [one.correlation_key for one in Bench(xml).start().subscriptions().values()] == [None]


def test_script_with_a_result_variable() -> None:
    task = '<scriptTask id="t" camunda:resultVariable="y" scriptFormat="python"><script>x + 1</script></scriptTask>'
    assert Bench(p(S, task, flows("s t"))).start(x=1).variables == {"x": 1, "y": 2}


def test_pre_and_post_scripts() -> None:
    extension = "<extensionElements><spiffworkflow:preScript>a = 1</spiffworkflow:preScript><spiffworkflow:postScript>b = a + n</spiffworkflow:postScript></extensionElements>"
    bench = Bench(p(S, f'<userTask id="u">{extension}</userTask>', flows("s u"))).start()
    assert bench.variables == {"a": 1}
    assert bench.complete("u", n=5).variables == {"a": 1, "n": 5, "b": 6}


def test_a_signal_thrown_in_the_same_step_reaches_branches_that_come_later() -> None:
    """Nodes that only begin to wait for a signal come before everything else that is ready."""
    bench = Bench(p(S, '<parallelGateway id="f"/>', throw("t", SIGNAL), catch("c", SIGNAL), log("a"), flows("s f", "f t", "f c", "c a"))).start()
    assert (bench.lines, bench.state) == (["a"], "completed")
    gateway = '<eventBasedGateway id="g"/>' + catch("c", SIGNAL) + catch("d", MESSAGE)
    bench = Bench(p(S, '<parallelGateway id="f"/>', throw("t", SIGNAL), gateway, log("a"), flows("s f", "f t", "f g", "g c", "g d", "c a"))).start()
    assert (bench.lines, bench.state) == (["a"], "completed")
    bench = Bench(
        p(
            S,
            '<parallelGateway id="f"/>',
            throw("t", SIGNAL),
            '<userTask id="u"/>',
            boundary("c", "u", SIGNAL),
            log("a"),
            flows("s f", "f t", "f u", "c a"),
        )
    ).start()
    assert (bench.lines, bench.state) == (["a"], "completed")


def test_a_data_output_that_was_not_written_copies_nothing() -> None:
    io = (
        '<ioSpecification><dataOutput id="dout" name="Data Output"/></ioSpecification>'
        "<dataOutputAssociation><sourceRef>dout</sourceRef><targetRef>ref</targetRef></dataOutputAssociation>"
    )
    data = '<dataObject id="o" name="data"/><dataObjectReference id="ref" dataObjectRef="o"/>'
    assert Bench(p(S, data, script("t", "data = 5", io), flows("s t"))).start().variables == {"data": 5}
