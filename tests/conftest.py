"""Every engine that a test makes is verified and re-executed when it closes: the history of the whole test run is evidence too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from engine.testing import EmbeddedEngine
from tests.support.browser import ARGUMENTS, chromium_path


@pytest.fixture(autouse=True)
def _history_holds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    leave = EmbeddedEngine.__exit__

    def check_then_leave(self, kind, exc, trace):
        if kind is None and "tampers" not in request.keywords:
            self.check()
        leave(self, kind, exc, trace)

    monkeypatch.setattr(EmbeddedEngine, "__exit__", check_then_leave)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The machine's Chromium, one for a worker: Playwright's synchronous API runs once in a process."""
    path = chromium_path()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()
