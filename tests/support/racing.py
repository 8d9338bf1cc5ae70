"""Several threads that start at the same moment; what each gave or raised. Who waits for whom."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from engine.store.database import Database
from engine.store.turn import SUFFIX


def together(*functions: Callable[[], Any], timeout: float = 60.0) -> list[Any]:
    """Results in order; a raised exception stands in the place of its result. Fails when one does not end in time."""
    barrier = threading.Barrier(len(functions))
    results: list[Any] = [None] * len(functions)

    def run(number: int) -> None:
        barrier.wait(timeout)
        try:
            results[number] = functions[number]()
        except Exception as exc:  # noqa: BLE001 - the test looks at it
            results[number] = exc

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout)
    if any(thread.is_alive() for thread in threads):
        raise AssertionError(f"still running after {timeout} s; the others gave {results}")
    return results


def somebody_waits_to_write(database: Database) -> bool:
    """Does a thread or process wait for what another one holds: with SQLite the turn to write, else a lock of the database?"""
    if database.is_sqlite:
        turn = Path(str(database.url.database) + SUFFIX).stat().st_ino
        return any("->" in line and f":{turn} " in line for line in Path("/proc/locks").read_text().splitlines())
    with database.begin(write=False) as connection:
        waiting = sa.text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        return bool(connection.scalar(waiting))


def raised(results: list[Any]) -> list[str]:
    """Names of the classes of what was raised."""
    return [type(r).__name__ for r in results if isinstance(r, BaseException)]
