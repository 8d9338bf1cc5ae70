"""Hostile expressions and scripts: each ends in an ExpressionError, soon, within the memory limit, and leaves the evaluator usable."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ExpressionError
from engine.expressions import Limits, SandboxEvaluator

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MEGABYTE = 1024 * 1024

BOTH = [
    "().__class__.__base__.__subclasses__()",
    "(1).__class__",
    "__import__('os').system('id')",
    "__builtins__",
    "open('/etc/passwd').read()",
    "eval('1')",
    "exec('x = 1')",
    "globals()",
    "getattr((), '_' + '_class_' + '_')",
    "'{0.__class__}'.format(1)",
    "9**9**9",
    "2**(2**40)",
    "1 << 10**10",
    "[0] * 10**10",
    "'a' * 10**10",
    "'%1000000000d' % 1",
    "f'{1:1000000000}'",
    "'a'.join(['b' * 10**6] * 10**6)",
    "'a'.ljust(10**10)",
    "list(range(10**9))",
    "[x for x in range(10**9)]",
    "{x: x for x in range(10**8)}",
    "sum(range(10**10))",
    "max(range(10**10))",
    "any(x < 0 for x in range(10**10))",
    "sorted(range(10**8))",
    "10**5000",
    "math.factorial(10**7)",
    "json.loads('[' * 100000)",
    "(lambda f: f(f))(lambda f: f(f))",
    "-" * 5000 + "1",
    "not " * 5000 + "1",
    "(" * 3000 + "1" + ")" * 3000,
    "[" * 3000 + "]" * 3000,
    "a" + ".b" * 3000,
    "1" + "+1" * 4000,
    "x" + "[0]" * 3000,
    "lambda: " * 2000 + "1",
    "1 if 1 else " * 800 + "1",
    "'" + "a" * 200_000 + "'",
    "\x00",
    "\ud800",
    "#{7*7} ${7*7} {{7*7}}",
]
SCRIPTS = [
    "import os\nos.system('id')",
    "import subprocess",
    "import socket",
    "from os import environ",
    "import sys\nsys.exit()",
    "raise SystemExit",
    "raise KeyboardInterrupt",
    "while True: pass",
    "while True:\n  try:\n    while True: pass\n  except BaseException: pass",
    "def f(): return f()\nf()",
    "x = []\nwhile True: x.append(x)",
    "x = []\nwhile True: x.append('a' * 1000)",
    "x = 'a'\nwhile True: x += x",
    "x = []\nfor i in range(10**6): x = [x]",
    "d = {}\nd['d'] = d",
    "class A:\n  def __init__(self): A()\nA()",
    "while True: print('a' * 1000)",
    "import re\nre.match('(.*)*x\\\\1', 'a' * 5000)\nx = {1}",
    "import time",
    "import asyncio",
    "import pathlib",
    "x = '<' * 10**7",
    "with open('/tmp/x', 'w') as f: f.write('x')",
    "x = " + "[" * 3000 + "]" * 3000,
    "if 1:\n" + "".join(" " * n + "if 1:\n" for n in range(1, 200)) + " " * 200 + "x = 1",
]


@pytest.fixture(scope="module")
def evaluator() -> Iterator[SandboxEvaluator]:
    made = SandboxEvaluator(Limits(seconds=0.3), processes=1)
    made.evaluate("sum([1])", {}, {}, NOW)
    yield made
    made.close()


def workers_peak() -> int:
    """Largest resident size, in bytes, that a child process of ours ever had."""
    peak = 0
    for children in Path("/proc/self/task").glob("*/children"):
        for pid in children.read_text().split():
            try:
                lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            except OSError:
                continue  # it has just ended
            peak = max([peak, *(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))])
    return peak


def assert_stopped(evaluator: SandboxEvaluator, run: Any, source: str, variables: dict[str, Any]) -> None:
    started = time.monotonic()
    with pytest.raises(ExpressionError):
        run(source, variables, {}, NOW)
    assert time.monotonic() - started < 1.5
    assert workers_peak() < 128 * MEGABYTE
    assert evaluator.evaluate("sum(x)", {"x": [1, 2]}, {}, NOW).value == 3


@pytest.mark.parametrize("source", BOTH, ids=lambda source: repr(source[:40]))
def test_expressions(evaluator: SandboxEvaluator, source: str) -> None:
    assert_stopped(evaluator, evaluator.evaluate, source, {"x": [1]})


@pytest.mark.parametrize("source", [*(f"y = {source}" for source in BOTH), *SCRIPTS], ids=lambda source: repr(source[:40]))
def test_scripts(evaluator: SandboxEvaluator, source: str) -> None:
    assert_stopped(evaluator, evaluator.execute, source, {})


@pytest.mark.parametrize("source", [*BOTH, *SCRIPTS], ids=lambda source: repr(source[:40]))
@pytest.mark.parametrize("mode", ["expression", "script"])
def test_check_never_runs_anything(evaluator: SandboxEvaluator, source: str, mode: str) -> None:
    started = time.monotonic()
    message = evaluator.check(source, mode)
    assert message is None or isinstance(message, str)
    assert time.monotonic() - started < 1.5


def test_data_is_never_compiled(evaluator: SandboxEvaluator) -> None:
    for text in ("#{7*7}", "${7*7}", "{{7*7}}", "7*7", "__import__('os')", "{0.__class__}"):
        assert evaluator.evaluate("[x, x + '']", {"x": text}, {}, NOW).value == [text, text]
    data = {"limit": 10**9, "__builtins__": {}, "sum": 3, "initiator": "eve"}
    assert evaluator.evaluate("limit() + sum([1])", data, {"limit": lambda: 5}, NOW).value == 6


def test_memory_of_the_host_stays_small(evaluator: SandboxEvaluator) -> None:
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for source in ("'a' * 60000000", "[0] * 3000000", "list(range(10**6))"):
        with pytest.raises(ExpressionError):
            evaluator.evaluate(source, {}, {}, NOW)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 32 * MEGABYTE
