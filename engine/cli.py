"""`flowledger ...`: install, demo, serve, worker, db, verify, replay, rebuild, deploy, soundness, user. Thin: each command calls the engine and prints."""

from __future__ import annotations

import gc

_collecting = gc.isenabled()
gc.disable()  # until all is imported: none of it becomes garbage, and looking for some is a tenth of a start

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from engine import __version__, working
from engine.application.services import Limits
from engine.bootstrap import Flowledger, Settings, SystemClock, build
from engine.console import (
    FILE,
    PORT,
    Friendly,
    Host,
    data_option,
    database_option,
    grace_option,
    keep_messages_option,
    listening_options,
    notice_options,
    opened,
    problem_line,
    progress,
    require_installation,
    settings_of,
    telemetry_options,
)
from engine.errors import FlowledgerError, StorageDamaged
from engine.jobs import cluster
from engine.mail import SmtpNotifier
from engine.model.actors import SYSTEM
from engine.model.commands import Deploy
from engine.model.soundness import BUDGET, Soundness
from engine.operations import commands as operations
from engine.operations.accounts import put_user
from engine.store import schema
from engine.store.database import Database
from engine.telemetry import logs
from engine.telemetry.tracing import OpenTelemetry

if _collecting:
    gc.enable()


@click.group(cls=Friendly)
@click.version_option(__version__)
def main() -> None:
    """Flowledger: executes BPMN and keeps every instance as an append-only, replayable, verifiable record."""


@main.command()
@data_option()
@database_option()
@listening_options()
@click.option("--prepare-only", is_flag=True, help="Make database, pack and demo data, but do not serve.")
def demo(data: Path, database: str | None, host: str, port: int, prepare_only: bool) -> None:
    """Make an installation with demonstration data (once) and serve it."""
    from engine.demo import prepare

    settings = settings_of(data, database)
    logins = prepare(settings, progress)
    if prepare_only:
        return
    click.echo("")
    click.echo(f"  打开 Open    http://{host}:{port}/")
    click.echo("  演示账号 Demo logins (user / password):")
    for user, name, what in logins:
        click.echo(f"    {user:<8} / {user}-demo-1   {name}  {what}")
    click.echo("  停止 Stop    Ctrl+C")
    click.echo("", nl=True)
    sys.stdout.flush()
    # A fresh process: workers forked from this one could not use the sandbox that filling the demonstration has started.
    # -P: the working folder may hold another `engine`. The database address may hold a password, so it is no argument.
    if database:
        os.environ["FLOWLEDGER_DATABASE"] = database
    os.execv(sys.executable, [sys.executable, "-P", "-m", "engine.cli", "serve", "--data", str(data), "--host", host, "--port", str(port)])  # noqa: S606


@main.command()
@data_option()
@database_option()
@listening_options()
@click.option(
    "--threads", type=click.IntRange(1, 64), help="Requests that one process answers at the same time; 4, or 2 in each of several processes."
)
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes that serve; one uses one core.")
@click.option(
    "--proxies",
    type=click.IntRange(0, 9),
    default=0,
    show_default=True,
    envvar="FLOWLEDGER_PROXIES",
    help="So many reverse proxies stand in front, one behind the other, and set X-Forwarded-For, -Proto and -Host; behind https at least 1.",
)
@click.option("--jobs/--no-jobs", default=True, show_default=True, help="Run due jobs here, too, or leave them to `flowledger worker`.")
@grace_option()
@keep_messages_option()
@operations.checkpoint_options()
@notice_options()
@telemetry_options()
def serve(
    data: Path, database: str | None, host: str, port: int, threads: int | None, workers: int, jobs: bool, keep_messages: int, **more: Any
) -> None:
    """Serve an installation: pages, API and due jobs."""
    settings = replace(require_installation(data, database), limits=Limits(message_keep_seconds=keep_messages))
    store = Database(settings.database)
    schema.check(store)
    if store.is_sqlite and not jobs:
        raise FlowledgerError("With SQLite the server runs the jobs; use PostgreSQL (--database postgresql://...) for workers of their own.")
    store.close()
    settings = replace(settings, job_threads=settings.job_threads if jobs else 0, **operations.with_checkpoints(settings.database, more))
    # What cannot be used is refused here in one line, not by each process of the server.
    if settings.smtp:
        SmtpNotifier(settings.smtp, settings.mail_from, SystemClock().now)
    if settings.tracing:
        OpenTelemetry().close()
    _serve(settings, host, port, threads, workers)


@main.command()
@data_option()
@database_option()
@click.option("--threads", type=click.IntRange(1, 64), default=4, show_default=True, help="Jobs that run at the same time.")
@click.option("--name", default=socket.gethostname, help="Shown in the database; default: the name of this machine.")
@click.option("--metrics-port", type=PORT, help="/metrics for Prometheus, /health/live and /health/ready on this port; a worker has no other page.")
@click.option(
    "--metrics-host", type=Host(), default="127.0.0.1", show_default=True, help="The address of that port; whoever reaches it needs no token."
)
@grace_option()
@keep_messages_option()
@operations.checkpoint_options()
@notice_options()
@telemetry_options()
def worker(
    data: Path, database: str | None, threads: int, name: str, keep_messages: int, metrics_port: int | None, metrics_host: str, **more: Any
) -> None:
    """Run due jobs of an installation on PostgreSQL: timers, service tasks, messages. Any number of workers on any machines."""
    logs.configure(more["log_format"], more["log_level"])
    more = operations.with_checkpoints(settings_of(data, database).database, more)
    with opened(data, database, job_threads=threads, limits=Limits(message_keep_seconds=keep_messages), **more) as app:
        if app.store.is_sqlite:
            raise FlowledgerError("A worker needs PostgreSQL; with SQLite `flowledger serve` runs the jobs itself.")
        working.run(app, name, (metrics_host, metrics_port) if metrics_port is not None else None)


def _serve(settings: Settings, host: str, port: int, threads: int | None, workers: int) -> None:
    from engine.serving import run

    run(settings, host, port, threads, workers)


@main.command("install")
@data_option()
@database_option()
def install(data: Path, database: str | None) -> None:
    """Make an installation, or bring one to this version: the schema, and what packs bring (tables, and their processes as a new version if they changed)."""
    settings = settings_of(data, database)
    _upgrade(settings)
    app = build(settings)
    try:
        app.install_packs()
        with app.reading() as read:
            for one in read.definitions(SYSTEM):
                click.echo(f"{one.id}  {one.name}")
    finally:
        app.close()


def _upgrade(settings: Settings) -> None:
    store = Database(settings.database)
    try:
        schema.upgrade(store)
        cluster.install(store)
    finally:
        store.close()
    click.echo("schema is up to date")


@main.group()
def db() -> None:
    """The database schema."""


@db.command("upgrade")
@data_option()
@database_option()
def db_upgrade(data: Path, database: str | None) -> None:
    """Bring the schema to this version, and nothing else."""
    _upgrade(require_installation(data, database))


@main.command()
@data_option()
@database_option()
@click.option(
    "--against", type=click.Path(exists=True, path_type=Path), help="A kept manifest, or a folder of checkpoints: notice what was lost since."
)
@click.argument("instance_ids", nargs=-1)
def verify(data: Path, database: str | None, against: Path | None, instance_ids: tuple[str, ...]) -> None:
    """Check the hash chain of every instance (or of those named). Exit code 1 when one does not verify."""
    if against is not None:
        with opened(data, database) as app:
            if operations.compare(app, against):
                raise SystemExit(1)
    _each(data, database, instance_ids, "verified", lambda read, i: read.verify(SYSTEM, i))
    if not instance_ids:
        with opened(data, database) as app, app.reading() as read:
            deployments, blobs = read.verify_stored(SYSTEM)
        click.echo(f"{deployments} deployments and {blobs} stored files have the bytes of their hashes")


@main.command()
@data_option()
@database_option()
@click.argument("instance_ids", nargs=-1)
def replay(data: Path, database: str | None, instance_ids: tuple[str, ...]) -> None:
    """Run the recorded inputs again and compare every outcome. Exit code 1 when one differs."""
    _each(data, database, instance_ids, "re-executed", lambda read, i: read.reexecute(SYSTEM, i))


def _each(data: Path, database: str | None, ids: tuple[str, ...], word: str, check: Callable[[Any, str], int]) -> None:
    records = faults = 0
    start = time.perf_counter()
    with opened(data, database) as app:
        with app.reading() as read:
            wanted = list(ids) or read.instance_ids(SYSTEM)
        for instance_id in wanted:
            try:
                with app.reading() as read:
                    records += check(read, instance_id)
            except FlowledgerError as exc:
                faults += 1
                place = f"instance {instance_id}: " if isinstance(exc, StorageDamaged) else ""  # the others name it
                click.echo(f"FAULT {place}{exc}", err=True)
    click.echo(f"{len(wanted)} instances, {records} records {word} in {time.perf_counter() - start:.2f} s, {faults} faults")
    if faults:
        raise SystemExit(1)


@main.command()
@data_option()
@database_option()
def rebuild(data: Path, database: str | None) -> None:
    """Drop every derived table and make it anew from the records.

    Servers and workers may run: what they want to write waits until it is done. A server whose threads all wait answers nothing, so with many
    records (some thousand a second are projected) stop them first.
    """
    from engine.projections.rebuild import rebuild as run

    with opened(data, database) as app:
        click.echo(f"{run(app.store)} records projected")


@main.command()
@data_option()
@database_option()
@click.option("--comment", default="", help="What changed.")
@click.option("--complete-from", help="A definition (process:version) whose other files are taken over: a new decision table for a process, say.")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def deploy(data: Path, database: str | None, comment: str, complete_from: str | None, files: tuple[Path, ...]) -> None:
    """Deploy BPMN, DMN and form files as one version."""
    with opened(data, database) as app:
        done = app.execute(Deploy({f.name: f.read_bytes() for f in files}, comment, complete_from), SYSTEM)
        for one in done.definitions:
            click.echo(f"{one.id}  {one.name}")
        for warning in done.warnings:
            click.echo(problem_line(warning))


@main.command()
@data_option()
@database_option()
@click.option("--states", default=BUDGET, show_default=True, help="How many states of each process to look at.")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def soundness(data: Path, database: str | None, states: int, files: tuple[Path, ...]) -> None:
    """Look for deadlocks and for parallel branches that meet without a join. Exit code 1 when there is a finding.

    Needs no installation; processes that are called and not among the files are looked up in the one of --data.
    """
    with _opened_or_empty(data, database) as app:
        checked = app.soundness({f.name: f.read_bytes() for f in files}, budget=states)
    for one in checked:
        _say_soundness(one)
    if any(one.findings for one in checked):
        raise SystemExit(1)


def _say_soundness(one: Soundness) -> None:
    extent = f"complete, {one.states} state(s)" if one.complete else f"NOT complete: budget reached after {one.states} state(s)"
    click.echo(f"{one.process_id}: {len(one.findings)} finding(s) ({extent})")
    for finding in one.findings:
        problem = finding.problem
        name = f" ({problem.element_name})" if problem.element_name else ""
        click.echo(f"  {problem.severity} {problem.rule} at {problem.element_id}{name}: {problem.message}")
        if finding.trace:
            click.echo(f"    way: {' -> '.join(finding.trace)}")
        if finding.tokens:
            click.echo(f"    tokens: {', '.join(finding.tokens)}")
        click.echo(f"    {problem.advice}")


@contextmanager
def _opened_or_empty(data: Path, database: str | None) -> Iterator[Flowledger]:
    """The installation, or an empty one in memory."""
    if database is not None or (data / FILE).exists():
        with opened(data, database) as app:
            yield app
        return
    app = build(Settings())
    schema.create(app.store)
    try:
        yield app
    finally:
        app.close()


main.add_command(operations.backup)
main.add_command(operations.restore)
main.add_command(operations.manifest)
main.add_command(operations.doctor)
main.add_command(put_user)
db.add_command(operations.copy_command)


if __name__ == "__main__":
    main()
