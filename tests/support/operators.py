"""What operators meet: a service that is down, an operator and somebody who is none, and what they look at and do."""

from __future__ import annotations

import sqlalchemy as sa

from engine.errors import BpmnError
from engine.model.actors import SYSTEM, Actor
from engine.plugins import service_task
from engine.testing import EmbeddedEngine
from tests.support.diagrams import END, START, chain, process, user

ANN = Actor("ann", "Ann", roles=frozenset({"operator"}))
CLERK = Actor("clerk", "", frozenset({"clerks"}), frozenset({"staff"}))
WHY = "the network was down"


def service(extra="", after=""):
    task = f'<serviceTask id="do" name="Send" flowledger:handler="call" {extra}/>'
    return process(START + task + user("next") + END + chain("start", "do", "next", "end") + after)


class World:
    """An outside service that answers, fails, or refuses in business terms."""

    def __init__(self, url, transactional=True):
        self.calls, self.parameters, self.mood = [], [], "down"

        @service_task("call", transactional=transactional)
        def call(context):
            self.calls.append(context.attempt)
            self.during(context)
            if self.mood == "down":
                raise ConnectionError("connection refused")
            if self.mood == "refuses":
                raise BpmnError("refused")
            return {"answer": 42}

        self.during = lambda _context: None
        self.engine = EmbeddedEngine(database=url, handlers=[call])


def incident(engine, instance):
    with engine.app.reading() as read:
        [one] = read.incidents(SYSTEM, instance, open_only=True)
    return one


def elements(engine, instance):
    with engine.app.reading() as read:
        return {e.element_id: e for e in read.open_elements(SYSTEM, instance)}


def last(engine, instance):
    with engine.app.reading() as read:
        return read.explanations(SYSTEM, instance)[-1]


def do(engine, command, actor=ANN):
    done = engine.app.execute(command, actor)
    engine.app.run_due()
    return done


def count(engine, table):
    with engine.app.store.begin(write=False) as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table))
