"""Fills in forms of user tasks as a person would: by the kind of control that the page shows for a field."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import Locator, Page

Typed = str | bool


def fill_in(page: Page, values: Mapping[str, Typed]) -> None:
    """`values` by control name (`costs-0-item`); True and False tick a box or choose yes and no. Fields that appear are waited for."""
    for name, value in values.items():
        controls = page.locator(f'form.fl-form [name="{name}"]:not([type=hidden])')
        controls.first.wait_for()
        _enter(controls, value)


def _enter(controls: Locator, value: Typed) -> None:
    first = controls.first
    match first.evaluate("e => e.tagName === 'SELECT' ? 'select' : e.type"):
        case "select":
            first.select_option(_text(value))
        case "radio":
            controls.and_(controls.page.locator(f'[value="{_text(value)}"]')).check()
        case "checkbox" if isinstance(value, bool):
            first.set_checked(value)
        case "checkbox":
            controls.and_(controls.page.locator(f'[value="{value}"]')).check()
        case _:
            first.fill(str(value))


def _text(value: Typed) -> str:
    return str(value).lower() if isinstance(value, bool) else value


def add_row(page: Page, table: str, row: int, values: Mapping[str, Typed]) -> None:
    """Press the table's button for another row, the `row`-th from 0, and fill it in."""
    page.click(f"button[value='add:{table}']")
    fill_in(page, {f"{table}-{row}-{name}": value for name, value in values.items()})


def submit(page: Page) -> None:
    """The form's main button; returns on the page that answers."""
    with page.expect_navigation():
        page.locator("form.fl-form .fl-buttons button[value=submit]").click()


def day(offset: int = 0, now: datetime | None = None) -> str:
    """An ISO day in the zone of the demonstration, `offset` days from today."""
    return ((now or datetime.now(UTC)).astimezone(ZoneInfo("Asia/Shanghai")) + timedelta(days=offset)).date().isoformat()
