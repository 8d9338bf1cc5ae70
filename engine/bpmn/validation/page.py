"""The list of rules as a page: `python -m engine.bpmn.validation.page > docs/rules.md`. A test compares both."""

from __future__ import annotations

import sys

from engine.bpmn.validation import RULES
from engine.model.rules import Rule

HEAD = """# Rules of deployment

What is checked before a file is deployed, and by the modeler's lint (the same code: `engine/bpmn/validation`). Errors refuse the deployment, all of them at
once; warnings travel with it. Each problem names its rule, the element, its name and line, what is wrong there and what to do. Clauses are those of BPMN
2.0.2; a rule without one follows from what is executed here. This page is generated: `python -m engine.bpmn.validation.page > docs/rules.md`.

What the standard forbids, and what would not be executed as it is drawn, is an error. What is allowed but surely not meant, and what only documents
(artifacts, lanes, `incoming` and `outgoing`, directions of gateways), is a warning.
"""
FAMILIES = {
    "xml": "XML", "bpmn": "BPMN", "script": "Scripts and expressions", "expression": "Scripts and expressions", "extension": "Extensions of vendors",
    "dmn": "Decisions",
}  # fmt: skip


def page() -> str:
    """Markdown; families in the order above, rules by id."""
    parts = [HEAD]
    for title in dict.fromkeys(FAMILIES.values()):
        rules = sorted((rule for rule in RULES.values() if FAMILIES[rule.id.partition(".")[0]] == title), key=lambda rule: rule.id)
        rows = ["| rule | | clause | what is wrong | what to do |", "|---|---|---|---|---|", *map(_row, rules)]
        parts.append("\n".join([f"\n## {title}", *rows, ""]))
    return "".join(parts)


def _row(rule: Rule) -> str:
    return f"| `{rule.id}` | {rule.severity} | {rule.clause} | {rule.wrong} | {rule.advice} |"


if __name__ == "__main__":
    sys.stdout.write(page())
