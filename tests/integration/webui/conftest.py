"""The application around a real engine in memory, a purchase process, one account for each role, and a browser-like client."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from engine.model.actors import ROLES, SYSTEM
from engine.model.commands import Deploy, IssueToken, PutUser
from engine.testing import EmbeddedEngine
from tests.support.failing import DOWN, SCRIPT
from webui.app import create_app

HERE = Path(__file__).parent
FILES = {p.name: p.read_bytes() for p in (HERE / "purchase.bpmn", HERE / "request.form.json", HERE / "check.form.json")}
PASSWORD = "right password"


@pytest.fixture(scope="module")
def engine():
    """One for a module: hashing passwords costs more than most tests. Tests keep apart by instances of their own."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch, EmbeddedEngine() as embedded:
        patch.setattr("engine.store.login._hasher", cheap)
        for role in ROLES:
            embedded.app.execute(PutUser(role, f"{role} 甲", (role,), ("project_manager",) if role == "staff" else (), PASSWORD), SYSTEM)
        embedded.app.execute(PutUser("colleague", "同事乙", ("staff",), ("project_manager",), PASSWORD), SYSTEM)
        embedded.app.execute(PutUser("stranger", "外人丙", ("staff",), (), PASSWORD), SYSTEM)
        embedded.deploy(FILES, "第一版")
        yield embedded
        embedded.check()


@pytest.fixture
def flowledger(engine):
    return engine.app


@pytest.fixture
def app(engine):
    app = create_app(engine.app)
    app.config["NOW"] = engine.clock.now
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

    def json(self, method, path, body=None):
        """As the modeler's script does."""
        headers = {"X-CSRF-Token": self.token, "Accept": "application/json"}
        return self.client.open(path, method=method, json=body, headers=headers)

    def sign_in(self, user, password=PASSWORD):
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

    def make(user):
        session = flowledger.accounts.login(user, PASSWORD)
        return session, flowledger.execute(IssueToken("test"), flowledger.accounts.session(session))

    return make


@pytest.fixture
def api(app, secrets_of):
    """A program with a user's token: `api("staff").post("/tasks/1/claim")`."""

    class Program:
        def __init__(self, user):
            self.headers = {"Authorization": f"Bearer {secrets_of(user)[1]}"}
            self.client = app.test_client()

        def call(self, method, path, **kw):
            return self.client.open(f"/api/v1{path}", method=method, headers={**self.headers, **kw.pop("headers", {})}, **kw)

        def get(self, path, **kw):
            return self.call("GET", path, **kw)

        def post(self, path, body=None, **kw):
            return self.call("POST", path, **({"json": body} if body is not None else {}), **kw)

    return Program


@pytest.fixture
def purchase(engine):
    """Starts a purchase and gives (instance id, task id of its check)."""

    def start(key="PO-1", amount=1200):
        instance = engine.start("purchase", {"item": "服务器", "amount": amount}, key)
        [task] = engine.user_tasks(instance)
        return instance, task.id

    return start


@pytest.fixture(scope="module")
def failing(engine):
    """The processes `down` and `sums`, whose work fails."""
    engine.deploy({"down.bpmn": DOWN, "sums.bpmn": SCRIPT})


@pytest.fixture(autouse=True)
def _bundles(monkeypatch):
    """Pages are tested without the built front end; tests/e2e has it."""
    monkeypatch.setattr("webui.assets._manifest", lambda: {f"src/{n}/index.js": {"file": f"{n}.js"} for n in ("base", "viewer", "replay", "modeler")})


@pytest.fixture
def redeploy(engine):
    """Another version of the purchase process."""

    def make(xml, comment="第二版"):
        return engine.app.execute(Deploy({**FILES, "purchase.bpmn": xml}, comment), SYSTEM)

    return make
