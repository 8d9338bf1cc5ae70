"""Acts on many, and answers to requests that leave no record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from engine.model.values import Json
from engine.model.views import BulkRow


class Bulks(Protocol):
    """Bulk operations and their items."""

    def add(self, row: BulkRow, targets: Sequence[str]) -> None: ...

    def fitting(self, act: str, definition_id: str, element: str | None, limit: int) -> list[str]:
        """What the act fits to: open incidents (retry), suspended (resume) or active instances of the definition, oldest first.

        Of undo: instances whose newest record is a migration, remarks and files aside.
        """

    def done(self, bulk_id: str, limit: int) -> list[str]:
        """Targets that the act was done to, by number."""

    def incidents(self, instance_id: str) -> list[str]:
        """Ids of the open incidents of an instance."""

    def get(self, bulk_id: str) -> BulkRow | None: ...

    def next_item(self, bulk_id: str) -> tuple[int, str] | None:
        """(number, target) of the first item that still waits."""

    def settle(self, bulk_id: str, number: int, refusal: Mapping[str, Json] | None, at: datetime) -> None:
        """The item is done, or was refused."""

    def end(self, bulk_id: str, state: str, at: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class Answered:
    """What a command of this name answered this actor; `answer` as JSON."""

    command: str
    actor: str
    answer: Json


class Answers(Protocol):
    """Answers to request ids of commands that may leave no record under them."""

    def get(self, request_id: str) -> Answered | None: ...

    def put(self, request_id: str, command: str, actor: str, answer: Json, now: datetime) -> None:
        """Raises ConcurrentChange when the same request was carried out at this moment."""

    def forget(self, before: datetime) -> None: ...
