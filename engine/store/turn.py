"""Whose turn it is to write: SQLite has one writer, and its own lock lets the others try again after naps that grow, so that whoever asks at the
right moment wins and the disk is idle meanwhile. Threads of this process queue on a lock, processes on a lock of the operating system.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from engine.errors import WriterBusy

try:
    import fcntl
except ImportError:  # Windows: several processes there have SQLite's own lock, and its naps
    fcntl = None  # type: ignore[assignment]

SUFFIX = "-turn"
WAIT_SECONDS = 30.0
"""So long a writer waits for others, on each lock that it needs (SQLite's own, too); then it is told that nothing was saved."""


class Turn:
    """`with turn:` around a write transaction. The thread that has it may take it again. Safe for threads and processes; one that dies gives it back.

    `database`: the file; None when no other process can reach it. The lock is a file beside it and only orders those who ask: what keeps
    writers apart is SQLite's lock, so nothing is wrong where files cannot be locked (some network file systems). Raises WriterBusy.
    """

    def __init__(self, database: Path | None, seconds: float = WAIT_SECONDS) -> None:
        self._threads = threading.RLock()
        self._path = database.with_name(database.name + SUFFIX) if database is not None and fcntl is not None else None
        self._file: int | None = None
        self._asked: _Asked | None = None
        self._depth = 0
        self._seconds = seconds
        self._since: float | None = None

    def __enter__(self) -> None:
        if not self._threads.acquire(timeout=self._seconds):
            raise WriterBusy
        if self._depth == 0:
            ours = False
            try:
                ours = self._of_processes()
            finally:
                if not ours:
                    self._threads.release()
            if not ours:
                raise WriterBusy
            self._since = time.monotonic()
        self._depth += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._depth == 1:
            self._since = None
            if self._file is not None:
                with suppress(OSError):
                    fcntl.flock(self._file, fcntl.LOCK_UN)
        self._depth -= 1
        self._threads.release()

    @property
    def stuck(self) -> bool:
        """Has a thread, or another process, had it for longer than others wait?"""
        since, asked = self._since, self._asked
        return (since is not None and time.monotonic() - since > self._seconds) or (asked is not None and asked.given_up)

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        file, self._file, self._asked = self._file, None, None
        if file is not None:
            os.close(file)

    def _of_processes(self) -> bool:
        """It is this process's turn, too; True also where that cannot be found out."""
        if self._path is None:
            return True
        try:
            if self._file is None:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if self._asked is None or not self._asked.take_up():
                self._asked = None
                try:
                    fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    self._asked = _Asked(self._file)
            return self._asked is None or self._asked.wait(self._seconds)
        except OSError:
            self.close()
            self._path = None
            return True


class _Asked:
    """A wait for the lock of a file, in a thread of its own, because it has no time limit. It can be given up and taken up again: one thread a process."""

    def __init__(self, file: int) -> None:
        self._file = os.dup(file)  # the same lock
        self._changed = threading.Condition()
        self._wanted = True
        self._over = False
        try:
            threading.Thread(target=self._ask, name="flowledger-turn", daemon=True).start()
        except RuntimeError as exc:  # no more threads for this process; SQLite's own lock is left
            os.close(self._file)
            raise OSError("no thread to wait in") from exc

    @property
    def given_up(self) -> bool:
        """Nobody here waits for it any more, and it has not come yet."""
        return not (self._wanted or self._over)

    def take_up(self) -> bool:
        """Somebody wants it again. False: it has come, and was let go or used."""
        with self._changed:
            self._wanted = not self._over
            return self._wanted

    def wait(self, seconds: float) -> bool:
        """The lock is here. False: it is given up, and let go at once when it comes."""
        with self._changed:
            self._wanted = self._changed.wait_for(lambda: self._over, seconds)
            return self._wanted

    def _ask(self) -> None:
        with suppress(OSError):  # where it cannot be waited for, SQLite's own lock is left
            fcntl.flock(self._file, fcntl.LOCK_EX)
        with self._changed:
            self._over = True
            if not self._wanted:
                with suppress(OSError):
                    fcntl.flock(self._file, fcntl.LOCK_UN)
            self._changed.notify_all()
        os.close(self._file)
