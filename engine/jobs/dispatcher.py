"""The embedded dispatcher: a thread in the server that runs due jobs as soon as they are due."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from engine.errors import FlowledgerError
from engine.jobs.runner import JobRunner

log = logging.getLogger("flowledger.jobs")

POLL_SECONDS = 1.0  # other processes of the same installation also make jobs, and timers become due


class Dispatcher:
    """`start` once per process; `wake` after a commit that made a job; `stop` waits for the running job."""

    def __init__(self, runner: JobRunner, poll_seconds: float = POLL_SECONDS, on_error: Callable[[Exception], None] | None = None) -> None:
        self._runner = runner
        self._poll = poll_seconds
        self._on_error = on_error
        self._wake = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to work; does nothing when already started."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name="flowledger-dispatcher", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """There may be something due."""
        self._wake.set()

    def stop(self, timeout: float = 30.0) -> None:
        """Finish what runs, then end."""
        self._stopping = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def _loop(self) -> None:
        while not self._stopping:
            self._wake.wait(self._poll)
            self._wake.clear()
            try:
                while not self._stopping and self._runner.run_one():
                    pass
            except FlowledgerError as exc:  # database gone or another node first: the job is still there
                log.warning("dispatcher: %s", exc)
            except Exception as exc:  # the thread must live on; the job keeps its row
                log.exception("dispatcher")
                if self._on_error is not None:
                    self._on_error(exc)
