"""Who waits for a message or signal, and messages that wait for somebody."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from engine.model.values import Json


@dataclass(frozen=True, slots=True)
class Carried:
    """The key that a message has for subscriptions which read it from a payload in this way."""

    retrieval: tuple[str, ...]
    key: str


class Waiting(Protocol):
    """Message and signal subscriptions, and messages that wait for one."""

    def match(
        self, kind: str, name: str, correlation_key: str | None, carried: Sequence[Carried] = (), *, suspended: bool = False
    ) -> tuple[str, int] | None:
        """(instance id, key): the exact key first, then what the message carries, then subscriptions without a key, oldest first.

        Without a key any, but a subscription that reads its key from messages (`retrievals`) only by what the message carries.
        Of suspended instances only, or only of others.
        """

    def retrievals(self, name: str) -> list[tuple[str, ...]]:
        """The different ways in which subscriptions for this message read their key from a payload."""

    def is_open(self, instance_id: str, key: int) -> bool:
        """Does that subscription still wait? Asked again when the instance is locked."""

    def hold(self, name: str) -> bool:
        """Before a message is kept: nobody else keeps or takes one of this name until the transaction ends.

        True when somebody may have begun to wait before: look again.
        """

    def instances(self, name: str) -> list[tuple[str, bool]]:
        """Instances that wait for the signal, and whether they are suspended; whoever waits longest comes first."""

    def waits(self, instance_id: str, name: str) -> bool:
        """Does this instance wait for the signal?"""

    def keep(self, message_id: str, name: str, correlation_key: str | None, payload: Mapping[str, Json], expires: datetime) -> None: ...

    def take_kept(
        self, name: str, correlation_key: str | None, now: datetime, accepts: Callable[[Mapping[str, Json]], bool] | None = None
    ) -> tuple[str | None, Mapping[str, Json]] | None:
        """Take the oldest kept message for a subscription with this key; one that came without a key only if `accepts` its payload."""

    def forget_expired(self, now: datetime) -> int: ...
