"""A small stand-in for `engine.bootstrap.Flowledger`, until that lands: canned rows, recorded commands."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace

from engine.errors import NotAllowed, NotFound
from engine.identity.policy import require
from engine.model.actors import Actor
from engine.model.views import InstanceRef, Page, UserRow, WorklistCounts

USERS = {
    role: Actor(role, f"{role} 甲", frozenset({"service_desk"}), frozenset({role}))
    for role in ("staff", "process_owner", "auditor", "operator", "administrator")
}


class Accounts:
    def login(self, user_id, password):
        if user_id not in USERS or password != "right password":
            raise NotAllowed(actor=user_id, action="login")
        return f"session-{user_id}"

    def session(self, secret):
        return USERS.get(secret.removeprefix("session-")) if secret.startswith("session-") else None

    def token(self, secret):
        return USERS.get(secret.removeprefix("token-")) if secret.startswith("token-") else None

    def logout(self, secret):
        pass

    def profile(self, user_id):
        return UserRow(user_id, USERS[user_id].name, ("staff",), (), True, "zh", "Asia/Shanghai")


class Reading:
    def __getattr__(self, name):
        def answer(*args, **kwargs):
            if name in ("worklist", "instances", "activity"):
                return Page([])
            if name == "worklist_counts":
                return WorklistCounts(0, 0, 0, 0)
            if name in ("instance", "task", "definition", "model_draft", "blob", "frame", "process_info"):
                raise NotFound(kind=name, id=str(args[-1]))
            return []

        return answer

    def users(self, actor):
        require(actor, "account.read")
        return []


class Flowledger:
    def __init__(self):
        self.accounts = Accounts()
        self.catalogue = SimpleNamespace(packs=(), groups={}, handlers={})
        self.executed = []

    @contextmanager
    def reading(self):
        yield Reading()

    def execute(self, command, actor, request_id=None):
        self.executed.append((command, actor, request_id))
        return InstanceRef("i1", 1, "active", ("i1-1",))

    def lint(self, files, complete_from=None):
        return []

    now = datetime(2026, 11, 23, 6, 5, tzinfo=UTC)
