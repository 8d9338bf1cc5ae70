"""The application's own ways through Flask lead where Flask's lead."""

from __future__ import annotations

import io

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import BadRequest, ClientDisconnected, RequestEntityTooLarge
from werkzeug.test import EnvironBuilder

from webui.api.calls import load_json
from webui.app import Application

APP = Application("addresses")
HOSTS = [
    "localhost",
    "Localhost:8080",
    "127.0.0.1:80",
    "[::1]:8080",
    "报告.example",
    "xn--hxa.example",
    "x" * 64,
    "a..b",
    "",
    "a b",
    "a/b",
    f"{'x' * 64}.y",
]
TEXT = st.text("aä报%/?&=+. ", max_size=6)


def adapter(make, request):
    try:
        found = make(request)
    except BadRequest as exc:
        return type(exc)
    return {name: value for name, value in vars(found).items() if name != "map"}


@given(
    host=st.sampled_from(HOSTS),
    path=TEXT.map(lambda text: "/" + text.encode().decode("latin-1")),
    query=TEXT.map(lambda text: text.encode().decode("latin-1")),
    method=st.sampled_from(["GET", "POST", "get"]),
    more=st.sampled_from([{}, {"SCRIPT_NAME": "/below"}, {"wsgi.url_scheme": "https"}, {"HTTP_CONNECTION": "upgrade", "HTTP_UPGRADE": "websocket"}]),
)
def test_a_request_is_looked_for_as_flask_looks_for_it(host, path, query, method, more):
    environ = EnvironBuilder().get_environ()
    environ |= {"PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": method, "HTTP_HOST": host, **more}
    ours = adapter(APP.create_url_adapter, APP.request_class(dict(environ)))
    assert ours == adapter(lambda request: Flask.create_url_adapter(APP, request), APP.request_class(dict(environ)))


@pytest.mark.parametrize("setting", ["SERVER_NAME", "TRUSTED_HOSTS"])
def test_settings_of_flask_hold(setting):
    app = Application("addresses")
    app.config[setting] = {"SERVER_NAME": "here.example", "TRUSTED_HOSTS": ["here.example"]}[setting]
    for host in ("here.example", "there.example"):
        environ = {**EnvironBuilder().get_environ(), "HTTP_HOST": host}
        ours = adapter(app.create_url_adapter, app.request_class(dict(environ)))
        assert ours == adapter(lambda request: Flask.create_url_adapter(app, request), app.request_class(dict(environ)))
    assert (app.create_url_adapter(None) is None) == (setting == "TRUSTED_HOSTS")


def asked(stream):
    """A request whose body has 7 bytes, as it says."""
    environ = {**EnvironBuilder(method="POST").get_environ(), "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": "7"}
    return APP.request_class({**environ, "wsgi.input": stream})


def test_a_body_that_ends_early_is_told_and_one_that_goes_on_is_not_read_further():
    with pytest.raises(ClientDisconnected):
        load_json(asked(io.BytesIO(b'{"a":')))
    rest = io.BytesIO(b'{"a":1}{"b":2}')
    assert load_json(asked(rest)) == {"a": 1}
    assert rest.read() == b'{"b":2}'


class Slow(io.BytesIO):
    """A stream that gives what is there, as sockets do."""

    def read(self, size=-1):
        return super().read(min(size, 3))


class Broken(io.BytesIO):
    """A client that went away."""

    def read(self, size=-1):
        raise OSError("gone")


def test_a_body_may_come_in_pieces_or_not_at_all():
    assert load_json(asked(Slow(b'{"a":1}'))) == {"a": 1}
    with pytest.raises(ClientDisconnected):
        load_json(asked(Broken()))


def test_a_body_that_somebody_read_before_is_read_again_from_what_they_kept():
    request = asked(io.BytesIO(b'{"a":1}'))
    request.get_data()
    assert load_json(request) == {"a": 1}


def test_a_lower_limit_of_the_application_holds():
    request = asked(io.BytesIO(b'{"a":1}'))
    request.max_content_length = 6
    with pytest.raises(RequestEntityTooLarge):
        load_json(request)
