"""Lets the worker processes of one server count together. Called by the parent before it starts them, and before the library is imported."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # the library's own name for it


def share(data: Path | None) -> Path:
    """A fresh folder for the counts, removed when this process ends. One that the environment names already is used as it is."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    if data is not None:
        data.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="metrics-", dir=data))  # fresh: two servers may share a data folder
    owner = os.getpid()
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == owner else None)
    os.environ[VARIABLE] = str(folder)
    return folder
