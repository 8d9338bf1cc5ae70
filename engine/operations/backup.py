"""Backup while the installation runs, and restore.

A backup is a folder with `manifest.json` and `flowledger.sqlite3`, whichever database it was taken from: SQLite copies itself within one read
transaction (VACUUM INTO), from PostgreSQL one transaction is copied table by table. So each can be restored into either.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from engine.errors import Conflict, FlowledgerError, IntegrityViolation, NotAvailable, NotFound, StorageDamaged, StorageFull
from engine.operations import manifest
from engine.operations.copying import Copied, Progress, copy, present_tables
from engine.operations.evidence import heads, verify_chains, verify_stored
from engine.operations.manifest import Manifest
from engine.plugins.loading import Catalogue
from engine.store import addresses, schema, tables
from engine.store.connections import damaged
from engine.store.database import Database
from engine.store.turn import SUFFIX

DATABASE = "flowledger.sqlite3"
MANIFEST = "manifest.json"


class TargetExists(Conflict):
    """{path} exists already; nothing was written. Name a new place, or move the old one away first."""


class NoRoom(FlowledgerError):
    """There is no room for the backup at {path}; what was copied was removed, the installation is as it was. Name a place with more room."""


class BackupDamaged(FlowledgerError):
    """The backup is damaged: {cause}. Nothing was restored; take another backup."""


def backup(source: Database, folder: Path, packs: Catalogue, now: Callable[[], datetime], progress: Progress) -> Manifest:
    """Copy what is committed at this moment. Writers go on meanwhile. The folder appears when it is complete.

    Raises TargetExists, NoRoom, StorageDamaged, NotAvailable.
    """
    folder = folder.resolve()  # `.` has no name beside which to write
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise TargetExists(path=folder)
    schema.check(source)
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True, mode=0o700)  # it holds what people wrote
    try:
        file = unfinished / DATABASE
        moment = now()
        if source.is_sqlite and not source.in_memory:
            _vacuum_into(Path(str(source.url.database)), file)
        else:
            with _opened(file) as copied:
                copy(source, copied, packs, progress, at_rest=False, verify=False)  # a damaged history is saved too, and told
        taken = _describe(file, packs, moment, source.url.get_backend_name())
        _write(unfinished / MANIFEST, json.dumps(manifest.to_json(taken), indent=1, sort_keys=True).encode())
        file.chmod(0o600)
        for path in (file, unfinished):
            _sync(path)
        _put(unfinished, folder)
    except BaseException as exc:
        shutil.rmtree(unfinished, ignore_errors=True)
        if (
            isinstance(exc, StorageFull)
            or getattr(exc, "errno", None) == errno.ENOSPC
            or getattr(exc, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        ):
            raise NoRoom(path=folder) from exc
        raise
    return taken


def verify_backup(folder: Path) -> tuple[Manifest, int]:
    """Check a backup against its manifest and its own chains. Returns the manifest and the number of records.

    Raises NotFound (no backup there), BackupDamaged, IntegrityViolation (it is as it was taken, but that history did not verify).
    """
    stated, file = _read(folder)
    with _working_copy(file, folder) as copied, copied.begin(write=False) as connection:
        records = verify_chains(connection)[1]
        verify_stored(connection)
    return stated, records


def restore_file(folder: Path, target: Path) -> Copied:
    """Restore into a SQLite file that does not exist yet. Raises TargetExists and what `verify_backup` raises."""
    for path in (target, target.with_name(target.name + "-wal"), target.with_name(target.name + "-shm")):
        if path.exists():  # a leftover log would be played onto the restored file
            raise TargetExists(path=path)
    target.parent.mkdir(parents=True, exist_ok=True)
    stated, file = _read(folder)
    with _working_copy(file, target.parent) as copied:
        done = _checked(copied, stated)
        schema.upgrade(copied)
        _end_sessions(copied)
        ready = Path(str(copied.url.database))
        copied.close()
        _to_one_file(ready)
        ready.chmod(0o600)
        _sync(ready)
        os.link(ready, target)  # fails when somebody made it meanwhile
    _sync(target.parent)
    return done


def restore_database(folder: Path, target: Database, packs: Catalogue, work: Path, progress: Progress) -> Copied:
    """Restore into an empty database; `work` is a folder for a temporary copy. Raises TargetNotEmpty and what `verify_backup` raises."""
    stated, file = _read(folder)
    work.mkdir(parents=True, exist_ok=True)
    with _working_copy(file, work) as copied:
        _checked(copied, stated)
        schema.upgrade(copied)
        _end_sessions(copied)
        return copy(copied, target, packs, progress, at_rest=False)


# --- parts -----------------------------------------------------------------------------------------------------------------
def _vacuum_into(source: Path, file: Path) -> None:
    """Raises StorageDamaged, NotAvailable; sqlite3.Error when there is no room."""
    try:
        with closing(sqlite3.connect(source, timeout=30, isolation_level=None)) as connection:
            _vacuum(connection, file)
    except sqlite3.DatabaseError as exc:
        if damaged(exc):
            raise StorageDamaged from exc
        if exc.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise
        raise NotAvailable(f"The database could not be copied: {exc}. Nothing was kept.") from exc


def _vacuum(connection: sqlite3.Connection, file: Path) -> None:
    try:
        connection.execute("VACUUM INTO ?", (str(file),))
    except sqlite3.DatabaseError as exc:
        # SQLite says so, too, when a damaged page names one far beyond the end.
        if exc.sqlite_errorcode == sqlite3.SQLITE_FULL and connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise StorageDamaged from exc
        raise


def _describe(file: Path, packs: Catalogue, moment: datetime, backend: str) -> Manifest:
    """From the copy itself, so that manifest and copy cannot be of two moments."""
    with _opened(file) as copied, copied.begin(write=False) as connection:
        taken = manifest.take(connection, present_tables(connection, packs), moment, backend)
    _to_one_file(file)
    return replace(taken, files={file.name: {"sha256": _sha256(file), "bytes": file.stat().st_size}})


def _read(folder: Path) -> tuple[Manifest, Path]:
    path, file = folder / MANIFEST, folder / DATABASE
    if not path.is_file() or not file.is_file():
        raise NotFound(f"There is no backup in {folder}: it needs {MANIFEST} and {DATABASE}.", kind="backup", id=str(folder))
    stated = manifest.from_json(path.read_bytes())
    about = stated.files.get(DATABASE, {})
    if file.stat().st_size != about.get("bytes") or _sha256(file) != about.get("sha256"):
        raise BackupDamaged(cause=f"{DATABASE} does not have the bytes that {MANIFEST} states")
    return stated, file


def _checked(copied: Database, stated: Manifest) -> Copied:
    with copied.begin(write=False) as connection:
        if heads(connection) != dict(stated.heads):
            raise IntegrityViolation("The backup does not hold the heads that its manifest states.")
        instances, records = verify_chains(connection)
        verify_stored(connection)
    return Copied(sum(stated.counts.values()), instances, records)


def _end_sessions(copied: Database) -> None:
    """A login that was ended after the backup must not come back; people sign in again."""
    with copied.begin(write=True) as connection:
        connection.execute(tables.session.delete())


@contextmanager
def _opened(file: Path) -> Iterator[Database]:
    database = Database(addresses.of_file(file))
    try:
        yield database
    finally:
        database.close()
        file.with_name(file.name + SUFFIX).unlink(missing_ok=True)  # nobody else writes to this file


@contextmanager
def _working_copy(file: Path, beside: Path) -> Iterator[Database]:
    """The backup's own file stays as it is: opening it for writing would change it."""
    folder = Path(tempfile.mkdtemp(prefix=".restoring-", dir=beside))  # one that was killed may have left its own, with our process number
    try:
        shutil.copyfile(file, folder / file.name)
        with _opened(folder / file.name) as database:
            yield database
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _to_one_file(file: Path) -> None:
    """Bring what stands in the write-ahead log into the file, which then can be copied alone."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _put(unfinished: Path, folder: Path) -> None:
    """To its place. A folder that is there and empty stays the same one, for somebody may stand in it: the manifest, without which it is none, comes last."""
    if not folder.exists():
        unfinished.rename(folder)
    else:
        for name in (DATABASE, MANIFEST):
            (unfinished / name).rename(folder / name)
        unfinished.rmdir()
        _sync(folder)
    _sync(folder.parent)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    path.chmod(0o600)
    _sync(path)


def _sync(path: Path) -> None:
    """To the disk: a backup that is told to be there survives a power failure."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
