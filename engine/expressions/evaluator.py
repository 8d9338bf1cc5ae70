"""The port `Evaluator` over the sandbox: which values go in, what comes out, and what is said when it fails.

Rules that authors of diagrams can rely on:
- a name stands for a host function or a clock function first, then for a variable, then for a Python builtin; variables cannot shadow what
  is called: a name that is only called is never looked up in the data;
- `now()` and `today()` are the record's clock reading in UTC; `datetime`, `json` and `math` need no import;
- an exception that a host function raises ends the run at once: a script's own `try` cannot catch it, because history must show it;
- a script's variables are the global names that it binds; functions, classes and modules are not variables; mutation of a variable that it
  reads is detected by comparing before and after; `del x` removes; assigning the value that a variable already has is no change;
- results are JSON values, see `plain`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from typing import Any

from engine.errors import ExpressionError, ExpressionStopped, FlowledgerError, ValueMissing
from engine.expressions.direct import Undecided, direct_of, steps_of
from engine.expressions.plain import NotJson, same, to_json
from engine.expressions.sandbox import Limits, RunFailed, Sandbox
from engine.expressions.source import CLOCK, Mode, Source, SourceRefused, read
from engine.expressions.wrapping import Program, program_of
from engine.model.values import Json
from engine.ports import Allowance, Evaluated, Executed, HostFunction


class SandboxEvaluator:
    """Implements `engine.ports.Evaluator`. `processes`: workers at most; `binary`: Monty's executable, found by itself when None.

    `direct`: simple expressions and scripts are computed in this process, see `direct`.
    """

    def __init__(self, limits: Limits | None = None, processes: int | None = None, binary: str | None = None, *, direct: bool = True) -> None:
        self._direct = direct
        self.limits = limits or Limits()
        self._sandbox = Sandbox(self.limits, processes or max(2, min(4, os.cpu_count() or 2)), binary)

    def evaluate(
        self, source: str, variables: Mapping[str, Any], functions: Mapping[str, HostFunction], now: datetime, allowance: Allowance | None = None
    ) -> Evaluated:
        """Value of an expression with the variables that it names. Raises ExpressionError (ExpressionStopped when that depends on the
        machine), SandboxUnavailable, BpmnError of a function.
        """
        accepted = _accepted(source, "expression")
        reads = _reads(accepted, variables, functions)
        if self._direct:
            compute = _compute_of(accepted, _functions_in(accepted, functions))
            if compute is not None:
                with suppress(Undecided, NotJson, RecursionError):
                    return Evaluated(to_json(compute(reads)), reads)
        return Evaluated(self._run(accepted, reads, functions, now, allowance), reads)

    def execute(
        self, source: str, variables: Mapping[str, Any], functions: Mapping[str, HostFunction], now: datetime, allowance: Allowance | None = None
    ) -> Executed:
        """Effect of a script on the variables. Raises as `evaluate`; then nothing of the script has an effect."""
        accepted = _accepted(source, "script")
        for name in accepted.assigns:
            if name in functions or name in CLOCK:
                raise ExpressionError(source=_short(source), cause=f"{name} is a function and cannot be assigned")
        reads = _reads(accepted, variables, functions)
        if self._direct:
            compute = _steps_of(accepted, _functions_in(accepted, functions))
            if compute is not None:
                with suppress(Undecided, NotJson, RecursionError):
                    found = {name: to_json(value) for name, value in compute(reads).items()}
                    return Executed(
                        {n: v for n in accepted.assigns for v in (found[n],) if n not in variables or not same(variables[n], v)}, (), reads
                    )
        after: Any = self._run(accepted, reads, functions, now, allowance)
        if not (isinstance(after, dict) and isinstance(after.get("kept"), dict) and isinstance(after.get("gone"), list)):
            raise ExpressionError(source=_short(source), cause="its effect was tampered with")
        watched = dict.fromkeys((*accepted.assigns, *reads))
        assigned = {n: after["kept"][n] for n in watched if n in after["kept"] and not (n in variables and same(variables[n], after["kept"][n]))}
        return Executed(assigned, tuple(n for n in watched if n in after["gone"] and n in variables), reads)

    def check(self, source: str, mode: str) -> str | None:
        """A message when the text cannot run (`mode` is `expression` or `script`), else None. Raises SandboxUnavailable."""
        if mode not in ("expression", "script"):
            raise ValueError(f"unknown mode {mode}")
        try:
            accepted = read(source, "expression" if mode == "expression" else "script")
            foreign = next((name for name in _FOREIGN if name in accepted.reads and name not in accepted.assigns), None)
            if foreign is not None:
                return f"{foreign} is a word of other languages; in Python it is {_FOREIGN[foreign]}"
            if self._direct and (_compute_of(accepted, frozenset()) or _steps_of(accepted, frozenset())) is not None:
                return None  # nothing in it that the sandbox could not read
            self._sandbox.run(program_of(accepted, frozenset(), (), self.limits.result).dry, {}, {}, _NO_TIME)
        except SourceRefused as exc:
            return str(exc)
        except RunFailed as exc:
            return _explain(exc)
        return None

    def available(self) -> bool:
        """Is Monty's executable where it is expected?"""
        return self._sandbox.available()

    def close(self) -> None:
        """Ends the worker processes."""
        self._sandbox.close()

    def _run(
        self, source: Source, reads: Mapping[str, Json], functions: Mapping[str, HostFunction], now: datetime, allowance: Allowance | None
    ) -> Json:
        named = {name: _guarded(name, functions[name]) for name in (*source.calls, *source.reads) if name in functions}
        program = program_of(source, frozenset(named), tuple(reads), self.limits.result)
        try:
            return self._sandbox.run(program.code, {**reads, **program.extra}, named, now, allowance)
        except RunFailed as exc:
            raise _kind(exc, source, reads)(source=_short(source.text), cause=_explain(exc, program)) from exc
        except NotJson as exc:
            raise ExpressionError(source=_short(source.text), cause=str(exc)) from exc
        except _HostFailed as exc:
            raise ExpressionError(source=_short(source.text), cause=str(exc)) from exc.__cause__


_FOREIGN = {"true": "True", "false": "False", "null": "None"}  # what people write who come from other expression languages
_QUOTED = 200  # characters of a source that an error message repeats
_NO_TIME = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


_compute_of = lru_cache(maxsize=4096)(direct_of)
_steps_of = lru_cache(maxsize=4096)(steps_of)


class _HostFailed(Exception):
    """A host function raised something that is no error of the engine."""


def _accepted(source: str, mode: Mode) -> Source:
    try:
        return read(source, mode)
    except SourceRefused as exc:
        raise ExpressionError(source=_short(source), cause=str(exc)) from None


def _reads(source: Source, variables: Mapping[str, Any], functions: Mapping[str, HostFunction]) -> dict[str, Json]:
    return {name: variables[name] for name in source.reads if name in variables and name not in functions and name not in CLOCK}


def _functions_in(source: Source, functions: Mapping[str, HostFunction]) -> frozenset[str]:
    return frozenset(name for name in (*source.reads, *source.calls) if name in functions or name in CLOCK)


def _guarded(name: str, function: HostFunction) -> Callable[..., Json]:
    """The function, its result made JSON. Errors of the engine (BpmnError among them) pass, others are named."""

    def call(*args: Any, **kwargs: Any) -> Json:
        try:
            return to_json(function(*args, **kwargs))
        except FlowledgerError:
            raise
        except NotJson as exc:
            raise _HostFailed(f"the result of {name}() is no JSON value: {exc}") from exc
        except Exception as exc:
            raise _HostFailed(f"{name}() failed: {type(exc).__name__}: {exc}") from exc

    return call


def _kind(failed: RunFailed, source: Source, reads: Mapping[str, Json]) -> type[ExpressionError]:
    if failed.kind in ("TimeoutError", "Crash"):
        return ExpressionStopped
    nothing = failed.kind == "NameError" and any(failed.message.startswith(f"name '{name}' ") for name in source.reads)
    if nothing or (failed.kind == "TypeError" and any(reads[name] is None for name in reads)):
        return ValueMissing
    return ExpressionError


def _explain(failed: RunFailed, program: Program | None = None) -> str:
    if failed.kind == "NameError" and "'" in failed.message:
        cause = f"unknown name {failed.message.split(chr(39))[1]}"
    elif failed.kind == "TimeoutError":
        cause = "it took too long"
    elif failed.kind == "MemoryError":
        cause = "it needs too much memory"
    elif failed.kind == "RecursionError":
        cause = "it calls itself too deeply"
    elif failed.kind == "NotImplementedError" or failed.message.startswith(("the result ", "the variable ")):
        cause = failed.message
    else:
        cause = f"{failed.kind}: {failed.message}" if failed.message else failed.kind
    line = program.line(failed.line) if program and failed.line else None
    return f"{cause} (line {line})" if line else cause


def _short(text: str) -> str:
    return text if len(text) <= _QUOTED else text[: _QUOTED - 1] + "…"
