"""Behaviour of the sandboxed evaluator: values in, values out, names, errors."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from engine.errors import BpmnError, Conflict, ExpressionError
from engine.expressions import Limits, SandboxEvaluator, SandboxUnavailable
from engine.expressions.brokers import Brokers

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="module", params=["pool", "brokers"])
def evaluator(request: pytest.FixtureRequest) -> Iterator[SandboxEvaluator]:
    """Both ways to reach the sandbox: the second is that of a process forked after the first was used."""
    made = SandboxEvaluator()
    if request.param == "brokers":
        made._sandbox._runner = Brokers(made.limits, 2, None)
    yield made
    made.close()


def refuse(code: str = "E1") -> None:
    raise BpmnError(code)


def test_reads_only_the_variables_that_the_source_names(evaluator: SandboxEvaluator) -> None:
    result = evaluator.evaluate('amount > 5 and 客户 == "甲"', {"amount": 6, "客户": "甲", "secret": 1}, {}, NOW)
    assert result.value is True
    assert result.reads == {"amount": 6, "客户": "甲"}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("now()", "2026-01-02T03:04:05+00:00"),
        ("today()", "2026-01-02"),
        ("[now(), 1]", ["2026-01-02T03:04:05+00:00", 1]),
        ("datetime.timedelta(days=1, seconds=2)", "P1DT2S"),
        ("datetime.datetime.fromisoformat('2026-01-01T00:00:00+00:00') < now()", True),
        ("math.floor(2.5)", 2),
        ("json.loads('[1]')", [1]),
        ("(1, 2)", [1, 2]),
        ("{1: 2}", {"1": 2}),
        ("0.1 + 0.2", 0.1 + 0.2),
        ("# comment\n 1 +\n 2 # another", 3),
        ("[x for x in items if x > 1]", [2, 3]),
        ("(lambda items: items)(1)", 1),
        ("'e\u0301'", "\u00e9"),
    ],
)
def test_results_are_json_values(evaluator: SandboxEvaluator, source: str, value: Any) -> None:
    assert evaluator.evaluate(source, {"items": [1, 2, 3]}, {}, NOW).value == value


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("missing > 1", "unknown name missing"),
        ("1 +", "syntax error"),
        ("1) + (2", "syntax error"),
        ("", "empty"),
        ("x = 1", "syntax error"),
        ("{1, 2}", "type set"),
        ("lambda: 1", "type function"),
        ("[len]", "builtin_function"),
        ("float('nan')", "nan"),
        ("[float('inf')]", "inf"),
        ("10 ** 5000", "4,200 digits"),
        ("1 / 0", "ZeroDivisionError"),
        ("'a' * 5000000", "too much memory"),
        ("f", "can only be called"),
    ],
)
def test_failures_say_why(evaluator: SandboxEvaluator, source: str, cause: str) -> None:
    with pytest.raises(ExpressionError, match=cause):
        evaluator.evaluate(source, {}, {"f": refuse}, NOW)


def test_data_cannot_shadow_what_is_called(evaluator: SandboxEvaluator) -> None:
    data = {"len": 5, "now": 6, "limit": 7, "items": [1]}
    assert evaluator.evaluate("len(items) + limit()", data, {"limit": lambda: 10}, NOW).value == 11
    assert evaluator.evaluate("len", data, {}, NOW).value == 5
    assert evaluator.evaluate("now()", data, {}, NOW).value == "2026-01-02T03:04:05+00:00"


def test_nothing_survives_from_one_evaluation_to_the_next(evaluator: SandboxEvaluator) -> None:
    evaluator.execute("leak = 1\nimport math\nmath_pi = math.pi", {}, {}, NOW)
    evaluator.evaluate("(leak := 5)", {}, {}, NOW)
    for _ in range(8):
        with pytest.raises(ExpressionError, match="unknown name leak"):
            evaluator.evaluate("leak", {}, {}, NOW)


def test_randomness_is_part_of_the_function(evaluator: SandboxEvaluator) -> None:
    script = "import random\nx = [random.random() for _ in range(3)]"
    assert evaluator.execute(script, {}, {}, NOW) == evaluator.execute(script, {}, {}, NOW)


class TestHostFunctions:
    def test_values_cross_in_both_directions(self, evaluator: SandboxEvaluator) -> None:
        got: list[Any] = []

        def take(*args: Any, **kwargs: Any) -> Any:
            got.append((args, kwargs))
            return {"n": [1, None]}

        assert evaluator.evaluate("take((1, 2), when=today())['n']", {}, {"take": take}, NOW).value == [1, None]
        assert got == [(([1, 2],), {"when": "2026-01-02"})]

    @pytest.mark.parametrize("source", ["refuse('E7')", "try:\n  refuse('E7')\nexcept BaseException:\n  pass", "y = [refuse('E7') for a in [1]]"])
    def test_a_bpmn_error_comes_out_unchanged_and_cannot_be_caught(self, evaluator: SandboxEvaluator, source: str) -> None:
        with pytest.raises(BpmnError) as caught:
            evaluator.execute(source, {}, {"refuse": refuse}, NOW)
        assert caught.value.code == "E7"
        assert evaluator.evaluate("1", {}, {}, NOW).value == 1

    def test_errors_of_the_engine_pass_and_others_are_named(self, evaluator: SandboxEvaluator) -> None:
        def conflict() -> None:
            raise Conflict

        with pytest.raises(Conflict):
            evaluator.evaluate("f()", {}, {"f": conflict}, NOW)
        with pytest.raises(ExpressionError, match=r"f\(\) failed: KeyError"):
            evaluator.evaluate("f('a')", {}, {"f": {}.__getitem__}, NOW)
        with pytest.raises(ExpressionError, match="no JSON value"):
            evaluator.evaluate("f()", {}, {"f": lambda: {1}}, NOW)

    def test_calls_are_limited(self, evaluator: SandboxEvaluator) -> None:
        with pytest.raises(ExpressionError):
            evaluator.evaluate("[f() for _ in range(5000)]", {}, {"f": lambda: 1}, NOW)


class TestScripts:
    @pytest.mark.parametrize(
        ("source", "assigned"),
        [
            ("y = x[0] + 1", {"y": 2}),
            ("x.append(3)", {"x": [1, 2, 3]}),
            ("x += [5]", {"x": [1, 2, 5]}),
            ("d['k'] = 1", {"d": {"a": 0, "k": 1}}),
            ("del d['a']", {"d": {}}),
            ("del x[0:1]", {"x": [2]}),
            ("x[0] = True", {"x": [True, 2]}),
            ("if False:\n  q = 1\nr = 2", {"r": 2}),
            ("def g():\n  global h\n  h = 3\ng()", {"h": 3}),
            ("import math as m\nfrom json import dumps\nz = m.floor(1.5)\ndef f(): pass\nclass A: pass", {"z": 1}),
            ("a, *b = x", {"a": 1, "b": [2]}),
            ("x = x", {}),
            ("b = 1\na = 2", {"b": 1, "a": 2}),
            ("try:\n  1/0\nexcept ZeroDivisionError as e:\n  p = 1", {"p": 1}),
            ("match x:\n  case [p, q]: pass", {"p": 1, "q": 2}),
            ("print('nobody reads this')", {}),
            ("", {}),
            ("# only a comment", {}),
        ],
    )
    def test_assigned_and_mutated_variables(self, evaluator: SandboxEvaluator, source: str, assigned: dict[str, Any]) -> None:
        variables = {"x": [1, 2], "d": {"a": 0}}
        result = evaluator.execute(source, variables, {}, NOW)
        assert result.assigned == assigned
        assert list(result.assigned) == list(assigned)
        assert result.removed == ()
        assert variables == {"x": [1, 2], "d": {"a": 0}}

    def test_removed_variables(self, evaluator: SandboxEvaluator) -> None:
        result = evaluator.execute("fresh = 1\ndel b, a\ndel fresh", {"a": 1, "b": 2}, {}, NOW)
        assert result.removed == ("b", "a")
        assert result.assigned == {}

    @pytest.mark.parametrize(
        ("source", "cause"),
        [
            ("z = lambda: 1", "the variable z holds a value of type function"),
            ("ok = 1\nz = [{1}]", "the variable z holds a value of type set"),
            ("z = []\nz.append(z)", "the variable z is nested too deeply"),
            ("f = 3", "f is a function and cannot be assigned"),
            ("now = 3", "now is a function"),
            ("a = 1\n\nb = 2 / 0", "line 3"),
            ("return 1", "'return' outside function"),
            ("if True:\n  return ({},)", "'return' outside function"),
            ("break", "'break' outside loop"),
            ("async def f(): pass", "async"),
            ("import json\njson.dumps = lambda *a, **k: 1", "dumps|tampered"),
            ("str = 1\nlen = 2\nTypeError = 3\nx = {1}", "."),
        ],
    )
    def test_failures_name_the_variable_or_line(self, evaluator: SandboxEvaluator, source: str, cause: str) -> None:
        with pytest.raises(ExpressionError, match=cause):
            evaluator.execute(source, {}, {"f": refuse}, NOW)


@pytest.mark.parametrize(
    ("source", "mode", "cause"),
    [
        ("amount > 1", "expression", None),
        ("x = 1\ns = '''\nfoo\n'''", "script", None),
        ("1 +", "expression", "syntax"),
        ("import os", "script", "module os"),
        ("from os.path import join", "script", "module os.path"),
        ("class A(B): pass", "script", "inheritance"),
        ("def f():\n  yield 1", "script", "yield"),
        ("-" * 5000 + "1", "expression", "deep"),
        ("(" * 3000 + "1" + ")" * 3000, "expression", "parenthes|deep"),
        ("1" + " + 1" * 5000, "expression", "longer|deep"),
        ("a" * 10_001, "expression", "longer"),
        ("().__class__", "expression", "__class__"),
        ("eval('1')", "expression", "eval"),
        ("1\x00", "expression", "null"),
    ],
)
def test_check_refuses_at_deployment(evaluator: SandboxEvaluator, source: str, mode: str, cause: str | None) -> None:
    message = evaluator.check(source, mode)
    if cause is None:
        assert message is None
    else:
        assert message is not None
        assert any(part in message for part in cause.split("|")), message


def test_fails_closed_without_the_binary(tmp_path: Any) -> None:
    evaluator = SandboxEvaluator(binary=str(tmp_path / "absent"))
    with pytest.raises(SandboxUnavailable):
        evaluator.evaluate("x ** 2", {"x": 1}, {}, NOW)


FORKED = """
import os, sys
from datetime import UTC, datetime
from engine.errors import BpmnError
from engine.expressions import SandboxEvaluator

NOW = datetime(2026, 1, 2, tzinfo=UTC)
evaluator = SandboxEvaluator()

def refuse():
    raise BpmnError("E1")

def square(x):
    return evaluator.evaluate("sum([f(i) for i in range(x)]) + x ** 2", {"x": x}, {"f": lambda i: i}, NOW).value

assert square(3) == 12
children = []
for _ in range(2):
    child = os.fork()
    if child == 0:
        assert square(4) == 22
        try:
            evaluator.evaluate("f()", {}, {"f": refuse}, NOW)
        except BpmnError as exc:
            assert exc.code == "E1"
        assert square(5) == 35
        evaluator.close()
        sys.exit(7)
    children.append(child)
for child in children:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert square(6) == 51
evaluator.close()
print("all well")
"""


def test_survives_fork_before_and_after_first_use() -> None:
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "all well\n", done.stderr


def test_threads_share_an_evaluator(evaluator: SandboxEvaluator) -> None:
    wrong: list[Any] = []

    def work(number: int) -> None:
        for i in range(20):
            value = evaluator.evaluate("[n ** 2, i]", {"n": number, "i": i}, {}, NOW).value
            if value != [number**2, i]:
                wrong.append(value)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_works_again_after_close() -> None:
    evaluator = SandboxEvaluator(Limits(seconds=0.5), processes=1)
    assert evaluator.evaluate("2 ** 2", {}, {}, NOW).value == 4
    evaluator.close()
    evaluator.close()
    assert evaluator.evaluate("2 ** 3", {}, {}, NOW).value == 8
    evaluator.close()
