"""Built-in functions of FEEL (DMN 1.5, clause 10.3.4), by kind of value. `registry` binds arguments to signatures."""

from engine.dmn.feel.functions import contexts, conversion, dates, lists, numbers, ranges, text
from engine.dmn.feel.functions.registry import BUILTINS, invoke

__all__ = ["BUILTINS", "contexts", "conversion", "dates", "invoke", "lists", "numbers", "ranges", "text"]
