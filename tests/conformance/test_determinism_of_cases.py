"""Conformance cases give the same ids, traces and outcomes under every hash seed and in every order of writing, in processes of their own.

Here a third of them, always the same one; `test_cases.py` plays every case in another order of writing under the hash seed of its own process,
which is another one in every test run. All at once: `python -m tests.conformance.digest`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conformance.digest import read

ROOT = Path(__file__).parents[2]


def started(hash_seed: str, *options: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.conformance.digest", "--part", "3", *options], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )


def test_hash_seeds_and_the_order_of_elements_change_nothing() -> None:
    found = []
    for process in [started("1"), started("2", "--reordered", "3")]:
        out, _ = process.communicate()
        assert process.returncode == 0
        found.append(read(out))
    assert len(found[0]) > 180
    assert [name for name in {**found[0], **found[1]} if found[1].get(name) != found[0].get(name)] == []
