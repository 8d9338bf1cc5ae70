"""Work without a mouse: through the worklist with j, k and Enter, through a form with Tab, space and arrows."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.e2e.conftest import SignIn
from tests.e2e.trips import SOON, instance_path, start_trip


def tab_to(page: Page, selector: str, most: int = 60) -> None:
    """Press Tab until the element has the focus; what Tab never reaches fails."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement?.matches(selector) ?? false", selector):
            return
    raise AssertionError(f"Tab does not reach {selector}")


def test_worklist_by_keys(sign_in: SignIn) -> None:
    page = sign_in("pm")
    tasks = [start_trip(page, f"KEYS-{n}") for n in (1, 2, 3)]
    page.goto("/worklist?q=KEYS-&sort=created")
    current = page.locator("[data-key-row].is-current")
    page.keyboard.press("j")
    expect(current).to_contain_text("KEYS-1")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(current).to_contain_text("KEYS-3")
    page.keyboard.press("k")
    expect(current).to_contain_text("KEYS-2")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{tasks[1]}")
    page.go_back()
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.press("j")  # typed, not a command, in place of the last search
    expect(page.locator("#q")).to_have_value("j")


def test_claim_by_key(sign_in: SignIn) -> None:
    page = sign_in("pm")
    start_trip(page, "CLAIMKEY")
    page.goto("/worklist?q=CLAIMKEY")
    page.keyboard.press("j")
    page.keyboard.press("c")
    expect(page.locator("[data-key-row]")).to_contain_text("我")


def test_form_by_keys(sign_in: SignIn) -> None:
    page = sign_in("pm")
    task = start_trip(page, "FORMKEYS")
    page.goto(task)
    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, "#f-leaves_on")
    year, month, day = SOON.split("-")
    page.keyboard.type(month + day + year)  # the order of the fields in Chromium's own date field, which is American here
    tab_to(page, "#f-budget")
    page.keyboard.type("300")
    tab_to(page, "input[name=kind]")
    page.keyboard.press("Space")
    expect(page.locator("#f-kind-0")).to_be_checked()
    tab_to(page, "button[value='add:costs']")
    page.keyboard.press("Enter")
    page.locator("#f-costs-0-item").wait_for()
    tab_to(page, "#f-costs-0-item")
    page.keyboard.type("地铁")
    page.keyboard.press("Tab")
    page.keyboard.type("12")
    tab_to(page, "#f-confirmed")
    page.keyboard.press("Space")
    tab_to(page, ".fl-buttons button[value=submit]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/worklist")
    page.goto(instance_path(task))
    expect(page.locator("main .chip").first).to_have_text("已完成")


def test_help_lists_the_keys(sign_in: SignIn) -> None:
    page = sign_in("pm")
    page.keyboard.press("?")
    expect(page.locator("#keyboard-help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keyboard-help")).to_be_hidden()
