"""The database schema (SQLAlchemy Core). `record` is the truth; what is below the line is derived from it or personal.

Times are UTC. Texts that hold JSON are canonical JSON.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.engine import Dialect

from engine.model.values import LONGEST, UNKEEPABLE

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Utc(TypeDecorator[datetime]):
    """Aware UTC datetimes; SQLite stores them naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


NAME = LONGEST  # of what a diagram states or computes: ids of elements, groups, persons, handlers
WORK = 512  # of a job: `start-<definition>-<element>` is the longest


class Prose(TypeDecorator[str]):
    """A text for people, whoever wrote it: what PostgreSQL keeps in no text (NUL, half of a surrogate pair) becomes U+FFFD on every database.

    Never of names, which are compared: two of them must not become one.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else UNKEEPABLE.sub("\ufffd", value)


def _id(name: str = "id", length: int = 64, **kw: Any) -> Column[str]:
    return Column(name, String(length), **kw)


# --- deployments -------------------------------------------------------------------------------------------------
deployment = Table(
    "deployment",
    metadata,
    _id(primary_key=True),
    Column("content_hash", String(64), nullable=False, index=True),
    Column("deployed_at", Utc, nullable=False),
    Column("deployed_by", String(64), nullable=False),
    Column("comment", Prose, nullable=False, default=""),
)

deployment_file = Table(
    "deployment_file",
    metadata,
    Column("deployment_id", ForeignKey("deployment.id"), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("data", LargeBinary, nullable=False),
)

process_definition = Table(
    "process_definition",
    metadata,
    Column("id", String(255), primary_key=True),
    Column("process_id", String(200), nullable=False),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("deployment_id", ForeignKey("deployment.id"), nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("file", String(255), nullable=False),
    Column("called", Text, nullable=False, default="{}"),
    Column("suspended", Boolean, nullable=False, default=False, server_default=false()),
    UniqueConstraint("process_id", "version"),
)

start_trigger = Table(
    "start_trigger",
    metadata,
    Column("definition_id", ForeignKey("process_definition.id"), primary_key=True),
    Column("element_id", String(NAME), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False, default=0),  # a start event may have several triggers
    Column("process_id", String(200), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("name", String(255)),
    Column("schedule", Text),
    Index("ix_start_trigger_kind_name", "kind", "name"),
)

_GIVEN = text("request_id IS NOT NULL")

# --- the truth ------------------------------------------------------------------------------------------------------
record = Table(
    "record",
    metadata,
    Column("instance_id", String(64), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Utc, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("request_id", String(128)),
    Column("hash", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("ix_record_actor_instance_id", "actor", "instance_id"),
    Index("uq_record_request_id", "request_id", unique=True, sqlite_where=_GIVEN, postgresql_where=_GIVEN),  # most records have none
)

blob = Table(
    "blob",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("size", Integer, nullable=False),
    Column("media_type", String(128), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

# --- derived from records ---------------------------------------------------------------------------------------------
instance = Table(
    "instance",
    metadata,
    _id(primary_key=True),
    Column("definition_id", String(255), nullable=False),
    Column("process_id", String(200), nullable=False),
    Column("business_key", String(255), index=True),
    Column("state", String(16), nullable=False),
    Column("error", Prose),
    Column("seq", Integer, nullable=False),
    Column("head_hash", String(64), nullable=False),
    Column("started_at", Utc, nullable=False),
    Column("started_by", String(64), nullable=False),
    Column("ended_at", Utc),
    Index("ix_instance_state_started_at", "state", "started_at", "id"),
    Index("ix_instance_started_at", "started_at", "id"),
    Index("ix_instance_process_id_started_at", "process_id", "started_at", "id"),
    Index("ix_instance_process_id_state_started_at", "process_id", "state", "started_at", "id"),
    Index("ix_instance_definition_id_started_at", "definition_id", "started_at", "id"),
    Index("ix_instance_definition_id_state_started_at", "definition_id", "state", "started_at", "id"),
)

instance_word = Table(  # words of business keys, see `engine.store.search`
    "instance_word",
    metadata,
    Column("word", String(64).with_variant(String(64, collation="C"), "postgresql"), primary_key=True),
    Column("instance_id", String(64), primary_key=True),
    sqlite_with_rowid=False,
)

snapshot = Table(
    "snapshot",
    metadata,
    Column("instance_id", String(64), primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("engine_version", String(32), nullable=False),
    Column("data", LargeBinary, nullable=False),
)

job = Table(
    "job",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),  # order of creation
    Column("id", String(WORK), nullable=False, unique=True),  # <instance>-<key>, or start-<definition>-<element>
    Column("instance_id", String(64), index=True),
    Column("key", Integer),
    Column("element_id", String(NAME), nullable=False),
    Column("kind", String(16), nullable=False),  # see engine.ports.Due
    Column("handler", String(NAME)),
    Column("parameters", Text, nullable=False, default="{}"),
    Column("state", String(16), nullable=False),  # due failed suspended
    Column("due_at", Utc, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("retries", Integer, nullable=False, default=3),
    Column("backoff", Text, nullable=False, default="[]", server_default="[]"),
    Column("lease_until", Utc),
    Column("lease_owner", String(64)),
    Column("stack", Prose),
    Index("ix_job_state_due_at", "state", "due_at", "number"),
)

subscription = Table(
    "subscription",
    metadata,
    Column("instance_id", String(64), primary_key=True),
    Column("key", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(8), nullable=False),
    Column("name", String(255), nullable=False),
    Column("correlation_key", String(255)),
    Column("retrieval", Text),  # JSON list: how the key is read from a payload
    Column("element_id", String(NAME), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("suspended", Boolean, nullable=False, default=False, server_default=false()),
    Index("ix_subscription_kind_name_correlation_key", "kind", "name", "correlation_key"),
)

incident = Table(
    "incident",
    metadata,
    Column("instance_id", String(64), primary_key=True),
    Column("key", Integer, primary_key=True, autoincrement=False),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("definition_id", String(255), nullable=False, index=True),
    Column("element_id", String(NAME), nullable=False),
    Column("kind", String(8), nullable=False),  # element job
    Column("cause", Prose, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("resolved_at", Utc, index=True),
)

note = Table(  # comments and attachments
    "note",
    metadata,
    Column("instance_id", String(64), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(10), nullable=False),  # comment attachment
    Column("at", Utc, nullable=False),
    Column("author", String(64), nullable=False),
    Column("key", Integer, nullable=False),
    Column("text", Prose, nullable=False),  # comment text, or file name
    Column("sha256", String(64)),
    Column("size", Integer),
    Column("media_type", String(128)),
)

data_store = Table(
    "data_store",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("value", Text, nullable=False),
    Column("instance_id", String(64), nullable=False),
    Column("written_at", Utc, nullable=False),
)

# --- waiting between instances -----------------------------------------------------------------------------------------
kept_message = Table(
    "kept_message",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    _id(nullable=False, unique=True),
    Column("name", String(255), nullable=False),
    Column("correlation_key", String(255)),
    Column("payload", Text, nullable=False),
    Column("expires_at", Utc, nullable=False, index=True),
    Index("ix_kept_message_name_correlation_key", "name", "correlation_key"),
)

request_answer = Table(  # of commands that may leave no record under their request id
    "request_answer",
    metadata,
    Column("request_id", String(128), primary_key=True),
    Column("command", String(32), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("answer", Text, nullable=False),
    Column("at", Utc, nullable=False, index=True),
)

# --- people --------------------------------------------------------------------------------------------------------------
account = Table(
    "account",
    metadata,
    _id(primary_key=True),
    Column("name", String(128), nullable=False),
    Column("password_hash", String(255)),
    Column("roles", Text, nullable=False, default="[]"),
    Column("groups", Text, nullable=False, default="[]"),
    Column("active", Boolean, nullable=False, default=True),
    Column("language", String(8), nullable=False, default="zh"),
    Column("time_zone", String(64), nullable=False, default="Asia/Shanghai"),
    Column("email", String(254)),
    Column("notify", String(8), nullable=False, server_default="mine"),  # of which tasks they are told: all mine none
)

session = Table(
    "session",
    metadata,
    Column("secret_hash", String(64), primary_key=True),
    Column("user_id", ForeignKey("account.id"), nullable=False, index=True),
    Column("created_at", Utc, nullable=False),
    Column("seen_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
)

api_token = Table(
    "api_token",
    metadata,
    _id(primary_key=True),
    Column("secret_hash", String(64), nullable=False, unique=True),
    Column("user_id", ForeignKey("account.id"), nullable=False, index=True),
    Column("label", String(128), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("expires_at", Utc),
    Column("last_used", Utc),
)

form_draft = Table(
    "form_draft",
    metadata,
    Column("instance_id", String(64), primary_key=True),
    Column("key", Integer, primary_key=True, autoincrement=False),
    Column("user_id", String(64), primary_key=True),
    Column("data", Text, nullable=False),
    Column("updated_at", Utc, nullable=False),
)

model_draft = Table(
    "model_draft",
    metadata,
    _id(primary_key=True),
    Column("process_id", String(200)),
    Column("based_on", String(255)),
    Column("owner", String(64), nullable=False, index=True),
    Column("revision", Integer, nullable=False),
    Column("updated_at", Utc, nullable=False),
    Column("xml", Text, nullable=False),
)
