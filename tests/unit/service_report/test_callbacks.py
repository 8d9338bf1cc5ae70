"""When a customer counts as unreachable, and the summary of a draw."""

from __future__ import annotations

from typing import Any

import pytest

from processes.service_report.callbacks import enough_attempts, summarise
from processes.service_report.settings import DEFAULTS, Settings

CONFIG = Settings(DEFAULTS, {})


@pytest.mark.parametrize(
    ("days", "enough"),
    [
        (["2026-07-02", "2026-07-03", "2026-07-06"], True),
        (["2026-07-02", "2026-07-03"], False),
        (["2026-07-02", "2026-07-02", "2026-07-02"], False),  # three times on one day
        (["2026-07-03", "2026-07-04", "2026-07-05"], False),  # Friday, Saturday, Sunday
        (["2026-07-03", "2026-07-04", "2026-07-06", "2026-07-07"], True),
    ],
)
def test_three_attempts_on_three_working_days(days: list[str], enough: bool) -> None:
    assert enough_attempts([{"on": day, "at": "10:00", "result": "no_answer"} for day in days], CONFIG) is enough


def _call(score: int | None, reached: bool = True) -> dict[str, Any]:
    return {"report_no": f"R{score}", "reached": reached, "score": score, "complaint": score == 1}


def test_a_summary_counts_and_gives_no_rate_below_five() -> None:
    few = summarise([_call(5), _call(2), _call(None, reached=False)], 3)
    assert (few["reached"], few["reached_pct"], few["csat_pct"], few["mean"], few["unreached"]) == (2, 66.67, None, 3.5, ["RNone"])
    many = summarise([_call(5)] * 12 + [_call(3)], 13)
    assert (many["csat_pct"], many["aql_accepted"]) == (92.31, True)
    assert summarise([_call(5)] * 11 + [_call(3)] * 2, 13)["aql_accepted"] is False
    assert summarise([], 0)["reached_pct"] is None
