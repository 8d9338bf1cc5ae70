"""A fresh installation to measure: schema by the migrations, the measured process, one clerk with an API token."""

from __future__ import annotations

from dataclasses import dataclass

from engine.bootstrap import Flowledger, Settings, build
from engine.model.actors import SYSTEM, Actor
from engine.model.commands import Deploy, IssueToken, PutUser
from engine.store import schema
from engine.store.database import Database
from tests.support.diagrams import END, START, chain, process, user

GROUP = 'camunda:candidateGroups="clerks"'
TWO_TASKS = process(START + user("a", GROUP) + user("b", GROUP) + END + chain("start", "a", "b", "end"), "two")

CLERK = Actor("clerk", "Clerk", frozenset({"clerks"}), frozenset({"staff"}))


@dataclass(frozen=True, slots=True)
class Installation:
    """`database`: SQLAlchemy address; `token`: the clerk's secret for the API."""

    database: str
    token: str

    def open(self) -> Flowledger:
        """An engine on it, in this process."""
        return build(Settings(self.database))


def install(database: str) -> Installation:
    """Make everything in an empty database."""
    store = Database(database)
    schema.upgrade(store)
    store.close()
    app = build(Settings(database))
    try:
        app.execute(PutUser(CLERK.id, CLERK.name, tuple(CLERK.roles), tuple(CLERK.groups), "only the token is used"), SYSTEM)
        app.execute(Deploy({"two.bpmn": TWO_TASKS}, "benchmark"), SYSTEM)
        return Installation(database, app.execute(IssueToken("benchmark"), CLERK))
    finally:
        app.close()
