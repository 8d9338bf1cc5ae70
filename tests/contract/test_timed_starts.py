"""Starts by timers: a cycle keeps its times whatever becomes of single starts, and belongs to the newest version."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from engine.application import instances
from engine.model.actors import Actor
from engine.store import tables
from engine.testing import START as NOW
from tests.support.diagrams import END, chain, document, user

ANN = Actor("ann", "Ann", roles=frozenset({"operator"}))
WHY = "it works again"
HOUR = 3600


def cycle(text, name="next"):
    start = f'<startEvent id="start"><timerEventDefinition><timeCycle>{text}</timeCycle></timerEventDefinition></startEvent>'
    return document(f'<process id="p" isExecutable="true">{start}{user(name)}{END}{chain("start", name, "end")}</process>')


class Luck:
    """Whether instances can be started."""

    def __init__(self, monkeypatch):
        honest = instances.begin
        self.bad = 0  # so many attempts fail
        self.attempts = 0

        def begin(*args, **more):
            self.attempts += 1
            if self.bad:
                self.bad -= 1
                raise RuntimeError("no luck")
            return honest(*args, **more)

        monkeypatch.setattr(instances, "begin", begin)


@pytest.fixture
def luck(monkeypatch):
    return Luck(monkeypatch)


def starts(engine):
    """When instances were started, in hours."""
    with engine.app.store.begin(write=False) as connection:
        moments = connection.scalars(sa.select(tables.instance.c.started_at).order_by(tables.instance.c.started_at))
        return [(one - NOW).total_seconds() / HOUR for one in moments]


def job(engine, version=1):
    with engine.app.store.begin(write=False) as connection:
        return connection.execute(sa.select(tables.job).where(tables.job.c.id == f"start-p:{version}-start")).one_or_none()


def stuck(engine):
    with engine.app.reading() as read:
        return read.stuck_jobs(ANN).rows


# --- one attempt fails ------------------------------------------------------------------------------------------------------------
LATE = 5 / HOUR  # the wait before the second attempt


@pytest.mark.parametrize("text", ["R/PT1H", "R4/PT1H", "0 * * * *"])
def test_a_cycle_keeps_its_times_after_an_attempt_that_failed(engine, luck, text):
    engine.deploy({"p.bpmn": cycle(text)})
    luck.bad = 1
    engine.advance(4 * HOUR)
    assert starts(engine) == pytest.approx([1 + LATE, 2, 3, 4])


def test_a_job_of_an_older_version_of_the_engine_counts_from_its_moment(engine):
    engine.deploy({"p.bpmn": cycle("R/PT1H")})
    old = {name: value for name, value in json.loads(job(engine).parameters).items() if name != "planned"}
    with engine.app.store.begin(write=True) as connection:
        connection.execute(tables.job.update().where(tables.job.c.kind == "start").values(parameters=json.dumps(old)))
    engine.advance(3 * HOUR)
    assert starts(engine) == [1, 2, 3]
