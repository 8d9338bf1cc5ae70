"""Statistics of the reports: Wilson interval, least squares, Mann-Kendall, moving average, the budget of allowed breaches.

Pure Python on purpose: the figures of a report must come out the same on every machine, and NumPy's sums need not. Tests compare
with SciPy and pymannkendall. Source: domain decisions, "Metrics".
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

Z95 = 1.959963984540054
FEWEST_POINTS = 8
TREND_P = 0.1


def wilson(successes: int, n: int) -> tuple[float, float] | None:
    """95 % Wilson score interval of a proportion, both ends in 0..1; None without observations."""
    if n == 0:
        return None
    share = successes / n
    z2 = Z95 * Z95
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True, slots=True)
class Trend:
    """`slope` per step by least squares; `p_value` two-sided of Mann-Kendall; both None when there are too few points.

    `verdict`: rising, falling, none (no significant trend), too_few.
    """

    points: int
    slope: float | None
    p_value: float | None
    verdict: str


def trend(values: Sequence[float]) -> Trend:
    """The trend of an evenly spaced series. Fewer than FEWEST_POINTS points are reported as such, never judged."""
    n = len(values)
    if n < FEWEST_POINTS:
        return Trend(n, None, None, "too_few")
    slope = least_squares(values)
    p = mann_kendall(values)
    verdict = "none" if p >= TREND_P else ("rising" if _score(values) > 0 else "falling")
    return Trend(n, slope, p, verdict)


def least_squares(values: Sequence[float]) -> float:
    """Slope of the straight line through (0, v0), (1, v1) ...; at least two points."""
    n = len(values)
    mean_x = (n - 1) / 2
    mean_y = math.fsum(values) / n
    above = math.fsum((i - mean_x) * (v - mean_y) for i, v in enumerate(values))
    return above / math.fsum((i - mean_x) ** 2 for i in range(n))


def mann_kendall(values: Sequence[float]) -> float:
    """Two-sided p value of the Mann-Kendall test, with the correction for ties and for continuity."""
    n = len(values)
    score = _score(values)
    ties = sum(t * (t - 1) * (2 * t + 5) for t in Counter(values).values() if t > 1)
    variance = (n * (n - 1) * (2 * n + 5) - ties) / 18
    if score == 0 or variance == 0:
        return 1.0
    z = (score - math.copysign(1, score)) / math.sqrt(variance)
    return math.erfc(abs(z) / math.sqrt(2))


def _score(values: Sequence[float]) -> int:
    return sum((b > a) - (b < a) for i, a in enumerate(values) for b in values[i + 1 :])


def moving_average(values: Sequence[float], width: int = 3) -> list[float | None]:
    """Mean of each value and the `width` - 1 before it; None where there are not enough."""
    return [math.fsum(values[i - width + 1 : i + 1]) / width if i >= width - 1 else None for i in range(len(values))]


@dataclass(frozen=True, slots=True)
class Budget:
    """Breaches allowed in a period. `exceed_probability`: that the period ends over budget; `warn` by either rule."""

    allowed: int
    used: int
    exceed_probability: float
    warn: bool


def budget(target: float, expected: int, seen: int, breaches: int, usual_rate: float) -> Budget:
    """Early warning: `target` share in 0..1, `expected` tickets in the whole period, `seen` so far with `breaches`.

    Warns when at least 75 % of the budget is used or the chance of exceeding it is at least 0.2, with the remaining tickets breaching
    independently at `usual_rate`.
    """
    allowed = math.floor((1 - target) * expected + 1e-9)
    left = max(expected - seen, 0)
    chance = 1.0 if breaches > allowed else _more_than(allowed - breaches, left, usual_rate)
    heavy = breaches > 0 and (allowed == 0 or breaches / allowed >= 0.75)
    return Budget(allowed, breaches, chance, heavy or chance >= 0.2)


def _more_than(k: int, n: int, p: float) -> float:
    """P(X > k), X binomial."""
    return min(1.0, math.fsum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1, n + 1)))


def rounded(value: float | None, digits: int = 4) -> float | None:
    """Rounded for the record, so that equal figures have equal bytes; minus zero becomes zero."""
    return None if value is None else round(value, digits) + 0.0
