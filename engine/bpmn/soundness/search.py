"""Breadth-first search through the states of a process, within a budget; remembers how each state was reached, so that traces are short."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from engine.bpmn.soundness.game import Game, Step
from engine.bpmn.soundness.reduction import Reduction

STEPS_PER_STATE = 10  # of the budget: a state may have very many steps that lead to nothing new


class Origin(NamedTuple):
    """The state before (-1: none) and what was passed on the way."""

    before: int
    names: tuple[str, ...]
    flows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Meeting:
    """A step after which a place would hold two tokens."""

    place: int
    before: int
    step: Step


class Search:
    """`run` once, then read. States are numbered in the order of their discovery; 0 tokens is the end."""

    def __init__(self, game: Game, budget: int, *, reduce: bool = True) -> None:
        self.game = game
        self.budget = budget
        self.reduction = Reduction(game) if reduce else None
        self.states: list[int] = []
        self.numbers: dict[int, int] = {}
        self.origins: list[Origin] = []
        self.before: list[list[int]] = []
        self.meetings: dict[int, Meeting] = {}  # by place
        self.unsafe: set[int] = set()  # states with a step after which two tokens meet
        self.standing: list[int] = []  # states with tokens and nothing but extra events
        self.marked = 0
        self.passed: set[str] = set()
        self.taken: set[str] = set()
        self.steps = 0
        self.complete = True

    def run(self) -> None:
        for state in self.game.begins():
            self._reach(state, Origin(-1, (), ()))
        number = 0
        while number < len(self.states) and self.complete:
            if self.states[number]:
                self._leave(number, self.states[number])
            number += 1

    # --- one state --------------------------------------------------------------------------------------------------------
    def _leave(self, number: int, state: int) -> None:
        stands = True
        for step in self._alone(state) or self.game.steps(state):
            self.steps += 1 + len(step.flows) // 8  # a step over very many flows costs more
            stands = stands and step.extra
            self.passed.update(step.names)
            if step.flows:
                self.taken.update(flow.id for flow in step.flows)
            if step.twice:
                self._meet(number, step)
            else:
                self._follow(number, step)
            if self.steps >= STEPS_PER_STATE * self.budget:
                self.complete = False
            if not self.complete:
                return
        if stands:
            self.standing.append(number)

    def _alone(self, state: int) -> list[Step] | None:
        """The steps of one token that may go on alone, if they lead to anything new."""
        if self.reduction is None:
            return None
        for place in self.game.net.marked(state):
            steps = self.reduction.alone(state, place)
            if steps is not None and any(not step.twice and self._tidy(step.state) not in self.numbers for step in steps):
                return steps
        return None

    def _meet(self, number: int, step: Step) -> None:
        self.unsafe.add(number)
        place = (step.twice & -step.twice).bit_length() - 1
        self.meetings.setdefault(place, Meeting(place, number, step))

    def _follow(self, number: int, step: Step) -> None:
        state = self._tidy(step.state)
        if state not in self.numbers and len(self.states) >= self.budget:
            self.complete = False
            return
        reached = self._reach(state, Origin(number, step.names, tuple(flow.id for flow in step.flows)))
        self.before[reached].append(number)

    def _tidy(self, state: int) -> int:
        """What a complex gateway remembers does not keep an instance open."""
        return state if state & self.game.net.root.tokens else 0

    def _reach(self, state: int, origin: Origin) -> int:
        known = self.numbers.get(state)
        if known is None:
            known = self.numbers[state] = len(self.states)
            self.states.append(state)
            self.origins.append(origin)
            self.before.append([])
            self.marked |= state
        return known

    # --- afterwards ---------------------------------------------------------------------------------------------------------
    def way(self, number: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Flow nodes and sequence flows from the start to a state."""
        names: list[tuple[str, ...]] = []
        flows: list[tuple[str, ...]] = []
        while number >= 0:
            origin = self.origins[number]
            names.append(origin.names)
            flows.append(origin.flows)
            number = origin.before
        return tuple(n for one in reversed(names) for n in one), tuple(f for one in reversed(flows) for f in one)

    def leading_to(self, goals: set[int]) -> set[int]:
        """The states from which one of these can be reached, they among them."""
        seen = set(goals)
        todo = list(goals)
        while todo:
            for number in self.before[todo.pop()]:
                if number not in seen:
                    seen.add(number)
                    todo.append(number)
        return seen
