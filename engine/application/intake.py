"""What commands bring: texts that not every database keeps are refused before anything is read or written, whichever field holds them.

Variables, payloads and plans are JSON, kept as bytes, and may hold any character that JSON may.
"""

from __future__ import annotations

from dataclasses import fields

from engine.model.commands import Command
from engine.model.values import key_text, whole_text

REQUEST_ID = 128


def require_whole(command: Command, request_id: str | None) -> None:
    """Raises InvalidInput, and LimitExceeded for a request id that is too long."""
    for name in _fields(command):
        value = getattr(command, name)
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, str):
                whole_text(one, name)
    if request_id is not None:
        key_text(request_id, "the request id", REQUEST_ID)


def _fields(command: Command) -> tuple[str, ...]:
    """Looked up once for each kind: completions ask all the time."""
    kind = type(command)
    if kind not in _known:
        _known[kind] = tuple(one.name for one in fields(command))
    return _known[kind]


_known: dict[type[object], tuple[str, ...]] = {}
