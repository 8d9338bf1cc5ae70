"""Around the nodes of the crash harness (`tests.crash.nodes`): run some for a while, start instances, look into their database."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from engine.store import tables
from engine.store.database import Database
from tests.crash.clients import Caller
from tests.crash.nodes import Node
from tests.support.diagrams import END, START, chain, process


@contextmanager
def running(*nodes: Node, **more: Any) -> Iterator[tuple[Node, ...]]:
    """Started; killed at the end. `more`: as `Node.start` takes it."""
    try:
        for node in nodes:
            node.start(**more)
        yield nodes
    finally:
        for node in nodes:
            node.kill()


def until(true: Callable[[], Any], seconds: float = 60.0) -> float:
    """How long it took; fails after that time. Asked again and again, because another process does it."""
    begin = time.monotonic()
    while not true():
        assert time.monotonic() - begin < seconds, "not within time"
        time.sleep(0.1)
    return time.monotonic() - begin


def scalar(database: str, query: Any) -> Any:
    """The first column of the first row."""
    store = Database(database)
    try:
        with store.begin(write=False) as connection:
            return connection.scalar(query)
    finally:
        store.close()


def kinds(database: str, kind: str) -> Any:
    """How many records hold an input of this kind."""
    return scalar(database, sa.select(sa.func.count()).select_from(tables.record).where(tables.record.c.kind == kind))


def timed(process_id: str, duration: str) -> bytes:
    """A process that only waits, for an ISO 8601 duration."""
    event = f"<timerEventDefinition><timeDuration>{duration}</timeDuration></timerEventDefinition>"
    body = START + f'<intermediateCatchEvent id="wait">{event}</intermediateCatchEvent>' + END + chain("start", "wait", "end")
    return process(body, process_id)


def start(caller: Caller, process_id: str, request_id: str | None = None, **variables: Any) -> str:
    """An instance, by the API; its id."""
    status, answer = caller.send("POST", "/api/v1/instances", {"process_id": process_id, "variables": variables}, request_id)
    assert status == 201, answer
    return str(answer["instance_id"])
