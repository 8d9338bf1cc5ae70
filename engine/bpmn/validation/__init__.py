"""Is what was read executable as a whole? Rules by nouns; errors refuse the deployment, warnings travel with the model.

The same rules serve deployment and the modeler's lint; docs/rules.md is their list. Expressions are checked by the evaluator, references to
decisions and processes against what the deployment offers.
"""

from engine.bpmn.validation import activities, boundary, containers, events, expressions, flows, gateways, reachability, reading
from engine.bpmn.validation.rule import RULES
from engine.bpmn.validation.walk import Validation, advised

NOUNS = (reading, containers, flows, gateways, events, boundary, activities, expressions, reachability)  # each registers its rules when imported

__all__ = ["NOUNS", "RULES", "Validation", "advised"]
