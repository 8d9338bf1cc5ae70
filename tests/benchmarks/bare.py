"""What the same web server, Flask and SQLAlchemy do at best on the same database: one request, one insert, one commit.

Run as a program by `tests.benchmarks.servers`: `python -m tests.benchmarks.bare DATABASE PORT PROCESSES`.
"""

from __future__ import annotations

import secrets
import statistics
import sys
import time
from collections.abc import Iterator
from functools import partial

import sqlalchemy as sa
from flask import Flask, request

from engine.serving import server
from engine.store.database import Database
from tests.benchmarks.results import Figure

metadata = sa.MetaData()
bare = sa.Table("benchmark_bare", metadata, sa.Column("id", sa.String(32), primary_key=True), sa.Column("text", sa.Text, nullable=False))
INSERT = bare.insert()


def create_app(database: str) -> Flask:
    """One route; the connection comes from the engine's own pool with its own settings."""
    app = Flask("bare")
    store = Database(database)
    with store.begin(write=True) as connection:
        metadata.create_all(connection)

    @app.post("/")
    def insert() -> dict[str, str]:
        row = {"id": secrets.token_hex(16), "text": request.get_json()["text"]}
        with store.begin(write=True) as connection:
            connection.execute(INSERT, row)
        return {"id": row["id"]}

    return app


def commits(database: str, part: str, seconds: float = 0.7, windows: int = 3) -> Iterator[Figure]:
    """How fast the machine is now: the same insert and commit by one caller in this process, just before the part is measured."""
    store = Database(database)
    with store.begin(write=True) as connection:
        metadata.create_all(connection)
    rates = []
    for _ in range(windows):
        number, begun = 0, time.perf_counter()
        while (taken := time.perf_counter() - begun) < seconds:
            with store.begin(write=True) as connection:
                connection.execute(INSERT, {"id": secrets.token_hex(16), "text": "a short text"})
            number += 1
        rates.append(number / taken)
    store.close()
    yield Figure(f"{part}: bare insert and commit, in-process", statistics.median(rates), "commits/s", tuple(rates))


if __name__ == "__main__":
    server(partial(create_app, sys.argv[1]), "127.0.0.1", int(sys.argv[2]), None, int(sys.argv[3]))()
