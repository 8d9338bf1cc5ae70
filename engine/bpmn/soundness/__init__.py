"""Soundness on demand: deadlocks, tokens that meet, dead elements and endless loops, found by exploring the states of an abstract token game.

`docs/soundness.md` says what is found, what is approximated and what it costs. Nothing here executes anything or reads a clock.
"""

from __future__ import annotations

from engine.bpmn.diagram import Container
from engine.bpmn.soundness.game import Game
from engine.bpmn.soundness.net import Net
from engine.bpmn.soundness.search import Search
from engine.bpmn.soundness.verdict import Verdict
from engine.model.soundness import BUDGET, Soundness


def check(process: Container, budget: int = BUDGET, *, reduce: bool = True) -> Soundness:
    """Explore a process that passed validation. `budget`: states; `reduce` False: every interleaving, only to compare."""
    search = Search(Game(Net(process)), budget, reduce=reduce)
    search.run()
    return Soundness(process.id, process.file, len(search.states), search.complete, tuple(Verdict(process, search).findings()))


__all__ = ["check"]
