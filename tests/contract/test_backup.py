"""Backup under load, restore into either kind of database, and a rollback that is noticed against what was kept outside."""

from __future__ import annotations

import errno
import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner

from engine.cli import main
from engine.console import FILE
from engine.errors import InvalidInput
from engine.model import commands as cmd
from engine.model.actors import SYSTEM
from engine.operations import manifest as manifests
from engine.operations.backup import DATABASE, MANIFEST, BackupDamaged, NoRoom, TargetExists, backup, restore_database, restore_file, verify_backup
from engine.operations.copying import TargetNotEmpty
from engine.plugins.loading import Catalogue
from engine.store import tables
from engine.store.database import Database
from engine.testing import EmbeddedEngine
from tests.support.diagrams import LOOP
from tests.support.disk import small_disk
from tests.support.installations import fill

NONE = Catalogue()
NOW = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _cheap_passwords(monkeypatch):
    monkeypatch.setattr("engine.store.login._hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def taken(url, folder):
    store = Database(url)
    try:
        return backup(store, folder, NONE, lambda: NOW, lambda _: None)
    finally:
        store.close()


def lost(url, kept):
    store = Database(url)
    try:
        with store.begin(write=False) as connection:
            return [str(loss) for loss in manifests.losses(kept, connection)]
    finally:
        store.close()


@pytest.fixture
def filled(url):
    with EmbeddedEngine(database=url) as engine:
        fill(engine)
    return url


# --- under load --------------------------------------------------------------------------------------------------------
class Clients:
    """Threads that start instances and complete tasks, and remember what was acknowledged."""

    def __init__(self, engine):
        self.engine = engine
        self.acknowledged: dict[str, int] = {}
        self.errors: list[Exception] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(4)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _work(self):
        try:
            while not self._stop.is_set():
                done = self.engine.app.execute(cmd.Start("loop"), SYSTEM)
                self.acknowledged[done.instance_id] = done.seq
                for turn in range(3):
                    done = self.engine.app.execute(cmd.Complete(done.task_ids[0], {"again": turn < 2, "text": "x" * 2000}), SYSTEM)
                    self.acknowledged[done.instance_id] = done.seq
        except Exception as exc:  # noqa: BLE001 - the test looks at it
            self.errors.append(exc)

    def wait_for(self, number):
        while len(self.acknowledged) < number and not self.errors:
            threading.Event().wait(0.01)


def test_a_backup_under_load_verifies_and_holds_everything_acknowledged_before(url, tmp_path):
    with EmbeddedEngine(database=url) as engine:
        engine.deploy({"loop.bpmn": LOOP})
        with Clients(engine) as clients:
            for number in range(3):
                clients.wait_for(12 * (number + 1))
                before = dict(clients.acknowledged)
                made = taken(url, tmp_path / f"b{number}")
                assert all(made.heads[i][0] >= seq for i, seq in before.items())
                clients.wait_for(len(clients.acknowledged) + 4)  # writers went on: nobody was locked out or shown an error
        assert clients.errors == []
        assert lost(url, made) == []
    for number in range(3):
        stated, records = verify_backup(tmp_path / f"b{number}")
        assert records == stated.records > 0
    restored = tmp_path / "restored" / FILE
    done = restore_file(tmp_path / "b2", restored)
    assert done.records == made.records
    with EmbeddedEngine(database=f"sqlite:///{restored}") as engine:
        assert engine.check() == made.records
        engine.app.services.identifiers._last = 1_000_000
        for task in engine.user_tasks():
            engine.complete(task.id, {"again": False})


# --- restore ---------------------------------------------------------------------------------------------------------
def test_a_backup_is_restored_into_either_kind_of_database(filled, tmp_path, postgres):
    made = taken(filled, tmp_path / "b")
    empty = postgres.database()
    store = Database(empty)
    done = restore_database(tmp_path / "b", store, NONE, tmp_path / "work", lambda _: None)
    restore_file(tmp_path / "b", tmp_path / "r" / FILE)
    for url in (empty, f"sqlite:///{tmp_path / 'r' / FILE}"):
        assert lost(url, made) == []
        with EmbeddedEngine(database=url) as engine:
            assert engine.check() == made.records == done.records
    with pytest.raises(TargetNotEmpty):
        restore_database(tmp_path / "b", store, NONE, tmp_path / "work", lambda _: None)
    store.close()
    assert [p.name for p in (tmp_path / "work").iterdir()] == []
    assert sorted(p.name for p in (tmp_path / "b").iterdir()) == [DATABASE, MANIFEST]
    assert verify_backup(tmp_path / "b")[1] == made.records  # restoring did not touch it


def test_what_a_killed_restore_left_hinders_no_later_one(filled, tmp_path):
    made = taken(filled, tmp_path / "b")
    left = tmp_path / f".restoring-{os.getpid()}"  # in a container every process may have the same number
    left.mkdir()
    (left / FILE).write_text("half")
    assert restore_file(tmp_path / "b", tmp_path / FILE).records == made.records
    assert [path.name for path in tmp_path.glob(".restoring-*")] == [left.name]


def test_logins_do_not_come_back(filled, tmp_path):
    made = taken(filled, tmp_path / "b")
    assert made.counts["session"] == 1
    restore_file(tmp_path / "b", tmp_path / FILE)
    store = Database(f"sqlite:///{tmp_path / FILE}")
    with store.begin(write=False) as connection:
        assert manifests.count(connection, tables.session) == 0
        assert manifests.count(connection, tables.account) == 1
    store.close()


def test_nothing_that_exists_is_overwritten(filled, tmp_path):
    taken(filled, tmp_path / "b")
    with pytest.raises(TargetExists):
        taken(filled, tmp_path / "b")
    for name in (FILE, FILE + "-wal"):  # the log of a database that was removed would be played onto the restored one
        (tmp_path / name).write_bytes(b"mine")
        with pytest.raises(TargetExists, match=name):
            restore_file(tmp_path / "b", tmp_path / FILE)
        assert (tmp_path / name).read_bytes() == b"mine"
        (tmp_path / name).unlink()


def test_a_damaged_backup_restores_nothing(filled, tmp_path):
    taken(filled, tmp_path / "b")
    file = tmp_path / "b" / DATABASE
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(BackupDamaged):
        restore_file(tmp_path / "b", tmp_path / "r" / FILE)
    assert not (tmp_path / "r" / FILE).exists()


def test_a_manifest_that_was_edited_is_noticed(filled, tmp_path):
    taken(filled, tmp_path / "b")
    path = tmp_path / "b" / MANIFEST
    stated = json.loads(path.read_text())
    stated["heads"].popitem()
    path.write_text(json.dumps(stated))
    with pytest.raises(InvalidInput, match="damaged"):
        verify_backup(tmp_path / "b")


def test_a_backup_that_fails_leaves_nothing(filled, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.operations.backup._describe", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        taken(filled, tmp_path / "b")
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith("b")] == []


def test_only_the_owner_reads_a_backup(filled, tmp_path):
    taken(filled, tmp_path / "b")
    assert {p.stat().st_mode & 0o077 for p in (tmp_path / "b", *(tmp_path / "b").iterdir())} == {0}


def test_a_manifest_holds_nothing_of_any_form(filled, tmp_path):
    taken(filled, tmp_path / "b")
    text = (tmp_path / "b" / MANIFEST).read_text()
    assert not any(word in text for word in ("金额", "typed", "看过", "K-1", "文员", "报告"))


# --- a rollback is noticed ------------------------------------------------------------------------------------------------
def test_a_restored_older_backup_is_noticed_against_a_later_manifest(filled, tmp_path):
    taken(filled, tmp_path / "old")
    with EmbeddedEngine(database=filled) as engine:
        engine.app.services.identifiers._last = 1_000_000
        [longer, *_] = [t for t in engine.user_tasks() if t.element_id == "a"]
        engine.complete(longer.id)
        fresh = engine.start("two")
    later = taken(filled, tmp_path / "later")
    restore_file(tmp_path / "old", tmp_path / FILE)
    found = lost(f"sqlite:///{tmp_path / FILE}", later)
    assert sorted(found) == sorted(
        [
            f"instance {longer.instance_id} lost records: it has 1, the manifest knows 2",
            f"instance {fresh} is gone; the manifest knows 1 record(s) of it",
        ]
    )


def test_going_on_after_a_rollback_does_not_hide_it(filled, tmp_path):
    """The instance has as many records again, but not those that the manifest knows."""
    taken(filled, tmp_path / "old")
    with EmbeddedEngine(database=filled) as engine:
        task = next(t for t in engine.user_tasks() if t.element_id == "a")
        engine.complete(task.id, {"which": "first"})
    later = taken(filled, tmp_path / "later")
    restore_file(tmp_path / "old", tmp_path / FILE)
    url = f"sqlite:///{tmp_path / FILE}"
    with EmbeddedEngine(database=url) as engine:
        engine.complete(task.id, {"which": "second"})
        engine.complete(engine.user_tasks(task.instance_id)[0].id)
    assert lost(url, later) == [f"instance {task.instance_id} was rewritten: what stands at number 2 is not what the manifest knows"]


def test_a_deployment_that_is_gone_is_noticed(filled, tmp_path):
    made = taken(filled, tmp_path / "b")
    store = Database(filled)
    with store.begin(write=True) as connection:
        connection.execute(tables.deployment.update().values(content_hash="0" * 64))
    store.close()
    assert len(lost(filled, made)) == len(made.deployments) == 3


# --- the commands --------------------------------------------------------------------------------------------------------
def run(*words):
    return CliRunner().invoke(main, [str(w) for w in words])


def address(url, folder: Path):
    return ["--database", url] if not url.startswith("sqlite") else ["--database", url, "--data", folder]


def test_the_commands(filled, tmp_path):
    where = address(filled, tmp_path)
    done = run("backup", *where, tmp_path / "b")
    assert done.exit_code == 0, done.output
    assert "8 instances" in done.output and "every chain verified" in done.output
    assert run("manifest", *where, tmp_path / "kept.json").exit_code == 0
    assert json.loads(run("manifest", *where).stdout)["heads_sha256"] == json.loads((tmp_path / "kept.json").read_text())["heads_sha256"]
    done = run("verify", *where, "--against", tmp_path / "kept.json")
    assert done.exit_code == 0 and "8 instances, 0 lost or changed" in done.output
    done = run("restore", "--data", tmp_path / "again", tmp_path / "b")
    assert done.exit_code == 0 and "restored and verified" in done.output
    assert run("verify", "--data", tmp_path / "again").exit_code == 0
    done = run("restore", "--data", tmp_path / "again", tmp_path / "b")
    assert done.exit_code == 1 and "exists already" in done.output
    store = Database(filled)
    with store.begin(write=True) as connection:
        last = connection.scalar(tables.record.select().with_only_columns(tables.record.c.instance_id).where(tables.record.c.seq == 2).limit(1))
        connection.execute(tables.record.delete().where(tables.record.c.instance_id == last, tables.record.c.seq >= 2))
    store.close()
    done = run("verify", *where, "--against", tmp_path / "kept.json")
    assert done.exit_code == 1 and f"instance {last} lost records" in done.output
    done = run("backup", *where, tmp_path / "damaged")
    assert done.exit_code == 1 and "does not verify" in done.output


def test_no_installation_no_backup(tmp_path):
    done = run("backup", "--data", tmp_path / "none", tmp_path / "b")
    assert done.exit_code == 1 and not (tmp_path / "b").exists()
    assert not (tmp_path / "none" / FILE).exists()


def test_a_place_without_room_is_told_and_left_empty(engine, tmp_path, monkeypatch):
    """On a small file system that is really full, where one may be mounted; else the makers of copies find no room."""

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with small_disk(tmp_path / "disk") as disk:
        if disk is None:
            for maker in ("_vacuum_into", "copy"):
                monkeypatch.setattr(f"engine.operations.backup.{maker}", full)
        else:
            disk.fill()
        with pytest.raises(NoRoom):
            backup(engine.app.store, tmp_path / "disk" / "b", NONE, lambda: NOW, lambda _: None)
        assert [path.name for path in (tmp_path / "disk").iterdir() if path.name != "ballast"] == []
