"""What the same web server, Flask and SQLAlchemy do at best on the same database: one request, one insert, one commit.

Run as a program by `tests.benchmarks.servers`: `python -m tests.benchmarks.bare DATABASE PORT THREADS`.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask import Flask, request
from gunicorn.app.base import BaseApplication

from engine.serving import options
from engine.store.database import Database

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


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn with the options that Flowledger itself uses."""

    def __init__(self, database: str, port: int, threads: int) -> None:
        self._database, self._port, self._threads = database, port, threads
        super().__init__()

    def load_config(self) -> None:
        """Called by gunicorn."""
        for key, value in options("127.0.0.1", self._port, self._threads, workers=1).items():
            self.cfg.set(key, value)

    def load(self) -> Callable[..., Any]:
        """The WSGI application, made in the worker."""
        return create_app(self._database)


if __name__ == "__main__":
    Server(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])).run()
