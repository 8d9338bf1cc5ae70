"""SQL of the read side, no policy: `engine.application.queries` asks who may see what."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from engine.errors import InvalidInput
from engine.model.actors import Actor
from engine.model.definition import ProcessDefinition
from engine.model.records import Record
from engine.model.values import canonical, iso, moment, parse
from engine.model.views import (
    ActivityRow,
    AttachmentRow,
    CommentRow,
    DefinitionRow,
    ElementStatistic,
    IncidentRow,
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
from engine.ports import Head
from engine.store import rows
from engine.store.deployments import SqlDefinitions
from engine.store.history import SqlBlobs, SqlInstances, SqlRecords, stored_bytes
from engine.store.operations import SqlOperations
from engine.store.people import SqlDrafts
from engine.store.tables import (
    account,
    api_token,
    blob,
    deployment,
    incident,
    instance,
    job,
    model_draft,
    note,
    process_definition,
    record,
    task_candidate,
    user_task,
)

FAR = datetime(9999, 1, 1, tzinfo=moment("2000-01-01T00:00:00Z").tzinfo)


def encode_cursor(*parts: Any) -> str:
    """An opaque text for `?cursor=`."""
    return base64.urlsafe_b64encode(canonical(list(parts))).decode().rstrip("=")


def decode_cursor(cursor: str | None, *kinds: type) -> list[Any] | None:
    """The parts of a cursor, of these kinds (datetime: an ISO text). Raises InvalidInput for a text that is no cursor of this list."""
    if not cursor:
        return None
    try:
        parts = parse(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [_cursor_part(part, kind) for part, kind in zip(parts, kinds, strict=True)]
    except (ValueError, TypeError, OverflowError, InvalidInput) as exc:
        raise InvalidInput("This page address is not valid; start from the first page.") from exc


def _cursor_part(part: Any, kind: type) -> Any:
    if kind is datetime and isinstance(part, str):
        return moment(part)
    if type(part) is not kind or (isinstance(part, int) and abs(part) >= 1 << 31) or (isinstance(part, str) and "\x00" in part):
        raise ValueError
    return part


_CURSOR_KINDS: dict[str, type] = {"due": datetime, "created": datetime, "priority": int, "name": str}


class SqlStored:
    """The truth and the caches beside it, to read."""

    def __init__(self, connection: Connection) -> None:
        self.definitions = SqlDefinitions(connection)
        self.instances = SqlInstances(connection)
        self.records = SqlRecords(connection)


class SqlQueries:
    """Every list and page of the product, on one read transaction."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.stored = SqlStored(connection)
        self.definitions = self.stored.definitions
        self._records = self.stored.records
        self.operations = SqlOperations(connection)
        self._blobs = SqlBlobs(connection, FAR)
        self._drafts = SqlDrafts(connection)

    # --- user tasks ---------------------------------------------------------------------------------------------
    def task(self, task_id: str) -> TaskRow | None:
        """One user task in whatever state."""
        parts = rows.split_task_id(task_id)
        if parts is None:
            return None
        where = (user_task.c.instance_id == parts[0], user_task.c.key == parts[1])
        row = self.connection.execute(sa.select(*rows.TASK_COLUMNS).select_from(rows.TASK_FROM).where(*where)).first()
        return rows.task(row) if row else None

    def worklist(self, actor: Actor, wanted: TaskFilter, now: datetime) -> Page[TaskRow]:
        """Tasks by key; `due` sorts tasks without a due time last."""
        query = sa.select(*rows.TASK_COLUMNS).select_from(rows.TASK_FROM).where(user_task.c.state == wanted.state)
        query = query.where(*_visible(actor, wanted.view, now))
        filters: tuple[tuple[str, str | None], ...] = (
            ("process_id", wanted.process_id),
            ("element_id", wanted.element_id),
            ("instance_id", wanted.instance_id),
        )
        for column, value in filters:
            if value:
                query = query.where(user_task.c[column] == value)
        if wanted.text:
            query = query.where(sa.or_(rows.contains(user_task.c.name, wanted.text), rows.contains(user_task.c.business_key, wanted.text)))
        field, descending = wanted.sort.lstrip("-"), wanted.sort.startswith("-")
        keys: dict[str, sa.ColumnElement[Any]] = {
            "due": sa.func.coalesce(user_task.c.due, FAR, type_=user_task.c.due.type),
            "created": user_task.c.created_at,
            "priority": user_task.c.priority,
            "name": user_task.c.name,
        }
        if field not in keys:
            raise InvalidInput(f"Sort by one of {', '.join(keys)}.")
        order = (keys[field], user_task.c.instance_id, user_task.c.key)
        after = decode_cursor(wanted.cursor, _CURSOR_KINDS[field], str, int)
        if after is not None:
            here, there = sa.tuple_(*order), sa.tuple_(*(sa.literal(v, c.type) for v, c in zip(after, order, strict=True)))
            query = query.where(here < there if descending else here > there)
        size = min(max(wanted.size, 1), 200)
        found = self.connection.execute(query.order_by(*(c.desc() if descending else c.asc() for c in order)).limit(size + 1)).all()
        tasks = [rows.task(r) for r in found[:size]]
        if len(found) <= size:
            return Page(tasks)
        last = tasks[-1]
        keyed: dict[str, Any] = {"due": iso(last.due or FAR), "created": iso(last.created_at), "priority": last.priority, "name": last.name}
        return Page(tasks, encode_cursor(keyed[field], last.instance_id, last.key))

    def counts(self, actor: Actor, now: datetime, day_end: datetime) -> WorklistCounts:
        """Numbers above the worklist."""

        def count(*where: sa.ColumnElement[bool]) -> int:
            return self.connection.scalar(sa.select(sa.func.count()).select_from(user_task).where(user_task.c.state == "open", *where)) or 0

        offered = _visible(actor, "all", now)
        return WorklistCounts(
            mine=count(user_task.c.assignee == actor.id),
            groups=count(*_visible(actor, "groups", now)),
            due_today=count(*offered, user_task.c.due >= now, user_task.c.due < day_end),
            overdue=count(*offered, user_task.c.due < now),
        )

    def form_draft(self, instance_id: str, key: int, user_id: str) -> Any:
        """The user's unfinished form."""
        return self._drafts.form(instance_id, key, user_id)

    # --- instances --------------------------------------------------------------------------------------------------
    def instance(self, instance_id: str) -> InstanceRow | None:
        """One instance."""
        query = sa.select(*rows.INSTANCE_COLUMNS).select_from(rows.INSTANCE_FROM).where(instance.c.id == instance_id)
        row = self.connection.execute(query).first()
        return rows.instance_row(row) if row else None

    def instances(self, wanted: InstanceFilter, participant: Actor | None) -> Page[InstanceRow]:
        """Newest first; with `participant` only those that the actor started, worked in or may work in."""
        query = sa.select(*rows.INSTANCE_COLUMNS).select_from(rows.INSTANCE_FROM)
        if participant is not None:
            mine = sa.select(record.c.instance_id).where(record.c.actor == participant.id)
            offered = sa.select(user_task.c.instance_id).where(user_task.c.state == "open", *_visible(participant, "all", FAR))
            query = query.where(sa.or_(instance.c.id.in_(mine), instance.c.id.in_(offered)))
        chosen: tuple[tuple[str, str | None], ...] = (
            ("process_id", wanted.process_id),
            ("definition_id", wanted.definition_id),
            ("state", wanted.state),
        )
        for column, value in chosen:
            if value:
                query = query.where(instance.c[column] == value)
        if wanted.text:
            query = query.where(sa.or_(instance.c.id == wanted.text, rows.contains(instance.c.business_key, wanted.text)))
        after = decode_cursor(wanted.cursor, datetime, str)
        if after is not None:
            bound = sa.tuple_(sa.literal(after[0], instance.c.started_at.type), sa.literal(after[1], instance.c.id.type))
            query = query.where(sa.tuple_(instance.c.started_at, instance.c.id) < bound)
        size = min(max(wanted.size, 1), 200)
        found = self.connection.execute(query.order_by(instance.c.started_at.desc(), instance.c.id.desc()).limit(size + 1)).all()
        page = [rows.instance_row(r) for r in found[:size]]
        return Page(page, encode_cursor(iso(page[-1].started_at), page[-1].id) if len(found) > size else None)

    def all_instance_ids(self) -> list[str]:
        """Every instance that has a record, also one that the instance list lost."""
        return list(self.connection.scalars(sa.select(record.c.instance_id).distinct().order_by(record.c.instance_id)))

    def listed_instance_ids(self) -> list[str]:
        """Every instance of the instance list."""
        return list(self.connection.scalars(sa.select(instance.c.id).order_by(instance.c.id)))

    def took_part(self, instance_id: str, actor: Actor) -> bool:
        """Did the actor write a record of it, or is open work of it offered to them?"""
        wrote = sa.exists().where(record.c.instance_id == instance_id, record.c.actor == actor.id)
        offered = sa.exists().where(user_task.c.instance_id == instance_id, user_task.c.state == "open", *_visible(actor, "all", FAR))
        assigned = sa.exists().where(user_task.c.instance_id == instance_id, user_task.c.assignee == actor.id)
        return bool(self.connection.scalar(sa.select(sa.or_(wrote, offered, assigned))))

    def records(self, instance_id: str) -> list[Record]:
        """The whole chain."""
        return self._records.of(instance_id)

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

    def incidents(self, instance_id: str | None, *, open_only: bool = False) -> list[IncidentRow]:
        """Newest first, at most 500."""
        query = sa.select(*incident.c, job.c.stack, job.c.attempts).select_from(
            incident.outerjoin(job, sa.and_(job.c.instance_id == incident.c.instance_id, job.c.key == incident.c.key))
        )
        if instance_id is not None:
            query = query.where(incident.c.instance_id == instance_id)
        if open_only:
            query = query.where(incident.c.resolved_at.is_(None))
        found = self.connection.execute(query.order_by(incident.c.created_at.desc(), incident.c.instance_id).limit(500))
        return [
            IncidentRow(
                f"{r.instance_id}-{r.key}", r.instance_id, r.element_id, r.cause, r.created_at, r.resolved_at, r.stack, r.kind, r.attempts or 0
            )
            for r in found
        ]

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
    def definition_rows(self, process_id: str | None) -> list[DefinitionRow]:
        """All versions of one process (newest first), or the newest version of each process."""
        query = sa.select(*rows.DEFINITION_COLUMNS).select_from(rows.DEFINITION_FROM)
        newest = sa.select(process_definition.c.process_id, sa.func.max(process_definition.c.version).label("version"))
        tops = {r.process_id: r.version for r in self.connection.execute(newest.group_by(process_definition.c.process_id))}
        if process_id is not None:
            query = query.where(process_definition.c.process_id == process_id)
        found = self.connection.execute(
            query.order_by(process_definition.c.name, process_definition.c.process_id, process_definition.c.version.desc())
        ).all()
        if process_id is None:
            found = [r for r in found if r.version == tops[r.process_id]]
        states = self._states([r.id for r in found])
        return [self._definition_row(r, states.get(r.id, {}), latest=r.version == tops[r.process_id]) for r in found]

    def _states(self, ids: Sequence[str]) -> dict[str, dict[str, int]]:
        out: dict[str, dict[str, int]] = {}
        query = sa.select(instance.c.definition_id, instance.c.state, sa.func.count()).where(instance.c.definition_id.in_(ids))
        for definition_id, state, count in self.connection.execute(query.group_by(instance.c.definition_id, instance.c.state)):
            out.setdefault(definition_id, {})[state] = count
        stuck = sa.select(incident.c.definition_id, sa.func.count()).where(incident.c.definition_id.in_(ids), incident.c.resolved_at.is_(None))
        for definition_id, count in self.connection.execute(stuck.group_by(incident.c.definition_id)):
            out.setdefault(definition_id, {})["incidents"] = count
        return out

    @staticmethod
    def _definition_row(row: Any, states: dict[str, int], *, latest: bool) -> DefinitionRow:
        return DefinitionRow(
            id=row.id,
            process_id=row.process_id,
            version=row.version,
            name=row.name,
            deployed_at=row.deployed_at,
            deployed_by=row.deployed_by,
            comment=row.comment,
            content_hash=row.content_hash,
            active=states.get("active", 0),
            completed=states.get("completed", 0),
            failed=states.get("failed", 0),
            cancelled=states.get("cancelled", 0),
            incidents=states.get("incidents", 0),
            latest=latest,
            suspended_instances=states.get("suspended", 0),
            suspended=row.suspended,
        )

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

    def statistics(self, definition_id: str) -> list[ElementStatistic]:
        """User tasks by element."""
        seconds: sa.ColumnElement[Any]
        if self.connection.dialect.name == "sqlite":
            seconds = (sa.func.julianday(user_task.c.ended_at) - sa.func.julianday(user_task.c.created_at)) * 86400.0
        else:
            seconds = sa.func.extract("epoch", user_task.c.ended_at - user_task.c.created_at)
        done = user_task.c.state == "completed"
        query = sa.select(
            user_task.c.element_id,
            sa.func.sum(sa.case((user_task.c.state == "open", 1), else_=0)).label("open"),
            sa.func.sum(sa.case((done, 1), else_=0)).label("completed"),
            sa.func.avg(sa.case((done, seconds))).label("mean"),
        ).where(user_task.c.definition_id == definition_id)
        found = self.connection.execute(query.group_by(user_task.c.element_id).order_by(user_task.c.element_id))
        return [ElementStatistic(r.element_id, int(r.open or 0), int(r.completed or 0), float(r.mean) if r.mean is not None else None) for r in found]

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


def _visible(actor: Actor, view: str, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """Which open tasks a view shows to an actor."""
    mine = user_task.c.assignee == actor.id
    candidate = sa.and_(task_candidate.c.instance_id == user_task.c.instance_id, task_candidate.c.key == user_task.c.key)
    who = sa.or_(
        sa.and_(task_candidate.c.kind == "group", task_candidate.c.name.in_(sorted(actor.groups))),
        sa.and_(task_candidate.c.kind == "user", task_candidate.c.name == actor.id),
    )
    anybody = sa.and_(user_task.c.candidate_groups == "[]", user_task.c.candidate_users == "[]")
    excluded = sa.and_(user_task.c.excluded_users != "[]", user_task.c.excluded_users.contains(f'"{actor.id}"', autoescape=True))
    groups = sa.and_(user_task.c.assignee.is_(None), sa.or_(anybody, sa.exists().where(candidate, who)), sa.not_(excluded))
    match view:
        case "mine":
            return (mine,)
        case "groups":
            return (groups,)
        case "all":
            return (sa.or_(mine, groups),)
        case "due":
            return (sa.or_(mine, groups), user_task.c.due.is_not(None))
        case "overdue":
            return (sa.or_(mine, groups), user_task.c.due < now)
        case "followup":
            return (sa.or_(mine, groups), user_task.c.follow_up <= now)
        case "every":
            return ()
        case _:
            raise InvalidInput("View is one of mine, groups, all, due, overdue, followup, every.")
