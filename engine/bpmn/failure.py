"""What can stop an element while it runs, inside the interpreter."""

from __future__ import annotations

from engine.errors import ExecutionError


class ElementFailure(ExecutionError):
    """The element cannot go on; it stands with an incident."""

    def __init__(self, cause: str) -> None:
        super().__init__(None, cause)
