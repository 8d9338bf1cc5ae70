"""The staff's whole work with JavaScript switched off: start, claim, rows of a table, conditional field, file, draft, complete, approve."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e.conftest import SignIn
from tests.e2e.trips import SOON, add_cost, instance_path, start_trip, submit


def test_trip_from_start_to_end(sign_in: SignIn) -> None:
    pm = sign_in("pm", javascript=False)
    task = start_trip(pm, "NOJS-1", "广州")
    pm.goto("/worklist?q=NOJS-1")
    row = pm.locator("[data-key-row]")
    expect(row).to_have_count(1)
    row.locator("[data-key-claim]").click()
    expect(pm.locator("#notices")).to_contain_text("认领")
    row.locator("[data-key-open]").click()

    pm.fill("#f-leaves_on", SOON)
    pm.fill("#f-budget", "8000")
    add_cost(pm, 0, "机票", "1200")
    add_cost(pm, 1, "住宿", "900.50")
    add_cost(pm, 2, "多余", "1")
    pm.click("button[value='remove:costs:2']")
    pm.check("#f-kind-1")
    pm.click(".fl-refresh")
    pm.fill("#f-country", "日本")
    pm.fill("#f-purpose", "**验收**新系统")
    pm.click("button[value='preview:purpose']")
    expect(pm.locator(".fl-preview strong")).to_have_text("验收")
    pm.set_input_files("#f-invitation", {"name": "邀请函.txt", "mimeType": "text/plain", "buffer": "欢迎".encode()})
    pm.locator(".fl-buttons button[value=draft]").click()
    pm.goto(task)
    expect(pm.locator("#f-costs-1-amount")).to_have_value("900.50")
    expect(pm.locator("#f-country")).to_have_value("日本")
    expect(pm.locator(".fl-file")).to_contain_text("邀请函.txt")
    submit(pm)
    expect(pm.locator(".fl-errors")).to_contain_text("内容属实")
    pm.check("#f-confirmed")
    submit(pm)
    assert "/worklist" in pm.url

    manager = sign_in("mgr1", javascript=False)
    manager.goto("/worklist?q=NOJS-1")
    manager.locator("[data-key-open]").click()
    expect(manager.locator("form.fl-form")).to_contain_text("8000")
    manager.locator("main form button", has_text="认领").first.click()
    manager.check("#f-decision-0")
    submit(manager)

    pm.goto(instance_path(task))
    expect(pm.locator("main .chip").first).to_have_text("已完成")
    expect(pm.locator("#history-heading + ol")).to_contain_text("陈静")
    pm.goto(f"{instance_path(task)}/replay")
    expect(pm.locator("noscript, ol.timeline").first).to_be_visible()
    expect(pm.locator("ol.timeline")).to_contain_text("900.5")
