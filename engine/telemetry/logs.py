"""Log lines, as text for people or as one JSON object a line for programs.

What somebody typed must not get into a log. So a line holds what its call names and fields from a fixed list; of an exception it tells the
class and the places, but not the message (a database's message quotes values); of other libraries' lines it keeps the template and leaves
the arguments out. Queries of addresses are never logged, and of an address only the route.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

FORMATS = ("text", "json")
LEVELS = ("debug", "info", "warning", "error")

#: Names of `extra` that reach a line; anything else is left out.
FIELDS = (
    *("request_id", "actor", "method", "route", "status", "duration_ms", "command", "outcome"),
    *("instance", "job", "kind", "element", "handler", "attempt"),
)
_OURS = ("flowledger", "_granian")
FRAMES = 40
CHARACTERS = 2000

_bound: ContextVar[Mapping[str, Any]] = ContextVar("flowledger_log_fields", default={})  # noqa: B039 - never changed, always replaced


@contextmanager
def bound(**fields: Any) -> Iterator[None]:
    """Every line within the block carries these fields."""
    token = _bound.set({**_bound.get(), **fields})
    try:
        yield
    finally:
        _bound.reset(token)


def bind(**fields: Any) -> None:
    """Every further line of this thread (or task) carries these fields and no other bound ones: for requests, which have no block."""
    _bound.set(fields)


class Line(logging.Formatter):
    """What both formats share: the parts of a line."""

    def parts(self, record: logging.LogRecord) -> dict[str, Any]:
        """Time, level, logger, message, fields, error."""
        ours = record.name.partition(".")[0] in _OURS
        out: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": (record.getMessage() if ours else str(record.msg))[:CHARACTERS],
        }
        out |= {name: value for name in FIELDS if (value := getattr(record, name, _bound.get().get(name))) is not None}
        if record.exc_info and record.exc_info[1] is not None:
            out |= {"error": _classes(record.exc_info[1]), "stack": _places(record.exc_info[2])}
        return out


class JsonLines(Line):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """No line feed can come out of a value: JSON escapes it."""
        return json.dumps(self.parts(record), ensure_ascii=False, default=str)


class TextLines(Line):
    """`time level logger message name=value ...`; places of an exception on lines of their own."""

    def format(self, record: logging.LogRecord) -> str:
        """Control characters are escaped, so that nobody can forge a line."""
        parts = self.parts(record)
        stack = parts.pop("stack", [])
        head = " ".join(str(parts.pop(name)) for name in ("time", "level", "logger", "message"))
        line = " ".join((head, *(f"{name}={value}" for name, value in parts.items())))
        return "\n".join((_plain(line), *(f"    {_plain(place)}" for place in stack)))


def _plain(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _classes(error: BaseException) -> str:
    """The class of the exception and of what it came from, outermost first."""
    names: list[str] = []
    at: BaseException | None = error
    while at is not None and len(names) < 10:
        names.append(type(at).__qualname__)
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    return " <- ".join(names)


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace, limit=-FRAMES) if trace is not None else []
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def configure(log_format: str = "text", level: str | None = None, stream: TextIO | None = None) -> None:
    """Send every log line of this process to standard error in this format. Level: text shows warnings, JSON also each request, if none is given."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if log_format == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)  # other libraries
    logging.getLogger("flowledger").setLevel((level or ("info" if log_format == "json" else "warning")).upper())
    server = logging.getLogger("_granian")
    server.handlers[:], server.propagate = [], True
    logging.captureWarnings(capture=True)
