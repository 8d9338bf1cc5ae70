"""The broker process: owns one pool of Monty and runs what it is asked on its standard input, one request after the other. See `brokers`.

Started by `brokers` alone, with `python -m engine.expressions.broker`; ends when its standard input does.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from engine.expressions.brokers import read_message, write_message
from engine.expressions.plain import NotJson
from engine.expressions.sandbox import Fixed, Limits, Pool, RunFailed, SandboxUnavailable
from engine.model.values import Json


def main() -> None:
    """Serves until end of input."""
    channel = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nothing but messages goes to the other side
    with suppress(EOFError, BrokenPipeError):
        setting = read_message(0)
        try:
            pool = Pool(Limits(*setting["limits"]), 1, setting["binary"])
        except SandboxUnavailable as exc:
            write_message(channel, {"unavailable": exc.data.get("cause", str(exc))})
            return
        write_message(channel, {"started": True})
        try:
            while True:
                write_message(channel, _answer(pool, read_message(0), channel))
        finally:
            pool.close()


class _Aborted(Exception):
    """A host function raised on the other side."""


def _answer(pool: Pool, request: dict[str, Any], channel: int) -> dict[str, Json]:
    functions = {name: _forwarded(name, channel) for name in request["functions"]}
    try:
        now = datetime.fromisoformat(request["now"])
        return {"value": pool.run(request["code"], request["inputs"], functions, now, Fixed(request["seconds"]))}
    except RunFailed as exc:
        return {"failed": [exc.kind, exc.message, exc.line]}
    except NotJson as exc:
        return {"foreign": str(exc)}
    except SandboxUnavailable as exc:
        return {"unavailable": str(exc.data.get("cause", exc))}
    except _Aborted:
        return {"aborted": True}


def _forwarded(name: str, channel: int) -> Callable[..., Json]:
    """A host function that is called on the other side. When it raises there, the code is left here."""

    def call(*args: Json, **kwargs: Json) -> Json:
        write_message(channel, {"call": name, "args": list(args), "kwargs": kwargs})
        answer = read_message(0)
        if "abort" in answer:
            raise _Aborted
        value: Json = answer["value"]
        return value

    return call


if __name__ == "__main__":
    main()
