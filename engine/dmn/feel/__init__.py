"""FEEL, the expression language of DMN 1.5 (clause 10.3): lexer, parser, interpreter, built-in functions. Knows no decision tables.

Numbers are decimals of 34 digits, evaluation is bounded in steps and sizes, time is given by the caller, errors inside an expression give null
with a warning as the standard says.
"""

from engine.dmn.feel.evaluator import FeelEvaluator

__all__ = ["FeelEvaluator"]
