"""What an actor can ask for. `engine.bootstrap.Flowledger.execute(command, actor, request_id)` carries one out.

Task ids are `<instance>-<key>`. Every command is all or nothing; refusals are exceptions of `engine.errors`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from engine.model.migration import Migrate, UndoMigration
from engine.model.stuck_jobs import DiscardJob, RetryJob
from engine.model.values import Json


# --- process definitions -------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Deploy:
    """Files by name: `*.bpmn`, `*.dmn`, `*.form.json`. All become one version, or none. -> Deployment

    `complete_from` names a definition id whose other files (forms, DMN, further BPMN) are taken over when `files` does not
    hold them: so a modeler deploys one changed diagram and keeps the forms.
    """

    files: Mapping[str, bytes]
    comment: str = ""
    complete_from: str | None = None


@dataclass(frozen=True, slots=True)
class SaveModelDraft:
    """The modeler's unsaved work; `draft_id` None makes a new one. -> ModelDraft. Conflict when `revision` is behind."""

    xml: str
    process_id: str | None = None
    based_on: str | None = None
    draft_id: str | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class DiscardModelDraft:
    """Throw a draft away."""

    draft_id: str


# --- instances -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Start:
    """Start the newest version of a process, or of `definition_id`. A start form's fields are checked. -> InstanceRef"""

    process_id: str | None = None
    variables: Mapping[str, Json] = field(default_factory=dict)
    business_key: str | None = None
    definition_id: str | None = None


@dataclass(frozen=True, slots=True)
class PublishMessage:
    """To the one waiting instance, else to a message start event, else kept until `keep_seconds` are over. -> Correlation"""

    name: str
    payload: Mapping[str, Json] = field(default_factory=dict)
    correlation_key: str | None = None
    keep_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class BroadcastSignal:
    """To every instance that waits for it and every signal start event. -> Correlation"""

    name: str
    payload: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cancel:
    """End an instance. -> InstanceRef"""

    instance_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ChangeVariables:
    """An operator sets variables. -> InstanceRef"""

    instance_id: str
    variables: Mapping[str, Json]
    reason: str


@dataclass(frozen=True, slots=True)
class RetryIncident:
    """An operator tries again what stands, with variables changed in the same act. -> InstanceRef"""

    incident_id: str
    reason: str = ""
    variables: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CompleteByHand:
    """An operator finishes an open user task, job, timer or failed element with these results. -> InstanceRef

    `work_id` here and below: `<instance>-<key>`, as ids of user tasks, jobs and incidents are made.
    """

    work_id: str
    reason: str
    variables: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FailByHand:
    """An operator lets an open activity end with the BPMN error `code`, or (None) lets a job fail for good. -> InstanceRef"""

    work_id: str
    reason: str
    code: str | None = None
    variables: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MoveToken:
    """An operator withdraws an open element and activates another one of the same scope. -> InstanceRef

    `element`: refuse unless the open element is this one of the diagram.
    """

    work_id: str
    target: str
    reason: str
    variables: Mapping[str, Json] = field(default_factory=dict)
    element: str | None = None


@dataclass(frozen=True, slots=True)
class Suspend:
    """Nothing of the instance moves until it is resumed. -> InstanceRef"""

    instance_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Resume:
    """The instance goes on; what became due meanwhile runs. -> InstanceRef"""

    instance_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class SuspendDefinition:
    """No instance of this version can be started, by nobody and nothing. -> None"""

    definition_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ResumeDefinition:
    """Instances of this version can be started again; timers that became due and messages that came meanwhile start theirs. -> None"""

    definition_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class StartBulk:
    """The same act on many. -> BulkRow. Each target is an item that a job carries out later, as this operator.

    `act`: retry, cancel, suspend, resume, change, move, complete, fail, migrate, undo. `targets`: instance ids (retry, complete, fail: ids of incidents
    or other work too). `definition_id` with `everything` takes all that the act fits to instead: open incidents (retry; `element`: at it only),
    suspended (resume) or active instances, those that were migrated last (undo). `operation` instead: what this migration of many did (undo).
    `element`: what is completed or fails in each instance, at every open occurrence; with `target`: from where to where tokens move. `target` of a
    migration: the definition, with its `plan` (None: the proposed one); of undo: only those that run under this definition. `code`: of the BPMN error.
    """

    act: str
    reason: str
    targets: tuple[str, ...] = ()
    everything: bool = False
    definition_id: str | None = None
    variables: Mapping[str, Json] = field(default_factory=dict)
    element: str | None = None
    target: str | None = None
    plan: Mapping[str, str] | None = None
    code: str | None = None
    operation: str | None = None


@dataclass(frozen=True, slots=True)
class StopBulk:
    """What has not been done yet is left undone. -> BulkRow"""

    bulk_id: str


@dataclass(frozen=True, slots=True)
class StartActivity:
    """Start an activity of an open ad-hoc subprocess, perhaps once more; `key` when several of them offer it. -> InstanceRef"""

    instance_id: str
    element_id: str
    key: int = 0


# --- user tasks ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Complete:
    """Finish a user task with the values of its form. Claims it on the way if nobody holds it. -> InstanceRef"""

    task_id: str
    values: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claim:
    """Take a task of one's groups. -> InstanceRef"""

    task_id: str


@dataclass(frozen=True, slots=True)
class Release:
    """Give a claimed task back. -> InstanceRef"""

    task_id: str


@dataclass(frozen=True, slots=True)
class HandOver:
    """Pass one's task to somebody else, with a reason. -> InstanceRef"""

    task_id: str
    assignee: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SaveDraft:
    """Keep the unfinished form of a task for this actor (not part of the history). `values` as typed. -> None"""

    task_id: str
    values: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Comment:
    """A remark on an instance, optionally at one of its tasks. -> InstanceRef"""

    instance_id: str
    text: str
    task_id: str | None = None


@dataclass(frozen=True, slots=True)
class Attach:
    """A file for an instance; at most `Limits.attachment_bytes`. -> InstanceRef"""

    instance_id: str
    name: str
    data: bytes
    media_type: str
    task_id: str | None = None


# --- people ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class PutUser:
    """Create or change a user; what is None keeps what is there, `email` "" drops it. A new one is staff, in no group, and named by its id. -> None"""

    user_id: str
    name: str | None = None
    roles: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None
    password: str | None = None
    active: bool | None = None
    language: str | None = None
    time_zone: str | None = None
    email: str | None = None
    notify: str | None = None


@dataclass(frozen=True, slots=True)
class SetPreferences:
    """One's own language and time zone; where and of what one is told (None: as it is; `email` "": nowhere). -> None"""

    language: str
    time_zone: str
    email: str | None = None
    notify: str | None = None


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """One's own password; ends all other sessions. -> None"""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class IssueToken:
    """An API token for oneself. -> the secret, shown once"""

    label: str
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class RevokeToken:
    """End an API token. -> None"""

    token_id: str


AccountCommand = PutUser | SetPreferences | ChangePassword | IssueToken | RevokeToken

Command: TypeAlias = (
    Deploy
    | SaveModelDraft
    | DiscardModelDraft
    | Start
    | PublishMessage
    | BroadcastSignal
    | Cancel
    | ChangeVariables
    | RetryIncident
    | StartActivity
    | CompleteByHand
    | FailByHand
    | MoveToken
    | Migrate
    | UndoMigration
    | Suspend
    | Resume
    | SuspendDefinition
    | ResumeDefinition
    | RetryJob
    | DiscardJob
    | StartBulk
    | StopBulk
    | Complete
    | Claim
    | Release
    | HandOver
    | SaveDraft
    | Comment
    | Attach
    | PutUser
    | SetPreferences
    | ChangePassword
    | IssueToken
    | RevokeToken
)
