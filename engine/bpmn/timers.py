"""Timer texts of diagrams: literal or expression? The arithmetic is `engine.model.schedule`."""

from __future__ import annotations

import re
from datetime import datetime

from engine.model.schedule import Plan
from engine.model.values import iso

_LITERAL = re.compile(r"^(R-?\d*/|[+-]?P[\dT]|\d{4}-?(\d\d|W\d\d))")
_BY_MONTHS = re.compile(r"^(R\d*)/(P[^T]*[YM].*)$")


def looks_iso(text: str) -> bool:
    """Is it meant as a literal (and not as an expression)?"""
    return bool(_LITERAL.match(text.strip()))


def unquoted(text: str) -> str:
    """A time without the quotes of a literal expression in either language: that of a start event, for which no variables exist."""
    return text.removeprefix("=").strip().strip("\"'")


def anchored(plan: Plan, now: datetime) -> Plan:
    """A cycle of months gets its beginning written into its text, so that 31 January, 28 February are followed by 31 March."""
    match = _BY_MONTHS.match(plan.text)
    return plan if match is None else Plan(plan.due, plan.left, f"{match[1]}/{iso(now)}/{match[2]}")
