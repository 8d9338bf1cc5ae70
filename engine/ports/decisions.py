"""Decisions (DMN): who compiles a file and decides by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from engine.model.values import Json


@dataclass(frozen=True, slots=True)
class Decided:
    """`value`: the decision's result (a context for several outputs, a list for collecting policies); `rules`: matched rule ids."""

    value: Json
    rules: tuple[str, ...]
    reads: Mapping[str, Json]


class DecisionModel(Protocol):
    """One compiled DMN file."""

    decision_ids: tuple[str, ...]

    def evaluate(self, decision_id: str, variables: Mapping[str, Any], now: datetime) -> Decided:
        """Raises ExpressionError. Variable name of a single decision's result: `result_name(decision_id)`."""

    def result_name(self, decision_id: str) -> str: ...

    def output_name(self, decision_id: str) -> str:
        """The name of the only output of its table; of any other decision that of its variable."""

    def place_of(self, decision_id: str) -> tuple[str | None, int | None]:
        """Name and line in the file of one of `decision_ids`."""


class DecisionCompiler(Protocol):
    def compile(self, file: str, xml: bytes, others: Mapping[str, bytes] | None = None) -> DecisionModel:
        """Raises DeploymentRejected with every problem. `others`: all files of the deployment, for imports."""

    def named(self, file: str, xml: bytes) -> frozenset[str]:
        """Ids of the decisions in a file that may be refused; none when it cannot be read at all."""
