"""Service tasks of the life cycle: register a report with its number and deadlines, note a submission, note a return."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert, select, update

from engine.plugins import BpmnError, ServiceContext, iso, service_task
from processes.service_report import performers, settings, tables, texts
from processes.service_report.business_days import Due, after
from processes.service_report.numbers import report_number
from processes.service_report.rereading import compare, load, recompute

COMPLETENESS = ("time", "event", "quantity", "people", "environment", "summary")
RETURNS = {
    "quality_check": ("quality_decision", "quality_remarks"),
    "review_rd": ("rd_decision", "rd_reason"),
    "review_eng": ("eng_decision", "eng_reason"),
    "approve": ("approval_decision", "approval_reason"),
    "approve_special": ("special_decision", "special_comment"),
}


@service_task("service_report.register", title={"zh": "登记报告编号与期限", "en": "Register the report: number and deadlines"})
def register(context: ServiceContext) -> Mapping[str, Any]:
    """Checks the project (clause 2.3) and the period, takes the next report number, computes the deadlines in working days.

    Throws the BPMN error `registration_refused` before anything is written.
    """
    connection, values = context.connection, context.variables
    now, config = context.now, settings.read(connection)
    project = _project(context)
    _checked_period(values)
    due, planned = _due(values, config)
    today = config.today(now)
    owner = str(values.get("report_owner") or project["report_owner"] or _starter(context))
    report_no = report_number(connection, "report", today.year)
    connection.execute(
        insert(tables.report).values(
            report_no=report_no,
            instance_id=context.instance_id,
            report_class=values["report_class"],
            title=values["title"],
            project_id=project["id"],
            customer_id=project["customer_id"],
            period_start=values["period_start"],
            period_end=values["period_end"],
            frequency=values["frequency"],
            due_at=due,
            due_estimated=planned.estimated,
            registered_at=now,
            status="registered",
            synthetic=project["synthetic"],
        )
    )
    return {
        "report_no": report_no,
        "doc_kind": "report",
        "report_owner": owner,
        "customer_id": project["customer_id"],
        "customer_name": project["customer_name"],
        "contract_no": project["contract_no"],
        "sla_version": project["sla_version"],
        "period_text": texts.period_text(str(values["period_start"]), str(values["period_end"])),
        "due_at": iso(due),
        "due_date": planned.day.isoformat(),
        "due_estimated": planned.estimated,
        "identify_due": iso(config.due(today, "days_identify")[0]),
        "special_managers": list(config["special_managers"]),
        "metrics": _metrics(context, project),
        "customer_concerns": [],
        "retention": config["retention"].get(str(values["report_class"]), "D10"),
        "facets": _facets(context, project),
        "round": 0,
        "return_reasons": [],
        "special_case": False,
        "special_text": "无",
        "special_decisions": [],
        "approval_decision": "",
        "archive_problem": "无",
    }


def _project(context: ServiceContext) -> Mapping[str, Any]:
    p, c = tables.project, tables.customer
    query = select(p, c.c.name.label("customer_name"), c.c.attribute.label("customer_attribute")).join(c, c.c.id == p.c.customer_id)
    found = context.connection.execute(query.where(p.c.id == str(context.variables.get("project_id", "")))).mappings().one_or_none()
    if found is None:
        raise _refusal(f"项目 {context.variables.get('project_id')!r} 不存在")
    if found["kind"] != "om":
        raise _refusal("第 2.3 条：本程序只适用于运维项目")
    return dict(found)


def _refusal(reason: str) -> BpmnError:
    return BpmnError("registration_refused", reason, {"registration_problem": reason})


def _checked_period(values: Mapping[str, Any]) -> None:
    for name in ("report_class", "title", "frequency", "period_start", "period_end"):
        if not values.get(name):
            raise _refusal(f"缺少 {name}")
    try:
        first, last = date.fromisoformat(str(values["period_start"])), date.fromisoformat(str(values["period_end"]))
    except ValueError:
        raise _refusal("报告期不是日期") from None
    if first > last:
        raise _refusal("报告期的结束早于开始")
    if (last - first).days > 3700:
        raise _refusal("报告期超过十年")


def _due(values: Mapping[str, Any], config: settings.Settings) -> tuple[datetime, Due]:
    """The date of the start form, or so many working days after the period."""
    given = str(values.get("due_date") or "")
    if given:
        try:
            day = date.fromisoformat(given)
        except ValueError:
            raise _refusal("提交期限不是日期") from None
        return config.closes(day), Due(day, estimated=False)
    planned = after(date.fromisoformat(str(values["period_end"])), int(config["days_report"]), config.overrides)
    return config.closes(planned.day), planned


def _starter(context: ServiceContext) -> str:
    return context.records()[0].actor


def _metrics(context: ServiceContext, project: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The targets of the SLA, all included: the author leaves out with a reason (clause 7.2.1)."""
    t = tables.sla_target
    query = select(t).where(t.c.project_id == project["id"], t.c.sla_version == project["sla_version"]).order_by(t.c.position, t.c.metric_id)
    rows = context.connection.execute(query).mappings()
    return [{"metric_id": r["metric_id"], "name": r["name"], "target_text": texts.target_text(r), "included": True, "reason": ""} for r in rows]


def _facets(context: ServiceContext, project: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The open code lists, with what the project is about ticked (clause 6.1)."""
    ticked = {"device": project["devices"], "business": project["businesses"], "customer": [project["customer_attribute"]]}
    t = tables.code
    rows = context.connection.execute(select(t).where(t.c.active).order_by(t.c.dimension, t.c.position, t.c.code)).mappings()
    return [
        {
            "dimension": r["dimension"],
            "code": r["code"],
            "dimension_title": texts.DIMENSIONS.get(r["dimension"], r["dimension"]),
            "code_title": r["title_zh"],
            "applies": r["code"] in ticked.get(r["dimension"], []),
        }
        for r in rows
    ]


# --- submission -------------------------------------------------------------------------------------------------------
@service_task("service_report.submit", title={"zh": "登记提交与轮次", "en": "Note the submission and its round"})
def submit(context: ServiceContext) -> Mapping[str, Any]:
    """Who submitted, when, in which round; in time and complete (clause 7.2.7); figures recomputed from the snapshot and compared."""
    connection, values, now = context.connection, context.variables, context.now
    config = settings.read(connection)
    written = performers.last(context.records(), "write")
    author = written.actor if written else str(values["report_owner"])
    report = connection.execute(select(tables.report).where(tables.report.c.instance_id == context.instance_id)).mappings().one()
    missing = missing_elements(values)
    on_time = now <= report["due_at"]
    snapshot = load(context.blobs, str(values["snapshot_sha256"]))
    matched, checked = compare(report["figures"], recompute(snapshot))
    changes: dict[str, Any] = {"status": "submitted", "prepared_by": author, "rounds": report["rounds"] + 1}
    if report["first_submitted_at"] is None:
        changes |= {"first_submitted_at": now, "first_complete": not missing}
    changes |= {"figures_checked": checked, "figures_matched": matched}
    connection.execute(update(tables.report).where(tables.report.c.report_no == report["report_no"]).values(**changes))
    today = config.today(now)
    in_time = "按期" if on_time else "逾期"
    return {
        "round": changes["rounds"],
        "prepared_by": author,
        "submitted_at": iso(now),
        "submission_text": f"{in_time}提交；" + ("要素齐全" if not missing else f"缺少：{texts.joined(missing)}"),
        "figures_text": f"重算 {checked} 个数字，一致 {matched} 个",
        "special_text": str(values.get("special_reason") or "无"),
        "check_due": iso(config.due(today, "days_check")[0]),
        "review_due": iso(config.due(today, "days_review")[0]),
        "approval_due": iso(config.due(today, "days_approval")[0]),
        "delivery_due": iso(config.due(today, "days_delivery")[0]),
        "archive_due": iso(config.due(today, "days_archive")[0]),
    }


def missing_elements(values: Mapping[str, Any]) -> list[str]:
    """What clause 7.2.3 asks for and the report lacks."""
    names = {"time": "时间", "event": "事件", "quantity": "数量", "people": "相关人员", "environment": "环境", "summary": "总结"}
    given = values.get("completeness") or {}
    out = [names[key] for key in COMPLETENESS if not str(given.get(key) or "").strip()]
    if not values.get("types"):
        out.append("报告类型")
    if not values.get("valid_until"):
        out.append("有效期")
    out += [f"答复“{c.get('concern')}”" for c in values.get("customer_concerns") or [] if not str(c.get("answer") or "").strip()]
    return out


@service_task("service_report.register_return", title={"zh": "登记退回原因", "en": "Note why the report was returned"})
def register_return(context: ServiceContext) -> Mapping[str, Any]:
    """Adds the reasons given since the last submission to `return_reasons`: round, step, reason, by whom (clause 7.2.4)."""
    values = context.variables
    records = context.records()
    written = performers.last(records, "write")
    since = written.seq if written else 0
    reasons = []
    for done in performers.completions(records, RETURNS):
        decision, reason = RETURNS[done.element]
        if done.seq > since and done.values.get(decision) == "return":
            reasons.append(_reason(values, done.element, str(done.values.get(reason) or ""), done.actor))
    if not reasons:  # the decision table returned it although both departments let it pass
        routing = values.get("routing")
        text = str(routing.get("reason", "")) if isinstance(routing, Mapping) else ""
        reasons.append(_reason(values, "route_review", text, "review_routing"))
    connection = context.connection
    connection.execute(update(tables.report).where(tables.report.c.instance_id == context.instance_id).values(status="returned"))
    known = values.get("return_reasons")
    return {"return_reasons": [*(known if isinstance(known, list) else []), *reasons], "approval_decision": "", "special_decisions": []}


def _reason(values: Mapping[str, Any], element: str, reason: str, by: str) -> dict[str, Any]:
    return {"round": values.get("round", 0), "source": texts.SOURCES[element], "reason": reason or "未写明", "by": by}
