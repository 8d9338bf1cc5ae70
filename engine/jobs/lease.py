"""A job that runs outside of any transaction is leased: nobody else takes it while its worker lives, somebody does soon after it died.

A worker that stops in good order does not let the others wait for that: it gives back what it holds (`Leases.give_back`).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from engine.ports import UnitOfWork

log = logging.getLogger("flowledger.jobs")

LEASE_SECONDS = 30.0
RENEW_SECONDS = LEASE_SECONDS / 3


def take(uow: UnitOfWork, job_id: str, owner: str) -> None:
    """Hold the job from now on."""
    uow.jobs.lease(job_id, owner, uow.now + timedelta(seconds=LEASE_SECONDS))


def keep(uow: UnitOfWork, job_id: str, owner: str) -> bool:
    """Hold the job longer. False: somebody else holds it meanwhile, or it ended."""
    return uow.jobs.renew(job_id, owner, uow.now + timedelta(seconds=LEASE_SECONDS))


@contextmanager
def renewed(transact: Callable[[Callable[[UnitOfWork], Any]], Any], job_id: str, owner: str) -> Iterator[None]:
    """While the block runs the lease is renewed, until it is lost. A renewal that fails is tried again: the lease outlives two of them."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(RENEW_SECONDS):
            try:
                if not transact(lambda uow: keep(uow, job_id, owner)):
                    return
            except Exception as exc:  # noqa: BLE001 - whatever it is: the handler runs, and the next renewal may succeed
                log.warning("the lease of job %s was not renewed: %s", job_id, type(exc).__name__)

    thread = threading.Thread(target=renew, name=f"flowledger-lease-{job_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


class Leases:
    """The jobs that one process runs under a lease. Safe for threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held: set[str] = set()
        self._over = False

    def begin(self, job_id: str) -> bool:
        """Its lease is committed, its work begins. False: this process has given back what it held meanwhile, and should begin nothing more."""
        with self._guard:
            self._held.add(job_id)
            return not self._over

    def end(self, job_id: str) -> None:
        """Its work has ended, whatever came of it."""
        with self._guard:
            self._held.discard(job_id)

    def give_back(self, transact: Callable[[Callable[[UnitOfWork], Any]], Any], owner: str) -> int:
        """The process stops: what it still holds is free at once; how many jobs.

        Their work may go on here for a moment, and then counts as after a lease that ran out: the first answer is taken, a late failure is no attempt.
        """
        with self._guard:
            self._over = True
            held = sorted(self._held)
        return int(transact(lambda uow: _free(uow, held, owner))) if held else 0


def _free(uow: UnitOfWork, held: Sequence[str], owner: str) -> int:
    freed = uow.jobs.give_back(held, owner)
    if freed:
        uow.due_now()
    return freed
