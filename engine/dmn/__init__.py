"""Decision tables and the expression language of their cells."""

from __future__ import annotations

from engine.errors import DeploymentRejected, Problem
from engine.ports import DecisionModel


class DmnCompiler:
    """Placeholder until the compiler lands: refuses every DMN file."""

    def compile(self, file: str, xml: bytes) -> DecisionModel:
        """Raises DeploymentRejected."""
        raise DeploymentRejected([Problem(file, "dmn", f"Decision tables are not executed yet ({len(xml)} bytes).")])
