"""A deployed process definition, described without the interpreter's types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Element:
    """One flow node or sequence flow of a process, for lists and pages. `type` is the BPMN local name (`userTask`)."""

    id: str
    type: str
    name: str = ""
    documentation: str = ""
    lane: str | None = None
    scope: str | None = None  # id of the enclosing subprocess, None: the process
    source: str | None = None  # sequence flows only
    target: str | None = None
    form_key: str | None = None
    candidate_groups: tuple[str, ...] = ()
    handler: str | None = None


@dataclass(frozen=True, slots=True)
class StartTrigger:
    """How an instance may start. `kind`: none, message, signal, timer. `name`: of the message or signal.

    For timers, `schedule` is the ISO 8601 text (date, duration or cycle `R/...`), as written in the diagram. `business_key` is the source
    of an expression over the start variables that names an instance whose starter gave no key.
    """

    element: str
    kind: str
    name: str | None = None
    schedule: str | None = None
    form_key: str | None = None
    business_key: str | None = None


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """What the interpreter tells about one executable process of a compiled deployment."""

    process_id: str
    name: str
    file: str
    starts: tuple[StartTrigger, ...]
    elements: Mapping[str, Element]
    documentation: str = ""
    form_keys: tuple[str, ...] = ()
    handlers: tuple[str, ...] = ()
    called: tuple[str, ...] = ()  # process ids of call activities that another deployment provides


@dataclass(frozen=True, slots=True)
class ProcessDefinition:
    """One version of a process. `content_hash` covers every file of the deployment (BPMN, DMN, forms)."""

    id: str  # f"{process_id}:{version}"
    process_id: str
    version: int
    name: str
    deployment_id: str
    content_hash: str
    file: str
    deployed_at: datetime
    deployed_by: str
    comment: str = ""
    called: Mapping[str, str] = field(default_factory=dict)  # process id -> pinned definition id


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a deploy command gives back. `warnings` did not prevent it."""

    id: str
    definitions: tuple[ProcessDefinition, ...]
    warnings: tuple[object, ...] = ()
