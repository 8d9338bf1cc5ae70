"""A record: one input of one instance with its outcome, chained by hash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.model.events import Event
from engine.model.inputs import Input
from engine.model.values import Json


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a host function by a script or condition: an input, so that re-execution need not call again.

    Exactly one of `result` and (`error_code` or `error`) counts: `failed` tells which.
    """

    name: str
    result: Json = None
    failed: bool = False
    error_code: str | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    r"""`seq` counts 1, 2, 3 ... within the instance. `previous` is the hash of record seq - 1 ("" for the first).

    `body` are the canonical bytes that were hashed; `hash` = SHA-256(b"flowledger record v1\n" + body) in hexadecimal. The body holds every
    other field, the previous hash included.
    """

    instance_id: str
    seq: int
    at: datetime
    actor: str
    on_behalf_of: str | None
    definition_hash: str
    engine_version: str
    request_id: str | None
    input: Input
    calls: tuple[Call, ...]
    events: Sequence[Event]
    previous: str
    hash: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Frame:
    """State of an instance after one record, folded from outcomes alone: what the auditor's slider shows."""

    seq: int
    state: str
    active: Mapping[str, int]  # element id -> tokens on it
    completed: Mapping[str, int]  # element id -> times completed
    flows: Mapping[str, int]  # flow id -> times taken
    variables: Mapping[str, Json]  # of the instance scope
