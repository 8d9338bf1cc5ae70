"""Decisions: DMN 1.1 to 1.5 files compiled and evaluated, with FEEL as their language. Implements the ports `DecisionCompiler` and `DecisionModel`.

Knows no processes: a business rule task gives variables and gets a result with the rules that matched and the values that were read.
"""

from engine.dmn.compiler import DmnCompiler
from engine.dmn.model import DmnModel

__all__ = ["DmnCompiler", "DmnModel"]
