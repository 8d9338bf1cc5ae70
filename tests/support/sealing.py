"""Records made by hand, for tests of what stores and reads them."""

from __future__ import annotations

from datetime import datetime

from engine.history.chain import seal
from engine.model.actors import SYSTEM
from engine.model.events import Event
from engine.model.inputs import Input
from engine.model.records import Record
from engine.testing import START


def sealed(
    instance_id: str, input: Input, *events: Event, seq: int = 1, at: datetime = START, request_id: str | None = None, previous: str = ""
) -> Record:
    """A record of the engine "1" with this input and outcome."""
    return seal(
        instance_id=instance_id,
        seq=seq,
        at=at,
        actor=SYSTEM,
        definition_hash="0" * 64,
        engine_version="1",
        request_id=request_id,
        input=input,
        calls=(),
        events=events,
        previous=previous,
    )
