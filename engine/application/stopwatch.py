"""The port `Stopwatch`: how much computing a command has done. Processor time of its thread, and of the sandbox's processes that run its code.

Not wall time: a command that waits for a busy machine, for the database or for a function of a pack has done nothing wrong.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

OWN = 2.0
"""The thread itself may take so many times what code in the sandbox may: its steps are counted, this is for what the counts price too low."""

RUNS = 2_500
"""So many evaluations may go to the sandbox: the way there and back costs more than most of them compute, here and on the system's side."""
BUSY = 8.0
"""A machine with more work than so many times what it can do is no excuse any more."""


UNCOUNTED = 0.05
"""Seconds of wall time at the beginning of a command in which its thread is not measured: almost every command ends within them, and on
some machines reading the clock of a thread costs more than a step of the interpreter."""


class CommandStopwatch:
    """Runs from its construction, in the thread that made it. `seconds`: what the command's expressions may compute together."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._started = time.perf_counter()
        self._began: float | None = None  # the thread's processor time when counting began
        self._waited = 0.0
        self._runs = 0

    def left(self) -> float:
        """Seconds; 0 or less when they are used up."""
        left = self._seconds - max(self._waited, self._seconds * self._runs / RUNS)
        if self._began is None:
            if time.perf_counter() - self._started < UNCOUNTED:
                return left
            self._began = time.thread_time()
        return min(left, OWN * self._seconds - (time.thread_time() - self._began))

    def sent(self) -> None:
        """An evaluation goes to the sandbox."""
        self._runs += 1

    @contextmanager
    def running(self, worker: int | None = None) -> Iterator[None]:
        """What the worker computes counts; where that cannot be told, the time that the thread waits for it."""
        before, began, busy = _computed(worker), time.perf_counter(), time.thread_time()
        try:
            yield
        finally:
            after, wall = _computed(worker), max(0.0, (time.perf_counter() - began) - (time.thread_time() - busy))
            self._waited += wall if before is None or after is None else max(after - before, wall / BUSY)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """The thread's work does not count."""
        if self._began is None:  # nothing is counted yet
            yield
            return
        busy = time.thread_time()
        try:
            yield
        finally:
            self._began += time.thread_time() - busy


def _computed(process: int | None) -> float | None:
    """Processor time of another process so far, where the system tells it (Linux); None when not, or when it has ended."""
    if process is None or not sys.platform.startswith("linux"):
        return None
    try:
        return time.clock_gettime(~process << 3 | 2)  # the clock of a process: see clock_getcpuclockid
    except OSError:
        return None
