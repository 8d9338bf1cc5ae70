"""SQL of the read side, no policy: `engine.application.queries` asks who may see what."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from engine.model.definition import ProcessDefinition
from engine.model.records import Record
from engine.model.values import iso
from engine.model.views import (
    ActivityRow,
    AttachmentRow,
    CommentRow,
    ModelDraft,
    Page,
    TokenRow,
    UserRow,
)
from engine.ports import Head
from engine.store import rows
from engine.store.definition_queries import DefinitionQueries
from engine.store.deployments import SqlDefinitions
from engine.store.history import SqlBlobs, SqlInstances, SqlRecords, stored_bytes
from engine.store.incident_queries import IncidentQueries
from engine.store.instance_queries import InstanceQueries
from engine.store.operations import SqlOperations
from engine.store.paging import decode_cursor, encode_cursor
from engine.store.people import SqlDrafts
from engine.store.tables import (
    account,
    api_token,
    blob,
    deployment,
    instance,
    job,
    model_draft,
    note,
    process_definition,
    record,
)
from engine.store.task_queries import TaskQueries
from engine.store.task_tables import FAR, user_task


class SqlStored:
    """The truth and the caches beside it, to read."""

    def __init__(self, connection: Connection) -> None:
        self.definitions = SqlDefinitions(connection)
        self.instances = SqlInstances(connection)
        self.records = SqlRecords(connection)


class SqlQueries(TaskQueries, InstanceQueries, IncidentQueries, DefinitionQueries):
    """Every list and page of the product, on one read transaction. Worklist, instance and incident lists and definitions are modules of their own."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.stored = SqlStored(connection)
        self.definitions = self.stored.definitions
        self._records = self.stored.records
        self.operations = SqlOperations(connection)
        self._blobs = SqlBlobs(connection, FAR)
        self._drafts = SqlDrafts(connection)

    # --- user tasks ---------------------------------------------------------------------------------------------
    def form_draft(self, instance_id: str, key: int, user_id: str) -> Any:
        """The user's unfinished form."""
        return self._drafts.form(instance_id, key, user_id)

    # --- instances --------------------------------------------------------------------------------------------------
    def all_instance_ids(self) -> list[str]:
        """Every instance that has a record, also one that the instance list lost."""
        return list(self.connection.scalars(sa.select(record.c.instance_id).distinct().order_by(record.c.instance_id)))

    def listed_instance_ids(self) -> list[str]:
        """Every instance of the instance list."""
        return list(self.connection.scalars(sa.select(instance.c.id).order_by(instance.c.id)))

    def records(self, instance_id: str) -> list[Record]:
        """The whole chain."""
        return self._records.of(instance_id)

    def record_page(self, instance_id: str, after: int, size: int) -> list[Record]:
        """The first records after that one."""
        return self._records.page(instance_id, after, size)

    def head(self, instance_id: str) -> Head | None:
        """Where the instance stands."""
        return self.stored.instances.head(instance_id)

    def comments(self, instance_id: str) -> list[CommentRow]:
        """Oldest first."""
        return [
            CommentRow(r.instance_id, r.seq, r.at, r.author, r.author_name or r.author, r.text, _task_id(r))
            for r in self._notes(instance_id, "comment")
        ]

    def attachments(self, instance_id: str) -> list[AttachmentRow]:
        """Oldest first."""
        return [
            AttachmentRow(r.instance_id, r.seq, r.at, r.author, r.author_name or r.author, r.text, r.sha256, r.size, r.media_type, _task_id(r))
            for r in self._notes(instance_id, "attachment")
        ]

    def _notes(self, instance_id: str, kind: str) -> Sequence[Any]:
        query = sa.select(*note.c, account.c.name.label("author_name")).select_from(note.outerjoin(account, account.c.id == note.c.author))
        return self.connection.execute(query.where(note.c.instance_id == instance_id, note.c.kind == kind).order_by(note.c.seq)).all()

    def blob(self, digest: str) -> bytes | None:
        """Bytes by SHA-256."""
        return self._blobs.get(digest)

    def activity(self, actor_id: str, cursor: str | None, size: int) -> Page[ActivityRow]:
        """What somebody did, newest first."""
        query = (
            sa.select(
                *(c for c in record.c if c.name != "body"),
                record.c.body,
                instance.c.business_key,
                process_definition.c.name.label("process_name"),
                account.c.name.label("actor_name"),
            )
            .select_from(
                record.outerjoin(instance, instance.c.id == record.c.instance_id)
                .outerjoin(process_definition, process_definition.c.id == instance.c.definition_id)
                .outerjoin(account, account.c.id == record.c.actor)
            )
            .where(record.c.actor == actor_id)
        )
        after = decode_cursor(cursor, datetime, str, int)
        order = (record.c.at, record.c.instance_id, record.c.seq)
        if after is not None:
            bound = sa.tuple_(*(sa.literal(v, c.type) for v, c in zip(after, order, strict=True)))
            query = query.where(sa.tuple_(*order) < bound)
        found = self.connection.execute(query.order_by(*(c.desc() for c in order)).limit(size + 1)).all()
        page = [self._activity(r) for r in found[:size]]
        last = page[-1] if page else None
        return Page(page, encode_cursor(iso(last.at), last.instance_id, last.seq) if last and len(found) > size else None)

    def _activity(self, row: Any) -> ActivityRow:
        body = json.loads(stored_bytes(row.body))
        element, name = body["input"].get("element"), None
        key = body["input"].get("key")
        if key:
            where = (user_task.c.instance_id == row.instance_id, user_task.c.key == key)
            found = self.connection.execute(sa.select(user_task.c.element_id, user_task.c.name).where(*where)).first()
            element, name = (found.element_id, found.name) if found else (element, None)
        return ActivityRow(
            row.instance_id,
            row.seq,
            row.at,
            row.actor,
            row.actor_name or row.actor,
            body["on_behalf_of"],
            row.kind,
            row.process_name or "",
            row.business_key,
            element,
            name,
            row.hash,
        )

    # --- definitions ---------------------------------------------------------------------------------------------------
    def is_deployed(self, content_hash: str) -> bool:
        """Was exactly this content ever deployed?"""
        return self.connection.execute(sa.select(deployment.c.id).where(deployment.c.content_hash == content_hash)).first() is not None

    def deployment_hashes(self) -> list[tuple[str, str]]:
        """(deployment id, content hash as its definitions and records name it)."""
        query = (
            sa.select(process_definition.c.deployment_id, process_definition.c.content_hash).distinct().order_by(process_definition.c.deployment_id)
        )
        return [(one, digest) for one, digest in self.connection.execute(query)]

    def blob_hashes(self) -> list[str]:
        """SHA-256 of every stored blob."""
        return list(self.connection.scalars(sa.select(blob.c.sha256).order_by(blob.c.sha256)))

    def definition_of_record(self, process_id: str, content_hash: str) -> ProcessDefinition | None:
        """The definition that a record names."""
        return self.definitions.by_content(process_id, content_hash)

    def by_request(self, request_id: str) -> bool:
        """Is there a record of this request id?"""
        return self.connection.execute(sa.select(record.c.seq).where(record.c.request_id == request_id)).first() is not None

    # --- people, drafts -----------------------------------------------------------------------------------------------
    def model_drafts(self, owner: str) -> list[ModelDraft]:
        """Newest first, without their XML."""
        query = (
            sa.select(*(c for c in model_draft.c if c.name != "xml")).where(model_draft.c.owner == owner).order_by(model_draft.c.updated_at.desc())
        )
        return [ModelDraft(r.id, r.process_id, r.based_on, r.owner, r.revision, r.updated_at, "") for r in self.connection.execute(query)]

    def model_draft(self, draft_id: str) -> ModelDraft | None:
        """One draft with its XML."""
        return self._drafts.model(draft_id)

    def users(self) -> list[UserRow]:
        """All accounts by id."""
        return [rows.user(r) for r in self.connection.execute(sa.select(*rows.USER_COLUMNS).order_by(account.c.id))]

    def tokens(self, user_id: str) -> list[TokenRow]:
        """A user's API tokens, newest first."""
        query = sa.select(api_token).where(api_token.c.user_id == user_id).order_by(api_token.c.created_at.desc())
        return [TokenRow(r.id, r.user_id, r.label, r.created_at, r.expires_at, r.last_used) for r in self.connection.execute(query)]

    def jobs(self) -> dict[str, int]:
        """Number of jobs by state."""
        found = self.connection.execute(sa.select(job.c.state, sa.func.count()).group_by(job.c.state))
        return {row[0]: row[1] for row in found}


def _task_id(row: Any) -> str | None:
    return f"{row.instance_id}-{row.key}" if row.key else None
