"""Hostile and broken requests: each gets an answer below 500 that shows no stack, and nothing is written."""

from __future__ import annotations

import io

import pytest

PATHS = [
    "/tasks/%00",
    "/tasks/..%2f..%2fetc%2fpasswd",
    "/tasks/x-99999999999999999999999",
    "/instances/%F0%9F%92%A3",
    "/instances/x/frames/99999999999999999999999.json",
    "/instances/x/attachments/99999999999999999999999",
    "/instances?q=%00",
    "/instances?q=%25%27%22%3Cscript%3E",
    "/instances?cursor=%00",
    "/instances?cursor=WzFd",
    "/instances?cursor=WyIyMDI2LTAxLTAxIiwiJyBvciAxPTEiXQ",
    "/worklist?cursor=bnVsbA",
    "/worklist?cursor=WzEsMiwzXQ",
    "/worklist?sort=;drop&view=every",
    "/worklist?q=" + "x" * 5000,
    "/processes/purchase?version=99999999999999999999999",
    "/processes/purchase?version=-1",
    "/definitions/purchase:1/files/../../x",
    "/definitions/purchase:999999999999999999999/xml",
    "/modeler/definitions/nothing:1",
    "/history?cursor=%7B%7D",
    "/static/../app.py",
    "/static/dist/..%2f..%2fapp.py",
    "/service-report/../x",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("user", ["staff", "process_owner"])
def test_pages_survive_hostile_addresses(signed_in, path, user):
    answer = signed_in(user).get(path)
    assert answer.status_code < 500, path
    assert b"Traceback" not in answer.data
    assert b"<script>" not in answer.data


API = [
    ("GET", "/tasks?cursor=%00", None),
    ("GET", "/tasks?cursor=WzEsMiwzXQ", None),
    ("GET", "/tasks?text=%00", None),
    ("GET", "/instances?text=%00&cursor=W10", None),
    ("GET", "/instances/x/records?after=99999999999999999999999", None),
    ("GET", "/tasks/%00", None),
    ("POST", "/instances", {"process_id": "purchase", "business_key": "a\u0000b", "variables": {"item": "a", "amount": 1}}),
    ("POST", "/instances", {"process_id": "purchase", "business_key": "\ud800", "variables": {"item": "a", "amount": 1}}),
    ("POST", "/instances", {"process_id": "purchase", "variables": {"item": "\ud800", "amount": 1}}),
    ("POST", "/instances", {"process_id": "purchase", "variables": {"item": "a", "amount": 1e400}}),
    ("POST", "/instances", {"process_id": "purchase", "variables": {"item": "a", "amount": 10**400}}),
    ("POST", "/instances", {"process_id": "purchase", "variables": {"": 1}}),
    ("POST", "/instances", {"process_id": "no\u0000such", "variables": {}}),
    ("POST", "/instances", {"definition_id": "purchase", "variables": {}}),
    ("POST", "/instances", {"definition_id": "purchase:99999999999999999999", "variables": {}}),
    ("POST", "/instances", []),
    ("POST", "/instances", "text"),
    ("POST", "/messages", {"name": "m\u0000", "keep_seconds": 5}),
    ("POST", "/messages", {"name": "m", "keep_seconds": 10**30}),
    ("POST", "/messages", {"name": "m", "keep_seconds": True}),
    ("POST", "/messages", {"name": "m", "correlation_key": "\ud800"}),
    ("POST", "/signals", {"name": "s" * 300}),
    ("POST", "/deployments", {"files": {"../../x.bpmn": "PGEvPg=="}}),
    ("POST", "/deployments", {"files": {"a\u0000.bpmn": "PGEvPg=="}}),
    ("POST", "/deployments", {"files": {"a.bpmn": "not base64!"}}),
    ("POST", "/deployments", {"files": {}}),
]


@pytest.mark.parametrize(("method", "path", "body"), API)
@pytest.mark.parametrize("user", ["staff", "process_owner"])
def test_the_api_survives_hostile_requests(api, engine, user, method, path, body):
    before = len(engine.instances())
    answer = api(user).call(method, path, **({"json": body} if body is not None else {}))
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.mimetype == "application/problem+json"
    assert "Traceback" not in answer.text
    assert len(engine.instances()) == before


def test_too_many_parts_are_refused(signed_in, purchase):
    _, task = purchase()
    staff = signed_in("staff")
    data = {"csrf_token": staff.token} | {f"x{n}": "1" for n in range(6000)}
    assert staff.client.post(f"/tasks/{task}", data=data, content_type="multipart/form-data").status_code == 413


def test_a_file_named_by_an_attacker(signed_in, purchase):
    instance, _ = purchase()
    staff = signed_in("staff")
    for name in ("a\r\nSet-Cookie: x=1.txt", "../../../etc/passwd", '"><script>.html', "x" * 500, "名称\u202etxt.exe"):
        answer = staff.client.post(f"/instances/{instance}/attachments", data={"csrf_token": staff.token, "file": (io.BytesIO(b"x"), name)})
        assert answer.status_code in (303, 400)
    page = staff.get(f"/instances/{instance}").get_data(as_text=True)
    assert "<script>.html" not in page
    assert "etc/passwd" not in page


@pytest.mark.parametrize("host", ["evil.example", "localhost:99999", "a b"])
def test_a_forged_host_changes_nothing_lasting(signed_in, host):
    staff = signed_in("staff")
    answer = staff.client.post(
        "/settings", data={"csrf_token": staff.token, "language": "en", "time_zone": "UTC"}, headers={"Host": host, "Origin": "http://localhost"}
    )
    assert answer.status_code < 500
