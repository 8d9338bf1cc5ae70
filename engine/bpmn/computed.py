"""What a diagram computes and databases keep in columns: names of groups, persons, messages, handlers, forms; priorities.

Every database has the same bounds: what one of them could not hold is a failure of the element on all of them, before anything is recorded.
"""

from __future__ import annotations

from typing import Any

from engine.bpmn.failure import ElementFailure
from engine.model.values import LONGEST, UNKEEPABLE, length

GREATEST = 2**31 - 1
SHOWN = 40  # characters of a name that is refused


def fault(text: str) -> str | None:
    """What keeps a text from being a name; None: nothing does."""
    if length(text) > LONGEST:
        return f"has {length(text)} characters, and {LONGEST} are the most: {text[:SHOWN]!r}..."
    if UNKEEPABLE.search(text) is not None:
        return f"holds a character that is no text (NUL or half of a surrogate pair): {text[:SHOWN]!r}"
    return None


def named(value: Any, what: str) -> str:
    """The value as text. Raises ElementFailure for what no column holds."""
    text = str(value)
    wrong = fault(text)
    if wrong is not None:
        raise ElementFailure(f"{what} {wrong}")
    return text


def optional(value: Any, what: str) -> str | None:
    """The same; None stays None."""
    return None if value is None else named(value, what)


def names(values: list[Any], what: str) -> tuple[str, ...]:
    """Groups, persons or elements: each value a text (commas separate) or a list of texts. Raises ElementFailure."""
    out: list[str] = []
    for value in values:
        parts = value if isinstance(value, list) else str(value).split(",") if value is not None else []
        out += [named(str(part).strip(), what) for part in parts if str(part).strip()]
    return tuple(dict.fromkeys(out))


def whole(value: Any) -> int:
    """A priority. Raises ElementFailure."""
    try:
        found = int(str(value).strip())
    except ValueError:
        raise ElementFailure(f"the priority {value!r} is no whole number") from None
    if not -GREATEST <= found <= GREATEST:
        raise ElementFailure(f"the priority {found} does not lie between -{GREATEST} and {GREATEST}")
    return found
