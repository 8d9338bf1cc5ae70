"""The steps of a service report through its pages, one function a form; each starts on the task's page and submits it."""

from __future__ import annotations

import hashlib
import time
from urllib.parse import quote

from playwright.sync_api import Locator, Page, expect

from tests.e2e.form_filling import add_row, day, fill_in, submit

NONCE = "回访抽样随机数 2026 第四季度 7f3a9c"
SUMMARY = "本期运行总体平稳，受理量与上期持平，服务级别达成情况见第二节，未达成项已列出原因与措施。"


def open_task(page: Page, key: str, name: str) -> None:
    """From the worklist, found by the report's number or title; claims it where it is still the group's."""
    page.goto(f"/worklist?q={quote(key)}")
    row = page.locator("[data-key-row]", has_text=name)
    wait_by_reloading(page, row)
    if row.locator("[data-key-claim]").count():
        row.locator("[data-key-claim]").click()
        expect(page.locator("[data-key-row]", has_text=name).locator(".chip", has_text="我")).to_be_visible()
        row = page.locator("[data-key-row]", has_text=name)
    row.locator("[data-key-open]").click()
    expect(page.locator("h1")).to_have_text(name)


def wait_by_reloading(page: Page, wanted: Locator, seconds: float = 15) -> None:
    """Reload until there is what service tasks and timers bring about."""
    deadline = time.monotonic() + seconds
    while not wanted.count():
        assert time.monotonic() < deadline, f"{page.url} does not show {wanted}"
        page.wait_for_timeout(200)
        page.reload()


def start(page: Page, title: str, project: str = "DEMO-GOV", report_class: str = "periodic") -> str:
    """A report on October; the address of its first task."""
    page.goto("/start/service_report")
    values = {"project_id": project, "title": title, "period_start": "2026-10-01", "period_end": "2026-10-31", "frequency": "monthly"}
    fill_in(page, {**values, "report_class": report_class})
    submit(page)
    return page.url


def identify(page: Page) -> None:
    """F04: one metric is left out, with the reason."""
    fill_in(page, {"decision_supported": "是否续签下一年度的运维合同。"})
    add_row(page, "audience", 0, {"party": "客户信息部门", "name": "李科长"})
    add_row(page, "audience", 1, {"party": "研发中心"})
    for each in ("reactive", "proactive", "forward"):
        fill_in(page, {"types": each})
    fill_in(page, {"metrics-3-included": False})
    fill_in(page, {"metrics-3-reason": "本期没有变更。"})
    add_row(page, "customer_concerns", 0, {"concern": "夜间有没有人响应？"})
    submit(page)


def write(page: Page, summary: str = SUMMARY) -> None:
    """F05."""
    fill_in(page, {"summary": summary, "overall_rating": "amber"})
    parts = ("time", "event", "quantity", "people", "environment", "summary")
    fill_in(page, {f"completeness-{part}": f"第 {n} 项：按规范填写。" for n, part in enumerate(parts, start=1)})
    fill_in(page, {"customer_concerns-0-answer": "全天候值守，夜间响应见第二节。"})
    if page.locator("#f-breach_notes-0-subject").count() == 0:
        add_row(page, "breach_notes", 0, {"subject": "解决及时率", "cause": "备件到货延迟。", "action": "常备易损件。"})
    fill_in(page, {"suggestions": "建议更换故障集中的组件。", "valid_until": day(90)})
    submit(page)


def quality_check(page: Page) -> None:
    """F08, passed."""
    fill_in(page, {"format_ok": True, "complete_ok": True, "timely_ok": True, "figures_ok": True, "quality_decision": "pass"})
    submit(page)


def review(page: Page, who: str, decision: str, reason: str = "") -> None:
    """F07 of `rd` or `eng`."""
    fill_in(page, {f"{who}_{question}": "4" for question in ("timely", "clear", "reliable", "concise")})
    fill_in(page, {f"{who}_meets_needs": True, f"{who}_reflects_state": True, f"{who}_decision": decision})
    if reason:
        fill_in(page, {f"{who}_reason": reason})
    submit(page)


def approve(page: Page) -> None:
    """By one manager."""
    fill_in(page, {"approval_decision": "approve"})
    submit(page)


def deliver(page: Page) -> None:
    """Delivery and receipt, with a scan."""
    fill_in(page, {"delivery_channel": "email", "delivered_on": day(), "recipient": "李科长", "received_on": day(), "receipt_comment": "已收到。"})
    page.set_input_files("#f-receipt_file", {"name": "签收单.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4\n%%EOF\n"})
    submit(page)


def archive(page: Page) -> None:
    """The proposed facets are kept."""
    fill_in(page, {"archive_confirmed": True})
    submit(page)


def commit(page: Page) -> None:
    """P5: the promise."""
    fill_in(page, {"commitment": hashlib.sha256(NONCE.encode()).hexdigest()})
    submit(page)


def reveal(page: Page) -> None:
    """P5: the text that was promised."""
    fill_in(page, {"nonce": NONCE})
    submit(page)


def call(page: Page) -> None:
    """F10: reached at once, satisfied."""
    add_row(page, "attempts", 0, {"on": day(), "at": "10:05", "result": "reached"})
    fill_in(page, {"reached": True})
    fill_in(page, {"contact_name": "李科长", "received_report": True, "score": "5", "comment": "满意。"})
    submit(page)
