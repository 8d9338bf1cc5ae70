"""Instances: where one stands, its records, what belongs to it beside them, and what is derived from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from engine.model.actors import Actor
from engine.model.records import Record
from engine.model.values import Json
from engine.model.views import ModelDraft, TaskRow


@dataclass(frozen=True, slots=True)
class Head:
    """Where an instance stands: what a command needs to append the next record."""

    instance_id: str
    definition_id: str
    process_id: str
    business_key: str | None
    state: str
    seq: int
    hash: str
    started_by: str = ""

    @property
    def open(self) -> bool:
        """Active or suspended: not yet completed, failed or cancelled."""
        return self.state in ("active", "suspended")


class Records(Protocol):
    """The truth; `UnitOfWork.append` adds to it."""

    def of(self, instance_id: str, after: int = 0, until: int | None = None) -> list[Record]: ...

    def by_request(self, request_id: str) -> Record | None: ...


class Instances(Protocol):
    def head(self, instance_id: str, *, lock: bool = False, wait: bool = True) -> Head | None:
        """`lock` holds it for the transaction; without `wait` an instance that somebody else holds is None, as one that does not exist."""

    def snapshot(self, instance_id: str, engine_version: str) -> tuple[int, Json] | None: ...

    def keep_snapshot(self, instance_id: str, seq: int, engine_version: str, data: Json) -> None: ...

    def lock(self, instance_ids: Sequence[str]) -> None:
        """Lock several for the transaction, always in the same order."""

    def open_task(self, task_id: str, *, lock: bool = True, at: int | None = None) -> tuple[TaskRow, Head] | None:
        """The task in whatever state with its instance, locked for the transaction unless it is only looked at.

        `at`: the record that the caller believes to be the newest one of the instance; who carries a command out ahead of its transaction need not read then.
        """

    def attached(self, instance_id: str) -> frozenset[str]:
        """SHA-256 of the files that were attached to this instance."""

    def took_part(self, instance_id: str, actor: Actor) -> bool:
        """Did the actor write a record of it, or is open work of it offered to them or theirs?"""

    def completers(self, instance_id: str, elements: Sequence[str]) -> frozenset[str]:
        """Users who completed a user task of one of these elements in this instance."""


class DataStores(Protocol):
    """Data stores of diagrams, shared by all instances. They are written by the projection of the records that write them."""

    def read(self, name: str) -> Json:
        """`{"version", "value"}`, None for one that was never written; nobody else gets it until the transaction ends."""


class Blobs(Protocol):
    def put(self, data: bytes, media_type: str = "application/octet-stream") -> str:
        """Store bytes under their SHA-256 and give it back; the same bytes are stored once."""

    def get(self, sha256: str) -> bytes | None: ...


class Drafts(Protocol):
    def save_form(self, instance_id: str, key: int, user_id: str, values: Mapping[str, Json], now: datetime) -> None: ...

    def form(self, instance_id: str, key: int, user_id: str) -> Mapping[str, Json] | None: ...

    def drop_forms(self, instance_id: str, key: int) -> None: ...

    def save_model(self, draft: ModelDraft) -> None:
        """Raises Conflict when the stored revision is not the one before."""

    def model(self, draft_id: str) -> ModelDraft | None: ...

    def drop_model(self, draft_id: str) -> None: ...


class Projection(Protocol):
    """Derives one read table from records, inside the transaction that appends them.

    `apply` adds its writes to a batch (`engine.store.statements.Batch`), which runs them together. `about`: the classes of inputs and events that it looks
    for; a record without any of them is not shown to it. None: it sees every record.
    """

    name: str

    @property
    def about(self) -> frozenset[type] | None: ...

    def apply(self, batch: Any, record: Record, head: Head) -> None: ...

    def clear(self, connection: Any) -> None: ...
