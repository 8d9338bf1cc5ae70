"""The plan that is proposed from the difference of two diagrams, and the rules for any plan."""

from __future__ import annotations

import pytest

from engine.bpmn.version_plan import judge, propose
from tests.support.bpmn_bench import Bench, flows, process, script

S, E = '<startEvent id="s"/>', '<endEvent id="e"/>'
TIMER = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
MESSAGE = '<messageEventDefinition messageRef="M"/>'
ROOTS = '<message id="M" name="m"/>'


def container(*parts, before=ROOTS):
    return Bench(process(*parts, before=before)).model.specs["p"].container


def task(id, name="", tag="userTask"):
    return f'<{tag} id="{id}"{f" name={chr(34)}{name}{chr(34)}" if name else ""}/>'


def proposed(old, new):
    entries, added = propose(old, new)
    return {one.source: one.target or one.why for one in entries}, added


def test_same_id_and_kind_is_the_same_element_whatever_its_name():
    old = container(S, task("a", "Check"), E, flows("s a", "a e"))
    new = container(S, task("a", "Check twice"), task("b", "More"), E, flows("s a", "a b", "b e"))
    assert proposed(old, new) == ({"s": "s", "a": "a", "e": "e"}, ("b",))


def test_an_element_with_another_id_is_found_by_its_name():
    old = container(S, task("a", "Check"), task("b", "Sign"), E, flows("s a", "a b", "b e"))
    new = container(S, task("x", "Sign"), task("y", "Check"), E, flows("s y", "y x", "x e"))
    assert proposed(old, new)[0] == {"s": "s", "a": "y", "b": "x", "e": "e"}


def test_without_a_name_it_is_found_between_its_neighbours():
    old = container(S, task("a"), E, flows("s a", "a e"))
    new = container(S, task("b"), E, flows("s b", "b e"))
    assert proposed(old, new)[0] == {"s": "s", "a": "b", "e": "e"}


def test_the_same_name_several_times_is_told_apart_by_the_neighbours_or_left_to_a_person():
    def two(first, second):
        return container(
            S, task(first, "Check"), task("m", "Middle"), task(second, "Check"), E, flows(f"s {first}", f"{first} m", f"m {second}", f"{second} e")
        )

    assert proposed(two("a", "b"), two("x", "y"))[0] == {"s": "s", "a": "x", "m": "m", "b": "y", "e": "e"}
    split = '<parallelGateway id="g"/><parallelGateway id="h"/>'
    old = container(S, split, task("a", "Check"), task("b", "Check"), flows("s g", "g a", "g b", "a h", "b h"))
    new = container(S, split, task("x", "Check"), task("y", "Check"), flows("s g", "g x", "g y", "x h", "y h"))
    found, added = proposed(old, new)
    assert (found["a"], found["b"], added) == ("several", "several", ("x", "y"))


def test_another_name_and_another_id_is_another_element():
    old = container(S, task("a", "Check"), E, flows("s a", "a e"))
    new = container(S, task("b", "Sign"), E, flows("s b", "b e"))
    entries, _ = propose(old, new)
    (left,) = [one for one in entries if one.target is None]
    assert (left.source, left.why, left.choices) == ("a", "gone", ("b",))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (task("a"), task("a", tag="manualTask"), "a"),
        (task("a"), task("a", tag="receiveTask"), "kind"),
        (
            f'<intermediateCatchEvent id="a">{TIMER}</intermediateCatchEvent>',
            f'<intermediateCatchEvent id="a">{MESSAGE}</intermediateCatchEvent>',
            "kind",
        ),
        (task("a"), f'<subProcess id="q">{task("a")}</subProcess>', "scope"),
    ],
)
def test_why_nothing_fits(old, new, expected):
    last = "q" if "subProcess" in new else "a"
    before = container(S, old, task("z", "Z"), E, flows("s z", "z a", "a e"))
    after = container(S, new, task("z", "Z"), E, flows("s z", f"z {last}", f"{last} e"))
    assert proposed(before, after)[0]["a"] == expected


def test_boundary_events_follow_their_activity():
    def bounded(host, other, on):
        return container(
            S,
            task(host, "Host"),
            task(other, "Other"),
            f'<boundaryEvent id="b" attachedToRef="{on}">{TIMER}</boundaryEvent>',
            E,
            flows(f"s {host}", f"{host} {other}", f"{other} e", "b e"),
        )

    assert proposed(bounded("h", "o", "h"), bounded("h2", "o", "h2"))[0]["b"] == "b"
    assert proposed(bounded("h", "o", "h"), bounded("h", "o", "o"))[0]["b"] == "boundary"


def test_what_is_inside_a_subprocess_goes_with_it():
    def around(id, inside, name="Sub"):
        return container(S, f'<subProcess id="{id}" name="{name}">{task(inside, "In")}</subProcess>', E, flows(f"s {id}", f"{id} e"))

    assert proposed(around("q", "i"), around("r", "j"))[0] == {"s": "s", "q": "r", "i": "j", "e": "e"}
    old, new = around("q", "i"), container(S, task("q"), E, flows("s q", "q e"))
    assert proposed(old, new)[0] == {"s": "s", "q": "kind", "i": "parent", "e": "e"}


def test_event_subprocesses_and_subprocesses_are_two_kinds():
    handler = f'<subProcess id="q" triggeredByEvent="true"><startEvent id="qs">{MESSAGE}</startEvent></subProcess>'
    old, new = container(S, task("a"), flows("s a"), handler), container(S, '<subProcess id="q"><task id="t"/></subProcess>', flows("s q"))
    assert proposed(old, new)[0]["q"] == "kind"


def test_a_plan_is_judged_as_a_whole():
    old = container(
        S,
        task("a"),
        task("b"),
        f'<boundaryEvent id="l" attachedToRef="a">{TIMER}</boundaryEvent>',
        script("x", "1"),
        E,
        flows("s a", "a b", "b x", "x e", "l e"),
    )
    new = container(
        S, task("a"), task("c"), f'<boundaryEvent id="l" attachedToRef="c">{TIMER}</boundaryEvent>', f'<subProcess id="q">{task("i")}</subProcess>',
        f'<intermediateCatchEvent id="w">{MESSAGE}</intermediateCatchEvent>', E, flows("s a", "a c", "c q", "q w", "w e", "l e"),
    )  # fmt: skip

    def why(**plan):
        return [(one.why, one.element) for one in judge(old, new, plan)]

    assert why(a="a", b="c", e="e") == []
    assert why(nothing="a") == [("unknown-source", "nothing")]
    assert why(a="nothing") == [("unknown", "a")]
    assert why(a="c", b="c") == [("twice", "a"), ("twice", "b")]
    assert why(a="i") == [("scope", "a")]
    assert why(a="e") == [("kind", "a")]
    assert why(a="a", l="l") == [("boundary", "l")]
    assert why(a="c", l="l") == []
    assert [one.text for one in judge(old, new, {"a": "e"})] == ["a and e are different kinds of elements (userTask, endEvent)"]


def test_what_lies_in_a_subprocess_without_successor_has_none():
    old = container(S, f'<subProcess id="q">{task("i")}</subProcess>', flows("s q"))
    new = container(S, f'<subProcess id="q">{task("i")}</subProcess>', flows("s q"))
    assert [(one.why, one.element) for one in judge(old, new, {"i": "i"})] == [("parent", "i")]
    assert judge(old, new, {"q": "q", "i": "i"}) == []
