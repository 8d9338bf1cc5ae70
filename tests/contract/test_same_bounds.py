"""What one database cannot hold, none takes: the same names and texts have the same outcome in memory, on SQLite and on PostgreSQL.

So everything that SQLite has taken can be copied to PostgreSQL.
"""

from __future__ import annotations

import dataclasses
import random
import typing
import unicodedata

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.bpmn.computed import fault
from engine.errors import BpmnError, InvalidInput, LimitExceeded, NotAllowed
from engine.model import commands as cmd
from engine.model.actors import SYSTEM
from engine.model.values import keepable
from engine.model.views import InstanceFilter
from engine.operations.copying import copy
from engine.plugins import service_task
from engine.plugins.loading import Catalogue
from engine.projections.rebuild import rebuild
from engine.store import tables, task_tables
from engine.store.database import Database
from engine.testing import EmbeddedEngine
from tests.conformance.test_correlation import bound, key, prop
from tests.conformance.test_events import S, catch
from tests.support.bpmn_bench import definitions, flows
from tests.support.diagrams import END, START, chain, document, flow, user

EVERYWHERE = pytest.mark.parametrize("url", ["memory", "sqlite", "postgresql"], indirect=True)
MESSAGE, SIGNAL = '<messageEventDefinition messageRef="M"/>', '<signalEventDefinition signalRef="G"/>'
BOUNDARY = f'<boundaryEvent id="b" attachedToRef="x">{MESSAGE}</boundaryEvent><endEvent id="e"/>{flow("b", "e")}'
# What is computed from the variable v, and the element that fails where that is no name.
SLOTS = {
    "assignee": '<userTask id="x" camunda:assignee="${v}"/>',
    "group": '<userTask id="x" camunda:candidateGroups="staff,${v}"/>',
    "user": '<userTask id="x" camunda:candidateUsers="${v}"/>',
    "excludes": '<userTask id="x" flowledger:excludes="${v}"/>',
    "form": '<userTask id="x" camunda:formKey="${v}"/>',
    "handler": '<serviceTask id="x" flowledger:handler="${v}"/>',
    "caught": f'<intermediateCatchEvent id="x">{MESSAGE}</intermediateCatchEvent>',
    "received": '<receiveTask id="x" messageRef="M"/>',
    "signal": f'<intermediateCatchEvent id="x">{SIGNAL}</intermediateCatchEvent>',
    "boundary": f'<userTask id="x"/>{BOUNDARY}',
    "sent": f'<intermediateThrowEvent id="x">{MESSAGE}</intermediateThrowEvent>',
    "broadcast": f'<intermediateThrowEvent id="x">{SIGNAL}</intermediateThrowEvent>',
    "called": '<callActivity id="x" calledElement="${v}"/>',
}
GROWS = "\u0958"  # in canonical form it is two characters
NAMES = {"x" * 255: "", "长" * 255: "", "cn=某部门,ou=groups": "", "x" * 256: "256 characters", GROWS * 128: "256 characters", "a\0b": "no text"}
HALF = "a\ud800"


def diagram(slot: str) -> bytes:
    before = '<message id="M" name="${v}"/><signal id="G" name="${v}"/>'
    return document(
        before,
        f'<process id="{slot}" isExecutable="true">{START}{user("u")}{SLOTS[slot]}{END}{chain("start", "u", "x", "end")}</process>',
    )


def incidents(engine, instance_id):
    with engine.app.reading() as read:
        return [(one.element_id, one.cause) for one in read.incidents(SYSTEM, instance_id)]


def contents(url):
    """Rows of every table, but for the numbers that the database gives jobs: after a rebuild they begin anew."""
    store = Database(url)
    try:
        with store.begin(write=False) as connection:
            queries = {t.name: sa.select(*(c for c in t.c if c is not tables.job.c.number)) for t in tables.metadata.sorted_tables}
            return {name: sorted(map(tuple, connection.execute(query)), key=repr) for name, query in queries.items()}
    finally:
        store.close()


def copied(source, target):
    one, other = Database(source), Database(target)
    try:
        return copy(one, other, Catalogue(), lambda _: None)
    finally:
        one.close()
        other.close()


def ends(url, postgres):
    """The read tables follow from the records, and everything can be copied to PostgreSQL."""
    if url == "sqlite://":
        return
    before = contents(url)
    store = Database(url)
    rebuild(store)
    store.close()
    assert contents(url) == before
    if url.startswith("sqlite"):
        target = postgres.database()
        copied(url, target)
        assert contents(target) == before


@EVERYWHERE
def test_a_computed_name_that_is_too_long_or_no_text_is_an_incident_of_its_element(url, postgres):
    with EmbeddedEngine(database=url) as engine:
        engine.deploy({f"{slot}.bpmn": diagram(slot) for slot in SLOTS})
        for slot in SLOTS:
            for name, wrong in NAMES.items():
                one = engine.start(slot, {"v": name})
                engine.complete(engine.user_tasks(one)[0].id)
                found = incidents(engine, one)
                if wrong:
                    assert [element for element, _ in found] == ["x"], (slot, name[:10])
                    assert wrong in found[0][1], found
                else:
                    assert not any("characters" in cause or "no text" in cause for _, cause in found), (slot, found)
        engine.check()
    ends(url, postgres)


@EVERYWHERE
@pytest.mark.parametrize(("value", "fits"), [(2**31 - 1, True), (-(2**31 - 1), True), (2**31, False), (-(10**30), False)])
def test_a_priority_has_bounds(url, postgres, value, fits):
    with EmbeddedEngine(database=url) as engine:
        engine.deploy(
            {"p.bpmn": document(f'<process id="p">{START}<userTask id="x" camunda:priority="${{v}}"/>{END}{chain("start", "x", "end")}</process>')}
        )
        one = engine.start("p", {"v": value})
        assert incidents(engine, one) == ([] if fits else [("x", f"the priority {value} does not lie between -2147483647 and 2147483647")])
        engine.check()
    ends(url, postgres)


def in_shanghai(url):
    """PostgreSQL's own time zone there; SQLite has none."""
    if url.startswith("postgresql"):
        store = Database(url)
        with store.begin(write=True) as connection:
            connection.exec_driver_sql(f"ALTER DATABASE {store.url.database} SET timezone = 'Asia/Shanghai'")
        store.close()


@EVERYWHERE
@pytest.mark.parametrize("attribute", ["dueDate", "followUpDate"])
def test_a_due_time_that_one_takes_all_take(url, postgres, attribute):
    """The ends of the calendar, also in other time zones: of the text, and of PostgreSQL."""
    in_shanghai(url)
    with EmbeddedEngine(database=url) as engine:
        task = f'<userTask id="x" camunda:{attribute}="${{v}}"/>'
        engine.deploy({"p.bpmn": document(f'<process id="p">{START}{task}{END}{chain("start", "x", "end")}</process>')})
        told = {}
        for text in ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z", "0001-01-01", "2026-01-01T00:00:00+23:59"):
            one = engine.start("p", {"v": text})
            told[text] = (incidents(engine, one), [(task.due, task.follow_up) for task in engine.user_tasks(one)])
        assert [bool(wrong) for wrong, _ in told.values()] == [False, True, False, False, False]
        engine.check()
    ends(url, postgres)


def letters(count: int, seed: int) -> str:
    """A name of characters of four bytes that no database can compress."""
    choose = random.Random(seed)
    return "".join(chr(choose.randrange(0x20000, 0x2A6D0)) for _ in range(count))


@EVERYWHERE
def test_names_at_their_bounds_all_at_once_fit_into_every_index(url, postgres):
    process, task, store = letters(200, 1), letters(255, 2), letters(200, 3)
    body = (
        f'<startEvent id="{letters(255, 4)}"><messageEventDefinition messageRef="M"/></startEvent>'
        f'<startEvent id="{letters(255, 5)}"><timerEventDefinition><timeCycle>R/P1D</timeCycle></timerEventDefinition></startEvent>'
        f'<startEvent id="s"/><userTask id="{task}" name="{letters(191, 6)}" camunda:candidateGroups="${{g}}" camunda:formKey="{letters(255, 7)}">'
        f'<ioSpecification><dataInput id="i" name="k"/></ioSpecification><dataInputAssociation><sourceRef>d</sourceRef><targetRef>i</targetRef>'
        f'</dataInputAssociation></userTask><dataStoreReference id="d" name="{store}"/>'
        f'<receiveTask id="{letters(255, 8)}" messageRef="N"/><serviceTask id="{letters(255, 9)}" flowledger:handler="{letters(255, 10)}"/>'
        f"{chain('s', task, letters(255, 8), letters(255, 9))}"
    )
    messages = f'<message id="M" name="{letters(255, 11)}"/><message id="N" name="{letters(255, 12)}"/>'
    with EmbeddedEngine(database=url) as engine:
        engine.deploy({"p.bpmn": document(messages, f'<process id="{process}" name="{letters(2000, 13)}">{body}</process>')})
        one = engine.start(process, {"g": letters(255, 14)}, letters(255, 15))
        [open_task] = engine.user_tasks(one)
        assert open_task.candidate_groups == (letters(255, 14),)
        engine.complete(open_task.id)
        engine.publish_message(letters(255, 12), {}, letters(255, 15))
        engine.advance(3600)
        assert [element for element, _ in incidents(engine, one)] == [letters(255, 9)]
        engine.check()
    ends(url, postgres)


@EVERYWHERE
def test_when_the_variable_is_put_right_the_element_goes_on(url):
    with EmbeddedEngine(database=url) as engine:
        engine.deploy({"group.bpmn": diagram("group")})
        one = engine.start("group", {"v": "x" * 256})
        engine.complete(engine.user_tasks(one)[0].id)
        with engine.app.reading() as read:
            [standing] = read.incidents(SYSTEM, one)
        engine.app.execute(cmd.RetryIncident(standing.id, "put right", {"v": "x" * 255}), SYSTEM)
        assert [task.candidate_groups for task in engine.user_tasks(one)] == [("staff", "x" * 255)]
        engine.check()


KEYED = (
    '<message id="M" name="m"><extensionElements><zeebe:subscription xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" correlationKey="=v"/>'
    "</extensionElements></message>"
)


@EVERYWHERE
@pytest.mark.parametrize("value", ["a\0b", "x" * 300, GROWS * 200])
def test_a_correlation_key_that_no_column_holds_still_finds_its_receiver(url, postgres, value):
    waits = f'<process id="waits">{START}<intermediateCatchEvent id="x">{MESSAGE}</intermediateCatchEvent>{END}{chain("start", "x", "end")}</process>'
    sends = f'<process id="sends"><startEvent id="s"/><intermediateThrowEvent id="t">{MESSAGE}</intermediateThrowEvent>{flow("s", "t")}</process>'
    with EmbeddedEngine(database=url) as engine:
        engine.deploy({"p.bpmn": document(KEYED, waits, sends)})
        mine, other = engine.start("waits", {"v": value}), engine.start("waits", {"v": value + "c"})
        engine.start("sends", {"v": value})
        assert (engine.instance(mine).state, engine.instance(other).state) == ("completed", "active")
        engine.check()
    ends(url, postgres)


@EVERYWHERE
@pytest.mark.parametrize("value", ["a\0b", "x" * 300])
def test_so_does_one_that_is_read_from_a_payload_also_of_a_message_that_came_early(url, postgres, value):
    head = '<message id="M" name="m"/>' + prop("order", M="order") + key("k", "order")
    waits = definitions(head, f'<process id="p">{bound("k", order="mine")}{S}{catch("c", MESSAGE)}{flows("s c")}</process>')
    with EmbeddedEngine(database=url) as engine:
        engine.deploy({"p.bpmn": waits})
        mine, other = engine.start("p", {"mine": value}), engine.start("p", {"mine": value + "c"})
        engine.publish_message("m", {"order": value})
        assert (engine.instance(mine).state, engine.instance(other).state) == ("completed", "active")
        engine.publish_message("m", {"order": value})
        assert engine.instance(engine.start("p", {"mine": value})).state == "completed"
        engine.check()
    ends(url, postgres)


@service_task("breaks")
def breaks(_context):
    raise ValueError("a\0b")


@service_task("throws")
def throws(_context):
    raise BpmnError("a\0b", "c\0d")


@EVERYWHERE
def test_what_a_handler_says_is_shown_without_what_is_no_text(url, postgres):
    with EmbeddedEngine(database=url, handlers=[breaks, throws]) as engine:
        for name in ("breaks", "throws"):
            engine.deploy(
                {
                    "p.bpmn": document(
                        f'<process id="{name}">{START}<serviceTask id="x" flowledger:handler="{name}"/>{END}{chain("start", "x", "end")}</process>'
                    )
                }
            )
        one, other = engine.start("breaks"), engine.start("throws")
        engine.advance(3600)
        [(_, cause)] = incidents(engine, one)
        assert cause == engine.instance(one).error and "a\ufffdb" in cause
        assert "a\ufffdb" in engine.instance(other).error
        engine.check()
    ends(url, postgres)


# --- commands -------------------------------------------------------------------------------------------------------------
COMMANDS = typing.get_args(cmd.Command)
DUMMIES = {"Mapping[str, Json]": {}, "Mapping[str, bytes]": {}, "bytes": b"x", "tuple[str, ...]": ("x",)}
TEXTS = [
    (kind, one.name, one.type) for kind in COMMANDS for one in dataclasses.fields(kind) if "str" in str(one.type).split("[")[0] or "tuple" in one.type
]


def command(kind, field, value):
    """One with a text in a field, and something in those that it needs."""
    needed = (one for one in dataclasses.fields(kind) if one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING)
    return kind(**{one.name: DUMMIES.get(str(one.type), "x") for one in needed} | {field: value})


@EVERYWHERE
def test_no_text_of_a_command_may_hold_what_not_every_database_keeps(url):
    assert len({kind for kind, _, _ in TEXTS}) == len(COMMANDS)
    with EmbeddedEngine(database=url) as engine:
        for kind, field, type_ in TEXTS:
            for text in ("a\0b", HALF):
                with pytest.raises(InvalidInput, match="not text"):
                    engine.app.execute(command(kind, field, (text,) if "tuple" in type_ else text), SYSTEM)
        with pytest.raises(InvalidInput, match="request id"):
            engine.app.execute(cmd.Start("p"), SYSTEM, "a\0b")
        with pytest.raises(NotAllowed, match="User name or password"):
            engine.app.accounts.login("a\0b", "long enough 1")


BOUNDED = {
    "business key": (lambda text: cmd.Start("p", {}, text), 255),
    "person": (lambda text: cmd.PutUser("kim", text, password="long enough 1"), 128),
    "token": (cmd.IssueToken, 128),
    "kind of file": (lambda text: cmd.Attach("i3", "a.txt", b"x", text), 128),
    "draft": (lambda text: cmd.SaveModelDraft("<a/>", text), 200),
    "draft of a version": (lambda text: cmd.SaveModelDraft("<a/>", None, text), 255),
    "target": (lambda text: cmd.StartBulk("cancel", "because", (text,)), 128),
    "message": (cmd.PublishMessage, 255),
    "correlation key": (lambda text: cmd.PublishMessage("m", {}, text), 255),
}


@EVERYWHERE
def test_names_of_commands_have_an_end(url, postgres):
    with EmbeddedEngine(database=url) as engine:
        engine.app.execute(cmd.PutUser("system", "system", password="long enough 1"), SYSTEM)
        engine.deploy({"p.bpmn": document(f'<process id="p">{START}{user("u")}{END}{chain("start", "u", "end")}</process>')})
        assert engine.start("p") == "i3"
        for make, most in BOUNDED.values():
            engine.app.execute(make("长" * most), SYSTEM)
            engine.app.execute(make(GROWS * (most // 2)), SYSTEM)
            for text in ("x" * (most + 1), GROWS * (most // 2 + 1)):
                with pytest.raises(InvalidInput):
                    engine.app.execute(make(text), SYSTEM)
        with pytest.raises(LimitExceeded):
            engine.app.execute(cmd.Start("p"), SYSTEM, "x" * 129)
        with engine.app.reading() as read:
            keys = {row.business_key for row in read.instances(SYSTEM, InstanceFilter()).rows}
        assert keys == {None, "长" * 255, "\u0915\u093c" * 127}
        engine.app.run_due()
        engine.check()
    ends(url, postgres)


# --- the bound itself -------------------------------------------------------------------------------------------------------
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.builds(
        lambda text, times: text * times,
        st.text(st.characters(codec=None), min_size=1, max_size=8) | st.sampled_from(["x", "长", GROWS, "e\u0301", "\0", HALF]),
        st.integers(1, 300),
    )
)
def test_a_name_fits_just_when_postgresql_holds_it_and_its_canonical_form(bounds, text):
    held = all(bounds(one) for one in (text, unicodedata.normalize("NFC", text)))
    assert (fault(text) is None) == keepable(text) == held


@pytest.fixture(scope="module")
def bounds(postgres):
    """Does PostgreSQL hold the text in a column of names?"""
    store = Database(postgres.database())
    name = task_tables.task_candidate.c.name.type
    held = sa.Table("held", sa.MetaData(), sa.Column("name", name))
    with store.begin(write=True) as connection:
        held.create(connection)

        def holds(text):
            with connection.begin_nested() as attempt:
                try:
                    connection.execute(held.insert(), {"name": text})
                except (sa.exc.DataError, UnicodeEncodeError):
                    attempt.rollback()
                    return False
            return True

        yield holds
    store.close()
