"""The words of the rules that are checked while files are read (`xml_source`, `reader` and its parts, `interpreter`): XML, references, languages."""

from __future__ import annotations

from engine.bpmn.validation.rule import declare

LANGUAGES = "Write it in Python or FEEL, and name that language."
declare("xml.syntax", "", "The file is not well-formed XML", "Export it again from the modeler that drew it.")
declare("xml.doctype", "", "The file holds a DOCTYPE, which is refused", "Remove the DOCTYPE.")
declare("xml.size", "", "The file is too large", "Make it smaller.")
declare("xml.depth", "", "The XML is nested too deeply", "Remove what is not needed.")
declare("xml.elements", "", "The file holds too many elements", "Divide the process.")
declare("bpmn.root", "15.3", "This is not a BPMN 2.0 file", "Export BPMN 2.0 XML from the modeler that drew it.")
declare("bpmn.no-process", "10.2", "There is no executable process", "Mark the process as executable.")
declare("bpmn.missing-id", "8.3.1", "An element has no id", "Give it an id.")
declare("bpmn.duplicate-id", "8.3.1", "An id is used twice", "Give each element an id of its own.")
declare("bpmn.nesting", "", "Subprocesses are nested too deeply", "Move parts into processes of their own.")
UNSUPPORTED = declare("bpmn.unsupported", "15.3", "This element is not supported", "Replace it by a supported one.")
REFERENCE = declare("bpmn.reference", "8.3.1", "Something that the element refers to does not exist", "Define it, or choose another.")
declare("bpmn.flow", "8.4.13", "A sequence flow leads nowhere", "Connect both ends within the same process or subprocess.")
declare("bpmn.default-flow", "10.6", "The default flow is not valid", "Choose one of the outgoing flows as the default.")
declare("bpmn.correlation", "8.4.2", "The correlation is not complete", "Say for each property of the key how it is read from messages and data.")
declare("bpmn.data", "10.4.2", "The data association is not valid", "Name one source and one target, or write a transformation.")
declare("bpmn.quantity", "10.3", "A quantity is not valid", "Use whole numbers from 1 to 1000.")
declare("bpmn.loop", "10.3.8", "The loop is not valid", "Give it a condition or a maximum.")
declare("bpmn.multi-instance", "10.3.8", "The multi-instance activity is not valid", "Give it a collection or a number, not both.")
declare("script.language", "10.3.3", "The language of the script is not available", LANGUAGES)
declare("expression.language", "8.4.7", "The expression language is not available", LANGUAGES)
EXTENSION = declare(
    "extension.unsupported", "", "An extension that would be executed is not supported", "Use a script task or a service task with a handler."
)
declare("extension.retry", "", "The retries cannot be read", "Write R5/PT10M (attempts and the time between them) or a list such as PT1M,PT10M.")
