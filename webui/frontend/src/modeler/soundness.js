// The soundness check, on demand: asks the server, lists the findings, draws the way to one of them on the canvas.
import { el } from "../shared/dom.js";
import { t } from "./texts.js";

const WAY = "soundness-way";
const HERE = "soundness-here";

export class Soundness {
  /** `ask()` gives the server's answer; `select(element id)` shows an element; `canvas()` is the editor's. */
  constructor({ ask, select, canvas, has, nameOf, failed }) {
    Object.assign(this, { ask, select, canvas, has, nameOf, failed });
    this.marked = [];
    this.result = el("span.soundness-result", { role: "status" }, t("soundnessIdle"));
    this.button = el("button.btn.btn-sm.btn-outline-secondary", { type: "button", "data-action": "soundness", onclick: () => this.check() }, t("soundness"));
    this.list = el("ul.soundness-list");
    this.node = el("section.soundness", { "aria-label": t("soundness") }, el("div.soundness-bar", {}, this.button, " ", this.result), this.list);
  }

  async check() {
    this.clear();
    this.button.disabled = true;
    this.result.textContent = t("checking");
    try {
      this.show((await this.ask()).processes);
    } catch (cause) {
      this.result.textContent = t("soundnessFailed", { cause: cause.message });
      this.failed(cause);
    } finally {
      this.button.disabled = false;
    }
  }

  /** The diagram was changed: what was found may not be true any more. */
  clear() {
    this.unmark();
    this.list.replaceChildren();
    this.result.textContent = t("soundnessIdle");
  }

  show(processes) {
    const findings = processes.flatMap((one) => one.findings);
    const states = processes.reduce((sum, one) => sum + one.states, 0);
    const extent = t(processes.every((one) => one.complete) ? "soundnessComplete" : "soundnessPartly", { states });
    this.result.textContent = `${findings.length ? t("soundnessFound", { count: findings.length }) : t("soundnessNothing")} ${extent}`;
    this.list.replaceChildren(...findings.map((finding) => this.item(finding)));
  }

  item(finding) {
    const severity = finding.severity === "error" ? "error" : "warning";
    return el(
      "li",
      {},
      el(`span.chip.chip-${severity === "error" ? "overdue" : "warning"}`, {}, t(severity)),
      " ",
      el("button.btn.btn-link.btn-sm", { type: "button", onclick: () => this.draw(finding) }, this.name(finding.element_id)),
      " ",
      finding.message,
      finding.advice ? el("span.problems-advice", {}, ` ${finding.advice}`) : "",
      finding.trace.length ? el("div.soundness-trace", {}, t("soundnessWay", { way: finding.trace.map((id) => this.name(id)).join(" → ") })) : "",
    );
  }

  name(id) {
    return this.nameOf(id) || id;
  }

  draw(finding) {
    this.unmark();
    for (const id of new Set([...finding.trace, ...finding.flows])) this.mark(id, WAY);
    this.mark(finding.element_id, HERE);
    this.select(finding.element_id);
  }

  mark(id, marker) {
    if (!this.has(id)) return;
    this.canvas().addMarker(id, marker);
    this.marked.push([id, marker]);
  }

  unmark() {
    for (const [id, marker] of this.marked) if (this.has(id)) this.canvas().removeMarker(id, marker);
    this.marked = [];
  }
}
