"""Tables of operators' acts that are no part of one instance: on versions of processes, on jobs, on many instances at once."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text

from engine.store.tables import NAME, WORK, Prose, Utc, metadata

definition_act = Table(  # who suspended or resumed a version, and why; only ever added to
    "definition_act",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("definition_id", ForeignKey("process_definition.id"), nullable=False, index=True),
    Column("act", String(8), nullable=False),  # suspend resume
    Column("at", Utc, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("reason", Prose, nullable=False),
)

job_act = Table(  # what operators did about jobs that failed and belong to no element; the jobs may be gone; only ever added to
    "job_act",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("job_id", String(WORK), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("element_id", String(NAME), nullable=False),
    Column("instance_id", String(64)),
    Column("act", String(8), nullable=False),  # retry discard
    Column("at", Utc, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("reason", Prose, nullable=False),
)

bulk = Table(
    "bulk",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("act", String(16), nullable=False),
    Column("reason", Prose, nullable=False),
    Column("parameters", Text, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("created_at", Utc, nullable=False, index=True),
    Column("state", String(16), nullable=False),  # running finished stopped
    Column("total", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("ended_at", Utc),
)

bulk_item = Table(
    "bulk_item",
    metadata,
    Column("bulk_id", ForeignKey("bulk.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("target", String(128), nullable=False),
    Column("state", String(8), nullable=False),  # waiting done refused
    Column("refusal", Prose),
    Column("ended_at", Utc),
    Index("ix_bulk_item_bulk_id_state", "bulk_id", "state", "number"),
)
