"""Several machines on one PostgreSQL: whoever makes work that is due now wakes a worker anywhere, through Procrastinate.

The wake-up is a row of Procrastinate's queue, written in the transaction that makes the job; PostgreSQL tells the waiting workers when it
commits. It carries nothing: the job's own row stays the truth, and a lost wake-up costs a second, because every worker also looks once a
second for what became due (timers are found so, by index; they never lie in Procrastinate's queue, which would be searched for each of them).
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection

from engine.store import addresses
from engine.store.database import Database
from engine.store.making import making

log = logging.getLogger("flowledger.jobs")

QUEUE = "flowledger"
TASK = "flowledger.due"
POLL_SECONDS = 30.0  # of Procrastinate's queue, beside the notifications
GRACE_SECONDS = 25.0
AGAIN_SECONDS = 2.0  # between attempts to listen, while the database is gone
LOOK_SECONDS = 0.2  # how soon a listener sees that it shall stop
# Wake-ups that nobody took, because no worker runs or one was killed: what they were for has been found by looking.
_STALE = sa.text(
    "DELETE FROM procrastinate_jobs WHERE queue_name = :queue AND id IN"
    " (SELECT job_id FROM procrastinate_events WHERE type = 'deferred' AND at < now() - interval '1 minute')"
)


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
    with making(database) as connection:
        if connection.scalar(sa.text("SELECT to_regclass('procrastinate_jobs')")) is not None:
            return False
        connection.exec_driver_sql(SchemaManager.get_schema(), execution_options={"no_parameters": True})  # many statements, with percent signs
    return True


class Cluster:
    """Port Waker on PostgreSQL, and the main loop of a worker. `wake` makes this process look for due work."""

    elsewhere = True

    def __init__(self, url: URL, wake: Callable[[], None]) -> None:
        from procrastinate import App, PsycopgConnector, SyncPsycopgConnector

        address = addresses.with_defaults(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self.wake = wake
        # Two: an application that listens is asynchronous from then on, and could not write into the transactions of the job threads.
        self._app = App(connector=PsycopgConnector(conninfo=address, min_size=1, max_size=4))
        self._app.task(name=TASK, queue=QUEUE)(wake)
        self._due = App(connector=SyncPsycopgConnector(conninfo=address)).task(name=TASK, queue=QUEUE)(wake)

    def announce(self, connection: Connection) -> None:
        """In the transaction that makes the work."""
        self._due.configure(connection=connection.connection.dbapi_connection).defer()

    def listen(self, name: str, stopped: threading.Event) -> None:
        """Serve wake-ups until `stopped`; what runs is finished first. A database that goes away is waited for: its jobs are there when it is back."""
        while not stopped.is_set():
            try:
                asyncio.run(self._listen(name, stopped))
            except Exception as exc:  # noqa: BLE001 - Procrastinate's, the driver's or the pool's way of saying that the database is gone
                log.warning("worker %s is not woken: %s", name, type(exc.__cause__ or exc).__name__)
            self.wake()
            stopped.wait(AGAIN_SECONDS)

    async def _listen(self, name: str, stopped: threading.Event) -> None:
        """Returns when told to stop, and also when Procrastinate's worker gives up, which it does without an error when it loses its database."""
        async with self._app.open_async():
            listening = asyncio.create_task(
                self._app.run_worker_async(
                    name=name,
                    queues=[QUEUE],
                    fetch_job_polling_interval=POLL_SECONDS,
                    delete_jobs="always",
                    shutdown_graceful_timeout=GRACE_SECONDS,
                    install_signal_handlers=False,
                )
            )
            while not (stopped.is_set() or listening.done()):
                await asyncio.wait([listening], timeout=LOOK_SECONDS)
            listening.cancel()
            try:
                await listening
            except asyncio.CancelledError:
                return


def tidy(database: Database) -> int:
    """Remove wake-ups that nobody took for a minute; how many."""
    with database.begin(write=True) as connection:
        return connection.execute(_STALE, {"queue": QUEUE}).rowcount
