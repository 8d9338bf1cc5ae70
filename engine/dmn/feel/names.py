"""Names in scope while parsing: FEEL names may hold blanks and operators, so their words are matched longest first (DMN 1.5, clause 10.3.1.3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.dmn.feel.lexer import FeelSyntaxError, Token, tokens

MAX_WORDS = 40


def normal(name: str) -> str:
    """The name with each run of blanks as one space."""
    return " ".join(name.split())


class Vocabulary:
    """Names of several words as a tree of words; single words are names by themselves. A file's is built once and only read afterwards."""

    __slots__ = ("_name", "_next")

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._next: dict[str, Vocabulary] = {}
        self._name: str | None = None
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        """Put in a name; one that FEEL cannot write, or of more than `MAX_WORDS` words, is left out."""
        try:
            words = [token.text for token in tokens(name)[:-1]]
        except FeelSyntaxError:
            return
        if 1 < len(words) <= MAX_WORDS:
            node = self
            for word in words:
                node = node._next.setdefault(word, Vocabulary())
            node._name = normal(name)

    def match(self, stream: Sequence[Token], at: int) -> tuple[str, int] | None:
        """The longest name that starts at `at`, with the number of its tokens."""
        best: tuple[str, int] | None = None
        node: Vocabulary | None = self
        start = at
        while node is not None:
            if node._name is not None:
                best = (node._name, at - start)
            node = node._next.get(stream[at].text) if stream[at].kind != "end" else None
            at += 1
        return best


class Names:
    """The file's vocabulary under a stack of scopes that a text opens."""

    def __init__(self, known: Vocabulary) -> None:
        self._scopes = [known, Vocabulary()]

    def add(self, name: str) -> None:
        """Put a name into the innermost scope."""
        self._scopes[-1].add(name)

    def push(self) -> None:
        """Open a scope."""
        self._scopes.append(Vocabulary())

    def pop(self) -> None:
        """Close the innermost scope."""
        self._scopes.pop()

    def match(self, stream: Sequence[Token], at: int) -> tuple[str, int] | None:
        """The longest known name of several tokens that starts at `at`, with the number of its tokens."""
        found = (scope.match(stream, at) for scope in self._scopes)
        return max((one for one in found if one is not None), key=lambda one: one[1], default=None)
