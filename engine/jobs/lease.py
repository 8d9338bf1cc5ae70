"""A job that runs outside of any transaction is leased: nobody else takes it while its worker lives, somebody does soon after it died."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from engine.errors import FlowledgerError
from engine.ports import UnitOfWork

log = logging.getLogger("flowledger.jobs")

LEASE_SECONDS = 30.0
RENEW_SECONDS = LEASE_SECONDS / 3


def take(uow: UnitOfWork, job_id: str, owner: str) -> None:
    """Hold the job from now on."""
    uow.jobs.lease(job_id, owner, uow.now + timedelta(seconds=LEASE_SECONDS))


@contextmanager
def renewed(transact: Callable[[Callable[[UnitOfWork], Any]], Any], job_id: str, owner: str) -> Iterator[None]:
    """While the block runs the lease is renewed. A renewal that fails is tried again: the lease outlives two of them."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(RENEW_SECONDS):
            try:
                transact(lambda uow: take(uow, job_id, owner))
            except FlowledgerError as exc:
                log.warning("the lease of job %s was not renewed: %s", job_id, exc)

    thread = threading.Thread(target=renew, name=f"flowledger-lease-{job_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
