"""Texts of a form in the languages of the user interface: Chinese always, English where the author wrote it."""

from __future__ import annotations

from dataclasses import dataclass

LANGUAGES = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Text:
    """One text. `get("en")` falls back to Chinese: better the other language than an empty label."""

    zh: str
    en: str | None = None

    def get(self, lang: str) -> str:
        """The text in `zh` or `en`; any other language reads as English where there is one."""
        return self.zh if lang.startswith("zh") else (self.en or self.zh)
