"""Texts of a diagram that may hold expressions: `literal`, `${expression}`, `#{expression}`, `=expression`, or literal text with `${...}` inside.

Only the notation is read here; the expressions are evaluated by `engine.bpmn.evaluation`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

OPEN_ENDS = (":", "(", "[", "{", ",", "\\", '"""', "'''")  # what an indented line may follow


@dataclass(frozen=True, slots=True)
class Template:
    """`parts` are (is it an expression, text). One expression alone keeps the type of its value, else the parts join as text."""

    text: str
    parts: tuple[tuple[bool, str], ...]

    @property
    def expressions(self) -> tuple[str, ...]:
        return tuple(text for is_expression, text in self.parts if is_expression)

    @property
    def literal(self) -> str | None:
        """The text when nothing has to be evaluated, else None."""
        return None if self.expressions else "".join(text for _, text in self.parts)


def template(text: str | None) -> Template | None:
    """Read a text whose default is to be literal; None for nothing."""
    if text is None or not text.strip():
        return None
    stripped = text.strip()
    if stripped.startswith("=") and not stripped.startswith("=="):
        return Template(text, ((True, stripped[1:].strip()),))
    return Template(text, tuple(_parts(stripped)))


def expression(text: str) -> Template:
    """A text that is an expression as a whole (wrappers are taken off)."""
    return Template(text, ((True, source(text)),))


def source(text: str) -> str:
    """The bare expression of a condition or script value: blanks, `=`, `${...}` and `#{...}` around it are removed."""
    bare = text.strip()
    if bare.startswith("=") and not bare.startswith("=="):
        bare = bare[1:].strip()
    if bare[:2] in ("${", "#{") and _closing(bare, 1) == len(bare) - 1:
        bare = bare[2:-1].strip()
    return bare


def code(text: str) -> str | None:
    """A script freed of the indentation that it has from standing inside XML; None for an empty one."""
    lines = textwrap.dedent(text.expandtabs().strip("\n")).split("\n")
    rest = [line for line in lines[1:] if line.strip()]
    indent = min((len(line) - len(line.lstrip()) for line in rest), default=0)
    if indent and not lines[0].rstrip().endswith(OPEN_ENDS):  # the first line stands directly behind the tag
        lines[1:] = [line[indent:] for line in lines[1:]]
    return "\n".join(lines).strip() or None


def _parts(text: str) -> Iterator[tuple[bool, str]]:
    start = 0
    while start < len(text):
        begin = min((i for i in (text.find("${", start), text.find("#{", start)) if i >= 0), default=-1)
        end = _closing(text, begin + 1) if begin >= 0 else -1
        if end < 0:
            yield False, text[start:]
            return
        if begin > start:
            yield False, text[start:begin]
        yield True, text[begin + 2 : end].strip()
        start = end + 1


def _closing(text: str, opening: int) -> int:
    """Index of the brace that closes the one at `opening`; braces inside quotes do not count. -1: none."""
    depth, quote = 0, ""
    for index in range(opening, len(text)):
        char = text[index]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0:
                return index
    return -1
