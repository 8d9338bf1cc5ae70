"""The outcome of an input: what happened, in order. Past tense. Names and fields are part of the record format.

`key` numbers come from the instance's own counter: every token (element instance), user task, job and subscription gets
one. `scope` is the key of the element instance that owns the variable scope; 0 is the process instance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.model.codec import recorded
from engine.model.migration import ElementMigrated, InstanceMigrated, UserTaskChanged
from engine.model.values import Json


@recorded
@dataclass(frozen=True, slots=True)
class ElementEntered:
    """A token arrived at a flow node and activated it. `flow` is the sequence flow that brought it, if any."""

    key: int
    element: str
    scope: int = 0
    flow: str | None = None


@recorded
@dataclass(frozen=True, slots=True)
class ElementCompleted:
    """The element instance finished normally."""

    key: int
    element: str


@recorded
@dataclass(frozen=True, slots=True)
class ElementCancelled:
    """The element instance was withdrawn (boundary event, terminate, cancel, race lost)."""

    key: int
    element: str


@recorded
@dataclass(frozen=True, slots=True)
class FlowTaken:
    """A token left element instance `key` over this sequence flow."""

    key: int
    flow: str


@recorded
@dataclass(frozen=True, slots=True)
class DecisionTaken:
    """Why a path was taken: one condition (`kind` condition), one decision table (decision), one loop or multi-instance condition.

    `subject` is the sequence flow's or decision's id, `expression` its text, `reads` the values that it read, `result` what it gave,
    `rules` the ids of the decision rules that matched.
    """

    key: int
    element: str
    kind: str
    subject: str
    expression: str
    result: Json
    reads: Mapping[str, Json] = field(default_factory=dict)
    rules: tuple[str, ...] = ()


@recorded
@dataclass(frozen=True, slots=True)
class VariableSet:
    """The variable got this value."""

    scope: int
    name: str
    value: Json


@recorded
@dataclass(frozen=True, slots=True)
class VariableExtended:
    """The variable is a list and these items were appended (so that a growing list costs linear storage)."""

    scope: int
    name: str
    items: tuple[Json, ...]


@recorded
@dataclass(frozen=True, slots=True)
class VariableRemoved:
    """The variable was deleted."""

    scope: int
    name: str


@recorded
@dataclass(frozen=True, slots=True)
class DataStoreWritten:
    """The instance wrote a data store, which all instances share; `version` counts the writes of that store by whomever."""

    key: int
    element: str
    store: str
    version: int
    value: Json


@recorded
@dataclass(frozen=True, slots=True)
class UserTaskCreated:
    """A person has work. `key` equals the key of the element instance. `due` and `follow_up` are UTC ISO texts.

    `excludes`: element ids; whoever completed one of them in this instance may not do this task (four eyes).
    """

    key: int
    element: str
    name: str = ""
    assignee: str | None = None
    candidate_groups: tuple[str, ...] = ()
    candidate_users: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    form_key: str | None = None
    due: str | None = None
    follow_up: str | None = None
    priority: int = 50


@recorded
@dataclass(frozen=True, slots=True)
class UserTaskAssigned:
    """The task was claimed, released (None) or handed over."""

    key: int
    assignee: str | None = None


@recorded
@dataclass(frozen=True, slots=True)
class UserTaskCompleted:
    """The person finished."""

    key: int


@recorded
@dataclass(frozen=True, slots=True)
class UserTaskCancelled:
    """The task was withdrawn."""

    key: int


@recorded
@dataclass(frozen=True, slots=True)
class JobCreated:
    """Work that is due: `kind` is `service` or `timer`. `due` UTC ISO text (None: at once; a timer then is a transaction boundary, as `asyncBefore`).

    `handler` is the service task's type (topic), `parameters` what the diagram passes to it, already evaluated. `retries`: attempts in all;
    `backoff`: ISO 8601 durations to wait after the first, second ... failed attempt, the last one repeats (none: the engine's own).
    """

    key: int
    element: str
    kind: str
    due: str | None = None
    handler: str | None = None
    parameters: Mapping[str, Json] = field(default_factory=dict)
    retries: int = 3
    backoff: tuple[str, ...] = ()


@recorded
@dataclass(frozen=True, slots=True)
class JobEnded:
    """The job is done or withdrawn; `reason`: completed, triggered, error, cancelled, retried."""

    key: int
    reason: str


@recorded
@dataclass(frozen=True, slots=True)
class SubscriptionOpened:
    """The instance waits: `kind` message or signal. `correlation_key` None matches the instance's business key only.

    `retrieval`: expressions over a message's payload; their values, as text, are compared with the key (BPMN 2.0.2 section 8.4.2). A subscription whose
    key got another value is closed and opened again under the same `key`.
    """

    key: int
    element: str
    kind: str
    name: str
    correlation_key: str | None = None
    retrieval: tuple[str, ...] = ()


@recorded
@dataclass(frozen=True, slots=True)
class SubscriptionClosed:
    """The instance no longer waits."""

    key: int


@recorded
@dataclass(frozen=True, slots=True)
class MessageSent:
    """A throw event or send task sent a message to other instances (delivered by a job after commit)."""

    key: int
    element: str
    name: str
    payload: Mapping[str, Json] = field(default_factory=dict)
    correlation_key: str | None = None


@recorded
@dataclass(frozen=True, slots=True)
class SignalSent:
    """A throw event broadcast a signal. Catchers of this instance already got it; other instances and starts get it by a job."""

    key: int
    element: str
    name: str
    payload: Mapping[str, Json] = field(default_factory=dict)


@recorded
@dataclass(frozen=True, slots=True)
class IncidentRaised:
    """The element stands still until an operator acts; `key` is the element instance or job."""

    key: int
    element: str
    cause: str


@recorded
@dataclass(frozen=True, slots=True)
class IncidentResolved:
    """An operator acted."""

    key: int


@recorded
@dataclass(frozen=True, slots=True)
class CommentAdded:
    """A remark was made."""

    text: str
    key: int = 0


@recorded
@dataclass(frozen=True, slots=True)
class AttachmentAdded:
    """A file was attached."""

    name: str
    sha256: str
    size: int
    media_type: str
    key: int = 0


@recorded
@dataclass(frozen=True, slots=True)
class InstanceStarted:
    """The instance exists."""

    process_id: str


@recorded
@dataclass(frozen=True, slots=True)
class InstanceCompleted:
    """No token is left."""


@recorded
@dataclass(frozen=True, slots=True)
class InstanceFailed:
    """An error event that nobody caught, or the like, ended the instance."""

    error: str


@recorded
@dataclass(frozen=True, slots=True)
class InstanceCancelled:
    """An operator ended the instance."""

    reason: str = ""


@recorded
@dataclass(frozen=True, slots=True)
class InstanceSuspended:
    """An operator stopped the instance; nothing moves until it is resumed."""

    reason: str = ""


@recorded
@dataclass(frozen=True, slots=True)
class InstanceResumed:
    """An operator let it go on."""

    reason: str = ""


Event: TypeAlias = (
    ElementEntered
    | ElementCompleted
    | ElementCancelled
    | FlowTaken
    | DecisionTaken
    | VariableSet
    | VariableExtended
    | VariableRemoved
    | DataStoreWritten
    | UserTaskCreated
    | UserTaskAssigned
    | UserTaskCompleted
    | UserTaskCancelled
    | JobCreated
    | JobEnded
    | SubscriptionOpened
    | SubscriptionClosed
    | MessageSent
    | SignalSent
    | IncidentRaised
    | IncidentResolved
    | CommentAdded
    | AttachmentAdded
    | InstanceStarted
    | InstanceCompleted
    | InstanceFailed
    | InstanceCancelled
    | InstanceSuspended
    | InstanceResumed
    | InstanceMigrated
    | ElementMigrated
    | UserTaskChanged
)
