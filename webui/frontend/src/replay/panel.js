// One record in words: who, when, on whose behalf, why this way, which form data, which variables changed.
import { el } from "../shared/dom.js";
import { translator } from "../shared/language.js";

const t = translator({
  at: ["时间", "Time"],
  actor: ["操作人", "Done by"],
  onBehalf: ["代表", "On behalf of"],
  integrity: ["完整性", "Integrity"],
  verified: ["已校验，记录未被改动", "Verified: the record is unchanged"],
  broken: ["校验失败：记录与哈希链不符", "Not verified: the record does not match the hash chain"],
  why: ["为何走这条路径", "Why this path"],
  form: ["提交的表单内容", "Submitted form"],
  changes: ["变量的变化", "Changed variables"],
  variables: ["此刻的全部变量", "All variables at this moment"],
  name: ["名称", "Name"],
  field: ["字段", "Field"],
  value: ["值", "Value"],
  before: ["之前", "Before"],
  after: ["之后", "After"],
  items: ["共 {count} 项", "{count} item(s)"],
  entries: ["共 {count} 个字段", "{count} field(s)"],
  absent: ["（无）", "(none)"],
  yes: ["是", "Yes"],
  no: ["否", "No"],
});

/** Any JSON value as text that people read. */
export function readable(value) {
  if (value === undefined || value === null || value === "") return t("absent");
  if (typeof value === "boolean") return t(value ? "yes" : "no");
  if (typeof value === "object") return JSON.stringify(value, null, 1);
  return String(value);
}

const LONG = 160;

// A short value stands in its cell; a long one opens on demand, so that a record fits on the screen.
function cell(value) {
  const text = readable(value);
  const structured = typeof value === "object" && value !== null;
  const content = structured ? el("pre.replay-json", {}, text) : text;
  if (text.length <= LONG) return el("td", {}, content);
  const size = Array.isArray(value) ? t("items", { count: value.length }) : structured ? t("entries", { count: Object.keys(value).length }) : `${text.slice(0, 60)}…`;
  return el("td", {}, el("details", {}, el("summary", {}, size), content));
}

function table(title, heads, rows) {
  if (!rows.length) return null;
  return el(
    "section",
    {},
    el("h3", {}, title),
    el(
      "div.table-scroll",
      { tabindex: 0, role: "region", "aria-label": title },
      el("table.table.table-dense", {}, el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))), el("tbody", {}, rows)),
    ),
  );
}

export function recordPanel(frame) {
  const facts = [
    [t("at"), el("time", { datetime: frame.at }, frame.at_text)],
    [t("actor"), frame.actor],
    frame.on_behalf_of ? [t("onBehalf"), frame.on_behalf_of] : null,
    [t("integrity"), el(`span.chip.${frame.verified ? "chip-ok" : "chip-overdue"}`, {}, t(frame.verified ? "verified" : "broken"))],
  ].filter(Boolean);
  const variables = Object.entries(frame.variables ?? {});
  return el(
    "div",
    {},
    el("h2", {}, `${frame.seq}. ${frame.title}`),
    el("dl.facts", {}, facts.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
    frame.why?.length ? el("section", {}, el("h3", {}, t("why")), el("ul", {}, frame.why.map((sentence) => el("li", {}, sentence)))) : null,
    table(t("form"), [t("field"), t("value")], (frame.form ?? []).map(({ label, value }) => el("tr", {}, el("th", { scope: "row" }, label), cell(value)))),
    table(
      t("changes"),
      [t("name"), t("before"), t("after")],
      (frame.changes ?? []).map((change) => el("tr", {}, el("th", { scope: "row" }, change.name), cell(change.before), cell(change.after))),
    ),
    variables.length
      ? el(
          "details",
          {},
          el("summary", {}, `${t("variables")} (${variables.length})`),
          table(t("variables"), [t("name"), t("value")], variables.map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, name), cell(value)))),
        )
      : null,
  );
}
