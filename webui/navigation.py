"""The main menu: each entry shows when the access table lets the actor open it. Packs add entries of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flask import Flask, request, url_for
from flask_babel import lazy_gettext

from webui.access import may, may_visit
from webui.i18n import by_language


@dataclass(frozen=True, slots=True)
class Entry:
    """A link of the menu. `title` is a text or `{"zh": ..., "en": ...}`; `section`: prefixes of other endpoints that light it up;
    `action`: who needs it, where that is fewer people than may open the page.
    """

    endpoint: str
    title: object
    section: str = ""
    action: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """An entry as the reader sees it."""

    url: str
    title: str
    current: bool


OWN = (
    Entry("worklist.show", lazy_gettext("Worklist"), "tasks.", "task.work"),
    Entry("start.index", lazy_gettext("Start")),
    Entry("history.mine", lazy_gettext("My history")),
    Entry("definitions.index", lazy_gettext("Processes"), "definitions. modeler. migration."),
    Entry("instances.index", lazy_gettext("Instances"), "instances. replay. mending."),
    Entry("administration.incidents", lazy_gettext("Incidents"), "operations."),
    Entry("administration.index", lazy_gettext("Administration"), "administration."),
)


class Navigation:
    """The entries of this application."""

    def __init__(self) -> None:
        self._entries: list[Entry] = list(OWN)

    def extend(self, entries: Iterable[tuple[str, Mapping[str, str]]]) -> None:
        """A pack's entries: (endpoint, title by language), put before Administration."""
        self._entries[-2:-2] = [Entry(endpoint, dict(title)) for endpoint, title in entries]

    def links(self) -> list[Link]:
        """What the current actor may open."""
        here = request.endpoint or ""
        return [
            Link(url_for(e.endpoint), by_language(e.title) if isinstance(e.title, dict) else str(e.title), self._current(e, here))
            for e in self._entries
            if may_visit(e.endpoint) and (e.action is None or may(e.action))
        ]

    def _current(self, entry: Entry, here: str) -> bool:
        if any(e.endpoint == here for e in self._entries):
            return entry.endpoint == here
        return any(here.startswith(prefix) for prefix in entry.section.split())

    def install(self, app: Flask) -> None:
        """`navigation()` in templates. Raises RuntimeError for an entry without a page, now and not on a page."""
        wrong = [e.endpoint for e in self._entries if e.endpoint not in app.view_functions]
        if wrong:
            raise RuntimeError(f"the menu names pages that do not exist: {', '.join(wrong)}")
        app.jinja_env.globals["navigation"] = self.links
        app.jinja_env.globals["may_visit"] = may_visit
