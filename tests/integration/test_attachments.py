"""Who gets the bytes: files belong to the instance that they were attached to."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from engine.errors import InvalidInput, NotAllowed, NotFound
from engine.model import commands as cmd
from engine.model.actors import SYSTEM, Actor
from engine.model.values import sha256
from engine.testing import EmbeddedEngine
from tests.support.diagrams import END, START, chain, process, user

FORM = {
    "key": "f",
    "title": {"zh": "表单"},
    "schema": {"type": "object", "properties": {"report": {"x-title": {"zh": "报告"}, "type": "object", "format": "file"}}},
}
SECRET = b"for others only"
ANN, BEN = (Actor(one, one, roles=frozenset({"staff"})) for one in ("ann", "ben"))


@pytest.fixture
def engine():
    with EmbeddedEngine() as one:
        form = json.dumps(FORM).encode()
        one.deploy(
            {
                "p.bpmn": process(START + user("a", 'flowledger:formKey="f" camunda:candidateGroups="others"') + END + chain("start", "a", "end")),
                "f.form.json": form,
            }
        )
        yield one


def reference(data):
    return {"name": "x.txt", "sha256": sha256(data), "size": len(data), "media_type": "text/plain"}


def test_a_form_may_name_only_files_of_its_own_instance(engine):
    theirs, mine = engine.start("p"), engine.start("p")
    engine.app.execute(cmd.Attach(theirs, "x.txt", SECRET, "text/plain"), SYSTEM)
    [task] = engine.user_tasks(mine)
    with pytest.raises(InvalidInput, match="not attached"):
        engine.complete(task.id, {"report": reference(SECRET)})
    engine.app.execute(cmd.Attach(mine, "x.txt", b"my own", "text/plain"), SYSTEM)
    engine.complete(task.id, {"report": reference(b"my own")})
    with engine.app.reading() as read:
        assert read.blob(SYSTEM, mine, sha256(b"my own")) == b"my own"


def test_writing_a_hash_somewhere_gives_no_right_to_the_bytes(engine):
    theirs, mine = engine.start("p"), engine.start("p", {"note": sha256(SECRET)})
    engine.app.execute(cmd.Attach(theirs, "x.txt", SECRET, "text/plain"), SYSTEM)
    engine.app.execute(cmd.Comment(mine, sha256(SECRET)), SYSTEM)
    with engine.app.reading() as read:
        assert read.blob(SYSTEM, theirs, sha256(SECRET)) == SECRET
        with pytest.raises(NotFound):
            read.blob(SYSTEM, mine, sha256(SECRET))


@pytest.mark.parametrize("named", ["{theirs}-1", "{mine}-²", "{mine}-" + "9" * 30, "{mine}-99", "{mine}-", "a"])
def test_a_note_is_on_a_task_of_its_own_instance_or_is_refused(engine, named):
    theirs, mine = engine.start("p"), engine.start("p")
    task_id = named.format(theirs=theirs, mine=mine) if named != "{theirs}-1" else engine.user_tasks(theirs)[0].id
    for note in (cmd.Comment(mine, "seen", task_id), cmd.Attach(mine, "x.txt", SECRET, "text/plain", task_id)):
        with pytest.raises(NotFound):
            engine.app.execute(note, SYSTEM)
    own = engine.user_tasks(mine)[0].id
    engine.app.execute(cmd.Comment(mine, "seen", own), SYSTEM)
    with engine.app.reading() as read:
        assert [one.task_id for one in read.comments(SYSTEM, mine)] == [own]


def test_who_does_not_see_an_instance_writes_nothing_on_it(engine):
    """What they write would be a record of theirs, and whoever has written one sees the whole instance."""
    instance = engine.app.execute(cmd.Start("p"), ANN).instance_id
    for command in (cmd.Comment(instance, "seen"), cmd.Attach(instance, "x.txt", SECRET, "text/plain"), cmd.StartActivity(instance, "a", 1)):
        with pytest.raises(NotAllowed):
            engine.app.execute(command, BEN)
    with engine.app.reading() as read:
        assert len(read.records(ANN, instance)) == 1
        with pytest.raises(NotAllowed):
            read.instance(BEN, instance)
    engine.app.execute(cmd.Comment(instance, "mine"), ANN)
    engine.cancel(instance, "over")
    with pytest.raises(NotAllowed):  # and is not told that it has ended
        engine.app.execute(cmd.StartActivity(instance, "a", 1), BEN)


def test_who_is_offered_work_of_an_instance_may_write_on_it_before_they_claim_it(engine):
    engine.deploy({"q.bpmn": process(START + user("a", 'camunda:candidateGroups="clerks"') + END + chain("start", "a", "end"), "q")})
    instance = engine.app.execute(cmd.Start("q"), ANN).instance_id
    engine.app.execute(cmd.Comment(instance, "shall I?"), replace(BEN, groups=frozenset({"clerks"})))
