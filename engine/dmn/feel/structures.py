"""The parts of FEEL that hold whole expressions: contexts, invocations, `if`, `for`, `some`, `every`, `function` (DMN 1.5, clause 10.3.1.2). `parser` reads these."""

from __future__ import annotations

from abc import abstractmethod

from engine.dmn.feel.lexer import FeelSyntaxError, unquote
from engine.dmn.feel.names import normal
from engine.dmn.feel.stream import TypeReader
from engine.dmn.feel.syntax import Call, ContextOf, For, If, Iteration, Lambda, Node, Quantified, TypeName


class StructureReader(TypeReader):
    """Each method begins at the word, or behind the bracket, that opens its structure."""

    @abstractmethod
    def expression(self) -> Node:
        """Any expression."""

    @abstractmethod
    def additive(self) -> Node:
        """An operand of a comparison."""

    @abstractmethod
    def test(self) -> Node:
        """An expression, or a comparison without its left side."""

    def context(self) -> Node:
        self.at += 1
        entries: list[tuple[str, Node]] = []
        self.names.push()
        while not self.takes("}"):
            if entries:
                self.expect(",")
            key = self.key()
            self.expect(":")
            entries.append((key, self.expression()))
            self.names.add(key)
        self.names.pop()
        for key, _ in entries:  # later paths may name them: `{a b: 1}.a b`
            self.names.add(key)
        if len({key for key, _ in entries}) < len(entries):
            raise FeelSyntaxError("a context names a key twice")
        return ContextOf(tuple(entries))

    def key(self) -> str:
        if self.token.kind == "string":
            self.at += 1
            return unquote(self.stream[self.at - 1].text)
        return self.name_until(":")

    def arguments(self, function: Node) -> Node:
        if self.takes(")"):
            return Call(function, (), None)
        names: list[str] = []
        values: list[Node] = []
        named = self.argument_name() is not None
        while True:
            name = self.argument_name()
            if (name is not None) != named:
                raise self.unexpected()
            if name is not None:
                names.append(name[0])
                self.at = name[1]
            values.append(self.test())
            if self.takes(")"):
                return Call(function, tuple(values), tuple(names) if named else None)
            self.expect(",")

    def argument_name(self) -> tuple[str, int] | None:
        """The name of a named argument with the position after its colon, or None."""
        at = self.at
        while self.stream[at].kind in ("name", "number") or self.stream[at].text in ("-", "+", "*", "/", "'"):
            at += 1
        if at == self.at or self.stream[at].text != ":" or self.stream[self.at].kind != "name":
            return None
        return normal(self.text[self.stream[self.at].start : self.stream[at - 1].end]), at + 1

    def condition(self) -> Node:
        self.at += 1
        condition = self.expression()
        self.expect("then")
        then = self.expression()
        self.expect("else")
        return If(condition, then, self.expression())

    def loop(self) -> Node:
        self.at += 1
        self.names.push()
        iterations = self.iterations()
        self.expect("return")
        self.names.add("partial")
        body = self.expression()
        self.names.pop()
        return For(iterations, body)

    def quantified(self) -> Node:
        word = self.token.text
        self.at += 1
        self.names.push()
        iterations = self.iterations()
        self.expect("satisfies")
        condition = self.expression()
        self.names.pop()
        return Quantified(word, iterations, condition)

    def iterations(self) -> tuple[Iteration, ...]:
        out: list[Iteration] = []
        while True:
            name = self.name_until("in")
            self.expect("in")
            source = self.expression()
            end = self.additive() if self.takes("..") else None
            out.append(Iteration(name, source, end))
            self.names.add(name)
            if not self.takes(","):
                return tuple(out)

    def function(self) -> Node:
        self.at += 1
        if self.takes("<"):
            raise FeelSyntaxError("a function type stands only after `instance of`")
        self.expect("(")
        self.names.push()
        names: list[str] = []
        types: list[TypeName | None] = []
        while not self.takes(")"):
            if names:
                self.expect(",")
            names.append(self.name_until(":", ",", ")"))
            types.append(self.type_name() if self.takes(":") else None)
            self.names.add(names[-1])
        external = self.takes("external")
        body = self.expression()
        self.names.pop()
        return Lambda(tuple(names), tuple(types), body, external)
