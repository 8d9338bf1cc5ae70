"""The order in which a page lists the fields of an object."""

from __future__ import annotations

from forms.checking import Visible
from forms.nodes import Branch, ObjectNode


def ordered(node: ObjectNode, scope: Visible) -> list[str]:
    """Visible names as a page lists them: what a condition adds follows the last field that the condition looks at."""
    order: list[str] = []

    def place(branch: Branch, after: frozenset[str]) -> None:
        at = max((order.index(name) + 1 for name in after if name in order), default=len(order))
        fresh = [name for name in branch.fields if name in scope.fields and name not in order]
        order[at:at] = fresh
        for condition in branch.conditions:
            for part in (condition.then, condition.otherwise):
                place(part, condition.reads)

    place(node.body, frozenset())
    return order
