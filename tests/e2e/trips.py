"""Steps of the tests' own process (`processes/trip.bpmn`) through its pages, with and without JavaScript."""

from __future__ import annotations

import re
from datetime import date, timedelta

from playwright.sync_api import Page, expect

SOON = (date.today() + timedelta(days=14)).isoformat()
TASK = re.compile(r"/tasks/[\w-]+$")


def start_trip(page: Page, key: str, destination: str = "上海") -> str:
    """Start one; the page shows its first task, whose path is returned."""
    page.goto("/start/trip")
    page.fill("#f-destination", destination)
    page.fill("#business_key", key)
    page.locator("form.fl-form .fl-buttons button[value=submit]").click()
    page.wait_for_url(TASK)
    return task_path(page)


def task_path(page: Page) -> str:
    """`/tasks/...` of the page shown."""
    found = re.search(r"/tasks/[\w-]+", page.url)
    assert found, page.url
    return found[0]


def instance_path(task: str) -> str:
    """Of a task's instance: a task's public id begins with its instance's."""
    return "/instances/" + task.removeprefix("/tasks/").rpartition("-")[0]


def fill_request(page: Page, budget: str, *, javascript: bool = True) -> None:
    """Fill in everything that the request needs, one row of costs included."""
    page.fill("#f-leaves_on", SOON)
    page.fill("#f-budget", budget)
    page.check("#f-kind-0")
    add_cost(page, 0, "机票", "1200")
    page.check("#f-confirmed")
    if javascript:
        expect(page.locator("#f-costs-0-item")).to_have_value("机票")


def add_cost(page: Page, row: int, item: str, amount: str) -> None:
    """One more row of the table."""
    page.click("button[value='add:costs']")
    page.locator(f"#f-costs-{row}-item").fill(item)
    page.locator(f"#f-costs-{row}-amount").fill(amount)


def submit(page: Page) -> None:
    """The form's main button."""
    page.locator("form.fl-form .fl-buttons button[value=submit]").click()
    page.wait_for_load_state()
