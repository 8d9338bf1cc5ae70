"""Viewer and replay: what they draw, how they are operated, what they do when the server does not answer."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe


def violations(page) -> list:
    found = Axe().run(page).response["violations"]
    return [(one["id"], [node["target"] for node in one["nodes"]]) for one in found if {"wcag2a", "wcag2aa"} & set(one["tags"])]


def classes(page, element: str) -> str:
    return page.locator(f'g[data-element-id="{element}"]').first.get_attribute("class")


def test_viewer_marks_tokens_path_incidents_and_heat(open_page):
    page = open_page("/viewer")
    page.wait_for_selector(".diagram-legend li")
    assert "fl-active" in classes(page, "Check")
    assert "fl-completed" in classes(page, "Write")
    assert "fl-taken" in classes(page, "f5")
    assert "fl-taken" not in classes(page, "f4")
    assert "fl-incident" in classes(page, "Archive")
    assert "fl-heat-4" in classes(page, "Write")
    assert "fl-heat-0" in classes(page, "Check")
    assert page.locator(".fl-badge-completed").all_inner_texts() == ["✓", "✓2"]
    assert page.locator(".diagram-legend li").count() == 5
    assert violations(page) == []


def test_the_makers_logo_stays_visible(open_page):
    page = open_page("/viewer")
    page.locator(".bjs-powered-by").wait_for(state="visible")


def test_row_lights_its_element_and_click_on_element_marks_its_row(open_page):
    page = open_page("/viewer")
    page.wait_for_selector("g[data-element-id=Check]")
    page.get_by_role("link", name="Write").hover()
    assert "fl-lit" in classes(page, "Write")
    page.locator("g[data-element-id=Check] .djs-hit").first.click(force=True)
    assert page.locator("tr.is-current").inner_text() == "Check"


def test_viewer_keeps_the_words_when_there_is_no_diagram(open_page):
    page = open_page("/broken", allow=("404",))
    page.wait_for_selector("[role=alert]")
    assert "words" in page.locator("[data-viewer]").inner_text()


def test_replay_starts_at_the_last_record_and_arrow_keys_walk_back(open_page):
    page = open_page("/replay")
    page.wait_for_selector(".replay-panel h2")
    slider = page.get_by_role("slider")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector(".replay-panel h2:has-text('4.')")
    assert slider.get_attribute("aria-valuetext") == "第 4 条，共 5 条：编写报告：完成，张伟，2026-11-23 12:05:00"
    page.keyboard.press("Home")
    page.wait_for_selector(".replay-panel h2:has-text('1. 发起流程')")
    assert "fl-active" in classes(page, "Write")
    assert page.url.endswith("seq=1")


def test_replay_says_why_on_whose_behalf_and_what_changed(open_page):
    page = open_page("/replay?seq=3&lang=en")
    page.wait_for_selector(".replay-panel h2")
    words = page.locator(".replay-panel").inner_text()
    assert "On behalf of\n李强" in words
    assert "因为 approved = 否" in words
    assert "Verified" in words
    assert page.locator("tr:has-text('round')").first.inner_text().split() == ["round", "2", "3"]
    assert {"Check", "Decide", "Write"} == {
        element.get_attribute("data-element-id") for element in page.locator("g.fl-changed[data-element-id]").all()
    }
    assert violations(page) == []


def test_replay_shows_form_data_as_text_and_a_broken_record_as_such(open_page):
    page = open_page("/replay?seq=2")
    page.wait_for_selector(".replay-panel h2")
    assert "<img src=x onerror=alert(1)>" in page.locator(".replay-panel").inner_text()
    assert page.locator(".replay-panel img").count() == 0
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".chip-overdue:has-text('校验失败')")


def test_replay_draws_the_diagram_of_the_version_that_each_record_was_made_under(open_page):
    page = open_page("/replay?seq=3&migrated=1")
    page.wait_for_selector(".replay-picture g[data-element-id=Check]")
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector(".replay-picture g[data-element-id=Look]")
    assert page.locator(".replay-picture g[data-element-id=Check]").count() == 0
    page.keyboard.press("Home")
    page.wait_for_selector(".replay-panel h2:has-text('1. ')")
    page.keyboard.press("End")
    page.wait_for_selector(".replay-picture g[data-element-id=Check]")
    assert page.locator(".replay-picture .diagram").count() == page.locator(".replay-picture .diagram-legend").count() == 1
    assert "fl-changed" in classes(page, "Archive")
    assert violations(page) == []
