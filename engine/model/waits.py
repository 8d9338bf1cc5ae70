"""What is open in an instance and what it waits for: as the interpreter knows it, and as operators are shown it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


# --- from the interpreter -----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Awaited:
    """One thing that an open element waits for.

    `key`: of the user task, job or subscription. `element_id`: where it is awaited: the element itself, an event behind an event-based gateway, or
    (`boundary`) an event at its boundary. `kind`: task, job, continuation (a transaction boundary), timer, message, signal, condition. `name`: of the
    message or signal; the text of the condition. `incident`: it stands with one.
    """

    key: int
    element_id: str
    kind: str
    name: str = ""
    boundary: bool = False
    incident: bool = False


@dataclass(frozen=True, slots=True)
class OpenToken:
    """An open element instance; also an event subprocess that waits for its start (`key` is that of its subscription then).

    `otherwise`: what it waits for when nothing of `waits` is its own: scope (what is inside it), join (other branches), compensation, incident, or "".
    `acts`: what the diagram allows at this token: retry, complete (its own work failed), error (something catches one), move.
    """

    key: int
    element_id: str
    waits: tuple[Awaited, ...] = ()
    otherwise: str = ""
    acts: tuple[str, ...] = ()


# --- for operators --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Wait:
    """`Awaited` with its work id, and of jobs and timers: `state` (due, failed, suspended), `attempts` of `retries`, when it is `due`.

    `name`: also the handler of a job. `acts`: what can be done with this id: complete (a timer fires), retry, fail (technically).
    """

    id: str
    element_id: str
    kind: str
    name: str = ""
    boundary: bool = False
    state: str = ""
    attempts: int = 0
    retries: int = 0
    due: datetime | None = None
    acts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenElement:
    """An open element instance, for those who mend: `id` is what commands call work id. Each stands there once.

    `waits_for`: kind of what it waits for itself, events (several), scope, join, compensation, incident or "". `state` and so on as in Wait, of its own
    job or timer. `waits`: everything that it waits for, events at its boundary too. `acts`: what can be done with this id: retry, complete, error
    (fail with the code of an error that the diagram catches), fail (technically), move.
    """

    id: str
    element_id: str
    waits_for: str = ""
    state: str = ""
    attempts: int = 0
    retries: int = 0
    due: datetime | None = None
    acts: tuple[str, ...] = ()
    waits: tuple[Wait, ...] = ()
