"""Asks every rule about everything in a process, in document order from the outside in, and turns findings into problems."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from engine.bpmn.diagram import Container
from engine.bpmn.validation.rule import CHECKS, RULES, Place
from engine.errors import Problem
from engine.ports import Evaluator


@dataclass(slots=True)
class Validation:
    """`offers`: ids of processes that can be called; `decisions`: ids of decisions of the deployment. `evaluator`: None where its answers would change nothing."""

    evaluator: Evaluator | None
    offers: Callable[[str], bool]
    decisions: frozenset[str]
    expressions: int  # that differ, at most: each is compiled in the sandbox
    problems: list[Problem] = field(default_factory=list)
    checked: dict[tuple[str, str], str | None] = field(default_factory=dict)

    def process(self, container: Container) -> None:
        """A process with all its subprocesses."""
        place = Place(container, self._refusal, self.offers, self.decisions)
        self._ask(place, container, "container")
        for node in container.nodes.values():
            self._ask(place, node, "node", node.type)
            for flow in node.outgoing:
                if flow.drawn:
                    self._ask(place, flow, "flow")
            if node.inner is not None:
                self.process(node.inner)

    def _ask(self, place: Place, subject: Any, *kinds: str) -> None:
        for kind in kinds:
            for rule, check in CHECKS.get(kind, ()):
                for one in check(place, subject):
                    on = one.subject
                    line, advice = one.line or on.line, one.advice or rule.advice
                    self.problems.append(Problem(place.container.file, rule.id, one.message, on.id, on.name or None, line, advice, rule.severity))

    def _refusal(self, text: str, mode: str) -> str | None:
        if self.evaluator is None:
            return None
        if (text, mode) not in self.checked:
            if len(self.checked) >= self.expressions:
                return f"more than {self.expressions} different expressions in one deployment"
            self.checked[text, mode] = self.evaluator.check(text, mode)
        return self.checked[text, mode]


def advised(problem: Problem) -> Problem:
    """The problem with what to do: its own advice, else that of its rule."""
    rule = RULES.get(problem.rule)
    return problem if problem.advice or rule is None else dataclasses.replace(problem, advice=rule.advice)
