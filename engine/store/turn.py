"""Whose turn it is to write: SQLite has one writer, and its own lock lets the others try again after naps that grow, so that whoever asks at the
right moment wins and the disk is idle meanwhile. Threads of this process queue on a lock, processes on a lock of the operating system.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType

try:
    import fcntl
except ImportError:  # Windows: several processes there have SQLite's own lock, and its naps
    fcntl = None  # type: ignore[assignment]

SUFFIX = "-turn"


class Turn:
    """`with turn:` around a write transaction. The thread that has it may take it again. Safe for threads and processes; one that dies gives it back.

    `database`: the file; None when no other process can reach it. The lock is a file beside it and only orders those who ask: what keeps
    writers apart is SQLite's lock, so nothing is wrong where files cannot be locked (some network file systems).
    """

    def __init__(self, database: Path | None) -> None:
        self._threads = threading.RLock()
        self._path = database.with_name(database.name + SUFFIX) if database is not None and fcntl is not None else None
        self._file: int | None = None
        self._depth = 0

    def __enter__(self) -> None:
        self._threads.acquire()
        self._depth += 1
        if self._depth == 1 and self._path is not None:
            try:
                if self._file is None:
                    self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                fcntl.flock(self._file, fcntl.LOCK_EX)
            except OSError:
                self.close()
                self._path = None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._depth == 1 and self._file is not None:
            with suppress(OSError):
                fcntl.flock(self._file, fcntl.LOCK_UN)
        self._depth -= 1
        self._threads.release()

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)
