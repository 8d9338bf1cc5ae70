"""Records as bytes: writing one, reading one back, checking the chain of an instance.

The body is canonical JSON of `{v, instance, seq, at, actor, on_behalf_of, definition, engine, request_id, input, calls, events, previous}`;
the hash is SHA-256 over a domain prefix and the body, so that a record cannot be taken for anything else that is hashed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, overload

from engine.errors import IntegrityViolation, InvalidInput
from engine.model import codec
from engine.model.actors import Actor
from engine.model.events import Event
from engine.model.inputs import Input
from engine.model.records import Call, Record
from engine.model.values import canonical, iso, moment, parse

VERSION = 1
DOMAIN = b"flowledger record v1\n"

codec.recorded(Call)


def digest(body: bytes) -> str:
    """Hash of a record's body, hexadecimal."""
    return hashlib.sha256(DOMAIN + body).hexdigest()


def seal(
    *,
    instance_id: str,
    seq: int,
    at: datetime,
    actor: Actor,
    definition_hash: str,
    engine_version: str,
    request_id: str | None,
    input: Input,
    calls: Sequence[Call],
    events: Sequence[Event],
    previous: str,
) -> Record:
    """Make the record `seq` that follows the record with the hash `previous` ("" before the first)."""
    document: dict[str, Any] = {
        "v": VERSION,
        "instance": instance_id,
        "seq": seq,
        "at": iso(at),
        "actor": actor.id,
        "on_behalf_of": actor.on_behalf_of,
        "definition": definition_hash,
        "engine": engine_version,
        "request_id": request_id,
        "input": codec.encode(input),
        "calls": [codec.encode(c) for c in calls],
        "events": [codec.encode(e) for e in events],
        "previous": previous,
    }
    body = canonical(document)
    return Record(
        instance_id=instance_id,
        seq=seq,
        at=at,
        actor=actor.id,
        on_behalf_of=actor.on_behalf_of,
        definition_hash=definition_hash,
        engine_version=engine_version,
        request_id=request_id,
        input=input,
        calls=tuple(calls),
        events=tuple(events),
        previous=previous,
        hash=digest(body),
        body=body,
    )


class Outcome(Sequence[Event]):
    """The events of stored bytes, made when somebody first looks at one: who goes on from a record, or executes it again, never does.

    Looking raises InvalidInput when the bytes hold no events.
    """

    __slots__ = ("_held",)

    def __init__(self, written: list[dict[str, Any]]) -> None:
        self._held: list[dict[str, Any]] | tuple[Event, ...] = written

    def _made(self) -> tuple[Event, ...]:
        held = self._held  # looked at once: another thread may be making them, too
        if isinstance(held, list):
            try:
                held = self._held = tuple([codec.decode(one) for one in held])
            except _NO_RECORD as exc:
                raise _no_record(exc) from exc
        return held

    @overload
    def __getitem__(self, place: int) -> Event: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Event]: ...
    def __getitem__(self, place: int | slice) -> Event | Sequence[Event]:
        return self._made()[place]

    def __iter__(self) -> Iterator[Event]:
        return iter(self._made())

    def __len__(self) -> int:
        return len(self._held)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._made() == tuple(other)

    def __hash__(self) -> int:
        return hash(self._made())

    def __repr__(self) -> str:
        return repr(self._made())


_NO_RECORD = (KeyError, TypeError, ValueError)


def _unreadable(events: Sequence[Event]) -> str | None:
    try:
        tuple(events)
    except InvalidInput as exc:
        return str(exc)
    return None


def _no_record(exc: Exception) -> InvalidInput:
    return InvalidInput(f"the stored bytes are not a record: {type(exc).__name__}: {exc}")  # not its repr, which may hold all the bytes


def read(body: bytes, stored_hash: str) -> Record:
    """The record from its stored bytes. Trusts nothing: `check` compares. Raises InvalidInput when the bytes are no record."""
    try:
        data = parse(body.decode())
        return Record(
            instance_id=data["instance"],
            seq=data["seq"],
            at=moment(data["at"]),
            actor=data["actor"],
            on_behalf_of=data["on_behalf_of"],
            definition_hash=data["definition"],
            engine_version=data["engine"],
            request_id=data["request_id"],
            input=codec.decode(data["input"]),
            calls=tuple([codec.decode(c) for c in data["calls"]]),
            events=Outcome(list(data["events"])),
            previous=data["previous"],
            hash=stored_hash,
            body=body,
        )
    except _NO_RECORD as exc:
        raise _no_record(exc) from exc


def holds_events(record: Record, events: bytes) -> bool:
    """Do the record's bytes say that its outcome is exactly this one (canonical JSON)? False is no verdict: they may be written otherwise.

    Bytes are compared with bytes: what stands before the events in a canonical body is made again, nothing else is encoded.
    """
    before = {
        "actor": record.actor,
        "at": iso(record.at),
        "calls": [codec.encode(c) for c in record.calls],
        "definition": record.definition_hash,
        "engine": record.engine_version,
    }
    return record.body.startswith(b'%b,"events":%b,"input":' % (canonical(before)[:-1], events))


def check(instance_id: str, records: Iterable[Record], head: tuple[int, str] | None = None) -> int:
    """Verify a whole chain: own bytes, links, numbering, instance, and (where given) the head (seq, hash) that the database shows.

    Returns the number of records. Raises IntegrityViolation at the first fault.
    """
    previous, seq = "", 0
    for record in records:
        seq += 1
        fault = None
        if record.seq != seq:
            fault = f"number {record.seq} stands where {seq} is expected"
        elif record.instance_id != instance_id:
            fault = f"it belongs to instance {record.instance_id}"
        elif digest(record.body) != record.hash:
            fault = "its bytes do not have the stored hash"
        elif record.previous != previous:
            fault = "it does not follow the record before it"
        else:
            fault = _unreadable(record.events)
        if fault:
            raise IntegrityViolation(instance=instance_id, seq=seq, cause=fault)
        previous = record.hash
    if head is not None and head != (seq, previous):
        raise IntegrityViolation(instance=instance_id, seq=seq, cause=f"the instance list shows {head[0]} records ending in {head[1][:12]}")
    return seq
