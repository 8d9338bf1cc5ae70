"""Tables of the pack. Names begin with `service_report_`; moments are UTC; days are ISO texts in the project's time zone.

Only data that the pack owns lies here. What happened in a process lies in the engine's records, never here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator

metadata = MetaData()


class UtcMoment(TypeDecorator[datetime]):
    """An aware UTC datetime; stored without offset, since SQLite keeps none."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Refuses a naive moment: it would be guessed to be UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs an offset")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Always aware."""
        return None if value is None else value.replace(tzinfo=UTC)


def _day(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, String(10), nullable=nullable)


setting = Table(
    "service_report_setting",
    metadata,
    Column("key", String(60), primary_key=True),
    Column("value", JSON, nullable=False),
    Column("note", Text, nullable=False, default=""),
)

code = Table(
    "service_report_code",
    metadata,
    Column("dimension", String(20), primary_key=True),
    Column("code", String(40), primary_key=True),
    Column("version", Integer, nullable=False, default=1),
    Column("title_zh", String(80), nullable=False),
    Column("title_en", String(80), nullable=False, default=""),
    Column("active", Boolean, nullable=False, default=True),
    Column("position", Integer, nullable=False, default=0),
)

calendar_day = Table(
    "service_report_calendar_day",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("working", Boolean, nullable=False),
    Column("version", Integer, nullable=False, default=1),
    Column("note", Text, nullable=False, default=""),
)

number = Table(
    "service_report_number",
    metadata,
    Column("series", String(40), primary_key=True),
    Column("last", Integer, nullable=False),
)

customer = Table(
    "service_report_customer",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("attribute", String(40), nullable=False),  # code of the dimension `customer`: the stratum of callbacks
    Column("contact", String(80), nullable=False, default=""),
    Column("phone", String(40), nullable=False, default=""),
    Column("synthetic", Boolean, nullable=False, default=False),
)

project = Table(
    "service_report_project",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", String(160), nullable=False),
    Column("kind", String(20), nullable=False, default="om"),  # clause 2.3: only O&M projects are reported on
    Column("customer_id", ForeignKey("service_report_customer.id"), nullable=False),
    Column("contract_no", String(60), nullable=False, default=""),
    Column("sla_version", String(20), nullable=False, default=""),
    Column("report_owner", String(60), nullable=False, default=""),
    Column("onsite_engineers", JSON, nullable=False, default=list),
    Column("frequency", String(20), nullable=False, default="monthly"),
    Column("time_zone", String(40), nullable=False, default="Asia/Shanghai"),
    Column("devices", JSON, nullable=False, default=list),
    Column("businesses", JSON, nullable=False, default=list),
    _day("starts_on"),
    _day("ends_on"),
    Column("synthetic", Boolean, nullable=False, default=False),
)

sla_time = Table(
    "service_report_sla_time",
    metadata,
    Column("project_id", ForeignKey("service_report_project.id"), primary_key=True),
    Column("sla_version", String(20), primary_key=True),
    Column("priority", String(10), primary_key=True),
    Column("response_min", Integer),
    Column("resolution_min", Integer),
    Column("clock", String(10), nullable=False, default="calendar"),  # calendar: round the clock; working: business hours
)

sla_target = Table(
    "service_report_sla_target",
    metadata,
    Column("project_id", ForeignKey("service_report_project.id"), primary_key=True),
    Column("sla_version", String(20), primary_key=True),
    Column("metric_id", String(40), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("unit", String(10), nullable=False, default="%"),
    Column("comparator", String(2), nullable=False, default=">="),
    Column("target", Float, nullable=False),
    Column("position", Integer, nullable=False, default=0),
)

maintenance = Table(
    "service_report_maintenance",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project_id", ForeignKey("service_report_project.id"), nullable=False),
    Column("starts_at", UtcMoment, nullable=False),
    Column("ends_at", UtcMoment, nullable=False),
    Column("note", Text, nullable=False, default=""),
)

ticket_import = Table(
    "service_report_import",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project_id", ForeignKey("service_report_project.id"), nullable=False),
    Column("file_name", String(200), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("mapping", JSON, nullable=False),
    Column("time_zone", String(40), nullable=False),
    Column("imported_at", UtcMoment, nullable=False),
    Column("imported_by", String(60), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("added", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("unchanged", Integer, nullable=False),
    Column("rejected", Integer, nullable=False),
    Column("reject_file", Text, nullable=False, default=""),
)

upload = Table(
    "service_report_upload",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("by", String(60), nullable=False),
    Column("at", UtcMoment, nullable=False),
    Column("file_name", String(200), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("project_id", String(40), nullable=False),
    Column("preset", String(40), nullable=False),
    Column("time_zone", String(40), nullable=False),
)

ticket = Table(
    "service_report_ticket",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project_id", ForeignKey("service_report_project.id"), nullable=False),
    Column("number", String(60), nullable=False),
    Column("process", String(20), nullable=False, default="incident"),
    Column("title", String(200), nullable=False, default=""),
    Column("priority", String(10), nullable=False, default=""),
    Column("category", String(80), nullable=False, default=""),
    Column("location", String(80), nullable=False, default=""),
    Column("ci", String(80), nullable=False, default=""),
    Column("close_code", String(80), nullable=False, default=""),
    Column("opened_at", UtcMoment, nullable=False),
    Column("responded_at", UtcMoment),
    Column("resolved_at", UtcMoment),
    Column("closed_at", UtcMoment),
    Column("pauses", JSON, nullable=False, default=list),  # [[from, to], ...] as UTC ISO texts
    Column("downtime_min", Integer),
    Column("made_sla", Boolean),  # what the source system says; used only where the SLA sets no time
    Column("reopen_count", Integer, nullable=False, default=0),
    Column("import_id", ForeignKey("service_report_import.id")),
    Column("digest", String(64), nullable=False, default=""),
    Column("synthetic", Boolean, nullable=False, default=False),
    UniqueConstraint("project_id", "number"),
    Index("service_report_ticket_opened", "project_id", "opened_at"),
)

snapshot = Table(
    "service_report_snapshot",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("project_id", ForeignKey("service_report_project.id"), nullable=False),
    _day("period_start"),
    _day("period_end"),
    Column("rows", Integer, nullable=False),
    Column("frozen_at", UtcMoment, nullable=False),
)

report = Table(
    "service_report_report",
    metadata,
    Column("report_no", String(30), primary_key=True),
    Column("instance_id", String(64), nullable=False, unique=True),
    Column("doc_kind", String(10), nullable=False, default="report"),
    Column("report_class", String(20), nullable=False),
    Column("title", String(200), nullable=False),
    Column("project_id", ForeignKey("service_report_project.id"), nullable=False),
    Column("customer_id", ForeignKey("service_report_customer.id"), nullable=False),
    _day("period_start"),
    _day("period_end"),
    Column("frequency", String(20), nullable=False),
    Column("due_at", UtcMoment, nullable=False),
    Column("due_estimated", Boolean, nullable=False, default=False),
    Column("registered_at", UtcMoment, nullable=False),
    Column("status", String(20), nullable=False),  # registered submitted archived void
    Column("prepared_by", String(60), nullable=False, default=""),
    Column("rounds", Integer, nullable=False, default=0),
    Column("first_submitted_at", UtcMoment),
    Column("first_complete", Boolean),
    Column("snapshot_sha256", String(64)),
    Column("figures", JSON),
    Column("figures_sha256", String(64)),
    Column("figures_checked", Integer, nullable=False, default=0),
    Column("figures_matched", Integer, nullable=False, default=0),
    Column("archived_at", UtcMoment),
    Column("synthetic", Boolean, nullable=False, default=False),
    Index("service_report_report_due", "due_at"),
)

volume = Table(
    "service_report_volume",
    metadata,
    Column("id", String(60), primary_key=True),  # quarter x class, as the first part of the archival code
    Column("title", String(160), nullable=False),
    Column("year", Integer, nullable=False),
    Column("quarter", Integer, nullable=False),
    Column("report_class", String(20), nullable=False),
    Column("opened_at", UtcMoment, nullable=False),
    Column("closed_at", UtcMoment),
)

archive_item = Table(
    "service_report_archive_item",
    metadata,
    Column("archive_code", String(80), primary_key=True),
    Column("report_no", ForeignKey("service_report_report.report_no"), nullable=False, unique=True),
    Column("volume_id", ForeignKey("service_report_volume.id"), nullable=False),
    Column("item_no", Integer, nullable=False),
    Column("retention", String(10), nullable=False),
    Column("archived_at", UtcMoment, nullable=False),
    Column("archived_by", String(60), nullable=False),
    Column("manifest_sha256", String(64), nullable=False),
    Column("checks", JSON, nullable=False),  # four-property check at archiving
    Index("service_report_archive_item_at", "archived_at"),
)

archive_file = Table(
    "service_report_archive_file",
    metadata,
    Column("archive_code", ForeignKey("service_report_archive_item.archive_code"), primary_key=True),
    Column("name", String(120), primary_key=True),
    Column("media_type", String(100), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size", Integer, nullable=False),
)

archive_facet = Table(
    "service_report_archive_facet",
    metadata,
    Column("archive_code", ForeignKey("service_report_archive_item.archive_code"), primary_key=True),
    Column("dimension", String(20), primary_key=True),
    Column("code", String(40), primary_key=True),
)

draw = Table(
    "service_report_draw",
    metadata,
    Column("id", String(64), primary_key=True),  # the process instance
    Column("period", String(30), nullable=False),
    Column("population", JSON, nullable=False),
    Column("population_sha256", String(64), nullable=False),
    Column("frozen_at", UtcMoment, nullable=False),
    Column("commitment", String(64), nullable=False, default=""),
    Column("nonce", String(200)),
    Column("seed", String(64)),
    Column("sample_size", Integer),
    Column("closed_at", UtcMoment),
    Column("summary", JSON),
)

draw_item = Table(
    "service_report_draw_item",
    metadata,
    Column("draw_id", ForeignKey("service_report_draw.id"), primary_key=True),
    Column("report_no", String(30), primary_key=True),
    Column("stratum", String(40), nullable=False),
    Column("rank", String(64), nullable=False),
    Column("reason", String(20), nullable=False),  # quota mandatory replacement skipped
    Column("status", String(20), nullable=False),  # drawn reached unreachable skipped
    Column("replaces", String(30)),
)

callback = Table(
    "service_report_callback",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("draw_id", ForeignKey("service_report_draw.id"), nullable=False),
    Column("report_no", ForeignKey("service_report_report.report_no"), nullable=False),
    Column("caller", String(60), nullable=False),
    Column("recorded_at", UtcMoment, nullable=False),
    Column("contact", String(80), nullable=False, default=""),
    Column("reached", Boolean, nullable=False),
    Column("attempts", JSON, nullable=False),
    Column("score", Integer),
    Column("complaint", Boolean, nullable=False, default=False),
    Column("comment", Text, nullable=False, default=""),
    Column("capa_owner", String(60), nullable=False, default=""),
    _day("capa_due", nullable=True),
)
