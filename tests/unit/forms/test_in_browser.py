"""The rendered form in Chromium under the strict CSP: without JavaScript, with htmx, by keyboard, and by axe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.unit.forms.demo_app import create_app, served
from tests.unit.forms.samples import compiled

SHOWN = {
    "report_no": "SMS-SR-2026-0042",
    "sla_results": [{"name": "按时响应率", "actual": 98.2, "attained": True}, {"name": "按时解决率", "actual": 91.5, "attained": False}],
    "title": "核心交换机故障",
    "devices": [{"asset_no": "SW-01", "checks": [{"item": "电源", "ok": True}, {"item": "风扇"}]}],
    "timeline": [{"at": "2026-11-20T02:05:00Z", "event": "告警", "minutes": 3}, {"at": "2026-11-20T03:00:00Z", "event": "恢复"}],
}


RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}


@pytest.fixture
def app() -> Any:
    return create_app(compiled("everything"), SHOWN)


@pytest.fixture
def address(app: Any) -> Iterator[str]:
    with served(app) as url:
        yield url


@pytest.fixture(params=[False, True], ids=["plain", "script"])
def page(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=request.param, base_url=address)
    context.set_default_timeout(6000)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") and "404" not in message.text else None
    )
    opened.goto("/")
    yield opened
    context.close()
    assert complaints == []  # the policy refused nothing


def submit(page: Page) -> None:
    page.locator(".fl-buttons button[value=submit]").click()
    page.wait_for_load_state()


def settle(page: Page, selector: str) -> None:
    page.locator(selector).wait_for()


def refresh(page: Page, *, scripted: bool) -> None:
    if not scripted:
        page.locator(".fl-refresh").first.click()


def test_filled_in_corrected_and_submitted(page: Page, app: Any, request: pytest.FixtureRequest) -> None:
    scripted = "script" in request.node.callspec.id
    page.fill("#f-title", "机房停电")
    page.fill("#f-happened", "2026-11-20")
    page.fill("#f-downtime", "1,2O0")  # the letter O
    page.check("#f-kind-1")
    refresh(page, scripted=scripted)
    settle(page, "#f-scenario")
    page.fill("#f-scenario", "市电中断")
    page.check("#f-recovered-1")
    refresh(page, scripted=scripted)
    settle(page, "#f-plan")
    page.check("#f-recovered-0")
    refresh(page, scripted=scripted)
    page.locator("#f-plan").wait_for(state="detached")
    page.fill("#f-impact-users", "１２０")
    page.fill("#f-sla_results-1-note", "备件迟到")
    page.check("#f-clear-4")
    page.check("#f-confirmed")
    page.click("button[value='add:timeline']")
    settle(page, "#f-timeline-2-event")
    assert page.input_value("#f-downtime") == "1,2O0"
    page.fill("#f-timeline-2-event", "复盘")
    page.fill("#f-timeline-2-at", "2026-11-21T09:30")
    assert page.locator("button[value='add:timeline']").count() == 0  # three rows are the most
    page.click("button[value='up:timeline:2']")
    expect(page.locator("#f-timeline-1-event")).to_have_value("复盘")
    page.click("button[value='remove:devices:0']")
    page.locator("#f-devices-0").wait_for(state="detached")
    submit(page)
    summary = page.locator(".fl-errors")
    assert "“中断时长”须为整数" in summary.inner_text()
    assert summary.locator("a").count() == 1
    assert page.get_attribute("#f-downtime", "aria-invalid") == "true"
    described = (page.get_attribute("#f-downtime", "aria-describedby") or "").split()
    assert "“中断时长”须为整数" in page.inner_text("#" + described[-1])
    page.fill("#f-downtime", "1,200")
    submit(page)
    page.locator(".fl-data").wait_for()
    assert app.config["submitted"] == {
        "doc": "SR",
        "title": "机房停电",
        "happened": "2026-11-20",
        "kind": "drill",
        "scenario": "市电中断",
        "recovered": True,
        "unauthorised": False,
        "downtime": 1200,
        "impact": {"users": 120},
        "sla_results": [
            {"name": "按时响应率", "actual": 98.2, "attained": True},
            {"name": "按时解决率", "actual": 91.5, "attained": False, "note": "备件迟到"},
        ],
        "timeline": [
            {"at": "2026-11-20T02:05:00Z", "event": "告警", "minutes": 3},
            {"at": "2026-11-21T01:30:00Z", "event": "复盘"},
            {"at": "2026-11-20T03:00:00Z", "event": "恢复"},
        ],
        "clear": 5,
        "confirmed": True,
        "devices": None,  # shown with a value, left empty now
    }
    assert "未填写：客户" in page.locator(".fl-data").inner_text()
    if scripted:
        found = Axe().run(page, options=RULES)
        assert found.violations_count == 0, found.generate_report()


def test_an_upload_survives_a_form_that_is_shown_again(page: Page, app: Any) -> None:
    page.set_input_files("#f-evidence", [{"name": "日志.txt", "mimeType": "text/plain", "buffer": b"kernel: link down"}])
    page.set_input_files("#f-devices-0-photo", [{"name": "x.gif", "mimeType": "image/gif", "buffer": b"GIF89a"}])
    submit(page)
    assert "不接受文件 x.gif" in page.locator(".fl-errors").inner_text()
    assert "日志.txt" in page.locator(".fl-files").inner_text()
    page.set_input_files("#f-devices-0-photo", [{"name": "x.png", "mimeType": "image/png", "buffer": b"\x89PNG"}])
    submit(page)
    assert page.locator(".fl-files").count() == 2
    page.check("#f-evidence-remove-0")
    submit(page)
    assert page.locator(".fl-files").count() == 1


def test_markdown_preview_is_safe(page: Page) -> None:
    page.fill("#f-cause", "# 原因\n\n**电源**故障 <img src=x onerror=alert(1)> [坏](javascript:alert(1)) ![图](http://x/y.png)")
    page.click("button[value='preview:cause']")
    page.locator(".fl-preview strong").wait_for()
    assert page.locator(".fl-preview strong").inner_text() == "电源"
    assert page.locator(".fl-preview img, .fl-preview a[href^=javascript], .fl-preview script").count() == 0


def test_enter_in_a_text_field_submits_nothing(page: Page, app: Any) -> None:
    page.press("#f-title", "Enter")
    page.wait_for_load_state()
    assert app.config["submitted"] == {}
    assert page.locator(".fl-errors").count() == 0
    assert page.input_value("#f-title") == "核心交换机故障"


def test_the_error_summary_leads_to_the_fields_and_has_the_focus(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.set_default_timeout(6000)
    page.goto(address)
    submit(page)
    assert page.evaluate("document.activeElement.classList.contains('fl-errors')")
    for link in page.locator(".fl-errors a").all():
        link.click()
        target = (link.get_attribute("href") or "")[1:]
        assert page.evaluate("document.activeElement.id") == target, target
    page.close()


def test_a_condition_keeps_the_focus_and_what_was_typed(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.set_default_timeout(6000)
    page.goto(address)
    page.fill("#f-customer", "某局")
    page.focus("#f-kind-0")
    page.keyboard.press("ArrowDown")
    settle(page, "#f-scenario")
    assert page.evaluate("document.activeElement.id") == "f-kind-1"
    assert page.input_value("#f-customer") == "某局"
    page.fill("#f-scenario", "断电")
    page.check("#f-kind-0")
    page.locator("#f-scenario").wait_for(state="detached")
    page.check("#f-kind-1")
    settle(page, "#f-scenario")
    assert page.input_value("#f-scenario") == "断电"  # hidden, not lost
    page.click("button[value='add:timeline']")
    settle(page, "#f-timeline-2")
    expect(page.locator("#f-timeline-2-at")).to_be_focused()
    page.close()


def test_an_answer_that_is_an_error_leaves_the_page_as_it_is(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.set_default_timeout(6000)
    page.route("**/fields*", lambda route: route.fulfill(status=401, body="<p>log in</p>"))
    page.goto(address)
    page.fill("#f-customer", "某局")
    with page.expect_response("**/fields*"):
        page.check("#f-kind-1")
    with page.expect_response("**/fields*"):
        page.click("button[value='add:timeline']")
    assert page.input_value("#f-customer") == "某局"
    assert page.is_checked("#f-kind-1")
    page.close()


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_axe_finds_nothing_and_nothing_overflows(browser: Browser, address: str, width: int, lang: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    page.goto(f"{address}/?lang={lang}")
    for step in ("new", "errors"):
        found = Axe().run(page, options=RULES)
        assert found.violations_count == 0, (step, found.generate_report())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        submit(page)
    context.close()
