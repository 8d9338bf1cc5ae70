"""Owns the worker processes in which code runs, and their limits. Knows neither process variables nor decisions.

The workers are processes of Monty, a Python interpreter without operating system, files or network; the host sends text and values and gets
values back. Every run has a session of its own: nothing survives from one run to the next. Monty's native side starts threads and cannot be
used in a process forked after it started, not even by a new pool (it would disturb the parent's), so a forked child refuses to run.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pydantic_monty as monty

from engine.errors import NotAvailable

_started_in: int | None = None
"""Process that started Monty's native threads, the same for every sandbox."""

HostFunctions = Mapping[str, Callable[..., Any]]


class SandboxUnavailable(NotAvailable):
    """The expression sandbox cannot run ({cause}); no expression was evaluated. Check the installation of pydantic-monty."""


class RunFailed(Exception):
    """The code did not finish: `kind` is the class name of the Python exception, or `Crash`; `line` is 1-based or None."""

    def __init__(self, kind: str, message: str, line: int | None = None) -> None:
        self.kind = kind
        self.message = message
        self.line = line
        super().__init__(f"{kind}: {message}")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use. `seconds` of computing (host functions excluded), `memory` in bytes, `recursion` in calls, `host_calls` in calls."""

    seconds: float = 1.0
    memory: int = 64 * 1024 * 1024
    recursion: int = 200
    host_calls: int = 1000
    result: int = 4 * 1024 * 1024  # characters of JSON text


class Sandbox:
    """A lazily started pool of workers, safe for threads. `binary`: path of Monty's executable, found by itself when None."""

    def __init__(self, limits: Limits, processes: int, binary: str | None = None) -> None:
        self.limits = limits
        self._processes = processes
        self._binary = binary
        self._pool: monty.Monty | None = None
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def run(self, code: str, inputs: Mapping[str, Any], functions: HostFunctions, now: datetime) -> Any:
        """Value of the last line of `code`. Raises RunFailed, SandboxUnavailable, and unchanged what a host function raises."""
        pool = self._started()
        try:
            with pool.checkout(limits=self._resource_limits(), os_policy=_policy(now)) as session:
                return _drive(session, code, dict(inputs), functions)
        except TimeoutError as exc:
            raise SandboxUnavailable(cause="every worker is busy") from exc
        except monty.MontyCrashedError as exc:
            raise RunFailed("TimeoutError" if exc.timed_out else "Crash", str(exc)) from exc
        except monty.MontyError as exc:
            raise _failed(exc) from exc

    def close(self) -> None:
        """Ends the workers. The next run starts new ones."""
        with self._lock:
            pool, self._pool = self._pool, None
            if pool is not None and self._pid == os.getpid():
                pool.__exit__(None, None, None)

    def _started(self) -> monty.Monty:
        pool = self._pool
        if pool is not None and self._pid == os.getpid():
            return pool
        if _started_in not in (None, os.getpid()):
            raise SandboxUnavailable(cause="it was started before this process was forked; start it in each worker only")
        with self._lock:
            if self._pool is None:
                self._pool = self._start()
            return self._pool

    def _start(self) -> monty.Monty:
        global _started_in  # noqa: PLW0603 - the native runtime is one per process, like this fact about it
        _started_in = os.getpid()
        try:
            pool = monty.Monty(
                binary_path=self._binary,
                min_processes=1,
                max_processes=self._processes,
                checkout_timeout=30.0,
                request_timeout=self.limits.seconds + 0.5,  # per turn: a worker that ignores its own limits is killed
                feed_duration_limit_grace=0.3,
                max_checkouts_per_worker=100_000,
            )
            pool.__enter__()
        except Exception as exc:
            raise SandboxUnavailable(cause=str(exc)) from exc
        self._pid = os.getpid()
        return pool

    def _resource_limits(self) -> monty.ResourceLimits:
        return {
            "max_feed_duration_secs": self.limits.seconds,
            "max_memory": self.limits.memory,
            "max_recursion_depth": self.limits.recursion,
            "max_suspensions": self.limits.host_calls,
        }


def _policy(now: datetime) -> monty.OSPolicy:
    return {"datetime": now, "timezone": "utc", "sleep": "zero", "random_start": {"seed": 0}}


def _drive(session: monty.MontySession, code: str, inputs: dict[str, Any], functions: HostFunctions) -> Any:
    """Runs code, answering calls of host functions here: an exception leaves at once, the code gets no chance to catch it."""
    if not functions:
        return session.feed_run(code, inputs=inputs, print_callback=_discard)
    step: Any = session.feed_start(code, inputs=inputs, print_callback=_discard)
    while not isinstance(step, monty.MontyComplete):
        if isinstance(step, monty.NameLookupSnapshot):
            if step.variable_name in functions and step.object_id is None:
                raise RunFailed("TypeError", f"{step.variable_name} is a function: it can only be called")
            step = step.resume()
        elif not isinstance(step, monty.FunctionSnapshot):
            raise RunFailed("RuntimeError", "await is not available")
        elif step.is_os_function:
            step = step.resume_not_handled()
        elif step.function_name in functions:
            step = step.resume({"return_value": functions[step.function_name](*step.args, **step.kwargs)})
        else:
            step = step.resume({"exc_type": "NameError", "message": f"name '{step.function_name}' is not defined"})
    return step.output


def _discard(_stream: str, _text: str) -> None:
    """What code prints goes nowhere."""


def _failed(exc: monty.MontyError) -> RunFailed:
    kind, _, message = str(exc).partition(": ")
    line = None
    if isinstance(exc, monty.MontyRuntimeError | monty.MontySyntaxError):
        frames = exc.traceback()
        line = frames[-1].line if frames else None
        kind = type(exc.exception()).__name__
        message = exc.display("msg") if isinstance(exc, monty.MontyRuntimeError) else str(exc)
    return RunFailed(kind, message, line)
