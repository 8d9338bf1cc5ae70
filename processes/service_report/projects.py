"""Service task that writes a project with its customer, codes and SLA into the pack's tables (clauses 2(1), 2.3, 4.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection, insert, select, update

from engine.plugins import BpmnError, ServiceContext, service_task
from processes.service_report import tables, texts
from processes.service_report.code_lists import install

METRICS = {
    "on_time_response": "响应及时率",
    "on_time_resolution": "解决及时率",
    "availability": "可用性",
    "changes_succeeded": "变更成功率",
    "solved_for_good": "一次解决率",
    "csat": "客户满意度",
}


@service_task("service_report.register_project", title={"zh": "登记项目与 SLA", "en": "Register a project with its SLA"})
def register_project(context: ServiceContext) -> Mapping[str, Any]:
    """Inserts or changes customer and project; adds codes; adds the SLA version, or leaves an equal one alone.

    Throws the BPMN error `setup_refused` before anything of the project is written: unknown codes, impossible dates, a version that
    exists with other times or targets.
    """
    values, connection = context.variables, context.connection
    install(connection)
    problems = [*_date_problems(values), *_code_problems(connection, values), *_sla_problems(connection, values)]
    if problems:
        text = "；".join(problems)
        raise BpmnError("setup_refused", text, {"setup_problem": text})
    _add_codes(connection, values)
    row = {"name": values["customer_name"], "attribute": values["customer_attribute"]}
    row |= {"contact": values.get("contact") or "", "phone": values.get("phone") or ""}
    _put(connection, tables.customer, str(values["customer_id"]), row)
    _put(connection, tables.project, str(values["project_id"]), _project(values))
    if not _known_sla(connection, values):
        _add_sla(connection, values)
    return {"setup_problem": "无"}


def _project(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": values["project_name"],
        "customer_id": values["customer_id"],
        "contract_no": values.get("contract_no") or "",
        "sla_version": values["sla_version"],
        "report_owner": values["project_owner"],
        "onsite_engineers": list(_rows(values, "onsite_engineers")),
        "frequency": values["frequency"],
        "devices": list(_rows(values, "devices")),
        "businesses": list(_rows(values, "businesses")),
        "starts_on": values["starts_on"],
        "ends_on": values["ends_on"],
    }


def _rows(values: Mapping[str, Any], name: str) -> list[Any]:
    found = values.get(name)
    return found if isinstance(found, list) else []


def _put(connection: Connection, table: Any, key: str, row: Mapping[str, Any]) -> None:
    changed = connection.execute(update(table).where(table.c.id == key).values(**row))
    if changed.rowcount == 0:
        connection.execute(insert(table).values(id=key, **row))


# --- refusals -----------------------------------------------------------------------------------------------------------
def _date_problems(values: Mapping[str, Any]) -> Iterable[str]:
    if date.fromisoformat(str(values["starts_on"])) > date.fromisoformat(str(values["ends_on"])):
        yield "结束日期早于开始日期"


def _code_problems(connection: Connection, values: Mapping[str, Any]) -> Iterable[str]:
    t = tables.code
    known = {(row.dimension, row.code) for row in connection.execute(select(t.c.dimension, t.c.code))}
    known |= {(r["dimension"], r["code"]) for r in _rows(values, "new_codes")}
    wanted = {"device": _rows(values, "devices"), "business": _rows(values, "businesses"), "customer": [values["customer_attribute"]]}
    for dimension, codes in wanted.items():
        missing = [str(c) for c in codes if (dimension, c) not in known]
        if missing:
            yield f"{texts.DIMENSIONS[dimension]}中没有编码 {texts.joined(missing)}，请在“新增编码”中登记"


def _sla_problems(connection: Connection, values: Mapping[str, Any]) -> Iterable[str]:
    for name, key in (("sla_times", "priority"), ("sla_targets", "metric_id")):
        keys = [row[key] for row in _rows(values, name)]
        if len(set(keys)) != len(keys):
            yield "同一优先级或同一指标出现了两次"
    held = _held(connection, values)
    if held != ([], []) and held != _wanted(values):
        yield f"SLA 版本 {values['sla_version']} 已有不同的内容，请用新的版本号"


def _known_sla(connection: Connection, values: Mapping[str, Any]) -> bool:
    return _held(connection, values) == _wanted(values)


def _held(connection: Connection, values: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    """Times and targets of this project's version as the tables hold them."""
    key = {"project_id": values["project_id"], "sla_version": values["sla_version"]}
    t, g = tables.sla_time, tables.sla_target
    times = select(t.c.priority, t.c.response_min, t.c.resolution_min, t.c.clock).filter_by(**key)
    targets = select(g.c.metric_id, g.c.target).filter_by(**key)
    return sorted(tuple(r) for r in connection.execute(times)), sorted(tuple(r) for r in connection.execute(targets))


def _wanted(values: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    times = [(r["priority"], r.get("response_min"), r.get("resolution_min"), r["clock"]) for r in _rows(values, "sla_times")]
    return sorted(times, key=lambda r: r[0]), sorted((r["metric_id"], float(r["target"])) for r in _rows(values, "sla_targets"))


# --- writing --------------------------------------------------------------------------------------------------------------
def _add_codes(connection: Connection, values: Mapping[str, Any]) -> None:
    t = tables.code
    for position, row in enumerate(_rows(values, "new_codes"), start=100):
        known = connection.execute(select(t.c.code).where(t.c.dimension == row["dimension"], t.c.code == row["code"])).first()
        if known is None:
            connection.execute(insert(t).values(dimension=row["dimension"], code=row["code"], title_zh=row["title"], position=position))


def _add_sla(connection: Connection, values: Mapping[str, Any]) -> None:
    key = {"project_id": values["project_id"], "sla_version": values["sla_version"]}
    for row in _rows(values, "sla_times"):
        limits = {name: row.get(name) for name in ("response_min", "resolution_min")}
        connection.execute(insert(tables.sla_time).values(**key, priority=row["priority"], clock=row["clock"], **limits))
    for position, row in enumerate(_rows(values, "sla_targets")):
        target = {"metric_id": row["metric_id"], "name": METRICS[row["metric_id"]], "target": row["target"], "position": position}
        connection.execute(insert(tables.sla_target).values(**key, **target))
