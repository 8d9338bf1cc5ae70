"""Where the Chinese font for PDF and charts lies: bundled with the wheel by the build, or a folder that the installation names."""

from __future__ import annotations

import os
from pathlib import Path

FAMILY = "Noto Sans SC"
VARIABLE = "FLOWLEDGER_FONTS"


def folder() -> Path | None:
    """The folder of the environment variable FLOWLEDGER_FONTS, else the bundled one; None when neither holds a font (system fonts then)."""
    named = os.environ.get(VARIABLE)
    for candidate in ([Path(named)] if named else []) + [Path(__file__).parent / "fonts"]:
        if any(candidate.glob("*.ttf")) or any(candidate.glob("*.otf")):
            return candidate
    return None
