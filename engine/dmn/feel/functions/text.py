"""String functions (DMN 1.5, clause 10.3.4.3). Lengths and positions count Unicode characters, not bytes."""

from __future__ import annotations

from decimal import Decimal

from engine.dmn.feel.functions.conversion import whole
from engine.dmn.feel.functions.registry import Run, builtin
from engine.dmn.feel.pattern import compiled
from engine.dmn.feel.values import MAX_TEXT, FeelLimit, Value


def bounded(text: str) -> str:
    """The text, if it is not too long. Raises FeelLimit."""
    if len(text) > MAX_TEXT:
        raise FeelLimit(f"a text of more than {MAX_TEXT} characters")
    return text


@builtin("substring", "string:string, start position:number, length?:number")
def substring(_run: Run, text: str, start: Decimal, length: Decimal | None = None) -> Value:
    first = whole(start)
    if first == 0 or abs(first) > len(text) or (length is not None and length < 1):
        raise ValueError("no such part of the text")
    at = first - 1 if first > 0 else len(text) + first
    return text[at:] if length is None else text[at : at + int(length)]


@builtin("string length", "string:string")
def string_length(_run: Run, text: str) -> Value:
    return Decimal(len(text))


@builtin("upper case", "string:string")
def upper_case(_run: Run, text: str) -> Value:
    return text.upper()


@builtin("lower case", "string:string")
def lower_case(_run: Run, text: str) -> Value:
    return text.lower()


@builtin("substring before", "string:string, match:string")
def substring_before(_run: Run, text: str, match: str) -> Value:
    before, found, _ = text.partition(match) if match else ("", "", "")
    return before if found else ""


@builtin("substring after", "string:string, match:string")
def substring_after(_run: Run, text: str, match: str) -> Value:
    return text.partition(match)[2] if match else text


@builtin("contains", "string:string, match:string")
def contains(_run: Run, text: str, match: str) -> Value:
    return match in text


@builtin("starts with", "string:string, match:string")
def starts_with(_run: Run, text: str, match: str) -> Value:
    return text.startswith(match)


@builtin("ends with", "string:string, match:string")
def ends_with(_run: Run, text: str, match: str) -> Value:
    return text.endswith(match)


@builtin("matches", "input:string, pattern:string, flags?:string|null")
def matches(run: Run, text: str, pattern: str, flags: str | None = None) -> Value:
    return compiled(pattern, flags or "").search(text, 0, run.step) is not None


@builtin("replace", "input:string, pattern:string, replacement:string, flags?:string|null")
def replace(run: Run, text: str, pattern: str, replacement: str, flags: str | None = None) -> Value:
    return bounded(compiled(pattern, flags or "").replace(text, replacement, run.step, MAX_TEXT))


@builtin("split", "string:string, delimiter:string")
def split(run: Run, text: str, delimiter: str) -> Value:
    return compiled(delimiter, "").split(text, run.step)


@builtin("string join", "list:list, delimiter?:string|null")
@builtin("string join", "list:list, delimiter:string|null, prefix:string|null, suffix:string|null")
def string_join(_run: Run, items: list[Value], delimiter: str | None = None, prefix: str | None = None, suffix: str | None = None) -> Value:
    if any(item is not None and not isinstance(item, str) for item in items):
        raise ValueError("an item is no text")
    texts = [item for item in items if item is not None]
    size = sum(len(item) for item in texts) + len(delimiter or "") * len(texts)
    if size > MAX_TEXT:
        raise FeelLimit(f"a text of more than {MAX_TEXT} characters")
    return bounded((prefix or "") + (delimiter or "").join(texts) + (suffix or ""))
