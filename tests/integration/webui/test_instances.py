"""The auditor's and the operator's pages: path, records, replay, export, verification, acts that stand in the history."""

from __future__ import annotations

import hashlib
import json

import pytest
import sqlalchemy as sa

from engine.model.values import canonical
from engine.store.tables import record


def text(answer):
    return answer.get_data(as_text=True)


@pytest.fixture
def returned(signed_in, purchase):
    """An instance whose check was refused with a remark."""
    instance, task = purchase("PO-returned")
    staff = signed_in("staff")
    staff.get(f"/tasks/{task}")
    assert staff.post(f"/tasks/{task}", {"approved": "false", "remark": "太贵", "_action": "submit"}).status_code == 303
    return instance


def test_the_page_explains_the_path(signed_in, returned):
    page = text(signed_in("auditor").get(f"/instances/{returned}"))
    assert "staff 甲完成了“项目经理审核”" in page
    assert "approved == False 成立（approved = false）" in page
    assert "验证通过" in page
    assert "修改申请" in page


def test_frames_follow_the_contract(signed_in, returned):
    auditor = signed_in("auditor")
    frame = auditor.get(f"/instances/{returned}/frames/2.json").json
    assert frame["seq"] == 2
    assert frame["verified"] is True
    assert frame["form"] == [{"label": "同意", "value": False}, {"label": "意见", "value": "太贵"}]
    assert frame["active"] == {"Revise": 1}
    assert frame["flows"]["f4"] == 1
    assert {"name": "remark", "after": "太贵"} in frame["changes"], "a new variable has no `before`"
    assert auditor.get(f"/instances/{returned}/frames/99.json").status_code == 404


def test_replay_without_javascript_is_a_list(signed_in, returned):
    page = text(signed_in("auditor").get(f"/instances/{returned}/replay?list=1"))
    assert "记录 1" in page
    assert "记录 2" in page
    assert "太贵" in page


def test_the_export_can_be_checked_without_us(signed_in, returned):
    answer = signed_in("auditor").get(f"/instances/{returned}/records.jsonl")
    previous = ""
    for line in text(answer).splitlines():
        entry = json.loads(line)
        assert hashlib.sha256(b"flowledger record v1\n" + canonical(entry["body"])).hexdigest() == entry["hash"]
        assert entry["body"]["previous"] == previous
        previous = entry["hash"]


def test_a_changed_record_shows(signed_in, returned, engine):
    auditor = signed_in("auditor")
    where = (record.c.instance_id == returned, record.c.seq == 2)
    with engine.app.store.begin(write=True) as connection:
        body = connection.scalar(sa.select(record.c.body).where(*where))
        connection.execute(record.update().where(*where).values(body=body.replace("太贵".encode(), "便宜".encode())))
    page = text(auditor.get(f"/instances/{returned}"))
    assert "验证不通过" in page
    assert "历史记录未通过验证" in text(auditor.get(f"/instances/{returned}/verify"))
    with engine.app.store.begin(write=True) as connection:
        connection.execute(record.update().where(*where).values(body=body))
    assert "全部 2 条记录验证通过" in text(auditor.get(f"/instances/{returned}/verify"))


def test_an_operator_cancels_with_a_reason(signed_in, purchase, engine):
    instance, task = purchase()
    operator = signed_in("operator")
    operator.get(f"/instances/{instance}")
    assert operator.post(f"/instances/{instance}/cancel", {"reason": " "}).status_code == 400
    assert operator.post(f"/instances/{instance}/cancel", {"reason": "重复申请"}).status_code == 303
    assert engine.instance(instance).state == "cancelled"
    assert "重复申请" in text(operator.get(f"/instances/{instance}"))
    assert "此任务已撤回" in text(operator.get(f"/tasks/{task}"))


def test_an_operator_changes_a_variable(signed_in, purchase, engine):
    instance, _ = purchase()
    operator = signed_in("operator")
    data = {"name": "amount", "value": "5", "reason": "录入错误"}
    assert operator.post(f"/instances/{instance}/variables", data | {"value": "NaN"}).status_code == 400
    assert operator.post(f"/instances/{instance}/variables", data).status_code == 303
    assert engine.variables(instance)["amount"] == 5


def test_lists_page_by_key(signed_in, purchase):
    for n in range(3):
        purchase(f"PO-page-{n}")
    auditor = signed_in("auditor")
    assert "PO-page-2" in text(auditor.get("/instances?q=PO-page-"))
    assert "没有符合条件的流程实例" in text(auditor.get("/instances?q=no-such-thing"))
    assert auditor.get("/instances?cursor=rubbish").status_code == 400


def test_lists_as_csv_hold_no_formula(signed_in, purchase):
    purchase("=1+1")
    answer = signed_in("auditor").get("/instances/list.csv?q=%3D1%2B1")
    lines = answer.data.decode("utf-8-sig").splitlines()
    assert answer.mimetype == "text/csv"
    assert lines[0].startswith("业务编号,流程,版本,状态")
    assert lines[1].startswith("'=1+1,采购申请,1,进行中")
    assert len(lines) == 2
    mine = signed_in("staff").get("/worklist.csv?q=%3D1%2B1").data.decode("utf-8-sig").splitlines()
    assert mine[1].split(",")[2] == "'=1+1"
