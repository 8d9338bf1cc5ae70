"""Where people are told of their tasks, and of which: under Settings by themselves, under Accounts by administrators."""

from __future__ import annotations


def test_where_and_of_what_one_is_told_is_chosen_under_settings(signed_in, flowledger):
    staff = signed_in("staff")
    data = {"language": "zh", "time_zone": "Asia/Shanghai", "email": "staff@example.com", "notify": "all"}
    assert staff.post("/settings", data).status_code == 303
    found = flowledger.accounts.profile("staff")
    assert (found.email, found.notify) == ("staff@example.com", "all")
    page = staff.get("/settings").get_data(as_text=True)
    assert 'value="staff@example.com"' in page
    assert '<option value="all" selected>' in page
    refused = staff.post("/settings", {**data, "email": "nobody"})
    assert refused.status_code == 422
    assert "这不是有效的邮箱地址" in refused.get_data(as_text=True)
    assert flowledger.accounts.profile("staff").email == "staff@example.com"


def test_administrators_give_addresses_and_leave_the_choice(signed_in, flowledger):
    administrator = signed_in("administrator")
    administrator.get("/administration/users/stranger")
    data = {"user_id": "stranger", "name": "外人丙", "roles": "staff", "active": "1", "language": "zh", "time_zone": "Asia/Shanghai"}
    assert administrator.post("/administration/users", {**data, "email": "x@example.com"}).status_code == 303
    found = flowledger.accounts.profile("stranger")
    assert (found.email, found.notify) == ("x@example.com", "mine")
    assert administrator.post("/administration/users", {**data, "email": "x@@"}).status_code == 422
