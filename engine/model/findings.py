"""What an examination of an installation finds: in Chinese and English, with what to do. Packs bring findings of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

OK, WARNING, ERROR = "ok", "warning", "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer of one check. `found` and `advice` by language (`zh`, `en`); `data` holds figures for programs."""

    check: str
    level: str  # ok warning error
    found: Mapping[str, str]
    advice: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)


def fine(check: str, zh: str, en: str, **data: Any) -> Finding:
    """Nothing to do."""
    return Finding(check, OK, {"zh": zh, "en": en}, {}, data)


def warning(check: str, found: tuple[str, str], advice: tuple[str, str], **data: Any) -> Finding:
    """It works, but somebody should look. Texts are (Chinese, English)."""
    return Finding(check, WARNING, _both(found), _both(advice), data)


def fault(check: str, found: tuple[str, str], advice: tuple[str, str], **data: Any) -> Finding:
    """It does not work, or evidence is in danger. Texts are (Chinese, English)."""
    return Finding(check, ERROR, _both(found), _both(advice), data)


def _both(texts: tuple[str, str]) -> Mapping[str, str]:
    return {"zh": texts[0], "en": texts[1]}
