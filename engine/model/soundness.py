"""What a soundness check answers: how far it looked, and what it found. Plain data between the interpreter and those who show it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import Problem

BUDGET = 20_000  # how many states of one process are looked at, unless somebody asks for another number
LARGEST_BUDGET = 1_000_000  # about a minute and a gigabyte


@dataclass(frozen=True, slots=True)
class Finding:
    """One flaw. `problem.rule`: soundness.deadlock, soundness.lack-of-synchronisation, soundness.dead, soundness.livelock.

    `trace` are the flow nodes that lead there, in order, from the start event; `flows` the sequence flows that were taken between them;
    `tokens` the elements (or, at a join, the sequence flows) where tokens stand then. A dead element has no trace: nothing leads there.
    """

    problem: Problem
    trace: tuple[str, ...] = ()
    flows: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Soundness:
    """The check of one process. Unless `complete`, it stopped after `states` states: what was found is true, but there may be more."""

    process_id: str
    file: str
    states: int
    complete: bool
    findings: tuple[Finding, ...]
