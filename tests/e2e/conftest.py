"""Fixtures of the tests in a browser: one served installation and one Chromium for a worker, pages for signed-in people.

After the last test every record of the installation is verified and re-executed: what the pages did is evidence too.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.e2e.installation import Site

DESK, PHONE = 1440, 390

# That the server refused a request is what some tests are about; the second is bpmn-js speaking to its own parts.
KNOWN = ("the server responded with a status of 4", "ContextPad#getPad is deprecated")


class SignIn(Protocol):
    """Open a page for a demonstration account."""

    def __call__(self, user: str, language: str = "zh", width: int = DESK, *, javascript: bool = True) -> Page: ...


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The installation of this worker; its history must hold in the end."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(prepared(tmp_path_factory), folder, dirs_exist_ok=True)
    served = Site(folder)
    served.start()
    yield served
    served.stop()
    for command in ("verify", "replay"):
        done = served.flowledger(command)
        print(done.stdout)
        assert done.returncode == 0, f"flowledger {command}: {done.stdout}{done.stderr}"
    assert "Traceback" not in served.log(), served.log()


def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A filled installation, made once and copied by each worker of pytest-xdist; FLOWLEDGER_PREPARED keeps it between runs."""
    kept = os.environ.get("FLOWLEDGER_PREPARED")
    base = tmp_path_factory.getbasetemp()
    shared = Path(kept) if kept else (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "prepared"
    shared.parent.mkdir(parents=True, exist_ok=True)
    with (shared.parent / f"{shared.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shared.exists():
            Site(shared.with_suffix(".part")).prepare()
            shared.with_suffix(".part").rename(shared)
    return shared


@pytest.fixture(scope="session")
def secrets() -> dict[str, str]:
    """Session cookies of people who have signed in already: hashing passwords is slow on purpose."""
    return {}


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What the browser objected to: script errors, refused content, failed loads. Empty at the end of every test."""
    found: list[str] = []
    yield found
    assert found == []


def listen(page: Page, complaints: list[str]) -> None:
    """Note errors and warnings of the console, except for what is known."""

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(known in message.text for known in KNOWN):
            complaints.append(f"{page.url}: {message.text}")

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))


@pytest.fixture
def sign_in(site: Site, browser: Browser, secrets: dict[str, str], complaints: list[str]) -> Iterator[SignIn]:
    """`sign_in("pm")` gives a page on the worklist."""
    closing: list[Callable[[], None]] = []

    def open_page(user: str, language: str = "zh", width: int = DESK, *, javascript: bool = True) -> Page:
        context = browser.new_context(
            base_url=site.address,
            viewport={"width": width, "height": 900 if width > 600 else 844},
            java_script_enabled=javascript,
            locale="zh-CN" if language == "zh" else "en-GB",
            accept_downloads=True,
        )
        context.set_default_timeout(15_000)
        closing.append(context.close)
        page = context.new_page()
        listen(page, complaints)
        if user in secrets:
            context.add_cookies([{"name": "session", "value": secrets[user], "url": site.address}])
        context.add_cookies([{"name": "language", "value": language, "url": site.address}])
        page.goto("/worklist")
        if "/login" in page.url:
            enter_password(page, user)
            secrets[user] = next(c["value"] for c in context.cookies() if c["name"] == "session")
            context.add_cookies([{"name": "language", "value": language, "url": site.address}])
            page.goto("/worklist")
        return page

    yield open_page
    for close in closing:
        close()


def enter_password(page: Page, user: str) -> None:
    """On the sign-in page."""
    page.fill("#user", user)
    page.fill("#password", f"{user}-demo-1")
    page.locator("main form button").click()
    page.wait_for_url(lambda url: "/login" not in url)
