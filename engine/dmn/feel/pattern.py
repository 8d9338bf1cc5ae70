"""Regular expressions of XPath (DMN 1.5, clause 10.3.4.3; XQuery Functions 3.1, clause 5.6), bounded: patterns are hostile input.

Python's `re` may take exponential time on `^(a+)+$` and cannot be stopped. This matcher is a small backtracking machine whose every
instruction is charged to the caller's budget. `pattern_syntax` turns the text into the tree that is compiled here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

from engine.dmn.feel.pattern_syntax import PatternError, Tree, parse

Charge: TypeAlias = Callable[[int], None]
Spans: TypeAlias = list[int]
"""Positions of group n: start at 2n, end at 2n + 1, -1 when it took no part."""

MAX_PROGRAM = 5000
_PRICE = 2  # instructions per step of the budget


@lru_cache(maxsize=512)
def compiled(pattern: str, flags: str) -> Pattern:
    """The matcher of a pattern. Raises PatternError, a ValueError."""
    return Pattern(pattern, flags)


class Pattern:
    """A compiled pattern."""

    def __init__(self, pattern: str, flags: str) -> None:
        if set(flags) - set("smixq"):
            raise PatternError("unknown flag")
        self.fold = "i" in flags
        self.lines = "m" in flags
        tree, self.groups = parse(pattern, flags)
        self.loops = 0
        self.program: list[tuple[Any, ...]] = []
        self._compile(tree)
        self.program.append(("match",))

    # --- compiling ------------------------------------------------------------------------------------------------
    def _emit(self, *instruction: Any) -> int:
        if len(self.program) >= MAX_PROGRAM:
            raise PatternError("the pattern is too large")
        self.program.append(instruction)
        return len(self.program) - 1

    def _compile(self, tree: Tree) -> None:
        word = tree[0]
        if word == "sequence":
            for part in tree[1]:
                self._compile(part)
        elif word == "either":
            self._either(tree[1])
        elif word == "repeat":
            self._repeat(*tree[1:])
        elif word == "group":
            self._emit("save", 2 * tree[1])
            self._compile(tree[2])
            self._emit("save", 2 * tree[1] + 1)
        else:  # set, back, start, end
            self._emit(*tree)

    def _either(self, choices: list[Tree]) -> None:
        ends: list[int] = []
        for choice in choices[:-1]:
            split = self._emit("split", 0, 0)
            self._compile(choice)
            ends.append(self._emit("jump", 0))
            self.program[split] = ("split", split + 1, len(self.program))
        self._compile(choices[-1])
        for end in ends:
            self.program[end] = ("jump", len(self.program))

    def _repeat(self, body: Tree, low: int, high: int | None, greedy: bool) -> None:
        for _ in range(low):
            self._compile(body)
        if high is None:
            loop = self.loops
            self.loops += 1
            split = self._emit("split", 0, 0)
            self._emit("mark", loop)
            self._compile(body)
            after = self._emit("progress", loop, 0)
            self._emit("jump", split)
            self.program[after] = ("progress", loop, len(self.program))
            self.program[split] = _split(split + 1, len(self.program), greedy)
            return
        splits = []
        for _ in range(high - low):
            splits.append(self._emit("split", 0, 0))
            self._compile(body)
        for split in splits:
            self.program[split] = _split(split + 1, len(self.program), greedy)

    # --- matching -------------------------------------------------------------------------------------------------
    def search(self, text: str, start: int, charge: Charge) -> Spans | None:
        """The first match at or after `start`. `charge` raises when the budget is gone."""
        for at in range(start, len(text) + 1):
            found = self._match(text, at, charge)
            if found is not None:
                return found
        return None

    def _match(self, text: str, start: int, charge: Charge) -> Spans | None:  # noqa: C901 - one loop over the instructions: calls would triple its time
        stack: list[tuple[int, int, Spans, Spans]] = [(0, start, [-1] * (2 * self.groups + 2), [-1] * self.loops)]
        count = 0
        program = self.program
        while stack:
            counter, at, spans, marks = stack.pop()
            while True:
                count += 1
                if count % (_PRICE * 64) == 0:
                    charge(64)
                instruction = program[counter]
                word = instruction[0]
                if word == "set":
                    if at >= len(text) or not instruction[1](text[at]):
                        break
                    at += 1
                elif word == "split":
                    stack.append((instruction[2], at, spans, marks))
                    counter = instruction[1]
                    continue
                elif word == "jump":
                    counter = instruction[1]
                    continue
                elif word == "save":
                    spans = spans.copy()
                    spans[instruction[1]] = at
                elif word == "mark":
                    marks = marks.copy()
                    marks[instruction[1]] = at
                elif word == "progress":
                    if marks[instruction[1]] == at:  # an empty round is the last
                        counter = instruction[2]
                        continue
                elif word == "match":
                    charge(1 + count % (_PRICE * 64) // _PRICE)
                    spans = spans.copy()
                    spans[0], spans[1] = start, at
                    return spans
                else:
                    width = self._assert(instruction, text, at, spans)
                    if width is None:
                        break
                    at += width
                counter += 1
        charge(1 + count % (_PRICE * 64) // _PRICE)
        return None

    def _assert(self, instruction: tuple[Any, ...], text: str, at: int, spans: Spans) -> int | None:
        """Width that an anchor or back-reference takes, or None when it fails."""
        if instruction[0] == "start":
            return 0 if at == 0 or (self.lines and text[at - 1] == "\n" and at < len(text)) else None
        if instruction[0] == "end":
            return 0 if at == len(text) or (self.lines and text[at] == "\n") else None
        low, high = spans[2 * instruction[1]], spans[2 * instruction[1] + 1]
        wanted = text[low:high] if low >= 0 <= high else ""
        found = text[at : at + len(wanted)]
        same = found.casefold() == wanted.casefold() if self.fold else found == wanted
        return len(wanted) if same else None

    # --- functions ------------------------------------------------------------------------------------------------
    def replace(self, text: str, replacement: str, charge: Charge, most: int) -> str:
        r"""Every match replaced; `$1` stands for a group, `\$` for a dollar. The result is cut short of growing far beyond `most`."""
        if self._match("", 0, charge) is not None:
            raise PatternError("the pattern matches an empty text")
        parts = _replacement(replacement, self.groups)
        out: list[str] = []
        at = size = 0
        while (found := self.search(text, at, charge)) is not None and size <= most:
            filled = "".join(part if isinstance(part, str) else _group(text, found, part) for part in parts)
            out += [text[at : found[0]], filled]
            size += found[0] - at + len(filled)
            at = found[1]
        return "".join([*out, text[at:]])

    def split(self, text: str, charge: Charge) -> list[str]:
        """The parts between matches."""
        if self._match("", 0, charge) is not None:
            raise PatternError("the pattern matches an empty text")
        out: list[str] = []
        at = 0
        while (found := self.search(text, at, charge)) is not None:
            out.append(text[at : found[0]])
            at = found[1]
        return [*out, text[at:]]


def _split(body: int, after: int, greedy: bool) -> tuple[str, int, int]:
    return ("split", body, after) if greedy else ("split", after, body)


def _group(text: str, spans: Spans, number: int) -> str:
    low, high = spans[2 * number], spans[2 * number + 1]
    return text[low:high] if low >= 0 <= high else ""


def _replacement(text: str, groups: int) -> list[str | int]:
    out: list[str | int] = []
    at = 0
    while at < len(text):
        char = text[at]
        at += 1
        if char == "\\":
            if at >= len(text) or text[at] not in "\\$":
                raise PatternError("a lone backslash in the replacement")
            out.append(text[at])
            at += 1
        elif char == "$":
            end = at
            while end < len(text) and text[end] in "0123456789" and int(text[at : end + 1]) <= max(groups, 9):
                end += 1
            if end == at:
                raise PatternError("a lone dollar in the replacement")
            number = int(text[at:end])
            out.append(number if number <= groups else "")
            at = end
        else:
            out.append(char)
    return out
