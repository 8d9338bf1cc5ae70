"""What a record of an instance can hold as its input. Names and fields are part of the record format.

`key` is always the number that the instance gave the object (token, task, job, subscription) from its own counter; the
public id of a user task or job is `f"{instance_id}-{key}"`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.model.codec import recorded
from engine.model.values import Json


# --- inputs that move tokens: the interpreter decides their outcome ------------------------------------------------
@recorded
@dataclass(frozen=True, slots=True)
class StartInstance:
    """A new instance. `start_element` names a start event when it was a message, signal or timer; else all none starts.

    `chain`: so many messages and signals, each sent because of the one before, led to it (`engine.model.chains`).
    """

    process_id: str
    variables: Mapping[str, Json] = field(default_factory=dict)
    business_key: str | None = None
    start_element: str | None = None
    initiator: str | None = None
    parent: str | None = None
    chain: int = 0


@recorded
@dataclass(frozen=True, slots=True)
class CompleteUserTask:
    """`variables` holds exactly the form's declared fields (or, without a form, what the caller sent).

    `reason`: an operator completed it by hand, and why ("": who had the task did).
    """

    key: int
    variables: Mapping[str, Json] = field(default_factory=dict)
    reason: str = ""


@recorded
@dataclass(frozen=True, slots=True)
class CorrelateMessage:
    """A message reaches the subscription `key`. `chain`: see `StartInstance`."""

    key: int
    name: str
    payload: Mapping[str, Json] = field(default_factory=dict)
    correlation_key: str | None = None
    chain: int = 0


@recorded
@dataclass(frozen=True, slots=True)
class DeliverSignal:
    """A signal reaches every subscription of this instance that waits for it. `chain`: see `StartInstance`."""

    name: str
    payload: Mapping[str, Json] = field(default_factory=dict)
    chain: int = 0


@recorded
@dataclass(frozen=True, slots=True)
class TriggerTimer:
    """The timer job `key` is due; with a `reason` an operator let it fire."""

    key: int
    reason: str = ""


@recorded
@dataclass(frozen=True, slots=True)
class CompleteJob:
    """A service task's handler finished; `variables` are written to the task's scope. With a `reason` an operator did it by hand."""

    key: int
    variables: Mapping[str, Json] = field(default_factory=dict)
    reason: str = ""


@recorded
@dataclass(frozen=True, slots=True)
class ThrowJobError:
    """A service task's handler raised a BPMN error. With a `reason` an operator did, at any open activity; something must catch it then."""

    key: int
    code: str | None = None
    message: str = ""
    variables: Mapping[str, Json] = field(default_factory=dict)
    reason: str = ""


@recorded
@dataclass(frozen=True, slots=True)
class SetVariables:
    """An operator changes variables of a scope (0: the instance)."""

    variables: Mapping[str, Json] = field(default_factory=dict)
    scope: int = 0
    reason: str = ""


@recorded
@dataclass(frozen=True, slots=True)
class RetryElement:
    """An operator asks the element or job `key`, which stands with an incident, to run again, with these variables changed before.

    A variable is written where it lives, else to the instance. A service task's inputs and parameters are evaluated anew. `waiting`: nothing stands,
    the job had failed and waited for its next attempt. `due`: UTC ISO text, of a timer whose moment is still to come (None: it is due at once).
    """

    key: int
    variables: Mapping[str, Json] = field(default_factory=dict)
    reason: str = ""
    waiting: bool = False
    due: str | None = None


@recorded
@dataclass(frozen=True, slots=True)
class CompleteElement:
    """An operator gives the results of the element `key`, which stands with an incident: its own work is left out."""

    key: int
    variables: Mapping[str, Json] = field(default_factory=dict)
    reason: str = ""


@recorded
@dataclass(frozen=True, slots=True)
class MoveToken:
    """An operator withdraws the element instance `key` and activates `target`, an element of the same scope, in its place."""

    key: int
    target: str
    variables: Mapping[str, Json] = field(default_factory=dict)
    reason: str = ""


@recorded
@dataclass(frozen=True, slots=True)
class MigrateInstance:
    """The instance leaves the definition `source` and goes on under `definition`, whose files have the hash `content`.

    `plan`: which flow node succeeds which; `engine.bpmn.migration` judges it and carries it out. `undoes`: number of the record of a migration that this
    one takes back (0: none); the plan is the inverse then, and the state is what it was before.
    """

    source: str
    definition: str
    content: str
    plan: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    undoes: int = 0


@recorded
@dataclass(frozen=True, slots=True)
class SuspendInstance:
    """Nothing moves until the instance is resumed."""

    reason: str = ""


@recorded
@dataclass(frozen=True, slots=True)
class ResumeInstance:
    """What became due meanwhile runs."""

    reason: str = ""


@recorded
@dataclass(frozen=True, slots=True)
class StartActivity:
    """A person starts an activity that an open ad-hoc subprocess offers, perhaps once more. `key`: of the subprocess; 0: the only one that offers it."""

    element: str
    key: int = 0


@recorded
@dataclass(frozen=True, slots=True)
class CancelInstance:
    """Everything open is withdrawn; the instance ends as cancelled."""

    reason: str = ""


# --- inputs that only annotate: `engine.history.transition` decides their outcome -----------------------------------
@recorded
@dataclass(frozen=True, slots=True)
class AssignUserTask:
    """Claim (assignee is the actor), release (None) or hand over."""

    key: int
    assignee: str | None = None
    reason: str = ""


@recorded
@dataclass(frozen=True, slots=True)
class FailJob:
    """The last attempt of job `key` failed: an incident is raised. The stack stays with the job row, not here.

    `tracked`: the interpreter knows of the incident and resolves it when the job ends, however it ends.
    """

    key: int
    element: str
    cause: str = ""
    tracked: bool = False


@recorded
@dataclass(frozen=True, slots=True)
class RetryJob:
    """An operator resolves the incident of job `key` by trying it again (records of the first versions; now `RetryElement`)."""

    key: int
    element: str


@recorded
@dataclass(frozen=True, slots=True)
class AddComment:
    """A person's remark on the instance, `key` names the user task it was made at (0: none)."""

    text: str
    key: int = 0


@recorded
@dataclass(frozen=True, slots=True)
class AddAttachment:
    """A file was attached; the bytes lie in the blob store under their SHA-256."""

    name: str
    sha256: str
    size: int
    media_type: str
    key: int = 0


NOTES = (AddComment, AddAttachment)
"""Nothing has happened in an instance that only got a remark or a file."""

Movement: TypeAlias = (
    StartInstance
    | CompleteUserTask
    | CorrelateMessage
    | DeliverSignal
    | TriggerTimer
    | CompleteJob
    | ThrowJobError
    | SetVariables
    | RetryElement
    | StartActivity
    | CompleteElement
    | MoveToken
    | MigrateInstance
    | SuspendInstance
    | ResumeInstance
    | CancelInstance
)
Annotation: TypeAlias = AssignUserTask | FailJob | RetryJob | AddComment | AddAttachment
Input: TypeAlias = Movement | Annotation
