"""Adapters of the ports Accounts and Drafts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from engine.errors import ConcurrentChange, Conflict
from engine.model.values import Json, canonical
from engine.model.views import ModelDraft, TokenRow, UserRow
from engine.store import rows
from engine.store.statements import Statement
from engine.store.tables import account, api_token, form_draft, model_draft, session
from engine.store.task_tables import user_task

# Who is calling is asked before every request.
_SESSION_USER = Statement(
    sa.select(*rows.USER_COLUMNS)
    .join(session, session.c.user_id == account.c.id)
    .where(
        session.c.secret_hash == sa.bindparam("b_secret"),
        session.c.expires_at > sa.bindparam("b_now"),
        session.c.seen_at > sa.bindparam("b_idle_since"),
        account.c.active,
    )
)
_TOKEN_USER = Statement(
    sa.select(*rows.USER_COLUMNS)
    .join(api_token, api_token.c.user_id == account.c.id)
    .where(
        api_token.c.secret_hash == sa.bindparam("b_secret"),
        sa.or_(api_token.c.expires_at.is_(None), api_token.c.expires_at > sa.bindparam("b_now")),
        account.c.active,
    )
)
_DROP_FORMS = Statement(form_draft.delete().where(form_draft.c.instance_id == sa.bindparam("b_instance"), form_draft.c.key == sa.bindparam("b_key")))


class SqlAccounts:
    """Port Accounts, and what logging in needs."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, user: UserRow, password_hash: str | None) -> None:
        """Create or change; a password hash of None keeps the stored one. A disabled account loses its sessions.

        Raises ConcurrentChange when somebody else creates the same account at this moment.
        """
        values = {
            "name": user.name,
            "roles": rows.json_list(user.roles),
            "groups": rows.json_list(user.groups),
            "active": user.active,
            "language": user.language,
            "time_zone": user.time_zone,
            "email": user.email,
            "notify": user.notify,
        }
        if password_hash is not None:
            values["password_hash"] = password_hash
        if not self._connection.execute(account.update().where(account.c.id == user.id).values(**values)).rowcount:
            try:
                self._connection.execute(account.insert().values(id=user.id, **values))
            except IntegrityError as exc:
                raise ConcurrentChange from exc
        if not user.active:
            self.end_sessions(user.id)

    def get(self, user_id: str) -> UserRow | None:
        """An account, active or not."""
        row = self._connection.execute(sa.select(*rows.USER_COLUMNS).where(account.c.id == user_id)).first()
        return rows.user(row) if row else None

    def password_hash(self, user_id: str) -> str | None:
        """Only of active accounts."""
        return self._connection.scalar(sa.select(account.c.password_hash).where(account.c.id == user_id, account.c.active))

    def members(self, groups: Sequence[str], user_ids: Sequence[str]) -> list[UserRow]:
        """Active accounts with an address that are in one of the groups or named; in order of their ids."""
        inside = [account.c.groups.contains(rows.json_list((group,))[1:-1], autoescape=True) for group in groups]
        query = sa.select(*rows.USER_COLUMNS).where(account.c.active, account.c.email.is_not(None), sa.or_(account.c.id.in_(user_ids), *inside))
        return [rows.user(row) for row in self._connection.execute(query.order_by(account.c.id))]

    def forget_sessions(self, now: datetime) -> int:
        """How many were over."""
        return self._connection.execute(session.delete().where(session.c.expires_at <= now)).rowcount

    def end_sessions(self, user_id: str) -> None:
        """Log the user out everywhere."""
        self._connection.execute(session.delete().where(session.c.user_id == user_id))

    def open_session(self, secret_hash: str, user_id: str, now: datetime, expires: datetime) -> None:
        """A new login; sessions that are over are swept."""
        self._connection.execute(session.delete().where(session.c.expires_at <= now))
        self._connection.execute(session.insert().values(secret_hash=secret_hash, user_id=user_id, created_at=now, seen_at=now, expires_at=expires))

    def session_user(self, secret_hash: str, now: datetime, idle_since: datetime) -> UserRow | None:
        """The active user of a session that is neither over nor idle too long."""
        row = _SESSION_USER.first(self._connection, {"b_secret": secret_hash, "b_now": now, "b_idle_since": idle_since})
        return rows.user(row) if row else None

    def touch_session(self, secret_hash: str, now: datetime) -> None:
        """The session was used."""
        self._connection.execute(session.update().where(session.c.secret_hash == secret_hash).values(seen_at=now))

    def close_session(self, secret_hash: str) -> None:
        """Log out."""
        self._connection.execute(session.delete().where(session.c.secret_hash == secret_hash))

    def add_token(self, token: TokenRow, secret_hash: str) -> None:
        """A new API token."""
        self._connection.execute(
            api_token.insert().values(
                id=token.id, secret_hash=secret_hash, user_id=token.user_id, label=token.label, created_at=token.created_at, expires_at=token.expires
            )
        )

    def drop_token(self, token_id: str, user_id: str) -> bool:
        """Whether the user had it."""
        return bool(self._connection.execute(api_token.delete().where(api_token.c.id == token_id, api_token.c.user_id == user_id)).rowcount)

    def token_user(self, secret_hash: str, now: datetime) -> UserRow | None:
        """The active user of a token that is not over."""
        row = _TOKEN_USER.first(self._connection, {"b_secret": secret_hash, "b_now": now})
        return rows.user(row) if row else None


class SqlDrafts:
    """Port Drafts: unfinished forms and diagrams, personal and not part of the history."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def save_form(self, instance_id: str, key: int, user_id: str, values: Mapping[str, Json], now: datetime) -> None:
        """Replace the user's draft of this task."""
        where = (form_draft.c.instance_id == instance_id, form_draft.c.key == key, form_draft.c.user_id == user_id)
        data = canonical(values).decode()
        if not self._connection.execute(form_draft.update().where(*where).values(data=data, updated_at=now)).rowcount:
            self._connection.execute(form_draft.insert().values(instance_id=instance_id, key=key, user_id=user_id, data=data, updated_at=now))

    def form(self, instance_id: str, key: int, user_id: str) -> Mapping[str, Json] | None:
        """The user's draft."""
        query = sa.select(form_draft.c.data).where(form_draft.c.instance_id == instance_id, form_draft.c.key == key, form_draft.c.user_id == user_id)
        data = self._connection.scalar(query)
        return json.loads(data) if data is not None else None

    def drop_forms(self, instance_id: str, key: int) -> None:
        """The task is done: everybody's drafts of it go."""
        _DROP_FORMS.rows(self._connection, {"b_instance": instance_id, "b_key": key})

    def forget_ended(self) -> int:
        """Drafts that were saved in the moment in which their task ended. How many."""
        ended = sa.select(user_task.c.key).where(
            user_task.c.instance_id == form_draft.c.instance_id, user_task.c.key == form_draft.c.key, user_task.c.state != "open"
        )
        return self._connection.execute(form_draft.delete().where(ended.exists())).rowcount

    def save_model(self, draft: ModelDraft) -> None:
        """Revision 1 is new; any other must follow the stored one, else Conflict."""
        values = {
            "process_id": draft.process_id,
            "based_on": draft.based_on,
            "revision": draft.revision,
            "updated_at": draft.updated_at,
            "xml": draft.xml,
        }
        if draft.revision == 1:
            self._connection.execute(model_draft.insert().values(id=draft.id, owner=draft.owner, **values))
            return
        where = (model_draft.c.id == draft.id, model_draft.c.revision == draft.revision - 1)
        if not self._connection.execute(model_draft.update().where(*where).values(**values)).rowcount:
            raise Conflict("The draft was saved from another window meanwhile; open it again to see both.")

    def model(self, draft_id: str) -> ModelDraft | None:
        """One draft of a diagram."""
        row = self._connection.execute(sa.select(model_draft).where(model_draft.c.id == draft_id)).first()
        return ModelDraft(row.id, row.process_id, row.based_on, row.owner, row.revision, row.updated_at, row.xml) if row else None

    def drop_model(self, draft_id: str) -> None:
        """Throw it away."""
        self._connection.execute(model_draft.delete().where(model_draft.c.id == draft_id))
