"""The embedded dispatcher: a few threads in the server that run due jobs as soon as they are due.

One thread looks once a second, because timers become due and other processes make jobs, too; who finds a job wakes another thread before it
runs it, so that a slow handler delays nobody and an idle server asks the database one cheap question a second.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from sqlalchemy.engine import Connection

from engine.errors import FlowledgerError
from engine.jobs.runner import JobRunner

log = logging.getLogger("flowledger.jobs")

POLL_SECONDS = 1.0
THREADS = 4
CHORE_SECONDS = 60.0


class Here:
    """Port Waker for one process: nobody else is told."""

    elsewhere = False

    def __init__(self, wake: Callable[[], None]) -> None:
        self.wake = wake

    def announce(self, connection: Connection) -> None:
        """Nobody hears it."""


class Dispatcher:
    """`start` once per process; `wake` after a commit that made a job; `stop` waits for the running jobs."""

    def __init__(
        self,
        runner: JobRunner,
        poll_seconds: float = POLL_SECONDS,
        threads: int = THREADS,
        on_error: Callable[[Exception], None] | None = None,
        chore: Callable[[], object] | None = None,
        watch: Callable[[], object] = lambda: None,
    ) -> None:
        self._runner = runner
        self._poll = poll_seconds
        self._on_error = on_error
        self._chore = chore  # once a minute, by the thread that looks
        self._watch = watch  # before each look; it asks the database for nothing
        self._next_chore = 0.0
        self._calls = threading.Semaphore(0)  # one for each thread that shall look
        self._stopping = False
        self._threads = [  # none at all: others do the work
            threading.Thread(target=self._loop, args=(self._poll if number == 0 else None,), name=f"flowledger-jobs-{number}", daemon=True)
            for number in range(threads)
        ]
        self._started = False

    def start(self) -> None:
        """Begin to work; does nothing when already started."""
        if not self._started:
            self._started = True
            for thread in self._threads:
                thread.start()

    @property
    def alive(self) -> bool:
        """Has it been started, and does every thread live?"""
        return self._started and all(thread.is_alive() for thread in self._threads)

    def wake(self) -> None:
        """There may be something due."""
        self._calls.release()

    def stop(self, timeout: float = 30.0) -> None:
        """Finish what runs, then end."""
        self._stopping = True
        if self._threads:
            self._calls.release(len(self._threads))
        if self._started:
            for thread in self._threads:
                thread.join(timeout)

    def turn(self) -> None:
        """Run what is due. When nothing is, this is one query on an index: an idle installation costs no more."""
        if self._runner.something_due():
            while not self._stopping and self._runner.run_one(found=self.wake):
                pass

    def _loop(self, poll: float | None) -> None:
        while not self._stopping:
            self._calls.acquire(timeout=poll)
            try:
                if poll is not None:
                    self._watch()
                self.turn()
                if poll is not None and self._chore is not None and time.monotonic() >= self._next_chore:
                    self._next_chore = time.monotonic() + CHORE_SECONDS
                    self._chore()
            except FlowledgerError as exc:  # database gone or another node first: the job is still there
                log.warning("dispatcher: %s", type(exc).__name__)
            except Exception as exc:  # the thread must live on; the job keeps its row
                log.exception("dispatcher")
                if self._on_error is not None:
                    self._on_error(exc)
