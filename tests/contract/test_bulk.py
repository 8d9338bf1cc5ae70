"""The same act on many: progress, a reason for each refusal, and a crash at any moment neither repeats nor skips an item."""

from __future__ import annotations

import pytest

from engine.application import bulk
from engine.errors import Conflict, InvalidInput, NotAllowed, NotFound, RequestIdReused
from engine.model import commands as cmd
from engine.model.actors import SYSTEM, Actor
from engine.plugins import service_task
from engine.testing import EmbeddedEngine
from tests.support.diagrams import END, START, TWO_TASKS, chain, process
from tests.support.racing import raised, together

ANN = Actor("ann", "Ann", roles=frozenset({"operator"}))
WHY = "end of the quarter"


@pytest.fixture
def engine(url):
    with EmbeddedEngine(database=url) as one:
        one.app.execute(cmd.PutUser("ann", "Ann", ("operator",), password="long enough 1"), SYSTEM)
        one.deploy({"two.bpmn": TWO_TASKS})
        yield one


def start(engine, actor=ANN, **values):
    return engine.app.execute(cmd.StartBulk(reason=WHY, **values), actor)


def state(engine, row):
    with engine.app.reading() as read:
        found = read.bulk(ANN, row.id)
        return found.state, found.done, found.refused


def items(engine, row, wanted=None):
    with engine.app.reading() as read:
        return read.bulk_items(ANN, row.id, wanted).rows


def test_each_item_is_done_or_refused_with_its_reason(engine):
    alive, ended, unknown = engine.start("two"), engine.start("two"), "nothing"
    engine.cancel(ended)
    row = start(engine, act="suspend", targets=(alive, ended, unknown, alive))
    assert (row.total, state(engine, row)) == (3, ("running", 0, 0))
    engine.app.run_due()
    assert state(engine, row) == ("finished", 1, 2)
    assert [(i.target, i.state, i.kind) for i in items(engine, row)] == [
        (alive, "done", ""),
        (ended, "refused", "InstanceNotActive"),
        (unknown, "refused", "NotFound"),
    ]
    assert "is cancelled" in items(engine, row, "refused")[0].text
    with engine.app.reading() as read:
        act = read.explanations(SYSTEM, alive)[-1]
    assert (act.kind, act.actor, act.details["reason"]) == ("SuspendInstance", "ann", WHY)


def test_all_that_an_act_fits_to(engine):
    instances = [engine.start("two", {"n": n}) for n in range(3)]
    engine.cancel(instances[2])
    for act, expected in (("suspend", "suspended"), ("resume", "active"), ("cancel", "cancelled")):
        row = start(engine, act=act, everything=True, definition_id="two:1")
        engine.app.run_due()
        assert (state(engine, row), {engine.instance(i).state for i in instances[:2]}) == (("finished", 2, 0), {expected})
    with pytest.raises(InvalidInput, match="Nothing was chosen"):
        start(engine, act="suspend", everything=True, definition_id="two:1")


def test_tokens_are_moved_and_variables_changed(engine):
    here, there = engine.start("two"), engine.start("two")
    engine.complete(engine.user_tasks(there)[0].id)
    row = start(engine, act="move", targets=(here, there), element="a", target="b", variables={"moved": True})
    engine.app.run_due()
    assert state(engine, row) == ("finished", 1, 1)
    assert "a is not open in instance" in items(engine, row, "refused")[0].text
    assert ([t.element_id for t in engine.user_tasks(here)], engine.variables(here)) == (["b"], {"moved": True})
    start(engine, act="change", targets=(here, there), variables={"x": [1]})
    engine.app.run_due()
    assert [engine.variables(i)["x"] for i in (here, there)] == [[1], [1]]


def test_incidents_of_a_definition_are_tried_again(url):
    broken = [True]

    @service_task("call")
    def call(_context):
        if broken:
            raise OSError("disk full")

    xml = process(START + '<serviceTask id="do" flowledger:handler="call" flowledger:retry="R1/PT1S"/>' + END + chain("start", "do", "end"))
    with EmbeddedEngine(database=url, handlers=[call]) as engine:
        engine.app.execute(cmd.PutUser("ann", "Ann", ("operator",), password="long enough 1"), SYSTEM)
        engine.deploy({"p.bpmn": xml})
        instances = [engine.start("p") for _ in range(5)]
        broken.clear()
        one = start(engine, act="retry", targets=(instances[0],))
        engine.app.run_due()
        rest = start(engine, act="retry", everything=True, definition_id="p:1", element="do")
        engine.app.run_due()
        assert (state(engine, one), state(engine, rest)) == (("finished", 1, 0), ("finished", 4, 0))
        assert {engine.instance(i).state for i in instances} == {"completed"}


def test_after_a_crash_it_goes_on_where_it_was(engine, monkeypatch):
    """The process ends after the act and before the commit of an item: nothing of that item is there, and it is done once afterwards."""
    instances = [engine.start("two", {"n": []}) for _ in range(6)]
    row = start(engine, act="change", targets=tuple(instances), variables={"x": 1})
    assert engine.app.run_due(2) == 2
    honest, crashes = bulk._go_on, []

    def crash(*args):
        if not crashes:
            crashes.append(1)
            raise SystemExit
        honest(*args)

    monkeypatch.setattr(bulk, "_go_on", crash)
    with pytest.raises(SystemExit):
        engine.app.run_due()
    engine.app.services.live.clear()
    assert state(engine, row) == ("running", 2, 0)
    engine.app.run_due()
    assert state(engine, row) == ("finished", 6, 0)
    for instance in instances:
        with engine.app.reading() as read:
            assert [e.kind for e in read.explanations(SYSTEM, instance)] == ["StartInstance", "SetVariables"]


def test_a_technical_failure_is_tried_again_and_then_an_answer_too(engine, monkeypatch):
    one, two = engine.start("two"), engine.start("two")
    honest = bulk.ACTS["suspend"]

    def unlucky(uow, services, target, row, actor):
        if target == one:
            raise RuntimeError("no luck")
        honest(uow, services, target, row, actor)

    monkeypatch.setitem(bulk.ACTS, "suspend", unlucky)
    row = start(engine, act="suspend", targets=(one, two))
    engine.app.run_due()
    assert state(engine, row) == ("running", 0, 0)
    engine.advance(3600)
    assert state(engine, row) == ("finished", 1, 1)
    assert items(engine, row, "refused")[0].text == "RuntimeError: no luck"


def test_several_workers_do_each_item_once(nodes):
    one, two = nodes
    one.app.execute(cmd.PutUser("ann", "Ann", ("operator",), password="long enough 1"), SYSTEM)
    one.deploy({"two.bpmn": TWO_TASKS})
    instances = [one.start("two") for _ in range(12)]
    row = start(one, act="change", targets=tuple(instances), variables={"x": 1})
    assert not raised(together(one.app.run_due, two.app.run_due, one.app.run_due, two.app.run_due))
    one.app.run_due()
    assert state(one, row) == ("finished", 12, 0)
    for instance in instances:
        with two.app.reading() as read:
            assert len(read.explanations(SYSTEM, instance)) == 2


def test_it_can_be_stopped(engine):
    instances = [engine.start("two") for _ in range(4)]
    row = start(engine, act="suspend", targets=tuple(instances))
    engine.app.run_due(1)
    assert engine.app.execute(cmd.StopBulk(row.id), ANN).state == "stopped"
    engine.app.run_due()
    assert state(engine, row) == ("stopped", 1, 0)
    assert [i.state for i in items(engine, row)] == ["done", "waiting", "waiting", "waiting"]
    with pytest.raises(Conflict):
        engine.app.execute(cmd.StopBulk(row.id), ANN)


def test_it_acts_with_the_rights_that_its_owner_has_then(engine):
    instance = engine.start("two")
    row = start(engine, act="suspend", targets=(instance,))
    engine.app.execute(cmd.PutUser("ann", "Ann", ("auditor",)), SYSTEM)
    engine.app.run_due()
    assert (state(engine, row), engine.instance(instance).state) == (("finished", 0, 1), "active")


def test_other_due_work_has_its_turn_between_two_items(engine):
    instances = [engine.start("two") for _ in range(3)]
    first = start(engine, act="suspend", targets=tuple(instances))
    second = start(engine, act="resume", targets=tuple(instances))
    engine.app.run_due(2)
    assert (state(engine, first)[1], state(engine, second)[1]) == (1, 1)


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({"act": "explode", "targets": ("x",)}, InvalidInput),
        ({"act": "suspend"}, InvalidInput),
        ({"act": "suspend", "targets": (" ",)}, InvalidInput),
        ({"act": "change", "targets": ("x",)}, InvalidInput),
        ({"act": "move", "targets": ("x",), "element": "a"}, InvalidInput),
        ({"act": "suspend", "everything": True}, InvalidInput),
        ({"act": "suspend", "everything": True, "definition_id": "no:1"}, NotFound),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(engine, values, refusal):
    with pytest.raises(refusal):
        start(engine, **values)
    with pytest.raises(NotAllowed):
        start(engine, Actor("x", roles=frozenset({"staff"})), **values)
    with engine.app.reading() as read:
        assert read.bulks(ANN) == []


# --- the same request again -----------------------------------------------------------------------------------------------
def test_the_same_request_again_starts_no_second_operation(engine):
    task = engine.start("two")
    ask = cmd.StartBulk("suspend", WHY, (task,))
    first = engine.app.execute(ask, ANN, "r-1")
    again = engine.app.execute(ask, ANN, "r-1")
    assert again == first
    engine.app.run_due()
    assert engine.app.execute(ask, ANN, "r-1").done == 1, "the operation as far as it is"
    with engine.app.reading() as read:
        assert [row.id for row in read.bulks(ANN)] == [first.id]
    with pytest.raises(RequestIdReused):
        engine.app.execute(cmd.PublishMessage("m"), ANN, "r-1")
    with pytest.raises(NotAllowed):
        engine.app.execute(ask, SYSTEM, "r-1")


def test_the_same_request_at_the_same_time_starts_one_operation(nodes):
    one, two = nodes
    one.deploy({"two.bpmn": TWO_TASKS})
    ask = cmd.StartBulk("suspend", WHY, (one.start("two"),))
    results = together(*((lambda e=e: e.app.execute(ask, SYSTEM, "r-1")) for e in (one, two) * 2))
    assert not raised(results)
    with one.app.reading() as read:
        assert len(read.bulks(SYSTEM)) == 1


def test_other_acts_that_leave_no_record_answer_the_same_request_as_the_first_time(engine):
    row = start(engine, act="cancel", targets=(engine.start("two"),))
    stop = cmd.StopBulk(row.id)
    assert engine.app.execute(stop, ANN, "r-1").state == engine.app.execute(stop, ANN, "r-1").state == "stopped"
    with pytest.raises(RequestIdReused):
        engine.app.execute(cmd.StopBulk("another"), ANN, "r-1")
    with engine.app.reading() as read:
        [version] = [d.id for d in read.definitions(SYSTEM)]
    for request, act in (("r-2", cmd.SuspendDefinition(version, WHY)), ("r-3", cmd.ResumeDefinition(version, WHY))):
        for _ in range(2):
            assert engine.app.execute(act, ANN, request) is None
    with engine.app.reading() as read:
        assert [done.act for done in read.definition_acts(ANN, version)] == ["resume", "suspend"]
