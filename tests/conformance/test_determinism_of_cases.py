"""All conformance cases give the same ids, traces and outcomes under every hash seed, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conformance.digest import read

ROOT = Path(__file__).parents[2]


def started(hash_seed: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-m", "tests.conformance.digest"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def test_hash_seeds_change_nothing() -> None:
    found = []
    for process in [started(seed) for seed in ("1", "2")]:
        out, _ = process.communicate()
        assert process.returncode == 0
        found.append(read(out))
    assert len(found[0]) > 500
    assert [name for name in found[0] if found[0][name] != found[1].get(name)] == []
