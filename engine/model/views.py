"""What commands answer and what queries show: rows for lists and pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from engine.model.values import Json

T = TypeVar("T")
COUNTED = 1_000  # tasks are counted so far


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list by key: `next` is the cursor of the following page (None: last page)."""

    rows: Sequence[T]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class InstanceRef:
    """Where a command on an instance left it. `task_ids`: user tasks that it created."""

    instance_id: str
    seq: int
    state: str
    task_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Correlation:
    """Instances that a message or signal reached, started, or is on its way to; `kept` when a message now waits for a catcher."""

    instance_ids: tuple[str, ...] = ()
    kept: bool = False


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """One process instance in a list. `state`: active suspended completed failed cancelled; `error` when failed or with an incident."""

    id: str
    process_id: str
    definition_id: str
    version: int
    process_name: str
    business_key: str | None
    state: str
    error: str | None
    seq: int
    head_hash: str
    started_at: datetime
    started_by: str
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One user task in a worklist. `state`: open completed cancelled."""

    id: str
    instance_id: str
    key: int
    element_id: str
    name: str
    state: str
    process_id: str
    definition_id: str
    process_name: str
    business_key: str | None
    assignee: str | None
    assignee_name: str | None
    candidate_groups: tuple[str, ...]
    candidate_users: tuple[str, ...]
    excludes: tuple[str, ...]
    excluded_users: tuple[str, ...]
    form_key: str | None
    priority: int
    due: datetime | None
    created_at: datetime
    ended_at: datetime | None
    ended_by: str | None
    follow_up: datetime | None = None


@dataclass(frozen=True, slots=True)
class WorklistCounts:
    """Open tasks that the actor may work on. Nobody counts a million for a page: more than COUNTED is COUNTED + 1."""

    mine: int
    groups: int
    due_today: int
    overdue: int


@dataclass(frozen=True, slots=True)
class DefinitionRow:
    """One version of a process in a list, with its instances by state and incidents."""

    id: str
    process_id: str
    version: int
    name: str
    deployed_at: datetime
    deployed_by: str
    comment: str
    content_hash: str
    active: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    incidents: int = 0
    latest: bool = False
    suspended_instances: int = 0
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class ElementStatistic:
    """Work at one element over all instances of a definition: open now, finished, mean seconds from created to completed."""

    element_id: str
    open: int
    completed: int
    mean_seconds: float | None


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """Something stands. `stack` is for operators only. `kind`: job (after `attempts`), element."""

    id: str
    instance_id: str
    element_id: str
    cause: str
    created_at: datetime
    resolved_at: datetime | None
    stack: str | None = None
    kind: str = "element"
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class BulkRow:
    """A bulk operation. `state`: running, finished, stopped. `parameters`: variables, element, target, plan, code, operation."""

    id: str
    act: str
    reason: str
    parameters: Mapping[str, Json]
    created_by: str
    created_at: datetime
    state: str
    total: int
    done: int = 0
    refused: int = 0
    ended_at: datetime | None = None

    @property
    def variables(self) -> dict[str, Json]:
        """Variables that the act changes."""
        found = self.parameters.get("variables")
        return dict(found) if isinstance(found, Mapping) else {}


@dataclass(frozen=True, slots=True)
class BulkItem:
    """One target. `state`: waiting, done, refused; `kind`, `text`, `data` of the refusal as the error that it was."""

    number: int
    target: str
    state: str
    kind: str = ""
    text: str = ""
    data: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DefinitionAct:
    """Who suspended or resumed a version, and why. `act`: suspend, resume."""

    definition_id: str
    act: str
    at: datetime
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class CommentRow:
    """A remark (from the record of that seq)."""

    instance_id: str
    seq: int
    at: datetime
    author: str
    author_name: str
    text: str
    task_id: str | None


@dataclass(frozen=True, slots=True)
class AttachmentRow:
    """An attached file (from the record of that seq)."""

    instance_id: str
    seq: int
    at: datetime
    author: str
    author_name: str
    name: str
    sha256: str
    size: int
    media_type: str
    task_id: str | None


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """One thing that a person did, from the records: for `history of what I did` and for an instance's line list.

    `kind` is the input's type name (CompleteUserTask ...); `element_id`/`element_name` where it concerns one.
    """

    instance_id: str
    seq: int
    at: datetime
    actor: str
    actor_name: str
    on_behalf_of: str | None
    kind: str
    process_name: str
    business_key: str | None
    element_id: str | None
    element_name: str | None
    hash: str


@dataclass(frozen=True, slots=True)
class ModelDraft:
    """The modeler's unsaved work."""

    id: str
    process_id: str | None
    based_on: str | None
    owner: str
    revision: int
    updated_at: datetime
    xml: str


@dataclass(frozen=True, slots=True)
class UserRow:
    """An account, without its password hash."""

    id: str
    name: str
    roles: tuple[str, ...]
    groups: tuple[str, ...]
    active: bool
    language: str
    time_zone: str
    email: str | None = None
    notify: str = "mine"  # of model.actors.NOTIFY


@dataclass(frozen=True, slots=True)
class TokenRow:
    """An API token, without its secret."""

    id: str
    user_id: str
    label: str
    created_at: datetime
    expires: datetime | None
    last_used: datetime | None


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Filters of a worklist. `view`: mine, groups (unclaimed work of my groups), all (both), due, overdue, followup (its follow-up date has come), every.

    `every` is for auditors only.
    """

    view: str = "all"
    process_id: str | None = None
    element_id: str | None = None
    text: str | None = None  # part of the name, or of the business key from the beginning of a word on
    sort: str = "due"  # due created priority name; a leading - reverses
    cursor: str | None = None
    size: int = 50
    instance_id: str | None = None
    state: str = "open"


@dataclass(frozen=True, slots=True)
class InstanceFilter:
    """Filters of the instance list; newest first."""

    process_id: str | None = None
    definition_id: str | None = None
    state: str | None = None
    text: str | None = None  # part of the business key from the beginning of a word on, or an instance id
    cursor: str | None = None
    size: int = 50


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """Filters of the list of incidents; newest first."""

    process_id: str | None = None
    instance_id: str | None = None
    open_only: bool = True
    cursor: str | None = None
    size: int = 50


@dataclass(frozen=True, slots=True)
class Explanation:
    """One record in plain parts for pages: what a person reads, without interpreting events again.

    `why` holds (element id, subject, expression, reads, result, rules); `changes` (scope, name, before, after); `entered`, `completed`,
    `cancelled` element ids; `flows` ids taken.
    """

    seq: int
    at: datetime
    actor: str
    on_behalf_of: str | None
    kind: str
    element_id: str | None
    form_values: Mapping[str, Json]
    why: Sequence[Mapping[str, Json]]
    changes: Sequence[Mapping[str, Json]]
    entered: Sequence[str]
    completed: Sequence[str]
    cancelled: Sequence[str]
    flows: Sequence[str]
    hash: str
    details: Mapping[str, Json] = field(default_factory=dict)
