"""Runs `flowledger ...` with a clock that a file sets forward (seconds, as text): what waits for the end of a day is tested on that day.

Only the clock differs from the installed command; the server, its threads and its database are the real ones.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine import bootstrap, cli

OFFSET = Path(sys.argv.pop(1))


def now(_clock: bootstrap.SystemClock) -> datetime:
    """Wall time and what the file adds."""
    return datetime.now(UTC) + timedelta(seconds=float(OFFSET.read_text(encoding="ascii")))


if __name__ == "__main__":
    bootstrap.SystemClock.now = now  # type: ignore[method-assign]
    cli.main()
