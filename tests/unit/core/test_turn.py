"""Whose turn it is to write to SQLite: one at a time, over threads and processes, and a process that dies gives its turn back."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from engine.store import turn as module
from engine.store.turn import SUFFIX, Turn

HOLDER = """
import sys
from pathlib import Path
from engine.store.turn import Turn
with Turn(Path(sys.argv[1])):
    print("mine", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "a.sqlite3"


def waiting(turn: Turn) -> tuple[threading.Thread, threading.Event]:
    """A thread that asks for its turn; the event tells that it has it."""
    has = threading.Event()

    def run() -> None:
        with turn:
            has.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, has


def test_another_process_waits_until_the_holder_is_done_or_dead(database: Path) -> None:
    for end in ("done", "killed"):
        holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert holder.stdin and holder.stdout and holder.stdout.readline() == "mine\n"
        thread, has = waiting(Turn(database))
        assert not has.wait(0.05)
        if end == "done":
            holder.stdin.close()
        else:
            holder.kill()
        assert has.wait(20)
        thread.join()
        holder.wait()
        holder.stdout.close()
        holder.stdin.close()


def test_threads_queue_and_the_one_that_has_it_may_take_it_again(database: Path) -> None:
    turn, other = Turn(database), Turn(database)
    with turn:
        with turn:
            _, mine = waiting(turn)
        _, foreign = waiting(other)  # as another process would
        assert not mine.wait(0.05)
        assert not foreign.wait(0.05)  # leaving the inner block gave nothing back
    assert mine.wait(20)
    assert foreign.wait(20)


def test_where_files_cannot_be_locked_sqlite_alone_keeps_writers_apart(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_file: int, _how: int) -> None:
        raise OSError

    monkeypatch.setattr(module.fcntl, "flock", refuse)
    turn = Turn(database)
    with turn, turn:
        pass
    with turn:
        pass


def test_the_file_is_private_and_can_be_closed(database: Path) -> None:
    turn = Turn(database)
    with turn:
        pass
    assert database.with_name(database.name + SUFFIX).stat().st_mode & 0o077 == 0
    turn.close()
    with turn:
        pass
    turn.close()
