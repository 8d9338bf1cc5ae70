"""Queries behind the registers: archive, callbacks, imports. Read only; rows come back as frozen dataclasses or plain mappings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, exists, func, or_, select

from engine.plugins import iso
from processes.service_report import sampling, tables

PAGE = 50
DIMENSIONS = ("device", "customer", "business")


@dataclass(frozen=True, slots=True)
class ArchiveFilter:
    """What the archive register is narrowed to; empty texts are no filter. `cursor` is the last row seen."""

    text: str = ""
    report_class: str = ""
    volume: str = ""
    facets: Mapping[str, str] | None = None
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows and the cursor of the next page, None at the end."""

    rows: Sequence[Mapping[str, Any]]
    next: str | None


def archive(connection: Connection, wanted: ArchiveFilter, size: int = PAGE) -> Page:
    """Archive items, newest first, by keyset."""
    i, r, c = tables.archive_item, tables.report, tables.customer
    query = (
        select(
            i, r.c.title, r.c.report_class, r.c.period_start, r.c.period_end, r.c.instance_id, r.c.rounds, r.c.synthetic, c.c.name.label("customer")
        )
        .join(r, r.c.report_no == i.c.report_no)
        .join(c, c.c.id == r.c.customer_id)
        .where(*_conditions(wanted))
        .order_by(i.c.archived_at.desc(), i.c.archive_code.desc())
        .limit(size + 1)
    )
    if wanted.cursor:
        moment, _, code = wanted.cursor.partition("~")
        at = _moment(moment)
        if at is not None:
            query = query.where(or_(i.c.archived_at < at, and_(i.c.archived_at == at, i.c.archive_code < code)))
    rows = [dict(row) for row in connection.execute(query).mappings()]
    more = rows[size - 1] if len(rows) > size else None
    return Page(rows[:size], f"{iso(more['archived_at'])}~{more['archive_code']}" if more else None)


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _conditions(wanted: ArchiveFilter) -> list[Any]:
    i, r = tables.archive_item, tables.report
    out: list[Any] = []
    if wanted.text:
        fields = (r.c.title, i.c.report_no, i.c.archive_code)
        out.append(or_(*(field.icontains(wanted.text, autoescape=True) for field in fields)))
    if wanted.report_class:
        out.append(r.c.report_class == wanted.report_class)
    if wanted.volume:
        out.append(i.c.volume_id == wanted.volume)
    for dimension, code in (wanted.facets or {}).items():
        if code:
            f = tables.archive_facet.alias()
            out.append(exists().where(f.c.archive_code == i.c.archive_code, f.c.dimension == dimension, f.c.code == code))
    return out


def facet_counts(connection: Connection, wanted: ArchiveFilter) -> dict[str, list[Mapping[str, Any]]]:
    """For each dimension its codes with the number of items under the present filter, the dimension's own choice left out."""
    i, r, f, k = tables.archive_item, tables.report, tables.archive_facet, tables.code
    out: dict[str, list[Mapping[str, Any]]] = {}
    for dimension in DIMENSIONS:
        others = {d: c for d, c in (wanted.facets or {}).items() if d != dimension}
        narrowed = ArchiveFilter(wanted.text, wanted.report_class, wanted.volume, others)
        query = (
            select(k.c.code, k.c.title_zh, k.c.title_en, func.count().label("n"))
            .join(f, and_(f.c.dimension == k.c.dimension, f.c.code == k.c.code))
            .join(i, i.c.archive_code == f.c.archive_code)
            .join(r, r.c.report_no == i.c.report_no)
            .where(k.c.dimension == dimension, *_conditions(narrowed))
            .group_by(k.c.code, k.c.title_zh, k.c.title_en, k.c.position)
            .order_by(k.c.position, k.c.code)
        )
        out[dimension] = [dict(row) for row in connection.execute(query).mappings()]
    return out


def volumes(connection: Connection) -> list[Mapping[str, Any]]:
    """Volumes, newest first, with the number of items."""
    v, i = tables.volume, tables.archive_item
    query = select(v, func.count(i.c.archive_code).label("items")).outerjoin(i, i.c.volume_id == v.c.id).group_by(*v.c).order_by(v.c.id.desc())
    return [dict(row) for row in connection.execute(query).mappings()]


def archive_item(connection: Connection, code: str) -> Mapping[str, Any] | None:
    """One item with its report, files and facets; None when there is none."""
    i, r, c, p = tables.archive_item, tables.report, tables.customer, tables.project
    query = (
        select(i, r, c.c.name.label("customer"), p.c.name.label("project"))
        .join(r, r.c.report_no == i.c.report_no)
        .join(c, c.c.id == r.c.customer_id)
        .join(p, p.c.id == r.c.project_id)
        .where(i.c.archive_code == code)
    )
    found = connection.execute(query).mappings().one_or_none()
    if found is None:
        return None
    files = connection.execute(select(tables.archive_file).where(tables.archive_file.c.archive_code == code).order_by(tables.archive_file.c.name))
    f, k = tables.archive_facet, tables.code
    titles = (
        select(f.c.dimension, k.c.title_zh, k.c.title_en)
        .join(k, and_(k.c.dimension == f.c.dimension, k.c.code == f.c.code))
        .where(f.c.archive_code == code)
        .order_by(f.c.dimension, k.c.position)
    )
    facets = [dict(row) for row in connection.execute(titles).mappings()]
    return {**found, "files": [dict(row) for row in files.mappings()], "facets": facets}


# --- callbacks -----------------------------------------------------------------------------------------------------------
def draws(connection: Connection) -> list[Mapping[str, Any]]:
    """Draws, newest first."""
    t = tables.draw
    return [dict(row) for row in connection.execute(select(t).order_by(t.c.frozen_at.desc(), t.c.id)).mappings()]


def callbacks(connection: Connection, draw_id: str | None = None, limit: int = 200) -> list[Mapping[str, Any]]:
    """Recorded calls, newest first, of one draw or of all."""
    k, r, c = tables.callback, tables.report, tables.customer
    query = (
        select(k, r.c.title, c.c.name.label("customer"))
        .join(r, r.c.report_no == k.c.report_no)
        .join(c, c.c.id == r.c.customer_id)
        .order_by(k.c.recorded_at.desc(), k.c.id.desc())
        .limit(limit)
    )
    return [dict(row) for row in connection.execute(query if draw_id is None else query.where(k.c.draw_id == draw_id)).mappings()]


def draw(connection: Connection, draw_id: str) -> Mapping[str, Any] | None:
    """One draw with its items by rank, and whether repeating it from its published inputs gives the same reports."""
    t = tables.draw
    found = connection.execute(select(t).where(t.c.id == draw_id)).mappings().one_or_none()
    if found is None:
        return None
    d = tables.draw_item
    items = [dict(row) for row in connection.execute(select(d).where(d.c.draw_id == draw_id).order_by(d.c.rank)).mappings()]
    k = tables.code
    strata = {row["code"]: dict(row) for row in connection.execute(select(k).where(k.c.dimension == "customer")).mappings()}
    return {**found, "items": items, "strata": strata, "repeats": repeats(dict(found), items)}


def repeats(row: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> bool | None:
    """Draws again; None before the nonce is revealed. Replacements are not part of the first draw."""
    if not row["nonce"]:
        return None
    candidates = [sampling.Candidate(r["report_no"], r["stratum"], r["mandatory"], r["resting"]) for r in row["population"]]
    seed = sampling.seed_of(sampling.population_digest(row["population"]), row["nonce"], row["period"])
    again = sampling.draw(candidates, seed, row["sample_size"] or 0)
    first = {i["report_no"] for i in items if i["reason"] in ("quota", "mandatory")}
    return sampling.digest(row["nonce"]) == row["commitment"] and seed == row["seed"] and {c.report_no for c in again.chosen} == first


# --- imports ---------------------------------------------------------------------------------------------------------------
def imports(connection: Connection, limit: int = 100) -> list[Mapping[str, Any]]:
    """Imports, newest first, without their reject files."""
    t = tables.ticket_import
    columns = [column for column in t.c if column.name != "reject_file"]
    query = select(*columns, tables.project.c.name.label("project")).join(tables.project, tables.project.c.id == t.c.project_id)
    return [dict(row) for row in connection.execute(query.order_by(t.c.id.desc()).limit(limit)).mappings()]


def one_import(connection: Connection, import_id: int) -> Mapping[str, Any] | None:
    """One import with its reject file."""
    t = tables.ticket_import
    query = select(t, tables.project.c.name.label("project")).join(tables.project, tables.project.c.id == t.c.project_id)
    found = connection.execute(query.where(t.c.id == import_id)).mappings().one_or_none()
    return dict(found) if found is not None else None


def projects(connection: Connection) -> list[Mapping[str, Any]]:
    """Projects by name."""
    t = tables.project
    return [dict(row) for row in connection.execute(select(t.c.id, t.c.name, t.c.time_zone).order_by(t.c.name)).mappings()]
