"""What goes wrong through the pages: a clear page in the reader's language, and nothing half-written."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.conftest import SignIn
from tests.e2e.trips import SOON, fill_request, instance_path, start_trip, submit


def records(page: Page, task: str) -> str:
    """How many records the task's instance has, and the last hash, as its page tells."""
    page.goto(instance_path(task))
    return page.locator("main aside").last.inner_text()


def test_wrong_data_in_chinese_and_english(sign_in: SignIn) -> None:
    pm = sign_in("pm")
    task = start_trip(pm, "WRONG-1")
    before = records(pm, task)
    pm.goto(task)
    pm.fill("#f-leaves_on", SOON)
    pm.fill("#f-budget", "一千")
    pm.check("#f-kind-1")
    pm.locator("#f-country").wait_for()
    submit(pm)
    errors = pm.locator(".fl-errors")
    expect(errors).to_be_focused()
    for words in ("预算", "国家或地区", "费用", "内容属实"):
        expect(errors).to_contain_text(words)
    expect(pm.locator("#f-budget")).to_have_value("一千")  # as typed
    expect(pm.locator("#f-budget")).to_have_attribute("aria-invalid", "true")
    errors.locator("a", has_text="预算").click()
    expect(pm.locator("#f-budget")).to_be_focused()
    assert records(pm, task) == before

    english = sign_in("pm", "en")
    english.goto(task)
    english.fill("#f-budget", "-5")
    submit(english)
    expect(english.locator(".fl-errors")).to_contain_text("Budget")
    expect(english.locator(".fl-errors h2")).to_contain_text("correct")


def test_a_start_form_is_judged_too(sign_in: SignIn) -> None:
    pm = sign_in("pm")
    pm.goto("/start/trip")
    pm.fill("#f-destination", "上")
    pm.fill("#business_key", "WRONG-2")
    submit(pm)
    expect(pm.locator(".fl-errors")).to_contain_text("目的地")
    expect(pm.locator("#business_key")).to_have_value("WRONG-2")
    pm.goto("/instances?q=WRONG-2")
    expect(pm.locator("[data-key-row]")).to_have_count(0)


def test_a_file_that_is_too_large_or_of_the_wrong_kind(sign_in: SignIn) -> None:
    pm = sign_in("pm")
    task = start_trip(pm, "FILE-1")
    before = records(pm, task)
    pm.goto(task)
    fill_request(pm, "10")
    pm.set_input_files("#f-invitation", {"name": "大.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4" + bytes(200_000)})
    submit(pm)
    expect(pm.locator(".fl-errors")).to_contain_text("邀请函")
    pm.set_input_files("#f-invitation", {"name": "程序.exe", "mimeType": "application/octet-stream", "buffer": b"MZ"})
    submit(pm)
    expect(pm.locator(".fl-errors")).to_contain_text("邀请函")
    expect(pm.locator("#f-budget")).to_have_value("10")
    assert records(pm, task) == before


def zeros(path: Path, megabytes: int) -> Path:
    """A file of that size: handed over by its path, as a person's browser reads it."""
    with path.open("wb") as file:
        file.truncate(megabytes * 1024 * 1024)
    return path


def test_a_request_beyond_the_limit_of_the_server(sign_in: SignIn, tmp_path: Path) -> None:
    pm = sign_in("pm")
    task = start_trip(pm, "FILE-2")
    before = records(pm, task)
    pm.goto(task)
    pm.set_input_files("#file", zeros(tmp_path / "巨.bin", 31))
    with pm.expect_navigation():
        pm.locator("form:has(#file) button").click()
    expect(pm.locator("h1")).to_have_text("内容过大")
    assert records(pm, task) == before


def test_an_attachment_beyond_the_limit_of_the_engine(sign_in: SignIn, tmp_path: Path) -> None:
    pm = sign_in("pm", "en")
    task = start_trip(pm, "FILE-3")
    before = records(pm, task)
    pm.goto(task)
    pm.set_input_files("#file", zeros(tmp_path / "large.bin", 21))
    with pm.expect_navigation():
        pm.locator("form:has(#file) button").click()
    expect(pm.locator("h1")).to_have_text("Too large")
    expect(pm.locator("main")).to_contain_text("Nothing was saved")
    assert records(pm, task) == before


def test_a_completed_task_is_not_completed_again(sign_in: SignIn) -> None:
    first, second = sign_in("pm"), sign_in("pm")
    task = start_trip(first, "TWICE-1")
    for page in (first, second):
        page.goto(task)
        fill_request(page, "100")
    submit(first)
    after = records(first, task)
    submit(second)
    expect(second.locator("h1")).to_have_text("此任务已结束")
    expect(second.locator("main")).to_contain_text("未做任何更改")
    assert records(first, task) == after
    first.goto(task)
    expect(first.locator("main .alert-info")).to_contain_text("李明")
    expect(first.locator("form.fl-form")).to_have_count(0)


def test_another_s_task(sign_in: SignIn) -> None:
    """Of another group, or of nobody's as for the auditor: neither by the page nor by a forged post."""
    pm = sign_in("pm")
    task = start_trip(pm, "IDOR-1")
    before = records(pm, task)
    desk = sign_in("desk")
    desk.goto(task)
    expect(desk.locator("form.fl-form")).to_have_count(0)
    assert forged(desk, task, {"_action": "submit", "budget": "1"}) in (403, 404)
    assert forged(desk, f"{task}/claim", {}) in (403, 404)
    assert forged(desk, f"{task}/draft", {"budget": "1"}) in (403, 404)
    assert forged(desk, f"{task}/hand-over", {"assignee": "desk", "reason": "x"}) in (403, 404)
    assert forged(desk, f"{task}/release", {}) in (403, 404)
    assert records(pm, task) == before
    pm.goto(task)
    expect(pm.locator("form.fl-form")).to_have_count(1)
    assert pm.locator("#f-budget").input_value() == ""
    auditor = sign_in("auditor")
    assert forged(auditor, task, {"_action": "submit"}) == 403
    assert forged(auditor, "/modeler/deploy", {}) in (403, 415)


def forged(page: Page, path: str, fields: dict[str, str]) -> int:
    """Post with the person's own cookie and token, past the pages' buttons; the status."""
    page.goto("/worklist")
    token = page.locator("meta[name=csrf-token]").get_attribute("content") or ""
    return page.request.post(path, form={**fields, "csrf_token": token}, headers={"Origin": page.url.split("/worklist")[0]}, max_redirects=0).status


def test_without_a_token_nothing_is_done(sign_in: SignIn) -> None:
    pm = sign_in("pm")
    task = start_trip(pm, "CSRF-1")
    assert pm.request.post(f"{task}/claim", form={}, max_redirects=0).status == 403
    pm.goto(task)
    expect(pm.locator("main .chip", has_text="由我处理")).to_have_count(0)


def drafts(page: Page) -> int:
    """How many drafts the person has."""
    page.goto("/modeler")
    return page.locator("#drafts-heading ~ div tbody tr").count()


def test_files_that_are_no_diagrams_are_refused(sign_in: SignIn) -> None:
    owner = sign_in("owner")
    before = drafts(owner)
    bad = {
        "malformed.bpmn": b'<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="x"><userTask id="a"></process>',
        "entity.bpmn": b'<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/passwd">]><definitions><process id="x">&e;</process></definitions>',
        "picture.bpmn": b"\x89PNG\r\n\x1a\n\x00\x00",
        "empty.bpmn": b"",
    }
    for name, data in bad.items():
        owner.goto("/modeler")
        owner.set_input_files("#file", {"name": name, "mimeType": "text/xml", "buffer": data})
        with owner.expect_navigation():
            owner.locator("form:has(#file) button").click()
        expect(owner.locator("main")).to_contain_text("状态码 4")
    assert drafts(owner) == before


def test_a_diagram_with_problems_is_not_deployed(sign_in: SignIn) -> None:
    owner = sign_in("owner")
    unknown = (
        '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t"><process id="broken_one" isExecutable="true"><startEvent id="s"/>'
        '<sequenceFlow id="f" sourceRef="s" targetRef="nowhere"/></process></definitions>'
    )
    owner.goto("/modeler")
    token = owner.locator("meta[name=csrf-token]").get_attribute("content") or ""
    answer = owner.request.post(
        "/modeler/deploy",
        data={"xml": unknown, "comment": "x"},
        headers={"X-CSRF-Token": token, "Accept": "application/json", "Origin": owner.url.split("/modeler")[0]},
    )
    assert answer.status == 422
    assert answer.json()["problems"]
    owner.goto("/definitions")
    expect(owner.locator("main")).not_to_contain_text("broken_one")
