"""The code around a source: what runs before it (clock, modules) and after it (turning results into JSON text inside the sandbox).

Encoding happens in the sandbox because Monty gives functions, iterators and cyclic lists to the host as mere text, which nobody could tell from
a string that the author meant; and because the text's size is bounded before it crosses. The outcome is JSON text, or, when the value holds
dates, decimals or durations, a one-tuple whose every part has been checked, for `plain` to convert.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from engine.errors import InvalidInput
from engine.expressions.plain import NotJson, to_json
from engine.expressions.source import AUTOMATIC, Source
from engine.model.values import Json, parse

_CHECKED = """
import datetime as _fl_dt, decimal as _fl_de
_fl_left = [20000]
_fl_most = 10 ** 4200
def _fl_checked(v):
  t = type(v)
  _fl_left[0] -= 1
  if _fl_left[0] < 0: raise ValueError('more than 20,000 parts and dates or decimals among them')
  if v is None or t is bool or t is str or t is _fl_dt.datetime or t is _fl_dt.date or t is _fl_dt.time: return v
  if t is _fl_dt.timedelta or t is _fl_de.Decimal: return v
  if t is float:
    if v - v != 0: raise ValueError('the number ' + str(v))
    return v
  if t is int:
    if v > _fl_most or v < -_fl_most: raise ValueError('an integer of more than 4,200 digits')
    return v
  if t is list or t is tuple: return [_fl_checked(x) for x in v]
  if t is dict: return {k if type(k) is str else _fl_js.dumps(k): _fl_checked(x) for k, x in v.items()}
  raise ValueError('a value of type ' + t.__name__)
def _fl_named(what, v):
  try:
    return _fl_checked(v)
  except RecursionError:
    raise ValueError(what + ' is nested too deeply')
  except ValueError as error:
    raise ValueError(what + ' holds ' + str(error))
"""

FALLBACK = {
    "expression": _CHECKED + "_fl_text = (_fl_named('the result', _fl_value),)",
    "script": _CHECKED + "_fl_text = ({'kept': {n: _fl_named('the variable ' + n, v) for n, v in _fl_kept.items()}, 'gone': _fl_gone},)",
}
"""Converts what plain encoding refuses. Passed as a text and compiled only when needed: compiling it each time doubles the cost of a run."""

_ENCODE = """
import json as _fl_js
try:
  _fl_text = _fl_js.dumps({value}, allow_nan=False, ensure_ascii=False)
  if len(_fl_text) > {size}: raise MemoryError('result')
except (TypeError, ValueError, RecursionError):
  exec(_fl_fallback)
_fl_text
"""

_COLLECT = """
try:
  if {name} is ...: _fl_gone.append('{name}')
  else: _fl_kept['{name}'] = {name}
except NameError: pass
"""


@dataclass(frozen=True, slots=True)
class Program:
    """`code` runs the source and ends in its encoded outcome; `extra`: inputs that it needs;
    `dry` compiles the source without running it; `offset`: lines put before it.
    """

    code: str
    extra: dict[str, str]
    dry: str
    offset: int
    lines: int

    def line(self, of_code: int) -> int | None:
        """Line of the source (1-based), or None when the line belongs to what surrounds it."""
        line = of_code - self.offset
        return line if 1 <= line <= self.lines and self.lines > 1 else None


@lru_cache(maxsize=4096)
def program_of(source: Source, functions: frozenset[str], given: tuple[str, ...], size: int) -> Program:
    """The program for a source.

    `functions`: names of the source that are host functions; `given`: names of the variables passed in; `size`: most characters of the result.
    """
    names = (*source.reads, *source.calls)
    before = [f"import {module}" for module in AUTOMATIC if module in names and module not in functions and module not in given]
    if "now" in names or "today" in names:
        before.append("import datetime as _fl_clock")
        before.append("def now(): return _fl_clock.datetime.now(_fl_clock.timezone.utc)")
        before.append("def today(): return _fl_clock.date.today()")
    start = "".join(f"{line}\n" for line in before)
    if source.mode == "expression":
        body = f"_fl_value = (\n{source.code}\n)\n"
        after = _ENCODE.format(value="_fl_value", size=size)
        dry = f"if False:\n  _fl_value = (\n{source.code}\n)\n'null'"
    else:
        body = source.code + "\n"
        collected = "".join(_COLLECT.format(name=name) for name in dict.fromkeys((*source.assigns, *given)))
        after = "_fl_kept = {}\n_fl_gone = []\n" + collected
        after += _ENCODE.format(value="{'kept': _fl_kept, 'gone': _fl_gone}", size=size)
        dry = "if False:\n" + "".join(f"  {line}\n" for line in source.code.splitlines()) + "  pass\n'null'"
    offset = start.count("\n") + (1 if source.mode == "expression" else 0)
    return Program(start + body + after, {"_fl_fallback": FALLBACK[source.mode]}, dry, offset, source.code.count("\n") + 1)


def result_of(outcome: Any) -> Json:
    """The JSON value in what a program ended with. Raises NotJson."""
    if isinstance(outcome, tuple) and len(outcome) == 1:
        return to_json(outcome[0])
    if not isinstance(outcome, str):
        raise NotJson("the result was tampered with")
    try:
        value: Json = parse(outcome)
    except InvalidInput as exc:
        raise NotJson(f"the result is no JSON value: {exc}") from exc
    return value if outcome.isascii() and "\\u" not in outcome else to_json(value)
