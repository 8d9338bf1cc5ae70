"""Checkpoints: manifests that the installation itself writes at their times into a folder that somebody else keeps.

Each names the one before it by its hash, so that one that is taken out or changed later is noticed, too. The folder is outside of the database: whoever
rolls the database back must also reach the folder. They are not signed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

from engine.errors import InvalidInput, NotFound
from engine.model.values import parse, sha256
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
    """What the database holds now, after the newest checkpoint in the folder; the file appears when it is complete."""
    if not folder.is_dir():  # not made: it is somewhere else, and perhaps not mounted just now
        raise NotFound(kind="folder for checkpoints", id=str(folder))
    with store.begin(write=False) as connection:
        taken = manifest.take(connection, present_tables(connection, catalogue()), context.now, store.url.get_backend_name())
    before = _files(folder)[-1:]
    body = manifest.to_json(taken) | {PREVIOUS: sha256(before[0].read_bytes()) if before else None}
    path = folder / f"checkpoint-{context.now:%Y%m%dT%H%M%S%fZ}.json"
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("w", encoding="utf-8") as file:
        file.write(json.dumps(body, indent=1, sort_keys=True) + "\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    return path


def losses(folder: Path, connection: Connection) -> tuple[Manifest, list[Loss]]:
    """The newest checkpoint, and whatever any of them knows that the database does not hold, or their chain. Raises NotFound, InvalidInput."""
    files = _files(folder)
    if not files:
        raise NotFound(kind="checkpoint in the folder", id=str(folder))
    found: list[Loss] = list(_broken(files))
    seen = {str(one) for one in found}
    present = heads(connection), deployments(connection)
    for path in files:
        known = manifest.from_json(path.read_bytes())
        for loss in manifest.losses(known, connection, present):
            if str(loss) not in seen:
                seen.add(str(loss))
                found.append(loss)
    return known, found


def _broken(files: list[Path]) -> Iterator[Loss]:
    """Checkpoints whose predecessor is not the file before them. The first one may have had some: old ones may be put elsewhere."""
    for before, path in pairwise(files):
        if _read(path).get(PREVIOUS) != sha256(before.read_bytes()):
            yield Loss("unchained", f"checkpoint {path.name}", 0, 0)


def _read(path: Path) -> dict[str, Any]:
    body = parse(path.read_bytes())
    if not isinstance(body, dict):
        raise InvalidInput(f"{path} is no checkpoint.")
    return body


def _files(folder: Path) -> list[Path]:
    """Oldest first, as their names say."""
    return sorted(folder.glob(_PATTERN))
