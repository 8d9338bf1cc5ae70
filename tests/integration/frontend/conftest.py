"""One browser and one server of the bundles for the whole folder; every page fails its test on a console error or a CSP violation."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page

from tests.support.bundle_pages import create_app, serving


@pytest.fixture
def app() -> Flask:
    return create_app()


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    with serving(app) as address:
        yield address


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Opens a path of the server; `allow` names texts of console errors that the test provokes."""
    contexts = []
    complaints: list[str] = []

    def open_page(path: str, *, width: int = 1440, height: int = 900, allow: tuple[str, ...] = (), **options: object) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)

        def note(text: str) -> None:
            if not any(part in text for part in allow):
                complaints.append(text)

        page.on("console", lambda message: note(message.text) if message.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: note(str(error)))
        page.goto(address + path)  # module scripts have run when this returns; what they fetch, tests wait for
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
