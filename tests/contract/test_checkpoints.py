"""Checkpoints: the installation writes manifests into a folder of somebody else's; a rollback is noticed against them, and so is one that is taken out."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from engine.errors import InvalidInput, NotFound
from engine.operations import checkpoints
from engine.store import tables, task_tables
from engine.testing import EmbeddedEngine
from tests.support.diagrams import TWO_TASKS

HOUR = 3600
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    return tmp_path / "elsewhere"


@pytest.fixture
def engine(url, folder):
    with EmbeddedEngine(database=url, periodic=[checkpoints.task(url, folder)]) as one:
        one.deploy({"two.bpmn": TWO_TASKS})
        one.app.plan()
        yield one


def found(engine, folder):
    with engine.app.store.begin(write=False) as connection:
        return [(one.kind, one.what.split()[0]) for one in checkpoints.losses(folder, connection)[1]]


def test_they_come_at_their_times_and_know_what_there_was(engine, folder):
    first = engine.start("two")
    engine.advance(HOUR)
    engine.start("two")
    engine.complete(engine.user_tasks(first)[0].id)
    engine.advance(2 * HOUR)
    assert [path.name for path in sorted(folder.iterdir())] == [f"checkpoint-20260105T0{n}0000000000Z.json" for n in (2, 3, 4)]
    with engine.app.store.begin(write=False) as connection:
        known, losses = checkpoints.losses(folder, connection)
    assert (len(known.heads), known.records, losses) == (2, 3, [])


def test_a_rollback_is_noticed_also_when_work_and_checkpoints_went_on(engine, folder):
    first = engine.start("two")
    engine.complete(engine.user_tasks(first)[0].id)
    engine.advance(HOUR)
    with engine.app.store.begin(write=True) as connection:  # what a restored older backup does
        for table, column in ((tables.record, "instance_id"), (task_tables.user_task, "instance_id"), (tables.instance, "id")):
            connection.execute(table.delete().where(table.c[column] == first))
    assert found(engine, folder) == [("lost", "instance")]
    engine.start("two")
    engine.advance(HOUR)
    assert found(engine, folder) == [("lost", "instance")]


def test_one_that_is_taken_out_or_changed_is_noticed(engine, folder):
    for _ in range(3):
        engine.start("two")
        engine.advance(HOUR)
    paths = sorted(folder.iterdir())
    kept = paths[1].read_bytes()
    paths[1].unlink()
    assert found(engine, folder) == [("unchained", "checkpoint")]
    paths[1].write_bytes(kept.replace(b'"engine": "', b'"engine": "x'))
    assert found(engine, folder) == [("unchained", "checkpoint")]
    paths[1].write_bytes(kept)
    assert found(engine, folder) == []
    paths[0].unlink()
    assert found(engine, folder) == [], "the oldest may be put elsewhere"


def test_a_clock_that_was_ahead_for_an_hour_is_no_fault(engine, folder):
    def write(hours):
        engine.start("two")
        return checkpoints.write(engine.app.store, folder, SimpleNamespace(now=NOON + timedelta(hours=hours)))

    paths = [write(hours) for hours in (0, 1, 87_600, 2, 3, 87_601, 4)]
    assert sorted(paths) != paths and found(engine, folder) == []
    with engine.app.store.begin(write=False) as connection:
        assert checkpoints.losses(folder, connection)[0].made_at == NOON + timedelta(hours=4)
    kept = [path.read_bytes() for path in paths]
    for number in range(1, 6):
        paths[number].unlink()
        assert found(engine, folder) == [("unchained", "checkpoint")]
        paths[number].write_bytes(kept[number])
    for number in range(6):
        paths[number].unlink()
        assert found(engine, folder) == [], "the oldest may be put elsewhere"


def test_two_that_follow_the_same_one_are_noticed_and_a_copy_is_not(engine, folder):
    for _ in range(3):
        engine.start("two")
        engine.advance(HOUR)
    paths = sorted(folder.iterdir())
    (folder / "checkpoint-copy.json").write_bytes(paths[1].read_bytes())
    assert found(engine, folder) == []
    paths[1].rename(folder / "away")
    (folder / "checkpoint-copy.json").unlink()
    paths[2].rename(folder / "later")
    engine.advance(HOUR)
    (folder / "later").rename(paths[2])
    (folder / "away").rename(paths[1])
    assert found(engine, folder) == [("forked", "checkpoint")]
    engine.advance(HOUR)
    assert found(engine, folder) == [("forked", "checkpoint")], "it is told for ever, and nothing else"


def test_a_checkpoint_is_one_however_its_json_is_written(engine, folder):
    engine.start("two")
    engine.advance(HOUR)
    [first] = folder.iterdir()
    first.write_text(json.dumps(dict(reversed(json.loads(first.read_text()).items())) | {"z": "z" * 5000}))
    engine.advance(HOUR)
    assert found(engine, folder) == []
    second = max(folder.iterdir())
    second.write_text(json.dumps(dict(reversed(json.loads(second.read_text()).items())) | {"z": "z" * 5000}))
    engine.advance(HOUR)
    assert found(engine, folder) == []


def test_a_folder_that_is_away_makes_the_job_wait_and_nothing_else(engine, folder):
    folder.rmdir()
    engine.advance(HOUR)
    instance = engine.start("two")
    assert engine.instance(instance).state == "active"
    with engine.app.store.begin(write=False) as connection:
        [row] = connection.execute(sa.select(tables.job).where(tables.job.c.handler == checkpoints.NAME)).all()
    assert (row.attempts, row.state) == (1, "due")
    assert "NotFound" in row.stack
    folder.mkdir()
    engine.advance(60)
    assert len(list(folder.iterdir())) == 1


def test_a_folder_without_checkpoints_proves_nothing(engine, folder):
    with pytest.raises(NotFound):
        found(engine, folder)
    (folder / "checkpoint-20260105T010000000000Z.json").write_text("[]")
    with pytest.raises(InvalidInput):
        found(engine, folder)
