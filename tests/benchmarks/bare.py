"""What the same web server, Flask and SQLAlchemy do at best on the same database: one request, one insert, one commit.

Run as a program by `tests.benchmarks.servers`: `python -m tests.benchmarks.bare DATABASE PORT PROCESSES`.
"""

from __future__ import annotations

import secrets
import sys
from functools import partial

import sqlalchemy as sa
from flask import Flask, request

from engine.serving import server
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


if __name__ == "__main__":
    server(partial(create_app, sys.argv[1]), "127.0.0.1", int(sys.argv[2]), None, int(sys.argv[3]))()
