"""Ticket import: rows of a file to tickets (`fold`), and tickets into the table (`store`), idempotent, with a reject file.

Folding is pure. A row that cannot be read is rejected with its reason and never stops the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Connection, insert, select, update

from engine.plugins import canonical, iso, sha256
from processes.service_report import tables, tabular
from processes.service_report.presets import ColumnMapping

PROCESSES = frozenset({"incident", "problem", "change", "release", "config", "request", "task"})
_LENGTHS = {"number": 60, "title": 200, "priority": 10, "category": 80, "location": 80, "ci": 80, "close_code": 80}
_EARLIEST, _LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was not taken: its line in the file, the key of the reason, the field and text at fault."""

    line: int
    reason: str
    field: str
    cells: Mapping[str, str]


@dataclass(slots=True)
class Folded:
    """What a file holds: tickets by number (values by field, moments as UTC ISO texts), rejected rows, rows read."""

    columns: tuple[str, ...]
    tickets: dict[str, dict[str, Any]] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    rows: int = 0


class _BadCell(ValueError):
    def __init__(self, reason: str, name: str) -> None:
        self.reason, self.name = reason, name
        super().__init__(f"{name}: {reason}")


def fold(sheet: tabular.Sheet, mapping: ColumnMapping, time_zone: str) -> Folded:
    """Read every row. Dates without an offset are taken in `time_zone`.

    Raises UnreadableFile when a needed column is missing or the zone is unknown.
    """
    zone = _zone(time_zone)
    for name in ("number", "opened_at"):
        if mapping.columns.get(name) not in sheet.columns:
            raise tabular.UnreadableFile("import_column", f"the column {mapping.columns.get(name)!r} for {name} is missing")
    out = Folded(sheet.columns)
    updates: dict[str, list[tuple[float, int, dict[str, Any], str, str | None]]] = {}
    for line, cells in sheet.rows:
        out.rows += 1
        try:
            values = _values(cells, mapping, zone)
            order, state, changed = _update(cells, mapping, zone)
        except _BadCell as bad:
            out.rejected.append(Rejected(line, bad.reason, bad.name, cells))
            continue
        known = updates.setdefault(values["number"], [])
        if known and not mapping.fold:
            out.rejected.append(Rejected(line, "twice", "number", cells))
            continue
        known.append((order, line, values, state, changed))
    for number, rows in updates.items():
        rows.sort(key=lambda row: row[:2])
        out.tickets[number] = {**rows[-1][2], "pauses": _pauses(rows, mapping)}
    return out


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise tabular.UnreadableFile("import_zone", f"unknown time zone {name!r}") from exc


def _values(cells: Mapping[str, str], mapping: ColumnMapping, zone: ZoneInfo) -> dict[str, Any]:
    def text(name: str) -> str:
        raw = cells.get(mapping.columns.get(name, ""), "").strip()
        known = "" if raw in mapping.unknown else raw
        return mapping.values.get(name, {}).get(known, known) or mapping.defaults.get(name, "")

    out: dict[str, Any] = {}
    for name, longest in _LENGTHS.items():
        out[name] = text(name)[:longest]
    if not out["number"]:
        raise _BadCell("missing", "number")
    out["process"] = text("process") or "incident"
    if out["process"] not in PROCESSES:
        raise _BadCell("unknown_process", "process")
    for name in ("opened_at", "responded_at", "resolved_at", "closed_at"):
        out[name] = _moment(text(name), name, mapping, zone)
    if out["opened_at"] is None:
        raise _BadCell("missing", "opened_at")
    for name in ("responded_at", "resolved_at", "closed_at"):
        if out[name] is not None and out[name] < out["opened_at"]:
            raise _BadCell("before_opened", name)
    out["downtime_min"] = _whole(text("downtime_min"), "downtime_min")
    out["reopen_count"] = _whole(text("reopen_count"), "reopen_count") or 0
    out["made_sla"] = _truth(text("made_sla"))
    return out


def _moment(text: str, name: str, mapping: ColumnMapping, zone: ZoneInfo) -> str | None:
    if not text:
        return None
    found = _parsed(text, mapping.dates)
    if found is None:
        raise _BadCell("not_a_date", name)
    if found.tzinfo is None:
        found = found.replace(tzinfo=zone)
    if not _EARLIEST <= found <= _LATEST:
        raise _BadCell("date_out_of_range", name)
    return iso(found)


@lru_cache(maxsize=65_536)
def _parsed(text: str, forms: tuple[str, ...]) -> datetime | None:
    """Logs of updates repeat the same moments on many rows."""
    for form in forms:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - the caller adds the zone
        except ValueError:
            continue
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _whole(text: str, name: str) -> int | None:
    if not text:
        return None
    try:
        value = int(text)
    except ValueError:
        raise _BadCell("not_a_number", name) from None
    if not 0 <= value <= 10_000_000:
        raise _BadCell("number_out_of_range", name)
    return value


def _truth(text: str) -> bool | None:
    return {"true": True, "1": True, "是": True, "yes": True, "false": False, "0": False, "否": False, "no": False}.get(text.lower())


def _update(cells: Mapping[str, str], mapping: ColumnMapping, zone: ZoneInfo) -> tuple[float, str, str | None]:
    """Place of the row among the updates of its ticket, the state it names, and when it took that state."""
    if not mapping.fold:
        return 0.0, "", None
    order = cells.get(mapping.order_by, "").strip()
    changed = cells.get(mapping.changed_at, "").strip()
    try:
        place = float(order) if order else 0.0
    except ValueError:
        raise _BadCell("not_a_number", mapping.order_by) from None
    return place, cells.get(mapping.state, "").strip(), _moment("" if changed in mapping.unknown else changed, mapping.changed_at, mapping, zone)


def _pauses(rows: Sequence[tuple[float, int, dict[str, Any], str, str | None]], mapping: ColumnMapping) -> list[list[str]]:
    """From a row in a paused state to the next row; a last row that is paused opens no interval, since its end is unknown."""
    out: list[list[str]] = []
    for here, following in pairwise(rows):
        start, end = here[4], following[4]
        if here[3] in mapping.paused and start is not None and end is not None and start < end:
            out.append([start, end])
    return out


# --- storing -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did; `import_id` None when the same file was imported before with the same mapping and nothing changed."""

    import_id: int
    rows: int
    added: int
    changed: int
    unchanged: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Source:
    """Where the tickets come from and who brings them."""

    project_id: str
    file_name: str
    sha256: str
    mapping: ColumnMapping
    time_zone: str
    actor: str
    at: datetime


def store(connection: Connection, source: Source, folded: Folded) -> Imported:
    """Insert new tickets, update those that differ, leave equal ones alone: a second import of the same file changes nothing."""
    t = tables.ticket
    known = dict(connection.execute(select(t.c.number, t.c.digest).where(t.c.project_id == source.project_id)).all())
    fresh: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for number, values in sorted(folded.tickets.items()):
        digest = sha256(canonical(values))
        if known.get(number) == digest:
            continue
        (changed if number in known else fresh).append(_row(values, digest))
    counts = Imported(0, folded.rows, len(fresh), len(changed), len(folded.tickets) - len(fresh) - len(changed), len(folded.rejected))
    import_id = _record(connection, source, folded, counts)
    for chunk in _chunks(fresh, 200):
        connection.execute(insert(t), [{**row, "project_id": source.project_id, "import_id": import_id} for row in chunk])
    for row in changed:
        connection.execute(update(t).where(t.c.project_id == source.project_id, t.c.number == row["number"]).values(**row, import_id=import_id))
    return Imported(import_id, counts.rows, counts.added, counts.changed, counts.unchanged, counts.rejected)


def _row(values: Mapping[str, Any], digest: str) -> dict[str, Any]:
    moments = {n: datetime.fromisoformat(values[n]) if values[n] else None for n in ("opened_at", "responded_at", "resolved_at", "closed_at")}
    return {**values, **moments, "digest": digest}


def _record(connection: Connection, source: Source, folded: Folded, counts: Imported) -> int:
    result = connection.execute(
        insert(tables.ticket_import).values(
            project_id=source.project_id,
            file_name=source.file_name[:200],
            sha256=source.sha256,
            mapping=source.mapping.as_json(),
            time_zone=source.time_zone,
            imported_at=source.at,
            imported_by=source.actor,
            rows=counts.rows,
            added=counts.added,
            changed=counts.changed,
            unchanged=counts.unchanged,
            rejected=counts.rejected,
            reject_file=reject_file(folded) if folded.rejected else "",
        )
    )
    key = result.inserted_primary_key
    return int(key[0]) if key else 0


def reject_file(folded: Folded) -> str:
    """CSV of the rejected rows: line, reason, field, then the row as it came."""
    columns = [c for c in folded.columns if c]
    rows = ([r.line, r.reason, r.field, *(r.cells.get(c, "") for c in columns)] for r in folded.rejected)
    return tabular.write_csv(["line", "reason", "field", *columns], rows)


def _chunks(rows: Sequence[dict[str, Any]], size: int) -> Iterable[Sequence[dict[str, Any]]]:
    return (rows[i : i + size] for i in range(0, len(rows), size))
