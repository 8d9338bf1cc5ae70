"""One tree of exceptions for the whole engine; no HTTP codes here (`webui` maps them in one place).

The docstring of a class is its default English message. `message_id` is the key under which the user interface
finds the text in the reader's language; `data` fills its placeholders.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


class FlowledgerError(Exception):
    """Something went wrong in Flowledger."""

    def __init__(self, message: str | None = None, **data: Any) -> None:
        self.data: Mapping[str, Any] = data
        super().__init__(message or (type(self).__doc__ or "").strip().splitlines()[0].format_map(_Blank(data)))

    @property
    def message_id(self) -> str:
        """Stable key of the message: the class name."""
        return type(self).__name__


class _Blank(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


# --- refusals: the caller asked for something that may not or cannot be done; nothing was written ---------------
class Refusal(FlowledgerError):
    """The command was refused; nothing was changed."""


class NotFound(Refusal):
    """There is no {kind} with the id {id}."""


class NotAllowed(Refusal):
    """{actor} may not do this ({action}); ask an administrator for the role or group that may."""


class Conflict(Refusal):
    """The object is not in a state that allows this; reload and look again."""


class TaskNotOpen(Conflict):
    """Task {id} is already {state}; nothing was changed."""


class TaskClaimed(Conflict):
    """Task {id} is already claimed by {assignee}."""


class InstanceNotActive(Conflict):
    """Instance {id} is {state}; it takes no more commands."""


class InstanceSuspended(Conflict):
    """Instance {id} is suspended; an operator must resume it first. Nothing was changed."""


class DefinitionSuspended(Conflict):
    """The process definition {id} is suspended; no instance of it can be started until an operator resumes it."""


class MoveRefused(Conflict):
    """The token at {element} cannot be moved to {target}: {reason}. Nothing was changed."""

    REASONS: Mapping[str, str] = {
        "iteration": "{element} is one iteration of a loop or multi-instance activity, which cannot be moved by itself",
        "compensation": "{element} compensates",
        "joining": "the tokens at {element} wait for others to join them",
        "event-subprocess": "{element} is an event subprocess, which its event has started",
        "ad-hoc": "{element} is in an ad-hoc subprocess, where no order is laid down; complete it by hand instead",
        "scope": "{target} lies in another scope (subprocess or called process); a token moves within its scope",
        "unknown": "{target} is no element of the process",
        "boundary": "{target} is a boundary event, which begins only when its event happens",
        "event": "{target} begins only when its event happens",
        "compensates": "{target} only compensates",
        "join": "{target} is a join, which counts the flows that its tokens come over; move to what follows it",
        "several": "{target} takes several tokens at once",
    }

    def __init__(self, message: str | None = None, *, why: str = "", element: str = "", target: str = "") -> None:
        reason = self.REASONS.get(why, why).format(element=element, target=target)
        super().__init__(message, why=why, element=element, target=target, reason=reason)


class ErrorNotCaught(Conflict):
    """Nothing catches the error {code} at {element}; the instance would end as failed. Cancel it, or move the token."""


class ElementNotOpen(Conflict):
    """{element} is not open in instance {id}."""


class NoOpenIncident(Conflict):
    """{element} has no open incident."""


class StandsAlready(Conflict):
    """{element} stands with an incident already."""


class JobUnreadable(Conflict):
    """The row of job {id} cannot be read: its database is damaged. Restore it from a backup."""


class NotAJob(Conflict):
    """Only a job can fail technically, which {id} is not. Give an error code, move the token, or cancel the instance."""


class NoResultByHand(Conflict):
    """{element} did not fail at work whose result could be given by hand; change variables and retry, or move the token."""


@dataclass(frozen=True, slots=True)
class MigrationProblem:
    """One reason why an instance, or a plan, cannot be migrated. `why`: a key of `REASONS`; `detail`: what else is to be said."""

    why: str
    element: str = ""
    target: str = ""
    detail: str = ""

    @property
    def text(self) -> str:
        """In English."""
        return MIGRATION_REASONS.get(self.why, self.why).format(element=self.element, target=self.target, detail=self.detail)


MIGRATION_REASONS: Mapping[str, str] = {
    "ended": "it has ended",
    "there": "it runs under that version already",
    "unmapped": "{element} is open and has no target in the plan",
    "unknown-source": "{element} is no element of the version that is left",
    "unknown": "{target} is no element of the version that is entered",
    "kind": "{element} and {target} are different kinds of elements ({detail})",
    "event": "{element} and {target} wait for different kinds of events",
    "twice": "{target} would succeed several elements, {element} among them",
    "scope": "{target} does not lie in the subprocess that succeeds the one of {element}",
    "parent": "{element} lies in a subprocess that has no target in the plan",
    "boundary": "{target} is not attached to what succeeds the activity of {element}",
    "loop": "{element} is open and repeats in another way than {target}",
    "ad-hoc": "{element} is open and runs its activities in another order than {target}",
    "join": "tokens wait at {element}, and {target} does not have all of its incoming flows",
    "race": "no event that {element} waits for has a target behind {target}",
    "compensation": "{element} has completed and may have to be compensated, but has no target that could be",
    "called": "the version of the process that {element} has called is not known any more",
    "arming": "what {target} waits for cannot be evaluated: {detail}",
    "form": "the form of {target} cannot be evaluated: {detail}",
}


class MigrationRefused(Conflict):
    """The instance cannot be migrated to {target}: {reason}. Nothing was changed."""

    def __init__(self, message: str | None = None, *, problems: Iterable[MigrationProblem] | str = (), target: str = "") -> None:
        """`problems` as they were found, or as the text that `data` keeps of them."""
        found = (MigrationProblem(*one) for one in json.loads(problems)) if isinstance(problems, str) else problems
        self.problems = tuple(found)
        rows = [[one.why, one.element, one.target, one.detail] for one in self.problems]
        super().__init__(message, target=target, reason="; ".join(one.text for one in self.problems), problems=json.dumps(rows))


class MigrationNotUndone(Conflict):
    """The migration of instance {id} cannot be taken back: something has happened since. Migrate it again instead."""


class RequestIdReused(Conflict):
    """The request id {id} was already used for a different command; send a fresh one."""


class InvalidInput(Refusal):
    """The input is not valid."""


class LimitExceeded(InvalidInput):
    """{what} is {value}, the limit is {limit}."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One problem of one form field: JSON pointer, message id (key of a translation), parameters of the message."""

    pointer: str
    message_id: str
    params: Mapping[str, Any]
    message: str  # English, complete


class FormInvalid(InvalidInput):
    """The form has {count} invalid field(s); nothing was saved as completed."""

    def __init__(self, errors: Iterable[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__(count=len(self.errors))


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding about a deployed file. `severity` is 'error' or 'warning'; `line` is 1-based or None."""

    file: str
    rule: str
    message: str
    element_id: str | None = None
    element_name: str | None = None
    line: int | None = None
    advice: str = ""
    severity: str = "error"


class DeploymentRejected(InvalidInput):
    """The deployment has {count} problem(s); nothing was deployed."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        detail = "; ".join(f"{p.element_id or p.file}: {p.message}" for p in self.problems[:5])
        super().__init__(f"The deployment has {len(self.problems)} problem(s); nothing was deployed. {detail}", count=len(self.problems))


# --- what can go wrong while a process runs ---------------------------------------------------------------------
class BpmnError(FlowledgerError):
    """A business error that the diagram may catch with an error event.

    Raised by service-task handlers and by functions that scripts call. `code` matches the errorCode of the event.
    """

    def __init__(self, code: str | None = None, message: str | None = None, variables: Mapping[str, Any] | None = None) -> None:
        self.code = code
        self.variables = dict(variables or {})
        super().__init__(message or f"BPMN error {code}", code=code)


class ExpressionError(FlowledgerError):
    """The expression {source} failed: {cause}"""


class ValueMissing(ExpressionError):
    """The expression {source} failed: {cause}"""

    # It reads a variable that does not exist, or is null where a value is needed. A condition that is only waited for may still come true.


class ExpressionStopped(ExpressionError):
    """The expression {source} was stopped: {cause}"""

    # By the machine, not by its own text: it ran out of time, or its process died. The same text might have finished elsewhere,
    # so history keeps that it was stopped.


class ExecutionError(FlowledgerError):
    """Element {element_id} could not be executed: {cause}"""

    def __init__(self, element_id: str | None, cause: str) -> None:
        self.element_id = element_id
        self.cause = cause
        super().__init__(f"Element {element_id} could not be executed: {cause}", element_id=element_id, cause=cause)


# --- technical --------------------------------------------------------------------------------------------------
class ConcurrentChange(FlowledgerError):
    """Another node appended to the instance first; catch up and try again."""


class IntegrityViolation(FlowledgerError):
    """The history of instance {instance} does not verify at record {seq}: {cause}"""


class ReplayDiverged(IntegrityViolation):
    """Re-executing record {seq} of instance {instance} gives another outcome: {cause}"""


class NotAvailable(FlowledgerError):
    """The database cannot be reached just now; nothing was lost. Try again in a moment."""


class InstanceNotAvailable(NotAvailable):
    """The instance cannot be changed just now, others can; nothing was lost. Try again in a moment."""


class NotifierMissing(FlowledgerError):
    """No mail server is known here; start this process with --smtp and --mail-from (FLOWLEDGER_SMTP, FLOWLEDGER_MAIL_FROM) like the others."""


class WriterBusy(NotAvailable):
    """Another change keeps the database busy for too long; this one was not saved. Try again in a moment."""


class StorageFull(NotAvailable):
    """The disk of the database is full: nothing was changed, reading goes on. Make room, then send it again."""


class StorageDamaged(FlowledgerError):
    """The file of the database is damaged; keep a copy of it, restore the newest backup that verifies (`flowledger doctor` says more)."""


class OutcomeUnknown(NotAvailable):
    """The connection to the database was lost while the change was being saved; it is saved whole or not at all. Repeat it with the same request id."""
