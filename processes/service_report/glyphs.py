"""Which characters the font of the PDF has. PDF/A allows no character without a glyph: the others are written as 〔U+1F600〕, never lost."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from fontTools.ttLib import TTFont  # type: ignore[import-untyped]


@lru_cache(maxsize=4)
def coverage(fonts: tuple[tuple[str, int], ...]) -> frozenset[int]:
    """Code points of the fonts (path, index in a collection) together."""
    found: set[int] = set()
    for path, index in fonts:
        with TTFont(path, fontNumber=index, lazy=True) as font:
            found.update(font.getBestCmap() or ())
    return frozenset(found)


def printable(value: Any, known: frozenset[int]) -> Any:
    """The value (texts, lists, mappings) with every character that has no glyph spelled out; control characters are dropped."""
    if isinstance(value, str):
        return value if all(ord(ch) in known for ch in value) else "".join(_spelled(value, known))
    if isinstance(value, dict):
        return {key: printable(each, known) for key, each in value.items()}
    if isinstance(value, list):
        return [printable(each, known) for each in value]
    return value


def _spelled(text: str, known: frozenset[int]) -> Iterable[str]:
    for ch in text:
        if ch == "\n" or ord(ch) in known:
            yield ch
        elif ch == "\t":
            yield " "
        elif unicodedata.category(ch) not in ("Cc", "Cf", "Cs"):
            yield f"〔U+{ord(ch):04X}〕"
