"""What every API view shares: strict reading of JSON and query, the engine, the idempotency key."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias

import marshmallow as ma
from flask import Request, Response, current_app, g, request
from flask.globals import request_ctx
from flask_smorest import Blueprint
from webargs.flaskparser import FlaskParser
from werkzeug.datastructures import Headers
from werkzeug.exceptions import ClientDisconnected, UnsupportedMediaType
from werkzeug.wrappers import Response as BaseResponse

from engine.errors import InvalidInput, LimitExceeded
from engine.model.actors import Actor
from engine.model.commands import Command
from engine.model.values import parse

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

View: TypeAlias = Callable[..., Any]

JSON_BYTES = 4 * 1024 * 1024
_KEY = re.compile(r"[\x21-\x7e]{1,128}")

IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "maxLength": 128},
    "description": "The same key twice gives the first answer and does nothing the second time; with another command it is refused (409).",
}


class StrictParser(FlaskParser):
    """Unknown names are errors everywhere; JSON without NaN, duplicate keys or absurd nesting; other content types are 415."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "json": ma.RAISE, "query": ma.RAISE}  # noqa: RUF012

    def _raw_load_json(self, req: Request) -> Any:
        if not req.is_json:
            raise UnsupportedMediaType("send application/json")
        return load_json(req)

    def body(self, schema: ma.Schema) -> Any:
        """What the schema makes of the body. Raises UnsupportedMediaType, what `load_json` raises, and UnprocessableEntity with marshmallow's messages."""
        asked = request_ctx.request
        try:
            return schema.load(self._raw_load_json(asked), unknown=ma.RAISE)
        except ma.ValidationError as exc:
            found = ma.ValidationError({"json": exc.messages})  # as webargs tells it: the place first
            return self.handle_error(found, asked, schema, error_status_code=None, error_headers=None)


def load_json(req: Request, limit: int = JSON_BYTES) -> Any:
    """The body as strict JSON. Raises InvalidInput, LimitExceeded, ClientDisconnected when less came than was announced."""
    length = req.content_length
    if (length or 0) > limit:
        raise LimitExceeded(what="size of the request body in bytes", value=length, limit=limit)
    data = _read(req.environ["wsgi.input"], length) if length is not None and _directly(req, length) else req.get_data(cache=False)
    if len(data) > limit:  # it came in pieces, without its length
        raise LimitExceeded(what="size of the request body in bytes", value=len(data), limit=limit)
    return parse(data)


def _directly(req: Request, length: int) -> bool:
    """May the body be read past werkzeug? Not where somebody began to read it, nor above the application's own limit, which werkzeug tells."""
    return vars(req).keys().isdisjoint(("_cached_data", "stream")) and length <= (req.max_content_length or length)


def _read(stream: Any, length: int) -> bytes:
    """A body of known length, without the streams that werkzeug lays over the server's own."""
    try:
        data: bytes = stream.read(length)
        while len(data) < length and (more := stream.read(length - len(data))):
            data += more
    except OSError as exc:
        raise ClientDisconnected from exc
    if len(data) < length:
        raise ClientDisconnected
    return data


class _Answer(Response):
    """One whose headers are sent as they are: werkzeug would look through a copy of them for what is to be corrected."""

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        """The length is known. Answers without a body and addresses that are to be written as URIs are left to werkzeug."""
        if self.status_code in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED) or not self.headers.get("Location", "").isascii():
            return super().get_wsgi_headers(environ)
        self.headers["Content-Length"] = str(len(self.get_data()))
        return self.headers


class ApiBlueprint(Blueprint):  # type: ignore[misc]
    """A blueprint whose arguments are read strictly.

    flask-smorest describes the routes. Their bodies and answers go a shorter way than through it and webargs: those cost a request as
    much as Flask itself.
    """

    ARGUMENTS_PARSER = StrictParser()

    def arguments(self, schema: Any, *, location: str = "json", **kwargs: Any) -> Any:
        """As flask-smorest does, with one instance of the schema for all requests: webargs would make a new one for each."""
        schema = schema() if isinstance(schema, type) else schema
        described = super().arguments(schema, location=location, **kwargs)
        if location != "json" or kwargs or not isinstance(schema, ma.Schema):
            return described

        def decorate(view: View) -> View:
            @wraps(view)
            def reading(*args: Any, **kwargs: Any) -> Any:
                return view(self.ARGUMENTS_PARSER.body(schema), *args, **kwargs)

            return _described(reading, described(view))

        return decorate

    def response(self, status_code: int, schema: Any = None, **kwargs: Any) -> Any:
        """As flask-smorest does, for whatever a view may return; what the schema dumps, alone or with status and headers, goes the short way."""
        schema = schema() if isinstance(schema, type) else schema
        described = super().response(status_code, schema, **kwargs)

        def decorate(view: View) -> View:
            general = described(lambda result: result)

            @wraps(view)
            def answering(*args: Any, **kwargs: Any) -> Any:
                result = view(*args, **kwargs)
                body, status, headers = result if type(result) is tuple and len(result) == 3 else (result, status_code, None)
                if schema is None or status is None or isinstance(body, tuple | BaseResponse):
                    return general(result)
                text = current_app.json.dumps(schema.dump(body), separators=(",", ":"))
                return _Answer(f"{text}\n".encode(), status, headers, content_type="application/json")

            return _described(answering, described(view))

        return decorate

    def doc(self, **kwargs: Any) -> Any:
        """As flask-smorest does, but the view itself is returned."""
        described = super().doc(**kwargs)
        return lambda view: _described(view, described(view))


def _described(view: View, other: Any) -> View:
    view._apidoc = other._apidoc  # type: ignore[attr-defined]  # where flask-smorest looks
    return view


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
