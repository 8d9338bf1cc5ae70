"""What a whole database proves, read in one transaction: the heads of all chains, their verification, the bytes behind hashes.

It streams: memory grows with the number of instances, not with their histories.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from engine.application.definitions import content
from engine.errors import IntegrityViolation, InvalidInput
from engine.history.chain import check, read
from engine.model.records import Record
from engine.model.values import sha256
from engine.store.deployments import SqlDefinitions
from engine.store.history import stored_bytes
from engine.store.tables import blob, deployment, instance, record

Heads: TypeAlias = Mapping[str, tuple[int, str]]
"""Instance id to (number, hash) of its last record."""

AT_ONCE = 500  # rows fetched together
_DOMAIN = b"flowledger heads v1\n"


def heads(connection: Connection) -> dict[str, tuple[int, str]]:
    """The last record of every instance, from the records themselves and not from the instance list."""
    last = sa.select(record.c.instance_id, sa.func.max(record.c.seq).label("seq")).group_by(record.c.instance_id).subquery()
    query = sa.select(record.c.instance_id, record.c.seq, record.c.hash).join(
        last, sa.and_(last.c.instance_id == record.c.instance_id, last.c.seq == record.c.seq)
    )
    return {instance_id: (seq, digest) for instance_id, seq, digest in connection.execute(query, execution_options={"yield_per": AT_ONCE})}


def heads_hash(all_heads: Heads) -> str:
    """One hash over all heads, the same for the same histories on every database."""
    digest = hashlib.sha256(_DOMAIN)
    for instance_id in sorted(all_heads):
        seq, head = all_heads[instance_id]
        digest.update(f"{instance_id} {seq} {head}\n".encode())
    return digest.hexdigest()


def verify_chains(connection: Connection) -> tuple[int, int]:
    """Check every chain against itself and the instance list. Returns how many instances and records; raises IntegrityViolation."""
    listed = {row.id: (row.seq, row.head_hash) for row in connection.execute(sa.select(instance.c.id, instance.c.seq, instance.c.head_hash))}
    query = sa.select(record.c.instance_id, record.c.body, record.c.hash).order_by(record.c.instance_id, record.c.seq)
    instances = records = 0
    for instance_id, rows in groupby(connection.execute(query, execution_options={"yield_per": AT_ONCE}), key=lambda row: row.instance_id):
        head = listed.pop(instance_id, None)
        if head is None:
            raise IntegrityViolation(instance=instance_id, seq=0, cause="the instance list does not hold it")
        records += check(instance_id, _read(instance_id, rows), head)
        instances += 1
    for instance_id, (seq, _) in listed.items():
        raise IntegrityViolation(instance=instance_id, seq=seq, cause="the instance list holds it, but it has no records")
    return instances, records


def _read(instance_id: str, rows: Iterator[Any]) -> Iterator[Record]:
    for number, row in enumerate(rows, 1):
        try:
            yield read(stored_bytes(row.body), row.hash)
        except InvalidInput as exc:
            raise IntegrityViolation(instance=instance_id, seq=number, cause=str(exc)) from exc


def verify_stored(connection: Connection) -> tuple[int, int]:
    """Check that deployed files and stored blobs have the bytes of their hashes. Returns how many; raises IntegrityViolation."""
    definitions = SqlDefinitions(connection)
    deployed = deployments(connection)
    for deployment_id, recorded in deployed.items():
        if content(definitions.files(deployment_id)) != recorded:
            raise IntegrityViolation(f"The files of deployment {deployment_id} are not those that were deployed.", deployment=deployment_id)
    blobs = 0
    for digest, data in connection.execute(sa.select(blob.c.sha256, blob.c.data), execution_options={"yield_per": 1}):
        if sha256(stored_bytes(data)) != digest:
            raise IntegrityViolation(f"The stored file {digest} is damaged.", blob=digest)
        blobs += 1
    return len(deployed), blobs


def deployments(connection: Connection) -> dict[str, str]:
    """Deployment id to the hash of its content."""
    return {row.id: row.content_hash for row in connection.execute(sa.select(deployment.c.id, deployment.c.content_hash))}
