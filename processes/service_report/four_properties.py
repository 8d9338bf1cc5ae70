"""The four-property check (四性检测) of an archive item: authenticity, integrity, usability, security. Runs at archiving and on demand."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.plugins import Record, sha256
from processes.service_report import performers
from processes.service_report.rereading import compare, recompute

NEEDED = frozenset({"report.pdf", "report.docx", "report.json", "snapshot.json", "record.jsonl", "manifest.json"})
MEDIA_TYPES = frozenset(
    {
        "application/pdf",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/json",
        "application/jsonl",
        "image/png",
        "image/jpeg",
    }
)
REVIEWS = ("review_rd", "review_eng", "approve", "approve_special")


@dataclass(frozen=True, slots=True)
class Stored:
    """One file of an item."""

    name: str
    media_type: str
    sha256: str
    size: int


def check(blobs: Any, files: Sequence[Stored], records: Sequence[Record], report: Mapping[str, Any]) -> dict[str, Any]:
    """Each property with `passed` and what was looked at; nothing is repaired."""
    return {
        "authenticity": _authenticity(records, str(report["prepared_by"])),
        "integrity": integrity(blobs, files),
        "usability": usability(blobs, files, report["figures"]),
        "security": _security(blobs, files),
    }


def _authenticity(records: Sequence[Record], author: str) -> dict[str, Any]:
    """The records form one unbroken chain, and nobody reviewed or approved his own report."""
    chained = all(r.previous == (records[i - 1].hash if i else "") and r.seq == i + 1 for i, r in enumerate(records))
    own = [c.element for c in performers.completions(records, REVIEWS) if c.actor == author]
    return {"passed": chained and not own, "records": len(records), "chained": chained, "own_reviews": own}


def integrity(blobs: Any, files: Sequence[Stored]) -> dict[str, Any]:
    """Every file is there with its size and SHA-256, and the manifest lists all the others."""
    damaged = []
    for each in files:
        data = blobs.get(each.sha256)
        if data is None or len(data) != each.size or sha256(data) != each.sha256:
            damaged.append(each.name)
    missing = sorted(NEEDED - {f.name for f in files})
    unlisted = _unlisted(blobs, files)
    return {"passed": not (damaged or missing or unlisted), "files": len(files), "damaged": damaged, "missing": missing, "unlisted": unlisted}


def _unlisted(blobs: Any, files: Sequence[Stored]) -> list[str]:
    digest = next((f.sha256 for f in files if f.name == "manifest.json"), None)
    data = blobs.get(digest) if digest else None
    try:
        listed = {(f["name"], f["sha256"]) for f in json.loads(data)["files"]} if data else set()
    except (ValueError, KeyError, TypeError):
        listed = set()
    return sorted(f.name for f in files if f.name != "manifest.json" and (f.name, f.sha256) not in listed)


def usability(blobs: Any, files: Sequence[Stored], figures: Mapping[str, Any]) -> dict[str, Any]:
    """Each format opens; the figures can be recomputed from the snapshot and match."""
    data = {f.name: blobs.get(f.sha256) or b"" for f in files}
    broken = [name for name, readable in (("report.pdf", _is_pdf_a), ("report.docx", _is_docx)) if not readable(data.get(name, b""))]
    matched, checked = 0, 0
    try:
        matched, checked = compare(figures, recompute(json.loads(data.get("snapshot.json", b""))))
    except (ValueError, KeyError, TypeError):
        broken.append("snapshot.json")
    return {"passed": not broken and matched == checked, "broken": broken, "figures_matched": matched, "figures_checked": checked}


def _is_pdf_a(data: bytes) -> bool:
    return data.startswith(b"%PDF-") and b"pdfaid:part" in data and b"%%EOF" in data[-32:]


def _is_docx(data: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.testzip() is None and "word/document.xml" in archive.namelist()
    except zipfile.BadZipFile:
        return False


def _security(blobs: Any, files: Sequence[Stored]) -> dict[str, Any]:
    """Known formats only, without active content."""
    foreign = [f.name for f in files if f.media_type not in MEDIA_TYPES]
    active = [f.name for f in files if _active(blobs.get(f.sha256) or b"")]
    return {"passed": not (foreign or active), "foreign": foreign, "active": active}


def _active(data: bytes) -> bool:
    if data.startswith(b"%PDF-"):
        return any(mark in data for mark in (b"/JavaScript", b"/JS ", b"/Launch", b"/EmbeddedFile"))
    if data.startswith(b"PK\x03\x04"):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                return any(name.endswith("vbaProject.bin") for name in archive.namelist())
        except zipfile.BadZipFile:
            return True
    return False
