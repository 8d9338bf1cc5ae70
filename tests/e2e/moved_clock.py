"""Runs `flowledger ...` with a clock that a file sets forward (seconds, as text): what waits for the end of a day is tested on that day.

Only the clock differs from the installed command; the server, its threads and its database are the real ones.
"""

from __future__ import annotations

import sys
from pathlib import Path

from engine import cli
from tests.support.clock import shift

if __name__ == "__main__":
    shift(Path(sys.argv.pop(1)))
    cli.main()
