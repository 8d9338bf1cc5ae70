"""What the commands of the command line share: where the installation is, opening it, errors as one line, problems of a deployment as one line each."""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click
from sqlalchemy.exc import DatabaseError

from engine.application.services import Limits
from engine.bootstrap import Flowledger, Settings, build
from engine.errors import DeploymentRejected, FlowledgerError, Problem
from engine.jobs.dispatcher import GRACE_SECONDS
from engine.store import addresses, schema
from engine.telemetry import logs

F = TypeVar("F", bound=Callable[..., Any])

FILE = "flowledger.sqlite3"


class Friendly(click.Group):
    """Engine errors become one line and exit code 1; a stack trace never reaches a person."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand."""
        try:
            return super().invoke(ctx)
        except DeploymentRejected as exc:
            click.echo(f"flowledger: The deployment has {len(exc.problems)} problem(s); nothing was deployed.", err=True)
            for one in exc.problems:
                click.echo(problem_line(one), err=True)
            ctx.exit(1)
        except FlowledgerError as exc:
            click.echo(f"flowledger: {exc}{_cause(exc)}", err=True)
            ctx.exit(1)
        except DatabaseError as exc:
            if type(exc) is not DatabaseError:  # a statement of ours
                raise
            click.echo(f"flowledger: The file of the database is damaged or none: {exc.orig}. `flowledger doctor` says more.", err=True)
            ctx.exit(1)
        except OSError as exc:  # a file or folder that somebody named
            if exc.filename is None:
                raise
            click.echo(f"flowledger: {exc.filename}: {exc.strerror}. Name another place, or see to its rights and room.", err=True)
            ctx.exit(1)


def _cause(exc: FlowledgerError) -> str:
    """What the database itself said, in a line: whoever mistyped its name need not try again in a moment. Its driver repeats no password."""
    said = str(getattr(exc.__cause__, "orig", None) or "").strip().partition("\n")[0]
    return f" The database said: {said} (`flowledger doctor` says more.)" if said and said not in str(exc) else ""


def problem_line(one: Problem) -> str:
    """`order.bpmn:12: error bpmn.flow at work (Do the work): what is wrong. What to do.`"""
    place = f"{one.file}:{one.line}" if one.line else one.file
    element = f" at {one.element_id}" if one.element_id else ""
    name = f" ({one.element_name})" if one.element_id and one.element_name else ""
    advice = f". {one.advice[0].upper()}{one.advice[1:]}" if one.advice else ""
    return f"{place}: {one.severity} {one.rule}{element}{name}: {one.message}{advice}"


def data_option() -> Callable[[F], F]:
    """The folder."""
    return click.option(
        "--data", type=click.Path(path_type=Path), default=Path("var"), show_default=True, help="Folder for everything that is written."
    )


def database_option() -> Callable[[F], F]:
    """The database address, which may hold a password: better in the environment than among the arguments."""
    return click.option("--database", envvar="FLOWLEDGER_DATABASE", help="SQLAlchemy address; default: SQLite in the data folder.")


class Host(click.ParamType[str]):
    """Where to listen: an address of this machine, or a name of one; the server takes addresses only."""

    name = "host"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The address: as it is given, or of a name the first one of IPv4, else of IPv6."""
        try:
            return str(ipaddress.ip_address(value))
        except ValueError:
            pass
        try:
            found = socket.getaddrinfo(value, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            self.fail(f"{value!r} is neither an address nor a name that this machine knows.", param, ctx)
        return str(min(found, key=lambda one: one[0] != socket.AF_INET)[4][0])


PORT = click.IntRange(1, 65535)


def listening_options() -> Callable[[F], F]:
    """Where the pages are: `host`, `port`."""

    def decorate(command: F) -> F:
        command = click.option("--port", type=PORT, default=8080, show_default=True)(command)
        return click.option("--host", type=Host(), default="127.0.0.1", show_default=True, help="Address, or a name of one.")(command)

    return decorate


def telemetry_options() -> Callable[[F], F]:
    """How a process that stays tells about itself: `log_format`, `log_level`, `tracing` of the settings."""

    def decorate(command: F) -> F:
        for option in (
            click.option("--tracing", is_flag=True, envvar="FLOWLEDGER_TRACING", help="Spans for OpenTelemetry; needs the extra `tracing`."),
            click.option("--log-level", type=click.Choice(logs.LEVELS), envvar="FLOWLEDGER_LOG_LEVEL", help="Default: warning; info for json."),
            click.option("--log-format", type=click.Choice(logs.FORMATS), default="text", show_default=True, envvar="FLOWLEDGER_LOG_FORMAT"),
        ):
            command = option(command)
        return command

    return decorate


def keep_messages_option() -> Callable[[F], F]:
    """How long early messages wait."""
    return click.option(
        "--keep-messages",
        type=click.IntRange(0, 31_536_000),
        default=Limits().message_keep_seconds,
        show_default=True,
        envvar="FLOWLEDGER_KEEP_MESSAGES",
        help="Seconds for which a message that nobody waits for yet is kept, unless its sender says otherwise; 0: not at all.",
    )


def grace_option() -> Callable[[F], F]:
    """How long jobs have to end: `grace_seconds` of the settings."""
    return click.option(
        "--grace",
        "grace_seconds",
        type=click.IntRange(0, 3600),
        default=int(GRACE_SECONDS),
        show_default=True,
        envvar="FLOWLEDGER_GRACE",
        help="Seconds for jobs (and requests) that run when it is told to stop; then its jobs are given back to be run again.",
    )


def notice_options() -> Callable[[F], F]:
    """How people are told of their tasks: `smtp`, `mail_from`, `public_url` of the settings. The same for every node."""

    def decorate(command: F) -> F:
        for option in (
            click.option("--public-url", default="", envvar="FLOWLEDGER_PUBLIC_URL", help="Where people reach the pages; for links in e-mails."),
            click.option("--mail-from", default="", envvar="FLOWLEDGER_MAIL_FROM", help="Sender of e-mails: 'Flowledger <name@example.com>'."),
            click.option(
                "--smtp",
                envvar="FLOWLEDGER_SMTP",
                help="Mail server for notices of user tasks: smtp://, smtp+starttls:// or smtps://user:password@host:port (better in the environment).",
            ),
        ):
            command = option(command)
        return command

    return decorate


def settings_of(data: Path, database: str | None) -> Settings:
    """Settings of an installation in a folder."""
    data = data.resolve()
    return Settings(database=database or addresses.of_file(data / FILE), data=data)


def require_installation(data: Path, database: str | None) -> Settings:
    """Settings of an installation that exists: opening a SQLite file that is not there would make one. Raises FlowledgerError, InvalidAddress."""
    settings = settings_of(data, database)
    file = addresses.file_of(addresses.read(settings.database))
    if file is None or file.exists():
        return settings
    if database is None:
        raise FlowledgerError(
            f"There is no installation in {data}; make one with: flowledger install --data {data} (with demonstration data: flowledger demo)"
        )
    raise FlowledgerError(f"There is no database {file}; make one with: flowledger install --database {addresses.of_file(file)}")


@contextmanager
def opened(data: Path, database: str | None, **more: Any) -> Iterator[Flowledger]:
    """The engine on an existing installation; `more`: fields of the settings. Raises FlowledgerError."""
    app = build(replace(require_installation(data, database), **more))
    schema.check(app.store)
    try:
        yield app
    finally:
        app.close()


def progress(text: str) -> None:
    """A line for somebody who waits."""
    click.echo(f"  {text}")
    sys.stdout.flush()
