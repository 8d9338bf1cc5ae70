"""Recomputes a report's figures from its frozen snapshot and compares them with those that the report shows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from engine.plugins import sha256
from processes.service_report.metrics import Figures, compute


class SnapshotDamaged(ValueError):
    """The bytes of the snapshot are missing or no longer have its SHA-256."""


def load(blobs: Any, digest: str) -> dict[str, Any]:
    """The snapshot by its SHA-256, checked. Raises SnapshotDamaged."""
    data = blobs.get(digest)
    if data is None or sha256(data) != digest:
        raise SnapshotDamaged(f"the snapshot {digest} is missing or damaged")
    return dict(json.loads(data))


def recompute(snapshot: Mapping[str, Any]) -> Figures:
    """The figures that the snapshot gives: `recompute(snapshot) == figures` for every report."""
    return compute(snapshot)


def compare(shown: Any, again: Any) -> tuple[int, int]:
    """How many single values that the report shows come out the same, of how many. What a later version computes besides does not count."""
    found = dict(_leaves(again, ()))
    left = list(_leaves(shown, ()))
    missing = object()
    return sum(found.get(path, missing) == value for path, value in left), len(left)


def _leaves(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, Mapping) and value:
        for key, each in value.items():
            yield from _leaves(each, (*path, key))
    elif isinstance(value, list | tuple) and value:
        for i, each in enumerate(value):
            yield from _leaves(each, (*path, i))
    else:
        yield path, value
