"""Correlation keys as texts (BPMN 2.0.2 section 8.4.2): what a subscription waits under and what a message brings are compared as such.

Which expressions give the values is a matter of the diagram (`engine.bpmn.correlation`); here is only what both sides of the comparison share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.errors import BpmnError, ExpressionError
from engine.model.values import Json, canonical, keepable, sha256


def key_of(values: Sequence[Json]) -> str:
    """One value as its text, several as the canonical JSON list of their texts; what no column holds as its hash. 7 and "7" are the same key."""
    texts = [str(value) for value in values]
    return bounded(texts[0] if len(texts) == 1 else canonical(texts).decode())


def bounded(text: str) -> str:
    """A key that can be stored and still differs from every other one."""
    return text if keepable(text) else f"sha256:{sha256(text.encode('utf-8', 'surrogatepass'))}"


def retrieved(paths: Sequence[str], evaluate: Callable[[str], Json]) -> list[Json] | None:
    """The values of the paths; None when one of them cannot be evaluated or has no value: then there is no key."""
    values: list[Json] = []
    for path in paths:
        try:
            value = evaluate(path)
        except (ExpressionError, BpmnError):
            return None
        if value is None:
            return None
        values.append(value)
    return values
