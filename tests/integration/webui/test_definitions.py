"""The process owner's pages: versions, import of foreign files, drafts, lint, deployment as the next version."""

from __future__ import annotations

import io
from pathlib import Path

from tests.support.diagrams import chain, process, user

XML = (Path(__file__).parent / "purchase.bpmn").read_text("utf-8")


def text(answer):
    return answer.get_data(as_text=True)


def test_a_new_version_leaves_running_instances_alone(signed_in, purchase, engine):
    old, task = purchase("PO-v1")
    owner = signed_in("process_owner")
    page = text(owner.get("/modeler/definitions/purchase:1"))
    assert '"based_on": "purchase:1"' in page
    changed = XML.replace('name="结束"', 'name="采购结束"')
    draft = owner.json("PUT", "/modeler/drafts/new", {"xml": changed, "revision": 0, "process_id": "purchase", "based_on": "purchase:1"}).json
    assert draft["revision"] == 1
    assert owner.json("POST", "/modeler/lint", {"xml": changed, "based_on": "purchase:1"}).json == {"problems": []}
    answer = owner.json("POST", "/modeler/deploy", {"xml": changed, "comment": "改名", "draft_id": draft["draft_id"], "based_on": "purchase:1"})
    assert answer.status_code == 201, text(answer)
    version = answer.json["version"]
    assert owner.json("DELETE", f"/modeler/drafts/{draft['draft_id']}").status_code == 204
    new, _ = purchase("PO-v2")
    with engine.app.reading() as read:
        from engine.model.actors import SYSTEM

        assert read.instance(SYSTEM, old).version == 1
        assert read.instance(SYSTEM, new).version == version
    engine.complete(task, {"approved": True})
    page = text(owner.get("/processes/purchase"))
    assert "改名" in page
    assert "check.form.json" in page, "forms are taken over from the version it is based on"


def test_a_stale_draft_is_a_conflict(signed_in):
    owner = signed_in("process_owner")
    body = {"xml": XML, "revision": 0, "process_id": "purchase", "based_on": None}
    saved = owner.json("PUT", "/modeler/drafts/new", body).json
    path = f"/modeler/drafts/{saved['draft_id']}"
    assert owner.json("PUT", path, body | {"revision": 1}).json["revision"] == 2
    answer = owner.json("PUT", path, body | {"revision": 1})
    assert answer.status_code == 409
    assert answer.mimetype == "application/problem+json"


def test_problems_name_the_element(signed_in):
    owner = signed_in("process_owner")
    broken = XML.replace('targetRef="Done"', 'targetRef="Nowhere"')
    problems = owner.json("POST", "/modeler/lint", {"xml": broken, "based_on": "purchase:1"}).json["problems"]
    assert problems
    answer = owner.json("POST", "/modeler/deploy", {"xml": broken, "comment": "", "draft_id": None, "based_on": "purchase:1"})
    assert answer.status_code == 422
    assert answer.json["problems"]


def test_import_of_foreign_files(signed_in):
    owner = signed_in("process_owner")

    def send(data, name="x.bpmn"):
        return owner.client.post("/modeler/import", data={"csrf_token": owner.token, "file": (io.BytesIO(data), name)})

    good = send(XML.replace('id="purchase"', 'id="foreign"').encode())
    assert good.status_code == 303
    assert "foreign" in text(owner.get("/modeler"))
    for bad in (b"\xff\xfe\x00", b"<xml/>", b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + XML.encode()):
        answer = send(bad)
        assert answer.status_code == 400
        assert "Traceback" not in text(answer)


def test_export_is_the_deployed_file(signed_in):
    answer = signed_in("auditor").get("/definitions/purchase:1/bpmn")
    assert answer.data == XML.encode()
    assert "attachment" in answer.headers["Content-Disposition"]


def test_staff_cannot_deploy(signed_in):
    staff = signed_in("staff")
    assert staff.get("/modeler").status_code == 403
    assert staff.json("POST", "/modeler/deploy", {"xml": XML, "comment": "", "draft_id": None, "based_on": None}).status_code == 403


def test_soundness_of_a_draft_in_the_readers_language(signed_in):
    owner = signed_in("process_owner")
    assert owner.json("POST", "/modeler/soundness", {"xml": XML, "based_on": "purchase:1"}).json["processes"][0]["findings"] == []
    flawed = process(
        '<startEvent id="s"/><parallelGateway id="f"/><endEvent id="e"/>'
        + "".join(user(one) for one in "abz")
        + chain("s", "f", "a", "z", "e")
        + chain("f", "b", "z")
    ).decode()
    [checked] = owner.json("POST", "/modeler/soundness", {"xml": flawed, "based_on": None}).json["processes"]
    [finding] = checked["findings"]
    assert (checked["complete"], finding["rule"], finding["trace"]) == (True, "soundness.lack-of-synchronisation", ["s", "f", "a", "b", "z"])
    assert finding["message"].startswith("并行分支未经汇合在此相遇")
    broken = owner.json("POST", "/modeler/soundness", {"xml": XML.replace('targetRef="Done"', 'targetRef="Nowhere"'), "based_on": "purchase:1"})
    assert (broken.status_code, bool(broken.json["problems"])) == (422, True)
