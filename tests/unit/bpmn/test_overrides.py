"""What is overridden of SpiffWorkflow exists in the pinned version with the signature that the override was written for.

Private methods are overridden on purpose (see docs/interpreter.md); this test fails first when the library changes.
"""

from __future__ import annotations

import importlib.metadata
import inspect
from pathlib import Path

import pytest
from SpiffWorkflow.bpmn.script_engine.python_engine import PythonScriptEngine
from SpiffWorkflow.bpmn.script_engine.python_environment import BasePythonScriptEngineEnvironment
from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec
from SpiffWorkflow.bpmn.specs.mixins.bpmn_spec_mixin import BpmnSpecMixin
from SpiffWorkflow.bpmn.util.event import EventManager
from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.task import Task

from engine.bpmn.evaluation import Sandbox, ScriptEngine
from engine.bpmn.event_hub import EventHub
from engine.bpmn.flow_node import FlowNode
from engine.bpmn.process_spec import ProcessSpec
from engine.bpmn.token import Token
from engine.bpmn.workflow import InstanceWorkflow, ScopeMixin, ScopeWorkflow

PAIRS = [
    (Token, Task), (FlowNode, BpmnSpecMixin), (ScopeMixin, BpmnSubWorkflow), (ScopeWorkflow, BpmnSubWorkflow), (ScopeMixin, BpmnWorkflow),
    (InstanceWorkflow, BpmnWorkflow), (EventHub, EventManager), (Sandbox, BasePythonScriptEngineEnvironment), (ScriptEngine, PythonScriptEngine),
    (ProcessSpec, BpmnProcessSpec),
]  # fmt: skip

# (stock class, method): its parameters in 3.2.0, without self.
EXPECTED = {
    ("Task", "_inherit_data"): [],
    ("Task", "_set_state"): ["value"],
    ("Task", "run"): [],
    ("Task", "cancel"): [],
    ("Task", "is_descendant_of"): ["task"],
    ("Task", "find_ancestor"): ["spec_name"],
    ("BpmnSpecMixin", "_predict"): ["my_task", "seen", "looked_ahead", "mask"],
    ("BpmnSpecMixin", "_update"): ["my_task"],
    ("BpmnSpecMixin", "_update_hook"): ["my_task"],
    ("BpmnSpecMixin", "test"): [],
    ("BpmnSpecMixin", "_on_ready"): ["my_task"],
    ("BpmnSpecMixin", "_run"): ["my_task"],
    ("BpmnSpecMixin", "_run_hook"): ["my_task"],
    ("BpmnSpecMixin", "_on_complete"): ["my_task"],
    ("BpmnSpecMixin", "_on_cancel"): ["my_task"],
    ("BpmnSubWorkflow", "update_waiting_tasks"): [],
    ("BpmnSubWorkflow", "is_completed"): [],
    ("BpmnSubWorkflow", "_task_completed_notify"): ["task"],
    ("BpmnSubWorkflow", "get_tasks_iterator"): ["first_task", "kwargs"],
    ("BpmnSubWorkflow", "_calculate_depth"): [],
    ("BpmnWorkflow", "update_waiting_tasks"): [],
    ("BpmnWorkflow", "is_completed"): [],
    ("BpmnWorkflow", "_task_completed_notify"): ["task"],
    ("BpmnWorkflow", "get_tasks_iterator"): ["first_task", "kwargs"],
    ("BpmnWorkflow", "get_task_from_id"): ["task_id"],
    ("BpmnWorkflow", "get_active_subprocesses"): [],
    ("BpmnWorkflow", "create_subprocess"): ["my_task", "spec_name"],
    ("BpmnWorkflow", "refresh_timers"): [],
    ("BpmnWorkflow", "do_engine_steps"): ["will_complete_task", "did_complete_task"],
    ("BasePythonScriptEngineEnvironment", "evaluate"): ["expression", "context", "external_context"],
    ("BasePythonScriptEngineEnvironment", "execute"): ["script", "context", "external_context"],
    ("BasePythonScriptEngineEnvironment", "call_service"): ["context", "kwargs"],
    ("PythonScriptEngine", "evaluate"): ["task", "expression", "external_context"],
    ("PythonScriptEngine", "execute"): ["task", "script", "external_context"],
}


def overridden() -> dict[tuple[str, str], object]:
    found = {}
    for ours, stock in PAIRS:
        for name, value in vars(ours).items():
            theirs = inspect.getattr_static(stock, name, None)
            if inspect.isfunction(value) and inspect.isfunction(theirs) and not (name.startswith("__")):
                found[stock.__name__, name] = theirs
    return found


def test_the_version_is_the_pinned_one() -> None:
    assert importlib.metadata.version("SpiffWorkflow") == "3.2.0"


def test_every_override_is_listed_here() -> None:
    assert set(overridden()) == set(EXPECTED)


@pytest.mark.parametrize(("key", "parameters"), EXPECTED.items(), ids=lambda value: ".".join(value) if isinstance(value, tuple) else "")
def test_signature_of_the_stock_method(key: tuple[str, str], parameters: list[str]) -> None:
    stock = overridden()[key]
    assert [name for name in inspect.signature(stock).parameters if name != "self"] == parameters  # type: ignore[arg-type]


def test_every_override_is_explained() -> None:
    text = (Path(__file__).parents[3] / "docs" / "interpreter.md").read_text(encoding="utf-8")
    missing = [f"{stock}.{name}" for stock, name in EXPECTED if f"`{name}`" not in text]
    assert missing == []


def test_spiffworkflow_is_imported_by_this_package_only() -> None:
    engine = Path(__file__).parents[3] / "engine"
    users = {
        path.relative_to(engine).parts[0]
        for path in engine.rglob("*.py")
        if "SpiffWorkflow" in path.read_text(encoding="utf-8").replace("SpiffWorkflow 3.2.0", "")
    }
    importing = {path.relative_to(engine).parts[0] for path in engine.rglob("*.py") if "from SpiffWorkflow" in path.read_text(encoding="utf-8")}
    assert importing == {"bpmn"}
    assert "bpmn" in users
