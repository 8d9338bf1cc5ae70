"""JSON values and their canonical bytes.

Canonical form: UTF-8, keys sorted, no blanks, strings in Unicode NFC, no NaN or Infinity. Two equal values have equal
bytes on every machine; hashes are taken over them.
"""

from __future__ import annotations

import hashlib
import json
import json.encoder
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from engine.errors import InvalidInput, LimitExceeded

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None

_encoder = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _writer() -> Callable[[Any], str]:
    """`_encoder.encode` without what it does in Python before the encoder in C begins, which takes as long as writing a small value."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return _encoder.encode
    rest = _encoder.default, json.encoder.encode_basestring, None, ":", ",", True, False, False
    return lambda value: "".join(make({}, *rest)(value, 0))


_write = _writer()


def canonical(value: Any) -> bytes:
    """Canonical bytes of a JSON value. Raises InvalidInput for what JSON cannot hold (NaN, foreign types)."""
    try:
        text = _write(value)
    except (ValueError, TypeError, RecursionError) as exc:
        raise InvalidInput(f"not a JSON value: {exc}") from exc
    if not text.isascii() and not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    try:
        return text.encode()
    except UnicodeEncodeError as exc:
        raise InvalidInput("text holds a lone surrogate") from exc


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise InvalidInput("a JSON object names a key twice")
    return out


def _no_constants(name: str) -> Any:
    raise InvalidInput(f"JSON does not know {name}")


_PLAIN = json.JSONDecoder()
_decoder = json.JSONDecoder(object_pairs_hook=_no_duplicates, parse_constant=_no_constants)


def parse(data: bytes | str) -> Any:
    """Strict JSON: refuses NaN, Infinity, duplicate keys, and nesting that Python cannot hold. Raises InvalidInput."""
    try:
        return _decoder.decode(data if isinstance(data, str) else data.decode(json.detect_encoding(data)))
    except (ValueError, RecursionError, UnicodeDecodeError) as exc:
        raise InvalidInput(f"not valid JSON: {exc}") from exc


def purify(value: Any) -> Any:
    """A fresh copy that holds only what canonical JSON holds: tuples become lists, strings become NFC."""
    return purified(canonical(value))


def purified(data: bytes) -> Any:
    """The value of canonical bytes."""
    return _PLAIN.decode(data.decode())


LONGEST = 255  # characters of a name or key that is kept in a column
UNKEEPABLE = re.compile(r"[\x00\ud800-\udfff]")  # NUL and halves of surrogate pairs: SQLite takes a NUL, PostgreSQL neither


def length(text: str) -> int:
    """Characters that have to be kept: of the longer one of the text as it is and in canonical form, in which records hold it."""
    return len(text) if text.isascii() else max(len(text), len(unicodedata.normalize("NFC", text)))


def keepable(text: str) -> bool:
    """Can every database hold it as a name or key?"""
    return length(text) <= LONGEST and UNKEEPABLE.search(text) is None


def key_text(text: str, what: str, limit: int = LONGEST) -> str:
    """A name or key from outside. Raises LimitExceeded for one that is too long, InvalidInput for control characters and lone surrogates."""
    if length(text) > limit:
        raise LimitExceeded(what=f"length of {what}", value=length(text), limit=limit)
    if any(c < " " or c == "\x7f" or "\ud800" <= c <= "\udfff" for c in text):
        raise InvalidInput(f"{what} holds a character that is not text")
    return text


def whole_text(text: str, what: str) -> str:
    """A text from outside, of any length. Raises InvalidInput for NUL and lone surrogates, which not every database keeps."""
    if UNKEEPABLE.search(text) is not None:
        raise InvalidInput(f"{what} holds a character that is not text")
    return text


def sha256(data: bytes) -> str:
    """Lower-case hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def iso(moment: datetime) -> str:
    """UTC with microseconds and Z: `2026-11-23T06:05:00.000000Z`; sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def moment(text: str) -> datetime:
    """Inverse of `iso`; also takes any ISO 8601 date-time with an offset."""
    return datetime.fromisoformat(text).astimezone(UTC)
