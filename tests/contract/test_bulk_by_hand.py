"""Completing, failing and taking migrations back on many instances: every open occurrence of an element, a record each, all of an instance or nothing of it."""

from __future__ import annotations

import pytest

from engine.application import bulk
from engine.application.advance import execution_at
from engine.errors import Conflict, InvalidInput, NotFound
from engine.model import commands as cmd
from engine.model.actors import SYSTEM, Actor
from engine.model.migration import Migrate
from engine.plugins import service_task
from engine.testing import EmbeddedEngine
from tests.support.diagrams import END, START, TWO_TASKS, chain, document, process, user

ANN = Actor("ann", "Ann", roles=frozenset({"operator"}))
WHY = "end of the quarter"
JOB = '<serviceTask id="do" flowledger:handler="call" flowledger:retry="R{}/PT1H">{}</serviceTask>'
CAUGHT = (
    '<boundaryEvent id="caught" attachedToRef="do"><errorEventDefinition errorRef="E"/></boundaryEvent>' + chain("caught", "after") + user("after")
)
ERROR = '<error id="E" errorCode="lost"/>'
THREE = "<multiInstanceLoopCharacteristics><loopCardinality>3</loopCardinality>{}</multiInstanceLoopCharacteristics>"


@pytest.fixture
def engine(url):
    @service_task("call")
    def call(_context):
        raise OSError("disk full")

    with EmbeddedEngine(database=url, handlers=[call]) as one:
        one.app.execute(cmd.PutUser("ann", "Ann", ("operator",), password="long enough 1"), SYSTEM)
        one.deploy({"two.bpmn": TWO_TASKS})
        yield one


def start(engine, actor=ANN, **values):
    return engine.app.execute(cmd.StartBulk(reason=WHY, **values), actor)


def ended(engine, **values):
    """(done, refused, texts of the refusals)"""
    row = start(engine, **values)
    engine.app.run_due()
    with engine.app.reading() as read:
        found = read.bulk(ANN, row.id)
        return found.done, found.refused, [item.text for item in read.bulk_items(ANN, row.id, "refused").rows]


def acts(engine, instance):
    with engine.app.reading() as read:
        return [(e.kind, e.actor) for e in read.explanations(SYSTEM, instance)][1:]


def places(engine, instance):
    with engine.app.reading() as read:
        return [e.element_id for e in read.open_elements(SYSTEM, instance)]


def with_job(attempts=2, more="", inner=""):
    """A job that fails: after `attempts` an hour apart it stands as an incident."""
    job = JOB.format(attempts, inner)
    return document(f'{ERROR}<process id="p" isExecutable="true">{START}{job}{more}{END}{chain("start", "do", "end")}</process>')


# --- complete -----------------------------------------------------------------------------------------------------------------
def test_an_element_is_completed_by_hand_in_each_instance(engine):
    here, there, gone = (engine.start("two") for _ in range(3))
    engine.complete(engine.user_tasks(there)[0].id)
    engine.cancel(gone)
    done, refused, why = ended(engine, act="complete", targets=(here, there, gone), element="a", variables={"by": "hand"})
    assert (done, refused) == (1, 2)
    assert why[0] == f"a is not open in instance {there}."
    assert "is cancelled" in why[1]
    assert (places(engine, here), engine.variables(here), acts(engine, here)) == (["b"], {"by": "hand"}, [("CompleteUserTask", "ann")])


def test_each_occurrence_is_completed_and_what_an_earlier_one_took_away_is_passed_over(engine):
    condition = "<completionCondition>numberOfCompletedInstances == 2</completionCondition>"
    loops = {
        f"{n}.bpmn": process(START + user("a", inner=THREE.format(c)) + END + chain("start", "a", "end"), n)
        for n, c in (("all", ""), ("two3", condition))
    }
    engine.deploy(loops)
    whole, some = engine.start("all"), engine.start("two3")
    assert ended(engine, act="complete", targets=(whole, some), element="a")[:2] == (2, 0)
    assert [engine.instance(i).state for i in (whole, some)] == ["completed", "completed"]
    assert [len(acts(engine, i)) for i in (whole, some)] == [3, 2]


def test_incidents_are_completed_by_their_work_ids_without_an_element(engine):
    engine.deploy({"p.bpmn": with_job(attempts=1)})
    instances = [engine.start("p") for _ in range(2)]
    engine.app.run_due()
    with engine.app.reading() as read:
        incidents = tuple(i.id for i in read.incidents(ANN, open_only=True))
    assert len(incidents) == 2
    assert ended(engine, act="complete", targets=incidents, variables={"sent": True})[:2] == (2, 0)
    assert [(engine.instance(i).state, engine.variables(i)) for i in instances] == [("completed", {"sent": True})] * 2


def test_all_of_a_version(engine):
    instances = [engine.start("two") for _ in range(2)]
    assert ended(engine, act="complete", everything=True, definition_id="two:1", element="a")[:2] == (2, 0)
    assert [places(engine, i) for i in instances] == [["b"], ["b"]]


# --- fail ---------------------------------------------------------------------------------------------------------------------
def test_an_element_fails_with_an_error_that_the_diagram_catches(engine):
    engine.deploy({"p.bpmn": with_job(more=CAUGHT)})
    standing = engine.start("p")
    engine.app.run_due()
    assert places(engine, standing) == ["do"]
    assert ended(engine, act="fail", targets=(standing,), element="do", code="lost", variables={"n": 1})[:2] == (1, 0)
    assert (places(engine, standing), acts(engine, standing)[-1]) == (["after"], ("ThrowJobError", "ann"))


def test_a_code_that_nothing_catches_is_the_reason_of_the_refusal(engine):
    instance = engine.start("two")
    done, refused, why = ended(engine, act="fail", targets=(instance,), element="a", code="lost")
    assert (done, refused) == (0, 1)
    assert "Nothing catches the error lost at a" in why[0]
    assert places(engine, instance) == ["a"]


def test_what_is_refused_at_one_occurrence_leaves_the_whole_instance_as_it_was(engine):
    """Of three jobs one stands already: the failure of the first of the others is rolled back, and nobody goes on from where it would have led."""
    engine.deploy({"p.bpmn": with_job(inner=THREE.format(""))})
    instance = engine.start("p")
    engine.app.run_due()
    with engine.app.reading() as read:
        works = [one.id for one in read.open_elements(ANN, instance)]
    engine.app.execute(cmd.FailByHand(works[-1], WHY), ANN)
    before = acts(engine, instance)
    done, refused, why = ended(engine, act="fail", targets=(instance,), element="do")
    assert (done, refused, why) == (0, 1, ["do stands with an incident already."])
    assert acts(engine, instance) == before
    with engine.app.reading() as read:
        head = read.instance(SYSTEM, instance).seq
    assert (engine.app.services.live.at(instance) or 0) <= head, "no execution that saw what was rolled back"
    assert ended(engine, act="fail", targets=tuple(works[:2]))[:2] == (2, 0)
    engine.check()


def test_no_execution_is_kept_that_saw_more_than_a_refused_item_wrote(engine, monkeypatch):
    """A check between two acts on one instance may have put it back for others, at a record of the first act that is rolled back."""
    instance = engine.start("two")

    def refusing(uow, services, target, row, actor):
        bulk.ACTS["suspend"](uow, services, target, row, actor)
        head = uow.instances.head(target)
        services.live.put(target, head.seq, execution_at(uow, services, head))
        raise Conflict

    monkeypatch.setitem(bulk.ACTS, "cancel", refusing)
    assert ended(engine, act="cancel", targets=(instance,))[:2] == (0, 1)
    assert engine.app.services.live.at(instance) is None
    assert engine.instance(instance).state == "active"


# --- undo ---------------------------------------------------------------------------------------------------------------------
@pytest.fixture
def migrated(engine):
    """Three instances of two:1, and the operation that migrated them to two:2."""
    instances = [engine.start("two", {"n": n}) for n in range(3)]
    engine.deploy({"two.bpmn": TWO_TASKS.replace(b'name="B"', b'name="Second"')})
    row = start(engine, act="migrate", targets=tuple(instances), target="two:2")
    with pytest.raises(Conflict, match="is running"):
        start(engine, act="undo", operation=row.id)
    engine.app.run_due()
    assert versions(engine, instances) == ["two:2"] * 3
    return instances, row.id


def versions(engine, instances):
    with engine.app.reading() as read:
        return [read.instance(SYSTEM, i).definition_id for i in instances]


def test_what_an_operation_migrated_is_taken_back_where_nothing_has_happened_since(engine, migrated):
    instances, operation = migrated
    engine.complete(engine.user_tasks(instances[1])[0].id)
    done, refused, why = ended(engine, act="undo", operation=operation)
    assert (done, refused) == (2, 1)
    assert "something has happened since" in why[0]
    assert versions(engine, instances) == ["two:1", "two:2", "two:1"]
    assert acts(engine, instances[0]) == [("MigrateInstance", "ann")] * 2


def test_a_later_migration_is_not_taken_back_in_its_place(engine, migrated):
    instances, operation = migrated
    engine.deploy({"two.bpmn": TWO_TASKS.replace(b'name="B"', b'name="Third"')})
    engine.app.execute(Migrate(instances[0], "two:3", WHY), ANN)
    assert ended(engine, act="undo", operation=operation)[:2] == (2, 1)
    assert versions(engine, instances) == ["two:3", "two:1", "two:1"]


def test_all_of_a_version_whose_newest_record_is_a_migration(engine, migrated):
    instances, _ = migrated
    engine.complete(engine.user_tasks(instances[1])[0].id)
    engine.start("two")
    assert ended(engine, act="undo", everything=True, definition_id="two:2")[:2] == (2, 0)
    assert versions(engine, instances) == ["two:1", "two:2", "two:1"]
    with pytest.raises(InvalidInput, match="Nothing was chosen"):
        start(engine, act="undo", everything=True, definition_id="two:2")


# --- what makes no sense --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({"act": "complete", "targets": ("x",)}, InvalidInput),
        ({"act": "fail", "targets": ("x-1", "x"), "code": "lost"}, InvalidInput),
        ({"act": "complete", "everything": True, "definition_id": "two:1"}, InvalidInput),
        ({"act": "fail", "targets": ("x-1",), "variables": {"n": 1}}, InvalidInput),
        ({"act": "undo", "operation": "nothing"}, NotFound),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(engine, values, refusal):
    with pytest.raises(refusal):
        start(engine, **values)


def test_only_a_migration_of_many_is_taken_back(engine, migrated):
    instances, operation = migrated
    other = start(engine, act="suspend", targets=tuple(instances))
    engine.app.run_due()
    for values in ({"act": "undo", "operation": other.id}, {"act": "cancel", "operation": operation}):
        with pytest.raises(InvalidInput, match="Only a migration of many"):
            start(engine, **values)
