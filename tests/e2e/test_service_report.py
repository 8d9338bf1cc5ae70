"""One service report on its whole way through the pages: planned, written, returned, approved, delivered, archived, drawn, called back; audited.

Everybody does their own part as their own account, and reads on the way what the page tells them.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import reports
from tests.e2e.conftest import SignIn
from tests.e2e.crawling import Crawl, application
from tests.e2e.form_filling import day, fill_in, submit
from tests.e2e.installation import Site

TITLE = "国庆保障报告（走查）"
REASON = "趋势一节没有解释受理量上升的原因，请补充。"
SECOND = "本期受理量上升来自国庆保障期间的巡检加密，运行总体平稳，未达成项已列出原因与措施。"


@pytest.fixture
def archived(sign_in: SignIn) -> str:
    """Path of an instance that went the whole way to the archive, with one return."""
    people = {user: sign_in(user) for user in ("pm", "qa", "rd", "eng", "mgr1", "desk")}
    pm = people["pm"]

    def at(user: str, name: str) -> Page:
        reports.open_task(people[user], TITLE, name)
        return people[user]

    reports.start(pm, TITLE, report_class="major_event")
    instance = "/instances/" + pm.url.rpartition("/")[2].rpartition("-")[0]
    expect(pm.locator("h1")).to_have_text("识别报告要素")
    reports.identify(pm)
    expect(pm.locator("h1")).to_have_text("编写服务报告")  # the next task at once, with the figures computed
    expect(pm.locator("form.fl-form")).to_contain_text("响应及时率")
    expect(pm.locator("form.fl-form")).to_contain_text("SMS-SR-")
    reports.write(pm)
    reports.quality_check(at("qa", "质量检查"))
    reports.review(at("rd", "研发中心评审"), "rd", "return", REASON)
    reports.review(at("eng", "工程部评审"), "eng", "pass")
    expect(at("pm", "编写服务报告").locator("form.fl-form")).to_contain_text(REASON)
    reports.write(pm, SECOND)
    expect(at("qa", "质量检查").locator("form.fl-form")).to_contain_text("2")
    reports.quality_check(people["qa"])
    for user, name in (("rd", "研发中心评审"), ("eng", "工程部评审")):
        expect(at(user, name).locator("form.fl-form")).to_contain_text(SECOND)
        reports.review(people[user], user, "pass")
    reports.approve(at("mgr1", "经理审批"))
    reports.deliver(at("pm", "交付与签收"))
    reports.archive(at("desk", "确认归档要素"))
    desk = people["desk"]
    desk.goto(instance)
    reports.wait_by_reloading(desk, desk.locator("main .chip", has_text="已完成"))
    return instance


def test_from_plan_to_archive_and_callback(archived: str, sign_in: SignIn, site: Site, tmp_path: Path) -> None:
    in_the_archive(sign_in("desk"))
    replayed(sign_in("auditor"), archived)
    exported(sign_in("auditor"), archived, tmp_path)
    called_back(sign_in, site)


def in_the_archive(desk: Page) -> None:
    """Found by search, every file there and unchanged."""
    desk.goto("/service-report/archive")
    desk.fill("#q", TITLE)
    with desk.expect_navigation():
        desk.keyboard.press("Enter")
    desk.locator("[data-key-open]").first.click()
    expect(desk.locator("h1")).to_have_text(TITLE)
    with desk.expect_navigation():
        desk.get_by_role("link", name="立即校验").or_(desk.locator("a[href*='verify=1']")).first.click()
    expect(desk.locator("main .alert-success")).to_be_visible()
    with desk.expect_download() as download:
        desk.locator("a[download]", has_text="report.pdf").click()
    assert download.value.path().read_bytes().startswith(b"%PDF-")


def replayed(auditor: Page, instance: str) -> None:
    """The auditor moves the slider by keys and reads who, when, what was entered, what changed and why."""
    auditor.goto(f"{instance}/replay")
    panel = auditor.locator(".replay-panel")
    expect(panel.locator("h2")).to_contain_text("归档成册")
    slider = auditor.get_by_role("slider")
    slider.focus()
    auditor.keyboard.press("Home")
    expect(panel.locator("h2")).to_have_text("1. 李明发起了流程。")
    expect(panel).to_contain_text(TITLE)
    found: dict[str, str] = {}
    last = int(slider.get_attribute("max") or 0)
    for seq in range(1, last + 1):
        expect(panel.locator("h2")).to_have_text(re.compile(rf"^{seq}\. "))
        found[panel.locator("h2").inner_text()] = panel.inner_text()
        auditor.keyboard.press("ArrowRight")
    everything = "\n".join(found.values())
    assert "2026-" in everything
    assert REASON in everything
    returned = next(text for text in found.values() if "判定评审去向" in text and "研发中心评审退回" in text)
    assert "刘洋完成了“工程部评审”" in returned  # the second department's answer let the decision be taken
    assert "rd_decision" in returned
    assert "退回编写" in returned
    auditor.goto(f"{instance}/verify")
    expect(auditor.locator("main .alert-success")).to_contain_text(str(last))


def exported(auditor: Page, instance: str, folder: Path) -> None:
    """The export verifies without any of our code."""
    auditor.goto(instance)
    with auditor.expect_download() as download:
        auditor.locator("a[download]", has_text="JSON").click()
    target = folder / "history.jsonl"
    download.value.save_as(target)
    previous = ""
    lines = target.read_bytes().splitlines()
    for seq, line in enumerate(lines, start=1):
        body = line[len(b'{"body":') : line.rindex(b',"hash":"')]
        record = json.loads(body)
        assert hashlib.sha256(b"flowledger record v1\n" + body).hexdigest() == json.loads(line)["hash"]
        assert (record["seq"], record["previous"]) == (seq, previous)
        previous = json.loads(line)["hash"]
    assert len(lines) > 20


def called_back(sign_in: SignIn, site: Site) -> None:
    """P5: promise, end of the day, reveal, draw; the report of a major event is always drawn; the desk calls."""
    qa = sign_in("qa")
    qa.goto("/start/service_report_callback")
    today = day()
    fill_in(qa, {"period_start": today, "period_end": today})
    qa.fill("#business_key", "CALLBACK-E2E")
    submit(qa)
    reports.commit(qa)
    site.move_clock(seconds_to_midnight() + 60)
    qa = sign_in("qa")  # the clock went on: sessions of yesterday have ended
    reports.open_task(qa, "CALLBACK-E2E", "公布随机数")
    reports.reveal(qa)
    desk = sign_in("desk")
    desk.goto("/worklist?q=CALLBACK-E2E")
    rows = desk.locator("[data-key-row]")
    reports.wait_by_reloading(desk, rows)
    tasks = [str(link.get_attribute("href")) for link in desk.locator("[data-key-open]").all()]
    mine = next(task for task in tasks if opened(desk, task, TITLE))
    desk.goto(mine)
    with desk.expect_navigation():
        desk.locator("main form button", has_text="认领").first.click()
    reports.call(desk)
    desk.goto("/service-report/callbacks")
    expect(desk.locator("main")).to_contain_text("满意。")
    desk.get_by_role("link", name=f"{today}/{today}").first.click()
    expect(desk.locator("main .alert-success")).to_be_visible()  # drawn again from the published values: the same
    walk = Crawl(desk, site.address, application().url_map.bind("localhost"))
    walk.look(desk.url.removeprefix(site.address), "service_report.draw")
    assert walk.faults == []


def opened(page: Page, task: str, title: str) -> bool:
    page.goto(task)
    return page.get_by_text(title).count() > 0


def seconds_to_midnight() -> float:
    now = datetime.now(UTC).astimezone(ZoneInfo("Asia/Shanghai"))
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight - now).total_seconds()
