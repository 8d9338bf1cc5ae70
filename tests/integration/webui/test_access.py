"""Every route has an owner in the access table, and the table is what really decides: a matrix of each role with each route."""

from __future__ import annotations

import re

import pytest
from flask import Blueprint, Flask

from engine.identity.policy import GRANTS
from engine.model.actors import ROLES
from webui import access
from webui.security import _derive


def routes(app: Flask):
    """(endpoint, method, path with every parameter filled)"""
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:int:)\w+>", "1", rule.rule)
        path = re.sub(r"<(?:path:)?\w+>", "x-1", path)
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            yield rule.endpoint, method, path


def test_every_route_is_in_the_table(app):
    assert {rule.endpoint for rule in app.url_map.iter_rules()} - set(access.TABLE) == set()


def test_the_table_names_actions_of_the_policy():
    assert {a for a in access.TABLE.values() if a != access.VISIT} <= set(GRANTS)


def test_an_unlisted_route_is_found(app):
    fresh = Flask("fresh")
    fresh.add_url_rule("/secret", "secret", lambda: "x")
    with pytest.raises(RuntimeError, match="secret"):
        access.check_complete(fresh)


def test_a_pack_cannot_invent_an_action():
    blueprint = Blueprint("pack", __name__)
    with pytest.raises(ValueError, match=r"be\.root"):
        access.declare({f"{blueprint.name}.page": "be.root"})


@pytest.mark.parametrize("role", [None, *ROLES])
def test_matrix(app, secrets_of, role, monkeypatch):
    """The view runs exactly when the policy grants the endpoint's action to the role."""
    for name in app.view_functions:
        monkeypatch.setitem(app.view_functions, name, lambda **_: "reached")
    client = app.test_client()
    session, token = secrets_of(role) if role else ("", "")
    for endpoint, method, path in routes(app):
        action = access.TABLE[endpoint]
        expected = action == access.VISIT or (role is not None and role in GRANTS[action])
        headers = {}
        if path.startswith("/api/") or path == "/metrics":
            if role is not None:
                headers["Authorization"] = f"Bearer {token}"
        else:
            client.set_cookie("session" if role else "visitor", session or "somebody")
            headers["X-CSRF-Token"] = _derive(session or "somebody")
        answer = client.open(path, method=method, headers=headers)
        reached = answer.status_code == 200 and answer.data == b"reached"
        assert reached is expected, (endpoint, method, role, answer.status_code)
        if not expected:
            assert answer.status_code == (403 if role else 401 if path.startswith(("/api/", "/metrics")) else 302)
