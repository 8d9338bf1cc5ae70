"""Is what was read executable as a whole? Rules by nouns; errors refuse the deployment, warnings travel with the model.

The same rules serve deployment and the modeler's lint; docs/rules.md is their list. Expressions are checked by the evaluator, references to
decisions and processes against what the deployment offers.
"""

from engine.bpmn.validation import (
    activities,
    attributes,
    boundary,
    containers,
    decisions,
    effects,
    elements,
    events,
    expressions,
    flows,
    gateways,
    loops,
    names,
    reachability,
    reading,
    references,
    values,
    vendor_places,
    vendors,
)
from engine.bpmn.validation.document import check_file
from engine.bpmn.validation.rule import RULES
from engine.bpmn.validation.walk import Validation, advised

# each registers its rules when it is imported
NOUNS = (
    reading, elements, attributes, values, references, effects, containers, flows, gateways, events, boundary, activities, loops, names, expressions, reachability, vendors, vendor_places, decisions,
)  # fmt: skip
#: every text that people may see in their language
TEXTS = (*(text for rule in RULES.values() for text in (rule.wrong, rule.advice)), *vendors.ADVICE, *vendor_places.ADVICE)

__all__ = ["NOUNS", "RULES", "TEXTS", "Validation", "advised", "check_file"]
