"""Every page of the product, in Chinese and English, at 1440 and 390 pixels: readable, without errors, accessible."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.e2e.conftest import SignIn, listen
from tests.e2e.crawling import Crawl, application
from tests.e2e.form_filling import submit
from tests.e2e.installation import Site
from tests.e2e.trips import fill_request, instance_path, start_trip

# Who looks at which pages. Together they are every address that GET reaches, but for those in ELSEWHERE.
PAGES: dict[str, tuple[str, ...]] = {
    "pm": ("worklist.show", "tasks.show", "start.index", "start.form", "history.mine", "account.settings", "account.tokens"),
    "owner": ("definitions.index", "definitions.show", "help.conformance", "modeler.index", "modeler.new", "modeler.edit", "modeler.draft"),
    "auditor": ("instances.index", "instances.show", "instances.verify", "replay.show", "administration.incidents", "administration.users"),
    "desk": ("service_report.archive", "service_report.archive_item", "service_report.callbacks", "service_report.nonce"),
    "qa": ("service_report.figures", "service_report.numerator", "service_report.imports", "service_report.preview", "service_report.import_result"),
    "admin": (
        *("administration.index", "administration.new_user", "administration.user"),
        *("operations.index", "operations.new", "operations.show", "mending.element", "migration.plan"),
    ),
}
ELSEWHERE = {
    "static": "files",
    "health.live": "JSON",
    "health.ready": "JSON",
    "metrics.show": "figures for Prometheus",
    "home.index": "leads to the worklist or the sign-in page",
    "account.login": "looked at without an account",
    "definitions.xml": "XML",
    "definitions.export": "download",
    "definitions.file": "download",
    "instances.export": "download",
    "instances.table": "download",
    "worklist.table": "download",
    "instances.attachment": "download",
    "instances.blob": "download",
    "replay.frame": "JSON",
    "service_report.archive_file": "download",
    "service_report.draw": "looked at in test_service_report, where there is one",
    "service_report.chart": "SVG",
    "service_report.rejects": "download",
}
TICKETS = "工单编号,流程,标题,优先级,创建时间,解决时间,关闭时间\nE2E-1,事件,摄像头黑屏,高,2026-10-03 09:00,2026-10-03 11:00,2026-10-03 12:00\nE2E-2,事件,时间不对,中,昨天,,\n"


@pytest.fixture(scope="module")
def routes() -> Any:
    return application().url_map.bind("localhost")


def test_every_address_has_somebody_who_looks(routes: Any) -> None:
    pages = {r.endpoint for r in routes.map.iter_rules() if "GET" in (r.methods or ()) and not r.endpoint.startswith("api")}
    assert pages == {e for looked in PAGES.values() for e in looked} | set(ELSEWHERE)


@pytest.fixture
def crawl(sign_in: SignIn, site: Site, routes: Any) -> Iterator[Any]:
    walks: list[Crawl] = []

    def begin(user: str) -> Crawl:
        walks.append(Crawl(sign_in(user), site.address, routes))
        return walks[-1]

    yield begin
    assert [fault for walk in walks for fault in walk.faults] == []


def covered(walk: Crawl, user: str) -> None:
    """What the walk found by links, so that no page is an island."""
    assert set(PAGES[user]) - set(walk.visited.values()) == set()


def test_staff(crawl: Any) -> None:
    walk = crawl("pm")
    start_trip(walk.page, "CRAWL-1")
    walk.routes = Only(walk.routes, PAGES["pm"])
    walk.walk("/worklist")
    covered(walk, "pm")


def test_process_owner(crawl: Any) -> None:
    walk = crawl("owner")
    walk.page.goto("/modeler")
    diagram = {"name": "草稿.bpmn", "mimeType": "text/xml", "buffer": DRAFT.encode()}
    walk.page.set_input_files("#file", diagram)
    with walk.page.expect_navigation():
        walk.page.locator("form:has(#file) button").click()
    walk.routes = Only(walk.routes, PAGES["owner"])
    walk.walk("/definitions")
    covered(walk, "owner")


def test_auditor(crawl: Any, sign_in: SignIn) -> None:
    pm = sign_in("pm")
    task = start_trip(pm, "CRAWL-2")
    pm.fill("#comment", "请核对**预算**。")
    with pm.expect_navigation():
        pm.locator("form:has(#comment) button").click()
    pm.set_input_files("#file", {"name": "日程.txt", "mimeType": "text/plain", "buffer": b"1"})
    with pm.expect_navigation():
        pm.locator("form:has(#file) button").click()
    fill_request(pm, "7000")
    submit(pm)
    pm.goto("/start/stuck")
    with pm.expect_navigation():
        pm.locator("main form button[value=submit]").click()
    walk = crawl("auditor")
    walk.routes = Only(walk.routes, PAGES["auditor"])
    walk.walk(instance_path(task), "/incidents", "/administration/users")
    covered(walk, "auditor")


def test_service_desk(crawl: Any, sign_in: SignIn) -> None:
    walk = crawl("desk")
    walk.routes = Only(walk.routes, PAGES["desk"])
    walk.walk("/service-report/archive", "/service-report/callbacks", "/service-report/callbacks/nonce")
    covered(walk, "desk")


def test_quality_administrator(crawl: Any) -> None:
    walk = crawl("qa")
    page = walk.page
    page.goto("/service-report/imports")
    page.select_option("#preset", "chinese")
    page.set_input_files("input[type=file]", {"name": "工单.csv", "mimeType": "text/csv", "buffer": TICKETS.encode()})
    with page.expect_navigation():
        page.locator("form:has(input[type=file]) button").last.click()
    preview = page.url
    walk.routes = Only(walk.routes, PAGES["qa"])
    walk.look(preview, "service_report.preview")
    page.goto(preview)
    with page.expect_navigation():
        page.locator("main form button").last.click()
    walk.walk("/service-report/figures", "/service-report/imports")
    walk.visited[preview] = "service_report.preview"
    covered(walk, "qa")


def test_administrator(crawl: Any, sign_in: SignIn) -> None:
    pm = sign_in("pm")
    pm.goto("/start/stuck")
    with pm.expect_navigation():
        pm.locator("main form button[value=submit]").click()
    walk = crawl("admin")
    walk.page.goto("/incidents")
    mending = walk.page.locator("a[href*='/elements/']").first.get_attribute("href")
    walk.page.goto("/operations/new/stuck:1")
    walk.page.select_option("#act", "retry")
    walk.page.fill("#reason", "试一次")
    with walk.page.expect_navigation():
        walk.page.locator("main form button").last.click()
    walk.routes = Only(walk.routes, PAGES["admin"])
    walk.walk(
        "/administration",
        "/administration/users/new",
        "/administration/users/pm",
        "/operations",
        "/operations/new/stuck:1",
        "/definitions/stuck:1/migration",
        mending,
    )
    covered(walk, "admin")


def test_nobody(site: Site, browser: Browser, routes: Any, complaints: list[str]) -> None:
    context = browser.new_context(base_url=site.address)
    page = context.new_page()
    listen(page, complaints)
    walk = Crawl(page, site.address, routes)
    walk.look("/login", "account.login")
    context.close()
    assert walk.faults == []


def test_refusals(crawl: Any) -> None:
    walk = crawl("pm")
    walk.look("/instances/nothing-here", "error-404", status=404)
    walk.look("/administration", "error-403", status=403)


class Only:
    """A map of addresses cut down to some endpoints, so that each person looks at what is theirs."""

    def __init__(self, routes: Any, endpoints: tuple[str, ...]) -> None:
        self._routes, self._endpoints = routes, endpoints

    def match(self, path: str, method: str) -> Any:
        """As werkzeug's, but only `endpoints`."""
        from werkzeug.exceptions import NotFound

        found = self._routes.match(path, method=method)
        if found[0] not in self._endpoints:
            raise NotFound
        return found


DRAFT = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" id="d" targetNamespace="t">
<process id="drafted" name="草稿" isExecutable="true"><startEvent id="s"/><userTask id="t" name="办理"/><endEvent id="e"/>
<sequenceFlow id="f1" sourceRef="s" targetRef="t"/><sequenceFlow id="f2" sourceRef="t" targetRef="e"/></process>
<bpmndi:BPMNDiagram id="g"><bpmndi:BPMNPlane id="p" bpmnElement="drafted">
<bpmndi:BPMNShape id="s_di" bpmnElement="s"><dc:Bounds x="100" y="100" width="36" height="36"/></bpmndi:BPMNShape>
<bpmndi:BPMNShape id="t_di" bpmnElement="t"><dc:Bounds x="200" y="78" width="100" height="80"/></bpmndi:BPMNShape>
<bpmndi:BPMNShape id="e_di" bpmnElement="e"><dc:Bounds x="360" y="100" width="36" height="36"/></bpmndi:BPMNShape>
</bpmndi:BPMNPlane></bpmndi:BPMNDiagram></definitions>"""
