"""Recursive-descent parser of FEEL (DMN 1.5, clause 10.3.1.2): expressions and unary tests. Evaluates nothing.

Precedence, loosest first: or, and, comparison/between/in, + -, * /, **, unary minus, instance of, then path, filter and invocation.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from engine.dmn.feel.calendar_text import read_date, read_date_time, read_duration, read_time
from engine.dmn.feel.lexer import FeelSyntaxError, unquote
from engine.dmn.feel.names import Vocabulary
from engine.dmn.feel.structures import StructureReader
from engine.dmn.feel.syntax import (
    Arithmetic,
    Between,
    Compare,
    Filter,
    In,
    InstanceOf,
    ListOf,
    Literal,
    Logic,
    Name,
    Negate,
    Node,
    Path,
    RangeOf,
    UnaryTests,
)
from engine.dmn.feel.values import CONTEXT

MAX_DEPTH = 60
_COMPARISONS = ("<=", ">=", "!=", "<", ">", "=")
_KEYWORDS = frozenset(
    {"if", "then", "else", "for", "in", "return", "some", "every", "satisfies", "between", "and", "or", "instance", "of", "function", "external"}
)
_CONSTANTS = {"true": True, "false": False, "null": None}


def parse_expression(text: str, names: Vocabulary) -> Node:
    """The tree of an expression. `names`: those in scope. Raises FeelSyntaxError."""
    return _Parser(text, names).whole(lambda p: p.expression())


def parse_unary_tests(text: str, names: Vocabulary) -> UnaryTests:
    """The tree of an input entry: `-`, `not(...)`, or tests separated by commas. Raises FeelSyntaxError."""
    tree: UnaryTests = _Parser(text, names).whole(lambda p: p.unary_tests())
    return tree


class _Parser(StructureReader):
    def whole(self, part: Callable[[_Parser], Node]) -> Node:
        try:
            tree = part(self)
        except RecursionError:
            raise FeelSyntaxError("nested too deeply") from None
        if self.token.kind != "end":
            raise self.unexpected()
        return tree

    # --- unary tests --------------------------------------------------------------------------------------------
    def unary_tests(self) -> UnaryTests:
        if self.token.text == "-" and self.stream[self.at + 1].kind == "end":
            self.at += 1
            return UnaryTests(None, (), negated=False)
        if self.sees("not", "("):
            start = self.at
            self.at += 2
            tests, asks = self.tests()
            if self.takes(")") and self.token.kind == "end":
                return UnaryTests(tests, asks, negated=True)
            self.at = start  # `not(...)` was the beginning of an expression
        tests, asks = self.tests()
        return UnaryTests(tests, asks, negated=False)

    def tests(self) -> tuple[tuple[Node, ...], tuple[bool, ...]]:
        tests: list[Node] = []
        asks: list[bool] = []
        while True:
            self.asked = False
            tests.append(self.test())
            asks.append(self.asked)
            if not self.takes(","):
                return tuple(tests), tuple(asks)

    def test(self) -> Node:
        return self.comparison_range() or self.expression()

    def comparison_range(self) -> Node | None:
        """`< 5` and the like, or None."""
        if self.token.kind == "symbol" and self.token.text in _COMPARISONS:
            operator = self.token.text
            self.at += 1
            return RangeOf(None, self.additive(), low_closed=False, high_closed=False, operator=operator)
        return None

    # --- expressions --------------------------------------------------------------------------------------------
    def expression(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise FeelSyntaxError("nested too deeply")
        try:
            return self.disjunction()
        finally:
            self.depth -= 1

    def disjunction(self) -> Node:
        left = self.conjunction()
        for _ in self.chain():
            if not self.word("or"):
                break
            left = Logic("or", left, self.conjunction())
        return left

    def conjunction(self) -> Node:
        left = self.comparison()
        for _ in self.chain():
            if not self.word("and"):
                break
            left = Logic("and", left, self.comparison())
        return left

    def comparison(self) -> Node:
        left = self.additive()
        for _ in self.chain():
            if self.token.kind == "symbol" and self.token.text in _COMPARISONS:
                operator = self.token.text
                self.at += 1
                left = Compare(operator, left, self.additive())
            elif self.word("between"):
                low = self.additive()
                self.expect("and")
                left = Between(left, low, self.additive())
            elif self.word("in"):
                left = In(left, *self.in_tests())
            else:
                break
        return left

    def in_tests(self) -> tuple[tuple[Node, ...], tuple[bool, ...]]:
        alone = self.comparison_range()
        if alone is not None:
            return (alone,), (False,)
        if self.sees("("):
            start, asked = self.at, self.asked
            self.at += 1
            tests, asks = self.tests()
            self.asked = asked  # in there `?` is the value in front of `in`
            if self.takes(")"):
                return tests, asks
            self.at = start  # an interval that begins with a round bracket
        return (self.additive(),), (False,)

    def additive(self) -> Node:
        return self.arithmetic(self.multiplicative, "+", "-")

    def multiplicative(self) -> Node:
        return self.arithmetic(self.power, "*", "/")

    def power(self) -> Node:
        return self.arithmetic(self.negation, "**")

    def arithmetic(self, operand: Callable[[], Node], *operators: str) -> Node:
        left = operand()
        for _ in self.chain():
            operator = self.token.text
            if self.token.kind != "symbol" or operator not in operators:
                break
            self.at += 1
            left = Arithmetic(operator, left, operand())
        return left

    def negation(self) -> Node:
        count = 0
        while self.takes("-"):
            count += 1
            if count > MAX_DEPTH:
                raise FeelSyntaxError("nested too deeply")
        node = self.instance()
        for _ in range(count):
            node = Negate(node)
        return node

    def instance(self) -> Node:
        node = self.postfix(self.primary())
        while self.sees("instance", "of"):
            self.at += 2
            node = InstanceOf(node, self.type_name())
        return node

    def postfix(self, node: Node, *, filters: bool = True) -> Node:
        for _ in self.chain():
            if self.takes("."):
                node = Path(node, self.member())
            elif filters and self.takes("["):
                node = Filter(node, self.expression())
                self.expect("]")
            elif self.takes("("):
                node = self.arguments(node)
            else:
                break
        return node

    def member(self) -> str:
        known = self.names.match(self.stream, self.at)
        if known is not None:
            self.at += known[1]
            return known[0]
        if self.token.kind != "name":
            raise self.unexpected()
        name = self.token.text
        self.at += 1
        return name

    # --- primaries ----------------------------------------------------------------------------------------------
    def primary(self) -> Node:
        token = self.token
        self.effort -= 1
        if self.effort < 0:  # intervals and `in (...)` are tried in two ways: nested, that doubles at each level
            raise FeelSyntaxError("too complicated")
        if token.kind == "number":
            return self.number()
        if token.kind == "string":
            self.at += 1
            return Literal(unquote(token.text))
        if token.kind == "name":
            return self.named()
        known = self.names.match(self.stream, self.at)
        if known is not None:
            self.at += known[1]
            return Name(known[0])
        begins = {"?": self.question, "@": self.at_literal, "(": self.parenthesis, "[": self.bracket, "]": self.bracket, "{": self.context}
        if token.text not in begins:
            raise self.unexpected()
        return begins[token.text]()

    def question(self) -> Node:
        self.at += 1
        self.asked = True
        return Name("?")

    def number(self) -> Node:
        text = self.token.text
        self.at += 1
        try:
            return Literal(CONTEXT.create_decimal(Decimal(text)))
        except (ArithmeticError, InvalidOperation):
            raise FeelSyntaxError(f"the number {text[:40]} is out of range") from None

    def at_literal(self) -> Node:
        self.at += 1
        if self.token.kind != "string":
            raise self.unexpected()
        text = unquote(self.token.text)
        self.at += 1
        for read in (read_date, read_date_time, read_time, read_duration):
            try:
                return Literal(read(text))
            except ValueError:
                continue
        raise FeelSyntaxError(f"@{text!r} is no date, time or duration")

    def named(self) -> Node:
        known = self.names.match(self.stream, self.at)
        if known is not None:
            self.at += known[1]
            return Name(known[0])
        word = self.token.text
        if word in _CONSTANTS:
            self.at += 1
            return Literal(_CONSTANTS[word])
        structure = {"if": self.condition, "for": self.loop, "some": self.quantified, "every": self.quantified, "function": self.function}.get(word)
        if structure is not None:
            return structure()
        if word in _KEYWORDS:
            raise self.unexpected()
        self.at += 1
        return Name(word)

    def parenthesis(self) -> Node:
        self.at += 1
        node = self.comparison_range()
        if node is None:
            node = self.expression()
            if self.takes(".."):
                return self.range_end(node, low_closed=False)
        self.expect(")")
        return node

    def bracket(self) -> Node:
        closed = self.token.text == "["
        self.at += 1
        if closed and self.takes("]"):
            return ListOf(())
        first = self.test() if closed else self.expression()
        if self.takes(".."):
            return self.range_end(first, low_closed=closed)
        items = [first]
        while self.takes(","):
            items.append(self.test())
        self.expect("]")
        if not closed:
            raise self.unexpected()
        return ListOf(tuple(items))

    def range_end(self, low: Node, *, low_closed: bool) -> Node:
        """The rest of an interval after `..`. A bound takes no filter: its `[` closes the interval."""
        high = self.bound()
        if self.takes("]"):
            return RangeOf(low, high, low_closed, high_closed=True)
        if self.takes(")") or self.takes("["):
            return RangeOf(low, high, low_closed, high_closed=False)
        raise self.unexpected()

    def bound(self) -> Node:
        start = self.at
        try:
            node = self.additive()
        except FeelSyntaxError:
            node = None
        if node is not None and self.token.text in ("]", ")", "["):
            return node
        self.at = start  # `..5[`: parsed as a filter; read the bound without filters
        negative = self.takes("-")
        node = self.postfix(self.primary(), filters=False)
        return Negate(node) if negative else node
