"""Forms: who compiles them, and what one answers to a submission."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from engine.errors import FieldError
from engine.model.values import Json


@dataclass(frozen=True, slots=True)
class Decoded:
    """A submission turned into JSON values: declared fields only."""

    values: Mapping[str, Json]
    errors: tuple[FieldError, ...]


class Form(Protocol):
    """One compiled form."""

    key: str

    def fields(self) -> tuple[str, ...]:
        """Names of the declared top-level properties, conditional and read-only ones included."""

    def check(self, values: Mapping[str, Json], shown: Mapping[str, Json] = ...) -> Decoded:
        """Validate JSON values (API). Undeclared fields and read-only fields are errors.

        `shown`: present values of the declared fields, as the task shows them: conditions and read-only columns are read from there.
        A field that `shown` has and the submission leaves empty comes back as None, so that assignment clears it.
        """

    def attachments(self, values: Mapping[str, Json]) -> Mapping[str, Mapping[str, Any]]:
        """References to attachments in checked values, by SHA-256."""


class FormCompiler(Protocol):
    def compile(self, file: str, data: bytes) -> Form:
        """`*.form.json` bytes. Raises DeploymentRejected with the JSON pointer of each problem in its message."""
