"""Statistics against SciPy, pymannkendall and statsmodels, which the product itself does not need."""

import math

import pymannkendall
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, linregress
from statsmodels.stats.proportion import proportion_confint

from processes.service_report.statistics import budget, least_squares, mann_kendall, moving_average, trend, wilson

series = st.lists(st.integers(0, 30).map(float), min_size=8, max_size=40)


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(1, 300))
def test_wilson_agrees_with_statsmodels(successes: int, n: int) -> None:
    successes = min(successes, n)
    low, high = wilson(successes, n) or (math.nan, math.nan)
    expected = proportion_confint(successes, n, method="wilson")
    assert low == pytest.approx(expected[0], abs=1e-9)
    assert high == pytest.approx(expected[1], abs=1e-9)


def test_wilson_without_observations_is_nothing() -> None:
    assert wilson(0, 0) is None


@settings(deadline=None)
@given(series)
def test_mann_kendall_agrees_with_pymannkendall(values: list[float]) -> None:
    if len(set(values)) > 1:
        assert mann_kendall(values) == pytest.approx(pymannkendall.original_test(values).p, abs=1e-9)


@settings(deadline=None)
@given(series)
def test_slope_agrees_with_scipy(values: list[float]) -> None:
    assert least_squares(values) == pytest.approx(linregress(range(len(values)), values).slope, abs=1e-9)


def test_verdicts() -> None:
    assert trend([1, 2, 3, 4, 5, 6, 7, 8]).verdict == "rising"
    assert trend([8, 7, 6, 5, 4, 3, 2, 1]).verdict == "falling"
    assert trend([3, 1, 3, 1, 3, 1, 3, 1]).verdict == "none"
    assert trend([5] * 8).verdict == "none"


def test_seven_points_are_too_few() -> None:
    found = trend([1, 2, 3, 4, 5, 6, 7])
    assert (found.verdict, found.slope, found.p_value) == ("too_few", None, None)


def test_moving_average_of_three() -> None:
    assert moving_average([3, 6, 9, 12]) == [None, None, 6, 9]


def test_budget_warns_at_three_quarters_or_by_chance() -> None:
    assert budget(0.95, 100, 50, 1, 0.01).warn is False
    used = budget(0.95, 100, 50, 4, 0.0)
    assert (used.allowed, used.warn) == (5, True)
    likely = budget(0.95, 100, 20, 2, 0.05)
    assert likely.exceed_probability == pytest.approx(binom.sf(3, 80, 0.05))
    assert likely.warn
