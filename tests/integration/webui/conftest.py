"""The application around an engine, and a browser-like client that signs in and sends CSRF tokens."""

from __future__ import annotations

import re

import pytest

from tests.integration.webui.double import Flowledger
from webui.app import create_app


@pytest.fixture
def flowledger():
    return Flowledger()


@pytest.fixture
def app(flowledger):
    app = create_app(flowledger)
    app.testing = False  # errors are answered as in production
    return app


class Browser:
    """A test client that keeps cookies and fills in the form token of the page it saw last."""

    def __init__(self, app):
        self.client = app.test_client()
        self.token = ""

    def get(self, path, **kw):
        answer = self.client.get(path, **kw)
        found = re.search(r'name="csrf-token" content="(\w+)"', answer.get_data(as_text=True)) if answer.mimetype == "text/html" else None
        if found:
            self.token = found[1]
        return answer

    def post(self, path, data=None, **kw):
        return self.client.post(path, data={"csrf_token": self.token, **(data or {})}, **kw)

    def sign_in(self, user, password="right password"):
        self.get("/login")
        answer = self.post("/login", {"user": user, "password": password})
        if answer.status_code == 303:
            self.get("/settings")
        return answer


@pytest.fixture
def browser(app):
    return Browser(app)


@pytest.fixture
def signed_in(app):
    def make(user):
        browser = Browser(app)
        assert browser.sign_in(user).status_code == 303
        return browser

    return make


@pytest.fixture
def secrets_of(flowledger):
    """(session secret, API token) of a user."""
    return lambda user: (f"session-{user}", f"token-{user}")


@pytest.fixture(autouse=True)
def _bundles(monkeypatch):
    """Pages are tested without the built front end; tests/e2e has it."""
    monkeypatch.setattr("webui.assets._manifest", lambda: {f"src/{n}/index.js": {"file": f"{n}.js"} for n in ("base", "viewer", "replay", "modeler")})
