"""The modeler as a process owner uses it: properties, problems, drafts, files, deployment; under the strict CSP, without a console error."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from lxml import etree

import processes
from tests.support.bundle_pages import DIAGRAM, TOKEN

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
FLOWLEDGER = "{https://flowledger.org/bpmn/1.0}"
PACKED = sorted(Path(processes.__path__[0]).rglob("*.bpmn"))


def bodies(app, method: str, path: str) -> list[dict]:
    return [body for verb, url, _, body in app.extensions["requests"] if verb == method and url.startswith(path)]


def select(page, element_id: str) -> None:
    page.evaluate(
        "id => { const e = document.getElementById('modeler').editor; e.get('selection').select(e.get('elementRegistry').get(id)); }", element_id
    )
    page.wait_for_timeout(150)  # the panel renders in the next frame


def xml_of(page) -> etree._Element:
    text = page.evaluate("document.getElementById('modeler').editor.saveXML({format: true}).then(answer => answer.xml)")
    return etree.fromstring(text.encode())


def element(tree: etree._Element, element_id: str) -> etree._Element:
    [found] = tree.xpath("//*[@id=$id]", id=element_id)
    return found


def saved(page) -> None:
    page.wait_for_selector(".modeler-status[data-state=saved]")


@pytest.fixture
def page(open_page):
    page = open_page("/modeler")
    page.wait_for_selector("g[data-element-id=Write]")
    return page


def test_form_and_groups_are_chosen_from_the_servers_lists(page, app):
    select(page, "Write")
    page.get_by_label("表单").select_option("quality_check")
    page.get_by_label("服务台").check()
    page.get_by_label("到期").fill("P3D")
    saved(page)
    task = element(xml_of(page), "Write")
    assert task.get(FLOWLEDGER + "formKey") == "quality_check"
    assert task.get(FLOWLEDGER + "candidateGroups") == "project_manager, service_desk"
    assert task.get(FLOWLEDGER + "dueDate") == "P3D"
    [draft] = bodies(app, "PUT", "/modeler/drafts/new")
    assert (draft["revision"], draft["based_on"]) == (0, "report:1")
    assert 'flowledger:formKey="quality_check"' in draft["xml"]


def test_four_eyes_lists_the_other_user_tasks(page):
    select(page, "Check")
    box = page.get_by_label("编写报告")
    assert box.is_checked()
    box.uncheck()
    page.get_by_label("四眼原则：其他任务的编号").fill("Elsewhere")
    saved(page)
    assert element(xml_of(page), "Check").get(FLOWLEDGER + "excludes") == "Elsewhere"


def test_a_wrong_due_date_is_said_and_not_written(page):
    select(page, "Check")
    page.get_by_label("到期").fill("three days")
    page.wait_for_selector("text=须为时长")
    assert element(xml_of(page), "Check").get(FLOWLEDGER + "dueDate") == "P3D"


def test_handler_and_parameters_of_a_service_task(page):
    select(page, "Archive")
    page.get_by_label("处理程序").select_option("report.freeze")
    page.locator("[data-group-id=group-flowledger-parameters] .bio-properties-panel-add-entry").click()
    page.wait_for_timeout(200)
    saved(page)
    task = element(xml_of(page), "Archive")
    assert task.get(FLOWLEDGER + "handler") == "report.freeze"
    assert [parameter.get("name") for parameter in task.iter(FLOWLEDGER + "parameter")] == ["period", "parameter_2"]


def test_a_call_activity_passes_variables_by_name(page):
    page.evaluate(
        """() => { const e = document.getElementById('modeler').editor;
        const businessObject = e.get('bpmnFactory').create('bpmn:CallActivity', {id: 'Call'});
        const shape = e.get('elementFactory').createShape({type: 'bpmn:CallActivity', businessObject});
        e.get('modeling').createShape(shape, {x: 400, y: 500}, e.get('canvas').getRootElement()); }"""
    )
    select(page, "Call")
    page.get_by_label("流程编号").fill("other_process")
    saved(page)
    page.locator("[data-group-id=group-flowledger-mappingIn] .bio-properties-panel-add-entry").click()
    page.get_by_label("来源变量").fill("amount")
    page.get_by_label("目标变量").fill("sum")
    page.wait_for_selector(".modeler-status[data-state=dirty]")
    saved(page)
    call = element(xml_of(page), "Call")
    assert call.get("calledElement") == "other_process"
    [passed] = call.iter(FLOWLEDGER + "in")
    assert dict(passed.attrib) == {"source": "amount", "target": "sum"}


def test_an_awaited_message_is_correlated_and_its_content_named(page):
    page.evaluate(
        """() => { const e = document.getElementById('modeler').editor;
        const message = e.get('bpmnFactory').create('bpmn:Message', {id: 'Paid', name: 'paid'});
        e.getDefinitions().get('rootElements').push(message);
        const definition = e.get('bpmnFactory').create('bpmn:MessageEventDefinition', {id: 'WaitForIt', messageRef: message});
        const businessObject = e.get('bpmnFactory').create('bpmn:IntermediateCatchEvent', {id: 'Wait', eventDefinitions: [definition]});
        definition.$parent = businessObject;
        const shape = e.get('elementFactory').createShape({type: 'bpmn:IntermediateCatchEvent', businessObject});
        e.get('modeling').createShape(shape, {x: 400, y: 500}, e.get('canvas').getRootElement()); }"""
    )
    select(page, "Wait")
    page.evaluate("document.querySelectorAll('.bio-properties-panel-group-header:not(.open) [title]').forEach(header => header.click())")
    page.get_by_label("关联键").fill("${order}")
    page.get_by_label("消息内容放入变量").fill("payment")
    saved(page)
    tree = xml_of(page)
    assert element(tree, "Paid").get(FLOWLEDGER + "correlationKey") == "${order}"
    assert element(tree, "Wait").find(BPMN + "messageEventDefinition").get(FLOWLEDGER + "variable") == "payment"


def test_making_a_flow_the_default_removes_its_condition_and_undo_brings_it_back(page):
    select(page, "f4")
    assert page.get_by_label("条件表达式").input_value() == "approved"
    page.get_by_label("默认路径").check()
    saved(page)
    tree = xml_of(page)
    assert element(tree, "Decide").get("default") == "f4"
    assert element(tree, "f4").find(BPMN + "conditionExpression") is None
    page.get_by_role("button", name="撤销").click()
    assert element(xml_of(page), "f4").findtext(BPMN + "conditionExpression") == "approved"


def test_attributes_of_other_modelers_are_kept_and_named(page):
    select(page, "Write")
    assert "camunda:assignee=“${owner}”" in page.locator("[data-entry-id=flowledger-assignee]").inner_text()
    tree = xml_of(page)
    assert element(tree, "Write").get("{http://camunda.org/schema/1.0/bpmn}assignee") == "${owner}"
    inner = [child.tag for child in element(tree, "Archive").find(BPMN + "extensionElements")]
    assert inner == [
        FLOWLEDGER + "parameter",
        "{http://camunda.org/schema/zeebe/1.0}taskDefinition",
        "{http://operaton.org/schema/1.0/bpmn}field",
        "{http://spiffworkflow.org/bpmn/schema/1.0/core}postScript",
    ]


def canonical(node: etree._Element) -> object:
    """Everything of the semantic model that a round trip must keep; the order of children of different kinds may change."""
    text = (node.text or "").strip()
    attributes = tuple(sorted((name, value) for name, value in node.attrib.items() if name not in {"exporter", "exporterVersion"}))
    children = sorted(
        (canonical(child) for child in node if isinstance(child.tag, str) and "omg.org/spec/BPMN/20100524/DI" not in child.tag), key=repr
    )
    return (node.tag, attributes, text, tuple(children))


@pytest.mark.parametrize("file", [DIAGRAM, *PACKED], ids=lambda path: path.name)
def test_opening_and_exporting_loses_nothing(page, file):
    xml = file.read_text(encoding="utf-8")
    warnings = page.evaluate(
        "xml => document.getElementById('modeler').editor.importXML(xml).then(answer => answer.warnings.map(one => one.message))", xml
    )
    assert warnings == []
    assert canonical(xml_of(page)) == canonical(etree.fromstring(xml.encode()))


def test_the_way_to_a_finding_of_the_soundness_check_is_drawn(page):
    page.locator(".problems summary").click()
    page.get_by_role("button", name="检查健全性").click()
    page.wait_for_selector(".soundness-trace")
    assert "发现 1 处问题。 已检查全部 7 个状态。" in page.locator(".soundness-result").inner_text()
    page.locator(".soundness").get_by_role("button", name="归档").click()
    marked = page.eval_on_selector_all(".soundness-way", "found => found.map(one => one.dataset.elementId)")
    assert set(marked) == {"Archive", "Start", "Write", "f1"}
    colours = page.eval_on_selector_all("[data-element-id=f1] .djs-visual > path", "found => found.map(one => getComputedStyle(one).stroke)")
    assert colours == ["rgb(180, 83, 9)"]
    assert page.locator(".soundness-here").get_attribute("data-element-id") == "Archive"
    page.evaluate(
        "() => { const e = document.getElementById('modeler').editor; e.get('modeling').updateLabel(e.get('elementRegistry').get('Write'), 'x'); }"
    )
    page.wait_for_function("() => !document.querySelector('.soundness-way, .soundness-trace')")  # a changed diagram may have other flaws


def test_problems_of_the_server_lead_to_their_element(page):
    page.locator(".problems summary").click()
    assert "没有名为 report.archive 的处理程序" in page.locator(".problems-list").inner_text()
    page.locator(".problems-list").get_by_role("button", name="归档").click()
    assert page.evaluate("document.getElementById('modeler').editor.get('selection').get().map(one => one.id)") == ["Archive"]


def test_browsers_own_rules_speak_chinese(page):
    page.evaluate(
        """() => { const e = document.getElementById('modeler').editor;
        e.get('modeling').createShape({type: 'bpmn:UserTask'}, {x: 400, y: 500}, e.get('canvas').getRootElement()); }"""
    )
    page.wait_for_selector(".problems-list li:has-text('元素没有连线。')", state="attached")
    saved(page)


def test_import_replaces_the_diagram_after_asking(page, tmp_path):
    file = tmp_path / "other.bpmn"
    file.write_text(DIAGRAM.read_text(encoding="utf-8").replace("服务报告", "另一个流程"), encoding="utf-8")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("dialog").get_by_role("button", name="替换").click()
    page.wait_for_selector(".modeler-title:has-text('另一个流程')")
    saved(page)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>', "DOCTYPE"),
        ("<definitions", "无法导入"),
        ("x" * (2 * 1024 * 1024 + 1), "2 MB"),
    ],
    ids=["doctype", "malformed", "too large"],
)
def test_bad_files_are_refused_and_the_diagram_stays(page, tmp_path, content, reason):
    file = tmp_path / "bad.bpmn"
    file.write_text(content, encoding="utf-8")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("dialog").get_by_role("button", name="替换").click()
    page.wait_for_selector(f".alert-danger:has-text('{reason}')")
    assert element(xml_of(page), "Write") is not None


def test_export_downloads_bpmn_and_svg(page):
    with page.expect_download() as download:
        page.get_by_role("button", name="导出 BPMN").click()
    assert download.value.suggested_filename == "report.bpmn"
    assert etree.parse(download.value.path()).getroot().tag == BPMN + "definitions"
    with page.expect_download() as download:
        page.get_by_role("button", name="导出 SVG").click()
    assert etree.parse(download.value.path()).getroot().tag.endswith("svg")


def test_someone_elses_newer_draft_stops_saving_and_offers_ways_out(open_page, app):
    page = open_page("/modeler", allow=("409",))
    page.wait_for_selector("g[data-element-id=Write]")
    app.extensions["revision"] = 5
    select(page, "Write")
    page.get_by_label("优先级").fill("80")
    dialog = page.get_by_role("dialog")
    assert "王芳 has saved a newer draft" in dialog.inner_text()
    dialog.get_by_role("button", name="继续编辑").click()
    assert page.locator(".modeler-status").get_attribute("data-state") == "failed"


def test_unsaved_work_survives_a_server_that_is_gone(browser, app, address):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}/modeler")
    page.wait_for_selector("g[data-element-id=Write]")
    page.route("**/modeler/drafts/**", lambda route: route.abort())
    select(page, "Write")
    page.get_by_label("优先级").fill("77")
    page.wait_for_selector(".modeler-status[data-state=failed]")
    page.on("dialog", lambda dialog: dialog.accept())
    page.unroute("**/modeler/drafts/**")
    page.reload()
    page.get_by_role("dialog").get_by_role("button", name="恢复这些改动").click()
    page.wait_for_selector(".modeler-status[data-state=saved]")
    assert element(xml_of(page), "Write").get(FLOWLEDGER + "priority") == "77"
    context.close()


def test_leaving_with_unsaved_changes_warns(browser, address):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}/modeler")
    page.wait_for_selector("g[data-element-id=Write]")
    page.route("**/modeler/drafts/**", lambda route: route.abort())
    select(page, "Write")
    page.get_by_label("优先级").fill("77")
    page.wait_for_selector(".modeler-status[data-state=failed]")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.get_by_role("link", name="返回").click()
    page.wait_for_timeout(200)
    assert asked == ["beforeunload"]
    assert page.url.endswith("/modeler")
    context.close()


def test_deployment_needs_a_comment_and_goes_to_the_new_version(page, app):
    page.get_by_role("button", name="部署").click()
    dialog = page.get_by_role("dialog")
    assert "第 2 版" in dialog.inner_text()
    dialog.get_by_role("button", name="部署").click()
    assert "请写一句说明。" in dialog.inner_text()
    dialog.get_by_role("textbox").fill("增加复核任务")
    dialog.get_by_role("button", name="部署").click()
    page.wait_for_url("**/viewer")
    [(_, _, headers, body)] = [request for request in app.extensions["requests"] if request[1] == "/modeler/deploy"]
    assert (body["comment"], body["based_on"]) == ("增加复核任务", "report:1")
    assert headers["X-Csrf-Token"] == TOKEN


def test_a_refused_deployment_lists_the_problems(open_page):
    page = open_page("/modeler?lang=en", allow=("422",))
    page.wait_for_selector("g[data-element-id=Write]")
    page.get_by_role("button", name="Deploy").click()
    page.get_by_role("dialog").get_by_role("textbox").fill("refuse")
    page.get_by_role("dialog").get_by_role("button", name="Deploy").click()
    page.wait_for_selector(".alert-danger:has-text('nothing was deployed')")
    assert "No form." in page.locator(".problems-list").inner_text()


def test_an_empty_modeler_starts_with_a_start_event(open_page):
    page = open_page("/modeler?empty=1")
    page.wait_for_selector("g[data-element-id=start_event]")
    tree = xml_of(page)
    assert tree.find(BPMN + "process").get("isExecutable") == "true"


@pytest.mark.parametrize("element_id", ["Write", "Archive", "f4", "Decide"])
def test_everything_shown_is_translated_and_accessible(page, element_id):
    select(page, element_id)
    page.evaluate("document.querySelectorAll('.bio-properties-panel-group-header:not(.open) [title]').forEach(header => header.click())")
    page.wait_for_timeout(200)
    assert page.evaluate("[...document.getElementById('modeler').untranslated]") == []
    titles = page.evaluate("[...document.querySelectorAll('.modeler-properties [title]')].filter(one => one.offsetParent).map(one => one.title)")
    assert [title for title in titles if title and title.isascii()] == []
    found = [one for one in Axe().run(page).response["violations"] if {"wcag2a", "wcag2aa"} & set(one["tags"])]
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []
