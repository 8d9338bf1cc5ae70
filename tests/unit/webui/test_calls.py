"""The short way of the API's blueprint answers as flask-smorest itself does, byte by byte, whatever a view returns."""

from __future__ import annotations

import io

import marshmallow as ma
import pytest
import werkzeug.wrappers
from flask import Flask, Response
from flask_smorest import Api, Blueprint

from engine.errors import LimitExceeded
from webui.api.calls import ApiBlueprint, load_json

BODY = {"text": "报告 é", "number": 1, "unknown": True}
RETURNED = {
    "alone": BODY,
    "status": (BODY, 202),
    "headers": (BODY, {"X-A": "1"}),
    "all": (BODY, 202, {"Location": "/x/1", "X-A": "1"}),
    "address that is no URI": (BODY, 201, {"Location": "/x/é y"}),
    "declared status": (BODY, None, {"X-A": "1"}),
    "list of headers": (BODY, 203, [("X-A", "1"), ("X-A", "2")]),
    "no content": (None, 204, {}),
    "not modified": (BODY, 304, {}),
    "nothing": None,
    "response": lambda: Response("ready", 203),
    "response of werkzeug": lambda: werkzeug.wrappers.Response("ready", 203),
    "response with status": lambda: (Response("ready"), 202, {"X-A": "1"}),
}


class Out(ma.Schema):
    """What is shown."""

    text = ma.fields.String()
    number = ma.fields.Integer()


class In(ma.Schema):
    """What is asked."""

    number = ma.fields.Integer(required=True, strict=True)


def application(blueprint):
    app = Flask("calls")
    app.config.update(API_TITLE="t", API_VERSION="1", OPENAPI_VERSION="3.1.0", OPENAPI_URL_PREFIX="/", OPENAPI_JSON_PATH="openapi.json")
    routes = blueprint("routes", __name__, description="routes")
    for number, (name, value) in enumerate(RETURNED.items()):
        for schema in (Out, None):
            add(routes, f"{number}{schema and 'out'}", name, value, schema)

    @routes.route("/asked", methods=["POST"])
    @routes.arguments(In)
    @routes.response(201, Out)
    def asked(body):
        return body

    @routes.route("/otherwise", methods=["POST"])
    @routes.arguments(In, error_status_code=400, as_kwargs=True)
    @routes.response(200, Out)
    def otherwise(number):
        return {"number": number}

    Api(app).register_blueprint(routes)
    return app.test_client()


def add(routes, endpoint, name, value, schema):
    @routes.route(f"/{name}/{bool(schema)}", endpoint=endpoint)
    @routes.doc(summary=name)
    @routes.response(200, schema)
    def view():
        return value() if callable(value) else value


@pytest.fixture(scope="module")
def both():
    return application(ApiBlueprint), application(Blueprint)


@pytest.mark.parametrize("schema", [True, False])
@pytest.mark.parametrize("name", RETURNED)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_answers_are_the_same(both, name, schema, method):
    ours, theirs = (one.open(f"/{name}/{schema}", method=method) for one in both)
    assert (ours.status, sorted(ours.headers), ours.data) == (theirs.status, sorted(theirs.headers), theirs.data)


@pytest.mark.parametrize("path", ["/asked", "/otherwise"])
@pytest.mark.parametrize("body", [{"number": 1}, {"number": "x"}, {}, {"number": 1, "more": 2}, []])
def test_bodies_are_read_the_same_way(both, path, body):
    ours, theirs = (one.post(path, json=body) for one in both)
    assert (ours.status, ours.json) == (theirs.status, theirs.json)


def test_the_description_is_the_same(both):
    ours, theirs = (one.get("/openapi.json").data for one in both)
    assert ours == theirs


def test_a_body_that_comes_without_its_length_is_limited_too():
    app = Flask("calls")
    environ = {"wsgi.input": io.BytesIO(b'"' + b"x" * 100 + b'"'), "wsgi.input_terminated": True}
    with app.test_request_context("/", method="POST", environ_overrides=environ) as context:
        assert context.request.content_length is None
        with pytest.raises(LimitExceeded):
            load_json(context.request, limit=100)
