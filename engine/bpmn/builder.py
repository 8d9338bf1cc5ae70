"""The diagram model to executable specs. What arrives here was validated."""

from __future__ import annotations

from typing import Any

from engine.bpmn import activities, events, gateways, multi_instance, subprocesses
from engine.bpmn.diagram import Container, Node
from engine.bpmn.flow_node import FlowNode
from engine.bpmn.process_spec import ProcessSpec, link

SPECS: dict[str, type[FlowNode]] = {
    "task": activities.PlainTask,
    "userTask": activities.UserTask,
    "manualTask": activities.ManualTask,
    "scriptTask": activities.ScriptTask,
    "serviceTask": activities.ServiceTask,
    "businessRuleTask": activities.BusinessRuleTask,
    "sendTask": events.SendTask,
    "receiveTask": activities.ReceiveTask,
    "subProcess": subprocesses.Subprocess,
    "transaction": subprocesses.Transaction,
    "adHocSubProcess": subprocesses.AdHocSubprocess,
    "callActivity": subprocesses.CallActivity,
    "exclusiveGateway": gateways.ExclusiveGateway,
    "parallelGateway": gateways.ParallelGateway,
    "inclusiveGateway": gateways.InclusiveGateway,
    "complexGateway": gateways.ComplexGateway,
    "eventBasedGateway": gateways.EventBasedGateway,
    "startEvent": events.StartEvent,
    "endEvent": events.EndEvent,
    "intermediateCatchEvent": events.CatchEvent,
    "intermediateThrowEvent": events.ThrowEvent,
    "boundaryEvent": events.BoundaryEvent,
}
LOOPS: dict[str, type[multi_instance.LoopBody]] = {
    "standard": multi_instance.StandardLoop,
    "parallel": multi_instance.ParallelMultiInstance,
    "sequential": multi_instance.SequentialMultiInstance,
}


def build(container: Container, model: Any, path: str) -> ProcessSpec:
    """The spec of a process with everything inside it. `path` names it in snapshots."""
    process = ProcessSpec(container, path)
    process.model = model
    for _, node in sorted(container.nodes.items()):  # event subprocesses by their ids
        _add(process, node, model, path)
    specs = process.task_specs
    for node in container.nodes.values():
        spec = specs[node.id]
        spec.boundaries = [specs[b.id] for b in node.boundary if not any(d.kind == "compensate" for d in b.definitions)]
        if node.handler is not None:
            spec.handler = specs[node.handler]
            if node.loop is not None:
                spec.inner.handler = specs[node.handler]
        for flow in node.outgoing:
            link(spec, specs[flow.target])
    return process


def _add(process: ProcessSpec, node: Node, model: Any, path: str) -> None:
    spec: Any
    if node.inner is not None and node.inner.triggered_by_event:
        spec = subprocesses.EventSubprocess(process, node)
        process.event_subprocesses.append(spec)
        if any(d.kind == "compensate" for start in node.inner.starts() for d in start.definitions):
            process.compensation_start = spec
    elif node.loop is not None:
        spec = SPECS[node.type](process, node, f"{node.id} [iteration]")
        LOOPS[node.loop.kind](process, node).inner = spec
    else:
        spec = SPECS[node.type](process, node)
    if node.inner is not None:
        spec.inner = build(node.inner, model, f"{path}/{node.id}")
