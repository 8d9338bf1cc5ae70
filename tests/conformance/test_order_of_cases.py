"""Where the order of a document means something: the conditions after an exclusive gateway, and nothing else.

That nothing else does is tested case by case in `test_cases.py`.
"""

from __future__ import annotations

from tests.conformance.case import Case, cases
from tests.conformance.order import Reordered, with_conditions_reversed
from tests.conformance.stage import engine_for

MEANT = {
    "events/error_from_condition": "the condition that raises the error comes first",
    "files/no_diagram_part": "both conditions hold for some number",
    "gateways/exclusive_order": "both conditions hold",
    "gateways/exclusive_order_stops": "the first condition holds, the second cannot be evaluated",
    "refusals/dead_flow": "a condition that always holds comes first, which is what the warning is about",
}


def test_conditions_are_tried_in_the_order_of_the_document() -> None:
    with_gateway = [case for case in cases() if case.runs and any(b"exclusiveGateway" in data for data in case.contents().values())]
    assert len(with_gateway) > 20
    assert {case.id for case in with_gateway if not goes_as_said(case)} == set(MEANT)


def goes_as_said(case: Case) -> bool:
    """With the flows out of exclusive gateways in the opposite order."""
    for run in case.runs:
        with engine_for(case) as engine:
            stage = Reordered(case, engine, with_conditions_reversed)
            try:
                stage.play(run, stage.deploy())
            except AssertionError:
                return False
    return True
