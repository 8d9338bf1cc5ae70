import pytest

from engine.identity import policy
from engine.model.actors import ROLES, SYSTEM, Actor
from engine.model.views import TaskRow


def task(**changes):
    base = dict.fromkeys(TaskRow.__dataclass_fields__)
    base |= {"candidate_groups": (), "candidate_users": (), "excluded_users": (), "excludes": (), "id": "i-1", "element_id": "a", "name": "A"}
    return TaskRow(**{**base, **changes})


def staff(user_id="li", *groups):
    return Actor(user_id, user_id, frozenset(groups), frozenset({"staff"}))


def test_only_candidates_work_on_an_offered_task():
    offered = task(candidate_groups=("rd",), candidate_users=("wang",))
    assert policy.may_work_on(staff("li", "rd"), offered)
    assert policy.may_work_on(staff("wang"), offered)
    assert not policy.may_work_on(staff("li", "eng"), offered)


def test_a_claimed_task_is_its_holders():
    held = task(candidate_groups=("rd",), assignee="wang")
    assert policy.may_work_on(staff("wang"), held)
    assert not policy.may_work_on(staff("li", "rd"), held)


def test_four_eyes_beat_group_and_assignment():
    assert not policy.may_work_on(staff("li", "rd"), task(candidate_groups=("rd",), excluded_users=("li",)))
    assert not policy.may_work_on(staff("li", "rd"), task(assignee="li", excluded_users=("li",)))


@pytest.mark.parametrize("role", [r for r in ROLES if r != "staff"])
def test_who_is_not_staff_does_no_tasks(role):
    assert not policy.may_work_on(Actor("x", "x", frozenset({"rd"}), frozenset({role})), task(candidate_groups=("rd",)))


def test_auditors_change_nothing():
    auditor = Actor("a", "a", frozenset(), frozenset({"auditor"}))
    changing = {
        a for a in policy.GRANTS if a.rsplit(".", 1)[1] in {"deploy", "start", "draft", "publish", "operate", "work", "reassign", "write", "manage"}
    }
    assert not any(policy.allows(auditor, action) for action in changing)


def test_staff_reach_no_instances_of_others_by_messages():
    """Who has written a record of an instance sees it whole."""
    assert not policy.allows(staff(), "message.publish")


def test_an_unknown_action_is_nobodys():
    everybody = Actor("x", "x", frozenset(), frozenset(ROLES))
    assert not policy.allows(everybody, "no.such.action")
    assert policy.allows(SYSTEM, "process.deploy")
