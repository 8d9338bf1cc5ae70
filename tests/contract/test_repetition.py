"""Every command twice under one request id: the first answer, and nothing is done twice. Another command under that id is refused, not acknowledged.

What is compared at the end are all rows of all tables.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
import sqlalchemy as sa

from engine.application.dispatch import HANDLERS
from engine.errors import Conflict, NotAllowed, RequestIdReused
from engine.model import commands as cmd
from engine.model.actors import ROLES, SYSTEM, Actor
from engine.model.migration import Migrate, UndoMigration
from engine.model.stuck_jobs import DiscardJob, RetryJob
from engine.model.views import UserRow
from engine.ports import Due
from engine.store import tables
from engine.store.login import hash_password
from tests.support.diagrams import END, START, chain, document, flow, process, user

ANN = Actor("ann", "Ann", frozenset({"clerks"}), frozenset(ROLES))
BEN = Actor("ben", "Ben", frozenset({"clerks"}), frozenset(ROLES))
WHY, OTHER, KEY = "the first reason", "another reason", "K1"
TIMER = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
MANY = document(
    '<message id="m" name="paid"/><message id="o" name="ordered"/><signal id="s" name="stop"/><error id="e" errorCode="wrong"/>',
    '<process id="many" isExecutable="true">',
    START,
    '<startEvent id="ordered"><messageEventDefinition messageRef="o"/></startEvent><exclusiveGateway id="or"/><parallelGateway id="fork"/>',
    user("a", 'camunda:candidateGroups="clerks"') + user("b", 'camunda:candidateGroups="clerks"'),
    '<boundaryEvent id="caught" attachedToRef="a"><errorEventDefinition errorRef="e"/></boundaryEvent>',
    f'<intermediateCatchEvent id="later">{TIMER}</intermediateCatchEvent><intermediateCatchEvent id="latest">{TIMER}</intermediateCatchEvent>',
    '<intermediateCatchEvent id="paid"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>',
    '<intermediateCatchEvent id="stop"><signalEventDefinition signalRef="s"/></intermediateCatchEvent>',
    '<scriptTask id="fails" scriptFormat="python"><script>x = unknown</script></scriptTask>',
    f'<adHocSubProcess id="free">{user("call")}{user("write")}<completionCondition>False</completionCondition></adHocSubProcess>',
    END,
    chain("start", "or", "fork", "a", "end")
    + chain("ordered", "or")
    + chain("fork", "b", "end")
    + chain("fork", "later", "end")
    + chain("fork", "latest", "end"),
    chain("fork", "paid", "end")
    + chain("fork", "stop", "end")
    + chain("fork", "fails", "end")
    + chain("fork", "free", "end")
    + flow("caught", "end"),
    "</process>",
)


def version(name, process_id="p"):
    return process(START + f'<userTask id="a" name="{name}"/>' + user("b") + END + chain("start", "a", "b", "end"), process_id)


hashed = cache(hash_password)  # once: it is made to take its time


class World:
    """What commands are done to. Other ids of work: `work[element]`."""

    def __init__(self, engine):
        self.engine = engine
        for person in ("ann", "ben"):
            user = UserRow(person, person, ("staff", "operator"), ("clerks",), True, "zh", "UTC")
            engine.app._transact(lambda uow, user=user: uow.accounts.put(user, hashed("long enough 1")))
        engine.deploy({"many.bpmn": MANY})
        engine.deploy({"p.bpmn": version("One")})
        self.old = self.do(cmd.Start("p")).instance_id
        engine.deploy({"p.bpmn": version("Two")})
        self.instance, self.second = self.do(cmd.Start("many")).instance_id, self.do(cmd.Start("many")).instance_id
        self.work = self.elements(self.instance)

    def do(self, command, actor=SYSTEM, request_id=None):
        return self.engine.app.execute(command, actor, request_id)

    def elements(self, instance):
        with self.engine.app.reading() as read:
            return {one.element_id: one.id for one in read.open_elements(SYSTEM, instance)}

    def timer(self, element="later"):
        """The id of the job, which the element itself does not have."""
        with self.engine.app.reading() as read:
            [wait] = next(one.waits for one in read.open_elements(SYSTEM, self.instance) if one.element_id == element)
        return wait.id

    def incident(self):
        with self.engine.app.reading() as read:
            return read.incidents(SYSTEM, self.instance, open_only=True)[0].id

    def stuck(self, job_id):
        due = Due(job_id, "mail", None, None, "", None, {}, self.engine.clock.now(), attempts=3, retries=3, state="failed")
        self.engine.app._transact(lambda uow: uow.jobs.add(due))
        return job_id

    def draft(self):
        return self.do(cmd.SaveModelDraft("<one/>", "p"), ANN).id

    def token(self):
        self.do(cmd.IssueToken("kept"), ANN)
        with self.engine.app.reading() as read:
            return read.tokens(ANN)[0].id


@pytest.fixture
def world(engine):
    return World(engine)


def after(first, command):
    """The command, once another one was done before."""

    def make(world):
        world.do(first(world), ANN)
        return command(world)

    return make


# By command: how one is made, and the changes after each of which it is another one.
COMMANDS = {
    cmd.Deploy: (lambda w: cmd.Deploy({"p.bpmn": version("Three")}, "first"), {"files": {"p.bpmn": version("Four")}, "comment": "second"}),
    cmd.SaveModelDraft: (lambda w: cmd.SaveModelDraft("<two/>", "p", "p:1"), {"xml": "<three/>", "process_id": "q"}),
    cmd.DiscardModelDraft: (lambda w: cmd.DiscardModelDraft(w.draft()), {"draft_id": "other"}),
    cmd.Start: (
        lambda w: cmd.Start("p", {"x": 1}, "B-1"),
        {"process_id": "many", "variables": {"x": True}, "business_key": "B-2", "definition_id": "p:1"},
    ),
    cmd.Cancel: (lambda w: cmd.Cancel(w.instance, f" {WHY} "), {"instance_id": lambda w: w.second, "reason": OTHER}),
    cmd.ChangeVariables: (
        lambda w: cmd.ChangeVariables(w.instance, {"x": "e\u0301"}, WHY),
        {"instance_id": lambda w: w.second, "variables": {"y": 1}, "reason": OTHER},
    ),
    cmd.RetryIncident: (
        lambda w: cmd.RetryIncident(w.incident(), WHY, {"unknown": 1}),
        {"incident_id": lambda w: w.work["a"], "reason": OTHER, "variables": {}},
    ),
    RetryJob: (lambda w: RetryJob(w.stuck("j"), WHY), {"job_id": lambda w: w.stuck("k"), "reason": OTHER}),
    DiscardJob: (lambda w: DiscardJob(w.stuck("j"), WHY), {"job_id": lambda w: w.stuck("k"), "reason": OTHER}),
    cmd.CompleteByHand: (
        lambda w: cmd.CompleteByHand(w.work["later"], WHY),
        {"work_id": lambda w: w.work["latest"], "reason": OTHER, "variables": {"x": 1}},
    ),
    cmd.FailByHand: (
        lambda w: cmd.FailByHand(w.work["a"], WHY, "wrong", {"x": 1}),
        {"work_id": lambda w: w.work["b"], "reason": OTHER, "code": None, "variables": {}},
    ),
    cmd.MoveToken: (
        lambda w: cmd.MoveToken(w.work["a"], "b", WHY, {"x": 1}, "a"),
        {"work_id": lambda w: w.work["later"], "target": "later", "reason": OTHER, "variables": {}},
    ),
    Migrate: (
        lambda w: Migrate(w.old, "p:2", WHY, {"start": "start", "a": "a"}),
        {"instance_id": lambda w: w.second, "definition_id": "many:1", "reason": OTHER, "plan": {"a": "b"}},
    ),
    UndoMigration: (
        after(lambda w: Migrate(w.old, "p:2", WHY), lambda w: UndoMigration(w.old, WHY)),
        {"instance_id": lambda w: w.second, "reason": OTHER},
    ),
    cmd.Suspend: (lambda w: cmd.Suspend(w.instance, WHY), {"instance_id": lambda w: w.second, "reason": OTHER}),
    cmd.Resume: (
        after(lambda w: cmd.Suspend(w.instance, WHY), lambda w: cmd.Resume(w.instance, WHY)),
        {"instance_id": lambda w: w.second, "reason": OTHER},
    ),
    cmd.SuspendDefinition: (lambda w: cmd.SuspendDefinition("p:1", WHY), {"definition_id": "p:2", "reason": OTHER}),
    cmd.ResumeDefinition: (
        after(lambda w: cmd.SuspendDefinition("p:1", WHY), lambda w: cmd.ResumeDefinition("p:1", WHY)),
        {"definition_id": "p:2", "reason": OTHER},
    ),
    cmd.StartBulk: (
        lambda w: cmd.StartBulk("cancel", WHY, (w.instance,)),
        {"act": "suspend", "targets": lambda w: (w.second,), "reason": OTHER},
    ),
    cmd.StopBulk: (lambda w: cmd.StopBulk(w.do(cmd.StartBulk("cancel", WHY, (w.instance,)), ANN).id), {"bulk_id": "other"}),
    cmd.StartActivity: (
        lambda w: cmd.StartActivity(w.instance, "call"),
        {"instance_id": lambda w: w.second, "element_id": "write", "key": lambda w: int(w.work["free"].rpartition("-")[2])},
    ),
    cmd.Comment: (
        lambda w: cmd.Comment(w.instance, " seen\r\n", w.work["a"]),
        {"text": "not seen", "task_id": None, "instance_id": lambda w: w.second},
    ),
    cmd.Attach: (
        lambda w: cmd.Attach(w.instance, "C:\\a.txt", b"1", "text/plain"),
        {"name": "b.txt", "data": b"2", "media_type": "text/html", "task_id": lambda w: w.work["a"]},
    ),
    cmd.PublishMessage: (
        lambda w: cmd.PublishMessage("nobody", {"x": 1}, "B-1"),
        {"name": "paid", "payload": {"x": 2}, "correlation_key": "B-2", "keep_seconds": 0},
    ),
    cmd.BroadcastSignal: (lambda w: cmd.BroadcastSignal("stop", {"x": 1}), {"name": "go", "payload": {}}),
    cmd.Complete: (lambda w: cmd.Complete(w.work["a"], {"x": 1}), {"task_id": lambda w: w.work["b"], "values": {"x": 2}}),
    cmd.Claim: (lambda w: cmd.Claim(w.work["a"]), {"task_id": lambda w: w.work["b"]}),
    cmd.Release: (after(lambda w: cmd.Claim(w.work["a"]), lambda w: cmd.Release(w.work["a"])), {"task_id": lambda w: w.work["b"]}),
    cmd.HandOver: (lambda w: cmd.HandOver(w.work["a"], "ben", WHY), {"task_id": lambda w: w.work["b"], "assignee": "cat", "reason": OTHER}),
    cmd.SaveDraft: (lambda w: cmd.SaveDraft(w.work["a"], {"x": "1"}), {"task_id": lambda w: w.work["b"], "values": {"x": "2"}}),
    cmd.PutUser: (
        lambda w: cmd.PutUser("cat", "Cat", password="long enough 2"),
        {"name": "Tom", "active": False, "password": "long enough 3", "user_id": "ben"},
    ),
    cmd.SetPreferences: (lambda w: cmd.SetPreferences("en", "UTC"), {"language": "zh", "email": "ann@example.com"}),
    cmd.ChangePassword: (lambda w: cmd.ChangePassword("long enough 1", "long enough 2"), {"old": "long enough 2", "new": "long enough 3"}),
    cmd.IssueToken: (lambda w: cmd.IssueToken("one", datetime(2027, 1, 1, tzinfo=UTC)), {"label": "two", "expires": None}),
    cmd.RevokeToken: (lambda w: cmd.RevokeToken(w.token()), {"token_id": "other"}),
}


def everything(engine):
    with engine.app.store.begin(write=False) as connection:
        return {t.name: sorted(map(repr, connection.execute(sa.select(t)))) for t in tables.metadata.sorted_tables}


def test_every_command_is_here():
    assert set(COMMANDS) == set(HANDLERS)


@pytest.mark.parametrize("kind", COMMANDS, ids=lambda kind: kind.__name__)
def test_a_command_twice_gives_the_first_answer_and_another_one_is_refused(world, kind):
    make, changes = COMMANDS[kind]
    command = make(world)
    others = [replace(command, **{field: value(world) if callable(value) else value}) for field, value in changes.items()]
    first = world.do(command, ANN, KEY)
    held = everything(world.engine)
    if kind is cmd.IssueToken:
        assert first not in repr(held), "a secret is told once and kept nowhere"
        with pytest.raises(Conflict, match="issued a token already"):
            world.do(command, ANN, KEY)
    else:
        assert world.do(command, ANN, KEY) == first
    with pytest.raises(NotAllowed):
        world.do(command, BEN, KEY)
    for other in others:
        with pytest.raises(RequestIdReused):
            world.do(other, ANN, KEY)
    assert everything(world.engine) == held


# --- deployments ----------------------------------------------------------------------------------------------------------------
def test_a_deployment_that_is_repeated_late_rolls_nothing_back(world):
    one, two = cmd.Deploy({"p.bpmn": version("Three")}), cmd.Deploy({"p.bpmn": version("Four")})
    first = world.do(one, ANN, "K1")
    world.do(two, ANN, "K2")
    assert world.do(one, ANN, "K1") == first
    assert [one.id for one in first.definitions] == ["p:3"]
    with world.engine.app.store.begin(write=False) as connection:
        assert connection.scalar(sa.select(sa.func.max(tables.process_definition.c.version))) == 4


def test_its_answer_tells_the_warnings_too(world):
    command = cmd.Deploy({"w.bpmn": process(START + user("a", 'camunda:formKey="none"') + END + chain("start", "a", "end"), "w")})
    first = world.do(command, ANN, KEY)
    assert [one.rule for one in first.warnings] == ["form-missing"]
    assert world.do(command, ANN, KEY) == first


# --- what the record tells otherwise ------------------------------------------------------------------------------------------------
def test_an_account_that_was_closed_meanwhile_is_not_opened_again(world):
    command = cmd.PutUser("cat", "Cat", password="long enough 2")
    world.do(command, ANN, KEY)
    world.do(cmd.PutUser("cat", "Cat", active=False), ANN)
    assert "long enough 2" not in repr(everything(world.engine))
    assert world.do(command, ANN, KEY) is None
    with world.engine.app.reading() as read:
        assert not next(one for one in read.users(ANN) if one.id == "cat").active


@pytest.mark.parametrize("command", [lambda w: cmd.CompleteByHand(w.timer(), WHY), lambda w: cmd.FailByHand(w.timer(), WHY)])
def test_a_timer_by_its_own_id(world, command):
    made = command(world)
    first = world.do(made, ANN, KEY)
    assert world.do(made, ANN, KEY) == first
    with pytest.raises(RequestIdReused):
        world.do(replace(made, work_id=world.timer("latest")), ANN, KEY)


def test_work_that_is_completed_by_hand_is_not_taken_for_ones_own_completion(world):
    world.do(cmd.CompleteByHand(world.work["a"], WHY, {"x": 1}), ANN, KEY)
    with pytest.raises(RequestIdReused):
        world.do(cmd.Complete(world.work["a"], {"x": 1}), ANN, KEY)


def test_texts_that_records_hold_in_another_form_are_known_again(world):
    """Blanks around a reason are not kept; names are in one form of Unicode, in which they sort otherwise."""
    apart = {"Gro\u0308\u00dfe": 1, "Grundlage": 2, "o": {"e\u0301": 1, "f": 2}}
    for command, key in (
        (cmd.CompleteByHand(world.work["a"], f" {WHY}\n", {"x": 1}), "K1"),
        (cmd.Start("p", apart), "K2"),
        (cmd.ChangeVariables(world.second, apart, WHY), "K3"),
    ):
        assert world.do(command, ANN, key) == world.do(command, ANN, key)


@pytest.mark.parametrize(
    "command",
    [
        lambda w: cmd.ChangeVariables(w.instance, {"x": 1}, WHY),
        lambda w: cmd.Comment(w.instance, "we wait"),
        lambda w: cmd.Claim(w.work["a"]),
    ],
)
def test_the_answer_tells_the_state_of_then(world, command):
    world.do(cmd.Suspend(world.instance, WHY), ANN)
    made = command(world)
    first = world.do(made, ANN, KEY)
    assert first.state == "suspended"
    assert world.do(made, ANN, KEY) == first
    world.do(cmd.Resume(world.instance, WHY), ANN)
    assert world.do(made, ANN, KEY) == first
    world.do(cmd.Cancel(world.instance, WHY), ANN)
    assert world.do(made, ANN, KEY) == first


def test_a_version_that_is_named_and_the_newest_one(world):
    first = world.do(cmd.Start(definition_id="p:2"), ANN, KEY)
    assert world.do(cmd.Start(definition_id="p:2"), ANN, KEY) == first
    assert world.do(cmd.Start("p"), ANN, KEY) == first
    for other in ("p:1", "p:9", "many:1"):
        with pytest.raises(RequestIdReused):
            world.do(cmd.Start(definition_id=other), ANN, KEY)


FORM = b'{"key": "f", "title": "F", "schema": {"type": "object", "properties": {"ok": {"type": "boolean", "title": "OK"}, "at": {"type": "string", "format": "date-time", "title": "At"}}}}'
WITH_FORMS = process(
    START.replace("/>", ' camunda:formKey="f"/>')
    + user("a", 'camunda:formKey="f"')
    + user("b", 'camunda:formKey="f"')
    + END
    + chain("start", "a", "b", "end"),
    "formed",
)


def test_what_a_form_made_of_the_values_is_no_other_command(world):
    world.engine.deploy({"formed.bpmn": WITH_FORMS, "f.form.json": FORM})
    start = cmd.Start("formed", {"at": "2026-01-05T09:00:00+08:00"}, "B-1")
    first = world.do(start, ANN, "K1")
    assert world.engine.variables(first.instance_id) != start.variables, "the form has to change something"
    complete = cmd.Complete(first.task_ids[0], start.variables)
    second = world.do(complete, ANN, "K2")
    by_hand = cmd.CompleteByHand(second.task_ids[0], WHY, start.variables)
    third = world.do(by_hand, ANN, "K3")
    assert [world.do(start, ANN, "K1"), world.do(complete, ANN, "K2"), world.do(by_hand, ANN, "K3")] == [first, second, third]
    with pytest.raises(RequestIdReused):
        world.do(replace(start, business_key="B-2"), ANN, "K1")


# --- messages ---------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("message", [cmd.PublishMessage("paid", {"x": 1}), cmd.PublishMessage("ordered", {"x": 1}, "B-7")], ids=["caught", "starts"])
def test_when_its_answer_is_forgotten_a_message_is_known_by_its_record(world, message):
    first = world.do(message, ANN, KEY)
    assert len(first.instance_ids) == 1
    world.engine.clock.set(world.engine.clock.now() + timedelta(days=31))
    world.do(cmd.PublishMessage("nobody"), ANN, "K2")
    assert KEY not in repr(everything(world.engine)["request_answer"])
    held = everything(world.engine)
    assert world.do(message, ANN, KEY) == first
    for other in (replace(message, payload={"x": 2}), replace(message, correlation_key="B-8"), cmd.Start("many", {"x": 1})):
        with pytest.raises(RequestIdReused):
            world.do(other, ANN, KEY)
    assert everything(world.engine) == held


def test_a_start_is_not_taken_for_a_message(world):
    world.do(cmd.Start("many", {"x": 1}), ANN, KEY)
    with pytest.raises(RequestIdReused):
        world.do(cmd.PublishMessage("ordered", {"x": 1}), ANN, KEY)


def test_what_was_remembered_before_there_were_fingerprints_is_known_by_what_it_was_done_to(world):
    world.do(cmd.SuspendDefinition("p:1", WHY), ANN, KEY)
    with world.engine.app.store.begin(write=True) as connection:
        connection.execute(tables.request_answer.update().values(answer='{"object":"p:1"}'))
    assert world.do(cmd.SuspendDefinition("p:1", WHY), ANN, KEY) is None
    with pytest.raises(RequestIdReused):
        world.do(cmd.SuspendDefinition("p:2", WHY), ANN, KEY)
