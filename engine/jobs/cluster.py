"""Several machines on one PostgreSQL: whoever makes work that is due now wakes a worker anywhere, through Procrastinate.

The wake-up is a row of Procrastinate's queue, written in the transaction that makes the job; PostgreSQL tells the waiting workers when it
commits. It carries nothing: the job's own row stays the truth, and a lost wake-up costs a second, because every worker also looks once a
second for what became due (timers are found so, by index; they never lie in Procrastinate's queue, which would be searched for each of them).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection

from engine.errors import FlowledgerError
from engine.store.database import Database

log = logging.getLogger("flowledger.jobs")

QUEUE = "flowledger"
POLL_SECONDS = 30.0  # of Procrastinate's queue, beside the notifications
GRACE_SECONDS = 25.0


def is_installed(database: Database) -> bool:
    """Has `install` been here, and is the extra `cluster` installed in this environment?"""
    if database.is_sqlite:
        return False
    with database.begin(write=False) as connection:
        if connection.scalar(sa.text("SELECT to_regclass('procrastinate_jobs')")) is None:
            return False
    try:
        import procrastinate  # noqa: F401 - an extra
    except ImportError:
        log.warning("workers elsewhere are not woken by this process: install flowledger[cluster] here, too")
        return False
    return True


def install(database: Database) -> bool:
    """Make Procrastinate's tables unless they are there. False where there is nothing to do: SQLite, or the extra is not installed."""
    if database.is_sqlite:
        return False
    try:
        from procrastinate.schema import SchemaManager
    except ImportError:
        return False
    with database.begin(write=True) as connection:
        if connection.scalar(sa.text("SELECT to_regclass('procrastinate_jobs')")) is not None:
            return False
        raw: Any = connection.connection.dbapi_connection
        raw.execute(SchemaManager.get_schema())
    return True


class Cluster:
    """Port Waker on PostgreSQL, and the main loop of a worker. `wake` makes this process look for due work."""

    def __init__(self, url: URL, wake: Callable[[], None]) -> None:
        from procrastinate import App, PsycopgConnector

        address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._app = App(connector=PsycopgConnector(conninfo=address))
        self.wake = wake
        self._due = self._app.task(name="flowledger.due", queue=QUEUE)(wake)

    def announce(self, connection: Connection) -> None:
        """In the transaction that makes the work."""
        self._due.configure(connection=connection.connection.dbapi_connection).defer()

    def listen(self, name: str) -> None:
        """Serve wake-ups until SIGINT or SIGTERM; what runs is finished first. Raises FlowledgerError when the database cannot be reached."""
        from procrastinate.exceptions import ConnectorException

        try:
            self._app.run_worker(
                name=name,
                queues=[QUEUE],
                fetch_job_polling_interval=POLL_SECONDS,
                delete_jobs="always",
                shutdown_graceful_timeout=GRACE_SECONDS,
            )
        except ConnectorException as exc:
            raise FlowledgerError(f"The database cannot be reached: {exc.__cause__ or exc}") from exc
