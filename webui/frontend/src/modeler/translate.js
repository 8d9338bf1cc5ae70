// The modeler's texts in the page's language. English is what the libraries say; Chinese is the community's translation,
// corrected and completed by ours.
import theirs from "bpmn-js-i18n/translations/zn";
import { chinese } from "../shared/language.js";
import ours from "./zh.json";

const texts = chinese ? { ...theirs, ...ours } : {};

/** Texts that had no translation since the page was opened: a test looks here. */
export const untranslated = new Set();

function translate(template, replacements = {}) {
  const text = texts[template];
  if (chinese && text === undefined) untranslated.add(template);
  return (text ?? template).replace(/\{([^}]+)\}/g, (_, key) => replacements[key] ?? `{${key}}`);
}

export const translateModule = { translate: ["value", translate] };
