"""The tokens of one FEEL text with a position, and the type names written in it. `parser` reads everything else."""

from __future__ import annotations

from collections.abc import Iterator

from engine.dmn.feel.lexer import FeelSyntaxError, Token, tokens
from engine.dmn.feel.names import Names, Vocabulary, normal
from engine.dmn.feel.syntax import TypeName

MAX_CHAIN = 200


class Stream:
    """Where the parser is, and the names that it knows there."""

    def __init__(self, text: str, names: Vocabulary) -> None:
        self.text = text
        self.stream = tokens(text)
        self.at = 0
        self.depth = 0
        self.effort = 20 * len(self.stream) + 200
        self.names = Names(names)
        self.asked = False  # `?` was named since this was last cleared

    @property
    def token(self) -> Token:
        return self.stream[self.at]

    def unexpected(self) -> FeelSyntaxError:
        return FeelSyntaxError(f"unexpected {self.token.text or 'end'!r} at position {self.token.start + 1} of {self.text[:80]!r}")

    def sees(self, *texts: str) -> bool:
        """Whether the stream goes on with these symbols or words."""
        return all(
            token.text == text and token.kind in ("symbol", "name")
            for token, text in zip(self.stream[self.at : self.at + len(texts)], texts, strict=False)
        ) and self.at + len(texts) < len(self.stream)

    def takes(self, *texts: str) -> bool:
        if self.sees(*texts):
            self.at += len(texts)
            return True
        return False

    def word(self, text: str) -> bool:
        """Takes a keyword, unless a longer known name begins here."""
        return self.sees(text) and self.names.match(self.stream, self.at) is None and self.takes(text)

    def expect(self, text: str) -> None:
        if not self.takes(text):
            raise FeelSyntaxError(
                f"expected {text!r} but found {self.token.text or 'end'!r} at position {self.token.start + 1} of {self.text[:80]!r}"
            )

    def chain(self) -> Iterator[int]:
        """Rounds of a loop over operators. Each puts the tree one level deeper, so there is an end to them."""
        yield from range(MAX_CHAIN)
        raise FeelSyntaxError(f"more than {MAX_CHAIN} operators in a row")

    def name_until(self, *ends: str) -> str:
        """A new name: all tokens up to one of these."""
        start = self.at
        while self.token.text not in ends and self.token.kind in ("name", "number", "symbol") and self.token.text not in '{}[]()",:':
            self.at += 1
        if self.at == start or self.stream[start].kind != "name":
            raise self.unexpected()
        return normal(self.text[self.stream[start].start : self.stream[self.at - 1].end])


class TypeReader(Stream):
    """Type names (DMN 1.5, clause 10.3.1.2, rule 63)."""

    def type_name(self) -> TypeName:
        if self.sees("list", "<") or self.sees("range", "<"):
            word = self.token.text
            self.at += 2
            inner = self.type_name()
            self.expect(">")
            return TypeName(word, (inner,))
        if self.sees("context", "<"):
            return self.context_type()
        if self.sees("function", "<"):
            return self.function_type()
        known = self.names.match(self.stream, self.at)
        if known is not None:
            self.at += known[1]
            return TypeName(known[0])
        start = self.at
        for phrase in ("date and time", "years and months duration", "days and time duration"):
            if self.takes(*phrase.split()):
                return TypeName(phrase)
        if self.token.kind != "name":
            raise self.unexpected()
        self.at += 1
        while self.sees(".") and self.stream[self.at + 1].kind == "name":  # a type of an imported model
            self.at += 2
        return TypeName(self.text[self.stream[start].start : self.stream[self.at - 1].end])

    def context_type(self) -> TypeName:
        self.at += 2
        members: list[str] = []
        parts: list[TypeName] = []
        while not self.takes(">"):
            if members:
                self.expect(",")
            members.append(self.name_until(":"))
            self.expect(":")
            parts.append(self.type_name())
        return TypeName("context", tuple(parts), tuple(members))

    def function_type(self) -> TypeName:
        self.at += 2
        parts: list[TypeName] = []
        while not self.takes(">"):
            if parts:
                self.expect(",")
            parts.append(self.type_name())
        self.expect("->")
        return TypeName("function", (*parts, self.type_name()))
