"""`BpmnInterpreter`: compiles deployments and opens executions; the door of this package."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from engine.bpmn.builder import build
from engine.bpmn.diagram import Container
from engine.bpmn.execution import BpmnExecution
from engine.bpmn.limits import Limits
from engine.bpmn.model import BpmnModel, describe
from engine.bpmn.reader import Reader
from engine.bpmn.soundness import check
from engine.bpmn.validation import Validation, advised, check_file
from engine.bpmn.version_plan import propose
from engine.bpmn.xml_source import Xml, imports, parse
from engine.errors import DeploymentRejected, InvalidInput, NotFound, Problem
from engine.model.files import kind_of
from engine.model.migration import MigrationPlan
from engine.model.soundness import BUDGET, LARGEST_BUDGET, Soundness
from engine.model.values import Json
from engine.ports import DecisionCompiler, DecisionModel, Evaluator, Model


def _nothing_to_execute(files: Mapping[str, bytes]) -> Problem:
    kinds = {kind_of(name, data) for name, data in files.items()}
    file = next(iter(sorted(files)), "")
    if "dmn" in kinds and "bpmn" not in kinds:
        advice = "deploy it with the .bpmn file, or to complete the files of an earlier version (complete_from)"
        return Problem(file, "dmn.alone", "a decision belongs to the deployment of the processes that use it", advice=advice)
    return Problem(file, "bpmn.no-process", "there is no executable process", advice="deploy a .bpmn file; isExecutable must not be false")


def _container(model: Model, definition_id: str) -> Container:
    compiled: Any = model
    process_id = definition_id.rpartition(":")[0]
    if process_id not in compiled.specs:
        raise NotFound(kind="process", id=process_id)
    container: Container = compiled.specs[process_id].container
    return container


class BpmnInterpreter:
    """Implements the port `Interpreter`. `function_names` are the host functions that scripts and conditions may call."""

    def __init__(
        self, evaluator: Evaluator, decisions: DecisionCompiler, function_names: frozenset[str] = frozenset(), limits: Limits | None = None
    ) -> None:
        self.evaluator = evaluator
        self.decisions = decisions
        self.function_names = function_names
        self.limits = limits or Limits()

    # --- compiling --------------------------------------------------------------------------------------------------
    def compile(
        self,
        files: Mapping[str, bytes],
        called: Callable[[str], Model | None],
        lookup: Callable[[str], Model] | None = None,
        *,
        accepted: bool = False,
    ) -> BpmnModel:
        """BPMN and DMN files by name to a model. Raises DeploymentRejected with every problem.

        What was `accepted` once is not judged again: rules may have become stricter since, and its instances must go on.
        """
        problems: list[Problem] = []
        decisions, refused = self._decisions(files, problems)
        containers = self._read(files, problems, replace(self.limits, file_elements=sys.maxsize) if accepted else self.limits)
        external = self._validate(containers, refused.union(decisions), called, problems, None if accepted else self.evaluator)
        if not containers and not any(p.severity == "error" for p in problems):
            problems.append(_nothing_to_execute(files))
        problems = [advised(p) for p in problems]
        if any(p.severity == "error" for p in problems) and not (accepted and containers):
            raise DeploymentRejected([p for p in problems if p.severity == "error"] + [p for p in problems if p.severity != "error"])
        model = BpmnModel(decisions, problems)
        model.external, model.lookup = external, lookup
        for one in containers:
            model.specs[one.id] = build(one, model, one.id)
            model.processes[one.id] = describe(one, sorted(external))
        return model

    def _decisions(self, files: Mapping[str, bytes], problems: list[Problem]) -> tuple[dict[str, DecisionModel], frozenset[str]]:
        """The decisions by their ids, and the ids of those in refused files, which need not be missed as well."""
        found: dict[str, DecisionModel] = {}
        refused: frozenset[str] = frozenset()
        for file in sorted(files):
            if kind_of(file, files[file]) != "dmn":
                continue
            try:
                model = self.decisions.compile(file, files[file], files)
            except DeploymentRejected as exc:
                problems += exc.problems
                refused |= self.decisions.named(file, files[file])
                continue
            for decision_id in model.decision_ids:
                if decision_id in found:
                    problems.append(
                        Problem(file, "dmn.duplicate-id", f"the decision {decision_id!r} is defined twice", decision_id, *model.place_of(decision_id))
                    )
                found[decision_id] = model
        return found, refused

    def _read(self, files: Mapping[str, bytes], problems: list[Problem], limits: Limits) -> list[Container]:
        containers: dict[str, Container] = {}
        roots, refused = _parsed(files, limits)
        for file in sorted({*roots, *refused}):
            if file in refused:
                problems += refused[file]
                continue
            others = [other for name, other in roots.items() if name != file and other.get("targetNamespace") in imports(roots[file])]
            reader = Reader(file, roots[file], self.limits.nesting, others)
            for one in reader.read():
                if one.id in containers:
                    problems.append(
                        Problem(file, "bpmn.duplicate-id", f"the process {one.id!r} is defined twice", one.id, one.name or None, one.line)
                    )
                containers.setdefault(one.id, one)
            check_file(reader)
            problems += reader.problems
        return list(containers.values())

    def _validate(
        self,
        containers: list[Container],
        decisions: frozenset[str],
        called: Callable[[str], Model | None],
        problems: list[Problem],
        evaluator: Evaluator | None,
    ) -> dict[str, BpmnModel]:
        own = {one.id for one in containers}
        external: dict[str, BpmnModel] = {}
        absent: set[str] = set()

        def offers(process_id: str) -> bool:
            if process_id not in own and process_id not in external and process_id not in absent:
                found: Any = called(process_id)
                if found is not None and process_id in found.specs:
                    external[process_id] = found
                else:
                    absent.add(process_id)
            return process_id not in absent

        validation = Validation(evaluator, offers, decisions, self.limits.expressions)
        for one in containers:
            validation.process(one)
        problems += validation.problems
        return external

    # --- migrating ----------------------------------------------------------------------------------------------------
    def migration(self, old: tuple[Model, str], new: tuple[Model, str]) -> MigrationPlan:
        """Compare two versions, each a model with a definition id. Raises NotFound."""
        entries, added = propose(_container(*old), _container(*new))
        return MigrationPlan(old[1], new[1], entries, added)

    # --- checking on demand -------------------------------------------------------------------------------------------
    def soundness(self, model: Model, budget: int = BUDGET) -> tuple[Soundness, ...]:
        """Explore each process by itself; a call activity is one step of the process that calls."""
        if not 1 <= budget <= LARGEST_BUDGET:
            raise InvalidInput(f"The number of states must be between 1 and {LARGEST_BUDGET}, not {budget}.")
        compiled: Any = model
        return tuple(check(compiled.specs[one].container, budget) for one in sorted(compiled.specs))

    # --- executing --------------------------------------------------------------------------------------------------
    def open(self, model: Model, process_id: str, instance_id: str, snapshot: Json = None) -> BpmnExecution:
        """A fresh execution, or one restored from a snapshot. Raises NotFound for an unknown process."""
        compiled: Any = model  # models of this interpreter are what the caller has
        if process_id not in compiled.specs:
            raise NotFound(kind="process", id=process_id)
        restored: Any = snapshot
        return BpmnExecution(compiled, process_id, instance_id, self.evaluator, self.function_names, self.limits, restored)


def _parsed(files: Mapping[str, bytes], limits: Limits) -> tuple[dict[str, Xml], dict[str, list[Problem]]]:
    roots: dict[str, Xml] = {}
    refused: dict[str, list[Problem]] = {}
    for file in sorted(files):
        if kind_of(file, files[file]) == "bpmn":
            try:
                roots[file] = parse(file, files[file], limits)
            except DeploymentRejected as exc:
                refused[file] = list(exc.problems)
    return roots, refused
