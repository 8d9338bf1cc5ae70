"""Service tasks of P5 (clause 7.2.6): freeze the population, draw by hash rank, record calls, draw replacements, sum up.

The draw itself is pure and lies in `sampling`. Rows of the tables `service_report_draw*` let an auditor repeat it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update

from engine.plugins import BpmnError, ServiceContext, iso, service_task
from processes.service_report import business_days, performers, sampling, settings, tables
from processes.service_report.metrics import Period
from processes.service_report.statistics import rounded, wilson

AQL_4_ACCEPT = {13: 1, 20: 2, 32: 3, 50: 5}  # GB/T 2828.1, level II, AQL 4.0: decides conformity, does not estimate satisfaction
_EMPTY: Mapping[str, Any] = {
    "attempts": [],
    "reached": None,
    "contact_name": None,
    "received_report": None,
    "score": None,
    "complaint": None,
    "comment": None,
    "capa_owner": None,
    "capa_due": None,
}


@service_task("service_report.open_callback_period", title={"zh": "确定抽查期间", "en": "Determine the period to check"})
def open_callback_period(context: ServiceContext) -> Mapping[str, Any]:
    """The period that the start form named, else the running quarter; deadlines. Throws `period_refused` for an impossible period."""
    config = settings.read(context.connection)
    today = config.today(context.now)
    values = context.variables
    first, last = str(values.get("period_start") or ""), str(values.get("period_end") or "")
    if first or last:
        try:
            possible = date.fromisoformat(first) <= date.fromisoformat(last)
        except ValueError:
            possible = False
        if not possible:
            problem = "抽查期间的起止日期不成立"
            raise BpmnError("period_refused", problem, {"period_problem": problem})
        name = f"{first}/{last}"
    else:
        quarter = (today.month + 2) // 3
        begins = date(today.year, 3 * quarter - 2, 1)
        ends = date(today.year + quarter // 4, 3 * quarter % 12 + 1, 1) - timedelta(days=1)
        first, last, name = begins.isoformat(), ends.isoformat(), f"{today.year}-Q{quarter}"
    return {
        "period_start": first,
        "period_end": last,
        "callback_period": name,
        "period_closes_at": iso(context.now if values.get("immediate") is True else Period(first, last, config["time_zone"]).end),
        "commit_due": iso(config.due(today, "days_commit")[0]),
        "draw_problem": "无",
    }


@service_task("service_report.freeze_population", title={"zh": "冻结抽样总体", "en": "Freeze the population"})
def freeze_population(context: ServiceContext) -> Mapping[str, Any]:
    """The reports archived in the period, in canonical order, with strata, reasons to take them always, and resting contacts; H."""
    connection, values = context.connection, context.variables
    config = settings.read(connection)
    period = Period(str(values["period_start"]), str(values["period_end"]), config["time_zone"])
    rows = _population(connection, period, int(config["callback_rest_days"]), context.now)
    digest = sampling.population_digest(rows)
    connection.execute(
        insert(tables.draw).values(
            id=context.instance_id,
            period=str(values["callback_period"]),
            population=rows,
            population_sha256=digest,
            frozen_at=context.now,
            commitment=str(values["commitment"]),
        )
    )
    due = config.due(config.today(context.now), "days_reveal")[0]
    return {"population_size": len(rows), "population_sha256": digest, "reveal_due": iso(due)}


def _population(connection: Connection, period: Period, rest_days: int, now: datetime) -> list[dict[str, Any]]:
    i, r, c = tables.archive_item, tables.report, tables.customer
    query = (
        select(i.c.report_no, i.c.archive_code, i.c.manifest_sha256, r.c.report_class, r.c.customer_id, c.c.attribute)
        .join(r, r.c.report_no == i.c.report_no)
        .join(c, c.c.id == r.c.customer_id)
        .where(i.c.archived_at >= period.start, i.c.archived_at < period.end)
        .order_by(i.c.report_no)
    )
    resting, unhappy, complained = _earlier(connection, now - timedelta(days=rest_days))
    return [
        {
            "report_no": row.report_no,
            "archive_code": row.archive_code,
            "manifest_sha256": row.manifest_sha256,
            "stratum": row.attribute,
            "mandatory": _mandatory(row, unhappy, complained),
            "resting": row.customer_id in resting,
        }
        for row in connection.execute(query)
    ]


def _mandatory(row: Any, unhappy: set[str], complained: set[str]) -> str:
    """Why the report is taken in any case; "" for none."""
    if row.report_class == "major_event":
        return "major_event"
    if row.customer_id in complained:
        return "complaint"
    return "dissatisfied" if row.customer_id in unhappy else ""


def _earlier(connection: Connection, since: datetime) -> tuple[set[str], set[str], set[str]]:
    """Customers called since the moment; those whose latest score was 3 or less; those who complained last time."""
    k, r = tables.callback, tables.report
    query = select(r.c.customer_id, k.c.recorded_at, k.c.score, k.c.complaint).join(r, r.c.report_no == k.c.report_no).where(k.c.reached)
    latest: dict[str, Any] = {}
    for row in connection.execute(query.order_by(k.c.recorded_at, k.c.id)):
        latest[row.customer_id] = row
    resting = {customer for customer, row in latest.items() if row.recorded_at >= since}
    unhappy = {customer for customer, row in latest.items() if row.score is not None and row.score <= 3}
    return resting, unhappy, {customer for customer, row in latest.items() if row.complaint}


# --- draw ---------------------------------------------------------------------------------------------------------------
@service_task("service_report.draw_callbacks", title={"zh": "按摘要排序抽样", "en": "Draw by hash rank"})
def draw_callbacks(context: ServiceContext) -> Mapping[str, Any]:
    """Checks the revealed nonce against the commitment, draws, stores the draw so that anybody can repeat it.

    Throws the BPMN error `nonce_mismatch` before anything is written.
    """
    connection, values = context.connection, context.variables
    nonce = str(values.get("nonce") or "")
    if sampling.digest(nonce) != values["commitment"]:
        problem = "随机数的 SHA-256 与登记的承诺不符，请核对原文"
        raise BpmnError("nonce_mismatch", problem, {"draw_problem": problem})
    frozen = connection.execute(select(tables.draw).where(tables.draw.c.id == context.instance_id)).mappings().one()
    candidates = _candidates(frozen["population"])
    seed = sampling.seed_of(frozen["population_sha256"], nonce, frozen["period"])
    size = int(str(values.get("sample_size") or 0))
    result = sampling.draw(candidates, seed, size)
    changes = {"nonce": nonce, "seed": seed, "sample_size": size}
    connection.execute(update(tables.draw).where(tables.draw.c.id == context.instance_id).values(**changes))
    ranks = {c.report_no: hashed for hashed, c in result.ranked}
    for chosen, status in ((result.chosen, "drawn"), (result.skipped, "skipped")):
        for each in chosen:
            reason = "skipped" if status == "skipped" else ("mandatory" if each.mandatory else "quota")
            _note(connection, context.instance_id, each, ranks[each.report_no], reason, status)
    config = settings.read(connection)
    return {
        "seed": seed,
        "quotas": dict(result.quotas),
        "drawn": [_item(connection, c.report_no, c.stratum) for c in result.chosen],
        "drawn_count": len(result.chosen),
        "skipped": [c.report_no for c in result.skipped],
        "callback_due_at": iso(config.due(config.today(context.now), "days_callback")[0]),
        "draw_problem": "无",
    }


def _candidates(population: Sequence[Mapping[str, Any]]) -> list[sampling.Candidate]:
    return [sampling.Candidate(r["report_no"], r["stratum"], r["mandatory"], r["resting"]) for r in population]


def _note(connection: Connection, draw_id: str, each: sampling.Candidate, hashed: str, reason: str, status: str, replaces: str | None = None) -> None:
    row = {"draw_id": draw_id, "report_no": each.report_no, "stratum": each.stratum, "rank": hashed, "reason": reason, "status": status}
    connection.execute(insert(tables.draw_item).values(**row, replaces=replaces))


def _item(connection: Connection, report_no: str, stratum: str, replaces: str = "") -> dict[str, Any]:
    """What the caller needs, and who may not call: the author and the on-site engineers."""
    r, p, c = tables.report, tables.project, tables.customer
    query = (
        select(r.c.title, r.c.prepared_by, p.c.onsite_engineers, c.c.name, c.c.contact, c.c.phone)
        .join(p, p.c.id == r.c.project_id)
        .join(c, c.c.id == r.c.customer_id)
        .where(r.c.report_no == report_no)
    )
    row = connection.execute(query).one()
    return {
        "report_no": report_no,
        "stratum": stratum,
        "title": row.title,
        "customer_name": row.name,
        "contact": row.contact,
        "phone": row.phone,
        "excluded": sorted({row.prepared_by, *row.onsite_engineers}),
        "replaced": bool(replaces),
        "status_text": f"补样，替换 {replaces}" if replaces else "首次抽到",
    }


# --- calls ----------------------------------------------------------------------------------------------------------------
@service_task("service_report.record_callback", title={"zh": "登记回访结果", "en": "Record the callback"})
def record_callback(context: ServiceContext) -> Mapping[str, Any]:
    """Enters the call into the register. `callback_status`: recorded, unreachable, or incomplete.

    Incomplete, and called again: fewer attempts or days than agreed, or the caller is author or on-site engineer (then all is asked anew).
    """
    connection, values = context.connection, context.variables
    config = settings.read(connection)
    attempts: Any = values.get("attempts") or []
    reached = values.get("reached") is True
    item: Any = dict(_mapping(values["item"]))
    call = performers.in_same_scope(context.records(), "call", context.job_id)
    if call is not None and call.actor in item["excluded"]:
        item["status_text"] = f"{call.actor} 是编写人或驻点人员，不得回访，请由他人回访"
        return {**_EMPTY, "callback_status": "incomplete", "item": item}
    if not reached and not enough_attempts(attempts, config):
        needed = config["callback_attempts"]
        item["status_text"] = f"尚未满 {needed} 个工作日 {needed} 次联系，请继续联系"
        return {"callback_status": "incomplete", "item": item}
    connection.execute(
        insert(tables.callback).values(
            draw_id=context.instance_id,
            report_no=item["report_no"],
            caller=call.actor if call else "",
            recorded_at=context.now,
            contact=str(values.get("contact_name") or ""),
            reached=reached,
            attempts=attempts,
            score=values.get("score") if reached else None,
            complaint=bool(values.get("complaint")) if reached else False,
            comment=str(values.get("comment") or "") if reached else "",
            capa_owner=str(values.get("capa_owner") or "") if reached else "",
            capa_due=values.get("capa_due") if reached else None,
        )
    )
    _set_status(connection, context.instance_id, item["report_no"], "reached" if reached else "unreachable")
    return {"callback_status": "recorded" if reached else "unreachable"}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def enough_attempts(attempts: Sequence[Mapping[str, Any]], config: settings.Settings) -> bool:
    """As many attempts as agreed, on as many different working days."""
    needed = int(config["callback_attempts"])
    days = {str(a.get("on")) for a in attempts}
    working = {day for day in days if business_days.working(date.fromisoformat(day), config.overrides)[0]}
    return len(attempts) >= needed and len(working) >= needed


def _set_status(connection: Connection, draw_id: str, report_no: str, status: str) -> None:
    t = tables.draw_item
    connection.execute(update(t).where(t.c.draw_id == draw_id, t.c.report_no == report_no).values(status=status))


@service_task("service_report.replace_draw", title={"zh": "同层补样", "en": "Draw a replacement"})
def replace_draw(context: ServiceContext) -> Mapping[str, Any]:
    """The next rank of the same stratum takes the place of a report whose customer could not be reached; `item["replaced"]` tells."""
    connection = context.connection
    item = dict(_mapping(context.variables["item"]))
    frozen = connection.execute(select(tables.draw).where(tables.draw.c.id == context.instance_id)).mappings().one()
    t = tables.draw_item
    used = set(connection.execute(select(t.c.report_no).where(t.c.draw_id == context.instance_id)).scalars())
    ranked = sampling.draw(_candidates(frozen["population"]), frozen["seed"], 0).ranked
    found = sampling.replacement(ranked, str(item["stratum"]), used)
    if found is None:
        return {"item": {**item, "replaced": False, "status_text": "同层已无可补"}}
    hashed = sampling.rank(frozen["seed"], found.report_no)
    _note(connection, context.instance_id, found, hashed, "replacement", "drawn", str(item["report_no"]))
    return {**_EMPTY, "callback_status": "", "item": _item(connection, found.report_no, found.stratum, str(item["report_no"]))}


@service_task("service_report.close_callbacks", title={"zh": "汇总回访结果", "en": "Sum up the callbacks"})
def close_callbacks(context: ServiceContext) -> Mapping[str, Any]:
    """Reach rate, satisfaction with its interval, those not reached, acceptance by AQL: into the register of draws."""
    connection = context.connection
    rows = list(connection.execute(select(tables.callback).where(tables.callback.c.draw_id == context.instance_id)).mappings())
    t = tables.draw_item
    drawn = len(list(connection.execute(select(t.c.report_no).where(t.c.draw_id == context.instance_id, t.c.status != "skipped"))))
    summary = summarise([dict(r) for r in rows], drawn)
    changes = {"closed_at": context.now, "summary": summary}
    connection.execute(update(tables.draw).where(tables.draw.c.id == context.instance_id).values(**changes))
    return {"callback_summary": summary}


def summarise(rows: Sequence[Mapping[str, Any]], drawn: int) -> dict[str, Any]:
    """`drawn` counts replacements too; satisfied are the scores 4 and 5."""
    scores = [r["score"] for r in rows if r["reached"] and r["score"] is not None]
    satisfied = sum(score >= 4 for score in scores)
    interval = wilson(satisfied, len(scores))
    reached = sum(bool(r["reached"]) for r in rows)
    accept = AQL_4_ACCEPT.get(len(scores))
    return {
        "sampled": drawn,
        "reached": reached,
        "reached_pct": rounded(100 * reached / drawn, 2) if drawn else None,
        "unreached": sorted(r["report_no"] for r in rows if not r["reached"]),
        "scores": len(scores),
        "satisfied": satisfied,
        "csat_pct": rounded(100 * satisfied / len(scores), 2) if len(scores) >= 5 else None,
        "csat_interval": [rounded(100 * end, 2) for end in interval] if interval and len(scores) >= 5 else None,
        "mean": rounded(sum(scores) / len(scores), 2) if scores else None,
        "complaints": sum(bool(r["complaint"]) for r in rows),
        "aql_accepted": None if accept is None else len(scores) - satisfied <= accept,
    }
