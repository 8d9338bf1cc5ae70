"""The base bundle on a page under the strict CSP: keys, times, forms, htmx, colours."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.support.bundle_pages import TOKEN


def sent(app, method: str) -> list:
    return [request for request in app.extensions["requests"] if request[0] == method]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_has_no_accessibility_violation_in_either_mode(open_page, scheme):
    page = open_page("/", color_scheme=scheme)
    violations = [violation for violation in Axe().run(page).response["violations"] if {"wcag2a", "wcag2aa"} & set(violation["tags"])]
    assert [(violation["id"], [node["target"] for node in violation["nodes"]]) for violation in violations] == []


def test_system_decides_between_light_and_dark(open_page):
    colours = [open_page("/", color_scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor") for scheme in ("light", "dark")]
    assert colours == ["rgb(251, 251, 250)", "rgb(22, 25, 27)"]


def test_narrow_page_does_not_scroll_sideways(open_page):
    page = open_page("/", width=390, height=844)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_keys_move_open_claim_and_search(open_page):
    page = open_page("/")
    page.evaluate("document.querySelector('[data-key-claim]').addEventListener('click', () => { document.body.dataset.claimed = 'yes' })")
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.locator("tr.is-current").inner_text().startswith("编写报告")
    page.keyboard.press("k")
    page.keyboard.press("c")
    assert page.evaluate("document.body.dataset.claimed") == "yes"
    page.keyboard.press("Enter")
    assert page.url.endswith("#one")
    page.keyboard.press("/")
    page.keyboard.type("jjj")
    assert page.locator("#q").input_value() == "jjj"
    assert page.locator("tr.is-current").inner_text().startswith("质量检查")


def test_single_keys_can_be_turned_off(open_page):
    page = open_page("/")
    page.keyboard.press("?")
    page.get_by_label("启用单键快捷键").uncheck()
    page.get_by_role("button", name="关闭").click()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    assert page.locator("tr.is-current").count() == 0


def test_relative_time_keeps_the_exact_one_as_title(open_page):
    time = open_page("/").locator("time[data-relative]")
    assert time.get_attribute("title") == "2026-11-20 14:05"
    assert time.inner_text() != "2026-11-20 14:05"


def test_form_saves_a_draft_by_itself_with_the_csrf_token(open_page, app):
    page = open_page("/")
    page.get_by_label("标题").fill("十月服务报告")
    page.wait_for_selector("[data-autosave-status]:has-text('草稿已保存')")
    [(_, path, headers, form)] = sent(app, "FORM")
    assert (path, form["title"]) == ("/draft", "十月服务报告")
    assert headers["X-Csrf-Token"] == TOKEN


def test_confirmation_asks_once_and_no_keeps_the_form(open_page, app):
    page = open_page("/")
    page.get_by_role("button", name="取消实例").click()
    dialog = page.get_by_role("dialog")
    assert "确定要取消吗？" in dialog.inner_text()
    dialog.get_by_role("button", name="取消").click()
    assert len(sent(app, "GET")) == 1
    page.get_by_role("button", name="取消实例").click()
    with page.expect_navigation():
        page.get_by_role("dialog").get_by_role("button", name="确定").click()
    assert len(sent(app, "GET")) == 2


def test_htmx_swaps_without_eval_or_inline_style(open_page):
    page = open_page("/")
    page.locator("#swap").click()
    page.wait_for_selector("#swapped")
    assert page.evaluate("document.querySelectorAll('style').length") == 0


def test_page_weighs_less_than_150_kb_compressed():
    import gzip

    from webui.assets import DIST

    total = sum(len(gzip.compress(path.read_bytes())) for path in (DIST / "assets").iterdir() if path.name.startswith(("base-", "dialog-", "dom-")))
    assert 20_000 < total < 150_000
