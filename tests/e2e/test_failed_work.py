"""Work outside of instances that failed for good, as an operator sees it: readable, and thrown away only after a confirmation, also without JavaScript."""

from __future__ import annotations

from datetime import UTC, datetime

from playwright.sync_api import expect

from engine.ports import Due
from tests.e2e.conftest import SignIn
from tests.e2e.crawling import Crawl, application
from tests.e2e.installation import Site

KINDS = (("mail", None), ("periodic", "some.work"), ("message", None))


def test_failed_work_is_thrown_away_without_scripts(site: Site, sign_in: SignIn) -> None:
    past = datetime(2026, 1, 5, tzinfo=UTC)
    parameters = {"text": "R/PT1H"}
    site.fail(*(Due(f"{kind}-e2e", kind, None, None, "", handler, parameters, past, 3, 3, state="failed") for kind, handler in KINDS))
    admin = sign_in("admin", javascript=False)
    admin.goto("/incidents")
    failed = admin.locator("section[aria-labelledby=stuck-heading] tr")
    row, message = failed.filter(has_text="发给个人的邮件"), failed.filter(has_text="发送中的消息")
    expect(message).to_have_count(1)
    expect(message.locator("summary", has_text="丢弃")).to_have_count(0)
    row.locator("summary", has_text="丢弃").click()
    throw = row.locator("details", has_text="丢弃")
    throw.locator("[name=reason]").fill("地址已停用")
    throw.locator("button").click()
    expect(row).to_have_count(1)  # the browser asks for the box to be ticked
    throw.locator("[name=sure]").check()
    throw.locator("button").click()
    expect(admin.locator("#notices")).to_contain_text("已丢弃")
    expect(row).to_have_count(0)
    expect(admin.locator("section[aria-labelledby=acts-heading]")).to_contain_text("地址已停用")

    walk = Crawl(sign_in("admin"), site.address, application().url_map.bind("localhost"))
    walk.look("/incidents", "failed-work")
    assert walk.faults == []
