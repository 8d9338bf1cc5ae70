"""`flowledger backup`, `restore`, `manifest`, `db copy`, `doctor`: thin, each calls an operation and prints what it did."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

import click

from engine.bootstrap import Flowledger, SystemClock
from engine.console import data_option, database_option, notice_options, progress, require_installation, settings_of
from engine.errors import FlowledgerError, IntegrityViolation, NotFound
from engine.model.findings import Finding
from engine.operations import backup as backups
from engine.operations import checkpoints
from engine.operations import manifest as manifests
from engine.operations.copying import copy, present_tables
from engine.plugins.loading import catalogue, require_endless
from engine.store import addresses
from engine.store.database import Database


@click.command()
@data_option()
@database_option()
@click.option("--verify/--no-verify", default=True, show_default=True, help="Check every chain of the copy.")
@click.argument("target", type=click.Path(path_type=Path))
def backup(data: Path, database: str | None, verify: bool, target: Path) -> None:
    """Copy the installation into the new folder TARGET, while it runs. Exit code 1 when the copied history does not verify."""
    store = Database(require_installation(data, database).database)
    try:
        taken = backups.backup(store, target, catalogue(), SystemClock().now, progress)
    finally:
        store.close()
    click.echo(f"{target}: {len(taken.heads)} instances, {taken.records} records, heads {taken.heads_hash}")
    if verify:
        try:
            backups.verify_backup(target)
        except IntegrityViolation as exc:
            raise FlowledgerError(f"The backup is complete, but the history in it does not verify: {exc}") from exc
        click.echo("every chain verified")
    click.echo(f"Keep a copy of {target / backups.MANIFEST} elsewhere: `flowledger verify --against` then notices a rollback.")


@click.command()
@data_option()
@database_option()
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
def restore(data: Path, database: str | None, source: Path) -> None:
    """Restore the backup in the folder SOURCE: into the data folder, or into the empty database of --database."""
    settings = settings_of(data, database)
    url = addresses.read(settings.database)
    if url.get_backend_name() == "sqlite":
        done = backups.restore_file(source, Path(str(url.database)))
    else:
        store = Database(settings.database)
        try:
            done = backups.restore_database(source, store, catalogue(), data, progress)
        finally:
            store.close()
    click.echo(f"{done.instances} instances, {done.records} records restored and verified")
    click.echo("Everybody signs in again. What happened after the backup is gone: see docs/operations.md before you start the server.")


@click.command()
@data_option()
@database_option()
@click.argument("target", type=click.Path(path_type=Path), required=False)
def manifest(data: Path, database: str | None, target: Path | None) -> None:
    """Write what the installation holds now (hashes, ids and counts) to the file TARGET or to the output; keep it elsewhere."""
    store = Database(require_installation(data, database).database)
    try:
        with store.begin(write=False) as connection:
            taken = manifests.take(connection, present_tables(connection, catalogue()), SystemClock().now(), store.url.get_backend_name())
    finally:
        store.close()
    text = json.dumps(manifests.to_json(taken), indent=1, sort_keys=True)
    if target is None:
        click.echo(text)
        return
    with target.open("x", encoding="utf-8") as file:
        file.write(text + "\n")
    click.echo(f"{target}: {len(taken.heads)} instances, {taken.records} records, heads {taken.heads_hash}")


@click.command("copy")
@click.option("--from", "source", required=True, envvar="FLOWLEDGER_COPY_FROM", help="SQLAlchemy address of the installation.")
@click.option("--to", "target", required=True, envvar="FLOWLEDGER_COPY_TO", help="SQLAlchemy address of an empty database.")
@click.option("--leave-out", multiple=True, metavar="TABLE", help="A table of a pack that is not installed any more.")
def copy_command(source: str, target: str, leave_out: tuple[str, ...]) -> None:
    """Move an installation to another database: SQLite to PostgreSQL, or back. Stop the server first. The history is verified at the end."""
    url = addresses.read(source)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
        raise NotFound(f"There is no database {url.database}.", kind="database", id=str(url.database))
    start = time.perf_counter()
    one, other = Database(source), Database(target)
    try:
        done = copy(one, other, catalogue(), progress, leave_out=leave_out)
    finally:
        one.close()
        other.close()
    click.echo(
        f"{done.rows} rows copied; {done.instances} instances, {done.records} records verified, in {time.perf_counter() - start:.1f} s. "
        "Start the server with the new address."
    )


F = TypeVar("F", bound=Callable[..., Any])


def checkpoint_options() -> Callable[[F], F]:
    """Where and when a process that does due work writes checkpoints."""

    def decorate(command: F) -> F:
        for option in (
            click.option(
                "--checkpoint-every",
                default=checkpoints.EVERY,
                show_default=True,
                envvar="FLOWLEDGER_CHECKPOINT_EVERY",
                help="ISO 8601 cycle, or cron.",
            ),
            click.option(
                "--checkpoints",
                type=click.Path(file_okay=False, path_type=Path),
                envvar="FLOWLEDGER_CHECKPOINTS",
                help="An existing folder that somebody else keeps: manifests are written there, against which a rollback is noticed.",
            ),
        ):
            command = option(command)
        return command

    return decorate


def with_checkpoints(database: str, options: dict[str, Any]) -> dict[str, Any]:
    """The options of `checkpoint_options` replaced by the field `periodic` of the settings. Raises FlowledgerError, InvalidInput."""
    folder, every = options["checkpoints"], options["checkpoint_every"]
    rest = {name: value for name, value in options.items() if name not in ("checkpoints", "checkpoint_every")}
    if folder is None:
        return rest
    if not folder.is_dir():
        raise FlowledgerError(f"There is no folder {folder} for checkpoints; make it, or mount what holds it.")
    require_endless(checkpoints.NAME, every)
    return rest | {"periodic": (checkpoints.task(database, folder.resolve(), every),)}


def compare(app: Flowledger, against: Path) -> int:
    """Print what a kept manifest, or a folder of checkpoints, knows and the installation does not hold any more. Returns how much."""
    with app.store.begin(write=False) as connection:
        if against.is_dir():
            known, found = checkpoints.losses(against, connection)
        else:
            known = manifests.from_json(against.read_bytes())
            found = list(manifests.losses(known, connection))
    for loss in found:
        click.echo(f"FAULT {loss}", err=True)
    click.echo(f"compared with the manifest of {known.made_at:%Y-%m-%d %H:%M:%S} UTC: {len(known.heads)} instances, {len(found)} lost or changed")
    return len(found)


@click.command()
@data_option()
@database_option()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--language", type=click.Choice(["both", "zh", "en"]), default="both", show_default=True)
@click.option("--quick", is_flag=True, help="Leave out what reads the whole database.")
@click.option("--sample", default=20, show_default=True, help="Chains to verify, of the newest instances and of all.")
@notice_options()
def doctor(data: Path, database: str | None, as_json: bool, language: str, quick: bool, sample: int, **mail: Any) -> None:
    """Say what is wrong with the installation and what to do. Changes nothing. Exit code 0: fine, 1: warnings, 2: errors."""
    from engine.operations.doctor import examine  # it imports every part of the engine

    done = examine(replace(settings_of(data, database), **mail), quick=quick, sample=sample)
    if as_json:
        document = {"exit_code": done.exit_code, "findings": [asdict(finding) for finding in done.findings]}
        click.echo(json.dumps(document, ensure_ascii=False, indent=1))
    else:
        for finding in done.findings:
            _tell(finding, ("zh", "en") if language == "both" else (language,))
    raise SystemExit(done.exit_code)


_WORDS = {"ok": {"zh": "正常", "en": "ok"}, "warning": {"zh": "警告", "en": "warning"}, "error": {"zh": "错误", "en": "ERROR"}}


def _tell(finding: Finding, languages: tuple[str, ...]) -> None:
    word = " ".join(_WORDS[finding.level][one] for one in languages)
    click.echo(f"[{word}] {finding.check}")
    for one in languages:
        click.echo(f"    {finding.found[one]}")
        if finding.advice:
            click.echo(f"      -> {finding.advice[one]}")
