"""The diagrams as drawings and as documents: everything documented and drawn, nothing overlaps; what they name exists; the tables decide right."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import pytest
from lxml import etree

from engine.dmn import DmnCompiler
from processes.service_report.pack import pack

NS = {
    "b": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "di": "http://www.omg.org/spec/BPMN/20100524/DI",
    "dc": "http://www.omg.org/spec/DD/20100524/DC",
    "dd": "http://www.omg.org/spec/DD/20100524/DI",
}
FL = "{https://flowledger.org/bpmn/1.0}"
FOLDER = files("processes.service_report")
FORMS = {f.name.removesuffix(".form.json") for f in files("forms.service_report").iterdir() if f.name.endswith(".form.json")}
NODES = ("task", "userTask", "serviceTask", "businessRuleTask", "startEvent", "endEvent", "intermediateCatchEvent", "boundaryEvent",
         "exclusiveGateway", "parallelGateway", "subProcess")  # fmt: skip
Box = tuple[float, float, float, float]


@pytest.fixture(params=["report.bpmn", "callback.bpmn", "project.bpmn"])
def diagram(request: pytest.FixtureRequest) -> Any:
    return etree.fromstring((FOLDER / request.param).read_bytes())


def _nodes(diagram: Any) -> list[Any]:
    return [node for tag in NODES for node in diagram.iter(f"{{{NS['b']}}}{tag}")]


def _boxes(diagram: Any) -> dict[str, Box]:
    out = {}
    for shape in diagram.iterfind(".//di:BPMNShape", NS):
        bounds = shape.find("dc:Bounds", NS)
        x, y, w, h = (float(bounds.get(name)) for name in ("x", "y", "width", "height"))
        out[shape.get("bpmnElement")] = (x, y, x + w, y + h)
    return out


def _apart(one: Box, other: Box) -> bool:
    return one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def test_every_node_and_lane_says_what_it_is_for(diagram: Any) -> None:
    documented = [*_nodes(diagram), *diagram.iter(f"{{{NS['b']}}}lane")]
    assert [n.get("id") for n in documented if not (n.findtext("b:documentation", namespaces=NS) or "").strip()] == []


def test_every_task_names_its_clause(diagram: Any) -> None:
    tasks = [n for n in _nodes(diagram) if n.tag.endswith("Task")]
    assert [n.get("id") for n in tasks if not any(w in n.findtext("b:documentation", namespaces=NS) for w in ("条", "抽样约定", "接通"))] == []


def test_everything_is_drawn_and_nothing_overlaps(diagram: Any) -> None:
    boxes = _boxes(diagram)
    ids = {n.get("id") for n in _nodes(diagram)}
    assert ids - set(boxes) == set()
    flows = {f.get("id") for f in diagram.iter(f"{{{NS['b']}}}sequenceFlow")}
    assert flows == {e.get("bpmnElement") for e in diagram.iterfind(".//di:BPMNEdge", NS)}
    outer = {n.get("id") for n in _nodes(diagram) if n.tag.endswith(("boundaryEvent", "subProcess"))}
    for one, other in itertools.combinations(sorted(ids - outer), 2):
        assert _apart(boxes[one], boxes[other]), (one, other)


def test_flows_run_straight_and_through_no_other_shape(diagram: Any) -> None:
    boxes = {k: v for k, v in _boxes(diagram).items() if k in {n.get("id") for n in _nodes(diagram) if not n.tag.endswith("subProcess")}}
    ends = {f.get("id"): (f.get("sourceRef"), f.get("targetRef")) for f in diagram.iter(f"{{{NS['b']}}}sequenceFlow")}
    attached = {n.get("id"): n.get("attachedToRef") for n in diagram.iter(f"{{{NS['b']}}}boundaryEvent")}
    for edge in diagram.iterfind(".//di:BPMNEdge", NS):
        points = [(float(p.get("x")), float(p.get("y"))) for p in edge.iterfind("dd:waypoint", NS)]
        source, target = ends[edge.get("bpmnElement")]
        for (x1, y1), (x2, y2) in itertools.pairwise(points):
            assert x1 == x2 or y1 == y2, edge.get("bpmnElement")
            line = (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
            hit = [k for k, box in boxes.items() if k not in (source, target, attached.get(source)) and not _apart(line, box)]
            assert hit == [], (edge.get("bpmnElement"), hit)


def test_every_node_of_the_process_lies_in_its_lane(diagram: Any) -> None:
    boxes = _boxes(diagram)
    for lane in diagram.iter(f"{{{NS['b']}}}lane"):
        _, top, _, bottom = boxes[lane.get("id")]
        for ref in lane.iterfind("b:flowNodeRef", NS):
            box = boxes[ref.text]
            assert top <= box[1], ref.text
            assert box[3] <= bottom, ref.text


def test_forms_handlers_groups_and_tables_exist(diagram: Any) -> None:
    handlers = {h.name for h in pack.handlers}
    decisions = {"review_routing", "sample_size"}
    for node in _nodes(diagram):
        form, handler, decision = node.get(FL + "formKey"), node.get(FL + "handler"), node.get(FL + "decisionRef")
        assert form is None or form in FORMS, node.get("id")
        assert handler is None or handler in handlers, node.get("id")
        assert decision is None or decision in decisions, node.get("id")
        for group in (node.get(FL + "candidateGroups") or "").split(","):
            assert not group.strip() or group.strip() in pack.groups, node.get("id")


# --- decision tables -----------------------------------------------------------------------------------------------------
NOW = datetime(2026, 7, 2, tzinfo=UTC)


def _decide(name: str, values: dict[str, Any]) -> Any:
    return DmnCompiler().compile(f"{name}.dmn", (FOLDER / f"{name}.dmn").read_bytes()).evaluate(name, values, NOW)


GOOD: dict[str, Any] = {f"{d}_{q}": 4 for d in ("rd", "eng") for q in ("timely", "clear", "reliable", "concise")} | {
    "rd_decision": "pass", "eng_decision": "pass", "rd_meets_needs": True, "eng_meets_needs": True, "rd_reflects_state": True,
    "eng_reflects_state": True, "special_case": False, "rd_special": False, "eng_special": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "route", "rule"),
    [
        ({}, "approval", "rule_approval"),
        ({"rd_decision": "return"}, "return", "rule_rd_return"),
        ({"eng_decision": "return", "special_case": True}, "return", "rule_eng_return"),
        ({"eng_concise": 2}, "return", "rule_low_rating"),
        ({"rd_clear": 3}, "approval", "rule_approval"),
        ({"rd_reflects_state": False}, "return", "rule_not_adequate"),
        ({"special_case": True}, "special", "rule_special"),
        ({"eng_special": True}, "special", "rule_special"),
        ({"rd_special": None, "eng_special": None, "special_case": True}, "special", "rule_special"),
    ],
)
def test_review_routing(change: dict[str, Any], route: str, rule: str) -> None:
    found = _decide("review_routing", {**GOOD, **change})
    assert found.value["route"] == route
    assert found.rules == (rule,)


@pytest.mark.parametrize(
    ("population", "size"),
    [(0, 0), (1, 1), (5, 5), (6, 2), (8, 2), (9, 3), (25, 5), (26, 8), (50, 8), (51, 13), (90, 13), (91, 20), (150, 20), (151, 32), (280, 32),
     (281, 50), (500, 50), (501, 80), (1200, 120), (5000, 500)],
)  # fmt: skip
def test_sample_sizes_of_the_standard(population: int, size: int) -> None:
    assert _decide("sample_size", {"population_size": population}).value == size
