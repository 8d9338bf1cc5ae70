"""Makes the clock of this process wrong by what a file says (seconds, as text), forwards or backwards, while it runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine import bootstrap


def shift(offset: Path) -> None:
    """From now on `SystemClock` adds what the file holds at that moment."""

    def now(_clock: bootstrap.SystemClock) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=float(offset.read_text(encoding="ascii")))

    bootstrap.SystemClock.now = now  # type: ignore[method-assign]
