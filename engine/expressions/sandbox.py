"""Owns the worker processes in which code runs, and their limits. Knows neither process variables nor decisions.

The workers are processes of Monty, a Python interpreter without operating system, files or network; the host sends text and values and gets
values back. Every run has a session of its own: nothing survives from one run to the next. Monty's native side starts threads and cannot be
used in a process forked after it started, not even by a new pool (it would disturb the parent's), so a forked child runs code through
`broker`, a fresh process that owns a pool of its own.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Protocol, TypeAlias

import pydantic_monty as monty
from pydantic_monty._binary import find_monty_binary

from engine.errors import NotAvailable
from engine.expressions.plain import NotJson, to_json
from engine.expressions.wrapping import result_of
from engine.model.values import Json
from engine.ports import Allowance

HostFunctions = Mapping[str, Callable[..., Json]]


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
    """What one run may use. `seconds` of computing (host functions excluded; see `Allowance`), `memory` in bytes, `recursion` in calls, `host_calls` in calls."""

    seconds: float = 1.0
    memory: int = 64 * 1024 * 1024
    recursion: int = 200
    host_calls: int = 1000
    result: int = 4 * 1024 * 1024  # characters of JSON text


LONGEST = 10.0
"""An allowance is at most so many times the ordinary limit."""
Running: TypeAlias = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Fixed:
    """An allowance without a measure of what is used; None: the ordinary limit."""

    given: float | None = None

    def seconds(self, limit: float) -> float:
        return limit if self.given is None else self.given

    def running(self, worker: int | None = None) -> AbstractContextManager[None]:  # noqa: ARG002 - nothing is measured
        return nullcontext()


def seconds_of(allowance: Allowance, limits: Limits) -> float:
    """What one run may take: never nothing, which would mean no limit."""
    return max(0.001, min(allowance.seconds(limits.seconds), limits.seconds * LONGEST))


class Runner(Protocol):
    """Runs programs: in this process's pool, or through brokers."""

    def run(self, code: str, inputs: Mapping[str, Json], functions: HostFunctions, now: datetime, allowance: Allowance | None = None) -> Json: ...

    def close(self) -> None: ...


_USUAL = sys.getswitchinterval()
_EAGER = 0.0001  # seconds


class _Eager:
    """While code runs in the sandbox, threads that compute let those go on sooner that come back from waiting.

    A run waits several times. With Python's 5 ms a command with thousands of runs took six times as long as alone when others were answered
    meanwhile, and held SQLite's writer for all of it; always so eager, requests would cost a tenth more. Safe for threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                sys.setswitchinterval(_EAGER)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                sys.setswitchinterval(_USUAL)


class Sandbox:
    """A lazily started runner, safe for threads and forks. `binary`: path of Monty's executable, found by itself when None."""

    def __init__(self, limits: Limits, processes: int, binary: str | None = None) -> None:
        self.limits = limits
        self._processes = processes
        self._binary = binary
        self._fresh()
        this = weakref.ref(self)  # hooks cannot be taken back: they must not keep every sandbox alive

        def forked() -> None:
            sandbox = this()
            if sandbox is not None:
                sandbox._fresh()

        os.register_at_fork(after_in_child=forked)

    def _fresh(self) -> None:
        """Forgets a runner that belongs to the parent process; its lock may be held by a thread that does not exist here."""
        self._lock = threading.Lock()
        self._inherited = getattr(self, "_runner", None)  # kept alive: ending it would end the parent's workers
        self._runner: Runner | None = None
        self._eager = _Eager()

    def run(self, code: str, inputs: Mapping[str, Json], functions: HostFunctions, now: datetime, allowance: Allowance | None = None) -> Json:
        """The outcome of a program of `wrapping`. Raises RunFailed, NotJson, SandboxUnavailable, and unchanged what a host function raises."""
        runner = self._runner
        if runner is None:
            with self._lock:
                runner = self._runner = self._runner or self._started()
        with self._eager:
            return runner.run(code, inputs, functions, now, allowance)

    def available(self) -> bool:
        """Can workers be started: is the executable there?"""
        try:
            return os.access(find_monty_binary(self._binary), os.X_OK)
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Ends the workers. The next run starts new ones."""
        with self._lock:
            runner, self._runner = self._runner, None
        if runner is not None:
            runner.close()

    def _started(self) -> Runner:
        if _native_in in (None, os.getpid()):
            return Pool(self.limits, self._processes, self._binary)
        from engine.expressions.brokers import Brokers  # only forked processes need it

        return Brokers(self.limits, self._processes, self._binary)


_native_in: int | None = None
"""Process that started Monty's native threads, the same for every sandbox."""


class Pool:
    """Workers of this process. Raises SandboxUnavailable when they cannot be started."""

    def __init__(self, limits: Limits, processes: int, binary: str | None) -> None:
        global _native_in  # noqa: PLW0603 - the native runtime is one per process, like this fact about it
        self._limits = limits
        if find_spec("opentelemetry") is None:  # Monty looks for it in every run, which would cost more than the run
            sys.modules["opentelemetry"] = None  # type: ignore[assignment]  # Python's own mark for a module that is not there
        try:
            self._pool = monty.Monty(
                binary_path=binary,
                min_processes=1,
                max_processes=processes,
                checkout_timeout=30.0,
                request_timeout=limits.seconds * LONGEST + 0.5,  # per turn: a worker that hangs is killed
                feed_duration_limit_grace=0.3,  # and so is one that ignores the limit of its run
                max_checkouts_per_worker=100_000,
            )
            _native_in = os.getpid()
            self._pool.__enter__()
        except Exception as exc:
            # Whatever the native side raises, the answer is the same: fail closed.
            raise SandboxUnavailable(cause=str(exc)) from exc

    def run(self, code: str, inputs: Mapping[str, Json], functions: HostFunctions, now: datetime, allowance: Allowance | None = None) -> Json:
        """See `Sandbox.run`."""
        allowance = allowance or Fixed()
        try:
            with self._pool.checkout(limits=self._resource_limits(seconds_of(allowance, self._limits)), os_policy=_policy(now)) as session:
                worker = session.worker_pid
                return result_of(_drive(session, code, dict(inputs), functions, lambda: allowance.running(worker)))
        except TimeoutError as exc:
            raise SandboxUnavailable(cause="every worker is busy") from exc
        except monty.MontyCrashedError as exc:
            raise RunFailed("TimeoutError" if exc.timed_out else "Crash", str(exc)) from exc
        except monty.MontyError as exc:
            raise _failed(exc) from exc

    def close(self) -> None:
        """Ends the workers."""
        self._pool.__exit__(None, None, None)

    def _resource_limits(self, seconds: float) -> monty.ResourceLimits:
        return {
            "max_feed_duration_secs": seconds,
            "max_memory": self._limits.memory,
            "max_recursion_depth": self._limits.recursion,
            "max_suspensions": self._limits.host_calls,
        }


def _policy(now: datetime) -> monty.OSPolicy:
    return {"datetime": now, "timezone": "utc", "sleep": "zero", "random_start": {"seed": 0}}


def _drive(session: monty.MontySession, code: str, inputs: dict[str, Any], functions: HostFunctions, running: Running) -> Any:
    """Runs code, answering calls of host functions here: an exception leaves at once, the code gets no chance to catch it."""
    if not functions:
        with running():
            return session.feed_run(code, inputs=inputs, print_callback=_discard)
    with running():
        step: Any = session.feed_start(code, inputs=inputs, print_callback=_discard)
    while not isinstance(step, monty.MontyComplete):
        resume = _resumption(step, functions)  # calls the host function, which is not the code's time
        with running():
            step = resume()
    return step.output


def _resumption(step: Any, functions: HostFunctions) -> Callable[[], Any]:
    """How the code goes on from where it waits for the host."""
    if isinstance(step, monty.NameLookupSnapshot):
        if step.variable_name in functions and step.object_id is None:
            raise RunFailed("TypeError", f"{step.variable_name} is a function: it can only be called")
        return step.resume
    if not isinstance(step, monty.FunctionSnapshot):
        raise RunFailed("RuntimeError", "await is not available")
    if step.is_os_function:
        return step.resume_not_handled
    if step.function_name in functions:
        value = _answer(functions[step.function_name], step)
        return lambda: step.resume({"return_value": value})
    return lambda: step.resume({"exc_type": "NameError", "message": f"name '{step.function_name}' is not defined"})


def _answer(function: Callable[..., Json], step: Any) -> Json:
    try:
        args = [to_json(value) for value in step.args]
        kwargs = {name: to_json(value) for name, value in step.kwargs.items()}
    except NotJson as exc:
        raise NotJson(f"an argument of {step.function_name}() is {exc}") from None
    return function(*args, **kwargs)


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
