"""Normal form of single values and their texts: numbers, moments, plain text. The same for JSON from programs and text from people."""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal

from forms import limits

_NUMBER_CHARACTERS = 400  # the smallest number that JSON readers hold has some 330 digits when written without an exponent
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # tab and line feed stay; bidi overrides do not
_PLAIN = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)\Z", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?\Z", re.ASCII)
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?\Z", re.ASCII)
_LOCAL = re.compile(r"(.+?)[T\s]+(\d{1,2}):(\d{2})(?::(\d{2})(\.\d{1,6})?)?\Z", re.ASCII)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII)


def plain_text(value: str, *, multiline: bool) -> str:
    """Unicode NFC, line feeds only, no outer blanks (of a text area: no outer empty lines and no trailing blanks)."""
    text = unicodedata.normalize("NFC", value).replace("\r\n", "\n").replace("\r", "\n")
    return text.rstrip().lstrip("\n") if multiline else text.strip()


def holds_control(text: str) -> bool:
    """Whether the text holds what nobody can see or no JSON can carry: control characters, bidi overrides, lone surrogates."""
    return _CONTROL.search(text) is not None or any("\ud800" <= letter <= "\udfff" for letter in text)


def normal_number(value: float) -> int | float | None:
    """A whole number as int; None where the magnitude is beyond the limit or it is no number at all."""
    if (isinstance(value, float) and not math.isfinite(value)) or abs(value) > limits.NUMBER:
        return None
    return int(value) if value == int(value) else value


class BadNumber(ValueError):
    """The text is not a number; `message_id` says which way."""

    def __init__(self, message_id: str) -> None:
        super().__init__(message_id)
        self.message_id = message_id


def read_number(text: str, units: tuple[str, ...], *, integer: bool) -> int | float:
    """A number that a person typed: full-width digits, thousands separators, its unit behind it. Raises BadNumber; never guesses."""
    plain = unicodedata.normalize("NFKC", text).strip().replace("−", "-").replace("，", ",")
    for unit in sorted((unicodedata.normalize("NFKC", each) for each in units if each), key=len, reverse=True):
        if plain.casefold().endswith(unit.casefold()):
            plain = plain[: -len(unit)].rstrip()
            break
    plain = re.sub(r"(?<=\d)\s(?=\d{3}(\D|\Z))", ",", plain) if " " in plain else plain
    if _GROUPED.match(plain):
        plain = plain.replace(",", "")
    elif "," in plain and _PLAIN.match(plain.replace(",", "")):
        raise BadNumber("form.number.grouping")
    if not _PLAIN.match(plain):
        raise BadNumber("form.type.integer" if integer else "form.type.number")
    if len(plain) > _NUMBER_CHARACTERS:
        raise BadNumber("form.number.size")
    value = normal_number(float(plain)) if "." in plain else normal_number(int(plain))
    if value is None:
        raise BadNumber("form.number.size")
    return value


def write_number(value: float) -> str:
    """The number in plain digits, without exponent; `read_number` gives the same number back."""
    return str(value) if isinstance(value, int) else format(Decimal(repr(value)), "f")


def read_date(text: str) -> str | None:
    """`2026-01-05` of a date in one of the usual ways to write it (2026/1/5, 2026.1.5, 2026年1月5日); None where it is no real date."""
    found = _DATE.match(unicodedata.normalize("NFKC", text).strip())
    if not found:
        return None
    try:
        return date(*(int(part) for part in found.groups())).isoformat()
    except ValueError:
        return None


def read_moment(text: str, zone: tzinfo) -> str | None:
    """A moment as UTC, `2026-11-23T06:05:00Z`, of a local date and time or of one that carries its offset; None where it is none."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if _RFC3339.match(plain):
        return normal_moment(plain)
    found = _LOCAL.match(plain)
    day = read_date(found[1]) if found else None
    if found is None or day is None:
        return None
    try:
        micro = int(float(found[5] or 0) * 1_000_000 + 0.5)
        local = datetime.fromisoformat(day).replace(hour=int(found[2]), minute=int(found[3]), second=int(found[4] or 0), microsecond=micro)
        return _utc(local.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        return None


def normal_moment(text: str) -> str | None:
    """The RFC 3339 moment in UTC; None where the text is none. Fractions keep at most six digits."""
    if not _RFC3339.match(text):
        return None
    try:
        return _utc(datetime.fromisoformat(text.upper()))
    except (ValueError, OverflowError):
        return None


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def write_moment(text: str, zone: tzinfo) -> str:
    """The value of a `datetime-local` input for a stored moment; the text itself where it is no moment."""
    normal = normal_moment(text)
    if normal is None:
        return text
    try:
        local = datetime.fromisoformat(normal).astimezone(zone).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return text
    whole = not local.second and not local.microsecond
    return local.isoformat(timespec="minutes" if whole else "auto")
