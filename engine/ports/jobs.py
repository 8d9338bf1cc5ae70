"""Work that is due, and whoever does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from engine.model.values import Json, moment

CONTINUATION = "continuation"
OF_ELEMENTS = ("timer", "service", "answer")
"""Kinds of jobs that follow from the records of an instance; what fails for good in one stands as an incident of its element, if its record can be written."""


@dataclass(frozen=True, slots=True)
class Due:
    """One job row. `id` is `<instance>-<key>`, or `start-<definition>-<element>` and the like for work without an instance.

    `kind`: timer, service; answer (an external handler's, that came while the instance was suspended); message, signal (on their way);
    deliver, begin (a signal for one of many instances, for a suspended instance or definition, or for one that could not be reached at once);
    start (a timer's), missed (one that failed for good, left behind by its cycle); bulk; notify (a user task was offered or handed over: whom does it
    concern?), mail (to one of them); periodic. `state`: due, failed, suspended.
    `handler` of a timer: CONTINUATION when it is due at once (an asynchronous continuation), else None.
    """

    id: str
    kind: str
    instance_id: str | None
    key: int | None
    element_id: str
    handler: str | None
    parameters: Mapping[str, Json]
    due_at: datetime
    attempts: int = 0
    retries: int = 3
    backoff: tuple[str, ...] = ()  # ISO 8601 durations after the first, second ... failed attempt; the last one repeats
    state: str = "due"
    lease_until: datetime | None = None

    @property
    def planned(self) -> datetime:
        """When a start or periodic work was to be done: not the moment of its next attempt, to which `due_at` is moved. The cycle counts from it."""
        found = self.parameters.get("planned")
        return self.due_at if found is None else moment(str(found))  # jobs of older versions have none


class Jobs(Protocol):
    def add(self, due: Due) -> None:
        """A job of the same id is replaced. Raises ConcurrentChange when somebody else makes one at this moment."""

    def add_new(self, dues: Sequence[Due]) -> None:
        """Many at once; no job has their ids."""

    def remove(self, job_id: str, due_at: datetime | None = None) -> bool:
        """Whether it was there; with `due_at` only the job of that moment, not a later one of a cycle under the same id."""

    def next_due(self, now: datetime, skip: Sequence[str] = ()) -> Due | None:
        """As all that give a job, raises JobUnreadable for one that is damaged."""

    def get(self, job_id: str) -> Due | None: ...

    def has_incident(self, job_id: str) -> bool:
        """Is there an open incident of the element whose job it is?"""

    def delivering(self, instance_ids: Sequence[str]) -> frozenset[str]:
        """Those of them for which a signal is on its way, by a job that is due."""

    def still_due(self, job_id: str, now: datetime, *, hold: bool = False) -> Due | None:
        """As it is now; None when it ended, was put off or is leased to somebody else. `hold`: also None when somebody else holds it."""

    def earliest(self, now: datetime) -> datetime | None:
        """The first moment after `now` at which a job can be run that cannot be run now."""

    def ahead(self, after: datetime) -> list[Due]:
        """Jobs due later than that moment whose moment comes from no diagram and no schedule: they were due when they were made, or wait for another attempt."""

    def hasten(self, due: Due, now: datetime) -> None: ...

    def of_definition(self, definition_id: str) -> list[str]:
        """Ids of jobs that start instances of this definition at their times."""

    def left_behind(self, definition_id: str, element: str) -> int:
        """How many starts by this start event failed for good, while its cycle went on."""

    def postpone(self, job_id: str, attempts: int, due_at: datetime | None, stack: str) -> None:
        """Try again at `due_at`; None: no more attempts."""

    def revive(self, job_id: str, now: datetime) -> bool:
        """A failed job has all its attempts again. False: it is not there, or failed no more."""

    def drop_failed(self, job_id: str) -> bool:
        """False: it is not there, or failed no more."""

    def write_down(self, due: Due, act: str, actor: str, reason: str, at: datetime) -> None:
        """What an operator did about a job without an incident; `act`: retry, discard."""

    def lease(self, job_id: str, owner: str, until: datetime) -> None: ...

    def renew(self, job_id: str, owner: str, until: datetime) -> bool:
        """Hold it longer. False: it ended, or its lease did and somebody else holds it."""

    def give_back(self, job_ids: Sequence[str], owner: str) -> int:
        """End the leases that this owner has on them, before their time; how many it had."""

    def keep_answer(self, job_id: str, input: Mapping[str, Json]) -> None:
        """What an external handler gave for a job of a suspended instance: carried out in the handler's place after resuming."""

    def suspend_starts(self, definition_id: str) -> None:
        """Timed starts of this definition wait."""

    def resume_starts(self, definition_id: str) -> None:
        """They, and what `hold_start` kept, are due."""

    def hold_start(self, definition_id: str, due: Due) -> None:
        """Keep a message or signal that would start an instance of a suspended definition."""


class Waker(Protocol):
    """Whoever does work that is due. `elsewhere`: `announce` tells somebody."""

    elsewhere: bool

    def announce(self, connection: Any) -> None:
        """In the transaction that makes the work: tell other machines, who hear it when it commits."""

    def wake(self) -> None:
        """After the commit, in the process that made the work."""
