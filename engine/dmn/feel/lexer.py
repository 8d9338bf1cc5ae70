"""Tokens of FEEL text. Names are left in words: which words form one name depends on the names in scope, which the parser knows."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_TEXT = 50_000  # characters
_WORD = "\\w\u00b7\u0300-\u036f\u203f-\u2040\u200c\u200d\U00010000-\U000effff"
_TOKEN = re.compile(
    rf"""(?P<blank>(?:[\s\u200b\ufeff\u180e\u0085]|//[^\n]*|/\*.*?\*/)+)
    |(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
    |(?P<string>"(?:[^"\\]|\\.)*")
    |(?P<name>[{_WORD}]+)
    |(?P<symbol>\.\.|\*\*|!=|<=|>=|->|[-+*/=<>()\[\]{{}},:.?@';|&%$\#~^`!])""",
    re.VERBOSE | re.DOTALL,
)


class FeelSyntaxError(ValueError):
    """The text is not FEEL; the message says where."""


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is number, string, name, symbol or end; `start` and `end` are positions in the text."""

    kind: str
    text: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """All tokens, ending in one of kind `end`. Raises FeelSyntaxError."""
    if len(text) > MAX_TEXT:
        raise FeelSyntaxError(f"longer than {MAX_TEXT} characters")
    out: list[Token] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise FeelSyntaxError(f"unexpected {text[at]!r} at position {at + 1}")
        at = found.end()
        if found.lastgroup != "blank":
            out.append(Token(str(found.lastgroup), found.group(), found.start(), at))
    out.append(Token("end", "", at, at))
    return out


_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{6}|.)", re.DOTALL)
_PLAIN = {"n": "\n", "r": "\r", "t": "\t"}


def unquote(literal: str) -> str:
    """The text that a string literal means."""

    def one(found: re.Match[str]) -> str:
        body = found[1]
        if len(body) > 1:
            code = int(body[1:], 16)
            return chr(code) if code <= 0x10FFFF else found[0]
        return _PLAIN.get(body, body if body in "\"\\'" else found[0])

    text = _ESCAPE.sub(one, literal[1:-1])
    # A pair of \\u escapes may stand for one character beyond the basic plane.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if any("\ud800" <= c <= "\udfff" for c in text) else text
