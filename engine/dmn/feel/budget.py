"""What one evaluation may still spend, and why parts of it became null. Steps are charged for nodes and for the size of values."""

from __future__ import annotations

from engine.dmn.feel.types import ANY, Type, coerced
from engine.dmn.feel.values import FeelLimit, Value, equal, weight

ALLOWED_STEPS = 100
"""Steps that one test of allowed values may take."""


class Budget:
    """Steps left, and the warnings."""

    def __init__(self, steps: int) -> None:
        self.warnings: list[str] = []
        self._steps = steps

    def step(self, count: int = 1) -> None:
        """Charges steps. Raises FeelLimit."""
        self._steps -= count
        if self._steps < 0:
            raise FeelLimit("it takes too many steps")

    def charge(self, value: Value) -> Value:
        """Charges steps for the size of a value that is made, compared or copied; gives it back. Raises FeelLimit."""
        if isinstance(value, str):
            self.step(len(value) // 64)
        elif isinstance(value, list | dict):
            self.step(weight(value, (self._steps + 1) * 8) // 8)
        return value

    def coerce(self, value: Value, of: Type) -> Value:
        """The value as that type, charged; tests of allowed values are dear. Raises FeelLimit."""
        if of is ANY:
            return value
        self.charge(value)
        if of.constrained:
            self.step(ALLOWED_STEPS // 2 * (1 + weight(value, self._steps) if isinstance(value, list | dict) else 1))
        return coerced(value, of)

    def same(self, left: Value, right: Value) -> bool | None:
        """FEEL equality, charged."""
        if isinstance(left, list | dict | str) and type(left) is type(right):
            self.charge(left)
        return equal(left, right)

    def warn(self, message: str) -> None:
        """Notes why something became null."""
        if len(self.warnings) < 20:
            self.warnings.append(message[:200])
