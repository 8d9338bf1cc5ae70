"""Finds the Chromium that browser tests use; run as a module it prints its path or fails.

Order: the environment variable FLOWLEDGER_CHROMIUM, the machine's own, the one that `playwright install chromium` put down.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

# --no-sandbox: CI containers run as root; the pages under test are our own. The rest keeps the browser off the network.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


class BrowserMissing(RuntimeError):
    """No Chromium on this machine; `make browser` installs one."""


def chromium_path() -> str:
    """Path of an executable Chromium; raises BrowserMissing (a missing browser is an error of the set-up, never a reason to skip)."""
    named = os.environ.get("FLOWLEDGER_CHROMIUM")
    if named:
        if not os.access(named, os.X_OK):
            raise BrowserMissing(f"FLOWLEDGER_CHROMIUM names {named}, which is no program")
        return named
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    if not Path(own).is_file():
        raise BrowserMissing("no Chromium found; `make browser` installs one")
    return own


if __name__ == "__main__":
    try:
        print(chromium_path())
    except BrowserMissing as problem:
        sys.exit(str(problem))
