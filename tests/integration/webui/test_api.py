"""The API as programs use it: the whole loop, strict input, problem documents, idempotency."""

from __future__ import annotations

import base64
import io

import pytest

from engine.errors import StorageDamaged
from tests.integration.webui.conftest import FILES
from tests.support.diagrams import chain, flow, process, user


def test_deploy_start_work_audit(api, engine):
    owner, staff, auditor = api("process_owner"), api("staff"), api("auditor")
    files = {name: base64.b64encode(data.replace(b'"purchase"', b'"api_purchase"')).decode() for name, data in FILES.items()}
    deployed = owner.post("/deployments", {"files": files, "comment": "x"})
    assert deployed.status_code == 201, deployed.text
    assert deployed.json["definitions"][0]["id"] == "api_purchase:1"
    started = staff.post("/instances", {"process_id": "api_purchase", "variables": {"item": "a", "amount": 1}, "business_key": "A-1"})
    assert started.status_code == 201
    [task] = started.json["task_ids"]
    instance = started.json["instance_id"]
    assert started.headers["Location"] == f"/api/v1/instances/{instance}"
    listed = staff.get(f"/tasks?instance_id={instance}").json["rows"]
    assert [t["id"] for t in listed] == [task]
    assert staff.get(f"/tasks/{task}").json["values"] == {"item": "a", "amount": 1}
    done = staff.post(f"/tasks/{task}/complete", {"values": {"approved": True}})
    assert done.json["state"] == "completed"
    assert auditor.get(f"/instances/{instance}/variables").json["variables"]["approved"] is True
    records = auditor.get(f"/instances/{instance}/records?size=1").json
    assert records["next"] == 1
    assert records["rows"][0]["body"]["input"]["type"] == "StartInstance"
    assert auditor.get(f"/instances/{instance}/verify").json["verified"] is True


def test_multipart_deployment(api):
    data = {"file": [(io.BytesIO(d.replace(b'"purchase"', b'"parts_purchase"')), n) for n, d in FILES.items()], "comment": "parts"}
    answer = api("process_owner").call("POST", "/deployments", data=data)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("xml", [b"<not xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b"<a/>"])
def test_malformed_files_are_refused_whole(api, xml):
    owner = api("process_owner")
    before = owner.get("/definitions").json
    answer = owner.post("/deployments", {"files": {"a.bpmn": base64.b64encode(xml).decode()}})
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    assert answer.json["problems"]
    assert owner.get("/definitions").json == before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"values": {"approved": NaN}}', 400),
        (b'{"values": {"approved": true, "approved": false}}', 400),
        (b"[" * 3000 + b"]" * 3000, 400),
        (b'{"values": {}, "surprise": 1}', 422),
        (b'{"values": {"approved": "perhaps"}}', 422),
        (b'{"values": {"approved": true, "undeclared": 1}}', 422),
        (b"{", 400),
        (b"\xff", 400),
    ],
)
def test_bad_bodies_change_nothing(api, purchase, engine, body, status):
    instance, task = purchase()
    answer = api("staff").call("POST", f"/tasks/{task}/complete", data=body, content_type="application/json")
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    assert {"type", "title", "status", "detail", "instance"} <= set(answer.json)
    assert [t.id for t in engine.user_tasks(instance)] == [task]


def test_the_same_key_twice_gives_the_first_answer(api, engine):
    staff = api("staff")
    body = {"process_id": "purchase", "variables": {"item": "a", "amount": 1}}
    one = staff.post("/instances", body, headers={"Idempotency-Key": "k-1"})
    two = staff.post("/instances", body, headers={"Idempotency-Key": "k-1"})
    assert one.json["instance_id"] == two.json["instance_id"]
    other = staff.post("/instances", {**body, "variables": {"item": "b", "amount": 1}, "business_key": "B"}, headers={"Idempotency-Key": "k-1"})
    assert (other.status_code, other.json["type"]) == (409, "urn:flowledger:problem:RequestIdReused")
    assert staff.post("/instances", body, headers={"Idempotency-Key": "with blank"}).status_code == 400


def test_conflicts_are_409(api, purchase):
    _, task = purchase()
    staff = api("staff")
    assert staff.post(f"/tasks/{task}/complete", {"values": {"approved": True}}).status_code == 200
    again = staff.post(f"/tasks/{task}/complete", {"values": {"approved": True}})
    assert again.status_code == 409
    assert again.json["type"] == "urn:flowledger:problem:TaskNotOpen"


def test_another_users_objects(api, purchase):
    instance, task = purchase()
    stranger = api("stranger")
    for method, path in [
        ("GET", f"/instances/{instance}"),
        ("GET", f"/instances/{instance}/variables"),
        ("GET", f"/instances/{instance}/records"),
        ("GET", f"/instances/{instance}/records.jsonl"),
        ("GET", f"/tasks/{task}"),
        ("POST", f"/tasks/{task}/claim"),
        ("POST", f"/tasks/{task}/release"),
    ]:
        assert stranger.call(method, path).status_code == 403, path
    assert stranger.post(f"/tasks/{task}/complete", {"values": {}}).status_code == 403
    assert stranger.get(f"/tasks?instance_id={instance}").json["rows"] == []


def test_keyset_paging_visits_everything_once(api, purchase):
    started = {purchase(f"PO-api-{n}")[1] for n in range(5)}
    staff = api("staff")
    seen, cursor = [], None
    while True:
        page = staff.get(f"/tasks?size=2&text=PO-api-{f'&cursor={cursor}' if cursor else ''}").json
        seen += [t["id"] for t in page["rows"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(started)


def test_the_description_covers_every_route(app):
    paths = app.test_client().get("/api/v1/openapi.json").json["paths"]
    described = {
        (p.replace("{", "<").replace("}", ">"), m.upper()) for p, ms in paths.items() for m in ms if m in ("get", "post", "patch", "put", "delete")
    }
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/") and not rule.rule.endswith("openapi.json"):
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                assert (rule.rule.replace("path:", ""), method) in described


def test_every_write_is_described_with_its_idempotency_key(app):
    paths = app.test_client().get("/api/v1/openapi.json").json["paths"]
    writes = {
        (path, method): [p["name"] for p in (*one.get("parameters", ()), *what.get("parameters", ())) if "name" in p]
        for path, what in paths.items()
        for method, one in what.items()
        if method in ("post", "put", "patch", "delete")
    }
    unnamed = {path for (path, _), names in writes.items() if "Idempotency-Key" not in names}
    assert unnamed == {"/api/v1/definitions/soundness", "/api/v1/migrations/check"}  # they write nothing


def test_revoked_and_wrong_tokens(app, browser, signed_in):
    client = app.test_client()
    assert client.get("/api/v1/tasks", headers={"Authorization": "Bearer nonsense"}).status_code == 401
    assert client.get("/api/v1/tasks", headers={"Authorization": "Basic eDp5"}).status_code == 401
    staff = signed_in("staff")
    page = staff.post("/settings/tokens", {"label": "nightly", "days": "7"}).get_data(as_text=True)
    secret = page.split("user-select-all")[1].split(">")[1].split("<")[0]
    headers = {"Authorization": f"Bearer {secret}"}
    assert client.get("/api/v1/tasks", headers=headers).status_code == 200
    listed = staff.get("/settings/tokens").get_data(as_text=True)
    assert secret not in listed
    path = listed.split("nightly")[1].split('action="')[1].split('"')[0]
    assert staff.post(path).status_code == 303
    assert client.get("/api/v1/tasks", headers=headers).status_code == 401


def test_soundness_of_files_that_are_not_deployed(api):
    owner = api("process_owner")
    xml = process(
        '<startEvent id="s"/><exclusiveGateway id="x" default="x_b"/><parallelGateway id="j"/>'
        + user("a")
        + user("b")
        + chain("s", "x", "b", "j")
        + flow("x", "a", "n")
        + chain("a", "j"),
        "loose",
    )
    files = {"loose.bpmn": base64.b64encode(xml).decode()}
    answer = owner.post("/definitions/soundness", {"files": files})
    assert answer.status_code == 200, answer.text
    [checked] = answer.json["processes"]
    [finding] = checked["findings"]
    assert (checked["process_id"], checked["complete"], finding["rule"], finding["element_id"]) == ("loose", True, "soundness.deadlock", "j")
    assert (finding["trace"], finding["flows"], finding["tokens"]) == (["s", "x", "b", "j"], ["s_x", "x_b", "b_j"], ["b_j"])  # fmt: skip
    assert owner.post("/definitions/soundness", {"files": files, "states": 1}).json["processes"][0]["complete"] is False
    assert owner.post("/definitions/soundness", {"files": files, "states": 0}).status_code in (400, 422)
    assert owner.post("/definitions/soundness", {"files": {"a.bpmn": base64.b64encode(b"<a/>").decode()}}).status_code == 422
    assert api("staff").post("/definitions/soundness", {"files": files}).status_code == 403
    assert all(row["process_id"] != "loose" for row in owner.get("/definitions").json)


def test_an_activity_of_an_ad_hoc_subprocess_is_started(api):
    ad_hoc = "<adHocSubProcess id='b' flowledger:activeElements='[]'><userTask id='u'/><userTask id='v'/><completionCondition>False</completionCondition></adHocSubProcess>"
    xml = process('<startEvent id="start"/>' + ad_hoc + chain("start", "b"), "chosen")
    deployed = api("process_owner").post("/deployments", {"files": {"chosen.bpmn": base64.b64encode(xml).decode()}})
    assert deployed.status_code == 201, deployed.text
    staff = api("staff")
    instance = staff.post("/instances", {"process_id": "chosen"}).json["instance_id"]
    done = staff.post(f"/instances/{instance}/activities", {"element_id": "v"})
    assert (done.status_code, len(done.json["task_ids"])) == (200, 1), done.text
    assert staff.post(f"/instances/{instance}/activities", {"element_id": "start"}).status_code == 409
    assert api("auditor").post(f"/instances/{instance}/activities", {"element_id": "v"}).status_code == 403


def test_a_damaged_database_is_told_in_both_languages_and_nobody_is_asked_to_try_again(api, signed_in, flowledger, monkeypatch):
    program, reader = api("staff"), signed_in("staff")

    def broken(*_, **__):
        raise StorageDamaged

    monkeypatch.setattr(flowledger, "reading", broken)
    answer = program.get("/tasks")
    assert (answer.status_code, answer.json["type"]) == (500, "urn:flowledger:problem:StorageDamaged")
    assert "restore the newest backup" in answer.json["detail"] and "Retry-After" not in answer.headers
    page = reader.get("/worklist")
    assert page.status_code == 500 and "数据库文件已损坏" in page.get_data(as_text=True)
