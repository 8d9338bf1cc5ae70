"""The address of a database as people write it, made one that can be opened; or a line that says how it is written."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from engine.errors import FlowledgerError

SQLITE = frozenset({"sqlite", "sqlite+pysqlite"})
POSTGRESQL = frozenset({"postgresql", "postgres", "postgresql+psycopg"})
#: For every connection to PostgreSQL, unless the address says otherwise. Without them a server that goes silent (packets that are dropped, a machine without
#: power, a standby that took over) holds whoever asked it for as long as the system repeats packets, which is a quarter of an hour. libpq ignores those of TCP on a
#: Unix socket.
DEFAULTS = {"connect_timeout": "5", "tcp_user_timeout": "15000", "keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3"}
DEFAULTS |= {"client_encoding": "utf8"}  # else that of the database: with SQL_ASCII the driver gives bytes, and even its version cannot be read
HOW = "Write sqlite:////folder/file.sqlite3 or postgresql://user:password@host/database."


class InvalidAddress(FlowledgerError):
    """The address of the database cannot be used."""


def read(address: str | URL) -> URL:
    """The address with the driver that is used. Never repeats what it was given: it may hold a password.

    Raises InvalidAddress for anything but SQLite and PostgreSQL, for unknown options, and when PostgreSQL's driver is not installed.
    """
    try:
        url = make_url(address)
    except (ArgumentError, ValueError) as exc:  # ValueError: a port that is no number
        raise InvalidAddress(f"The database is not named by an address. {HOW}") from exc
    if url.drivername in SQLITE:
        if url.host or url.username or url.query:
            raise InvalidAddress(f"A SQLite file is named after three slashes, an absolute path after four; it takes no options. {HOW}")
        return url
    if url.drivername not in POSTGRESQL:
        raise InvalidAddress(f"Flowledger runs on SQLite and PostgreSQL, not on {url.drivername}. {HOW}")
    if importlib.util.find_spec("psycopg") is None:
        raise InvalidAddress("PostgreSQL needs its driver: pip install 'flowledger[postgres]'.")
    if "@" in (url.host or ""):  # the rest of a password, which would be shown as the name of a machine
        raise InvalidAddress(f"In user and password of an address @ is written %40, : %3A and / %2F. {HOW}")
    _check_options(url)
    return url.set(drivername="postgresql+psycopg")


def with_defaults(url: URL) -> URL:
    """What the driver is given for an address that was read: for PostgreSQL with `DEFAULTS` where the address itself does not name these options."""
    return url if url.drivername in SQLITE else url.set(query={**DEFAULTS, **url.query})


def _check_options(url: URL) -> None:
    """Those of libpq (sslmode, connect_timeout ...); the driver would refuse another one at each connection, as a defect of ours."""
    import psycopg
    from psycopg.conninfo import make_conninfo

    for name in url.query:
        try:
            make_conninfo(**{name: ""})
        except psycopg.ProgrammingError as exc:
            raise InvalidAddress(f"PostgreSQL knows no option {name} in an address.") from exc


def of_file(path: Path) -> str:
    """The address of a SQLite file, whatever characters its name and folder have."""
    return URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)


def file_of(url: URL) -> Path | None:
    """The SQLite file that an address names; None in memory and on PostgreSQL."""
    name = url.database or ""
    return Path(name) if url.drivername in SQLITE and name and name != ":memory:" and not name.startswith("file:") else None


def shown(url: URL) -> str:
    """The address for people: without password and options, because one of these may be a password, too."""
    return url.set(query={}).render_as_string(hide_password=True)
