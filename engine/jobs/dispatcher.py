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
GRACE_SECONDS = 25.0  # for jobs that run when the process is told to stop; less than service managers wait before they kill
HAND_BACK_SECONDS = 3.0  # for giving back those that did not end, while the database may be gone or its writer busy


class Here:
    """Port Waker for one process: nobody else is told."""

    elsewhere = False

    def __init__(self, wake: Callable[[], None]) -> None:
        self.wake = wake

    def announce(self, connection: Connection) -> None:
        """Nobody hears it."""


class Dispatcher:
    """`start` once per process; `wake` after a commit that made a job; `stop` lets the running jobs end, or gives them back."""

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
        self._ending = threading.Lock()
        self._ended = False
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

    @property
    def stopping(self) -> bool:
        """Has it been told to stop?"""
        return self._stopping

    def stop(self, seconds: float = GRACE_SECONDS) -> None:
        """Begin nothing more. What runs has that long to end, all of it together; then the leases of what has not ended are given back.

        So another process takes those jobs at once. Returns a few seconds later at the latest. Who calls second waits for the first.
        """
        self._stopping = True
        if self._threads:
            self._calls.release(len(self._threads))
        with self._ending:
            if self._ended or not self._started:
                return
            self._ended = True
            end = time.monotonic() + seconds
            for thread in self._threads:
                thread.join(max(0.0, end - time.monotonic()))
            if any(thread.is_alive() for thread in self._threads):
                self._hand_back()

    def _hand_back(self) -> None:
        """In a thread of its own, because one that waits for the database cannot be told to give up."""
        giving = threading.Thread(target=self._give_back, name="flowledger-hand-back", daemon=True)
        giving.start()
        giving.join(HAND_BACK_SECONDS)
        if giving.is_alive():
            log.warning("the database did not take back the jobs that still run; their leases end by themselves")

    def _give_back(self) -> None:
        try:
            count = self._runner.give_back()
        except Exception as exc:  # noqa: BLE001 - whatever it is, the process ends, and so do its leases
            log.warning("the jobs that still run were not given back (%s); their leases end by themselves", type(exc).__name__)
        else:
            log.warning("stopped before its jobs had ended; %d of them given back, to be run again", count)

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
