"""The manifest of a moment: what an installation held, kept outside of it, so that a rollback is noticed afterwards.

It lies beside each backup, and `flowledger manifest` writes one alone. It holds hashes, ids and counts, and nothing of any form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from engine import __version__
from engine.errors import InvalidInput
from engine.model.values import iso, moment, parse
from engine.operations.evidence import Heads, deployments, heads, heads_hash
from engine.store.schema import revision
from engine.store.tables import record

FORMAT = "flowledger manifest v1"


@dataclass(frozen=True, slots=True)
class Manifest:
    """`heads`: (number, hash) of the last record by instance; `counts`: rows by table; `deployments`: content hash by id; `files`: of the backup."""

    made_at: datetime
    engine: str
    schema: str
    database: str  # sqlite, postgresql: where it was taken
    counts: Mapping[str, int]
    heads: Mapping[str, tuple[int, str]]
    deployments: Mapping[str, str]
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # name -> sha256, bytes

    @property
    def heads_hash(self) -> str:
        """One hash over all heads: short enough to print, send or write down."""
        return heads_hash(self.heads)

    @property
    def records(self) -> int:
        """Of all instances."""
        return sum(seq for seq, _ in self.heads.values())


@dataclass(frozen=True, slots=True)
class Loss:
    """An instance (or deployment) that is not as the manifest knows it. `kind`: lost, behind, rewritten; `known` and `found` are record numbers.

    Or a checkpoint that does not follow the one before it: unchained; or that follows one that another follows, too: forked.
    """

    kind: str
    what: str
    known: int
    found: int

    def __str__(self) -> str:
        match self.kind:
            case "lost":
                return f"{self.what} is gone; the manifest knows {self.known} record(s) of it"
            case "behind":
                return f"{self.what} lost records: it has {self.found}, the manifest knows {self.known}"
            case "unchained":
                return f"{self.what} does not follow the one before it: that one was changed, or one between them is gone"
            case "forked":
                return f"{self.what} follows the same one as another: the folder was put back, or two installations write to it"
            case _:
                return f"{self.what} was rewritten: what stands at number {self.known} is not what the manifest knows"


def take(connection: Connection, tables: Sequence[sa.Table], now: datetime, database: str) -> Manifest:
    """The manifest of what a transaction sees."""
    counts = {table.name: count(connection, table) for table in tables}
    return Manifest(now, __version__, revision(connection) or "", database, counts, heads(connection), deployments(connection))


def count(connection: Connection, table: sa.FromClause) -> int:
    """Number of rows."""
    return int(connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


def losses(known: Manifest, connection: Connection, now: tuple[Heads, Mapping[str, str]] | None = None) -> Iterator[Loss]:
    """Everything that the manifest knows and the database does not hold any more. New instances and records are no loss.

    `now`: all heads and deployments of the database, for who asks several times.
    """
    present, stored = now if now is not None else (heads(connection), deployments(connection))
    for instance_id, head in sorted(known.heads.items()):
        found = present.get(instance_id)
        if found == head:
            continue
        seq, digest = head
        name = f"instance {instance_id}"
        if found is None:
            yield Loss("lost", name, seq, 0)
        elif found[0] < seq:
            yield Loss("behind", name, seq, found[0])
        elif connection.scalar(sa.select(record.c.hash).where(record.c.instance_id == instance_id, record.c.seq == seq)) != digest:
            yield Loss("rewritten", name, seq, found[0])
    for deployment_id, content_hash in sorted(known.deployments.items()):
        if stored.get(deployment_id) != content_hash:
            yield Loss("rewritten" if deployment_id in stored else "lost", f"deployment {deployment_id}", 0, 0)


def to_json(one: Manifest) -> dict[str, Any]:
    """As it is written to a file."""
    body = asdict(one) | {"made_at": iso(one.made_at)}
    return {"format": FORMAT, "heads_sha256": one.heads_hash, "records": one.records, **body}


def from_json(data: bytes) -> Manifest:
    """Raises InvalidInput when the bytes are no manifest, or its own hash does not fit."""
    body = parse(data)
    try:
        if body["format"] != FORMAT:
            raise InvalidInput(f"The manifest has the format {body['format']!r}; this version reads {FORMAT!r}.")
        one = Manifest(
            made_at=moment(body["made_at"]),
            engine=body["engine"],
            schema=body["schema"],
            database=body["database"],
            counts=dict(body["counts"]),
            heads={instance_id: (int(seq), str(digest)) for instance_id, (seq, digest) in body["heads"].items()},
            deployments=dict(body["deployments"]),
            files={name: dict(about) for name, about in body["files"].items()},
        )
        stated = body["heads_sha256"]
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise InvalidInput("This file is no manifest of Flowledger.") from exc
    if stated != one.heads_hash:
        raise InvalidInput("The manifest is damaged: its heads do not have the hash that it states.")
    return one
