"""Who acts."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Actor:
    """A person or a part of the system. `groups` are candidate groups; `roles` come from ROLES."""

    id: str
    name: str = ""
    groups: frozenset[str] = field(default_factory=frozenset)
    roles: frozenset[str] = field(default_factory=frozenset)
    on_behalf_of: str | None = None


ROLES = ("staff", "process_owner", "auditor", "operator", "administrator", "monitor")

NOTIFY = ("all", "mine", "none")
"""Of which tasks somebody is told: also those of their groups, only those that are theirs by name, none."""

SYSTEM = Actor("system", "Flowledger", roles=frozenset({"system"}))
