"""Brokers: fresh processes that run code for a process that was forked and so cannot use Monty itself. This side starts and asks them.

One exchange: a request `{code, inputs, functions, now, seconds}`, any number of `{call, args, kwargs}` answered by `{value}`, then the end: `{value}`,
`{failed: [kind, message, line]}`, `{foreign: message}` or `{unavailable: cause}`. `{abort}` instead of an answer leaves the code. Each message is its length (four bytes) and JSON in UTF-8.
"""

from __future__ import annotations

import os
import select
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from queue import Empty, LifoQueue
from typing import Any

from engine.expressions.plain import NotJson
from engine.expressions.sandbox import LONGEST, Fixed, HostFunctions, Limits, RunFailed, SandboxUnavailable, seconds_of
from engine.model.values import Json, canonical, parse
from engine.ports import Allowance

_LENGTH = struct.Struct(">I")
START_SECONDS = 30.0


def write_message(fd: int, message: Any) -> None:
    """Sends one message. Raises OSError, InvalidInput."""
    body = canonical(message)
    data = memoryview(_LENGTH.pack(len(body)) + body)
    while data:
        data = data[os.write(fd, data) :]


def read_message(fd: int, seconds: float | None = None) -> Any:
    """Receives one message. Raises EOFError when the other side has gone, TimeoutError after so many seconds of silence."""
    (length,) = _LENGTH.unpack(_read(fd, _LENGTH.size, seconds))
    return parse(_read(fd, length, seconds))


def _read(fd: int, count: int, seconds: float | None) -> bytes:
    parts: list[bytes] = []
    while count:
        if seconds is not None and not select.select([fd], [], [], seconds)[0]:
            raise TimeoutError
        part = os.read(fd, min(count, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


class Brokers:
    """A pool of brokers, started as needed, `processes` at most; safe for threads."""

    def __init__(self, limits: Limits, processes: int, binary: str | None) -> None:
        self._limits = limits
        self._binary = binary
        self._idle: LifoQueue[_Broker] = LifoQueue()
        self._places = threading.Semaphore(processes)
        self._closed = False

    def run(self, code: str, inputs: Mapping[str, Json], functions: HostFunctions, now: datetime, allowance: Allowance | None = None) -> Json:
        """See `Sandbox.run`."""
        if not self._places.acquire(timeout=START_SECONDS):
            raise SandboxUnavailable(cause="every worker is busy")
        try:
            broker = self._taken()
            try:
                value = broker.run(code, inputs, functions, now, allowance or Fixed())
            finally:
                self._returned(broker)
            return value
        finally:
            self._places.release()

    def close(self) -> None:
        """Ends the brokers that are idle, and the others when they have finished."""
        self._closed = True
        with suppress(Empty):
            while True:
                self._idle.get_nowait().kill()

    def _taken(self) -> _Broker:
        with suppress(Empty):
            while True:
                broker = self._idle.get_nowait()
                if broker.alive():
                    return broker
                broker.kill()
        return _Broker(self._limits, self._binary)

    def _returned(self, broker: _Broker) -> None:
        if self._closed or broker.busy or not broker.alive():
            broker.kill()
        else:
            self._idle.put(broker)


class _Broker:
    """One broker process."""

    def __init__(self, limits: Limits, binary: str | None) -> None:
        self.busy = False  # in the middle of an exchange: nobody could go on with it
        self._limits = limits
        self._seconds = limits.seconds * LONGEST + 2.0  # the broker itself ends what runs too long; this is for a broker that hangs
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join([root, *(entry for entry in sys.path if entry)])
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "engine.expressions.broker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                env={**os.environ, "PYTHONPATH": path},
            )
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
            setting = [limits.seconds, limits.memory, limits.recursion, limits.host_calls, limits.result]
            write_message(self._in, {"limits": setting, "binary": binary})
            started = read_message(self._out, START_SECONDS)
        except (OSError, EOFError) as exc:
            raise SandboxUnavailable(cause=f"the broker did not start: {exc}") from exc
        if "unavailable" in started:
            self.kill()
            raise SandboxUnavailable(cause=started["unavailable"])

    def alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """Ends the process and closes the pipes."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        self._process.kill()
        self._process.wait()

    def run(self, code: str, inputs: Mapping[str, Json], functions: HostFunctions, now: datetime, allowance: Allowance) -> Json:
        self.busy = True
        seconds = seconds_of(allowance, self._limits)
        request: dict[str, Any] = {"code": code, "inputs": inputs, "functions": list(functions), "now": now.isoformat(), "seconds": seconds}
        try:
            while "call" in (message := self._exchange(request, allowance)):
                request = {"value": self._called(functions, message)}
        except (OSError, EOFError) as exc:  # TimeoutError is an OSError
            self.kill()
            raise RunFailed("TimeoutError" if isinstance(exc, TimeoutError) else "Crash", "the sandbox has gone") from exc
        self.busy = False
        return _outcome(message)

    def _exchange(self, message: dict[str, Any], allowance: Allowance) -> dict[str, Any]:
        """Sends and waits; the broker computes meanwhile."""
        with allowance.running():
            write_message(self._in, message)
            answer: dict[str, Any] = read_message(self._out, self._seconds)
            return answer

    def _called(self, functions: HostFunctions, message: dict[str, Any]) -> Json:
        """The answer of a host function. When it raises, the other side is told to leave the code, and the exception goes on."""
        try:
            return functions[message["call"]](*message["args"], **message["kwargs"])
        except Exception:
            write_message(self._in, {"abort": True})
            read_message(self._out, self._seconds)
            self.busy = False
            raise


def _outcome(message: dict[str, Any]) -> Json:
    if "failed" in message:
        kind, text, line = message["failed"]
        raise RunFailed(kind, text, line)
    if "foreign" in message:
        raise NotJson(message["foreign"])
    if "unavailable" in message:
        raise SandboxUnavailable(cause=message["unavailable"])
    value: Json = message["value"]
    return value
