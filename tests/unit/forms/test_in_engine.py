"""Forms inside a running process: what a submission writes, clears and refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.errors import DeploymentRejected, FormInvalid
from engine.testing import EmbeddedEngine

BPMN = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:flowledger="https://flowledger.dev/schema/bpmn"
  xmlns:camunda="http://camunda.org/schema/1.0/bpmn" id="d" targetNamespace="t">
  <process id="explain" isExecutable="true">
    <startEvent id="begin"/>
    <sequenceFlow id="a" sourceRef="begin" targetRef="write"/>
    <userTask id="write" name="说明" camunda:formKey="explain"/>
    <sequenceFlow id="b" sourceRef="write" targetRef="again"/>
    <userTask id="again" name="再次说明" camunda:formKey="explain"/>
    <sequenceFlow id="c" sourceRef="again" targetRef="finish"/>
    <endEvent id="finish"/>
  </process>
</definitions>
""".encode()


def form(**more: Any) -> bytes:
    row = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "title": "指标", "readOnly": True},
            "attained": {"type": "boolean", "title": "达成", "readOnly": True},
            "note": {"type": "string", "title": "说明"},
        },
        "if": {"properties": {"attained": {"const": False}}, "required": ["attained"]},
        "then": {"required": ["note"]},
    }
    properties = {
        "results": {"type": "array", "title": "结果", "items": row},
        "remark": {"type": "string", "title": "备注"},
        "number": {"type": "string", "title": "编号", "readOnly": True},
    }
    schema = {"type": "object", "properties": properties, **more}
    return json.dumps({"key": "explain", "title": "说明", "schema": schema}).encode()


START = {"number": "R-1", "results": [{"name": "响应", "attained": True}, {"name": "解决", "attained": False}], "remark": "旧"}


def test_a_submission_fills_columns_clears_what_is_left_empty_and_writes_nothing_else() -> None:
    with EmbeddedEngine() as engine:
        engine.deploy({"explain.bpmn": BPMN, "explain.form.json": form()})
        one = engine.start("explain", START)
        with pytest.raises(FormInvalid) as refused:
            engine.complete(engine.user_tasks(one)[0].id, {"results": [{}, {}], "initiator": "me"})
        assert [(error.pointer, error.message_id) for error in refused.value.errors] == [
            ("/initiator", "form.undeclared"),
            ("/results/1/note", "form.required"),
        ]
        assert engine.variables(one) == START
        engine.complete(engine.user_tasks(one)[0].id, {"results": [{}, {"note": "备件迟到"}]})
        after = engine.variables(one)
        assert after["results"] == [{"name": "响应", "attained": True}, {"name": "解决", "attained": False, "note": "备件迟到"}]
        assert after["remark"] is None
        assert after["number"] == "R-1"
        with pytest.raises(FormInvalid):
            engine.complete(engine.user_tasks(one)[0].id, {"number": "R-2", "results": after["results"]})
        engine.complete(engine.user_tasks(one)[0].id, {"results": after["results"], "remark": "新"})
        assert engine.variables(one)["remark"] == "新"


def test_a_form_outside_the_subset_stops_the_deployment() -> None:
    with EmbeddedEngine() as engine, pytest.raises(DeploymentRejected) as refused:
        engine.deploy({"explain.bpmn": BPMN, "explain.form.json": form(dependentRequired={})})
    assert [(problem.file, problem.rule) for problem in refused.value.problems] == [("explain.form.json", "form-keyword")]
    assert refused.value.problems[0].message.startswith("/schema/dependentRequired:")
