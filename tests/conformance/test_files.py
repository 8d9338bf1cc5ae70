"""Files as tools write them: names, encodings, several files that use each other's definitions."""

from __future__ import annotations

import pytest

from engine.dmn import DmnCompiler
from engine.errors import DeploymentRejected
from engine.model import events as ev
from engine.model.files import kind_of
from engine.testing import EmbeddedEngine
from tests.conformance.test_decisions import TABLE
from tests.conformance.test_events import S, catch
from tests.support.bpmn_bench import NAMESPACES, Bench, flows, process

DIAGRAM = process(S, '<userTask id="u" name="审核"/>', flows("s u")).decode()
RULES = process(S, '<businessRuleTask id="t" f:decision="route" f:resultVariable="r"/>', flows("s t"))


@pytest.mark.parametrize("name", ["a.bpmn", "A.BPMN", "a.xml", "A.XML", "a.bpmn20.xml", "a.bpmn2", "流程 (1).Bpmn"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030"])
def test_names_and_encodings(name: str, encoding: str) -> None:
    declared = {"utf-8-sig": "utf-8", "utf-32": "utf-32"}.get(encoding, encoding)
    data = f'<?xml version="1.0" encoding="{declared}"?>{DIAGRAM}'.encode(encoding)
    with EmbeddedEngine() as engine:
        assert engine.deploy({name: data}) == ["p"]
        assert [task.name for task in engine.user_tasks(engine.start("p"))] == ["审核"]


@pytest.mark.parametrize("name", ["r.dmn", "R.DMN", "r.xml", "r.dmn.xml", "r.dmn11.xml"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_decisions_too(name: str, encoding: str) -> None:
    with EmbeddedEngine() as engine:
        engine.deploy({"p.bpmn": RULES, name: f'<?xml version="1.0" encoding="{encoding}"?>{TABLE.decode()}'.encode(encoding)})
        assert engine.variables(engine.start("p", {"amount": 250}))["r"] == "manager"


@pytest.mark.parametrize(("name", "data"), [("a.txt", b""), ("a.xml", b"<html/>"), ("a", b""), ("../a.dmn", TABLE), ("FORM.JSON", b"{}")])
def test_other_files_are_refused(name: str, data: bytes) -> None:
    with EmbeddedEngine() as engine, pytest.raises(DeploymentRejected) as caught:
        engine.deploy({"p.bpmn": DIAGRAM.encode(), name: data})
    assert [(one.file, one.rule) for one in caught.value.problems] == [(name, "file-name")]


def test_kinds() -> None:
    assert [kind_of(name, b"") for name in ("a.bpmn", "a.Dmn", "a.form.json", "a.xml", "a.json")] == ["bpmn", "dmn", "form", None, None]


# --- imports --------------------------------------------------------------------------------------------------------
MESSAGES = (
    f'<definitions {NAMESPACES} targetNamespace="urn:shared"><message id="MM" name="order"/><signal id="GG" name="alarm"/>'
    '<error id="EE" errorCode="e7"/></definitions>'
).encode()


def importing(event: str, before: str = "", namespace: str = "urn:shared") -> bytes:
    head = f'<import importType="http://www.omg.org/spec/BPMN/20100524/MODEL" namespace="{namespace}" location="shared.bpmn"/>'
    return process(S, catch("c", event), flows("s c"), before=head + before).replace(b"<definitions ", b'<definitions xmlns:o="urn:shared" ')


@pytest.mark.parametrize(
    ("event", "name"),
    [
        ('<messageEventDefinition messageRef="o:MM"/>', "order"),
        ('<messageEventDefinition messageRef="MM"/>', "order"),
        ('<signalEventDefinition signalRef="o:GG"/>', "alarm"),
    ],
)
def test_messages_and_signals_of_an_imported_file(event: str, name: str) -> None:
    bench = Bench(importing(event), MESSAGES).start("p")
    assert [one.name for one in bench.of(ev.SubscriptionOpened)] == [name]


def test_the_prefix_tells_which_of_two_is_meant() -> None:
    own = '<message id="MM" name="mine"/>'
    for reference, name in (("MM", "mine"), ("o:MM", "order")):
        bench = Bench(importing(f'<messageEventDefinition messageRef="{reference}"/>', own), MESSAGES).start("p")
        assert [one.name for one in bench.of(ev.SubscriptionOpened)] == [name]


@pytest.mark.parametrize("files", [(importing('<messageEventDefinition messageRef="o:MM"/>'),),
                                   (importing('<messageEventDefinition messageRef="MM"/>', namespace="urn:else"), MESSAGES)])  # fmt: skip
def test_what_is_not_imported_is_not_there(files: tuple[bytes, ...]) -> None:
    with pytest.raises(DeploymentRejected) as caught:
        Bench(*files)
    assert [(one.rule, one.element_id) for one in caught.value.problems][:1] == [("bpmn.reference", "c")]


# --- decision tables name the cell ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("old", "new", "rule", "element", "words"),
    [
        (b"&lt; 100</text>", b"&lt; </text>", "dmn.feel", "a", ("rule 1 (small)", "input 1 (amount)")),
        (b'"manager"', b"manager of", "dmn.feel", "e", ("rule 2 (big)", "output 1 (level)")),
        (b"<text>amount</text>", b"<text>amount +</text>", "dmn.feel", "ie", ("input 1",)),
        (b'name="level" typeRef="string"', b'name="level" typeRef="strong"', "dmn.type", "o", ("output 1 (level)",)),
        (b'<inputEntry id="c"><text>&gt;= 100</text></inputEntry>', b"", "dmn.rule", "big", ("rule 2 (big)",)),
    ],
)
def test_a_problem_in_a_table_names_rule_and_column(old: bytes, new: bytes, rule: str, element: str, words: tuple[str, ...]) -> None:
    assert old in TABLE
    with pytest.raises(DeploymentRejected) as caught:
        DmnCompiler().compile("r.dmn", TABLE.replace(old, new))
    (problem,) = caught.value.problems
    assert (problem.rule, problem.element_id, problem.element_name) == (rule, element, "route")
    assert all(word in problem.message for word in words), problem.message
    assert problem.line
