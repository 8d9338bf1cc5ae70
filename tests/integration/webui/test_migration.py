"""Operators migrate instances on pages and by the API: the mapping, the check with its reasons, running it, the history over the border, taking it back."""

from __future__ import annotations

import html
import re

import pytest

from engine.model.actors import SYSTEM
from engine.model.commands import Comment, Start
from tests.integration.webui.conftest import FILES

WHY = "新版本改正了审核"
ADDED = (
    '<userTask id="Approve" name="经理审批" flowledger:candidateGroups="project_manager"/><sequenceFlow id="f7" sourceRef="Approve" targetRef="Done"/>'
    '<bpmndi:BPMNShape id="s7" bpmnElement="Approve"><dc:Bounds x="480" y="220" width="100" height="80"/></bpmndi:BPMNShape>'
    '<bpmndi:BPMNEdge id="e7" bpmnElement="f7"><di:waypoint x="530" y="220"/><di:waypoint x="498" y="136"/></bpmndi:BPMNEdge>'
)


def second_version() -> bytes:
    """The check has another id, the revision another id and name, the way ends with an approval."""
    xml = FILES["purchase.bpmn"].decode().replace('"purchase"', '"orders"')
    xml = xml.replace('"Check"', '"Review"').replace('"Revise" name="修改申请"', '"Rework" name="重新填写"').replace('"Revise"', '"Rework"')
    task, flow, shape, edge = re.findall(
        r"<(?:userTask|sequenceFlow|bpmndi:BPMNShape.*?</bpmndi:BPMNShape|bpmndi:BPMNEdge.*?</bpmndi:BPMNEdge)[^>]*>", ADDED
    )
    xml = xml.replace(
        '<sequenceFlow id="f3" name="通过" sourceRef="Which" targetRef="Done"/>',
        f'{task}{flow}<sequenceFlow id="f3" name="通过" sourceRef="Which" targetRef="Approve"/>',
    )
    xml = xml.replace("</bpmndi:BPMNPlane>", f"{shape}{edge}</bpmndi:BPMNPlane>")
    return re.sub(r"<(incoming|outgoing)>\w+</\1>", "", xml).encode()


@pytest.fixture(scope="module", autouse=True)
def _versions(engine):
    engine.deploy(FILES | {"purchase.bpmn": FILES["purchase.bpmn"].replace(b'"purchase"', b'"orders"')})
    engine.deploy(FILES | {"purchase.bpmn": second_version()})


def begun(engine, key=None):
    values = {"item": "打印纸", "amount": 5}
    return engine.app.execute(Start(definition_id="orders:1", variables=values, business_key=key), SYSTEM).instance_id


def revising(engine, key=None):
    instance = begun(engine, key)
    engine.complete(engine.user_tasks(instance)[0].id, {"approved": False, "remark": "缺少型号"})
    return instance


def text(answer):
    return html.unescape(answer.get_data(as_text=True))


MIGRATION = "/definitions/orders:1/migration"
MAPPING = {"to.Begin": "Begin", "to.Check": "Review", "to.Which": "Which", "to.Done": "Done", "target": "orders:2"}


# --- pages ----------------------------------------------------------------------------------------------------------------------
def test_the_mapping_is_proposed_with_both_names_and_can_be_changed(signed_in, engine):
    begun(engine)
    operator = signed_in("operator")
    assert f'href="{MIGRATION}"' in text(operator.get("/processes/orders?version=1"))
    page = text(operator.get(MIGRATION))
    assert '<option value="orders:2">第 2 版' in page
    page = text(operator.get(f"{MIGRATION}?target=orders:2"))
    assert re.search(r'name="to.Check".*?<option value="Review" selected>项目经理审核 \(Review\)', page, re.DOTALL)
    assert "按名称和位置找到" in page
    assert re.search(r'name="to.Revise".*?<option value="">（无目标）</option>.*?<option value="Rework">重新填写 \(Rework\)', page, re.DOTALL)
    assert "新版本中没有与它相似的元素" in page
    assert "第 2 版新增：" in page
    assert page.index('name="to.Revise"') < page.index("3 个元素的标识不变") < page.index('name="to.Begin"')


def test_the_check_says_for_each_instance_what_stands_in_its_way(signed_in, engine):
    fits, other = begun(engine, "C-1"), revising(engine, "C-2")
    operator = signed_in("operator")
    operator.get(f"{MIGRATION}?target=orders:2")
    answer = operator.post(MIGRATION, MAPPING)
    page = text(answer)
    assert answer.status_code == 200
    assert re.search(rf'value="{fits}"[^>]*checked>.*?C-1.*?可以迁移', page, re.DOTALL)
    assert re.search(rf'value="{other}"[^>]*aria-label="[^"]*">.*?C-2.*?“修改申请”正在进行，但没有指定目标', page, re.DOTALL)
    page = text(operator.post(MIGRATION, MAPPING | {"to.Revise": "Rework"}))
    assert re.search(rf'value="{other}"[^>]*checked', page)
    assert '<option value="Rework" selected>' in page
    page = text(operator.post(MIGRATION, MAPPING | {"to.Which": "Review"}))
    assert "“通过？”和“项目经理审核”是不同类型的元素" in page
    assert engine.instance(fits).state == "active"
    operator.post("/language", {"language": "en", "next": "/"})
    assert "“修改申请” is open and has no target" in text(operator.post(MIGRATION, MAPPING))


def test_marked_instances_are_migrated_as_an_operation_with_reasons(signed_in, engine):
    fits, other, left = begun(engine, "R-1"), revising(engine, "R-2"), begun(engine, "R-3")
    operator = signed_in("operator")
    operator.get(MIGRATION)
    assert operator.post(f"{MIGRATION}/run", MAPPING | {"reason": WHY, "which": "marked"}).status_code == 400
    assert operator.post(f"{MIGRATION}/run", MAPPING | {"which": "all"}).status_code == 400
    assert operator.post(f"{MIGRATION}/run", {"reason": WHY, "which": "all"}).status_code == 400
    answer = operator.post(f"{MIGRATION}/run", MAPPING | {"reason": WHY, "which": "marked", "marked": [fits, other]})
    assert answer.status_code == 303
    engine.app.run_due()
    page = text(operator.get(answer.headers["Location"]))
    assert "迁移实例" in page
    assert "该实例无法迁移到 orders:2：“Revise”正在进行，但没有指定目标。未做任何更改。" in page
    assert "<code>Check</code> → <code>Review</code>" in page
    assert [engine.user_tasks(i)[0].element_id for i in (fits, other, left)] == ["Review", "Revise", "Check"]
    assert "迁移实例" in text(operator.get("/operations"))


def test_all_instances_of_the_version(signed_in, engine):
    instance = begun(engine, "A-1")
    operator = signed_in("operator")
    operator.get(MIGRATION)
    operator.post(f"{MIGRATION}/run", MAPPING | {"to.Revise": "Rework", "reason": WHY, "which": "all"})
    engine.app.run_due()
    assert engine.user_tasks(instance)[0].element_id == "Review"


def test_one_instance_its_history_and_the_way_back(signed_in, engine):
    instance = begun(engine, "O-1")
    operator = signed_in("operator")
    page = text(operator.get(f"/instances/{instance}"))
    link = f"{MIGRATION}?instance={instance}"
    assert f'href="{link}"' in page
    assert "迁移该实例" in text(operator.get(f"{link}&target=orders:2"))
    page = text(operator.post(MIGRATION, MAPPING | {"instance": instance}))
    assert "1 个实例中有 1 个可以迁移" in page
    assert "迁移勾选的实例" not in page
    assert operator.post(f"{MIGRATION}/run", MAPPING | {"instance": instance, "reason": WHY}).headers["Location"] == f"/instances/{instance}"
    page = text(operator.get(f"/instances/{instance}"))
    assert "流程实例已迁移到新版本并继续运行" in page
    assert f"operator 甲把流程实例从第 1 版迁移到第 2 版：{WHY}" in page
    assert "<code>Check</code> → <code>Review</code>" in page
    engine.app.execute(Comment(instance, "真的要迁移吗？"), SYSTEM)  # is nothing that has happened
    assert "撤回迁移" in text(operator.get(f"/instances/{instance}")).split("<aside")[1]
    assert operator.post(f"/instances/{instance}/migration/undo", {"reason": "太早了"}).status_code == 303
    page = text(operator.get(f"/instances/{instance}"))
    assert "operator 甲撤回了迁移，从第 2 版回到第 1 版：太早了" in page
    assert "撤回迁移" not in page.split("<aside")[1]
    answer = operator.post(f"/instances/{instance}/migration/undo", {"reason": "再来一次"})
    assert answer.status_code == 409
    assert "迁移无法撤回：此后流程实例已有新的进展" in text(answer)


def test_elements_keep_the_names_that_they_had_and_replay_shows_the_diagram_of_each_record(signed_in, engine):
    instance = revising(engine, "N-1")
    operator = signed_in("operator")
    operator.get(MIGRATION)
    operator.post(f"{MIGRATION}/run", MAPPING | {"to.Revise": "Rework", "instance": instance, "reason": WHY})
    engine.complete(engine.user_tasks(instance)[0].id)
    for page in (text(operator.get(f"/instances/{instance}")), text(operator.get(f"/instances/{instance}/replay?list=1"))):
        assert "完成了“项目经理审核”" in page
        assert "完成了“重新填写”" in page
    frames = [operator.get(f"/instances/{instance}/frames/{seq}.json").json for seq in (1, 2, 3, 4)]
    assert [frame["xml_url"] for frame in frames] == [f"/definitions/orders:{n}/xml" for n in (1, 1, 2, 2)]
    assert [frame["active"] for frame in frames] == [{"Check": 1}, {"Revise": 1}, {"Rework": 1}, {"Review": 1}]
    assert frames[2]["completed"] == {"Begin": 1, "Review": 1, "Which": 1}
    assert [field["label"] for field in frames[1]["form"]] != ["approved", "remark"]  # by the form of the version in which it was filled in
    assert operator.get(f"/instances/{instance}/verify").status_code == 200


def test_the_form_of_the_new_version_is_shown(signed_in, engine):
    instance = begun(engine, "F-1")
    operator = signed_in("operator")
    operator.get(MIGRATION)
    operator.post(f"{MIGRATION}/run", MAPPING | {"instance": instance, "reason": WHY})
    task = engine.user_tasks(instance)[0]
    assert task.form_key == "check"
    assert signed_in("staff").get(f"/tasks/{task.id}").status_code == 200


def test_only_operators(signed_in, engine):
    instance = begun(engine)
    for role in ("staff", "auditor", "process_owner"):
        person = signed_in(role)
        assert f'href="{MIGRATION}"' not in text(person.get("/processes/orders?version=1"))
        assert person.get(f"{MIGRATION}?target=orders:2").status_code == 403
        assert person.post(f"{MIGRATION}/run", MAPPING | {"instance": instance, "reason": WHY}).status_code == 403
        assert person.post(f"/instances/{instance}/migration/undo", {"reason": WHY}).status_code == 403


def test_a_process_with_one_version(signed_in, engine):
    operator = signed_in("operator")
    assert "此流程没有其他版本" in text(operator.get("/definitions/purchase:1/migration"))
    assert operator.get("/definitions/purchase:1/migration?target=nothing:1").status_code == 404


# --- the API ----------------------------------------------------------------------------------------------------------------------
def test_programs_propose_check_migrate_and_take_back(api, engine):
    fits, other = begun(engine), revising(engine)
    operator = api("operator")
    plan = operator.get("/definitions/orders:1/migration?target=orders:2").json
    assert plan["mapping"] == {"Begin": "Begin", "Check": "Review", "Which": "Which", "Done": "Done"}
    assert ([e["why"] for e in plan["entries"] if e["target"] is None], plan["added"]) == (["gone"], ["Rework", "Approve"])
    found = operator.post("/migrations/check", {"definition_id": "orders:2", "instances": [fits, other]}).json
    assert [[p["why"] for p in one["problems"]] for one in found] == [[], ["unmapped"]]
    assert found[1]["problems"][0]["text"] == "Revise is open and has no target in the plan"
    refused = operator.post(f"/instances/{other}/migrate", {"definition_id": "orders:2", "reason": WHY})
    assert (refused.status_code, refused.json["type"]) == (409, "urn:flowledger:problem:MigrationRefused")
    assert refused.json["problems"][0]["element"] == "Revise"
    done = operator.post(f"/instances/{other}/migrate", {"definition_id": "orders:2", "reason": WHY, "plan": plan["mapping"] | {"Revise": "Rework"}})
    assert (done.status_code, done.json["state"]) == (200, "active")
    assert operator.post(f"/instances/{other}/migrate/undo", {"reason": WHY}).status_code == 200
    assert operator.post(f"/instances/{other}/migrate/undo", {"reason": WHY}).status_code == 409
    bulk = operator.post("/operations", {"act": "migrate", "reason": WHY, "targets": [fits], "target": "orders:2"})
    assert bulk.status_code == 202
    engine.app.run_due()
    assert operator.get(f"/operations/{bulk.json['id']}").json["done"] == 1


@pytest.mark.parametrize("plan", [{"Check": 5}, ["Check"], {"": "Review"}])
def test_a_plan_that_is_none(api, engine, plan):
    body = {"definition_id": "orders:2", "reason": WHY, "plan": plan}
    assert api("operator").post(f"/instances/{begun(engine)}/migrate", body).status_code in (400, 422)


def test_programs_without_the_right(api, engine):
    staff, instance = api("staff"), begun(engine)
    assert staff.post(f"/instances/{instance}/migrate", {"definition_id": "orders:2", "reason": WHY}).status_code == 403
    assert staff.post("/migrations/check", {"definition_id": "orders:2", "instances": [instance]}).status_code == 403
