"""A job that runs outside of any transaction is leased: nobody else takes it while its worker lives, somebody does soon after it died."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
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
