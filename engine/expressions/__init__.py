"""Expressions and scripts of diagrams: Python, run in a sandbox, and the way to FEEL, which is given from outside. Implements the port `Evaluator`; decides nothing about processes.

`SandboxEvaluator`, and `Languages` over it, is all that other modules need. `source` reads and refuses text, `sandbox` owns the worker processes, `plain` turns
Python values into JSON values.
"""

from engine.expressions.evaluator import SandboxEvaluator
from engine.expressions.languages import Languages
from engine.expressions.sandbox import Limits, SandboxUnavailable

__all__ = ["Languages", "Limits", "SandboxEvaluator", "SandboxUnavailable"]
