"""Lets the worker processes of one server count together. Called by the parent before it starts them, and before the library is imported."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # the library's own name for it


def share(data: Path | None) -> Path:
    """Name a folder for the counts, emptied of those of earlier runs. A folder that the environment names already is used as it is."""
    named = os.environ.get(VARIABLE)
    folder = Path(named) if named else (data / "metrics" if data is not None else Path(tempfile.mkdtemp(prefix="flowledger-metrics-")))
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("*.db"):
        left.unlink()
    os.environ[VARIABLE] = str(folder)
    return folder
