"""Python expressions and scripts of diagrams, run in a sandbox. Implements the port `Evaluator`; decides nothing about processes.

`SandboxEvaluator` is all that other modules need. `source` reads and refuses text, `sandbox` owns the worker processes, `plain` turns
Python values into JSON values.
"""

from engine.expressions.evaluator import SandboxEvaluator
from engine.expressions.sandbox import Limits, SandboxUnavailable

__all__ = ["Limits", "SandboxEvaluator", "SandboxUnavailable"]
