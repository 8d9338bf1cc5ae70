"""Camunda's mapDecisionResult: in which shape a business-rule task gives the result of its decision.

A decision here gives a value for a table of one output and a context for one of several; Camunda's shapes are made of rows, contexts of all outputs.
"""

from __future__ import annotations

from typing import Any

from engine.bpmn.failure import ElementFailure

SHAPES = ("singleEntry", "singleResult", "collectEntries", "resultList")


def shaped(value: Any, shape: str | None, output: str) -> Any:
    """The result in that shape; as the decision gave it without one. `output`: name of the only output. Raises ElementFailure when it does not fit."""
    if shape not in SHAPES:
        return value
    rows = _rows(value, output)
    if shape == "resultList":
        return rows
    if shape == "collectEntries":
        return [_entry(row, shape) for row in rows]
    if len(rows) > 1:
        raise ElementFailure(f"the decision gave {len(rows)} results, and mapDecisionResult {shape} takes one")
    if not rows:
        return None
    return rows[0] if shape == "singleResult" else _entry(rows[0], shape)


def _rows(value: Any, output: str) -> list[dict[str, Any]]:
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [one if isinstance(one, dict) else {output: one} for one in values]


def _entry(row: dict[str, Any], shape: str) -> Any:
    if len(row) > 1:
        raise ElementFailure(f"the decision gave {len(row)} outputs, and mapDecisionResult {shape} takes one")
    return next(iter(row.values()), None)
