"""Service task of clauses 6.1 and 7.2.5: code the item, render and store its files, list them in a manifest, check, register.

The item is the report, its data, its process record and its attachments; the volume is quarter x class. Archival code by DA/T 22-2015.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from engine.plugins import BpmnError, Record, ServiceContext, canonical, iso, service_task, sha256
from processes.service_report import content, documents, performers, settings, tables, texts
from processes.service_report.four_properties import Stored, check
from processes.service_report.numbers import archival_code
from processes.service_report.rereading import load

RECORD = "application/jsonl"


@dataclass(frozen=True, slots=True)
class Item:
    """What the archive item is: its code with the parts, and the rows it comes from."""

    code: str
    item_no: int
    retention: str
    volume_id: str
    report: Mapping[str, Any]
    facets: tuple[tuple[str, str], ...]
    archived_by: str
    zone: str


@service_task("service_report.archive", title={"zh": "归档成册", "en": "Archive into the volume"})
def archive(context: ServiceContext) -> Mapping[str, Any]:
    """Archives the report: code, PDF/A, .docx, data, snapshot, process record, manifest with SHA-256, four-property check, register.

    Throws the BPMN error `facets_missing` before anything is written when one of the three dimensions has no value.
    """
    facets = _facets(context)
    records = context.records()
    item = _item(context, facets, records)
    files = _files(context, item, records)
    stored = [_put(context.blobs, name, media_type, data) for name, media_type, data in files] + _attachments(context)
    manifest = _manifest(item, stored, context.now)
    data = canonical(manifest)
    stored.append(_put(context.blobs, "manifest.json", documents.JSON, data))
    checks = check(context.blobs, stored, records, item.report)
    digest = sha256(data)
    _register(context.connection, item, stored, checks, digest, context.now)
    return {
        "archive_code": item.code,
        "archive_volume": item.volume_id,
        "archived_at": iso(context.now),
        "archive_problem": "无",
        "manifest_sha256": digest,
        "archive_files": [{"name": s.name, "sha256": s.sha256, "size": s.size} for s in stored],
        "archive_checks": checks,
    }


def _facets(context: ServiceContext) -> tuple[tuple[str, str], ...]:
    keys = {title: key for key, title in texts.DIMENSIONS.items()}
    rows = context.variables.get("facets")
    chosen = {(keys.get(str(r["dimension_title"]), ""), str(r["code"])) for r in rows if r.get("applies")} if isinstance(rows, list) else set()
    t = tables.code
    known = set(context.connection.execute(select(t.c.dimension, t.c.code)))
    found = tuple(sorted(chosen & known))
    missing = [title for key, title in texts.DIMENSIONS.items() if key not in {dimension for dimension, _ in found}]
    if missing:
        problem = f"缺少分类：{texts.joined(missing)}"
        raise BpmnError("facets_missing", problem, {"archive_problem": problem})
    return found


def _item(context: ServiceContext, facets: tuple[tuple[str, str], ...], records: Sequence[Record]) -> Item:
    connection, config = context.connection, settings.read(context.connection)
    r, p = tables.report, tables.project
    query = select(r, p.c.name.label("project_name"), p.c.time_zone).join(p, p.c.id == r.c.project_id).where(r.c.instance_id == context.instance_id)
    report = dict(connection.execute(query).mappings().one())
    today = config.today(context.now)
    retention = str(context.variables.get("retention") or config["retention"].get(report["report_class"], "D10"))
    parts = (config["fonds"], config["archive_category"], today.year, retention, config["archive_unit"])
    code, item_no = archival_code(connection, parts)
    confirmed = performers.last(records, "confirm_archive")
    volume = f"{today.year}-Q{(today.month + 2) // 3}-{report['report_class']}"
    return Item(code, item_no, retention, volume, report, facets, confirmed.actor if confirmed else "system", report["time_zone"])


# --- files ------------------------------------------------------------------------------------------------------------
def _files(context: ServiceContext, item: Item, records: Sequence[Record]) -> list[tuple[str, str, bytes]]:
    values, figures = context.variables, item.report["figures"]
    frame = {
        "code": item.code,
        "retention": item.retention,
        "zone": item.zone,
        "project": item.report["project_name"],
        "synthetic": item.report["synthetic"],
    }
    text = content.build(values, figures, performers.completions(records), frame)
    snapshot = load(context.blobs, str(values["snapshot_sha256"]))
    return [
        ("report.pdf", documents.PDF, documents.pdf(text, figures, context.now)),
        ("report.docx", documents.DOCX, documents.word(text, context.now)),
        ("report.json", documents.JSON, canonical({"variables": dict(values), "figures": figures})),
        ("snapshot.json", documents.JSON, canonical(snapshot)),
        ("record.jsonl", RECORD, record_lines(records)),
    ]


def record_lines(records: Sequence[Record]) -> bytes:
    """The process record: one line a record, with its hash and the canonical bytes that were hashed."""
    return b"".join(b'{"hash":"' + r.hash.encode() + b'","record":' + r.body + b"}\n" for r in records)


def _put(blobs: Any, name: str, media_type: str, data: bytes) -> Stored:
    return Stored(name, media_type, blobs.put(data, media_type), len(data))


def _attachments(context: ServiceContext) -> list[Stored]:
    """The signed receipt, where one was uploaded; its bytes are in the blob store already."""
    reference = context.variables.get("receipt_file")
    if not isinstance(reference, Mapping) or context.blobs.get(str(reference.get("sha256", ""))) is None:
        return []
    suffix = str(reference.get("name", "")).rpartition(".")[2].lower()
    name = f"receipt.{suffix}" if suffix.isalnum() and len(suffix) <= 5 else "receipt"
    return [Stored(name, str(reference.get("media_type", "application/octet-stream")), str(reference["sha256"]), int(str(reference.get("size", 0))))]


def _manifest(item: Item, stored: Sequence[Stored], now: datetime) -> dict[str, Any]:
    return {
        "archive_code": item.code,
        "report_no": item.report["report_no"],
        "volume": item.volume_id,
        "retention": item.retention,
        "archived_at": iso(now),
        "archived_by": item.archived_by,
        "facets": [list(f) for f in item.facets],
        "files": [{"name": s.name, "media_type": s.media_type, "sha256": s.sha256, "size": s.size} for s in stored],
    }


# --- register ----------------------------------------------------------------------------------------------------------
def _register(connection: Connection, item: Item, stored: Sequence[Stored], checks: Mapping[str, Any], manifest: str, now: datetime) -> None:
    _open_volume(connection, item, now)
    connection.execute(
        insert(tables.archive_item).values(
            archive_code=item.code,
            report_no=item.report["report_no"],
            volume_id=item.volume_id,
            item_no=item.item_no,
            retention=item.retention,
            archived_at=now,
            archived_by=item.archived_by,
            manifest_sha256=manifest,
            checks=dict(checks),
        )
    )
    files = [{"name": s.name, "media_type": s.media_type, "sha256": s.sha256, "size": s.size} for s in stored]
    connection.execute(insert(tables.archive_file), [{"archive_code": item.code, **f} for f in files])
    connection.execute(insert(tables.archive_facet), [{"archive_code": item.code, "dimension": d, "code": c} for d, c in item.facets])
    changes = {"status": "archived", "archived_at": now}
    connection.execute(update(tables.report).where(tables.report.c.report_no == item.report["report_no"]).values(**changes))


def _open_volume(connection: Connection, item: Item, now: datetime) -> None:
    if connection.execute(select(tables.volume.c.id).where(tables.volume.c.id == item.volume_id)).first() is None:
        year, quarter, report_class = item.volume_id.split("-", 2)
        title = f"{year} 年第 {quarter[1:]} 季度 {texts.CLASSES[report_class]}"
        row = {"id": item.volume_id, "title": title, "year": int(year), "quarter": int(quarter[1:]), "report_class": report_class, "opened_at": now}
        connection.execute(insert(tables.volume).values(**row))


def manifest_of(blobs: Any, digest: str) -> Mapping[str, Any] | None:
    """The manifest by its SHA-256; None when it is missing or damaged."""
    data = blobs.get(digest)
    return dict(json.loads(data)) if data is not None and sha256(data) == digest else None
