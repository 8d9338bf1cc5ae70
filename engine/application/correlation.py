"""What a message that looks for its receiver carries: the correlation keys that waiting subscriptions read from its payload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from engine.application.services import Services
from engine.model.correlation import key_of, retrieved
from engine.model.values import Json
from engine.ports import Carried, UnitOfWork


def carried_key(services: Services, retrieval: Sequence[str], payload: Mapping[str, Json], now: datetime) -> str | None:
    """The key as the expressions read it from the payload (they see nothing else); None when it is not in there."""
    values = retrieved(retrieval, lambda path: services.evaluator.evaluate(path, payload, {}, now).value)
    return None if values is None else key_of(values)


def carried(uow: UnitOfWork, services: Services, name: str, payload: Mapping[str, Json]) -> list[Carried]:
    """One key for each way of reading that somebody waits with."""
    found = ((retrieval, carried_key(services, retrieval, payload, uow.now)) for retrieval in uow.waiting.retrievals(name))
    return [Carried(retrieval, key) for retrieval, key in found if key is not None]
