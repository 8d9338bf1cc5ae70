"""Migration of running instances on each database: one and many, what the lists show, cold starts and rebuilds over the border, taking it back.

Every engine here is verified and re-executed when it closes (tests/conftest.py), so each migration replays.
"""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from engine.application.services import Limits
from engine.errors import (
    InstanceNotActive,
    IntegrityViolation,
    InvalidInput,
    LimitExceeded,
    MigrationNotUndone,
    MigrationRefused,
    NotAllowed,
    NotFound,
    RequestIdReused,
    TaskNotOpen,
)
from engine.model import commands as cmd
from engine.model.actors import SYSTEM, Actor
from engine.model.migration import Migrate, UndoMigration
from engine.plugins import service_task
from engine.projections.rebuild import rebuild
from engine.store import tables, task_tables
from engine.testing import EmbeddedEngine
from tests.support.diagrams import END, START, chain, document, process, user
from tests.support.racing import raised, together

ANN = Actor("ann", "Ann", roles=frozenset({"operator"}))
CLERK = Actor("clerk", "Clerk", frozenset({"clerks"}), frozenset({"staff"}))
WHY = "the new version corrects the check"
LATE = '<boundaryEvent id="late" attachedToRef="{}"><timerEventDefinition><timeDuration>PT2H</timeDuration></timerEventDefinition></boundaryEvent>'


def named(id, name, extra=""):
    return f'<userTask id="{id}" name="{name}" {extra}/>'


OLD = process(START + named("a", "A") + user("b", 'flowledger:excludes="a"') + END + chain("start", "a", "b", "end"))
NEW = process(START + named("check", "A") + user("b", 'flowledger:excludes="check"') + user("c") + END + chain("start", "check", "b", "c", "end"))
PLAN = {"start": "start", "a": "check", "b": "b", "end": "end"}


@pytest.fixture
def engine(url):
    with EmbeddedEngine(database=url) as one:
        one.app.execute(cmd.PutUser("ann", "Ann", ("operator",), password="long enough 1"), SYSTEM)
        yield one


def deployed(engine, old=OLD, new=NEW, **values):
    """An instance of version 1, with version 2 deployed after it began."""
    engine.deploy({"p.bpmn": old})
    instance = engine.start("p", **values)
    engine.deploy({"p.bpmn": new})
    return instance


def migrate(engine, instance, plan=PLAN, to="p:2", actor=ANN, request_id=None):
    return engine.app.execute(Migrate(instance, to, WHY, plan), actor, request_id)


def undo(engine, instance, actor=ANN):
    return engine.app.execute(UndoMigration(instance, "too early"), actor)


def rows(engine, table):
    order = list(table.primary_key.columns)
    with engine.app.store.begin(write=False) as connection:
        return [tuple(row) for row in connection.execute(sa.select(table).order_by(*order))]


def derived(engine):
    return {
        t.name: rows(engine, t) for t in (tables.instance, task_tables.user_task, tables.subscription, tables.incident, task_tables.task_candidate)
    } | {"job": [row[1:6] for row in rows(engine, tables.job)]}


def elements(engine, instance):
    return [task.element_id for task in engine.user_tasks(instance)]


# --- one ----------------------------------------------------------------------------------------------------------------------
def test_an_instance_goes_on_under_the_new_version_and_its_task_keeps_its_id(engine):
    instance = deployed(engine)
    (task,) = engine.user_tasks(instance)
    migrate(engine, instance)
    (after,) = engine.user_tasks(instance)
    assert (after.id, after.element_id) == (task.id, "check")
    with engine.app.reading() as read:
        row, stored = read.instance(ANN, instance), read.task(ANN, task.id)
        act = read.explanations(ANN, instance)[-1]
    assert (row.definition_id, stored.definition_id) == ("p:2", "p:2")
    assert (act.kind, act.actor) == ("MigrateInstance", "ann")
    assert {k: act.details[k] for k in ("source", "definition", "reason", "plan")} == {
        "source": "p:1",
        "definition": "p:2",
        "reason": WHY,
        "plan": PLAN,
    }
    for _ in range(3):
        engine.app.services.live.clear()  # cold: the execution begins under version 1 and crosses the border
        engine.complete(engine.user_tasks(instance)[0].id)
    assert (engine.instance(instance).state, engine.trace(instance)) == ("completed", ["start", "check", "b", "c", "end"])


def test_the_proposed_plan_is_taken_when_none_is_given(engine):
    instance = deployed(engine)
    with engine.app.reading() as read:
        plan = read.migration_plan(CLERK, "p:1", "p:2")
    assert (plan.mapping, plan.added) == (PLAN, ("c",))
    migrate(engine, instance, None)
    assert elements(engine, instance) == ["check"]


def beside(first, middle, last):
    """Two tasks at once, the second one not for whoever did the first; and the same in a row behind a third one."""
    tasks = (
        named(first, "A")
        + named("b", "B", f'flowledger:excludes="{first}"')
        + named(middle, "M")
        + named(last, "Z", f'flowledger:excludes="{first}"')
    )
    split = '<parallelGateway id="split"/>'
    return process(START + split + tasks + chain("start", "split", first, middle, last) + chain("split", "b"))


def does(engine, instance, element, actor=SYSTEM):
    (task,) = [one for one in engine.user_tasks(instance) if one.element_id == element]
    engine.app.execute(cmd.Complete(task.id), actor)


def test_four_eyes_hold_for_an_open_task_that_excludes_a_renamed_one(engine):
    instance = deployed(engine, beside("a", "m", "z"), beside("check", "m", "z"))
    migrate(engine, instance, None)
    does(engine, instance, "check", CLERK)
    with pytest.raises(NotAllowed):
        does(engine, instance, "b", CLERK)
    does(engine, instance, "b")


def test_four_eyes_hold_for_a_later_task_that_excludes_one_that_was_done_before(engine):
    instance = deployed(engine, beside("a", "m", "z"), beside("check", "m", "z"))
    does(engine, instance, "a", CLERK)
    migrate(engine, instance, None)
    does(engine, instance, "m")
    with pytest.raises(NotAllowed):
        does(engine, instance, "z", CLERK)
    does(engine, instance, "z")


def test_jobs_messages_and_incidents_move_with_their_elements(url):
    calls = []

    @service_task("call")
    def call(context):
        calls.append((context.job_id, context.element_id))
        if len(calls) < 2:
            raise ConnectionError("down")
        return {}

    def version(work, wait, name):
        job = f'<serviceTask id="{work}" name="Do" flowledger:handler="call" flowledger:retries="1"/>'
        catch = f'<receiveTask id="{wait}" name="Wait" messageRef="M"/>'
        split = '<parallelGateway id="g"/>'
        flows = chain("start", "g", work) + chain("g", wait)
        return document(f'<message id="M" name="{name}"/><process id="p" isExecutable="true">{START}{split}{job}{catch}{flows}</process>')

    with EmbeddedEngine(database=url, handlers=[call]) as engine:
        instance = deployed(engine, version("do", "wait", "old"), version("do2", "wait2", "new"))
        migrate(engine, instance, None)
        with engine.app.reading() as read:
            (incident,) = read.incidents(ANN, instance, open_only=True)
            open_elements = {one.element_id for one in read.open_elements(ANN, instance)}
            statistics = read.definition(ANN, "p:2")
        assert (incident.element_id, open_elements) == ("do2", {"do2", "wait2"})
        assert (statistics.active, statistics.incidents) == (1, 1)
        engine.publish_message("old")
        assert engine.instance(instance).state == "active"
        engine.publish_message("new")
        engine.app.execute(cmd.RetryIncident(incident.id, WHY), ANN)
        engine.app.run_due()
        assert ([element for _, element in calls], engine.instance(instance).state) == (["do", "do2"], "completed")


def test_what_is_armed_in_a_suspended_instance_waits_until_it_is_resumed(engine):
    caught = f'<message id="M" name="m"/><process id="p" isExecutable="true">{START}{user("a")}{{}}{END}{chain("start", "a", "end")}</process>'
    bound = (
        LATE.format("a")
        + '<boundaryEvent id="hear" attachedToRef="a" cancelActivity="false"><messageEventDefinition messageRef="M"/></boundaryEvent>'
    )
    ways = chain("late", "end") + chain("hear", "e2") + '<endEvent id="e2"/>'
    instance = deployed(engine, document(caught.format("")), document(caught.format(bound + ways)))
    engine.app.execute(cmd.Suspend(instance, WHY), ANN)
    migrate(engine, instance, None)
    with engine.app.store.begin(write=False) as connection:
        assert list(connection.scalars(sa.select(tables.subscription.c.suspended))) == [True]
    engine.advance(3 * 3600)
    engine.publish_message("m")
    assert engine.instance(instance).state == "suspended"
    engine.app.execute(cmd.Resume(instance, WHY), ANN)
    engine.app.run_due()
    assert engine.instance(instance).state == "completed"


def test_an_external_handler_that_is_at_work_may_finish(url):
    @service_task("call", transactional=False)
    def call(context):
        migrate(engine, context.instance_id, None)
        return {"answer": 1}

    def version(id):
        job = f'<serviceTask id="{id}" name="Do" flowledger:handler="call"/>'
        return process(START + job + END + chain("start", id, "end"))

    with EmbeddedEngine(database=url, handlers=[call]) as engine:
        engine.deploy({"p.bpmn": version("do")})
        engine.deploy({"p.bpmn": version("do2")})
        instance = engine.app.execute(cmd.Start(definition_id="p:1"), SYSTEM).instance_id
        engine.app.run_due()
        assert (engine.trace(instance), engine.variables(instance)) == (["start", "do2", "end"], {"answer": 1})


def test_a_handler_that_fails_meanwhile_stands_at_the_new_element(url):
    @service_task("call", transactional=False)
    def call(context):
        migrate(engine, context.instance_id, None)
        raise ConnectionError("down")

    def version(id):
        return process(
            START + f'<serviceTask id="{id}" name="Do" flowledger:handler="call" flowledger:retries="1"/>' + END + chain("start", id, "end")
        )

    with EmbeddedEngine(database=url, handlers=[call]) as engine:
        engine.deploy({"p.bpmn": version("do")})
        engine.deploy({"p.bpmn": version("do2")})
        instance = engine.app.execute(cmd.Start(definition_id="p:1"), SYSTEM).instance_id
        engine.app.run_due()
        with engine.app.reading() as read:
            assert [(i.element_id, i.kind) for i in read.incidents(ANN, instance)] == [("do2", "job")]


def test_a_called_process_goes_on_under_the_version_that_was_called(engine):
    def called(id):
        return document(f'<process id="q" isExecutable="true"><startEvent id="qs"/>{user(id)}{chain("qs", id)}</process>')

    main = process(START + '<callActivity id="c" calledElement="q"/>' + user("after") + chain("start", "c", "after"))
    engine.deploy({"q.bpmn": called("old")})
    engine.deploy({"p.bpmn": main})
    engine.deploy({"q.bpmn": called("new")})
    engine.deploy({"p.bpmn": process(START + '<callActivity id="c" calledElement="q"/>' + named("after", "Later") + chain("start", "c", "after"))})
    instance = engine.app.execute(cmd.Start(definition_id="p:1"), SYSTEM).instance_id
    migrate(engine, instance, None)
    engine.app.services.live.clear()
    assert elements(engine, instance) == ["old"]
    engine.complete(engine.user_tasks(instance)[0].id)
    assert [(t.element_id, t.name) for t in engine.user_tasks(instance)] == [("after", "Later")]


def test_an_instance_moves_to_another_process(engine):
    engine.deploy({"p.bpmn": OLD})
    engine.deploy({"r.bpmn": NEW.replace(b'<process id="p"', b'<process id="r"').replace(b'name="A"', b'name="Check it"')})
    instance = engine.start("p")
    migrate(engine, instance, PLAN, to="r:1")
    with engine.app.store.begin(write=False) as connection:
        listed = connection.execute(sa.select(task_tables.task_candidate.c.task_name, task_tables.task_candidate.c.process_id)).all()
    assert [tuple(row) for row in listed] == [("Check it", "r")]
    engine.app.services.live.clear()
    assert engine.instance(instance).process_id == "r"
    engine.complete(engine.user_tasks(instance)[0].id)
    assert elements(engine, instance) == ["b"]


def test_lists_are_the_same_when_they_are_made_anew_from_the_records(engine):
    one = deployed(engine)
    two = engine.app.execute(cmd.Start(definition_id="p:1"), SYSTEM).instance_id
    engine.complete(engine.user_tasks(one)[0].id)
    migrate(engine, one)
    migrate(engine, two)
    undo(engine, two)
    before = derived(engine)
    rebuild(engine.app.store)
    assert derived(engine) == before


@pytest.mark.parametrize("last", [2, 3], ids=["before", "with"])
def test_a_snapshot_from_before_the_migration_or_made_with_it_is_of_use(engine, last):
    instance = deployed(engine)
    object.__setattr__(engine.app.services, "limits", Limits(snapshot_every=last))
    engine.app.execute(cmd.ChangeVariables(instance, {"n": 1}, WHY), ANN)
    migrate(engine, instance)  # record 3
    object.__setattr__(engine.app.services, "limits", Limits())
    engine.app.services.live.clear()
    engine.complete(engine.user_tasks(instance)[0].id)
    assert elements(engine, instance) == ["b"]
    assert [row[1] for row in rows(engine, tables.snapshot)] == [last]


def test_another_node_that_holds_the_instance_catches_up_over_the_border(nodes):
    one, two = nodes
    instance = deployed(one)
    (task,) = two.user_tasks(instance)
    with two.app.reading() as read:
        read.task_form(SYSTEM, task.id)
        read.open_elements(SYSTEM, instance)  # now the second node holds it, under version 1
    migrate(one, instance, actor=SYSTEM)
    two.complete(task.id)
    assert elements(two, instance) == ["b"]


def test_two_operators_at_once_migrate_it_once(nodes):
    one, two = nodes
    instance = deployed(one)
    outcomes = together(lambda: migrate(one, instance, actor=SYSTEM), lambda: migrate(two, instance, actor=SYSTEM))
    assert raised(outcomes) == ["InvalidInput"]


# --- refusing -------------------------------------------------------------------------------------------------------------------
def test_all_reasons_are_told_and_nothing_is_written(engine):
    instance = deployed(engine)
    with pytest.raises(MigrationRefused) as refused:
        migrate(engine, instance, {"start": "start"})
    assert json.loads(refused.value.data["problems"]) == [["unmapped", "a", "", ""]]
    assert (elements(engine, instance), engine.instance(instance).state) == (["a"], "active")
    with engine.app.reading() as read:
        assert read.instance(ANN, instance).seq == 1


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (lambda i: Migrate(i, "p:9", WHY), NotFound),
        (lambda i: Migrate("nothing", "p:2", WHY), NotFound),
        (lambda i: Migrate(i, "p:1", WHY), InvalidInput),
        (lambda i: Migrate(i, "p:2", " "), InvalidInput),
        (lambda i: Migrate(i, "p:2", WHY, {"a": 5}), InvalidInput),
        (lambda i: Migrate(i, "p:2", WHY, {str(n): "a" for n in range(10_001)}), LimitExceeded),
        (lambda i: UndoMigration(i, WHY), MigrationNotUndone),
    ],
)
def test_what_makes_no_sense(engine, command, error):
    instance = deployed(engine)
    with pytest.raises(error):
        engine.app.execute(command(instance), ANN)
    with pytest.raises(NotAllowed):
        engine.app.execute(command(instance), CLERK)


def test_an_instance_that_has_ended_stays_where_it_was(engine):
    instance = deployed(engine)
    engine.cancel(instance)
    for command in (Migrate(instance, "p:2", WHY), UndoMigration(instance, WHY)):
        with pytest.raises(InstanceNotActive):
            engine.app.execute(command, ANN)


def test_the_same_request_twice_is_one_migration(engine):
    instance = deployed(engine)
    assert migrate(engine, instance, request_id="r1") == migrate(engine, instance, request_id="r1")
    with pytest.raises(RequestIdReused):
        engine.app.execute(UndoMigration(instance, WHY), ANN, "r1")


def test_a_record_that_names_another_content_is_noticed(engine):
    instance = deployed(engine)
    migrate(engine, instance)
    content = engine.app.services.library.definition(None, "p:2").content_hash
    with engine.app.store.begin(write=True) as connection:
        changed = tables.process_definition.update().where(tables.process_definition.c.id == "p:2")
        connection.execute(changed.values(content_hash="other"))
    engine.app.services.library._definitions._held.clear()  # as a node that starts afresh
    with engine.app.reading() as read, pytest.raises(IntegrityViolation, match="p:2 has another content"):
        read.reexecute(SYSTEM, instance)
    with pytest.raises(IntegrityViolation, match="is not deployed"):
        rebuild(engine.app.store)
    with engine.app.store.begin(write=True) as connection:
        connection.execute(changed.values(content_hash=content))
    engine.app.services.library._definitions._held.clear()


# --- asking before ----------------------------------------------------------------------------------------------------------------
def test_each_instance_is_asked_before(engine):
    fits, other = deployed(engine), engine.app.execute(cmd.Start(definition_id="p:1"), SYSTEM).instance_id
    engine.complete(engine.user_tasks(other)[0].id)
    ended, there = engine.app.execute(cmd.Start(definition_id="p:1"), SYSTEM).instance_id, engine.start("p")
    engine.cancel(ended)
    plan = {"start": "start", "a": "check"}
    with engine.app.reading() as read:
        found = {one.instance_id: [p.why for p in one.problems] for one in read.check_migration(ANN, "p:2", [fits, other, ended, there], plan)}
        assert found == {fits: [], other: ["unmapped"], ended: ["ended"], there: ["there"]}
        with pytest.raises(NotAllowed):
            read.check_migration(CLERK, "p:2", [fits])
        with pytest.raises(LimitExceeded):
            read.check_migration(ANN, "p:2", [str(n) for n in range(201)])
        with pytest.raises(NotFound):
            read.check_migration(ANN, "p:2", ["nothing"])
        assert read.instance(ANN, fits).seq == 1
    engine.complete(engine.user_tasks(fits)[0].id)
    assert elements(engine, fits) == ["b"]


# --- taking back --------------------------------------------------------------------------------------------------------------------
def test_a_migration_is_taken_back_while_nothing_has_happened(engine):
    old = OLD.replace(b'<endEvent id="end"/>', LATE.format("a").encode() + b'<endEvent id="end"/>').replace(
        b"</process>", chain("late", "end").encode() + b"</process>"
    )
    instance = deployed(engine, old)
    before = derived(engine)
    engine.advance(600)
    migrate(engine, instance)
    assert rows(engine, tables.job) == []
    undo(engine, instance)
    after = derived(engine)
    assert {name: found for name, found in after.items() if name != "instance"} == {
        name: found for name, found in before.items() if name != "instance"
    }
    with engine.app.reading() as read:
        row, act = read.instance(ANN, instance), read.explanations(ANN, instance)[-1]
    assert (row.definition_id, act.details["undoes"], act.details["plan"]["check"]) == ("p:1", 2, "a")
    engine.app.services.live.clear()
    engine.advance(7200)
    assert engine.instance(instance).state == "completed"


@pytest.mark.parametrize("act", ["claim", "complete", "undo"])
def test_not_after_anything_else(engine, act):
    instance = deployed(engine)
    migrate(engine, instance)
    task = engine.user_tasks(instance)[0].id
    {
        "claim": lambda: engine.app.execute(cmd.Claim(task), CLERK),
        "complete": lambda: engine.complete(task),
        "undo": lambda: undo(engine, instance),
    }[act]()
    with pytest.raises(MigrationNotUndone, match=instance):
        undo(engine, instance)


# --- many -----------------------------------------------------------------------------------------------------------------------------
def order(engine, **values):
    return engine.app.execute(cmd.StartBulk("migrate", WHY, **values), ANN)


def remarks(engine, instance, count=1):
    for n in range(count):
        engine.app.execute(cmd.Comment(instance, f"looks good {n}"), ANN)
        engine.app.execute(cmd.Attach(instance, "a.txt", b"1", "text/plain"), ANN)


@pytest.mark.parametrize("cold", [False, True])
def test_remarks_and_files_are_nothing_that_has_happened(engine, cold):
    instance = deployed(engine)
    before = engine.user_tasks(instance)
    migrate(engine, instance)
    remarks(engine, instance, 12)  # more than are looked at together
    if cold:
        engine.app.services.live.clear()
    undo(engine, instance)
    remarks(engine, instance)
    with engine.app.reading() as read:
        row, act = read.instance(ANN, instance), read.explanations(ANN, instance)[-3]
    assert (row.definition_id, act.kind, act.details["undoes"]) == ("p:1", "MigrateInstance", 2)
    assert engine.user_tasks(instance) == before
    with pytest.raises(MigrationNotUndone):
        undo(engine, instance)


@pytest.mark.parametrize(
    "happening",
    [
        lambda i, task: cmd.Claim(task),
        lambda i, task: cmd.ChangeVariables(i, {"x": 1}, WHY),
        lambda i, task: cmd.Suspend(i, WHY),
        lambda i, task: cmd.Complete(task),
    ],
)
def test_whatever_else_has_happened_keeps_a_migration(engine, happening):
    instance = deployed(engine)
    migrate(engine, instance)
    remarks(engine, instance)
    engine.app.execute(happening(instance, engine.user_tasks(instance)[0].id), SYSTEM)
    remarks(engine, instance)
    with pytest.raises(MigrationNotUndone):
        undo(engine, instance)
    assert engine.app._transact(lambda uow: uow.bulks.fitting("undo", "p:2", None, 10)) == []


def test_all_that_were_migrated_last_are_taken_back_whatever_was_remarked(engine):
    one, two = deployed(engine), engine.app.execute(cmd.Start(definition_id="p:1"), SYSTEM).instance_id
    stays = engine.app.execute(cmd.Start(definition_id="p:2"), SYSTEM).instance_id
    for instance in (one, two):
        migrate(engine, instance)
    remarks(engine, two)
    remarks(engine, stays)
    row = engine.app.execute(cmd.StartBulk("undo", WHY, everything=True, definition_id="p:2"), ANN)
    engine.app.run_due()
    with engine.app.reading() as read:
        assert (read.bulk(ANN, row.id).done, read.bulk(ANN, row.id).total) == (2, 2)
        assert [read.instance(ANN, i).definition_id for i in (one, two, stays)] == ["p:1", "p:1", "p:2"]


def progress(engine, row):
    with engine.app.reading() as read:
        found = read.bulk(ANN, row.id)
        return found.state, found.done, found.refused, read.bulk_items(ANN, row.id).rows


def test_all_instances_of_a_version_are_migrated_as_jobs_with_a_reason_for_each_refusal(engine):
    fits, waits, ended = deployed(engine), *(engine.app.execute(cmd.Start(definition_id="p:1"), SYSTEM).instance_id for _ in range(2))
    suspended = engine.app.execute(cmd.Start(definition_id="p:1"), SYSTEM).instance_id
    engine.complete(engine.user_tasks(waits)[0].id)
    engine.cancel(ended)
    engine.app.execute(cmd.Suspend(suspended, WHY), ANN)
    row = order(engine, everything=True, definition_id="p:1", target="p:2", plan={"start": "start", "a": "check"})
    assert (row.total, row.parameters["plan"]) == (3, {"start": "start", "a": "check"})
    engine.app.run_due()
    state, done, refused, items = progress(engine, row)
    assert (state, done, refused) == ("finished", 2, 1)
    (reason,) = [one for one in items if one.state == "refused"]
    assert (reason.target, reason.kind, json.loads(reason.data["problems"])) == (waits, "MigrationRefused", [["unmapped", "b", "", ""]])
    assert [engine.instance(one).state for one in (fits, suspended)] == ["active", "suspended"]
    with engine.app.reading() as read:
        assert {read.instance(ANN, one).definition_id for one in (fits, suspended)} == {"p:2"}
        assert {read.explanations(ANN, one)[-1].actor for one in (fits, suspended)} == {"ann"}


def test_chosen_instances_are_migrated_by_the_plan_proposed_for_their_own_version(engine):
    one = deployed(engine)
    engine.deploy({"p.bpmn": NEW.replace(b'id="check"', b'id="look"').replace(b'"check"', b'"look"')})
    two = engine.app.execute(cmd.Start(definition_id="p:2"), SYSTEM).instance_id
    row = order(engine, targets=(one, two), target="p:3")
    engine.app.run_due()
    assert progress(engine, row)[:3] == ("finished", 2, 0)
    assert [elements(engine, i) for i in (one, two)] == [["look"], ["look"]]


@pytest.mark.parametrize(
    ("values", "error"), [({}, InvalidInput), ({"target": "p:9"}, NotFound), ({"target": "p:2", "plan": {"a": 1}}, InvalidInput)]
)
def test_what_cannot_be_ordered(engine, values, error):
    instance = deployed(engine)
    with pytest.raises(error):
        order(engine, targets=(instance,), **values)


def test_a_task_that_the_new_version_lacks_is_not_lost_by_accident(engine):
    """The plan leaves it out, so the instance stays where it is, and the person can go on."""
    instance = deployed(engine, OLD, process(START + named("x", "Other") + END + chain("start", "x", "end")))
    row = order(engine, everything=True, definition_id="p:1", target="p:2")
    engine.app.run_due()
    assert progress(engine, row)[1:3] == (0, 1)
    task = engine.user_tasks(instance)[0].id
    engine.complete(task)
    with pytest.raises(TaskNotOpen):
        engine.complete(task)
