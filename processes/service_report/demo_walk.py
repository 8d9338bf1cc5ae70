"""Walks one demonstration report through the real process, as the demonstration accounts would by their forms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from engine.model.actors import SYSTEM, Actor
from engine.model.commands import Complete, Start
from engine.model.views import TaskFilter

PEOPLE = {
    "pm": "project_manager",
    "qa": "quality_admin",
    "rd": "rd_centre",
    "eng": "engineering",
    "mgr1": "dept_manager",
    "mgr2": "dept_manager",
    "desk": "service_desk",
}


def actor(user: str) -> Actor:
    """The account with its group."""
    return Actor(user, user, frozenset({PEOPLE[user]}), frozenset({"staff"}))


class Walk:
    """One report on its way. `go(way)`: archived, returned_then_archived, special, returned, overdue, in_review."""

    def __init__(self, engine: Any, start: Mapping[str, Any]) -> None:
        self.engine = engine
        self.start = start
        done = engine.execute(Start("service_report", start), actor("pm"))
        self.instance = str(done.instance_id)
        engine.run_due()

    def go(self, way: str) -> None:
        """Complete user tasks until the way ends."""
        self.identify()
        if way == "overdue":
            return
        self.write(special=way == "special")
        if way == "returned":
            self.check("return")
            return
        self.check("pass")
        if way == "in_review":
            self.review("rd", "pass")
            return
        if way == "returned_then_archived":
            self.review("rd", "return")
            self.review("eng", "pass")
            self.write(special=False)
            self.check("pass")
        self.review("rd", "pass")
        self.review("eng", "pass")
        self.approve(way)
        self.deliver()
        self.archive()

    # --- steps -----------------------------------------------------------------------------------------------------------
    def identify(self) -> None:
        """F04."""
        values = {
            "decision_supported": "是否按现有人员与备件继续保障，是否更换故障集中的组件。",
            "audience": [{"party": "客户信息部门", "name": "联系人"}, {"party": "研发中心和工程部"}],
            "types": ["reactive", "proactive", "forward"],
            "metrics": [{"included": True} for _ in self.variables()["metrics"]],
            "customer_concerns": [{"concern": "重复发生的故障有没有根治？"}, {"concern": "夜间和节假日有没有人响应？"}],
        }
        self.complete("identify", "pm", values)

    def write(self, *, special: bool) -> None:
        """F05, with sentences made from the figures."""
        shown = self.variables()
        missed = [row for row in shown["sla_results"] if row["result_text"] == "未达成"]
        facts = str(shown["analysis_text"]).split("\n")
        values: dict[str, Any] = {
            "summary": f"{facts[0]}{'服务级别全部达成。' if not missed else '未达成：' + '、'.join(r['name'] for r in missed) + '，原因与措施见后。'}",
            "overall_rating": ("green", "amber", "red")[min(len(missed), 2)],
            "completeness": {
                "time": f"报告期 {shown['period_text']}。",
                "event": facts[0],
                "quantity": facts[1],
                "people": "驻点工程师 2 人，二线支持 3 人，项目经理 1 人。",
                "environment": "机房温度 22 至 25 摄氏度，湿度 45% 至 55%，供电正常。",
                "summary": "运行总体平稳，重点关注故障集中的组件。",
            },
            "customer_concerns": [
                {"answer": "已列出重复故障的组件，更换计划见下期变更。", "section": "6"},
                {"answer": "全天候值守，响应及时率见服务级别一节。", "section": "2"},
            ],
            "breach_notes": [
                {"subject": r["name"], "cause": "备件到货延迟，二线排队。", "action": "常备易损件，二线增加一个班次。", "owner": "刘洋"}
                for r in missed
            ],
            "plan_workload": [{"item": "例行巡检", "hours": 24}, {"item": "备件盘点", "hours": 6}],
            "plan_changes": [{"change": "更换故障集中的组件", "on": self.later(20), "risk": "短时中断，夜间实施"}],
            "plan_events": [{"on": self.later(12), "event": "业务高峰，增派值守"}],
            "suggestions": "建议为故障集中的组件安排整机更换，并复核备件清单。",
            "algorithm_notes": "及时率 = 按时完成的工单 ÷ 可计量的工单；区间表示样本多少带来的不确定。",
            "valid_until": self.later(90),
            "special_case": special,
        }
        if special:
            values["special_reason"] = "解决及时率连续未达标，客户已书面询问，需两位经理亲自审批。"
        self.complete("write", "pm", values)

    def check(self, decision: str) -> None:
        """F08."""
        values: dict[str, Any] = {"format_ok": True, "complete_ok": decision == "pass", "timely_ok": True, "figures_ok": True}
        values["quality_decision"] = decision
        if decision == "return":
            values["quality_remarks"] = "未说明 MAS 终端短信延迟的原因，请补充后重新提交。"
        self.complete("quality_check", "qa", values)

    def review(self, who: str, decision: str) -> None:
        """F07 of one department."""
        values: dict[str, Any] = {f"{who}_{q}": 4 for q in ("timely", "clear", "reliable", "concise")}
        values |= {f"{who}_meets_needs": True, f"{who}_reflects_state": True, f"{who}_decision": decision, f"{who}_special": False}
        if decision == "return":
            values[f"{who}_reason"] = "趋势一节没有解释受理量上升的原因，请补充。"
        self.complete(f"review_{who}", who, values)

    def approve(self, way: str) -> None:
        """By one manager, or by both in a special case."""
        if way != "special":
            self.complete("approve", "mgr1", {"approval_decision": "approve"})
            return
        for manager in ("mgr1", "mgr2"):
            values = {"special_decision": "approve", "special_comment": "同意，备件与班次安排已确认。"}
            self.complete("approve_special", manager, values)

    def deliver(self) -> None:
        """Delivery and receipt."""
        values = {"delivery_channel": "email", "delivered_on": self.later(0), "recipient": "客户联系人", "received_on": self.later(0)}
        self.complete("deliver", "pm", {**values, "receipt_comment": "已收到，内容清楚。"})

    def archive(self) -> None:
        """The service desk confirms what the project's data propose."""
        shown = self.variables()
        facets = [{"applies": row["applies"]} for row in shown["facets"]]
        self.complete("confirm_archive", "desk", {"facets": facets, "retention": shown["retention"], "archive_confirmed": True})

    # --- engine ------------------------------------------------------------------------------------------------------------
    def complete(self, element: str, user: str, values: Mapping[str, Any]) -> None:
        """The open task of the element that is the user's, or offered to the user's group."""
        with self.engine.reading() as read:
            rows = read.worklist(SYSTEM, TaskFilter(view="every", instance_id=self.instance)).rows
        task = next(t for t in rows if t.element_id == element and t.assignee in (None, user))
        self.engine.execute(Complete(task.id, values), actor(user))
        self.engine.run_due()

    def variables(self) -> dict[str, Any]:
        """Of the instance."""
        with self.engine.reading() as read:
            return dict(read.variables(SYSTEM, self.instance))

    def later(self, days: int) -> str:
        """An ISO day from now."""
        today: date = self.engine.clock.now().date()
        return (today + timedelta(days=days)).isoformat()
