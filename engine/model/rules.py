"""What a rule of deployment and lint is: the words that people see of it, apart from the code that checks it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """`id` is what a Problem names. `clause` is the section of the standard, "" for what only our execution demands. `severity`: error or warning.

    `wrong` says in one sentence what is wrong, `advice` what to do; both stand in docs/rules.md and, translated, in pages.
    """

    id: str
    clause: str
    wrong: str
    advice: str
    severity: str = "error"
