"""Every test here runs on each database, a SQLite file and a real PostgreSQL, unless its parameters or its own fixtures say otherwise; records, snapshots,
jobs and projections also on SQLite in memory.

A missing PostgreSQL binary is an error, never a skip.
"""

from __future__ import annotations

import pytest

from engine.projections import ALL
from engine.store.ahead import Ahead
from engine.store.database import Database
from engine.store.schema import create
from engine.store.unit_of_work import unit_of_work
from engine.testing import START, EmbeddedEngine, VirtualClock
from tests.support.operators import World
from tests.support.postgres import postgres_server


@pytest.fixture(scope="session")
def postgres():
    with postgres_server(durable=False) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """Address of an empty database."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgres").database()
    if request.param == "memory":
        return "sqlite://"
    return f"sqlite:///{tmp_path / 'contract.sqlite3'}"


@pytest.fixture
def database(url):
    store = Database(url)
    create(store)
    yield store
    store.close()


@pytest.fixture
def clock():
    return VirtualClock(START)


@pytest.fixture
def work(database, clock):
    """`with work() as uow:` a unit of work that commits."""
    return lambda: unit_of_work(database, clock, ALL)


@pytest.fixture
def engine(url):
    with EmbeddedEngine(database=url) as one:
        yield one


@pytest.fixture
def nodes(url):
    """Two engines on one database, as two web nodes are; the second one's ids begin elsewhere."""
    with EmbeddedEngine(database=url) as one, EmbeddedEngine(database=url) as two:
        two.app.services.identifiers._last = 1_000_000
        yield one, two


@pytest.fixture
def tried(monkeypatch):
    """What became of each attempt: True where it was carried out ahead."""
    seen, original = [], Ahead.attempt

    def attempt(self, about, work, **more):
        done = original(self, about, work, **more)
        seen.append(done is not None)
        return done

    monkeypatch.setattr(Ahead, "attempt", attempt)
    return seen


@pytest.fixture
def world(url):
    one = World(url)
    with one.engine:
        yield one


@pytest.fixture
def outside(url):
    one = World(url, transactional=False)
    with one.engine:
        yield one
