"""Jobs that failed for good without an incident: how they are seen, and what operators can do about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class StuckJob:
    """A job that failed for good and belongs to no element (a timed start, a message or signal on its way, a notice, periodic work), or to one
    whose incident could not be recorded.

    `element_id`: of the diagram, else the name of the work. `discardable`: an operator may throw it away.
    """

    id: str
    kind: str
    element_id: str
    instance_id: str | None
    due_at: datetime
    cause: str
    stack: str | None
    discardable: bool = False


@dataclass(frozen=True, slots=True)
class JobAct:
    """What an operator did about a stuck job, and why. `act`: retry, discard. The job may be gone; `element_id` as in StuckJob."""

    job_id: str
    kind: str
    element_id: str
    instance_id: str | None
    act: str
    at: datetime
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class RetryJob:
    """An operator tries a failed job again that has no incident: a timed start, a message or signal on its way. -> None"""

    job_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class DiscardJob:
    """An operator throws a failed job away that carries no process on: a notice, an e-mail; periodic work until its next time. -> None"""

    job_id: str
    reason: str
