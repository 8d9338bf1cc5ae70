"""Signatures of built-in functions and the binding of arguments to them; the functions themselves register here.

A signature is written `string:string, start position:number, length?:number`: `?` marks a parameter that may be left out, `*` one that takes
all further arguments; a type may be several, joined by `|`, with `null` among them where null is a value and not an error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from engine.dmn.feel.types import ANY, SIMPLE, Type, conforms
from engine.dmn.feel.values import FeelError, Value

Run = Any
"""The interpreter of this evaluation: `now`, `step`, `call`, `warn`."""


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    types: tuple[Type, ...]
    nullable: bool
    optional: bool
    rest: bool


@dataclass(frozen=True, slots=True)
class Signature:
    parameters: tuple[Parameter, ...]
    call: Callable[..., Value]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return tuple(parameter.name for parameter in self.parameters)


BUILTINS: dict[str, list[Signature]] = {}
"""Signatures by function name, tried in order."""


def builtin(name: str, signature: str) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
    """Decorator: registers `function(run, *arguments)` under a FEEL name; left-out arguments are absent."""

    def register(function: Callable[..., Value]) -> Callable[..., Value]:
        parameters = tuple(_parameter(part.strip()) for part in signature.split(",") if part.strip())
        BUILTINS.setdefault(name, []).append(Signature(parameters, function))
        return function

    return register


def _parameter(written: str) -> Parameter:
    name, _, kinds = written.partition(":")
    types = tuple(SIMPLE[part] for part in kinds.split("|") if part != "null")
    return Parameter(name.rstrip("?*"), types, "null" in kinds.split("|"), name.endswith("?"), name.endswith("*"))


def invoke(run: Run, name: str, arguments: Sequence[Value], named: Sequence[str] | None) -> Value:
    """Calls a built-in with positional or named arguments. Raises FeelError when no signature takes them."""
    reason = "wrong number of arguments"
    for signature in BUILTINS[name]:
        bound = _named(signature, arguments, named) if named is not None else _positional(signature, arguments)
        if bound is None:
            continue
        checked = _checked(signature, bound)
        if isinstance(checked, str):
            reason = checked
            continue
        run.step(1 + sum(len(value) // 8 for value in checked if isinstance(value, list | str)))
        try:
            return run.charge(signature.call(run, *checked))
        except (ValueError, ArithmeticError) as exc:
            raise FeelError(f"{name}: {exc}") from None
    raise FeelError(f"{name}: {reason}")


def _positional(signature: Signature, arguments: Sequence[Value]) -> list[Value] | None:
    parameters = signature.parameters
    if parameters and parameters[-1].rest:
        fixed = len(parameters) - 1
        return [*arguments[:fixed], list(arguments[fixed:])] if len(arguments) > fixed else None
    required = sum(not parameter.optional for parameter in parameters)
    return list(arguments) if required <= len(arguments) <= len(parameters) else None


def _named(signature: Signature, arguments: Sequence[Value], names: Sequence[str]) -> list[Value] | None:
    given = dict(zip(names, arguments, strict=True))
    bound: list[Value] = []
    for parameter in signature.parameters:
        if parameter.rest:
            return None
        if parameter.name in given:
            bound.append(given.pop(parameter.name))
        elif not parameter.optional:
            return None
        else:
            bound.append(_ABSENT)
    while bound and bound[-1] is _ABSENT:
        bound.pop()
    return None if given else bound


_ABSENT = object()


def _checked(signature: Signature, arguments: list[Value]) -> list[Value] | str:
    """The arguments coerced to the parameters' types, or what is wrong."""
    out: list[Value] = []
    for parameter, argument in zip(signature.parameters, arguments, strict=False):
        if parameter.rest:
            out.append(argument)
            continue
        if argument is None or argument is _ABSENT:
            if not (argument is _ABSENT or parameter.nullable or ANY in parameter.types):
                return f"{parameter.name} is null"
            out.append(None)
            continue
        for of in parameter.types:
            value = _fitted(argument, of)
            if value is not None:
                out.append(value)
                break
        else:
            return f"{parameter.name} is no {' or '.join(of.name for of in parameter.types)}"
    return out


def _fitted(argument: Value, of: Type) -> Value:
    """As `coerced`, but a date stays no date and time, and any single value is a list of one (clause 10.3.2.9.4)."""
    if of.name == "list":
        return argument if isinstance(argument, list) else [argument]
    if isinstance(argument, list) and len(argument) == 1:
        argument = argument[0]
    return argument if conforms(argument, of) else None
