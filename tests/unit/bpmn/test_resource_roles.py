"""Potential owners and performers (BPMN 2.0.2 sections 10.3.1 and 10.3.4)."""

from __future__ import annotations

import pytest

from engine.model import events as ev
from tests.conformance.test_events import S
from tests.support.bpmn_bench import Bench, definitions, flows

RESOURCES = '<resource id="R1" name="Managers"/><resource id="R2"/>'


def offered(role: str, **variables: object) -> tuple[tuple[str, ...], tuple[str, ...], str | None]:
    body = f'<process id="p">{S}<userTask id="u">{role}</userTask>{flows("s u")}</process>'
    [task] = Bench(definitions(RESOURCES, body)).start("p", **variables).of(ev.UserTaskCreated)
    return task.candidate_groups, task.candidate_users, task.assignee


def role(tag: str, said: str) -> str:
    return f"<{tag}><resourceAssignmentExpression><formalExpression>{said}</formalExpression></resourceAssignmentExpression></{tag}>"


@pytest.mark.parametrize(("said", "groups", "users"), [
    ("user(kermit), group(mgmt)", ("mgmt",), ("kermit",)),
    ("user(kermit, gonzo), group( mgmt ), clerks", ("mgmt", "clerks"), ("kermit", "gonzo")),
    ("clerks, managers", ("clerks", "managers"), ()),
    ("${who}", ("a", "b"), ()),
    ("user(${who[0]}), group(${'x,y'}), team ${who[1]}", ("x", "y", "team b"), ("a",)),
])  # fmt: skip
def test_potential_owners_are_groups_or_users(said: str, groups: tuple[str, ...], users: tuple[str, ...]) -> None:
    assert offered(role("potentialOwner", said), who=["a", "b"]) == (groups, users, None)


def test_a_resource_is_known_by_its_name() -> None:
    assert offered("<potentialOwner><resourceRef>R1</resourceRef></potentialOwner>") == (("Managers",), (), None)
    assert offered("<potentialOwner><resourceRef>t:R2</resourceRef></potentialOwner>") == (("R2",), (), None)
    assert offered('<potentialOwner name="clerks"/>') == (("clerks",), (), None)
    assert offered("<humanPerformer><resourceRef>R1</resourceRef></humanPerformer>") == ((), (), "Managers")


def test_a_performer_is_one_person() -> None:
    assert offered(role("humanPerformer", "user(kermit)")) == ((), (), "kermit")
    assert offered(role("performer", "${who}"), who="gonzo") == ((), (), "gonzo")


def test_in_whatever_order_several_are_written() -> None:
    owners = [role("potentialOwner", said) for said in ("managers, user(kermit)", "clerks", "user(gonzo)")]
    performers = [role("humanPerformer", said) for said in ("user(rowlf)", "user(fozzie)")]
    for written in (owners + performers, [*reversed(owners), *reversed(performers)]):
        assert offered("".join(written)) == (("clerks", "managers"), ("kermit", "gonzo"), "fozzie")


def test_an_expression_in_feel() -> None:
    said = role("potentialOwner", "if amount &gt; 9 then &quot;managers&quot; else &quot;clerks&quot;").replace(
        "<formalExpression>", '<formalExpression language="feel">'
    )
    assert offered(said, amount=10) == (("managers",), (), None)
