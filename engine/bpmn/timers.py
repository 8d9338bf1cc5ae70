"""Timer texts of diagrams: literal or expression, and of the kind that their tag names? The arithmetic is `engine.model.schedule`."""

from __future__ import annotations

import re
from datetime import datetime

from engine.errors import InvalidInput
from engine.model.cron import looks_cron
from engine.model.schedule import Plan, first, kind

_LITERAL = re.compile(r"^(R-?\d*/|[+-]?P[\dT]|\d{4}-?(\d\d|W\d\d))")
WANTED = {
    "date": "timeDate takes a date such as 2026-12-31T08:00:00Z",
    "duration": "timeDuration takes a duration such as PT15M",
    "cycle": "timeCycle takes a cycle such as R3/PT1H or a cron text",
}
CHAIN = 100
"""So many timers may follow each other without a second in between: more of them are an endless loop."""


def looks_iso(text: str) -> bool:
    """Is it meant as a literal (and not as an expression)?"""
    return bool(_LITERAL.match(text.strip())) or looks_cron(text)


def unquoted(text: str) -> str:
    """A time without the quotes of a literal expression in either language: that of a start event, for which no variables exist."""
    return text.removeprefix("=").strip().strip("\"'")


def planned(form: str, text: str, now: datetime) -> Plan:
    """When a timer is due first; `form` is what its tag names (BPMN 2.0.2 table 10.101). Raises InvalidInput."""
    if kind(text) != form:
        raise InvalidInput(f"{text!r} is of another kind: {WANTED[form]}.")
    if form == "duration" and text.strip().startswith("-"):
        raise InvalidInput(f"The duration {text!r} leads backwards.")
    return first(text, now)
