"""What may stand where in a DMN file (DMN 1.1 to 1.5, their XML schemas together): whatever else stands there would be dropped without a word.

Elements and attributes of other namespaces are kept and have no effect, but for those that `reading` knows.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.dmn.xml import Xml, children, local

BOXED = (
    *("literalExpression", "decisionTable", "context", "list", "relation", "invocation", "functionDefinition"),
    *("conditional", "filter", "for", "some", "every"),
)


def _words(*texts: str) -> frozenset[str]:
    return frozenset(word for one in texts for word in one.split())


COMMON = "description extensionElements"
NAMED = "id label name"
VALUE = "id label typeRef"
ONE = " ".join(BOXED)
ITEM = "typeRef allowedValues typeConstraint itemComponent functionItem"
# children by element; those with one of BOXED hold a single expression
PARTS: dict[str, frozenset[str]] = {
    "definitions": _words(
        COMMON, "import itemDefinition inputData decision businessKnowledgeModel decisionService knowledgeSource textAnnotation association group",
        "elementCollection performanceIndicator organizationUnit businessContextElement",
    ),
    "decision": _words(
        COMMON, ONE, "question allowedAnswers variable informationRequirement knowledgeRequirement authorityRequirement supportedObjective",
        "impactedPerformanceIndicator decisionMaker decisionOwner usingProcess usingTask",
    ),
    "inputData": _words(COMMON, "variable"),
    "businessKnowledgeModel": _words(COMMON, "encapsulatedLogic variable knowledgeRequirement authorityRequirement"),
    "decisionService": _words(COMMON, "variable outputDecision encapsulatedDecision inputDecision inputData"),
    "informationRequirement": _words(COMMON, "requiredDecision requiredInput"),
    "knowledgeRequirement": _words(COMMON, "requiredKnowledge"),
    **{one: _words(COMMON, ONE, "formalParameter") for one in ("encapsulatedLogic", "functionDefinition")},
    "literalExpression": _words(COMMON, "text importedValues"),
    "inputExpression": _words(COMMON, "text importedValues"),
    "outputEntry": _words(COMMON, "text importedValues"),
    "defaultOutputEntry": _words(COMMON, "text importedValues"),
    "inputEntry": _words(COMMON, "text"),
    "inputValues": _words(COMMON, "text"),
    "outputValues": _words(COMMON, "text"),
    "context": _words(COMMON, "contextEntry"),
    "contextEntry": _words(COMMON, ONE, "variable"),
    "list": _words(COMMON, ONE),
    "relation": _words(COMMON, "column row"),
    "row": _words(COMMON, ONE),
    "invocation": _words(COMMON, ONE, "binding"),
    "binding": _words(COMMON, ONE, "parameter"),
    "conditional": _words(COMMON, "if then else"),
    "filter": _words(COMMON, "in match"),
    "for": _words(COMMON, "in return"),
    "some": _words(COMMON, "in satisfies"),
    "every": _words(COMMON, "in satisfies"),
    **{one: _words(COMMON, ONE) for one in ("if", "then", "else", "in", "match", "return", "satisfies")},
    "decisionTable": _words(COMMON, "input output rule annotation"),
    "input": _words(COMMON, "inputExpression inputValues"),
    "output": _words(COMMON, "outputValues defaultOutputEntry"),
    "rule": _words(COMMON, "inputEntry outputEntry annotationEntry"),
    "itemDefinition": _words(COMMON, ITEM),
    "itemComponent": _words(COMMON, ITEM),
}  # fmt: skip
ATTRIBUTES: dict[str, frozenset[str]] = {
    "definitions": _words(NAMED, "expressionLanguage typeLanguage namespace exporter exporterVersion"),
    **{one: _words(NAMED) for one in ("decision", "businessKnowledgeModel", "decisionService")},
    "inputData": _words(NAMED, "href"),  # a decision service refers to its inputs by elements of that name
    **{one: _words(NAMED, "typeRef") for one in ("variable", "formalParameter", "column", "parameter", "output")},
    **{one: _words(VALUE, "expressionLanguage") for one in ("literalExpression", "inputExpression", "outputEntry", "defaultOutputEntry")},
    **{one: _words("id label expressionLanguage") for one in ("inputEntry", "inputValues", "outputValues")},
    "decisionTable": _words(VALUE, "hitPolicy aggregation preferredOrientation outputLabel"),
    "input": _words("id label"),
    "rule": _words("id label"),
    **{one: _words(VALUE) for one in ("context", "list", "relation", "row", "invocation", "conditional", "filter")},
    **{one: _words(VALUE, "iteratorVariable") for one in ("for", "some", "every")},
    **{one: _words(VALUE, "kind") for one in ("functionDefinition", "encapsulatedLogic")},
    **{one: _words("id label href") for one in ("requiredDecision", "requiredInput", "requiredKnowledge")},
}
#: places in which an expression has to stand
HOLDERS = ("contextEntry", "if", "then", "else", "in", "match", "return", "satisfies")


def strangers(element: Xml, *, deep: bool = True) -> Iterator[tuple[Xml, str]]:
    """(element, what is wrong with it) for an element and, if `deep`, everything of DMN in it."""
    name = local(element)
    known = ATTRIBUTES.get(name)
    if known is not None:
        unknown = (one for one in element.attrib if not str(one).startswith("{") and one not in known)
        yield from ((element, f"{one} is no attribute of {name}") for one in unknown)
    allowed = PARTS.get(name)
    if allowed is None:
        return
    boxed = 0
    for one in children(element):
        if local(one) not in allowed:
            yield one, f"{local(one)} cannot stand inside {name}"
            continue
        boxed += local(one) in BOXED
        if deep:
            yield from strangers(one)
    if "decisionTable" in allowed and boxed > 1 and name not in ("list", "row"):
        yield element, f"{name} holds {boxed} expressions, and not one"
    if name in HOLDERS and not boxed:
        yield element, f"{name} holds no expression"
