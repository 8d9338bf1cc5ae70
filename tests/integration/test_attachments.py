"""Who gets the bytes: files belong to the instance that they were attached to."""

from __future__ import annotations

import json

import pytest

from engine.errors import InvalidInput, NotFound
from engine.model import commands as cmd
from engine.model.actors import SYSTEM
from engine.model.values import sha256
from engine.testing import EmbeddedEngine
from tests.support.diagrams import END, START, chain, process, user

FORM = {
    "key": "f",
    "title": {"zh": "表单"},
    "schema": {"type": "object", "properties": {"report": {"x-title": {"zh": "报告"}, "type": "object", "format": "file"}}},
}
SECRET = b"for others only"


@pytest.fixture
def engine():
    with EmbeddedEngine() as one:
        form = json.dumps(FORM).encode()
        one.deploy({"p.bpmn": process(START + user("a", 'flowledger:formKey="f"') + END + chain("start", "a", "end")), "f.form.json": form})
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
