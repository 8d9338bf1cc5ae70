"""Pages and addresses that show what failed: incidents in plain words, jobs of no element and what is done about these. Acts: test_interventions.py."""

from __future__ import annotations

import html
import re

import pytest

from engine.ports import Due
from tests.support.failing import SCRIPT
from webui.causes import KNOWN, plain

pytestmark = pytest.mark.usefixtures("failing")
WHY = "对方系统停机"


def text(answer):
    return answer.get_data(as_text=True)


def failed_job(flowledger, kind, job_id, **more):
    values = {"instance_id": None, "key": None, "element_id": "", "handler": None, "parameters": {}, **more}
    job = Due(job_id, kind, **values, due_at=flowledger.clock.now(), attempts=3, retries=3, state="failed")
    flowledger._transact(lambda uow: uow.jobs.add(job))


# --- what one sees ------------------------------------------------------------------------------------------------------------
def test_the_cause_is_told_in_both_languages_and_the_stack_to_operators_only(signed_in, engine, browser):
    instance = engine.start("down", business_key="D-1")
    operator, auditor = signed_in("operator"), signed_in("auditor")
    page = text(operator.get("/incidents"))
    assert '<td data-label="元素">发送</td>' in page, "as the diagram names it"
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
        (
            "the candidate group has 300 characters, and 255 are the most: 'timer xxx'...",
            "A name that was computed, such as that of a group, is too long.",
        ),
        (
            "the name of the message holds a character that is no text (NUL or half of a surrogate pair): 'ISO 8601\\x00'",
            "A name that was computed, such as that of a group, holds a character that is no text.",
        ),
        ("the priority -3000000000 does not lie between -2147483647 and 2147483647", "The priority of a task is too large or too small."),
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


def test_a_missed_start_and_what_no_incident_tells_of_are_shown_in_words(signed_in, api, flowledger):
    missed, unrecorded = "start-p:1-start-2026-01-05T01:00:00.000000Z", "i1-7"
    failed_job(flowledger, "missed", missed, element_id="start")
    failed_job(flowledger, "timer", unrecorded, instance_id="i1", key=7, element_id="wait")
    operator = signed_in("operator")
    page = text(operator.get("/incidents"))
    for words in ("错过的定时启动", "那一次不再启动实例，周期照常继续。", "失败无法写入记录的定时器", 'href="/instances/i1"'):
        assert words in page
    assert {one["id"]: one["discardable"] for one in api("operator").get("/jobs/stuck").json["rows"]} == {missed: True, unrecorded: False}
    assert operator.post(f"/jobs/{missed}/discard", {"reason": WHY, "sure": "1"}).status_code == 303
    assert operator.post(f"/jobs/{unrecorded}/retry", {"reason": WHY}).status_code == 303
    assert api("operator").get("/jobs/stuck").json["rows"] == []
    flowledger._transact(lambda uow: uow.jobs.remove(unrecorded))


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
