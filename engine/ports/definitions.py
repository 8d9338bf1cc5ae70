"""Deployed processes: versions, files, what starts them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from engine.model.definition import Deployment, ProcessDefinition, ProcessInfo


class Definitions(Protocol):
    def add(self, deployment: Deployment, files: Mapping[str, bytes], models: Mapping[str, ProcessInfo]) -> None: ...

    def latest(self, process_id: str) -> ProcessDefinition | None: ...

    def latest_id(self, process_id: str) -> tuple[str, bool] | None:
        """Id of the newest version, and whether it is suspended."""

    def get(self, definition_id: str) -> ProcessDefinition | None: ...

    def of_deployment(self, deployment_id: str) -> Mapping[str, str]:
        """Definition ids of a deployment, by process."""

    def by_content(self, process_id: str, content_hash: str) -> ProcessDefinition | None: ...

    def files(self, deployment_id: str) -> dict[str, bytes]: ...

    def starts(self, kind: str, name: str, *, suspended: bool = False) -> list[tuple[str, str]]:
        """(definition id, element id) of newest versions that a message or signal of this name starts, or would if they were not suspended."""

    def is_suspended(self, definition_id: str) -> bool: ...

    def set_suspended(self, definition_id: str, suspended: bool, actor: str, reason: str, at: datetime) -> bool:
        """Write down who, why and when. False: it was so already."""
