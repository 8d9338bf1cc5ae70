"""Names in scope while parsing: FEEL names may hold blanks and operators, so their words are matched longest first (DMN 1.5, clause 10.3.1.3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.dmn.feel.lexer import FeelSyntaxError, Token, tokens


def normal(name: str) -> str:
    """The name with each run of blanks as one space."""
    return " ".join(name.split())


class Names:
    """A stack of scopes; only names of several tokens need to be known, single words are names by themselves."""

    def __init__(self, known: Iterable[str]) -> None:
        self._scopes: list[dict[str, list[tuple[tuple[str, ...], str]]]] = [{}]
        for name in known:
            self.add(name)

    def add(self, name: str) -> None:
        """Put a name into the innermost scope."""
        try:
            words = tuple(token.text for token in tokens(name)[:-1])
        except FeelSyntaxError:
            return  # such a name cannot be written in FEEL
        if len(words) > 1:
            self._scopes[-1].setdefault(words[0], []).append((words, normal(name)))

    def push(self) -> None:
        """Open a scope."""
        self._scopes.append({})

    def pop(self) -> None:
        """Close the innermost scope."""
        self._scopes.pop()

    def match(self, stream: Sequence[Token], at: int) -> tuple[str, int] | None:
        """The longest known name of several tokens that starts at `at`, with the number of its tokens."""
        best: tuple[str, int] | None = None
        for scope in self._scopes:
            for words, name in scope.get(stream[at].text, ()):
                longer = best is None or len(words) > best[1]
                if longer and tuple(token.text for token in stream[at : at + len(words)]) == words:
                    best = (name, len(words))
        return best
