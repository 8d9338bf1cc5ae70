"""Languages and time zones of pages: Chinese first, English beside it.

Texts in code and templates are English; `translations/zh.po` holds the Chinese. The catalogue is compiled in memory when the
application starts, so that no build step can leave a stale one behind. A pack's blueprint may bring its own `translations/zh.po`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from zoneinfo import available_timezones

import flask_babel
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, g, has_request_context, request
from flask_babel import Babel, Domain, get_locale

from webui.security import read_cookie

LOCALES = {"zh": "zh_Hans_CN", "en": "en"}
DEFAULT_LANGUAGE = "zh"
DEFAULT_TIME_ZONE = "Asia/Shanghai"
LANGUAGE_COOKIE = "language"
TIME_ZONE_COOKIE = "time_zone"


class Catalogues(Domain):  # type: ignore[misc]
    """Translations compiled from .po files; later folders add to and override earlier ones."""

    def __init__(self, folders: Iterable[Path]) -> None:
        super().__init__(translation_directories=[])
        self._compiled: dict[str, NullTranslations] = {LOCALES["en"]: NullTranslations()}
        merged = Translations()
        for folder in folders:
            compiled = Translations(io.BytesIO(_compile(folder / "zh.po")))
            merged.plural = compiled.plural  # `merge` takes the texts only
            merged.merge(compiled)
        self._compiled[LOCALES["zh"]] = merged

    def get_translations(self) -> NullTranslations:
        """The catalogue of the current request's language."""
        return self._compiled[str(get_locale() or LOCALES["en"])]


@cache
def _compile(path: Path) -> bytes:
    with path.open("rb") as file:
        catalogue = read_po(file, locale=LOCALES["zh"])
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    return compiled.getvalue()


def gettext(message: str, /, **values: object) -> str:
    """The message in the reader's language, placeholders filled."""
    return str(flask_babel.gettext(message, **values))


def ngettext(one: str, many: str, num: int, /, **values: object) -> str:
    """The same for a counted thing; `%(num)s` is the number."""
    return str(flask_babel.ngettext(one, many, num, **values))


def language() -> str:
    """`zh` or `en`: what the reader chose, else Chinese."""
    if not has_request_context():
        return DEFAULT_LANGUAGE
    chosen = g.get("language")
    if chosen is None and request.path.startswith("/api/"):
        chosen = g.language = request.accept_languages.best_match(["en", "zh"], default="en")
    if chosen is None:
        wanted = read_cookie(LANGUAGE_COOKIE)
        chosen = g.language = wanted if wanted in LOCALES else DEFAULT_LANGUAGE
    return str(chosen)


def time_zone() -> str:
    """IANA name of the reader's time zone."""
    if not has_request_context():
        return DEFAULT_TIME_ZONE
    chosen = g.get("time_zone")
    if chosen is None:
        wanted = read_cookie(TIME_ZONE_COOKIE)
        chosen = g.time_zone = wanted if wanted and wanted in _zones() else DEFAULT_TIME_ZONE
    return str(chosen)


_known_zones: frozenset[str] = frozenset()


def _zones() -> frozenset[str]:
    global _known_zones  # noqa: PLW0603 - reading the zone list costs 20 ms, once
    if not _known_zones:
        _known_zones = frozenset(available_timezones())
    return _known_zones


def time_zones() -> list[str]:
    """Names to choose from."""
    return [*sorted(name for name in _zones() if "/" in name and not name.startswith(("Etc/", "posix", "right", "SystemV"))), "UTC"]


def by_language(titles: object, fallback: str = "") -> str:
    """The text for the reader from `{"zh": ..., "en": ...}`; a plain text stays."""
    if isinstance(titles, str):
        return titles or fallback
    if isinstance(titles, dict) or hasattr(titles, "get"):
        return str(titles.get(language()) or titles.get("en") or fallback)
    return fallback


def install(app: Flask, pack_folders: Iterable[Path] = ()) -> None:
    """Flask-Babel with our catalogues; `language()` and `by_language()` in templates."""
    babel = Babel()
    babel.init_app(
        app,
        default_locale=LOCALES[DEFAULT_LANGUAGE],
        default_timezone=DEFAULT_TIME_ZONE,
        locale_selector=lambda: LOCALES[language()],
        timezone_selector=time_zone,
    )
    domain = Catalogues([Path(__file__).parent / "translations", *pack_folders])
    app.extensions["flowledger.catalogues"] = domain
    # Flask-Babel finds the domain of a request here; ours is the only one.
    app.extensions["babel"].instance.domain_instance = domain
    app.jinja_env.globals.update(language=language, by_language=by_language, time_zone=time_zone)
