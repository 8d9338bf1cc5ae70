"""The outermost layer of the web application: what holds for every answer, whoever made it, pages, API, static files and faults alike.

It works on WSGI's own terms because that is cheap: Flask's header objects check each value anew, for constants that never change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Headers = list[tuple[str, str]]
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

SHORT = 256 * 1024  # bytes


class Answers:
    """Adds `headers` that an answer does not have itself, and hands short answers to the server in one piece (one call instead of a stream)."""

    def __init__(self, inner: Wsgi, headers: Mapping[str, str]) -> None:
        self._inner = inner
        self._headers = tuple((name.lower(), (name, value)) for name, value in headers.items())

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """One request, as WSGI says (PEP 3333)."""
        length = None

        def start(status: str, headers: Headers, exc_info: Any = None) -> Any:
            nonlocal length
            present = {name.lower(): value for name, value in headers}
            length = present.get("content-length")
            headers = [*headers, *(pair for name, pair in self._headers if name not in present)]
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        answer = self._inner(environ, start)
        if length is None or not length.isdecimal() or int(length) > SHORT:
            return answer
        try:
            return [b"".join(answer)]
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()
