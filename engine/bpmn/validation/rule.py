"""The register of rules: each is declared once, with its words, and checked by one or more small functions for kinds of subjects.

A check is asked with the `Place` where its subject stands (files: with what was read of them) and yields a `Finding` for each fault. Subjects:
`container`, `flow` (those that were drawn), every BPMN type of flow node, `node` (all of them), `file`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.model.rules import Rule

if TYPE_CHECKING:
    from engine.bpmn.diagram import Container


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault. `subject` is a flow, node, container or (files) XML element; `advice` replaces that of the rule where more is known."""

    subject: Any
    message: str
    advice: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a subject stands, and what the deployment offers: `refusal(text, mode)` is the evaluator's objection to an expression or script,
    `offers(process_id)` says whether a process can be called, `decisions` are the ids of decisions.
    """

    container: Container
    refusal: Callable[[str, str], str | None]
    offers: Callable[[str], bool]
    decisions: frozenset[str]


Findings = Iterable[Finding]
Check = Callable[[Any, Any], Findings]
RULES: dict[str, Rule] = {}
CHECKS: dict[str, list[tuple[Rule, Check]]] = {}


def declare(id: str, clause: str, wrong: str, advice: str, *, warning: bool = False) -> Rule:
    """A rule for the register. An id that is taken is a mistake of ours."""
    if id in RULES:
        raise AssertionError(id)
    RULES[id] = Rule(id, clause, wrong, advice, "warning" if warning else "error")
    return RULES[id]


def checks(rule: Rule, *subjects: str) -> Callable[[Check], Check]:
    """The decorated function checks the rule for these kinds of subjects."""

    def register(check: Check) -> Check:
        for subject in subjects:
            CHECKS.setdefault(subject, []).append((rule, check))
        return check

    return register
