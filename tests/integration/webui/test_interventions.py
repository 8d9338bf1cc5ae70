"""Operators' pages and addresses: acts with reasons that the history shows, suspension, acts on many."""

from __future__ import annotations

import re

import pytest

from engine.model.actors import SYSTEM
from engine.model.commands import ChangeVariables
from tests.support.diagrams import END, START, chain, process, user

pytestmark = pytest.mark.usefixtures("failing")
WHY = "对方系统停机"


def text(answer):
    return answer.get_data(as_text=True)


def open_elements(engine, instance):
    with engine.app.reading() as read:
        return {e.element_id: e.id for e in read.open_elements(SYSTEM, instance)}


def page_of(engine, instance, element):
    return f"/instances/{instance}/elements/{open_elements(engine, instance)[element].rpartition('-')[2]}"


# --- acts -----------------------------------------------------------------------------------------------------------------------
def test_variables_are_changed_and_the_work_is_tried_again(signed_in, engine):
    instance = engine.start("sums", {"count": 0})
    operator = signed_in("operator")
    address = page_of(engine, instance, "sum")
    page = text(operator.get(address))
    assert "出现了除以零的计算。" in page
    assert operator.post(f"{address}/retry", {"reason": " ", "variables": "{}"}).status_code == 400
    assert operator.post(f"{address}/retry", {"reason": WHY, "variables": "[1]"}).status_code == 400
    assert operator.post(f"{address}/retry", {"reason": WHY, "variables": "{"}).status_code == 400
    assert operator.post(f"{address}/retry", {"reason": WHY, "variables": '{"count": 4}'}).status_code == 303
    assert engine.variables(instance) == {"count": 4, "total": 0.25}
    page = text(operator.get(f"/instances/{instance}"))
    assert f"operator 甲重试了“合计”：{WHY}" in page
    assert f"operator 甲重试了“合计”：{WHY}" in text(operator.get(f"/instances/{instance}/replay?list=1"))
    assert f"operator 甲重试了“合计”：{WHY}" in operator.get(f"/instances/{instance}/frames/2.json").json["title"]


def test_a_job_is_completed_by_hand(signed_in, engine):
    instance = engine.start("down")
    operator = signed_in("operator")
    address = page_of(engine, instance, "send")
    operator.get(address)
    assert operator.post(f"{address}/complete", {"reason": WHY, "variables": '{"sent": true}'}).status_code == 303
    assert (list(open_elements(engine, instance)), engine.variables(instance)) == (["after"], {"sent": True})
    assert f"operator 甲人工完成了“发送”：{WHY}" in text(operator.get(f"/instances/{instance}"))


def test_a_token_is_moved_and_what_makes_no_sense_is_refused_with_the_reason(signed_in, engine):
    instance = engine.start("down")
    operator = signed_in("operator")
    address = page_of(engine, instance, "send")
    page = text(operator.get(address))
    assert '<option value="after">After (after)</option>' in page
    assert operator.post(f"{address}/move", {"reason": WHY, "target": ""}).status_code == 400
    answer = operator.post(f"{address}/move", {"reason": WHY, "target": "nowhere", "element": "send"})
    assert answer.status_code == 409
    assert "令牌不能从 send 移到 nowhere：流程中没有此元素。" in text(answer)
    assert operator.post(f"{address}/move", {"reason": WHY, "target": "after", "element": "send"}).status_code == 303
    assert list(open_elements(engine, instance)) == ["after"]
    assert f"operator 甲把令牌从“发送”移到“After”：{WHY}" in text(operator.get(f"/instances/{instance}"))
    assert operator.get(address).status_code == 404


def test_an_error_that_nothing_catches_is_refused(signed_in, engine):
    instance = engine.start("down")
    operator = signed_in("operator")
    address = page_of(engine, instance, "send")
    operator.get(address)
    answer = operator.post(f"{address}/fail", {"reason": WHY, "code": "lost"})
    assert answer.status_code == 409
    assert "流程图没有在 send 处捕获错误 lost" in text(answer)


def test_the_one_click_retry_of_the_instance_page_needs_a_reason_too(signed_in, engine):
    instance = engine.start("down")
    operator = signed_in("operator")
    page = text(operator.get(f"/instances/{instance}"))
    [action] = re.findall(r'action="(/instances/[^"]+/retry)"', page)
    assert operator.post(action, {}).status_code == 400
    assert operator.post(action, {"reason": WHY, "next": f"/instances/{instance}"}).status_code == 303
    engine.app.run_due()
    assert engine.instance(instance).error is not None  # the pack is still missing


# --- suspension -------------------------------------------------------------------------------------------------------------------
def test_a_suspended_instance_says_so_everywhere(signed_in, purchase, engine):
    instance, task = purchase("PO-suspended")
    operator, staff = signed_in("operator"), signed_in("staff")
    operator.get(f"/instances/{instance}")
    assert operator.post(f"/instances/{instance}/suspend", {"reason": ""}).status_code == 400
    assert operator.post(f"/instances/{instance}/suspend", {"reason": WHY}).status_code == 303
    page = text(operator.get(f"/instances/{instance}"))
    assert f"operator 甲挂起了流程实例：{WHY}" in page
    assert "流程实例已挂起：任务不能完成" in page
    assert "PO-suspended" in text(operator.get("/instances?state=suspended"))
    assert "在运维人员恢复之前不能完成任务" in text(staff.get(f"/tasks/{task}"))
    answer = staff.post(f"/tasks/{task}", {"approved": "true", "_action": "submit"})
    assert answer.status_code == 409
    assert "已挂起，须由运维人员先恢复" in text(answer)
    assert operator.post(f"/instances/{instance}/resume", {"reason": "恢复"}).status_code == 303
    assert staff.post(f"/tasks/{task}", {"approved": "true", "_action": "submit"}).status_code == 303
    assert engine.instance(instance).state == "completed"


def test_a_suspended_version_cannot_be_started(signed_in, engine):
    engine.deploy({"held.bpmn": process(START + user("a") + END + chain("start", "a", "end"), "held")})
    operator, staff = signed_in("operator"), signed_in("staff")
    operator.get("/processes/held")
    assert operator.post("/definitions/held:1/suspend", {"reason": WHY}).status_code == 303
    page = text(operator.get("/processes/held"))
    assert "此版本已挂起" in page
    assert f"operator 甲挂起了此版本：{WHY}" in page
    staff.get("/start/held")
    answer = staff.post("/start/held", {"_action": "submit"})
    assert answer.status_code == 409
    assert "held:1 已挂起" in text(answer)
    assert operator.post("/definitions/held:1/resume", {"reason": "好了"}).status_code == 303
    assert staff.post("/start/held", {"_action": "submit"}).status_code == 303


# --- acts on many -------------------------------------------------------------------------------------------------------------------
def test_an_act_on_many_shows_progress_and_the_reasons_of_refusals(signed_in, purchase, engine):
    instances = [purchase(f"PO-many-{n}")[0] for n in range(3)]
    engine.cancel(instances[1])
    operator = signed_in("operator")
    assert "PO-many-0" in text(operator.get("/instances?q=PO-many"))
    assert operator.post("/operations", {"act": "suspend", "reason": "", "target": instances}).status_code == 400
    assert operator.post("/operations", {"act": "suspend", "reason": WHY}).status_code == 400
    answer = operator.post("/operations", {"act": "suspend", "reason": WHY, "target": instances})
    assert answer.status_code == 303
    address = answer.location
    assert "已处理 0／3" in text(operator.get(address))
    engine.app.run_due()
    page = text(operator.get(address))
    assert "已处理 3／3：完成 2，被拒绝 1" in page
    assert f"流程实例 {instances[1]} 的状态是“已取消”。未做任何更改。" in page
    assert '<progress class="w-100" id="progress" max="3" value="3">' in page
    assert instances[0] not in text(operator.get(f"{address}?state=refused"))
    assert WHY in text(operator.get("/operations"))
    assert signed_in("auditor").get(address).status_code == 200
    assert signed_in("staff").get(address).status_code == 403


def test_incidents_are_marked_and_tried_again(signed_in, engine):
    instance = engine.start("sums", {"count": 0}, "S-7")
    operator = signed_in("operator")
    page = text(operator.get("/incidents"))
    incident = open_elements(engine, instance)["sum"]
    assert f'value="{incident}"' in page
    engine.app.execute(ChangeVariables(instance, {"count": 2}, "x"), SYSTEM)
    answer = operator.post("/operations", {"act": "retry", "reason": WHY, "target": [incident]})
    engine.app.run_due()
    assert "完成 1，被拒绝 0" in text(operator.get(answer.location))
    assert engine.instance(instance).state == "completed"


def test_all_of_a_version(signed_in, engine):
    engine.deploy({"all.bpmn": process(START + user("a") + user("b") + END + chain("start", "a", "b", "end"), "all")})
    instances = [engine.start("all") for _ in range(2)]
    operator = signed_in("operator")
    assert "批量处理" in text(operator.get("/operations/new/all:1"))
    data = {"act": "move", "reason": WHY, "everything": "1", "definition": "all:1", "element": "a", "goal": "b", "variables": '{"x": 1}'}
    assert operator.post("/operations", data).status_code == 303
    engine.app.run_due()
    assert [list(open_elements(engine, i)) for i in instances] == [["b"], ["b"]]


def test_who_may_not_is_refused(signed_in, engine):
    instance = engine.start("down")
    address = page_of(engine, instance, "send")
    for role in ("staff", "auditor", "process_owner"):
        browser = signed_in(role)
        browser.get("/settings")
        assert browser.get(address).status_code == 403
        for path in (
            f"{address}/retry",
            f"{address}/complete",
            f"{address}/fail",
            f"{address}/move",
            f"/instances/{instance}/suspend",
            "/operations",
        ):
            assert browser.post(path, {"reason": WHY}).status_code == 403, (role, path)


# --- programs ------------------------------------------------------------------------------------------------------------------------
def test_the_api(api, engine):
    operator, auditor = api("operator"), api("auditor")
    instance = engine.start("down")
    [incident] = [i for i in operator.get(f"/incidents?instance_id={instance}").json["rows"] if i["element_id"] == "send"]
    assert "Traceback" in incident["stack"]
    assert auditor.get(f"/incidents?instance_id={instance}").json["rows"][0]["stack"] is None
    assert (incident["what"], incident["advice"]) == (
        "No installed process pack provides the service task “mail.send”.",
        "Install the pack, or correct the handler in the diagram, then try again.",
    )
    chinese = operator.get(f"/incidents?instance_id={instance}", headers={"Accept-Language": "zh"}).json["rows"][0]
    assert chinese["what"] == "已安装的流程包都没有提供服务任务“mail.send”。"
    [element] = operator.get(f"/instances/{instance}/elements").json
    assert (element["id"], element["waits_for"], element["state"]) == (incident["id"], "job", "failed")
    assert operator.post(f"/incidents/{incident['id']}/retry", {}).status_code == 422
    retried = operator.post(f"/incidents/{incident['id']}/retry", {"reason": WHY, "variables": {"x": 1}}, headers={"Idempotency-Key": "retry-1"})
    assert retried.status_code == 200, retried.text
    again = operator.post(f"/incidents/{incident['id']}/retry", {"reason": WHY, "variables": {"x": 1}}, headers={"Idempotency-Key": "retry-1"})
    assert again.json == retried.json
    assert operator.post(f"/instances/{instance}/suspend", {"reason": WHY}).json["state"] == "suspended"
    refused = operator.post(f"/elements/{incident['id']}/complete", {"reason": WHY})
    assert (refused.status_code, refused.json["type"]) == (409, "urn:flowledger:problem:InstanceSuspended")
    assert operator.post(f"/instances/{instance}/resume", {"reason": WHY}).json["state"] == "active"
    assert operator.post(f"/elements/{incident['id']}/fail", {"reason": WHY, "code": "lost"}).status_code == 409
    moved = operator.post(f"/elements/{incident['id']}/move", {"reason": WHY, "target": "after", "element": "send"})
    assert moved.status_code == 200, moved.text
    assert engine.variables(instance) == {"x": 1}
    done = operator.post(f"/elements/{moved.json['task_ids'][0]}/complete", {"reason": WHY, "variables": {"y": 2}})
    assert done.json["state"] == "completed"
    assert auditor.get(f"/instances/{instance}/verify").json["verified"] is True


def test_the_api_for_many_and_for_versions(api, engine):
    operator = api("operator")
    engine.deploy({"many.bpmn": process(START + user("a") + END + chain("start", "a", "end"), "many")})
    instances = [engine.start("many") for _ in range(3)]
    ordered = operator.post("/operations", {"act": "cancel", "reason": WHY, "targets": [*instances, "unknown"]})
    assert (ordered.status_code, ordered.json["total"]) == (202, 4)
    engine.app.run_due()
    found = operator.get(f"/operations/{ordered.json['id']}").json
    assert (found["state"], found["done"], found["refused"]) == ("finished", 3, 1)
    [refused] = operator.get(f"/operations/{ordered.json['id']}/items?state=refused").json["rows"]
    assert (refused["target"], refused["kind"]) == ("unknown", "NotFound")
    assert operator.post("/operations", {"act": "explode", "reason": WHY, "targets": ["x"]}).status_code == 422
    assert ordered.json["id"] in [o["id"] for o in operator.get("/operations").json]
    assert operator.post(f"/operations/{ordered.json['id']}/stop").status_code == 409
    assert operator.post("/definitions/many:1/suspend", {"reason": WHY}).status_code == 204
    assert operator.get("/definitions/many:1").json["suspended"] is True
    start = api("staff").post("/instances", {"process_id": "many"})
    assert (start.status_code, start.json["type"]) == (409, "urn:flowledger:problem:DefinitionSuspended")
    assert operator.post("/definitions/many:1/resume", {"reason": WHY}).status_code == 204
    assert operator.get("/jobs/stuck").json["rows"] == []
    assert operator.post("/jobs/nothing/retry", {"reason": WHY}).status_code == 404
    assert ordered.json["reason"] == WHY
