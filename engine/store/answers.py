"""Adapter of the port Answers: what commands answered that may leave no record under their request id."""

from __future__ import annotations

import json
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from engine.errors import ConcurrentChange
from engine.model.values import Json, canonical
from engine.ports import Answered
from engine.store.tables import request_answer


class SqlAnswers:
    """Port Answers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, request_id: str) -> Answered | None:
        """What was put under this id."""
        row = self._connection.execute(sa.select(request_answer).where(request_answer.c.request_id == request_id)).first()
        return Answered(row.command, row.actor, json.loads(row.answer)) if row else None

    def put(self, request_id: str, command: str, actor: str, answer: Json, now: datetime) -> None:
        """Raises ConcurrentChange when the same request was carried out at this moment: looked up again, it is there."""
        values = {"request_id": request_id, "command": command, "actor": actor, "answer": canonical(answer).decode(), "at": now}
        try:
            self._connection.execute(request_answer.insert().values(values))
        except IntegrityError as exc:
            raise ConcurrentChange from exc

    def forget(self, before: datetime) -> None:
        """Drop what is older."""
        self._connection.execute(request_answer.delete().where(request_answer.c.at < before))
