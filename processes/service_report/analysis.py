"""Service tasks of clause 7.2.2: freeze the data of a report, compute its figures from the frozen data alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert, select, update

from engine.plugins import ServiceContext, canonical, iso, service_task, sha256
from processes.service_report import settings, snapshot, tables, texts
from processes.service_report.rereading import load, recompute


@service_task("service_report.freeze_snapshot", title={"zh": "冻结数据快照", "en": "Freeze the data snapshot"})
def freeze_snapshot(context: ServiceContext) -> Mapping[str, Any]:
    """The project's tickets of the period and of its comparison periods, its SLA and calendar, as canonical JSON under its SHA-256."""
    connection, values = context.connection, context.variables
    config = settings.read(connection)
    first, last = str(values["period_start"]), str(values["period_end"])
    frozen = snapshot.build(connection, str(values["project_id"]), first, last, config)
    data = canonical(frozen)
    digest = context.blobs.put(data, "application/json")
    known = connection.execute(select(tables.snapshot.c.sha256).where(tables.snapshot.c.sha256 == digest)).first()
    if known is None:
        row = {"sha256": digest, "project_id": values["project_id"], "period_start": first, "period_end": last, "rows": len(frozen["tickets"])}
        connection.execute(insert(tables.snapshot).values(**row, frozen_at=context.now))
    connection.execute(update(tables.report).where(tables.report.c.instance_id == context.instance_id).values(snapshot_sha256=digest))
    window = f"{frozen['window']['from'][:10]} 至 {frozen['window']['to'][:10]}"
    sources = [{"name": s["name"], "window": window, "rows": s["rows"], "sha256": s["sha256"]} for s in frozen["sources"]]
    return {"snapshot_sha256": digest, "snapshot_rows": len(frozen["tickets"]), "frozen_at": iso(context.now), "data_sources": sources}


@service_task("service_report.analyse", title={"zh": "计算指标与分析", "en": "Compute metrics and analyses"})
def analyse(context: ServiceContext) -> Mapping[str, Any]:
    """SLA results, availability, workload, trend: computed from the snapshot, kept with the report, summarised for the author.

    Metrics that the author left out with a reason (F04) are not shown as results; the figures hold them all the same.
    """
    figures = recompute(load(context.blobs, str(context.variables["snapshot_sha256"])))
    digest = sha256(canonical(figures))
    changes = {"figures": figures, "figures_sha256": digest}
    context.connection.execute(update(tables.report).where(tables.report.c.instance_id == context.instance_id).values(**changes))
    chosen = context.variables.get("metrics")
    rows: list[Any] = list(chosen) if isinstance(chosen, list) else []
    left_out = {m["metric_id"] for m in rows if not m.get("included", True)}
    return {
        "figures_sha256": digest,
        "sla_results": [texts.result_row(r) for r in figures["sla_results"] if r["metric_id"] not in left_out],
        "analysis_text": texts.analysis_text(figures),
    }
