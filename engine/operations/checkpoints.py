"""Checkpoints: manifests that the installation itself writes at their times into a folder that somebody else keeps.

Each names the one before it by its hash, so that one that is taken out or changed later is noticed, too. These hashes are their order, not the times in
their names: a clock may have been wrong for a while. The folder is outside of the database: whoever rolls the database back must also reach the folder.
They are not signed.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from sqlalchemy.engine import Connection

from engine.errors import NotFound
from engine.model.values import sha256
from engine.operations import manifest
from engine.operations.copying import present_tables
from engine.operations.evidence import deployments, heads
from engine.operations.manifest import Loss, Manifest
from engine.plugins import PeriodicContext, PeriodicTask
from engine.plugins.loading import catalogue
from engine.store.database import Database

NAME = "flowledger.checkpoint"
EVERY = "R/PT1H"
PREVIOUS = "previous_sha256"
_PATTERN = "checkpoint-*.json"
_END_BYTES = 1024
_NAMES = re.compile(rb'"previous_sha256":\s*(?:null|"([0-9a-f]{64})")')


def task(database: str, folder: Path, every: str = EVERY) -> PeriodicTask:
    """The periodic work. Outside of the transaction of its job: it reads everything, and nobody shall wait for that."""
    return PeriodicTask(NAME, every, partial(_at_its_time, database, folder), transactional=False)


def _at_its_time(database: str, folder: Path, context: PeriodicContext) -> None:
    store = Database(database, pool_size=1)
    try:
        write(store, folder, context)
    finally:
        store.close()


def write(store: Database, folder: Path, context: PeriodicContext) -> Path:
    """What the database holds now, after the checkpoint in the folder that no other one names; the file appears when it is complete."""
    if not folder.is_dir():  # not made: it is somewhere else, and perhaps not mounted just now
        raise NotFound(kind="folder for checkpoints", id=str(folder))
    with store.begin(write=False) as connection:
        taken = manifest.take(connection, present_tables(connection, catalogue()), context.now, store.url.get_backend_name())
    body = manifest.to_json(taken) | {PREVIOUS: _newest(_files(folder))}
    path = folder / f"checkpoint-{context.now:%Y%m%dT%H%M%S%fZ}.json"
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("w", encoding="utf-8") as file:
        file.write(json.dumps(body, indent=1, sort_keys=True) + "\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    return path


def losses(folder: Path, connection: Connection) -> tuple[Manifest, list[Loss]]:
    """The checkpoint that no other one names, and whatever any of them knows that the database does not hold, or their chain. Raises NotFound, InvalidInput."""
    files = _files(folder)
    if not files:
        raise NotFound(kind="checkpoint in the folder", id=str(folder))
    chain = {sha256(path.read_bytes()): (path, _previous(path)) for path in files}
    named = {previous for _, previous in chain.values()}
    newest = [path for digest, (path, _) in chain.items() if digest not in named][-1]
    found: list[Loss] = list(_broken(chain))
    seen = {str(one) for one in found}
    present = heads(connection), deployments(connection)
    for path in files:
        one = manifest.from_json(path.read_bytes())
        if path == newest:
            known = one
        for loss in manifest.losses(one, connection, present):
            if str(loss) not in seen:
                seen.add(str(loss))
                found.append(loss)
    return known, found


def _broken(chain: Mapping[str, tuple[Path, str | None]]) -> Iterator[Loss]:
    """Checkpoints whose predecessor is not there, or has another successor. One, the oldest, may have had some: old ones may be put elsewhere.

    `chain`: file and hash of its predecessor, by its own hash; in the order of the names.
    """
    first = min((previous is not None, path) for path, previous in chain.values() if previous not in chain)[1]
    followed: set[str] = set()
    for path, previous in chain.values():
        if previous is None or previous not in chain:
            if path != first:
                yield Loss("unchained", f"checkpoint {path.name}", 0, 0)
        elif previous in followed:
            yield Loss("forked", f"checkpoint {path.name}", 0, 0)
        else:
            followed.add(previous)


def _newest(files: list[Path]) -> str | None:
    """The hash of the one that no other one names; of several the one with the latest name. None when there is none."""
    named = {_previous(path) for path in files}
    return next((digest for path in reversed(files) if (digest := sha256(path.read_bytes())) not in named), None)


def _previous(path: Path) -> str | None:
    """The hash that it names. It stands near the end: not the whole of each file is read, there may be years of them."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _END_BYTES))
        end = file.read()
    found = _NAMES.search(end) or _NAMES.search(path.read_bytes())
    return found[1].decode() if found and found[1] else None


def _files(folder: Path) -> list[Path]:
    """Oldest first, as their names say."""
    return sorted(folder.glob(_PATTERN))
