"""Reads regular expressions of XPath into trees: `("set", predicate)`, `("sequence", [...])`, `("either", [...])`, `("group", n, tree)`,
`("repeat", tree, low, high or None, greedy)`, `("back", n)`, `("start",)`, `("end",)`. Matches nothing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any, TypeAlias

Tree: TypeAlias = tuple[Any, ...]
Test: TypeAlias = Callable[[str], bool]

MAX_PATTERN = 1000
MAX_REPEAT = 1000
MAX_DEPTH = 40
_BLOCKS = {
    "IsBasicLatin": (0x0, 0x7F),
    "IsLatin-1Supplement": (0x80, 0xFF),
    "IsGreek": (0x370, 0x3FF),
    "IsCyrillic": (0x400, 0x4FF),
    "IsHiragana": (0x3040, 0x309F),
    "IsKatakana": (0x30A0, 0x30FF),
    "IsCJKUnifiedIdeographs": (0x4E00, 0x9FFF),
}
_PLAIN = {"n": "\n", "r": "\r", "t": "\t"}


class PatternError(ValueError):
    """The pattern is no regular expression of XPath."""


def parse(pattern: str, flags: str) -> tuple[Tree, int]:
    """The tree and the number of capturing groups. Raises PatternError."""
    if len(pattern) > MAX_PATTERN:
        raise PatternError("the pattern is too long")
    reader = _Reader(pattern, flags)
    if "q" in flags:
        return ("sequence", [("set", reader.one(char)) for char in pattern]), 0
    tree = reader.either(0)
    if reader.at < len(reader.text):
        raise PatternError("an unmatched bracket")
    return tree, reader.groups


class _Reader:
    def __init__(self, pattern: str, flags: str) -> None:
        self.text = _without_blanks(pattern) if "x" in flags and "q" not in flags else pattern
        self.fold = "i" in flags
        self.dot_all = "s" in flags
        self.at = 0
        self.groups = 0
        self.open: set[int] = set()

    def peek(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""

    def next(self) -> str:
        if self.at >= len(self.text):
            raise PatternError("the pattern ends too early")
        self.at += 1
        return self.text[self.at - 1]

    def takes(self, text: str) -> bool:
        if self.text.startswith(text, self.at):
            self.at += len(text)
            return True
        return False

    # --- structure --------------------------------------------------------------------------------------------------
    def either(self, depth: int) -> Tree:
        if depth > MAX_DEPTH:
            raise PatternError("nested too deeply")
        choices = [self.sequence(depth)]
        while self.takes("|"):
            choices.append(self.sequence(depth))
        return choices[0] if len(choices) == 1 else ("either", choices)

    def sequence(self, depth: int) -> Tree:
        parts: list[Tree] = []
        while self.peek() not in ("", "|", ")"):
            parts.append(self.repeated(self.atom(depth)))
        return ("sequence", parts)

    def atom(self, depth: int) -> Tree:
        char = self.next()
        if char == "(":
            return self.group(depth)
        if char == ".":
            return ("set", (lambda _c: True) if self.dot_all else (lambda c: c not in "\n\r"))
        if char == "^":
            return ("start",)
        if char == "$":
            return ("end",)
        if char == "[":
            return ("set", self.char_class(depth))
        if char == "\\":
            return self.escaped()
        if char in "*+?{}])":
            raise PatternError(f"unexpected {char}")
        return ("set", self.one(char))

    def group(self, depth: int) -> Tree:
        if self.takes("?:"):
            tree = self.either(depth + 1)
        elif self.peek() == "?":
            raise PatternError("unknown kind of group")
        else:
            self.groups += 1
            number = self.groups
            self.open.add(number)
            tree = ("group", number, self.either(depth + 1))
            self.open.discard(number)
        if not self.takes(")"):
            raise PatternError("an unmatched bracket")
        return tree

    def escaped(self) -> Tree:
        char = self.peek()
        if char and char in "123456789":
            self.at += 1
            number = int(char)
            while self.peek() and self.peek() in "0123456789" and number * 10 + int(self.peek()) <= self.groups:
                number = number * 10 + int(self.next())
            if number > self.groups or number in self.open:
                raise PatternError("a reference to no group")
            return ("back", number)
        return ("set", self.escape())

    def repeated(self, tree: Tree) -> Tree:
        low: int
        high: int | None
        if self.takes("*"):
            low, high = 0, None
        elif self.takes("+"):
            low, high = 1, None
        elif self.takes("?"):
            low, high = 0, 1
        elif self.takes("{"):
            low, high = self.bounds()
        else:
            return tree
        greedy = not self.takes("?")
        if self.peek() and self.peek() in "*+?{":
            raise PatternError("a repetition of a repetition")
        return ("repeat", tree, low, high, greedy)

    def bounds(self) -> tuple[int, int | None]:
        body, found, _ = self.text[self.at :].partition("}")
        first, comma, second = body.partition(",")
        if not found or not first.isascii() or not first.isdigit() or (second and not (second.isascii() and second.isdigit())):
            raise PatternError("a wrong repetition")
        self.at += len(body) + 1
        low = int(first[:6])
        high = low if not comma else int(second[:6]) if second else None
        if low > MAX_REPEAT or (high is not None and not low <= high <= MAX_REPEAT):
            raise PatternError("a repetition out of range")
        return low, high

    # --- characters -------------------------------------------------------------------------------------------------
    def one(self, char: str) -> Test:
        if not self.fold:
            return lambda c: c == char
        forms = {char, char.lower(), char.upper(), char.casefold()}
        return lambda c: c in forms or c.casefold() in forms

    def span(self, low: str, high: str) -> Test:
        if not self.fold:
            return lambda c: low <= c <= high
        return lambda c: low <= c <= high or low <= c.lower() <= high or low <= c.upper() <= high

    def escape(self) -> Test:
        """A character class or a single character after a backslash."""
        char = self.next()
        if char in _PLAIN:
            return self.one(_PLAIN[char])
        if char in "\\|.?*+(){}$-[]^":
            return self.one(char)
        if char in "pP":
            test = self.category()
        elif char.lower() in _CLASSES:
            test = _CLASSES[char.lower()]
        else:
            raise PatternError(f"unknown escape \\{char}")
        return (lambda c: not test(c)) if char.isupper() else test

    def category(self) -> Test:
        if not self.takes("{"):
            raise PatternError("a category needs braces")
        name, found, _ = self.text[self.at :].partition("}")
        self.at += len(name) + 1
        if name in _BLOCKS:
            low, high = _BLOCKS[name]
            return lambda c: low <= ord(c) <= high
        if not found or len(name) not in (1, 2) or name[0] not in "LMNPZSC":
            raise PatternError(f"unknown category {name[:20]}")
        return lambda c: unicodedata.category(c).startswith(name)

    def char_class(self, depth: int) -> Test:
        if depth > MAX_DEPTH:
            raise PatternError("nested too deeply")
        inverted = self.takes("^")
        tests: list[Test] = []
        minus: Test | None = None
        while True:
            if self.takes("]"):
                if not tests:
                    raise PatternError("an empty class")
                break
            if tests and self.takes("-["):
                minus = self.char_class(depth + 1)
                if not self.takes("]"):
                    raise PatternError("a subtraction ends the class")
                break
            tests.append(self.class_part())

        def test(char: str) -> bool:
            found = any(one(char) for one in tests) != inverted
            return found and not (minus is not None and minus(char))

        return test

    def class_part(self) -> Test:
        low = self.class_char()
        if not isinstance(low, str):
            return low
        if self.peek() == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", "["):
            self.at += 1
            high = self.class_char()
            if not isinstance(high, str) or high < low:
                raise PatternError("a wrong span in a class")
            return self.span(low, high)
        return self.one(low)

    def class_char(self) -> str | Test:
        char = self.next()
        if char == "[":
            raise PatternError("a bracket in a class")
        if char != "\\":
            return char
        if self.peek() in _PLAIN:
            return _PLAIN[self.next()]
        return self.next() if self.peek() and self.peek() in "\\|.?*+(){}$-[]^" else self.escape()


def _name_start(char: str) -> bool:
    return char.isalpha() or char in "_:"


_CLASSES: dict[str, Test] = {
    "d": lambda c: unicodedata.category(c) == "Nd",
    "w": lambda c: unicodedata.category(c)[0] not in "PZC",
    "s": lambda c: c in " \t\n\r",
    "i": _name_start,
    "c": lambda c: _name_start(c) or c.isdigit() or c in "-.\u00b7",
}


def _without_blanks(pattern: str) -> str:
    """Flag x: blanks outside classes mean nothing."""
    out: list[str] = []
    depth = 0
    escaped = False
    for char in pattern:
        if not escaped and char in "[]":
            depth += 1 if char == "[" else -1
        if depth or char not in " \t\n\r":
            out.append(char)
        escaped = char == "\\" and not escaped
    return "".join(out)
