"""Projections are shown only the records that they are about: what one looks for and what it says that it is about is the same."""

from __future__ import annotations

import ast
import inspect
import textwrap

import pytest

from engine.history.replay import CHANGES_STATE
from engine.model import events, inputs
from engine.ports import Projection
from engine.projections import ALL

CHOOSY = [one for one in ALL if one.about is not None]
ENDINGS = {"InstanceCompleted", "InstanceFailed", "InstanceCancelled"}  # behind `head.open`


@pytest.mark.parametrize("projection", CHOOSY, ids=lambda one: one.name)
def test_a_projection_is_about_all_that_it_looks_for(projection: Projection) -> None:
    known = {name for module in (events, inputs) for name, one in vars(module).items() if inspect.isclass(one)}
    methods = [one for name, one in vars(type(projection)).items() if inspect.isfunction(one)]
    tree = ast.parse("\n".join(textwrap.dedent(inspect.getsource(one)) for one in methods))
    named = {one.attr for one in ast.walk(tree) if isinstance(one, ast.Attribute)} | {one.id for one in ast.walk(tree) if isinstance(one, ast.Name)}
    looked_for = (named & known) | (ENDINGS if "open" in named else set())
    assert looked_for - {"Input", "Event"} == {one.__name__ for one in projection.about or ()}


def test_every_event_of_an_instance_is_known_to_change_its_state_or_not() -> None:
    """A projection writes the state only with one of these: an event that came later, and was forgotten there, would leave the row where it was."""
    of_instances = {one for name, one in vars(events).items() if inspect.isclass(one) and name.startswith("Instance")}
    assert of_instances - CHANGES_STATE == {events.InstanceStarted, events.InstanceMigrated}
    assert of_instances > CHANGES_STATE
