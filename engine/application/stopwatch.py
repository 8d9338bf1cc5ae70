"""The port `Stopwatch`: how much computing a command has done. Processor time of its thread, and the time that its code runs in the sandbox.

What a step does has to be written down afterwards (events, rows, hash), so the thread's own time counts `WRITING` times.
Not wall time: a command that waits for a busy machine, for the database or for a function of a pack has done nothing wrong.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

WRITING = 1.5


class CommandStopwatch:
    """Runs from its construction, in the thread that made it. `seconds`: what the command may take."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began = time.thread_time()
        self._waited = 0.0

    def left(self) -> float:
        """Seconds; 0 or less when it is used up."""
        return self._seconds - self._waited - WRITING * (time.thread_time() - self._began)

    @contextmanager
    def running(self) -> Iterator[None]:
        """The thread waits for the sandbox."""
        began, busy = time.perf_counter(), time.thread_time()
        try:
            yield
        finally:
            self._waited += max(0.0, (time.perf_counter() - began) - (time.thread_time() - busy))

    @contextmanager
    def aside(self) -> Iterator[None]:
        """The thread's work does not count."""
        busy = time.thread_time()
        try:
            yield
        finally:
            self._began += time.thread_time() - busy
