"""Correlation keys and subscriptions (BPMN 2.0.2 section 8.4.2): whom a message reaches by what it says."""

from __future__ import annotations

import pytest

from engine.model import events as ev
from tests.conformance.test_events import S, catch, throw
from tests.conformance.test_refused import rules
from tests.conformance.test_whole_engine import engine
from tests.support.bpmn_bench import Bench, definitions, flows, script

M, N = '<messageEventDefinition messageRef="M"/>', '<messageEventDefinition messageRef="N"/>'


def prop(name: str, **paths: str) -> str:
    """A correlation property with the expression over the payload of each message."""
    inside = "".join(
        f'<correlationPropertyRetrievalExpression messageRef="{message}"><messagePath>{path}</messagePath></correlationPropertyRetrievalExpression>'
        for message, path in paths.items()
    )
    return f'<correlationProperty id="{name}">{inside}</correlationProperty>'


def key(name: str, *props: str) -> str:
    refs = "".join(f"<correlationPropertyRef>{one}</correlationPropertyRef>" for one in props)
    return f'<collaboration id="co-{name}"><participant id="pa-{name}" processRef="p"/><correlationKey id="{name}">{refs}</correlationKey></collaboration>'


def bound(key_id: str, **paths: str) -> str:
    inside = "".join(
        f'<correlationPropertyBinding correlationPropertyRef="{p}"><dataPath>{path}</dataPath></correlationPropertyBinding>'
        for p, path in paths.items()
    )
    return f'<correlationSubscription id="cs" correlationKeyRef="{key_id}">{inside}</correlationSubscription>'


MESSAGES = '<message id="M" name="m"/><message id="N" name="n"/>'
ORDER = MESSAGES + prop("order", M="order['id']", N="orderId") + prop("customer", M="order['customer']", N="customer")


def pool(head: str, *parts: str) -> bytes:
    return definitions(head, f'<process id="p">{"".join(parts)}</process>')


def states(made, *instances: str) -> list[str]:
    return [made.instance(one).state for one in instances]


def test_a_tuple_of_properties_is_read_from_the_payload_and_compared_with_the_instances_data() -> None:
    subscription = bound("k", order="mine.order", customer="mine['customer']").replace("mine.order", "mine['order']")
    made, _ = engine(pool(ORDER + key("k", "order", "customer"), subscription, S, catch("c", M), flows("s c")))
    with made:
        one, two, three = (made.start("p", {"mine": {"order": o, "customer": c}}) for o, c in ((1, "x"), (2, "x"), (2, "y")))
        made.publish_message("m", {"order": {"id": 2, "customer": "y"}})
        assert states(made, one, two, three) == ["active", "active", "completed"]
        made.publish_message("m", {"order": {"id": 9, "customer": "y"}})
        made.publish_message("m", {"nothing": 1})
        assert states(made, one, two) == ["active", "active"]
        made.publish_message("m", {}, correlation_key='["1","x"]')  # the same key, said by hand
        assert states(made, one, two) == ["completed", "active"]
        made.check()


def test_a_message_that_came_early_reaches_only_its_instance() -> None:
    made, _ = engine(pool(ORDER + key("k", "order", "customer"), S, '<userTask id="u"/>', catch("c", N), flows("s u", "u c")))
    with made:
        one, two = (made.start("p", {"orderId": n, "customer": "x"}) for n in (1, 2))
        made.publish_message("n", {"orderId": 2, "customer": "x"})
        for instance in (one, two):
            made.complete(made.user_tasks(instance)[0].id)
        assert states(made, one, two) == ["active", "completed"]
        three, four = (made.start("p", {"orderId": n, "customer": "x"}) for n in (3, 4))
        made.publish_message("n", {"orderId": 4, "customer": "x"})
        made.advance(3000)
        made.complete(made.user_tasks(three)[0].id)  # looks at the message; it is not kept any longer for that
        made.advance(1000)
        made.complete(made.user_tasks(four)[0].id)
        assert states(made, three, four) == ["active", "active"]


def test_a_key_follows_the_instances_data_while_it_waits() -> None:
    body = ('<parallelGateway id="f"/>', catch("c", N), '<userTask id="u"/>', flows("s f", "f c", "f u"))
    head = ORDER + key("k", "order", "customer")
    made, _ = engine(pool(head, bound("k", order="o", customer="c"), S, *body))
    with made:
        one = made.start("p", {"o": 1, "c": "x"})
        made.complete(made.user_tasks(one)[0].id, {"o": 2})
        made.publish_message("n", {"orderId": 1, "customer": "x"})
        assert states(made, one) == ["active"]
        made.publish_message("n", {"orderId": 2, "customer": "x"})
        assert states(made, one) == ["completed"]
        made.check()


def test_the_first_message_received_gives_the_conversation_its_key() -> None:
    head = MESSAGES + prop("order", M="a", N="b") + key("k", "order")
    made, _ = engine(pool(head, f'<startEvent id="s">{M}</startEvent>', catch("c", N), flows("s c")))
    with made:
        made.publish_message("m", {"a": 1})
        made.publish_message("m", {"a": 2})
        made.publish_message("n", {"b": 2})
        assert [one.state for one in made.instances()] == ["active", "completed"]
        made.check()
    body = ('<parallelGateway id="f"/>', catch("c", M), catch("d", N), flows("s f", "f c", "f d"))
    bench = Bench(pool(head, S, *body)).start()
    assert [one.correlation_key for one in bench.subscriptions().values()] == [None, None]
    bench.message("m", a=7)
    assert [(type(e).__name__, e.key) for e in bench.last if isinstance(e, ev.SubscriptionClosed | ev.SubscriptionOpened)][:2] == [
        ("SubscriptionClosed", 6), ("SubscriptionOpened", 6),
    ]  # fmt: skip
    waiting = bench.subscriptions() or {e.key: e for e in bench.last if isinstance(e, ev.SubscriptionOpened)}
    assert [(one.name, one.correlation_key, one.retrieval) for one in waiting.values() if one.name == "n"] == [("n", "7", ("b",))]


def test_the_first_message_sent_gives_the_conversation_its_key() -> None:
    head = MESSAGES + prop("order", M="a", N="b") + key("k", "order")
    sending = '<sendTask id="t" messageRef="M"><extensionElements><f:parameter name="a" value="${number * 10}"/></extensionElements></sendTask>'
    bench = Bench(pool(head, S, sending, catch("c", N), flows("s t", "t c"))).start(number=4)
    assert [one.correlation_key for one in bench.of(ev.MessageSent)] == ["40"]
    assert [(one.correlation_key, one.retrieval) for one in bench.subscriptions().values()] == [("40", ("b",))]


def test_every_instance_of_a_multi_instance_activity_is_a_conversation_of_its_own() -> None:
    head = MESSAGES + prop("order", M="a", N="b") + key("k", "order")
    sending = '<intermediateThrowEvent id="t"><messageEventDefinition messageRef="M"><extensionElements><f:parameter name="a" value="${o}"/></extensionElements></messageEventDefinition></intermediateThrowEvent>'
    loop = '<multiInstanceLoopCharacteristics><loopDataInputRef>os</loopDataInputRef><inputDataItem id="o"/></multiInstanceLoopCharacteristics>'
    inside = f'<subProcess id="b"><startEvent id="bs"/>{sending}{catch("c", N)}{flows("bs t", "t c")}{loop}</subProcess>'
    bench = Bench(pool(head, S, inside, flows("s b"))).start(os=[5, 6])
    assert [one.correlation_key for one in bench.subscriptions().values()] == ["5", "6"]


def test_pools_meet_by_what_their_messages_carry() -> None:
    head = MESSAGES + prop("order", M="a", N="b") + key("k", "order")
    ask = '<sendTask id="t" messageRef="M"><extensionElements><f:parameter name="a" value="${number}"/></extensionElements></sendTask>'
    answer = '<sendTask id="qt" messageRef="N"><extensionElements><f:parameter name="b" value="${a}"/></extensionElements></sendTask>'
    other = f'<process id="q"><startEvent id="qs">{M}</startEvent><userTask id="qu"/>{answer}{flows("qs qu", "qu qt")}</process>'
    made, _ = engine(pool(head, S, ask, catch("c", N), flows("s t", "t c")).replace(b"</definitions>", other.encode() + b"</definitions>"))
    with made:
        one, two = made.start("p", {"number": 1}), made.start("p", {"number": 2})
        made.complete(made.user_tasks()[1].id)
        assert states(made, one, two) == ["active", "completed"]
        made.complete(made.user_tasks()[0].id)
        assert states(made, one) == ["completed"]


def test_properties_of_no_key_are_a_key_and_spiffworkflow_binds_them_at_the_message() -> None:
    head = MESSAGES + prop("order", M="a")
    said = (
        '<messageEventDefinition messageRef="M"><extensionElements><spiffworkflow:processVariableCorrelation><spiffworkflow:propertyId>order</spiffworkflow:propertyId>'
        "<spiffworkflow:expression>mine + 1</spiffworkflow:expression></spiffworkflow:processVariableCorrelation></extensionElements></messageEventDefinition>"
    )
    bench = Bench(pool(head, S, catch("c", said), flows("s c"))).start(mine=3)
    assert [(one.correlation_key, one.retrieval) for one in bench.subscriptions().values()] == [("4", ("a",))]
    bench = Bench(pool(head, S, catch("c", M), flows("s c"))).start(a="x" * 300)
    assert [len(one.correlation_key) < 100 for one in bench.subscriptions().values()] == [True]


def test_a_vendors_key_expression_goes_before_keys() -> None:
    head = MESSAGES + prop("order", M="a") + key("k", "order")
    said = '<messageEventDefinition messageRef="M" f:correlationKey="${mine}"/>'
    bench = Bench(pool(head, S, script("t", "a = 1; mine = 2"), catch("c", said), throw("w", said), flows("s t", "t c", "c w"))).start()
    assert [(one.correlation_key, one.retrieval) for one in bench.subscriptions().values()] == [("2", ())]
    assert [one.correlation_key for one in bench.message("m").of(ev.MessageSent)] == ["2"]


@pytest.mark.parametrize(("head", "subscription", "expected"), [
    (key("k", "nothing"), "", [("bpmn.reference", "k")]),
    (prop("order", X="a"), "", [("bpmn.reference", "order")]),
    (MESSAGES + prop("order", M=""), "", [("bpmn.correlation", "order")]),
    (MESSAGES + prop("order", M="a") + key("k", "order"), bound("nothing", order="a"), [("bpmn.reference", "cs")]),
    (MESSAGES + prop("order", M="a") + key("k", "order"), bound("k"), [("bpmn.correlation", "cs")]),
    (MESSAGES + prop("order", M="a") + key("k", "order"), bound("k", order="a", other="b"), [("bpmn.reference", "cs")]),
    (MESSAGES + prop("order", M="a") + key("k", "order"), bound("k", order="a +"), [("expression", "p")]),
    (MESSAGES + prop("order", M="a +") + key("k", "order"), "", [("expression", "c")]),
])  # fmt: skip
def test_what_is_refused(head: str, subscription: str, expected: list[tuple[str, str]]) -> None:
    inside = catch("c", M) + flows("s c") if "name" in head else ""
    assert rules(pool(head, subscription, S, inside)) == expected


def test_paths_in_feel() -> None:
    head = MESSAGES + prop("order", M="order.number + 1").replace("<messagePath>", '<messagePath language="feel">') + key("k", "order")
    made, _ = engine(pool(head, bound("k", order="mine"), S, catch("c", M), flows("s c")))
    with made:
        one, two = made.start("p", {"mine": 1}), made.start("p", {"mine": 2})
        made.publish_message("m", {"order": {"number": 1}})
        assert states(made, one, two) == ["active", "completed"]
        made.check()
