"""Numeric and boolean functions (DMN 1.5, clauses 10.3.4.2 and 10.3.4.5)."""

from __future__ import annotations

import decimal
from decimal import Decimal

from engine.dmn.feel.calendar import Months, Span
from engine.dmn.feel.functions.conversion import whole
from engine.dmn.feel.functions.registry import Run, builtin
from engine.dmn.feel.operators import number
from engine.dmn.feel.values import CONTEXT, Value

_DEAR = 20  # steps: what a function of 34 digits costs beside an addition
_WIDE = decimal.Context(prec=6200, Emin=-999_999, Emax=999_999, traps=[decimal.InvalidOperation])


@builtin("not", "negand:Any")
def negation(_run: Run, value: Value) -> Value:
    return (not value) if isinstance(value, bool) else None


def _rounded(value: Decimal, scale: Decimal, rounding: str) -> Decimal:
    places = int(scale)
    if not -6111 <= places <= 6176:
        raise ValueError("scale out of range")
    return CONTEXT.plus(value.quantize(Decimal(1).scaleb(-places), rounding=rounding, context=_WIDE))


def _rounding(name: str, mode: str) -> None:
    @builtin(name, "n:number, scale:number")
    def function(_run: Run, value: Decimal, scale: Decimal) -> Value:
        return _rounded(value, scale, mode)


_rounding("decimal", decimal.ROUND_HALF_EVEN)
_rounding("round up", decimal.ROUND_UP)
_rounding("round down", decimal.ROUND_DOWN)
_rounding("round half up", decimal.ROUND_HALF_UP)
_rounding("round half down", decimal.ROUND_HALF_DOWN)


@builtin("floor", "n:number, scale?:number")
def floor(_run: Run, value: Decimal, scale: Decimal = Decimal(0)) -> Value:
    return _rounded(value, scale, decimal.ROUND_FLOOR)


@builtin("ceiling", "n:number, scale?:number")
def ceiling(_run: Run, value: Decimal, scale: Decimal = Decimal(0)) -> Value:
    return _rounded(value, scale, decimal.ROUND_CEILING)


@builtin("abs", "n:number|days and time duration|years and months duration")
def absolute(_run: Run, value: Value) -> Value:
    if isinstance(value, Months):
        return Months(abs(value.months))
    return Span(abs(value.nanos)) if isinstance(value, Span) else abs(value)


@builtin("modulo", "dividend:number, divisor:number")
def modulo(_run: Run, dividend: Decimal, divisor: Decimal) -> Value:
    if divisor == 0:
        raise ValueError("division by zero")
    quotient = number("/", dividend, divisor).to_integral_value(rounding=decimal.ROUND_FLOOR)
    return number("-", dividend, number("*", divisor, quotient))


@builtin("sqrt", "number:number")
def square_root(run: Run, value: Decimal) -> Value:
    run.step(_DEAR)
    return CONTEXT.sqrt(value)


@builtin("log", "number:number")
def logarithm(run: Run, value: Decimal) -> Value:
    run.step(_DEAR)
    if value <= 0:
        raise ValueError("no logarithm")
    return CONTEXT.ln(value)


@builtin("exp", "number:number")
def exponential(run: Run, value: Decimal) -> Value:
    run.step(_DEAR)
    return CONTEXT.exp(value)


@builtin("odd", "number:number")
def odd(_run: Run, value: Decimal) -> Value:
    return whole(value) % 2 == 1


@builtin("even", "number:number")
def even(_run: Run, value: Decimal) -> Value:
    return whole(value) % 2 == 0
