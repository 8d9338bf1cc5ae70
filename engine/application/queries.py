"""The read side: what an actor may see. A method that takes an actor asks the policy, then the port `Queries`.

The others (`form`, `process_info`, `people`, `is_deployed`, `answered`, `ping`) ask nothing: they are for callers that have called one that does.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from engine.application.advance import caught_up
from engine.application.definitions import content
from engine.application.long_histories import LongHistoryReading
from engine.application.migration import MigrationReading
from engine.application.operations import OperationsReading
from engine.application.read_model import Queries
from engine.application.services import Services
from engine.errors import IntegrityViolation, NotFound
from engine.history import chain, replay
from engine.identity import policy
from engine.model.actors import SYSTEM, Actor
from engine.model.definition import ProcessDefinition, ProcessInfo
from engine.model.inputs import AddAttachment, CompleteJob, MigrateInstance
from engine.model.records import Frame, Record
from engine.model.values import Json, sha256
from engine.model.views import (
    ActivityRow,
    AttachmentRow,
    CommentRow,
    DefinitionRow,
    ElementStatistic,
    Explanation,
    InstanceFilter,
    InstanceRow,
    ModelDraft,
    Page,
    TaskFilter,
    TaskRow,
    TokenRow,
    UserRow,
    WorklistCounts,
)
from engine.ports import Execution, Form


class Reading(OperationsReading, MigrationReading, LongHistoryReading):
    """One consistent read transaction for one request. Raises NotAllowed, NotFound."""

    def __init__(self, queries: Queries, services: Services, now: datetime) -> None:
        self.queries = queries
        self.now = now
        self._services = services
        self._held: tuple[str, list[Record]] = ("", [])

    def _records(self, instance_id: str) -> list[Record]:
        """The chain, decoded once a page: within one read transaction it cannot change."""
        if self._held[0] != instance_id:
            self._held = instance_id, self.queries.records(instance_id)
        return self._held[1]

    # --- user tasks -------------------------------------------------------------------------------------------------
    def worklist(self, actor: Actor, wanted: TaskFilter) -> Page[TaskRow]:
        """View `every` needs the right to read all tasks."""
        if wanted.view == "every":
            policy.require(actor, "task.read_all")
        return self.queries.worklist(actor, wanted, self.now)

    def worklist_counts(self, actor: Actor, day_end: datetime) -> WorklistCounts:
        """`day_end`: end of the actor's day, UTC."""
        return self.queries.counts(actor, self.now, day_end)

    def task(self, actor: Actor, task_id: str) -> TaskRow:
        """A task that the actor may work on, or whose instance the actor may see."""
        found = self.queries.task(task_id)
        if found is None:
            raise NotFound(kind="user task", id=task_id)
        if not (policy.may_work_on(actor, found) or policy.allows(actor, "task.read_all")):
            self.instance(actor, found.instance_id)
        return found

    def may_work_on(self, actor: Actor, task: TaskRow) -> bool:
        """For buttons: what `Complete` would check, four eyes included."""
        if task.excludes and actor.id in self.queries.stored.instances.completers(task.instance_id, task.excludes):
            return False
        return task.state == "open" and policy.may_work_on(actor, task)

    def task_form(self, actor: Actor, task_id: str) -> tuple[Form | None, dict[str, Json]]:
        """The task's form and the present values of the variables that it declares; of the instance's scope when the task has ended."""
        task = self.task(actor, task_id)
        form = self._services.library.form(self.queries.definitions, self._definition(task.definition_id), task.form_key)
        if form is None:
            return None, {}
        visible = self._variables(task.instance_id, task.key if task.state == "open" else 0)
        return form, {name: visible[name] for name in form.fields() if name in visible}

    def start_form(self, actor: Actor, definition_id: str) -> Form | None:
        """The form of the none start event."""
        policy.require(actor, "process.start")
        definition = self._definition(definition_id)
        starts = self.process_info(definition_id).starts
        key = next((s.form_key for s in starts if s.kind == "none" and s.form_key), None)
        return self._services.library.form(self.queries.definitions, definition, key)

    def form(self, definition_id: str, form_key: str | None) -> Form | None:
        """A form of a version, to show recorded values with its labels."""
        return self._services.library.form(self.queries.definitions, self._definition(definition_id), form_key)

    def draft(self, actor: Actor, task_id: str) -> Mapping[str, Json] | None:
        """What the actor typed and kept."""
        task = self.task(actor, task_id)
        found = self.queries.form_draft(task.instance_id, task.key, actor.id)
        return dict(found) if found is not None else None

    # --- instances -----------------------------------------------------------------------------------------------------
    def instances(self, actor: Actor, wanted: InstanceFilter) -> Page[InstanceRow]:
        """All for those who may, else the actor's own."""
        return self.queries.instances(wanted, None if policy.allows(actor, "instance.read_all") else actor)

    def instance(self, actor: Actor, instance_id: str) -> InstanceRow:
        """An instance that the actor may see."""
        found = self.queries.instance(instance_id)
        if found is None:
            raise NotFound(kind="process instance", id=instance_id)
        policy.require_sight(actor, found.started_by, lambda: self.queries.stored.instances.took_part(instance_id, actor))
        return found

    def records(self, actor: Actor, instance_id: str) -> list[Record]:
        """The whole chain."""
        self.instance(actor, instance_id)
        return self._records(instance_id)

    def explanations(self, actor: Actor, instance_id: str) -> list[Explanation]:
        """Each record in plain parts."""
        return list(replay.explain(self.records(actor, instance_id)))

    def frame(self, actor: Actor, instance_id: str, seq: int) -> Frame:
        """State after record `seq`."""
        return replay.frame_at(self.records(actor, instance_id), seq)

    def trace(self, actor: Actor, instance_id: str) -> list[str]:
        """Element ids in order of completion."""
        return replay.trace(self.records(actor, instance_id))

    def verify(self, actor: Actor, instance_id: str) -> int:
        """Check the chain against itself and the instance list. Returns the number of records; raises IntegrityViolation."""
        policy.require(actor, "history.verify")
        head = self.queries.head(instance_id)
        records = self._records(instance_id)
        if head is None:
            if not records:
                raise NotFound(kind="process instance", id=instance_id)
            raise IntegrityViolation(instance=instance_id, seq=len(records), cause="the instance list does not hold it")
        return chain.check(instance_id, records, (head.seq, head.hash))

    def verify_stored(self, actor: Actor) -> tuple[int, int]:
        """Check what records refer to by hash: deployed files and stored blobs. Returns how many deployments and blobs.

        Raises IntegrityViolation naming the first one whose bytes are not those of its hash.
        """
        policy.require(actor, "history.verify")
        deployments = self.queries.deployment_hashes()
        for deployment_id, recorded in deployments:
            if content(self.queries.definitions.files(deployment_id)) != recorded:
                raise IntegrityViolation(f"The files of deployment {deployment_id} are not those that were deployed.", deployment=deployment_id)
        blobs = self.queries.blob_hashes()
        for digest in blobs:
            if sha256(self.queries.blob(digest) or b"") != digest:
                raise IntegrityViolation(f"The stored file {digest} is damaged.", blob=digest)
        return len(deployments), len(blobs)

    def reexecute(self, actor: Actor, instance_id: str) -> int:
        """Run the inputs again and compare outcomes. Returns how many; raises ReplayDiverged."""
        policy.require(actor, "history.verify")
        with self._services.library.at(self.queries.definitions):
            return replay.reexecute(self._fresh(instance_id), self._verified_versions(instance_id))

    def instance_ids(self, actor: Actor) -> list[str]:
        """Every instance that the history or the instance list knows."""
        policy.require(actor, "history.verify")
        return sorted({*self.queries.all_instance_ids(), *self.queries.listed_instance_ids()})

    def comments(self, actor: Actor, instance_id: str) -> list[CommentRow]:
        """Oldest first."""
        self.instance(actor, instance_id)
        return self.queries.comments(instance_id)

    def attachments(self, actor: Actor, instance_id: str) -> list[AttachmentRow]:
        """Oldest first."""
        self.instance(actor, instance_id)
        return self.queries.attachments(instance_id)

    def blob(self, actor: Actor, instance_id: str, digest: str) -> bytes:
        """Bytes that belong to this instance: attached to it (uploads of forms too), or made by one of its service tasks.

        Whatever else a record says about a hash, a comment for instance, gives no right to the bytes.
        """
        named = any(_brings(record, digest) for record in self.records(actor, instance_id))
        data = self.queries.blob(digest) if named else None
        if data is None:
            raise NotFound(kind="file", id=digest)
        return data

    def activity(self, actor: Actor, cursor: str | None = None, size: int = 50) -> Page[ActivityRow]:
        """What the actor did, newest first."""
        return self.queries.activity(actor.id, cursor, size)

    # --- definitions ----------------------------------------------------------------------------------------------------
    def definitions(self, actor: Actor) -> list[DefinitionRow]:
        """The newest version of each process."""
        policy.require(actor, "process.read")
        return self.queries.definition_rows(None)

    def process_names(self, actor: Actor) -> dict[str, str]:
        """Of the newest version of each process, by process id; in the order of names."""
        policy.require(actor, "process.read")
        return self.queries.process_names()

    def versions(self, actor: Actor, process_id: str) -> list[DefinitionRow]:
        """All versions of a process, newest first."""
        policy.require(actor, "process.read")
        found = self.queries.definition_rows(process_id)
        if not found:
            raise NotFound(kind="process", id=process_id)
        return found

    def definition(self, actor: Actor, definition_id: str) -> DefinitionRow:
        """One version."""
        policy.require(actor, "process.read")
        wanted = self._definition(definition_id)
        return next(row for row in self.queries.definition_rows(wanted.process_id) if row.id == definition_id)

    def files(self, actor: Actor, definition_id: str) -> dict[str, bytes]:
        """The deployed files of a version by name."""
        policy.require(actor, "process.read")
        return self.queries.definitions.files(self._definition(definition_id).deployment_id)

    def diagram(self, actor: Actor, definition_id: str) -> tuple[str, bytes]:
        """(file name, BPMN XML) that holds this process."""
        definition = self._definition(definition_id)
        return definition.file, self.files(actor, definition_id)[definition.file]

    def process_info(self, definition_id: str) -> ProcessInfo:
        """Elements, starts and lanes of a version."""
        definition = self._definition(definition_id)
        return self._services.library.model(self.queries.definitions, definition).processes[definition.process_id]

    def statistics(self, actor: Actor, definition_id: str) -> list[ElementStatistic]:
        """Work by element."""
        policy.require(actor, "instance.read_all")
        return self.queries.statistics(definition_id)

    def is_deployed(self, content_hash: str) -> bool:
        """Was exactly this content ever deployed?"""
        return self.queries.is_deployed(content_hash)

    def answered(self, request_id: str) -> bool:
        """Did a command with this request id make a record?"""
        return self.queries.by_request(request_id)

    # --- people, drafts, health ---------------------------------------------------------------------------------------------
    def model_drafts(self, actor: Actor) -> list[ModelDraft]:
        """The actor's, newest first."""
        policy.require(actor, "model.draft")
        return self.queries.model_drafts(actor.id)

    def model_draft(self, actor: Actor, draft_id: str) -> ModelDraft:
        """The actor's own."""
        policy.require(actor, "model.draft")
        found = self.queries.model_draft(draft_id)
        if found is None or found.owner != actor.id:
            raise NotFound(kind="draft", id=draft_id)
        return found

    def users(self, actor: Actor) -> list[UserRow]:
        """All accounts."""
        policy.require(actor, "account.read")
        return self.queries.users()

    def people(self) -> dict[str, str]:
        """Names by user id, of active accounts."""
        return {u.id: u.name for u in self.queries.users() if u.active}

    def receivers(self, actor: Actor, task_id: str) -> dict[str, str]:
        """To whom the task could be handed over."""
        task = self.task(actor, task_id)
        out = {}
        for user in self.queries.users():
            if user.active and user.id != actor.id and "staff" in user.roles and policy.is_candidate(policy.actor_of(user), task):
                out[user.id] = user.name
        return out

    def tokens(self, actor: Actor) -> list[TokenRow]:
        """The actor's API tokens."""
        return self.queries.tokens(actor.id)

    def jobs(self, actor: Actor) -> dict[str, int]:
        """Number of jobs by state."""
        policy.require(actor, "incident.read")
        return self.queries.jobs()

    def ping(self) -> None:
        """Raises when the database does not answer."""
        self.queries.is_deployed("")

    # --- parts --------------------------------------------------------------------------------------------------------------
    def _definition(self, definition_id: str) -> ProcessDefinition:
        return self._services.library.definition(self.queries.definitions, definition_id)

    def _fresh(self, instance_id: str) -> Execution:
        head = self.queries.head(instance_id)
        if head is None:
            raise NotFound(kind="process instance", id=instance_id)
        definition = self._definition(replay.began_under(self._records(instance_id), head.definition_id))
        model = self._services.library.model(self.queries.definitions, definition)
        return self._services.library.interpreter.open(model, definition.process_id, instance_id)

    def _verified_versions(self, instance_id: str) -> list[Record]:
        """The records; those of migrations name versions by id, which must have the content that they name, too."""
        for record in self._records(instance_id):
            if isinstance(record.input, MigrateInstance) and self._definition(record.input.definition).content_hash != record.input.content:
                raise IntegrityViolation(instance=instance_id, seq=record.seq, cause=f"{record.input.definition} has another content than it had")
        return self._records(instance_id)

    def _variables(self, instance_id: str, key: int) -> dict[str, Json]:
        """Visible at a task, from the live execution."""
        head = self.queries.head(instance_id)
        if head is None:
            raise NotFound(kind="process instance", id=instance_id)
        with caught_up(self.queries.stored, self._services, head) as execution:
            return dict(execution.variables(key if head.open else 0))


def _brings(record: Record, digest: str) -> bool:
    match record.input:
        case AddAttachment():
            return record.input.sha256 == digest
        case CompleteJob():
            return len(digest) == 64 and record.actor == SYSTEM.id and digest.encode() in record.body
        case _:
            return False
