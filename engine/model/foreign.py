"""The border to code that is not ours: handlers, periodic work, functions that scripts call, notifiers.

Whatever they raise is an `Exception` on our side, and whatever it says can be written down. It decides nothing about what becomes of the failure.
"""

from __future__ import annotations

import re
from types import TracebackType

from engine.errors import BpmnError

LONGEST = 10_000  # characters of a cause that are kept
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")  # no UTF-8 holds half a surrogate pair, no text of PostgreSQL a NUL


def storable(text: str) -> str:
    """The text with U+FFFD for each character that a record or a database cannot hold."""
    return _NO_TEXT.sub("\ufffd", text)


def text_of(error: BaseException) -> str:
    """What it says, storable. One whose text cannot be made says its class."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - of foreign code, too
        text = f"{type(error).__name__} (its text cannot be made)"
    return storable(text[:LONGEST])


def told(error: BaseException) -> str:
    """Class and text, storable."""
    return f"{storable(type(error).__name__)}: {text_of(error)}"


def code_of(error: BpmnError) -> str | None:
    """Its error code, storable."""
    return storable(error.code) if isinstance(error.code, str) else error.code


class _Border:
    """`with FOREIGN:` around a call. SystemExit, GeneratorExit, CancelledError and their like would end the thread, which serves others, too: they leave
    the block as a RuntimeError. Not KeyboardInterrupt: that is no word of the code, but of who sits at the terminal.
    """

    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None and not isinstance(error, Exception | KeyboardInterrupt):
            raise RuntimeError(f"it raised {told(error)}, which would have ended its thread") from error


FOREIGN = _Border()
