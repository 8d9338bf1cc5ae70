"""Lists by key: opaque cursors, rows that follow one, and counting that stops."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.errors import InvalidInput
from engine.model.values import canonical, moment, parse

LARGEST = 200  # rows of a page


def page_size(wanted: int) -> int:
    """Between one row and the largest page."""
    return min(max(wanted, 1), LARGEST)


def encode_cursor(*parts: Any) -> str:
    """An opaque text for `?cursor=`."""
    return base64.urlsafe_b64encode(canonical(list(parts))).decode().rstrip("=")


def decode_cursor(cursor: str | None, *kinds: type) -> list[Any] | None:
    """The parts of a cursor, of these kinds (datetime: an ISO text). Raises InvalidInput for a text that is no cursor of this list."""
    if not cursor:
        return None
    try:
        parts = parse(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [_cursor_part(part, kind) for part, kind in zip(parts, kinds, strict=True)]
    except (ValueError, TypeError, OverflowError, InvalidInput) as exc:
        raise InvalidInput("This page address is not valid; start from the first page.") from exc


def _cursor_part(part: Any, kind: type) -> Any:
    if kind is datetime and isinstance(part, str):
        return moment(part)
    if type(part) is not kind or (isinstance(part, int) and abs(part) >= 1 << 31) or (isinstance(part, str) and "\x00" in part):
        raise ValueError
    return part


def following(order: Sequence[sa.ColumnElement[Any]], after: Sequence[Any], *, descending: bool) -> sa.ColumnElement[bool]:
    """The rows beyond `after` in this order; both databases find the first of them in an index over the same columns."""
    here, there = sa.tuple_(*order), sa.tuple_(*(sa.literal(v, c.type) for v, c in zip(after, order, strict=True)))
    return here < there if descending else here > there


def ordered(order: Sequence[sa.ColumnElement[Any]], *, descending: bool) -> list[sa.ColumnElement[Any]]:
    """For ORDER BY."""
    return [c.desc() if descending else c.asc() for c in order]
