// The list of problems: the browser's lint rules while drawing, the server's after each saved draft and on a refused deployment.
import { el } from "../shared/dom.js";
import { t } from "./texts.js";

export class Problems {
  /** `translate` is the editor's; `select(element id)` shows an element on the canvas. */
  constructor({ translate, nameOf, select }) {
    Object.assign(this, { translate, nameOf, select });
    this.fromBrowser = [];
    this.fromServer = [];
    this.count = el("span.problems-count", { role: "status" });
    this.list = el("ul.problems-list");
    this.node = el("details.problems", {}, el("summary", {}, el("strong", {}, t("problems")), " ", this.count), this.list);
  }

  /** `issues`: bpmnlint's, by element id. */
  setBrowserIssues(issues) {
    this.fromBrowser = Object.values(issues)
      .flat()
      .filter(({ category }) => category === "error" || category === "warn")
      .map((issue) => ({
        element_id: issue.actualElementId ?? issue.id,
        severity: issue.category === "error" ? "error" : "warning",
        message: this.translate(issue.message),
        advice: "",
      }));
    this.render();
  }

  setServerProblems(problems) {
    this.fromServer = problems;
    this.render();
  }

  get errors() {
    return this.all().filter(({ severity }) => severity === "error").length;
  }

  all() {
    const order = { error: 0, warning: 1 };
    return [...this.fromServer, ...this.fromBrowser].sort((a, b) => order[a.severity] - order[b.severity]);
  }

  open() {
    this.node.open = true;
  }

  render() {
    const problems = this.all();
    const warnings = problems.length - this.errors;
    this.count.textContent = problems.length ? t("counted", { errors: this.errors, warnings }) : t("noProblems");
    this.node.dataset.state = this.errors ? "error" : warnings ? "warning" : "none";
    this.list.replaceChildren(...problems.map((problem) => this.item(problem)));
  }

  item(problem) {
    const name = problem.element_name || this.nameOf(problem.element_id) || problem.element_id;
    const where = problem.element_id
      ? el("button.btn.btn-link.btn-sm", { type: "button", onclick: () => this.select(problem.element_id) }, name)
      : problem.line
        ? t("line", { line: problem.line })
        : "";
    const severity = problem.severity === "error" ? "error" : "warning";
    return el("li", {}, el(`span.chip.chip-${severity === "error" ? "overdue" : "warning"}`, {}, t(severity)), " ", where, " ", problem.message, problem.advice ? el("span.problems-advice", {}, ` ${problem.advice}`) : "");
  }
}
