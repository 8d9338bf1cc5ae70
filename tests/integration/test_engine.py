"""The engine through its public doors: commands, records, jobs, refusals. A real database each time."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from engine.application.services import Limits
from engine.errors import (
    BpmnError,
    DeploymentRejected,
    InstanceNotActive,
    IntegrityViolation,
    InvalidInput,
    LimitExceeded,
    NotAllowed,
    NotFound,
    ReplayDiverged,
    RequestIdReused,
    TaskClaimed,
    TaskNotOpen,
)
from engine.history.chain import digest
from engine.model import commands as cmd
from engine.model.actors import SYSTEM, Actor
from engine.model.views import TaskFilter
from engine.plugins import service_task
from engine.projections.rebuild import rebuild
from engine.store import tables, task_tables
from engine.testing import EmbeddedEngine
from tests.support.diagrams import END, LOOP, START, TWO_TASKS, chain, document, flow, process, user

LI = Actor("li", "李", frozenset({"rd"}), frozenset({"staff"}))
WANG = Actor("wang", "王", frozenset({"rd"}), frozenset({"staff"}))
OTHER = Actor("other", "", frozenset({"eng"}), frozenset({"staff"}))


@pytest.fixture
def engine():
    with EmbeddedEngine() as one:
        yield one


def only_task(engine, instance_id=None):
    [task] = engine.user_tasks(instance_id)
    return task


def test_a_process_runs_from_start_to_end(engine):
    assert engine.deploy({"two.bpmn": TWO_TASKS}) == ["two"]
    one = engine.start("two", {"x": 1}, business_key="A-1")
    engine.complete(only_task(engine, one).id, {"ok": True})
    engine.complete(only_task(engine, one).id, {"x": [1, 2]})
    assert engine.instance(one).state == "completed"
    assert engine.trace(one) == ["start", "a", "b", "end"]
    assert engine.variables(one) == {"x": [1, 2], "ok": True}
    assert engine.check() == 3


def test_a_submitted_list_replaces_the_stored_one(engine):
    engine.deploy({"two.bpmn": TWO_TASKS})
    one = engine.start("two", {"x": [1, 2, 3]})
    engine.complete(only_task(engine, one).id, {"x": [3]})
    assert engine.variables(one)["x"] == [3]


def test_a_cold_engine_goes_on_from_records_and_snapshot(engine):
    engine.deploy({"loop.bpmn": LOOP})
    one = engine.start("loop", {"again": True})
    for turn in range(130):  # more than one snapshot apart
        if turn % 13 == 0:
            engine.app.services.live.clear()
        engine.complete(only_task(engine, one).id, {"again": True, "turn": turn})
    engine.app.services.live.clear()
    engine.complete(only_task(engine, one).id, {"again": False})
    assert engine.instance(one).state == "completed"
    assert engine.variables(one) == {"again": False, "turn": 129}


# --- requests that come twice, or at the same time -----------------------------------------------------------------
def test_the_same_request_id_gives_the_first_answer_and_does_nothing_twice(engine):
    engine.deploy({"two.bpmn": TWO_TASKS})
    first = engine.app.execute(cmd.Start("two"), LI, "r-1")
    assert engine.app.execute(cmd.Start("two"), LI, "r-1") == first
    assert len(engine.instances()) == 1
    task = only_task(engine)
    done = engine.app.execute(cmd.Complete(task.id), LI, "r-2")
    assert engine.app.execute(cmd.Complete(task.id), LI, "r-2") == done


def test_a_request_id_cannot_be_used_for_something_else(engine):
    engine.deploy({"two.bpmn": TWO_TASKS})
    engine.app.execute(cmd.Start("two"), LI, "r-1")
    task = only_task(engine)
    with pytest.raises(RequestIdReused):
        engine.app.execute(cmd.Complete(task.id), LI, "r-1")
    with pytest.raises(NotAllowed):
        engine.app.execute(cmd.Start("two"), WANG, "r-1")


def test_of_many_who_complete_one_task_exactly_one_does(tmp_path):
    with EmbeddedEngine(database=f"sqlite:///{tmp_path / 'race.db'}") as engine:
        engine.deploy({"two.bpmn": TWO_TASKS})
        one = engine.start("two")
        task = only_task(engine, one)
        barrier, outcomes = threading.Barrier(6), []

        def attempt(number):
            barrier.wait()
            try:
                engine.app.execute(cmd.Complete(task.id, {"by": number}), SYSTEM)
                outcomes.append("done")
            except TaskNotOpen:
                outcomes.append("refused")

        threads = [threading.Thread(target=attempt, args=(n,)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["done"] + ["refused"] * 5
        assert only_task(engine, one).element_id == "b"


# --- refusals: clear, and nothing half-written ------------------------------------------------------------------------
def records(engine):
    with engine.app.store.begin(write=False) as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(tables.record))


def test_refusals_name_the_reason_and_write_nothing(engine):
    engine.deploy({"two.bpmn": process(START + user("a", 'camunda:candidateGroups="rd"') + user("b") + END + chain("start", "a", "b", "end"), "two")})
    one = engine.start("two")
    task = only_task(engine, one)
    before = records(engine)
    for refusal, command, actor in (
        (NotFound, cmd.Complete("nothing-1"), LI),
        (NotFound, cmd.Complete("nonsense"), LI),
        (NotFound, cmd.Start("unknown"), LI),
        (NotAllowed, cmd.Complete(task.id), OTHER),
        (NotAllowed, cmd.Claim(task.id), OTHER),
        (NotAllowed, cmd.Release(task.id), LI),
        (NotAllowed, cmd.Deploy({"two.bpmn": TWO_TASKS}), LI),
        (NotAllowed, cmd.Cancel(one, "x"), LI),
        (InvalidInput, cmd.Complete(task.id, {"x": float("nan")}), LI),
        (InvalidInput, cmd.Complete(task.id, {"x": object()}), LI),
        (LimitExceeded, cmd.Complete(task.id, {"x": "x" * 2_000_000}), LI),
        (InvalidInput, cmd.Comment(one, "   "), LI),
        (InvalidInput, cmd.Attach(one, "a.txt", b"", "text/plain"), LI),
    ):
        with pytest.raises(refusal):
            engine.app.execute(command, actor)
    assert records(engine) == before
    engine.complete(task.id)
    with pytest.raises(TaskNotOpen, match="already completed"):
        engine.complete(task.id)


def test_claiming_takes_a_task_out_of_the_others_reach(engine):
    engine.deploy({"two.bpmn": process(START + user("a", 'camunda:candidateGroups="rd"') + END + chain("start", "a", "end"), "two")})
    task = only_task(engine, engine.start("two"))
    engine.app.execute(cmd.Claim(task.id), LI)
    with pytest.raises(TaskClaimed):
        engine.app.execute(cmd.Claim(task.id), WANG)
    with pytest.raises(NotAllowed):
        engine.app.execute(cmd.Complete(task.id), WANG)
    with engine.app.reading() as read:
        assert [t.id for t in read.worklist(LI, TaskFilter(view="mine")).rows] == [task.id]
        assert not read.worklist(WANG, TaskFilter(view="all")).rows
    engine.app.execute(cmd.Release(task.id), LI)
    engine.app.execute(cmd.Complete(task.id), WANG)


def test_whoever_wrote_may_not_review(engine):
    engine.deploy(
        {"p.bpmn": process(START + user("write") + user("review", 'flowledger:excludes="write"') + END + chain("start", "write", "review", "end"))}
    )
    one = engine.start("p")
    engine.complete(only_task(engine, one).id, actor=LI)
    review = only_task(engine, one)
    with pytest.raises(NotAllowed):
        engine.complete(review.id, actor=LI)
    with engine.app.reading() as read:
        assert not read.worklist(LI, TaskFilter()).rows
        assert [t.id for t in read.worklist(WANG, TaskFilter()).rows] == [review.id]
    engine.complete(review.id, actor=WANG)


def test_a_deployment_is_refused_whole(engine):
    with pytest.raises(DeploymentRejected) as refused:
        engine.deploy({"two.bpmn": TWO_TASKS, "bad.bpmn": b"<definitions", "strange.exe": b"x"})
    assert {p.file for p in refused.value.problems} >= {"bad.bpmn", "strange.exe"}
    with pytest.raises(NotFound):
        engine.start("two")


def test_running_instances_keep_their_version(engine):
    engine.deploy({"two.bpmn": TWO_TASKS})
    old = engine.start("two")
    engine.deploy({"two.bpmn": process(START + user("only") + END + chain("start", "only", "end"), "two")})
    new = engine.start("two")
    assert [t.element_id for t in engine.user_tasks(old)] == ["a"]
    assert [t.element_id for t in engine.user_tasks(new)] == ["only"]
    engine.complete(only_task(engine, old).id)
    assert only_task(engine, old).element_id == "b"


def test_the_same_content_again_is_the_same_version(engine):
    engine.deploy({"two.bpmn": TWO_TASKS})
    engine.deploy({"two.bpmn": TWO_TASKS})
    with engine.app.reading() as read:
        assert [v.version for v in read.versions(SYSTEM, "two")] == [1]


def test_a_cancelled_instance_takes_no_more(engine):
    engine.deploy({"two.bpmn": TWO_TASKS})
    one = engine.start("two")
    task = only_task(engine, one)
    engine.cancel(one, "不再需要")
    assert engine.instance(one).state == "cancelled"
    assert not engine.user_tasks(one)
    with pytest.raises(TaskNotOpen):
        engine.complete(task.id)
    with pytest.raises(InstanceNotActive):
        engine.cancel(one)


# --- messages, signals, timers ----------------------------------------------------------------------------------------
CATCH = document(
    '<message id="m" name="paid"/><signal id="s" name="stop"/>',
    '<process id="p" isExecutable="true">',
    START,
    '<intermediateCatchEvent id="wait"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>',
    END,
    chain("start", "wait", "end"),
    "</process>",
)


def test_a_message_finds_the_instance_by_its_key(engine):
    engine.deploy({"p.bpmn": CATCH})
    one, two = engine.start("p", business_key="A"), engine.start("p", business_key="B")
    engine.publish_message("paid", {"amount": 3}, correlation_key="B")
    assert (engine.instance(one).state, engine.instance(two).state) == ("active", "completed")
    assert engine.variables(two) == {"amount": 3}


def test_a_message_that_comes_early_waits(engine):
    engine.deploy({"p.bpmn": CATCH})
    engine.publish_message("paid", {"amount": 4}, correlation_key="A")
    one = engine.start("p", business_key="A")
    assert engine.instance(one).state == "completed"
    engine.publish_message("paid", {}, correlation_key="B")
    engine.advance(seconds=3601)  # kept for an hour
    assert engine.instance(engine.start("p", business_key="B")).state == "active"


def test_a_timer_runs_when_it_is_due_and_at_its_own_time(engine):
    engine.deploy(
        {
            "p.bpmn": process(
                START
                + '<intermediateCatchEvent id="wait"><timerEventDefinition><timeDuration>PT90S</timeDuration></timerEventDefinition></intermediateCatchEvent>'
                + '<scriptTask id="note"><script>at = now().isoformat()</script></scriptTask>'
                + END
                + chain("start", "wait", "note", "end")
            )
        }
    )
    one = engine.start("p")
    engine.advance(seconds=89)
    assert engine.instance(one).state == "active"
    engine.advance(seconds=3600)
    assert engine.instance(one).state == "completed"
    assert str(engine.variables(one)["at"]).startswith("2026-01-05T01:01:30")


def test_a_timer_start_event_starts_instances_of_the_newest_version_only(engine):
    def every(minutes):
        cycle = f"<timerEventDefinition><timeCycle>R2/PT{minutes}M</timeCycle></timerEventDefinition>"
        return process(f'<startEvent id="start">{cycle}</startEvent>' + user("a") + END + chain("start", "a", "end"))

    engine.deploy({"p.bpmn": every(10)})
    engine.deploy({"p.bpmn": every(7)})
    engine.advance(seconds=7 * 60)
    assert len(engine.instances()) == 1
    engine.advance(seconds=86400)
    assert len(engine.instances()) == 2


def test_parallel_branches_lose_no_write(engine):
    script = '<scriptTask id="{0}"><script>total = total + 1; {0} = True</script></scriptTask>'
    gate = '<parallelGateway id="{}"/>'
    body = START + gate.format("fork") + "".join(script.format(x) for x in "abc") + gate.format("join") + END
    flows = flow("start", "fork") + "".join(flow("fork", x) + flow(x, "join") for x in "abc") + flow("join", "end")
    engine.deploy({"p.bpmn": process(body + flows)})
    assert engine.variables(engine.start("p", {"total": 0})) == {"total": 3, "a": True, "b": True, "c": True}


# --- service tasks --------------------------------------------------------------------------------------------------------
notes = sa.Table("test_note", sa.MetaData(), sa.Column("text", sa.Text))


def service(handler, extra=""):
    return process(START + f'<serviceTask id="do" flowledger:handler="{handler}"/>' + extra + END + chain("start", "do", "end"))


def test_a_transactional_handler_commits_with_the_task():
    @service_task("note")
    def note(context):
        context.connection.execute(notes.insert().values(text=context.business_key))
        return {"noted": context.business_key, "attempt": context.attempt}

    with EmbeddedEngine(handlers=[note]) as engine:
        with engine.app.store.begin(write=True) as connection:
            notes.metadata.create_all(connection)
        engine.deploy({"p.bpmn": service("note")})
        one = engine.start("p", business_key="K")
        assert engine.variables(one) == {"noted": "K", "attempt": 1}
        with engine.app.store.begin(write=False) as connection:
            assert list(connection.scalars(sa.select(notes.c.text))) == ["K"]


def test_a_failing_handler_leaves_nothing_tries_again_and_then_stands_with_an_incident():
    seen = []

    @service_task("fail")
    def fail(context):
        context.connection.execute(notes.insert().values(text="half"))
        seen.append((context.attempt, context.idempotency_key))
        if len(seen) < 4:
            raise OSError("disk on fire")
        return {"ok": True}

    with EmbeddedEngine(handlers=[fail]) as engine:
        with engine.app.store.begin(write=True) as connection:
            notes.metadata.create_all(connection)
        engine.deploy({"p.bpmn": service("fail")})
        one = engine.start("p")
        engine.advance(seconds=3600)
        assert [attempt for attempt, _ in seen] == [1, 2, 3]
        assert len({key for _, key in seen}) == 1
        assert engine.instance(one).state == "active"
        assert "disk on fire" in (engine.instance(one).error or "")
        with engine.app.store.begin(write=False) as connection:
            assert not list(connection.scalars(sa.select(notes.c.text)))
        with engine.app.reading() as read:
            [incident] = read.incidents(SYSTEM, one)
        assert incident.element_id == "do"
        engine.app.execute(cmd.RetryIncident(incident.id, "repaired"), SYSTEM)
        engine.advance(seconds=0)
        assert engine.instance(one).state == "completed"
        assert engine.instance(one).error is None


def test_an_unknown_service_task_is_an_incident_at_once(engine):
    engine.deploy({"p.bpmn": service("nobody.provides.this")})
    assert "nobody.provides.this" in (engine.instance(engine.start("p")).error or "")


def test_a_business_error_of_a_handler_goes_to_the_boundary_event():
    @service_task("refuse")
    def refuse(context):
        raise BpmnError("NO_STOCK", variables={"left": 0})

    boundary = (
        '<boundaryEvent id="caught" attachedToRef="do"><errorEventDefinition errorRef="e"/></boundaryEvent>' + user("help") + flow("caught", "help")
    )
    xml = service("refuse", boundary).replace(b"<process", b'<error id="e" errorCode="NO_STOCK"/><process', 1)
    with EmbeddedEngine(handlers=[refuse]) as engine:
        engine.deploy({"p.bpmn": xml})
        one = engine.start("p")
        assert only_task(engine, one).element_id == "help"


def test_an_external_handler_runs_outside_the_transaction():
    @service_task("call", transactional=False)
    def call(context):
        assert context.connection is None
        return {"answer": 42}

    with EmbeddedEngine(handlers=[call]) as engine:
        engine.deploy({"p.bpmn": service("call")})
        one = engine.start("p")
        assert engine.variables(one) == {"answer": 42}


# --- evidence ----------------------------------------------------------------------------------------------------------------
def test_functions_are_called_once_and_their_answers_recorded():
    lines = []
    script = '<scriptTask id="s"><script>y = draw()\nlog(y)</script></scriptTask>'
    with EmbeddedEngine(functions={"draw": lambda: len(lines) + 7, "log": lines.append}) as engine:
        engine.deploy({"p.bpmn": process(START + script + user("a") + END + chain("start", "s", "a", "end"))})
        one = engine.start("p")
        engine.app.services.live.clear()
        engine.complete(only_task(engine, one).id)
        assert engine.variables(one) == {"y": 7}
        engine.check()
    assert lines == [7]


def test_why_a_path_was_taken_is_in_the_record(engine):
    engine.deploy({"loop.bpmn": LOOP})
    one = engine.start("loop", {"again": True})
    engine.complete(only_task(engine, one).id, {"again": False})
    with engine.app.reading() as read:
        last = read.explanations(SYSTEM, one)[-1]
    [why] = last.why
    assert (why["subject"], why["expression"], why["reads"], why["result"]) == ("more_work", "again", {"again": False}, False)
    assert last.flows == ["work_more", "more_end"]


@pytest.fixture
def tampers(request):
    request.keywords["tampers"] = True


def tampered(engine, change):
    with engine.app.store.begin(write=True) as connection:
        row = connection.execute(sa.select(tables.record).where(tables.record.c.seq == 2)).one()
        body = change(bytes(row.body))
        connection.execute(tables.record.update().where(tables.record.c.seq == 2).values(body=body, hash=digest(body)))
        return body


@pytest.mark.usefixtures("tampers")
def test_an_edited_record_is_found_by_verify_and_a_forged_outcome_by_replay(engine):
    engine.deploy({"two.bpmn": TWO_TASKS})
    one = engine.start("two")
    engine.complete(only_task(engine, one).id, {"amount": 100})
    body = tampered(
        engine,
        lambda b: b.replace(
            b'"name":"amount","scope":0,"type":"VariableSet","value":100', b'"name":"amount","scope":0,"type":"VariableSet","value":999'
        ),
    )
    assert b"999" in body
    with engine.app.reading() as read:
        with pytest.raises(IntegrityViolation):
            read.verify(SYSTEM, one)
        with pytest.raises(ReplayDiverged):
            read.reexecute(SYSTEM, one)


def table_rows(engine, table):
    with engine.app.store.begin(write=False) as connection:
        return sorted(repr(tuple(r)) for r in connection.execute(sa.select(*(c for c in table.c if c.name != "number"))))


def test_every_projection_can_be_dropped_and_rebuilt(engine):
    engine.deploy({"two.bpmn": TWO_TASKS, "p.bpmn": CATCH, "loop.bpmn": LOOP})
    for key in "AB":
        engine.start("two", business_key=key)
        engine.start("p", business_key=key)
    first = engine.user_tasks()[0]
    engine.app.execute(cmd.Claim(first.id), LI)
    engine.app.execute(cmd.Comment(first.instance_id, "请看"), LI)
    engine.complete(first.id, actor=LI)
    derived = [tables.instance, task_tables.user_task, task_tables.task_candidate, tables.job, tables.subscription, tables.incident, tables.note]
    before = [table_rows(engine, t) for t in derived]
    assert rebuild(engine.app.store) == records(engine)
    assert [table_rows(engine, t) for t in derived] == before


def test_a_completion_takes_at_most_twelve_statements(engine):
    engine.deploy({"two.bpmn": TWO_TASKS})
    one = engine.start("two")
    task, statements = only_task(engine, one), []
    event.listen(engine.app.store.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    engine.app.execute(cmd.Complete(task.id, {"x": 1}), SYSTEM)
    assert 0 < len([s for s in statements if not s.startswith("BEGIN")]) <= 12


def test_a_thousand_rounds_of_a_user_task_loop(engine):
    engine.deploy({"loop.bpmn": LOOP})
    one = engine.start("loop", {"again": True})
    task_id = only_task(engine, one).id
    for turn in range(1000):
        [task_id] = engine.app.execute(cmd.Complete(task_id, {"again": True, "turn": turn}), SYSTEM).task_ids
    engine.complete(task_id, {"again": False})
    assert engine.trace(one).count("work") == 1001


@pytest.mark.parametrize("sequential", ["true", "false"])
def test_five_thousand_items(engine, sequential):
    loop = f'<multiInstanceLoopCharacteristics isSequential="{sequential}" camunda:collection="${{items}}" camunda:elementVariable="item"/>'
    script = f'<scriptTask id="s"><script>pass</script>{loop}</scriptTask>'
    engine.deploy({"p.bpmn": process(START + script + END + chain("start", "s", "end"))})
    one = engine.start("p", {"items": list(range(5000))})
    assert engine.instance(one).state == "completed"
    assert engine.trace(one).count("s") >= 5000


def test_an_instance_is_named_by_the_start_events_expression_unless_its_starter_names_it(engine):
    start = '<startEvent id="start" flowledger:businessKey="${customer + \' \' + month}"/>'
    engine.deploy({"p.bpmn": process(start + user("a") + END + chain("start", "a", "end"))})
    keys = [
        engine.instance(engine.start("p", {"customer": "政务", "month": "9 月"})).business_key,
        engine.instance(engine.start("p", {"customer": "政务", "month": "9 月"}, business_key="own")).business_key,
        engine.instance(engine.start("p")).business_key,
    ]
    assert keys == ["政务 9 月", "own", None]


def test_an_early_message_is_kept_for_as_long_as_the_installation_says(engine):
    wait = '<intermediateCatchEvent id="c"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>'
    body = START + user("a") + wait + END + chain("start", "a", "c", "end")
    engine.deploy({"p.bpmn": document('<message id="m" name="paid"/>', f'<process id="p" isExecutable="true">{body}</process>')})
    object.__setattr__(engine.app.services, "limits", Limits(message_keep_seconds=60))
    states = []
    for seconds in (59, 61):
        one = engine.start("p")
        engine.publish_message("paid")
        engine.advance(seconds)
        engine.complete(only_task(engine, one).id)
        states.append(engine.instance(one).state)
    assert states == ["completed", "active"]
