"""What operators see and are offered at open elements, on the pages and through the API."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from engine.model.actors import SYSTEM
from engine.model.commands import Start
from tests.support.diagrams import END, START, chain, document, user

WHY = "客户来电"
LATER = "<timerEventDefinition><timeDuration>P21D</timeDuration></timerEventDefinition>"
NAMES = '<message id="m.paid" name="paid"/><signal id="s.stop" name="stop"/>'
DOWN = '<serviceTask id="do" name="发送" flowledger:handler="nobody.has.it" flowledger:retry="R5/PT8H"/>'
MULTIPLE = "<multiInstanceLoopCharacteristics><loopCardinality>2</loopCardinality></multiInstanceLoopCharacteristics>"


def catch(element, definition):
    return f'<intermediateCatchEvent id="{element}" name="{element} 事件">{definition}</intermediateCatchEvent>'


def diagram(process_id, *parts):
    return document(
        NAMES, f'<process id="{process_id}" isExecutable="true">', START, *parts, user("other") + END + chain("other", "end"), "</process>"
    )


EVENTS = diagram(
    "waits",
    '<parallelGateway id="fork"/><eventBasedGateway id="race"/>',
    catch("t", LATER),
    catch("m", '<messageEventDefinition messageRef="m.paid"/>'),
    catch("s", '<signalEventDefinition signalRef="s.stop"/>'),
    catch("c", "<conditionalEventDefinition><condition>n &gt; 3</condition></conditionalEventDefinition>"),
    catch("rt", LATER),
    catch("rm", '<messageEventDefinition messageRef="m.paid"/>'),
    *(chain("fork", one, "end") for one in "tmsc"),
    chain("start", "fork", "race", "rt", "end") + chain("race", "rm", "end"),
)
BESIDE = diagram(
    "beside",
    user("a", inner=MULTIPLE),
    f'<boundaryEvent id="late" name="太晚" attachedToRef="a">{LATER}</boundaryEvent>',
    '<boundaryEvent id="word" attachedToRef="a"><messageEventDefinition messageRef="m.paid"/></boundaryEvent>',
    chain("start", "a", "end") + chain("late", "end") + chain("word", "other"),
)


@pytest.fixture(scope="module", autouse=True)
def _processes(engine):
    engine.deploy({"waits.bpmn": EVENTS, "beside.bpmn": BESIDE})


def text(answer):
    return re.sub(r"\s+", " ", answer.get_data(as_text=True))


def rows(page):
    """Of the table of what is open: (element, what it waits for as text)."""
    found = re.findall(r'<tr data-element-id="([^"]+)">.*?<td data-label="[^"]*">(.*?)</td>', page)
    return [(element, re.sub(r"<[^>]+>", "", words)) for element, words in found]


def open_elements(engine, instance):
    with engine.app.reading() as read:
        return read.open_elements(SYSTEM, instance)


def address(instance, work_id):
    return f"/instances/{instance}/elements/{work_id.rpartition('-')[2]}"


def forms(page):
    """The acts that the page offers: (act, key)."""
    return sorted((act, int(key)) for key, act in re.findall(r'action="/instances/[^"]+/elements/(\d+)/(\w+)"', page))


def key_of(one):
    return int(one.id.rpartition("-")[2])


def test_the_instance_page_tells_each_open_element_once_and_what_it_waits_for(signed_in, engine):
    instance = engine.start("waits", {"n": 1})
    found = rows(text(signed_in("operator").get(f"/instances/{instance}")))
    assert sorted(element for element, _ in found) == ["c", "m", "race", "s", "t"]
    words = dict(found)
    assert words["m"] == "消息“paid”"
    assert words["s"] == "信号“stop”"
    assert words["c"] == "条件 n &gt; 3"
    assert words["t"].startswith("某个时刻 ")
    assert re.search(r"消息“paid” \(rm 事件\) 或 某个时刻 \(rt 事件\)", words["race"]), words["race"]


def test_what_waits_at_the_boundary_of_a_loop_stands_with_each_iteration(signed_in, engine):
    instance = engine.start("beside")
    found = rows(text(signed_in("operator").get(f"/instances/{instance}")))
    assert [element for element, _ in found] == ["a", "a"]
    for _, words in found:
        assert re.fullmatch(r"人工办理 ?其边界上： 某个时刻 \(太晚\) .*其边界上： 消息“paid” \(word\)", words), words


def test_the_page_of_an_event_offers_what_can_succeed(signed_in, engine):
    instance = engine.start("waits", {"n": 1})
    operator = signed_in("operator")
    found = {one.element_id: one for one in open_elements(engine, instance)}
    for element in ("m", "s", "c"):
        page = text(operator.get(address(instance, found[element].id)))
        assert forms(page) == [("move", key_of(found[element]))], element
    [timer] = found["t"].waits
    page = text(operator.get(address(instance, found["t"].id)))
    assert forms(page) == [("complete", key_of(timer)), ("move", key_of(found["t"]))]
    assert "让定时器“t 事件”立即触发" in page
    assert forms(page) == forms(text(operator.get(address(instance, timer.id)))), "the timer's own key leads to its element"
    there = address(instance, found["m"].id)
    assert operator.post(f"{there}/move", {"reason": WHY, "target": "other", "element": "m"}).status_code == 303
    assert operator.post(f"{address(instance, timer.id)}/complete", {"reason": WHY}).status_code == 303
    race = found["race"]
    fires = [("complete", key_of(wait)) for wait in race.waits if wait.kind == "timer"]
    assert forms(text(operator.get(address(instance, race.id)))) == sorted([*fires, ("move", key_of(race))])
    assert sorted(one.element_id for one in open_elements(engine, instance)) == ["c", "other", "race", "s"]


def test_an_iteration_offers_its_completion_and_the_timer_at_the_boundary(signed_in, engine):
    instance = engine.start("beside")
    operator = signed_in("operator")
    first, second = open_elements(engine, instance)
    timer = next(wait for wait in first.waits if wait.kind == "timer")
    page = text(operator.get(address(instance, second.id)))
    assert forms(page) == sorted([("complete", key_of(second)), ("complete", key_of(timer))])
    assert len(set(re.findall(r' id="([^"]+)"', page))) == len(re.findall(r' id="([^"]+)"', page)), "labels find their fields"
    assert operator.post(f"{address(instance, timer.id)}/complete", {"reason": WHY}).status_code == 303
    assert engine.instance(instance).state == "completed"


def test_a_failure_at_the_boundary_is_mended_on_the_page_of_its_element(signed_in, engine):
    engine.deploy(
        {
            "looks.bpmn": diagram(
                "looks",
                user("a"),
                '<boundaryEvent id="much" attachedToRef="a"><conditionalEventDefinition><condition>1 / n &lt; 1</condition>'
                "</conditionalEventDefinition></boundaryEvent>",
                chain("start", "a", "end") + chain("much", "end"),
            )
        }
    )
    instance = engine.start("looks", {"n": 0})
    operator = signed_in("operator")
    [one] = open_elements(engine, instance)
    [condition] = [wait for wait in one.waits if wait.boundary]
    page = text(operator.get(f"/instances/{instance}"))
    assert address(instance, condition.id) in page, "the incident leads there"
    page = text(operator.get(address(instance, condition.id)))
    assert "出现了除以零的计算。" in page
    assert forms(page) == sorted([("retry", key_of(condition)), ("complete", key_of(one)), ("move", key_of(one))])
    assert operator.post(f"{address(instance, condition.id)}/retry", {"reason": WHY, "variables": '{"n": 2}'}).status_code == 303
    assert engine.instance(instance).state == "completed"


def test_who_has_nothing_to_do_there_is_told_so(signed_in, engine):
    engine.deploy(
        {
            "each.bpmn": diagram(
                "each",
                f'<receiveTask id="r" messageRef="m.paid">{MULTIPLE}</receiveTask>',
                chain("start", "r", "end"),
            )
        }
    )
    instance = engine.start("each")
    operator = signed_in("operator")
    for one in open_elements(engine, instance):
        assert address(instance, one.id) not in text(operator.get(f"/instances/{instance}"))
        page = text(operator.get(address(instance, one.id)))
        assert forms(page) == []
        assert "此处没有可进行的人工处理" in page


def test_the_api_tells_the_same(api, engine):
    operator = api("operator")
    instance = engine.start("beside")
    first, second = operator.get(f"/instances/{instance}/elements").json
    assert (first["element_id"], first["waits_for"], first["acts"]) == ("a", "task", ["complete"])
    told = [(wait["element_id"], wait["kind"], wait["name"], wait["boundary"], wait["state"], wait["acts"]) for wait in second["waits"]]
    assert told == [
        ("a", "task", "", False, "", ["complete"]),
        ("late", "timer", "", True, "due", ["complete"]),
        ("word", "message", "paid", True, "", []),
    ]
    waiting = engine.start("waits", {"n": 1})
    found = {one["element_id"]: one for one in operator.get(f"/instances/{waiting}/elements").json}
    assert {name: one["waits_for"] for name, one in found.items()} == {
        "t": "timer",
        "m": "message",
        "s": "signal",
        "c": "condition",
        "race": "events",
    }
    assert (found["t"]["state"], found["t"]["due"] is not None) == ("due", True)
    moved = operator.post(f"/elements/{found['t']['id']}/move", {"reason": WHY, "target": "other", "element": "t"})
    assert moved.status_code == 200, moved.text
    [timer] = [wait for wait in found["race"]["waits"] if wait["kind"] == "timer"]
    assert operator.post(f"/elements/{timer['id']}/complete", {"reason": WHY}).status_code == 200
    assert operator.post(f"/elements/{found['m']['id']}/fail", {"reason": WHY, "code": "x"}).status_code == 409


# --- before the next attempt ------------------------------------------------------------------------------------------------
def waiting(engine):
    """An instance whose service task has failed once, and waits for hours; with the element."""
    instance = engine.app.execute(Start("patient"), SYSTEM).instance_id
    [one] = open_elements(engine, instance)
    engine.app._transact(lambda uow: uow.jobs.postpone(one.id, 1, uow.now + timedelta(hours=8), ""))
    return instance, open_elements(engine, instance)[0]


def test_what_waits_for_its_next_attempt_is_tried_now_on_its_page_and_through_the_api(signed_in, api, engine):
    engine.deploy({"patient.bpmn": diagram("patient", DOWN, chain("start", "do", "end"))})
    instance, one = waiting(engine)
    assert (one.state, one.attempts, one.acts) == ("due", 1, ("retry", "complete", "fail", "move"))
    operator = signed_in("operator")
    page = text(operator.get(address(instance, one.id)))
    assert "它失败过，正等待下一次尝试。" in page
    assert operator.post(f"{address(instance, one.id)}/retry", {"reason": WHY}).status_code == 303
    assert f"operator 甲重试了“发送”：{WHY}" in text(operator.get(f"/instances/{instance}"))
    engine.app.run_due()
    assert open_elements(engine, instance)[0].state == "failed"  # nobody has it, still
    instance, one = waiting(engine)
    assert api("operator").post(f"/incidents/{one.id}/retry", {"reason": WHY}).status_code == 200
    again = api("operator").post(f"/incidents/{one.id}/retry", {"reason": WHY})
    assert (again.status_code, "runs by itself" in again.json["detail"]) == (409, True)
