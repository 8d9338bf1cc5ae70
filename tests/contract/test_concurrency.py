"""Several threads, and several nodes on one database: exactly one wins, the others are told or go on silently, nothing is lost or done twice."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import sqlalchemy as sa

from engine.errors import NotAllowed, TaskClaimed, TaskNotOpen
from engine.model import commands as cmd
from engine.model.actors import SYSTEM, Actor
from engine.plugins import service_task
from engine.store import tables
from engine.store.history import SqlInstances
from engine.testing import EmbeddedEngine
from tests.support.diagrams import END, LOOP, START, TWO_TASKS, chain, document, flow, process, user
from tests.support.racing import raised, together

CLERKS = [Actor(f"clerk{n}", "", frozenset({"clerks"}), frozenset({"staff"})) for n in range(6)]
OFFERED = process(START + user("a", 'camunda:candidateGroups="clerks"') + user("b") + END + chain("start", "a", "b", "end"), "two")


def only_task(engine, instance_id=None):
    [task] = engine.user_tasks(instance_id)
    return task


def count(engine, table):
    with engine.app.store.begin(write=False) as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table))


# --- one task, many hands ----------------------------------------------------------------------------------------------
def test_of_many_who_complete_one_task_exactly_one_does(nodes):
    one, two = nodes
    one.deploy({"two.bpmn": TWO_TASKS})
    for _ in range(5):
        instance = one.start("two")
        task = only_task(one, instance)
        results = together(*(partial(e.app.execute, cmd.Complete(task.id, {"by": n}), SYSTEM) for n, e in enumerate((one, two) * 3)))
        assert raised(results) == ["TaskNotOpen"] * 5
        [winner] = [n for n, r in enumerate(results) if not isinstance(r, Exception)]
        assert one.variables(instance)["by"] == two.variables(instance)["by"] == winner
        assert only_task(two, instance).element_id == "b"


def test_of_many_who_claim_one_task_exactly_one_has_it(nodes):
    one, two = nodes
    one.deploy({"two.bpmn": OFFERED})
    for _ in range(5):
        instance = one.start("two")
        task = only_task(one, instance)
        results = together(*(partial(e.app.execute, cmd.Claim(task.id), c) for c, e in zip(CLERKS, (one, two) * 3, strict=True)))
        assert sorted(raised(results)) == ["TaskClaimed"] * 5
        [winner] = [c.id for c, r in zip(CLERKS, results, strict=True) if not isinstance(r, Exception)]
        assert only_task(two, instance).assignee == winner
        loser = next(c for c in CLERKS if c.id != winner)
        with pytest.raises((TaskClaimed, NotAllowed)):
            two.app.execute(cmd.Complete(task.id), loser)


def test_whoever_completes_while_another_claims_one_of_both_is_refused(nodes):
    one, two = nodes
    one.deploy({"two.bpmn": OFFERED})
    for _ in range(5):
        task = only_task(one, one.start("two"))
        results = together(partial(one.app.execute, cmd.Complete(task.id), CLERKS[0]), partial(two.app.execute, cmd.Claim(task.id), CLERKS[1]))
        assert raised(results) in (["TaskNotOpen"], ["NotAllowed"])


def test_the_same_request_at_the_same_time_gives_one_answer(nodes):
    one, two = nodes
    one.deploy({"two.bpmn": TWO_TASKS})
    results = together(*(partial(e.app.execute, cmd.Start("two"), SYSTEM, "start-1") for e in (one, two) * 2))
    assert not raised(results)
    assert len({r.instance_id for r in results}) == 1
    task = only_task(one)
    results = together(*(partial(e.app.execute, cmd.Complete(task.id, {"x": 1}), SYSTEM, "complete-1") for e in (one, two) * 2))
    assert not raised(results)
    assert len(set(results)) == 1
    assert count(one, tables.record) == 2


# --- several nodes ------------------------------------------------------------------------------------------------------
def test_two_nodes_alternate_on_one_instance_and_nothing_is_lost(nodes):
    one, two = nodes
    one.deploy({"loop.bpmn": LOOP})
    instance = one.start("loop", {"again": True})
    for turn in range(60):
        node = (one, two)[turn % 2 if turn < 40 else turn // 5 % 2]
        node.complete(only_task(node, instance).id, {"again": True, f"turn{turn}": turn})
    two.complete(only_task(two, instance).id, {"again": False})
    assert one.instance(instance).state == "completed"
    assert one.variables(instance) == {"again": False} | {f"turn{t}": t for t in range(60)}
    with one.app.reading() as read:
        assert read.verify(SYSTEM, instance) == 62
        assert read.reexecute(SYSTEM, instance) == 62


def test_parallel_tasks_of_one_instance_completed_on_two_nodes_at_once(nodes):
    one, two = nodes
    names = "abcdefgh"
    gate = '<parallelGateway id="{}"/>'
    body = START + gate.format("fork") + "".join(user(n) for n in names) + gate.format("join") + user("last") + END
    flows = flow("start", "fork") + "".join(flow("fork", n) + flow(n, "join") for n in names) + chain("join", "last", "end")
    one.deploy({"p.bpmn": process(body + flows)})
    instance = one.start("p")
    tasks = one.user_tasks(instance)
    results = together(
        *(partial((one, two)[n % 2].app.execute, cmd.Complete(t.id, {t.element_id: n, "all": n}), SYSTEM) for n, t in enumerate(tasks))
    )
    assert not raised(results)  # whoever came second caught up silently
    assert only_task(one, instance).element_id == "last"
    found = two.variables(instance)
    assert {k: v for k, v in found.items() if k != "all"} == {t.element_id: n for n, t in enumerate(tasks)}
    assert [r.seq for r in sorted(results, key=lambda r: r.seq)] == list(range(2, 10))


def test_without_any_lock_the_key_of_the_record_decides_and_the_loser_catches_up_silently(nodes, monkeypatch):
    """The head that the command saw is made stale on purpose, as if another node had appended in between."""
    one, two = nodes
    one.deploy({"loop.bpmn": LOOP})
    instance = one.start("loop", {"again": True})
    task = only_task(one, instance)
    stale = two.app.execute(cmd.Comment(instance, "before"), SYSTEM)
    two.app.execute(cmd.Comment(instance, "meanwhile"), SYSTEM)
    honest, seen = SqlInstances.open_task, []

    def behind_once(self, task_id, **_):
        found, head = honest(self, task_id)
        seen.append(head.seq)
        return (found, replace(head, seq=stale.seq)) if len(seen) == 1 else (found, head)

    monkeypatch.setattr(SqlInstances, "open_task", behind_once)
    done = one.app.execute(cmd.Complete(task.id, {"again": True}), SYSTEM)
    assert (seen, done.seq) == ([3, 3], 4)


def test_two_nodes_deploy_at_once_and_each_gets_its_version(nodes):
    one, two = nodes

    def version(n):
        return process(START + user(f"a{n}") + END + chain("start", f"a{n}", "end"), "two")

    results = together(*(partial(e.app.execute, cmd.Deploy({"two.bpmn": version(n)}), SYSTEM) for n, e in enumerate((one, two) * 2)))
    assert not raised(results)
    assert sorted(r.definitions[0].version for r in results) == [1, 2, 3, 4]
    newest = next(n for n, r in enumerate(results) if r.definitions[0].version == 4)
    assert only_task(two, two.start("two")).element_id == f"a{newest}"


# --- messages and signals -----------------------------------------------------------------------------------------------
CATCH = document(
    '<message id="m" name="paid"/><signal id="s" name="stop"/>',
    '<process id="p" isExecutable="true">',
    START,
    '<intermediateCatchEvent id="wait"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>',
    END,
    chain("start", "wait", "end"),
    "</process>",
    '<process id="q" isExecutable="true">',
    START.replace('"start"', '"begin"'),
    '<intermediateCatchEvent id="halt"><signalEventDefinition signalRef="s"/></intermediateCatchEvent>',
    END.replace('"end"', '"over"'),
    chain("begin", "halt", "over"),
    "</process>",
)


def test_racing_messages_reach_one_receiver_each(nodes):
    one, two = nodes
    one.deploy({"p.bpmn": CATCH})
    instances = [one.start("p", business_key="K") for _ in range(6)]
    results = together(*(partial(e.app.execute, cmd.PublishMessage("paid", {"n": n}, "K"), SYSTEM) for n, e in enumerate((one, two) * 3)))
    assert not raised(results)
    assert sorted(r.instance_ids for r in results) == sorted((i,) for i in instances)
    assert sorted(two.variables(i)["n"] for i in instances) == list(range(6))


def test_more_messages_than_receivers_the_rest_is_kept(nodes):
    one, two = nodes
    one.deploy({"p.bpmn": CATCH})
    instance = one.start("p", business_key="K")
    results = together(*(partial(e.app.execute, cmd.PublishMessage("paid", {"n": n}, "K"), SYSTEM) for n, e in enumerate((one, two) * 2)))
    assert not raised(results)
    assert one.instance(instance).state == "completed"
    assert sorted(r.kept for r in results) == [False, True, True, True]
    assert count(one, tables.kept_message) == 3


def test_a_message_and_the_wait_for_it_at_the_same_time_always_meet(nodes):
    one, two = nodes
    one.deploy({"p.bpmn": CATCH})
    for n in range(12):
        started, published = together(
            partial(one.app.execute, cmd.Start("p", {}, f"K{n}"), SYSTEM),
            partial(two.app.execute, cmd.PublishMessage("paid", {"n": n}, f"K{n}"), SYSTEM),
        )
        assert not raised([started, published])
        one.app.run_due()
        assert one.instance(started.instance_id).state == "completed", f"round {n}: waits for ever, {published}"
    assert count(one, tables.kept_message) == count(one, tables.subscription) == 0


def test_a_signal_while_receivers_end(nodes):
    one, two = nodes
    one.deploy({"p.bpmn": CATCH})
    for _ in range(4):
        instances = [one.start("q") for _ in range(6)]
        results = together(
            partial(one.app.execute, cmd.BroadcastSignal("stop"), SYSTEM),
            *(partial(two.app.execute, cmd.Cancel(i, "x"), SYSTEM) for i in reversed(instances[:3])),
            partial(two.app.execute, cmd.BroadcastSignal("stop"), SYSTEM),
        )
        assert set(raised(results)) <= {"InstanceNotActive"}
        assert not isinstance(results[0], Exception)
        assert not isinstance(results[-1], Exception)
        assert {one.instance(i).state for i in instances} <= {"completed", "cancelled"}


# --- jobs -----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("transactional", [True, False])
def test_two_dispatchers_run_each_service_task_once(url, transactional):
    ran = []

    @service_task("note", transactional=transactional)
    def note(context):
        ran.append(context.instance_id)
        return {"done": True}

    xml = process(START + '<serviceTask id="do" flowledger:handler="note"/>' + END + chain("start", "do", "end"))
    with EmbeddedEngine(database=url, handlers=[note]) as one, EmbeddedEngine(database=url, handlers=[note]) as two:
        one.deploy({"p.bpmn": xml})
        instances = [one.app.execute(cmd.Start("p"), SYSTEM).instance_id for _ in range(12)]
        results = together(one.app.run_due, two.app.run_due, one.app.run_due, two.app.run_due)
        assert not raised(results)
        one.app.run_due()
        assert sorted(ran) == sorted(instances)
        assert {one.instance(i).state for i in instances} == {"completed"}
        assert count(one, tables.job) == 0


def test_two_dispatchers_send_each_message_once(nodes):
    one, two = nodes
    throw = document(
        '<message id="m" name="paid"/>',
        '<process id="p" isExecutable="true">',
        START,
        '<intermediateThrowEvent id="pay"><messageEventDefinition messageRef="m"/></intermediateThrowEvent>',
        END,
        chain("start", "pay", "end"),
        "</process>",
    )
    one.deploy({"p.bpmn": throw})
    for _ in range(12):
        one.app.execute(cmd.Start("p"), SYSTEM)
    results = together(one.app.run_due, two.app.run_due, one.app.run_due, two.app.run_due)
    assert not raised(results)
    assert count(one, tables.kept_message) == 12
    assert count(one, tables.job) == 0


def test_two_dispatchers_start_a_timed_process_once(nodes):
    one, two = nodes
    cycle = "<timerEventDefinition><timeCycle>R3/PT10M</timeCycle></timerEventDefinition>"
    one.deploy({"p.bpmn": process(f'<startEvent id="start">{cycle}</startEvent>' + user("a") + END + chain("start", "a", "end"))})
    for node in nodes:
        node.clock.set(node.clock.now().replace(hour=5))
    results = together(one.app.run_due, two.app.run_due, one.app.run_due, two.app.run_due)
    assert not raised(results)
    assert len(one.instances()) == 3


def test_a_timer_and_a_completion_at_once_one_of_both_happens(nodes):
    one, two = nodes
    timer = (
        '<boundaryEvent id="late" attachedToRef="a"><timerEventDefinition><timeDuration>PT1M</timeDuration></timerEventDefinition></boundaryEvent>'
    )
    body = START + user("a") + timer + user("b") + user("c") + END + chain("start", "a", "b", "end") + chain("late", "c", "end")
    one.deploy({"p.bpmn": process(body)})
    for n in range(6):
        instance = one.start("p")
        task = only_task(one, instance)
        for node in nodes:
            node.clock.set(node.clock.now().replace(hour=2 + n))
        completed, ran = together(partial(one.app.execute, cmd.Complete(task.id), SYSTEM), two.app.run_due)
        assert not isinstance(ran, Exception)
        if isinstance(completed, Exception):
            assert isinstance(completed, TaskNotOpen)
        assert only_task(one, instance).element_id == ("c" if isinstance(completed, Exception) else "b")
        assert count(one, tables.job) == 0


# --- what people keep ---------------------------------------------------------------------------------------------------
def test_the_same_file_attached_twice_at_once(nodes):
    one, two = nodes
    one.deploy({"two.bpmn": TWO_TASKS})
    instances = [one.start("two") for _ in range(4)]
    results = together(
        *(partial(e.app.execute, cmd.Attach(i, "a.txt", b"same bytes", "text/plain"), SYSTEM) for i, e in zip(instances, (one, two) * 2, strict=True))
    )
    assert not raised(results)
    assert count(one, tables.blob) == 1


def test_a_draft_saved_from_two_windows_at_once(nodes):
    one, two = nodes
    one.deploy({"two.bpmn": TWO_TASKS})
    task = only_task(one, one.start("two"))
    results = together(*(partial(e.app.execute, cmd.SaveDraft(task.id, {"n": n}), SYSTEM) for n, e in enumerate((one, two) * 2)))
    assert not raised(results)
    assert count(one, tables.form_draft) == 1


def test_an_account_made_twice_at_once(nodes):
    one, two = nodes
    results = together(*(partial(e.app.execute, cmd.PutUser("li", "李", ("staff",), (), "long enough 1"), SYSTEM) for e in (one, two) * 2))
    assert not raised(results)
    assert count(one, tables.account) == 1


# --- reading while others write; a database that goes away and comes back -------------------------------------------
def test_one_reading_sees_one_moment(nodes):
    one, two = nodes
    one.deploy({"two.bpmn": TWO_TASKS})
    instance = one.start("two")
    task = only_task(one, instance)
    with one.app.reading() as read:
        before = read.instance(SYSTEM, instance)
        together(partial(two.app.execute, cmd.Complete(task.id), SYSTEM))
        assert read.instance(SYSTEM, instance) == before
        assert read.verify(SYSTEM, instance) == before.seq == 1
    assert one.instance(instance).state == "active"
    with one.app.reading() as read:
        assert read.verify(SYSTEM, instance) == 2


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)  # with SQLite there is no server that could close them
def test_connections_that_died_at_rest_are_replaced(nodes, monkeypatch):
    one, two = nodes
    one.deploy({"two.bpmn": TWO_TASKS})
    with two.app.store.begin(write=True) as connection:
        connection.execute(
            sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        )
    monkeypatch.setattr("engine.store.connections.REST_SECONDS", 0.0)
    assert one.start("two")
