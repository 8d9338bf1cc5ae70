"""The layer around the web application: headers on every answer, short answers in one piece."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from webui.answers import SHORT, Answers


class Body:
    """An answer as an application gives it; tells whether it was closed."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.pieces)

    def close(self) -> None:
        self.closed = True


def ask(body: Iterable[bytes], *headers: tuple[str, str]) -> tuple[list[tuple[str, str]], Iterable[bytes]]:
    told: list[list[tuple[str, str]]] = []

    def inner(_environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        start("200 OK", list(headers))
        return body

    answer = Answers(inner, {"X-Frame-Options": "DENY", "Referrer-Policy": "same-origin"})({}, lambda _status, sent: told.append(sent))
    return told[0], answer


def test_headers_are_added_unless_the_answer_has_its_own() -> None:
    headers, _ = ask(Body(), ("x-frame-options", "SAMEORIGIN"))
    assert headers == [("x-frame-options", "SAMEORIGIN"), ("Referrer-Policy", "same-origin")]


def test_a_short_answer_comes_in_one_piece_and_is_closed() -> None:
    body = Body(b"ab", b"", b"c")
    _, answer = ask(body, ("Content-Length", "3"))
    assert answer == [b"abc"]
    assert body.closed


def test_a_long_answer_and_one_of_unknown_length_stay_streams() -> None:
    for headers in ([], [("Content-Length", str(SHORT + 1))], [("Content-Length", "-1")]):
        body = Body(b"ab")
        _, answer = ask(body, *headers)
        assert answer is body
        assert not body.closed
