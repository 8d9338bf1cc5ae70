"""Migration of running instances to another version of their process: the proposed plan, what happened, and the commands.

A plan maps flow nodes of the version that is left to flow nodes of the version that is entered. What it leaves out has no successor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.errors import MigrationProblem
from engine.model.codec import recorded


# --- the plan, proposed from the difference of two diagrams ---------------------------------------------------------
@dataclass(frozen=True, slots=True)
class PlanEntry:
    """One flow node of the version that is left.

    `target`: the flow node that it becomes, None: nothing fits. `how`: same (id and kind), renamed (kind and name, perhaps neighbours). `why` nothing
    fits: gone, kind (the id belongs to another kind of element), boundary (it is attached to something else), scope (it moved into another subprocess),
    several (fit), parent (its subprocess has no target). `choices`: every flow node of its kind in the version that is entered, for a person to choose from.
    """

    source: str
    target: str | None
    how: str = ""
    why: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MigrationPlan:
    """`source`, `target`: definition ids. `added`: flow nodes of the new version that succeed nothing."""

    source: str
    target: str
    entries: tuple[PlanEntry, ...]
    added: tuple[str, ...] = ()

    @property
    def mapping(self) -> dict[str, str]:
        """What a migration takes."""
        return {one.source: one.target for one in self.entries if one.target is not None}


@dataclass(frozen=True, slots=True)
class CheckedInstance:
    """What stands in the way of migrating one instance; nothing: it can be migrated now."""

    instance_id: str
    business_key: str | None
    state: str
    problems: tuple[MigrationProblem, ...] = ()


# --- events: part of the outcome of an input, as those of `engine.model.events` ---------------------------------------
@recorded
@dataclass(frozen=True, slots=True)
class InstanceMigrated:
    """From here on the instance runs under the definition `target`; `process_id` is its process."""

    source: str
    target: str
    process_id: str


@recorded
@dataclass(frozen=True, slots=True)
class ElementMigrated:
    """The element instance, job or subscription `key` belongs to the element `target` now; what kept its id is not told."""

    key: int
    element: str
    target: str


@recorded
@dataclass(frozen=True, slots=True)
class UserTaskChanged:
    """An open user task got the name and the form of another version; everything else of it stays."""

    key: int
    name: str
    form_key: str | None = None


# --- commands: as those of `engine.model.commands` ----------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Migrate:
    """Let an instance go on under another version. `plan` None: the proposed one. -> InstanceRef"""

    instance_id: str
    definition_id: str
    reason: str
    plan: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class UndoMigration:
    """Take a migration back, while nothing has happened since but remarks and files. -> InstanceRef"""

    instance_id: str
    reason: str


def inverse(plan: Mapping[str, str]) -> dict[str, str]:
    """The way back; a plan never maps two elements to one."""
    return {target: source for source, target in plan.items()}
