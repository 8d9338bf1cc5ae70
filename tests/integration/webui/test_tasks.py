"""A member of staff's day: worklist, task, form, draft, remarks, files; and what stands in the way of doing it wrong."""

from __future__ import annotations

import io

from engine.model.actors import SYSTEM


def text(answer):
    return answer.get_data(as_text=True)


def test_start_claim_correct_complete(signed_in, engine):
    staff = signed_in("staff")
    assert "采购申请" in text(staff.get("/start"))
    page = staff.get("/start/purchase")
    assert 'name="amount"' in text(page)
    refused = staff.post("/start/purchase", {"item": "服务器", "amount": "很多", "_action": "submit", "business_key": "PO-walk"})
    assert refused.status_code == 422
    assert "很多" in text(refused), "what was typed stays"
    started = staff.post("/start/purchase", {"item": "服务器", "amount": "1,200", "_action": "submit", "business_key": "PO-walk"})
    assert started.status_code == 303
    task = started.headers["Location"].rsplit("/", 1)[-1]
    page = text(staff.get(f"/tasks/{task}"))
    assert "任务来由" in page
    assert "staff 甲发起了流程" in page
    assert staff.post(f"/tasks/{task}/claim").status_code == 303
    done = staff.post(f"/tasks/{task}", {"approved": "true", "_action": "submit"})
    assert done.status_code == 303
    assert engine.variables(task.rsplit("-", 1)[0]) == {"item": "服务器", "amount": 1200, "approved": True}
    assert "已完成" in text(staff.get("/worklist"))


def test_claim_in_the_list_stays_in_the_list(signed_in, purchase):
    _, task = purchase("PO-claim")
    staff = signed_in("staff")
    listed = text(staff.get("/worklist?q=PO-claim"))
    assert f"/tasks/{task}/claim" in listed
    answer = staff.post(f"/tasks/{task}/claim", {"next": "/worklist?q=PO-claim"})
    assert answer.headers["Location"] == "/worklist?q=PO-claim"
    assert f"/tasks/{task}/claim" not in text(staff.get("/worklist?q=PO-claim"))


def test_wrong_form_data_keeps_a_draft(signed_in, purchase):
    _, task = purchase()
    staff = signed_in("staff")
    staff.get(f"/tasks/{task}")
    answer = staff.post(f"/tasks/{task}", {"remark": "还要想想", "_action": "submit"})
    assert answer.status_code == 422
    assert "还要想想" in text(answer)
    assert "还要想想" in text(staff.get(f"/tasks/{task}")), "the draft survives leaving the page"


def test_autosave_answers_204_and_is_shown_again(signed_in, purchase):
    _, task = purchase()
    staff = signed_in("staff")
    assert staff.post(f"/tasks/{task}/draft", {"remark": "半句"}).status_code == 204
    assert "半句" in text(staff.get(f"/tasks/{task}"))
    assert "半句" not in text(signed_in("colleague").get(f"/tasks/{task}")), "a draft is one's own"


def test_a_completed_task_cannot_be_completed_again(signed_in, purchase, engine):
    instance, task = purchase()
    staff = signed_in("staff")
    staff.get(f"/tasks/{task}")
    assert staff.post(f"/tasks/{task}", {"approved": "true", "_action": "submit"}).status_code == 303
    before = engine.trace(instance)
    again = staff.post(f"/tasks/{task}", {"approved": "false", "_action": "submit"})
    assert again.status_code == 409
    assert "此任务已结束" in text(again)
    assert engine.trace(instance) == before
    page = staff.get(f"/tasks/{task}")
    assert page.status_code == 200
    assert "此任务已由staff 甲完成" in text(page)


def test_another_group_sees_and_does_nothing(signed_in, purchase, engine):
    instance, task = purchase()
    stranger = signed_in("stranger")
    assert stranger.get(f"/tasks/{task}").status_code == 403
    assert stranger.get(f"/instances/{instance}").status_code == 403
    for path in ("", "/claim", "/draft", "/release"):
        assert stranger.post(f"/tasks/{task}{path}", {"approved": "true", "_action": "submit"}).status_code == 403
    assert len(engine.user_tasks(instance)) == 1


def test_a_colleagues_task_is_read_only(signed_in, purchase):
    _, task = purchase()
    signed_in("colleague").post(f"/tasks/{task}/claim")
    staff = signed_in("staff")
    answer = staff.post(f"/tasks/{task}", {"approved": "true", "_action": "submit"})
    assert answer.status_code == 403
    assert staff.post(f"/tasks/{task}/claim").status_code in (403, 409)


def test_hand_over_and_release(signed_in, purchase, engine):
    _, task = purchase()
    staff = signed_in("staff")
    staff.post(f"/tasks/{task}/claim")
    assert staff.post(f"/tasks/{task}/hand-over", {"assignee": "colleague", "reason": "休假"}).status_code == 303
    colleague = signed_in("colleague")
    assert "休假" in text(colleague.get(f"/tasks/{task}"))
    assert colleague.post(f"/tasks/{task}/release").status_code == 303


def test_comments_are_text_and_files_are_downloads(signed_in, purchase):
    instance, task = purchase()
    staff = signed_in("staff")
    staff.post(f"/instances/{instance}/comments", {"text": "<img src=x onerror=alert(1)>", "task_id": task})
    page = text(staff.get(f"/tasks/{task}"))
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page
    evil = (io.BytesIO(b"<script>alert(1)</script>"), "../../x<y>.html", "text/html")
    assert staff.client.post(f"/instances/{instance}/attachments", data={"csrf_token": staff.token, "file": evil}).status_code == 303
    link = text(staff.get(f"/tasks/{task}")).split(f"/instances/{instance}/attachments/")[-1].split('"')[0]
    got = staff.get(f"/instances/{instance}/attachments/{link}")
    assert got.data == b"<script>alert(1)</script>"
    assert got.mimetype == "application/octet-stream"
    assert got.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in got.headers["Content-Security-Policy"]
    assert signed_in("stranger").get(f"/instances/{instance}/attachments/{link}").status_code == 403


def test_a_comment_keeps_its_lines_and_a_wrong_one_is_answered_in_the_readers_words(signed_in, purchase, engine):
    instance, task = purchase()
    staff = signed_in("staff")
    staff.post(f"/instances/{instance}/comments", {"text": "line\r\n" * 2000, "task_id": task})
    with engine.app.reading() as read:
        [comment] = read.comments(SYSTEM, instance)
    assert comment.text == "line\n" * 1999 + "line"
    answer = staff.post(f"/instances/{instance}/comments", {"text": " "})
    assert answer.status_code == 400 and "请先写下内容" in text(answer)
    assert staff.post(f"/instances/{instance}/comments", {"text": "x", "task_id": f"{instance}-²"}).status_code == 404


def test_who_does_not_see_an_instance_writes_nothing_on_it(signed_in, api, purchase, engine):
    """Neither by pages nor by the API, and nobody may read it afterwards who could not before."""
    instance, _ = purchase()

    def records():
        with engine.app.reading() as read:
            return len(read.records(SYSTEM, instance))

    before, stranger = records(), signed_in("stranger")
    assert stranger.get(f"/instances/{instance}").status_code == 403
    assert stranger.post(f"/instances/{instance}/comments", {"text": "seen"}).status_code == 403
    upload = {"csrf_token": stranger.token, "file": (io.BytesIO(b"x"), "x.txt")}
    assert stranger.client.post(f"/instances/{instance}/attachments", data=upload).status_code == 403
    program = api("stranger")
    assert program.post(f"/instances/{instance}/activities", {"element_id": "a", "key": 1}).status_code == 403
    assert program.post("/messages", {"name": "m", "correlation_key": "x"}).status_code == 403
    assert stranger.get(f"/instances/{instance}").status_code == 403
    assert records() == before


def test_an_oversize_upload_is_refused_whole(signed_in, purchase):
    instance, _ = purchase()
    staff = signed_in("staff")
    big = (io.BytesIO(b"x" * (31 * 1024 * 1024)), "big.bin")
    answer = staff.client.post(f"/instances/{instance}/attachments", data={"csrf_token": staff.token, "file": big})
    assert answer.status_code == 413
    assert "big.bin" not in text(staff.get(f"/instances/{instance}"))


def test_history_lists_what_i_did(signed_in, purchase):
    _, task = purchase("PO-history")
    staff = signed_in("staff")
    staff.post(f"/tasks/{task}/claim")
    assert "PO-history" in text(staff.get("/history"))
    assert "PO-history" not in text(signed_in("colleague").get("/history"))


def test_pages_in_english_hold_no_chinese_of_ours(signed_in, purchase):
    _, task = purchase()
    staff = signed_in("staff")
    staff.post("/language", {"language": "en"})
    page = text(staff.get(f"/tasks/{task}"))
    assert "Why it is here" in page
    assert "started the process" in page
    assert "任务来由" not in page
