// The libraries' texts in the page's language: English is what they say themselves, Chinese is `zh.json`.
import { chinese } from "../shared/language.js";
import zh from "./zh.json";

// Messages that lint rules build with names in them.
const PATTERNS = [
  [/^Duplicate link catch event with link name <(.*)> in scope$/, "同一范围内有多个链接名为“$1”的捕获事件。"],
  [/^Link (?:catch|throw) event with link name <(.*)> missing in scope$/, "链接名“$1”在此范围内没有对应的另一端。"],
  [/^Element type <(.*)> is discouraged$/, "不建议使用“$1”。"],
];

/** Texts that had no translation since the page was opened: a test looks here. */
export const untranslated = new Set();

function inChinese(template) {
  if (template in zh) return zh[template];
  const pattern = PATTERNS.find(([match]) => match.test(template));
  if (pattern) return template.replace(...pattern);
  untranslated.add(template);
  return template;
}

function translate(template, replacements = {}) {
  const text = chinese ? inChinese(template) : template;
  return text.replace(/\{([^}]+)\}/g, (_, key) => replacements[key] ?? `{${key}}`);
}

export const translateModule = { translate: ["value", translate] };
