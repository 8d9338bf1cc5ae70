"""Walks through pages by their links and looks at each in both languages and both widths.

What it looks for: console errors and refused content, horizontal overflow on a phone, and what axe finds at levels A and AA of WCAG.
It never submits a form.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page
from werkzeug.exceptions import HTTPException

from engine.bootstrap import Settings, build
from webui.app import create_app

DESK, PHONE = 1440, 390
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}, "resultTypes": ["violations"]}
READY = ".replay-panel h2, #modeler .djs-container > svg, [data-viewer] .djs-container > svg, [data-viewer] [role=alert]"


def application() -> Flask:
    """An application of the same installation of packages, only for its map of addresses."""
    engine = build(Settings())
    made = create_app(engine)
    engine.close()
    return made


@dataclass(slots=True)
class Crawl:
    """One person's walk. `most`: how many addresses of one endpoint are looked at."""

    page: Page
    address: str
    routes: Any
    most: int = 1
    visited: dict[str, str] = field(default_factory=dict)  # path to endpoint
    faults: list[str] = field(default_factory=list)

    def endpoint(self, path: str) -> str | None:
        """The endpoint behind a path, None for none that GET reaches."""
        try:
            return str(self.routes.match(urlsplit(path).path, method="GET")[0])
        except HTTPException:
            return None

    def walk(self, *beginnings: str) -> None:
        """Look at the first pages and at what they link to, breadth first."""
        waiting = [*beginnings]
        seen: Counter[str] = Counter()
        while waiting:
            path = waiting.pop(0)
            endpoint = self.endpoint(path)
            if endpoint is None or path in self.visited or seen[endpoint] >= self.most:
                continue
            seen[endpoint] += 1
            self.visited[path] = endpoint
            self.look(path, endpoint)
            waiting += self.links()

    def links(self) -> list[str]:
        """Paths of this site that the page links to, downloads left out."""
        found = self.page.eval_on_selector_all("a[href]:not([download])", "links => links.map(a => a.href)")
        parts = [urlsplit(link) for link in found]
        own = [p for p in parts if f"{p.scheme}://{p.netloc}" == self.address]
        return list(dict.fromkeys(p.path for p in own))

    def look(self, path: str, name: str, status: int = 200) -> None:
        """One page in Chinese and English, wide and narrow."""
        for language in ("en", "zh"):
            self.page.context.add_cookies([{"name": "language", "value": language, "url": self.address}])
            self.page.set_viewport_size({"width": DESK, "height": 900})
            answer = self.page.goto(path)
            if answer is None or answer.status != status:
                self.faults.append(f"{path}: status {answer.status if answer else None}")
                return
            self._settle()
            self._check(path, name, language, DESK)
            self.page.set_viewport_size({"width": PHONE, "height": 844})
            self._check(path, name, language, PHONE)

    def _settle(self) -> None:
        if self.page.locator("[data-viewer], [data-replay], #modeler").count():
            self.page.locator(READY).first.wait_for()

    def _check(self, path: str, name: str, language: str, width: int) -> None:
        where = f"{path} {language} {width}"
        self.faults += [f"{where}: {fault}" for fault in self._faults(language, width)]
        folder = os.environ.get("FLOWLEDGER_SCREENSHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(folder) / f"{name}.{language}.{width}.png", full_page=True)

    def _faults(self, language: str, width: int) -> Iterator[str]:
        if width == PHONE:
            wide = self.page.evaluate("document.documentElement.scrollWidth")
            if wide > PHONE:
                yield f"{wide} pixels wide"
        text = self.page.locator("body").inner_text()
        if language == "zh" and re.search(r"\b(Sign out|Worklist|Complete|Process instances?)\b", text):
            yield "English words on a Chinese page"
        if self.page.locator("h1").count() != 1:
            yield f"{self.page.locator('h1').count()} main headings"
        for violation in Axe().run(self.page, options=RULES).response["violations"]:
            yield f"{violation['id']}: {violation['nodes'][0]['html'][:200]}"
