"""Process definitions: deploy a set of files as one version or refuse it whole; drafts of diagrams."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from engine.application.services import Services, form_file
from engine.errors import Conflict, DeploymentRejected, LimitExceeded, NotAllowed, NotFound, Problem
from engine.identity import policy
from engine.model import commands as cmd
from engine.model import schedule
from engine.model.actors import Actor
from engine.model.definition import Deployment, ProcessDefinition, StartTrigger
from engine.model.files import FORM, kind_of
from engine.model.values import canonical, iso, key_text, sha256
from engine.model.views import ModelDraft
from engine.ports import Definitions, Due, Model, UnitOfWork

_NAME = re.compile(r"[\w\-. ()（）]{1,200}\.[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Checked:
    """Files that passed every rule."""

    files: Mapping[str, bytes]
    model: Model
    called: Mapping[str, str]
    warnings: tuple[Problem, ...]


def deploy(uow: UnitOfWork, services: Services, command: cmd.Deploy, actor: Actor, request_id: str | None = None) -> Deployment:
    """All processes of the files get a version, or none does. The same content again gives the versions that it already has.

    Raises DeploymentRejected with every problem, LimitExceeded.
    """
    policy.require(actor, "process.deploy")
    checked = check(uow.definitions, services, command)
    content_hash = content(checked.files)
    infos = checked.model.processes
    present = [uow.definitions.latest(p) for p in sorted(infos)]
    if all(p is not None and p.content_hash == content_hash for p in present):
        return Deployment(present[0].deployment_id if present[0] else "", tuple(p for p in present if p), checked.warnings)
    deployment_id = services.identifiers.new()
    definitions = []
    for process_id, latest in zip(sorted(infos), present, strict=True):
        version = (latest.version if latest else 0) + 1
        definitions.append(
            ProcessDefinition(
                id=f"{process_id}:{version}",
                process_id=process_id,
                version=version,
                name=infos[process_id].name,
                deployment_id=deployment_id,
                content_hash=content_hash,
                file=infos[process_id].file,
                deployed_at=uow.now,
                deployed_by=actor.id,
                comment=command.comment.strip(),
                called=checked.called,
            )
        )
    result = Deployment(deployment_id, tuple(definitions), checked.warnings)
    uow.definitions.add(result, checked.files, infos)
    uow.after_commit.append(lambda: services.library.keep(deployment_id, checked.model))
    for old, new in zip(present, definitions, strict=True):
        _arm_timers(uow, infos[new.process_id].starts, new, old)
    uow.due_now()
    return result


def check(store: Definitions, services: Services, command: cmd.Deploy) -> Checked:
    """Every rule of a deployment, nothing written. Raises DeploymentRejected, LimitExceeded."""
    files = _complete(store, services, command)
    _bounds(services, files)
    problems = [
        Problem(n, "file-name", "This file name or kind is not known.", advice="*.bpmn, *.dmn, *.form.json; a *.xml holds BPMN or DMN")
        for n in files
        if not _NAME.fullmatch(n) or kind_of(n, files[n]) is None
    ]
    found: dict[str, str] = {}

    def called(process_id: str) -> Model | None:
        latest = store.latest(process_id)
        if latest is None:
            return None
        found[process_id] = latest.id
        return services.library.model(store, latest)

    model: Model | None = None
    try:
        model = services.library.judged(files, called)
    except DeploymentRejected as exc:
        problems += exc.problems
    problems += _forms(services, files)
    if problems or model is None:
        raise DeploymentRejected(problems)
    warnings = list(model.warnings)
    for info in model.processes.values():
        warnings += [
            Problem(
                info.file, "form-missing", f"No form {key} in this deployment; its task takes any data.", severity="warning", advice=form_file(key)
            )
            for key in info.form_keys
            if form_file(key) not in files
        ]
    return Checked(files, model, found, tuple(warnings))


def content(files: Mapping[str, bytes]) -> str:
    """Content hash of a deployment: SHA-256 over the canonical list of names and hashes."""
    return sha256(canonical({name: sha256(data) for name, data in files.items()}))


def _complete(store: Definitions, services: Services, command: cmd.Deploy) -> dict[str, bytes]:
    if command.complete_from is None:
        return dict(command.files)
    base = services.library.definition(store, command.complete_from)
    return store.files(base.deployment_id) | dict(command.files)


def _bounds(services: Services, files: Mapping[str, bytes]) -> None:
    limits = services.limits
    if len(files) > limits.deployment_files:
        raise LimitExceeded(what="number of files", value=len(files), limit=limits.deployment_files)
    size = sum(map(len, files.values()))
    if size > limits.deployment_bytes:
        raise LimitExceeded(what="size of the deployment", value=f"{size} bytes", limit=f"{limits.deployment_bytes} bytes")


def _forms(services: Services, files: Mapping[str, bytes]) -> list[Problem]:
    problems: list[Problem] = []
    for name in sorted(n for n in files if n.endswith(FORM)):
        if services.library.forms is None:
            problems.append(Problem(name, "forms-unavailable", "This installation has no form compiler.", advice="Install the package whole."))
            continue
        try:
            services.library.forms.compile(name, files[name])
        except DeploymentRejected as exc:
            problems += exc.problems
    return problems


def _arm_timers(uow: UnitOfWork, starts: tuple[StartTrigger, ...], new: ProcessDefinition, old: ProcessDefinition | None) -> None:
    """Timer start events of the newest version only."""
    if old is not None:
        for job_id in uow.jobs.of_definition(old.id):
            uow.jobs.remove(job_id)
        uow.jobs.resume_starts(old.id)  # messages that waited while the version before was suspended start this one
    for start in starts:
        if start.kind == "timer" and start.schedule:
            uow.jobs.add(start_job(new.id, start.element, schedule.upcoming(start.schedule, uow.now)))


def start_job(definition_id: str, element: str, plan: schedule.Plan) -> Due:
    """The job that starts an instance at a timer start event; `left` repetitions follow (None: without end)."""
    parameters = {"definition": definition_id, "schedule": plan.text, "left": plan.left, "planned": iso(plan.due)}
    return Due(f"start-{definition_id}-{element}", "start", None, None, element, None, parameters, plan.due)


def save_draft(uow: UnitOfWork, services: Services, command: cmd.SaveModelDraft, actor: Actor, request_id: str | None = None) -> ModelDraft:
    """Keep a diagram that is not finished; it need not be valid. Raises Conflict, NotFound, NotAllowed, LimitExceeded."""
    policy.require(actor, "model.draft")
    if len(command.xml) > 5_000_000:
        raise LimitExceeded(what="size of the diagram", value=len(command.xml), limit=5_000_000)
    key_text(command.process_id or "", "the id of the process", 200)
    key_text(command.based_on or "", "the id of the version")
    if command.draft_id is None:
        draft = ModelDraft(services.identifiers.new(), command.process_id, command.based_on, actor.id, 1, uow.now, command.xml)
    else:
        held = _own_draft(uow, command.draft_id, actor)
        if held.revision != command.revision:
            raise Conflict("The draft was saved from another window meanwhile; open it again to see both.")
        draft = ModelDraft(
            held.id, command.process_id or held.process_id, command.based_on or held.based_on, held.owner, held.revision + 1, uow.now, command.xml
        )
    uow.drafts.save_model(draft)
    return draft


def discard_draft(uow: UnitOfWork, services: Services, command: cmd.DiscardModelDraft, actor: Actor, request_id: str | None = None) -> None:
    """Raises NotFound, NotAllowed."""
    policy.require(actor, "model.draft")
    uow.drafts.drop_model(_own_draft(uow, command.draft_id, actor).id)


def _own_draft(uow: UnitOfWork, draft_id: str, actor: Actor) -> ModelDraft:
    held = uow.drafts.model(draft_id)
    if held is None:
        raise NotFound(kind="draft", id=draft_id)
    if held.owner != actor.id:
        raise NotAllowed(actor=actor.name or actor.id, action="model.draft")
    return held
