"""A message finds its instance by its payload, on each database, also across the restart of a node."""

from __future__ import annotations

from tests.conformance.test_correlation import ORDER, bound, key, pool, states
from tests.conformance.test_events import S
from tests.support.bpmn_bench import flows

TWO = ('<userTask id="u"/>', '<userTask id="v"/>', '<intermediateCatchEvent id="c"><messageEventDefinition messageRef="N"/></intermediateCatchEvent>')
WAIT = '<intermediateCatchEvent id="c"><messageEventDefinition messageRef="N"/></intermediateCatchEvent>'


def test_the_payload_picks_the_instance(engine):
    subscription = bound("k", order="o", customer="c")
    engine.deploy({"p.bpmn": pool(ORDER + key("k", "order", "customer"), subscription, S, '<userTask id="u"/>', WAIT, flows("s u", "u c"))})
    one, two, three = (engine.start("p", {"o": o, "c": c}) for o, c in ((1, "x"), (2, "x"), (2, "y")))
    engine.publish_message("n", {"orderId": 2, "customer": "x"})  # nobody waits yet
    for instance in (one, two, three):
        engine.complete(engine.user_tasks(instance)[0].id)
    assert states(engine, one, two, three) == ["active", "completed", "active"]
    engine.app.services.live.clear()
    engine.publish_message("n", {"orderId": 2, "customer": "y"})
    assert states(engine, one, two, three) == ["active", "completed", "completed"]
    engine.publish_message("n", {}, correlation_key='["1","x"]')
    assert states(engine, one) == ["completed"]
    engine.check()


def test_a_key_that_changes_while_the_instance_waits_is_one_write(engine):
    subscription = bound("k", order="o", customer="c")
    engine.deploy(
        {"p.bpmn": pool(ORDER + key("k", "order", "customer"), subscription, S, "<parallelGateway id='f'/>", *TWO, flows("s f", "f u", "f c", "u v"))}
    )
    one = engine.start("p", {"o": 1, "c": "x"})
    engine.complete(engine.user_tasks(one)[0].id, {"o": 2})  # beside it other rows of the same tables are written
    engine.publish_message("n", {"orderId": 2, "customer": "x"})
    engine.complete(engine.user_tasks(one)[0].id, {"o": 3, "c": "y"})
    assert states(engine, one) == ["completed"]
    engine.check()
