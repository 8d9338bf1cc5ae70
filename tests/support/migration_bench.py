"""A bench with several versions of one process: an instance starts under the first and is migrated to others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from engine.errors import MigrationProblem, MigrationRefused
from engine.history.transition import RecordedCalls, step
from engine.model import inputs
from engine.model.migration import MigrationPlan, inverse
from engine.ports import FIND_CALLED
from tests.support.bpmn_bench import Bench


class Versions(Bench):
    """`p:1`, `p:2` ... from the files given. Every movement is kept, so that the whole can be executed again."""

    def __init__(self, *versions: bytes, process_id: str = "p", **options: Any) -> None:
        super().__init__(versions[0], **options)
        self.process_id = process_id
        self.models: dict[str, Any] = {}
        self.names = [f"{self.process_id}:{n}" for n in range(1, len(versions) + 1)]
        for name, data in zip(self.names, versions, strict=True):
            self.models[name] = self.interpreter.compile({"file.bpmn": data}, lambda _: None, self._look_up)
        self.model = self.models[self.names[0]]
        self.definition = self.names[0]
        self.movements: list[tuple[Any, Any, list[Any], tuple[Any, ...]]] = []

    def _look_up(self, definition_id: str) -> Any:
        process_id, _, version = definition_id.rpartition(":")
        return self.models[f"{self.process_id}:{version}"] if process_id != self.process_id else self.models[definition_id]

    def _call(self, name: str, args: Any, kwargs: Any) -> Any:
        if name == FIND_CALLED:
            source, process_id = args
            return {"definition": f"{process_id}:{source.rpartition(':')[2]}"}
        return super()._call(name, args, kwargs)

    def do(self, movement: inputs.Movement) -> Versions:
        calls = RecordedCalls({name: _caller(self, name) for name in (*self.functions, FIND_CALLED)})
        self.last = step(self.execution, movement, self.now, calls)
        self.events += self.last
        self.movements.append((movement, self.now, calls.made, self.last))
        if isinstance(movement, inputs.MigrateInstance):
            self.definition, self.model = movement.definition, self.models[movement.definition]
        text = json.dumps(self.execution.snapshot(), sort_keys=True)  # as it is stored
        self.execution = self.interpreter.open(self.model, self.process_id, "i", json.loads(text))
        assert json.dumps(self.execution.snapshot(), sort_keys=True) == text
        return self

    def begin(self, **variables: Any) -> Versions:
        self.start(self.process_id, **variables)
        return self

    def plan(self, version: int = 2) -> MigrationPlan:
        target = self.names[version - 1]
        return self.interpreter.migration((self.model, self.definition), (self.models[target], target))

    def order(self, version: int = 2, plan: Mapping[str, str] | None = None, undoes: int = 0) -> inputs.MigrateInstance:
        mapping = self.plan(version).mapping if plan is None else plan
        return inputs.MigrateInstance(self.definition, self.names[version - 1], "hash", mapping, "because", undoes)

    def migrate(self, version: int = 2, plan: Mapping[str, str] | None = None) -> Versions:
        return self.do(self.order(version, plan))

    def take_back(self) -> Versions:
        last = next(m for m, *_ in reversed(self.movements) if isinstance(m, inputs.MigrateInstance))
        return self.do(inputs.MigrateInstance(last.definition, last.source, "hash", inverse(last.plan), "wrong one", len(self.movements)))

    def problems(self, version: int = 2, plan: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
        """What stands in the way, asked before and found again by the attempt; the state is the same afterwards."""
        before = json.dumps(self.execution.snapshot(), sort_keys=True)
        asked = self.execution.migration_problems(self.order(version, plan), self.now, self._call)
        assert json.dumps(self.execution.snapshot(), sort_keys=True) == before
        copy = self.interpreter.open(self.model, self.process_id, "i", json.loads(before))
        found: tuple[MigrationProblem, ...] = ()
        try:
            copy.apply(self.order(version, plan), self.now, self._call)
        except MigrationRefused as refused:
            found = refused.problems
        assert found == asked
        return [(one.why, one.element) for one in found]

    def reexecute(self) -> None:
        """All movements on a fresh execution under the first version give the same events."""
        execution = self.interpreter.open(self.models[self.names[0]], self.process_id, "i")
        for movement, now, made, events in self.movements:
            assert step(execution, movement, now, RecordedCalls({}, made)) == events

    def keys(self) -> dict[str, int]:
        return {element: key for key, element in self.execution.open_elements().items()}


def _caller(bench: Versions, name: str) -> Any:
    return lambda *args, **kwargs: bench._call(name, args, kwargs)
