"""Operators' pages and addresses: incidents in plain words, acts with reasons that the history shows, suspension, acts on many."""

from __future__ import annotations

import html
import re

import pytest

from engine.model.actors import SYSTEM
from engine.model.commands import ChangeVariables
from engine.ports import Due
from tests.support.diagrams import END, START, chain, process, user
from webui.causes import KNOWN, plain

WHY = "对方系统停机"
DOWN = process(
    START + '<serviceTask id="send" name="发送" flowledger:handler="mail.send"/>' + user("after") + END + chain("start", "send", "after", "end"),
    "down",
)
SCRIPT = process(
    START + '<scriptTask id="sum" name="合计"><script>total = 1 / count</script></scriptTask>' + END + chain("start", "sum", "end"), "sums"
)


def text(answer):
    return answer.get_data(as_text=True)


@pytest.fixture(scope="module", autouse=True)
def _processes(engine):
    engine.deploy({"down.bpmn": DOWN, "sums.bpmn": SCRIPT})


def open_elements(engine, instance):
    with engine.app.reading() as read:
        return {e.element_id: e.id for e in read.open_elements(SYSTEM, instance)}


def page_of(engine, instance, element):
    return f"/instances/{instance}/elements/{open_elements(engine, instance)[element].rpartition('-')[2]}"


# --- what one sees ------------------------------------------------------------------------------------------------------------
def test_the_cause_is_told_in_both_languages_and_the_stack_to_operators_only(signed_in, engine, browser):
    instance = engine.start("down", business_key="D-1")
    operator, auditor = signed_in("operator"), signed_in("auditor")
    page = text(operator.get("/incidents"))
    assert "已安装的流程包都没有提供服务任务“mail.send”。" in page
    assert "请安装相应的流程包" in page
    assert "Traceback" in page
    assert "Traceback" not in text(auditor.get("/incidents"))
    assert "Traceback" not in text(auditor.get(f"/instances/{instance}"))
    operator.post("/language", {"language": "en", "next": "/incidents"})
    assert "No installed process pack provides the service task “mail.send”." in text(operator.get("/incidents"))


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        ("ConnectionError: connection refused", "Another system could not be reached."),
        ("TimeoutError: 30 s", "It took too long and was stopped."),
        ("The expression 1 / x failed: ZeroDivisionError: division by zero", "Something was divided by zero."),
        ("The expression y failed: NameError: name 'y' is not defined", "The variable “y” does not exist."),
        ("no condition holds and there is no default flow", "None of the ways can be taken: no condition holds and there is no default flow."),
        ("the called process 'q' is not deployed", "The called process “q” is not deployed."),
        ("more than 500 steps in one command; is this loop meant to end?", "Too many steps in one go; the process seems to turn in circles."),
        (
            "messages and signals led to each other 1000 times, now in the process p; is this chain meant to end?",
            "Too many steps in one go; the process seems to turn in circles.",
        ),
        ("the values of one command are larger than 8388608 bytes", "A limit of the engine is exceeded."),
        ("OSError: [Errno 28] No space left on device", "The disk is full."),
        ("KeyError: 'amount'", "The entry “amount” is missing in the data."),
        ("sqlalchemy.exc.IntegrityError: UNIQUE constraint failed", "The database did not take the values."),
        ("something nobody has seen before", ""),
    ],
)
def test_known_causes(app, cause, expected):
    with app.test_request_context("/api/v1/x"):
        assert plain(cause).what == expected
        assert bool(plain(cause).advice) == bool(expected)


def test_every_known_cause_can_be_told_without_its_groups(app):
    with app.test_request_context("/"):
        for pattern, what, _advice in KNOWN:
            assert set(re.findall(r"%\((\w+)\)s", what)) <= set(re.findall(r"\?P<(\w+)>", pattern))


def test_incidents_and_stuck_jobs_are_listed_page_by_page(signed_in, api, engine, flowledger, monkeypatch):
    monkeypatch.setattr("webui.pages.administration.SHOWN", 2)
    monkeypatch.setattr("engine.store.operations.STUCK", 2)
    engine.deploy({"paged.bpmn": SCRIPT.replace(b'"sums"', b'"paged"')})
    instances = {engine.start("paged", {"count": 0}) for _ in range(3)}
    for n in range(3):
        failed_job(flowledger, "mail", f"mail-{n}-of-pages")
    operator = signed_in("operator")
    page = text(operator.get("/incidents?process=paged"))
    following = [html.unescape(found) for found in re.findall(r'rel="next" href="([^"]+)"', page)]
    assert [re.search(r"[?&](cursor|stuck)=", found)[1] for found in following] == ["cursor", "stuck"]
    assert len(marked(page) | marked(text(operator.get(following[0])))) == 3
    assert marked(page) | marked(text(operator.get(following[0]))) <= {f"{one}-{key}" for one in instances for key in range(9)}
    assert "mail-2-of-pages" not in page
    assert "mail-2-of-pages" in text(operator.get(following[1]))
    assert "没有符合筛选条件的异常" in text(operator.get("/incidents?process=nothing"))
    assert operator.get("/incidents?cursor=x").status_code == 400
    program = api("operator")
    first = program.get("/incidents?process_id=paged&size=2").json
    last = program.get(f"/incidents?process_id=paged&size=2&cursor={first['next']}").json
    assert {one["instance_id"] for one in first["rows"] + last["rows"]} == instances
    assert (len(first["rows"]), last["next"]) == (2, None)
    assert [one["id"] for one in program.get(f"/jobs/stuck?cursor={program.get('/jobs/stuck').json['next']}").json["rows"]] == ["mail-2-of-pages"]
    for n in range(3):
        flowledger._transact(lambda uow, n=n: uow.jobs.remove(f"mail-{n}-of-pages"))


def marked(page):
    """What can be marked on the page of incidents."""
    return set(re.findall(r'name="target" value="([^"]+)"', page))


def test_words_of_a_page_are_those_of_its_reader(signed_in, engine):
    """A state that a template writes out is put into words for each page, not once when the template is compiled."""
    engine.start("sums", {"count": 0})
    operator = signed_in("operator")
    assert "异常</span>" in text(operator.get("/instances?process=sums"))
    operator.post("/language", {"language": "en", "next": "/incidents"})
    page = text(operator.get("/instances?process=sums"))
    assert ("Incident</span>" in page, "异常</span>" in page) == (True, False)


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


# --- work of no element ---------------------------------------------------------------------------------------------------
def test_work_of_no_element_that_failed_is_shown_in_words_and_tried_again(signed_in, flowledger):
    for kind, handler in (("mail", None), ("notify", None), ("periodic", "some.work")):
        job = Due(f"{kind}-of-a-test", kind, None, None, "", handler, {}, flowledger.clock.now(), 3, 3, state="failed")
        flowledger._transact(lambda uow, job=job: uow.jobs.add(job))
    operator = signed_in("operator")
    page = text(operator.get("/incidents"))
    for words in ("发给个人的邮件", "任务通知", "定期作业", "some.work"):
        assert words in page
    operator.post("/jobs/mail-of-a-test/retry", {"reason": WHY})
    page = text(operator.get("/incidents"))
    assert "/jobs/mail-of-a-test/" not in page
    assert f"operator 甲重试了：发给个人的邮件。原因：{WHY}" in page
    for kind in ("mail", "notify", "periodic"):
        flowledger._transact(lambda uow, kind=kind: uow.jobs.remove(f"{kind}-of-a-test"))


def failed_job(flowledger, kind, job_id, **more):
    values = {"instance_id": None, "key": None, "element_id": "", "handler": None, "parameters": {}, **more}
    job = Due(job_id, kind, **values, due_at=flowledger.clock.now(), attempts=3, retries=3, state="failed")
    flowledger._transact(lambda uow: uow.jobs.add(job))


def test_an_operator_throws_a_failed_notice_away_after_confirming_it(signed_in, flowledger):
    failed_job(flowledger, "mail", "mail-of-a-test", element_id="check")
    failed_job(flowledger, "message", "message-of-a-test")
    assert "/jobs/mail-of-a-test/discard" not in text(signed_in("auditor").get("/incidents"))
    operator = signed_in("operator")
    page = text(operator.get("/incidents"))
    assert re.search(r'<input [^>]*type="checkbox"[^>]* name="sure" value="1" required>', page), "asked without scripts, too"
    assert "不再通知此人" in page
    assert "/jobs/message-of-a-test/discard" not in page, "it carries a process on"
    for incomplete in ({"reason": WHY}, {"reason": "", "sure": "1"}):
        assert operator.post("/jobs/mail-of-a-test/discard", incomplete).status_code == 400
    assert "发给个人的邮件" in text(operator.get("/incidents"))
    assert operator.post("/jobs/mail-of-a-test/discard", {"reason": WHY, "sure": "1"}).status_code == 303
    page = text(operator.get("/incidents"))
    assert "已丢弃，并连同原因记录在案" in page
    assert f"operator 甲丢弃了：发给个人的邮件 check。原因：{WHY}" in page
    assert "/jobs/mail-of-a-test/" not in page
    assert operator.post("/jobs/message-of-a-test/discard", {"reason": WHY, "sure": "1"}).status_code == 409
    operator.post("/language", {"language": "en"})
    assert f"operator 甲 threw away: e-mail to a person check. Reason: {WHY}" in text(operator.get("/incidents"))
    flowledger._transact(lambda uow: uow.jobs.remove("message-of-a-test"))


def test_a_failed_notice_is_thrown_away_through_the_api(api, flowledger):
    failed_job(flowledger, "notify", "notify-of-a-test", element_id="check")
    operator = api("operator")
    [stuck] = operator.get("/jobs/stuck").json["rows"]
    assert (stuck["id"], stuck["discardable"]) == ("notify-of-a-test", True)
    assert api("auditor").post("/jobs/notify-of-a-test/discard", {"reason": WHY}).status_code == 403
    assert operator.post("/jobs/notify-of-a-test/discard", {}).status_code == 422
    for _ in range(2):
        assert operator.post("/jobs/notify-of-a-test/discard", {"reason": WHY}, headers={"Idempotency-Key": "discard-1"}).status_code == 204
    assert operator.post("/jobs/notify-of-a-test/discard", {"reason": WHY}).status_code == 404
    assert operator.get("/jobs/stuck").json["rows"] == []
    newest = api("auditor").get("/jobs/acts").json[0]
    assert [newest[name] for name in ("act", "job_id", "kind", "element_id", "actor", "reason")] == [
        *("discard", "notify-of-a-test", "notify", "check", "operator", WHY),
    ]
