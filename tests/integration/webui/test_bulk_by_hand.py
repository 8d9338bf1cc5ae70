"""Acts on many from the lists and through the API: completing and failing by hand, trying again with variables, taking migrations back."""

from __future__ import annotations

import re

import pytest

from engine.application.bulk import ACTS
from engine.model.actors import SYSTEM
from tests.support.diagrams import END, START, chain, document, process, user
from webui.pages import operations

WHY = "对方系统停机"
SCRIPT = process(START + '<scriptTask id="sum"><script>total = 1 / count</script></scriptTask>' + END + chain("start", "sum", "end"), "many_sums")
CAUGHT = document(
    '<error id="E" errorCode="lost"/><process id="many_caught" isExecutable="true">'
    + START
    + '<scriptTask id="send"><script>total = 1 / count</script></scriptTask>'
    + '<boundaryEvent id="caught" attachedToRef="send"><errorEventDefinition errorRef="E"/></boundaryEvent>'
    + user("after")
    + END
    + chain("start", "send", "end")
    + chain("caught", "after")
    + "</process>"
)
TASKS = process(START + user("a") + user("b") + END + chain("start", "a", "b", "end"), "many_tasks")


def text(answer):
    return answer.get_data(as_text=True)


@pytest.fixture(scope="module", autouse=True)
def _processes(engine):
    engine.deploy({"sums.bpmn": SCRIPT, "caught.bpmn": CAUGHT, "tasks.bpmn": TASKS})


@pytest.fixture
def operator(signed_in):
    browser = signed_in("operator")
    browser.get("/incidents")
    return browser


@pytest.fixture
def ordered(operator, engine):
    """Sends the form of marked ones, lets the jobs run and gives the page of the operation."""

    def send(**fields):
        answer = operator.post("/operations", {"reason": WHY, **fields})
        assert answer.status_code == 303, text(answer)
        engine.app.run_due()
        return text(operator.get(answer.location))

    return send


def incidents(engine, *instances):
    with engine.app.reading() as read:
        return [i.id for one in instances for i in read.incidents(SYSTEM, one, open_only=True)]


def places(engine, instance):
    with engine.app.reading() as read:
        return [e.element_id for e in read.open_elements(SYSTEM, instance)]


def versions(engine, instances):
    with engine.app.reading() as read:
        return [read.instance(SYSTEM, i).version for i in instances]


# --- what the pages offer -------------------------------------------------------------------------------------------------------
def test_pages_offer_every_act_of_the_engine(operator, engine):
    assert set(operations.ACTS | operations.ORDERED_ELSEWHERE) == set(ACTS)
    engine.start("many_tasks")
    for page in (text(operator.get("/instances?process=many_tasks")), text(operator.get("/operations/new/many_tasks:1"))):
        form = page[page.index('id="act"') : page.index('name="reason"', page.index('id="act"'))]
        assert set(re.findall(r'<option value="(\w+)">', form)) >= set(operations.ACTS)
        assert re.findall(r' name="(\w+)"', form)[-4:] == ["element", "goal", "code", "variables"]


def test_the_elements_of_one_version_are_chosen_from_a_list(operator, engine):
    engine.start("many_tasks")
    assert '<option value="b">B (b)</option>' in text(operator.get("/instances?definition=many_tasks:1"))
    assert '<option value="b">B (b)</option>' not in text(operator.get("/instances"))


# --- marked instances -------------------------------------------------------------------------------------------------------------
def test_marked_instances_are_completed_by_hand_and_the_history_shows_it(operator, ordered, engine):
    here, there = engine.start("many_tasks"), engine.start("many_tasks")
    engine.complete(engine.user_tasks(there)[0].id)
    page = ordered(act="complete", target=[here, there], element="a", variables='{"by": "hand"}')
    assert "人工完成" in page
    assert "元素：a。" in page
    assert "完成 1，被拒绝 1" in page
    assert "该流程实例中“a”没有（或不再）处于进行中" in page
    assert (places(engine, here), engine.variables(here)) == (["b"], {"by": "hand"})
    assert f"operator 甲代替任务办理人人工完成了“A”：{WHY}" in text(operator.get(f"/instances/{here}"))


def test_a_form_that_is_not_valid_is_refused_with_its_fields(ordered, operator, purchase, engine):
    instance, _task = purchase("PO-by-hand")
    page = ordered(act="complete", target=[instance], element="Check")
    assert "完成 0，被拒绝 1" in page
    assert re.search(r"表单需要更正：approved：[^<]+", page)
    with engine.app.reading() as read:
        row = read.bulks(SYSTEM)[0]
        [item] = read.bulk_items(SYSTEM, row.id).rows
    assert (item.kind, "/approved: " in item.text) == ("FormInvalid", True)


def test_what_is_missing_is_said_before_anything_is_ordered(operator, engine):
    instance = engine.start("many_tasks")
    for fields, words in (
        ({"act": "complete", "target": [instance]}, "请填写要完成或置为失败的元素"),
        ({"act": "fail", "target": [f"{instance}-4"]}, "请填写流程图会捕获的业务错误代码"),
        ({"act": "fail", "target": [instance], "element": "a", "variables": '{"n": 1}'}, "技术故障没有结果变量"),
        ({"act": "retry", "target": [f"{instance}-4"], "variables": "[1]"}, "JSON"),
    ):
        answer = operator.post("/operations", {"reason": WHY, **fields})
        assert (answer.status_code, words in text(answer)) == (400, True), fields


# --- marked incidents -----------------------------------------------------------------------------------------------------------
def test_marked_incidents_are_tried_again_with_variables(operator, ordered, engine):
    instances = [engine.start("many_sums", {"count": 0}) for _ in range(2)]
    assert 'name="act" value="retry"' in text(operator.get("/incidents"))
    page = ordered(act="retry", target=incidents(engine, *instances), variables='{"count": 4}')
    assert "完成 2，被拒绝 0" in page
    assert [engine.variables(i)["total"] for i in instances] == [0.25, 0.25]


def test_marked_incidents_are_completed_or_fail_by_hand(operator, ordered, engine):
    given, failed = engine.start("many_sums", {"count": 0}), engine.start("many_caught", {"count": 0})
    assert "完成 1，被拒绝 0" in ordered(act="complete", target=incidents(engine, given), variables='{"total": 1}')
    assert engine.variables(given) == {"count": 0, "total": 1}
    page = ordered(act="fail", target=[*incidents(engine, failed), *incidents(engine, engine.start("many_sums", {"count": 0}))], code="lost")
    assert "业务错误：lost。" in page
    assert "完成 1，被拒绝 1" in page
    assert "流程图没有在 sum 处捕获错误 lost" in page
    assert places(engine, failed) == ["after"]


def test_who_may_not_mark_sees_no_form(signed_in, engine):
    engine.start("many_sums", {"count": 0})
    auditor = signed_in("auditor")
    assert 'name="act"' not in text(auditor.get("/incidents"))
    assert 'name="act"' not in text(auditor.get("/instances"))


# --- the way back ---------------------------------------------------------------------------------------------------------------
@pytest.fixture
def migrated(engine):
    """(instances, order): two instances of an older version, and what migrates them to the newest."""
    engine.deploy({"tasks.bpmn": TASKS})
    instances = [engine.start("many_tasks", {"n": n}) for n in range(2)]
    with engine.app.reading() as read:
        before = read.instance(SYSTEM, instances[0]).version
    engine.deploy({"tasks.bpmn": TASKS.replace(b'name="B"', f'name="B{before}"'.encode())})
    return instances, {"act": "migrate", "target": f"many_tasks:{before + 1}", "targets": instances, "reason": WHY}


def test_a_migration_of_many_is_taken_back_from_its_page(api, operator, ordered, engine, migrated):
    instances, order = migrated
    before = versions(engine, instances)
    row = api("operator").post("/operations", order).json
    assert "撤回这些迁移" not in text(operator.get(f"/operations/{row['id']}")), "it is running"
    engine.app.run_due()
    engine.complete(engine.user_tasks(instances[1])[0].id)
    assert "撤回这些迁移" in text(operator.get(f"/operations/{row['id']}"))
    assert operator.get(f"/operations/{row['id']}?after={10**20}").status_code == 200, "nothing comes after that"
    page = ordered(act="undo", operation=row["id"])
    assert f'<a href="/operations/{row["id"]}">' in page
    assert "完成 1，被拒绝 1" in page
    assert "无法撤回" in page
    assert versions(engine, instances) == [before[0], before[1] + 1]


# --- programs -------------------------------------------------------------------------------------------------------------------
def test_the_api(api, engine, migrated):
    instances, order = migrated
    program = api("operator")

    def counts(**body):
        answer = program.post("/operations", {"reason": WHY, **body})
        assert answer.status_code == 202, answer.text
        engine.app.run_due()
        found = program.get(f"/operations/{answer.json['id']}").json
        return found["done"], found["refused"]

    row = program.post("/operations", order).json
    engine.app.run_due()
    assert counts(act="undo", operation=row["id"]) == (2, 0)
    assert counts(act="undo", targets=instances) == (0, 2)
    assert counts(act="complete", targets=instances, element="a", variables={"x": 1}) == (2, 0)
    assert counts(act="fail", targets=instances, element="b", code="lost") == (0, 2)
    assert program.post("/operations", {"act": "complete", "reason": WHY, "targets": instances}).status_code == 400
    assert program.post("/operations", {"act": "fail", "reason": WHY, "targets": instances, "element": "b", "code": ""}).status_code == 422
    assert api("staff").post("/operations", {"act": "complete", "reason": WHY, "targets": instances, "element": "b"}).status_code == 403
