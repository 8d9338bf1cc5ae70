"""The `Evaluator` port on plain Python, for tests of the interpreter alone: no sandbox, but the same contract."""

from __future__ import annotations

import ast
import copy
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from engine.errors import BpmnError, ExpressionError, ValueMissing
from engine.ports import Allowance, Evaluated, Executed, HostFunction


def _names(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


class PlainEvaluator:
    """Evaluates with `eval` and `exec`; values go in as copies."""

    def evaluate(
        self, source: str, variables: Mapping[str, Any], functions: Mapping[str, HostFunction], now: datetime, allowance: Allowance | None = None
    ) -> Evaluated:
        reads: dict[str, Any] = {}
        try:
            tree = ast.parse(source.strip(), mode="eval")
            reads.update({name: copy.deepcopy(variables[name]) for name in sorted(_names(tree)) if name in variables and name not in functions})
            value = eval(compile(tree, "<expression>", "eval"), {**reads, **functions})
            return Evaluated(value, reads)
        except BpmnError:
            raise
        except Exception as exc:
            missing = isinstance(exc, NameError) or (isinstance(exc, TypeError) and None in reads.values())
            raise (ValueMissing if missing else ExpressionError)(f"The expression {source} failed: {exc!r}") from exc

    def execute(
        self, source: str, variables: Mapping[str, Any], functions: Mapping[str, HostFunction], now: datetime, allowance: Allowance | None = None
    ) -> Executed:
        try:
            tree = ast.parse(source)
            reads = {name: copy.deepcopy(variables[name]) for name in sorted(_names(tree)) if name in variables and name not in functions}
            space: dict[str, Any] = {**copy.deepcopy(reads), **functions}
            exec(compile(tree, "<script>", "exec"), space)
        except BpmnError:
            raise
        except Exception as exc:
            raise ExpressionError(f"The script failed: {exc!r}") from exc
        kept = {k: v for k, v in space.items() if k not in functions and k != "__builtins__" and not callable(v)}
        assigned = {k: v for k, v in kept.items() if k not in reads or reads[k] != v or type(reads[k]) is not type(v)}
        return Executed(assigned, tuple(name for name in reads if name not in space), reads)

    def check(self, source: str, mode: str) -> str | None:
        try:
            compile(source.strip() if mode == "expression" else source, "<check>", "eval" if mode == "expression" else "exec")
        except (SyntaxError, ValueError) as exc:
            return str(exc)
        return None

    def available(self) -> bool:
        return True

    def close(self) -> None: ...
