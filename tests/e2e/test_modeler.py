"""The process owner draws: a task more, the next version, which new instances take and running ones do not; drafts; files of others."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.e2e.conftest import SignIn
from tests.e2e.trips import instance_path, task_path

READY = "#modeler .djs-container > svg"


def start_handover(page: Page, key: str) -> str:
    """Start one; the path of its first task."""
    page.goto("/start/handover")
    page.fill("#business_key", key)
    with page.expect_navigation():
        page.locator("main form button[value=submit]").click()
    return task_path(page)


def complete(page: Page, task: str) -> None:
    """A task without a form."""
    page.goto(task)
    with page.expect_navigation():
        page.locator("main form button[value=submit]").click()


def middle(page: Page, element: str) -> tuple[float, float]:
    """Where an element of the drawing lies on the screen."""
    box = page.locator(f'#modeler .djs-element[data-element-id="{element}"]').bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_task_more_in_version_two(sign_in: SignIn) -> None:
    pm = sign_in("pm")
    running = start_handover(pm, "V1")
    owner = sign_in("owner")
    owner.goto("/processes/handover")
    owner.get_by_role("link", name="在建模器中打开").click()
    owner.locator(READY).wait_for()

    # A task from the palette, dropped on the flow, named at once.
    owner.locator('.djs-palette [data-action="create.task"]').click()
    x, y = middle(owner, "f2")
    owner.mouse.move(x, y, steps=8)
    owner.mouse.click(x, y)
    owner.keyboard.type("主管复核")
    owner.mouse.click(x, y + 200)
    expect(owner.locator("#modeler .djs-visual", has_text="主管复核")).to_be_visible()
    drawn = owner.locator("#modeler .djs-shape", has_text="主管复核")
    if "selected" not in (drawn.get_attribute("class") or ""):  # a click on the selected element would deselect it
        drawn.click()
    expect(owner.locator("#modeler .djs-shape.selected", has_text="主管复核")).to_be_visible()
    owner.keyboard.press("r")  # bpmn-js: change the element's type
    owner.locator('.djs-popup [data-id="replace-with-user-task"]').click()

    # Who may do it.
    managers = owner.locator(".modeler-properties label", has_text="研发中心和工程部经理")
    if not managers.is_visible():
        owner.locator(".modeler-properties .bio-properties-panel-group-header", has_text="用户任务").click()
    managers.click()
    owner.locator('[data-action="check"]').click()
    expect(owner.locator(".modeler-problems .is-error, .modeler-problems [data-severity=error]")).to_have_count(0)

    owner.locator('[data-action="deploy"]').click()
    owner.fill("#deploy-comment", "移交前由主管复核")
    with owner.expect_navigation(url="**/processes/handover*"):
        owner.locator("dialog[open] button[value=deploy]").click()
    expect(owner.locator("h1")).to_contain_text("第 2 版")
    expect(owner.locator("#versions-heading + div")).to_contain_text("移交前由主管复核")

    complete(pm, running)
    pm.goto(instance_path(running))
    expect(pm.locator("main")).to_contain_text("第 1 版")
    expect(pm.locator("main .chip").first).to_have_text("已完成")

    fresh = start_handover(pm, "V2")
    complete(pm, fresh)
    pm.goto(instance_path(fresh))
    expect(pm.locator("main")).to_contain_text("第 2 版")
    expect(pm.locator("main .chip").first).to_have_text("进行中")
    manager = sign_in("mgr1")
    manager.goto("/worklist?q=V2")
    manager.locator("[data-key-open]", has_text="主管复核").click()
    submit_plain(manager)
    pm.reload()
    expect(pm.locator("main .chip").first).to_have_text("已完成")


def submit_plain(page: Page) -> None:
    """Complete the task that the page shows, which has no form."""
    with page.expect_navigation():
        page.locator("main form button[value=submit]").click()


def test_a_draft_is_kept_and_comes_back(sign_in: SignIn) -> None:
    owner = sign_in("owner")
    owner.goto("/modeler/new")
    owner.locator(READY).wait_for()
    owner.locator('.djs-palette [data-action="create.task"]').click()
    box = owner.locator(".modeler-canvas").bounding_box()
    assert box
    owner.mouse.move(box["x"] + 500, box["y"] + 300, steps=5)
    owner.mouse.click(box["x"] + 500, box["y"] + 300)
    owner.keyboard.type("草稿里的任务")
    owner.mouse.click(box["x"] + 500, box["y"] + 500)
    owner.keyboard.press("Control+s")
    expect(owner.locator(".modeler-status")).to_contain_text("已保存")
    owner.goto("/modeler")
    owner.locator("#drafts-heading ~ div a").first.click()
    expect(owner.locator("#modeler .djs-visual", has_text="草稿里的任务")).to_be_visible()


FOREIGN = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" id="D" targetNamespace="http://bpmn.io/schema/bpmn" exporter="Camunda Modeler" exporterVersion="5.30.0">
<bpmn:process id="leave_request" name="请假" isExecutable="true" camunda:historyTimeToLive="30"><bpmn:startEvent id="S"/><bpmn:userTask id="T" name="批准" camunda:candidateGroups="dept_manager"/><bpmn:endEvent id="E"/>
<bpmn:sequenceFlow id="F1" sourceRef="S" targetRef="T"/><bpmn:sequenceFlow id="F2" sourceRef="T" targetRef="E"/></bpmn:process>
<bpmndi:BPMNDiagram id="G"><bpmndi:BPMNPlane id="P" bpmnElement="leave_request">
<bpmndi:BPMNShape id="S_di" bpmnElement="S"><dc:Bounds x="100" y="100" width="36" height="36"/></bpmndi:BPMNShape>
<bpmndi:BPMNShape id="T_di" bpmnElement="T"><dc:Bounds x="200" y="78" width="100" height="80"/></bpmndi:BPMNShape>
<bpmndi:BPMNShape id="E_di" bpmnElement="E"><dc:Bounds x="360" y="100" width="36" height="36"/></bpmndi:BPMNShape>
</bpmndi:BPMNPlane></bpmndi:BPMNDiagram></bpmn:definitions>"""


def test_a_file_of_another_modeler_is_imported_deployed_and_exported(sign_in: SignIn) -> None:
    owner = sign_in("owner")
    owner.goto("/modeler")
    owner.set_input_files("#file", {"name": "请假.bpmn", "mimeType": "text/xml", "buffer": FOREIGN.encode()})
    with owner.expect_navigation():
        owner.locator("form:has(#file) button").click()
    owner.locator(READY).wait_for()
    owner.locator('[data-action="deploy"]').click()
    owner.fill("#deploy-comment", "从别处导入")
    with owner.expect_navigation(url="**/processes/leave_request*"):
        owner.locator("dialog[open] button[value=deploy]").click()
    with owner.expect_download() as download:
        owner.locator("a[download]", has_text=".bpmn").first.click()
    exported = download.value.path().read_text(encoding="utf-8")
    assert 'camunda:candidateGroups="dept_manager"' in exported
    pm = sign_in("pm")
    pm.goto("/start/leave_request")
    with pm.expect_navigation():
        pm.locator("main form button[value=submit]").click()
    manager = sign_in("mgr1")
    expect(manager.locator("[data-key-open]", has_text="批准").first).to_be_visible()
