"""BPMN: reading, checking and executing diagrams on SpiffWorkflow 3.2.0. The only package that knows its types."""

from engine.bpmn.interpreter import BpmnInterpreter
from engine.bpmn.limits import Limits

__all__ = ["BpmnInterpreter", "Limits"]
