"""A SQLite file that is damaged: every command an administrator runs then says so in a line, and what is whole is looked at all the same."""

from __future__ import annotations

import sqlite3

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from engine.bootstrap import build
from engine.cli import main
from engine.console import FILE, settings_of
from engine.errors import NotAvailable, StorageDamaged
from engine.model import commands as cmd
from engine.model.actors import SYSTEM
from engine.store.database import Database
from tests.support.installations import installed

MARK = "here-is-the-damage"
SAID = "file of the database is damaged"


@pytest.fixture
def data(tmp_path):
    """Three instances; in the middle of a record of the second one stands MARK, in a page of SQLite's that holds nothing else."""
    folder = tmp_path / "data"
    app = installed(folder)
    for text in ("first", MARK, "third"):
        [task_id] = app.execute(cmd.Start("two"), SYSTEM).task_ids
        app.execute(cmd.Complete(task_id, {"text": "x" * 9000 + text + "x" * 9000}), SYSTEM)
    app.close()
    return folder


def run(data, *words):
    return CliRunner().invoke(main, [*words, "--data", str(data)])


def spoil(data, byte=b"\xff"):
    """Every page with the mark."""
    content = bytearray((data / FILE).read_bytes())
    size = int.from_bytes(content[16:18], "big")
    at = -1
    while (at := content.find(MARK.encode(), at + 1)) >= 0:
        page = at // size * size
        content[page : page + size] = byte * size
    (data / FILE).write_bytes(content)


def behead(data):
    with (data / FILE).open("r+b") as file:
        file.write(b"\xff" * 100)


def shorten(data):
    with (data / FILE).open("r+b") as file:
        file.truncate((data / FILE).stat().st_size // 2)


def test_a_damaged_instance_is_a_fault_and_the_others_are_looked_at(data):
    spoil(data)
    for command, word in (("verify", "verified"), ("replay", "re-executed")):
        done = run(data, command)
        assert done.exit_code == 1 and isinstance(done.exception, SystemExit)
        [fault] = [line for line in done.output.splitlines() if line.startswith("FAULT")]
        assert fault.startswith("FAULT instance ") and SAID in fault
        assert f"3 instances, 4 records {word}" in done.output and "1 faults" in done.output


@pytest.mark.parametrize("damage", [behead, shorten])
@pytest.mark.parametrize("command", ["verify", "replay", "rebuild", "manifest", "backup", "db upgrade", "install", "serve"])
def test_every_command_tells_it_in_a_line(data, tmp_path, command, damage):
    damage(data)
    done = run(data, *command.split(), *([str(tmp_path / "copy")] if command == "backup" else []))
    assert (done.exit_code, isinstance(done.exception, SystemExit)) == (1, True), done.exception
    [line] = done.output.splitlines()
    assert SAID in line and "doctor" in line


@pytest.mark.parametrize("byte", [b"\0", b"\xff"])  # the second as a number of a page is beyond all limits, which SQLite calls a full disk
def test_what_cannot_be_read_is_not_backed_up(data, tmp_path, byte):
    spoil(data, byte)
    done = run(data, "backup", str(tmp_path / "copy"))
    assert done.exit_code == 1 and SAID in done.output and isinstance(done.exception, SystemExit)
    assert {path.name for path in tmp_path.iterdir()} == {"data"}


@pytest.mark.parametrize("damage", [spoil, behead, shorten])
def test_doctor_says_what_to_do_and_shows_no_statement(data, damage):
    damage(data)
    done = run(data, "doctor", "--language", "en")
    assert done.exit_code == 2
    assert "damaged" in done.output and "restore the newest backup that verifies" in done.output
    assert "SELECT" not in done.output and "sqlalche.me" not in done.output


def test_a_database_that_takes_no_copy_just_now_is_told_in_a_line(data, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.operations.backup.sqlite3.connect", sqlite_that_is("database is locked"))
    done = run(data, "backup", str(tmp_path / "copy"))
    assert done.exit_code == 1 and "could not be copied: database is locked" in done.output


def sqlite_that_is(told):
    def refuse(*_, **__):
        exc = sqlite3.OperationalError(told)
        exc.sqlite_errorcode = sqlite3.SQLITE_BUSY
        raise exc

    return refuse


def test_a_server_whose_file_is_damaged_is_not_ready(data):
    app = build(settings_of(data, None))
    app.store.close()
    behead(data)
    assert "database" in app.unready() and "schema" not in app.unready()
    app.close()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("database disk image is malformed", StorageDamaged),
        ("malformed database schema (x)", StorageDamaged),
        ("file is not a database", StorageDamaged),
        ("Could not decode to UTF-8 column 'body' with text 'x'", StorageDamaged),
        ("database is locked", NotAvailable),
        ("malformed JSON", sa.exc.DatabaseError),
    ],
)
def test_the_words_of_sqlite_for_it(fault, said):
    store = Database("sqlite://")
    with pytest.raises(said) as raised, store.begin(write=True):
        raise sa.exc.DatabaseError("x", None, Exception(fault))
    assert type(raised.value) is said
    store.close()
