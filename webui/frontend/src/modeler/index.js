// The modeler page: puts editor, toolbar, problems and draft together. The page's contract is in the front end's README.
import { ask } from "../shared/dialog.js";
import { el } from "../shared/dom.js";
import { RequestFailed, getText, sendJson } from "../shared/http.js";
import { chinese } from "../shared/language.js";
import { askComment, deploy } from "./deploy.js";
import { Draft } from "./draft.js";
import { createEditor, currentProcess, currentXml, emptyDiagram, fit, refusal } from "./editor.js";
import "./modeler.css";
import { Problems } from "./problems.js";
import { Soundness } from "./soundness.js";
import { t } from "./texts.js";
import { createToolbar } from "./toolbar.js";
import { acceptDrops, exportBpmn, exportSvg, importFile } from "./transfer.js";
import { untranslated } from "./translate.js";

class ModelerPage {
  constructor(host, page) {
    this.page = page;
    this.canvasNode = el("div.modeler-canvas", { role: "region", "aria-label": t("canvas") });
    this.propertiesNode = el("aside.modeler-properties", { "aria-label": t("properties"), tabindex: 0 });
    this.messageNode = el("div.modeler-message", { role: "status", hidden: true });
    this.editor = createEditor({ canvas: this.canvasNode, properties: this.propertiesNode, lists: page.lists });
    this.toolbar = createToolbar({ name: page.name, backUrl: page.urls.back, actions: this.actions() });
    this.problems = new Problems({
      translate: this.editor.get("translate"),
      nameOf: (id) => this.element(id)?.businessObject.name,
      select: (id) => this.select(id),
    });
    this.soundness = new Soundness({
      ask: async () => sendJson("POST", page.urls.soundness, { xml: await currentXml(this.editor), based_on: page.based_on }),
      select: (id) => this.select(id),
      canvas: () => this.editor.get("canvas"),
      has: (id) => Boolean(this.element(id)),
      nameOf: (id) => this.element(id)?.businessObject.name,
      failed: (cause) => cause.problems?.length && this.problems.setServerProblems(cause.problems),
    });
    this.problems.node.append(this.soundness.node);
    this.draft = new Draft({
      page,
      xml: () => currentXml(this.editor),
      report: (text, state) => this.toolbar.setStatus(text, state),
      onSaved: () => this.check(),
      onConflict: (cause) => this.conflict(cause),
    });
    host.replaceChildren(this.toolbar.node, this.messageNode, el("div.modeler-columns", {}, this.canvasNode, this.propertiesNode), this.problems.node);
    host.editor = this.editor; // for tests and for the browser's console
    host.untranslated = untranslated;
    this.listen();
  }

  actions() {
    const canvas = () => this.editor.get("canvas");
    return {
      undo: () => this.editor.get("commandStack").undo(),
      redo: () => this.editor.get("commandStack").redo(),
      zoomIn: () => canvas().zoom(canvas().zoom() * 1.25),
      zoomOut: () => canvas().zoom(canvas().zoom() / 1.25),
      fit: () => fit(this.editor),
      exportBpmn: () => exportBpmn(this.editor),
      exportSvg: () => exportSvg(this.editor),
      importFile: (file) => this.import(file),
      check: () => this.check(true),
      save: () => this.draft.save(),
      discard: () => this.discard(),
      deploy: () => this.deploy(),
    };
  }

  listen() {
    this.editor.on("commandStack.changed", () => this.changed());
    this.editor.on("linting.completed", ({ issues }) => this.problems.setBrowserIssues(issues));
    acceptDrops(this.canvasNode, (file) => this.import(file));
    addEventListener("beforeunload", (event) => {
      if (this.draft.dirty) event.preventDefault();
    });
    document.addEventListener("keydown", (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
        event.preventDefault();
        this.draft.save();
      }
    });
  }

  async open() {
    this.toolbar.setHistory(false, false);
    const { draft, xml_url: url } = this.page;
    try {
      const xml = draft.xml ?? (url ? await getText(url) : emptyDiagram());
      const reason = refusal(xml);
      if (reason) throw new Error(t(reason));
      await this.show(xml);
      this.toolbar.setStatus(t("clean"), "clean");
      await this.recover(xml);
      await this.check();
    } catch (cause) {
      this.say(t("loadFailed", { cause: cause.message.split("\n")[0] }), true); // the parser adds lines for programmers
    }
  }

  async show(xml) {
    await this.editor.importXML(xml);
    this.canvasNode.querySelector(".djs-container svg")?.setAttribute("aria-label", t("canvas"));
    fit(this.editor, { readable: true });
    this.renamed();
  }

  changed() {
    const stack = this.editor.get("commandStack");
    this.toolbar.setHistory(stack.canUndo(), stack.canRedo());
    this.renamed();
    this.soundness.clear();
    this.draft.touch();
  }

  renamed() {
    this.toolbar.setTitle(currentProcess(this.editor).name);
  }

  async recover(shown) {
    const copy = this.draft.copy();
    if (!copy?.xml || copy.xml === shown) return;
    const time = new Date(copy.at).toLocaleString(chinese ? "zh-CN" : "en-GB");
    const answer = await ask({
      title: t("recovered"),
      content: [el("p", {}, t("recoveredText", { time }))],
      actions: [
        { label: t("restore"), value: "restore", style: "btn-primary" },
        { label: t("drop"), value: "drop" },
      ],
    });
    if (answer === "restore") {
      await this.show(copy.xml);
      this.draft.touch();
    } else if (answer === "drop") {
      this.draft.dropCopy();
    }
  }

  async import(file) {
    const needsConsent = () => this.draft.dirty || Boolean(this.page.based_on) || Boolean(this.draft.id);
    const replaced = await importFile(this.editor, file, { needsConsent, say: (text, bad) => this.say(text, bad) });
    if (!replaced) return;
    this.renamed();
    this.draft.touch();
  }

  /** The server's rules. On demand the list opens; failures to reach the server are said only then. */
  async check(onDemand = false) {
    try {
      const answer = await sendJson("POST", this.page.urls.lint, { xml: await currentXml(this.editor), based_on: this.page.based_on });
      this.problems.setServerProblems(answer.problems);
    } catch (cause) {
      if (cause instanceof RequestFailed && cause.problems.length) this.problems.setServerProblems(cause.problems);
      else if (onDemand) this.say(cause.message, true);
    }
    if (onDemand) this.problems.open();
  }

  async deploy() {
    const comment = await askComment(this.editor, this.page);
    if (comment === null) return;
    this.toolbar.setBusy(true);
    this.say(t("deploying"), false);
    try {
      const answer = await deploy(this.editor, this.page, this.draft, comment);
      this.draft.forget();
      this.say(t("deployed", { version: answer.version }), false);
      location.assign(answer.url);
    } catch (cause) {
      this.say(t("refused", { cause: cause.message }), true);
      if (cause.problems?.length) {
        this.problems.setServerProblems(cause.problems);
        this.problems.open();
      }
    } finally {
      this.toolbar.setBusy(false);
    }
  }

  async discard() {
    const answer = await ask({
      title: t("discard"),
      content: [el("p", {}, t("discardText"))],
      actions: [
        { label: t("discard"), value: "discard", style: "btn-danger" },
        { label: t("cancel"), value: "" },
      ],
    });
    if (answer !== "discard") return;
    try {
      await this.draft.discard();
      location.assign(this.page.urls.back);
    } catch (cause) {
      this.say(cause.message, true);
    }
  }

  async conflict(cause) {
    const answer = await ask({
      title: t("conflict"),
      content: [el("p", {}, t("conflictText", { cause: cause.message }))],
      actions: [
        { label: t("keepEditing"), value: "", style: "btn-primary" },
        { label: t("exportBpmn"), value: "export" },
        { label: t("loadNewer"), value: "load" },
      ],
    });
    if (answer === "export") await exportBpmn(this.editor);
    if (answer !== "load") return;
    this.draft.forget();
    location.reload();
  }

  element(id) {
    return id ? this.editor.get("elementRegistry").get(id) : undefined;
  }

  select(id) {
    const element = this.element(id);
    if (!element) return;
    const canvas = this.editor.get("canvas");
    if (canvas.findRoot(element) !== canvas.getRootElement()) canvas.setRootElement(canvas.findRoot(element));
    if (element.parent) canvas.scrollToElement(element, 80);
    this.editor.get("selection").select(element.parent ? element : null);
  }

  say(text, bad) {
    this.messageNode.hidden = false;
    this.messageNode.className = `modeler-message alert ${bad ? "alert-danger" : "alert-info"}`;
    this.messageNode.replaceChildren(text, " ", el("button.btn-close", { type: "button", "aria-label": "×", onclick: () => (this.messageNode.hidden = true) }));
  }
}

const host = document.getElementById("modeler");
if (host) {
  const page = JSON.parse(document.getElementById("page-data").textContent);
  new ModelerPage(host, page).open();
}
