"""What every API view shares: strict reading of JSON and query, the engine, the idempotency key."""

from __future__ import annotations

import re
from typing import Any

import marshmallow as ma
from flask import Request, current_app, g, request
from flask_smorest import Blueprint
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import UnsupportedMediaType

from engine.errors import InvalidInput, LimitExceeded
from engine.model.actors import Actor
from engine.model.commands import Command
from engine.model.values import parse

JSON_BYTES = 4 * 1024 * 1024
_KEY = re.compile(r"[\x21-\x7e]{1,128}")

IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "maxLength": 128},
    "description": "The same key twice gives the first answer and does nothing the second time.",
}


class StrictParser(FlaskParser):
    """Unknown names are errors everywhere; JSON without NaN, duplicate keys or absurd nesting; other content types are 415."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "json": ma.RAISE, "query": ma.RAISE}  # noqa: RUF012

    def _raw_load_json(self, req: Request) -> Any:
        if not req.is_json:
            raise UnsupportedMediaType("send application/json")
        return load_json(req)


def load_json(req: Request, limit: int = JSON_BYTES) -> Any:
    """The body as strict JSON. Raises InvalidInput, LimitExceeded."""
    if (req.content_length or 0) > limit:
        raise LimitExceeded(what="size of the request body in bytes", value=req.content_length, limit=limit)
    return parse(req.get_data(cache=False))


class ApiBlueprint(Blueprint):  # type: ignore[misc]
    """A blueprint whose arguments are read strictly."""

    ARGUMENTS_PARSER = StrictParser()

    def arguments(self, schema: Any, **kwargs: Any) -> Any:
        """As flask-smorest does, with one instance of the schema for all requests: webargs would make a new one for each."""
        return super().arguments(schema() if isinstance(schema, type) else schema, **kwargs)


def actor() -> Actor:
    """The owner of the token; the access table has made sure that there is one."""
    found: Actor = g.actor
    return found


def engine() -> Any:
    """The engine behind this application."""
    return current_app.extensions["flowledger"]


def execute(command: Command) -> Any:
    """Carry the command out as the token's owner, once for each `Idempotency-Key`."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key):
        raise InvalidInput("Idempotency-Key must be 1 to 128 printable ASCII characters without blanks")
    return engine().execute(command, actor(), key)
