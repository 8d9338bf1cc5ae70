// Service tasks, business rule tasks, scripts, call activities: what the engine does by itself.
import { choice, longText, text } from "./entries.js";
import { t } from "./texts.js";

const VARIABLE = /^[\p{L}_][\p{L}\p{N}_]*$/u;
const checkVariable = (value) => (!value || VARIABLE.test(value) ? undefined : t("nameWrong"));
const checkRetries = (value) => (!value || (/^\d{1,2}$/.test(value) && Number(value) >= 1 && Number(value) <= 20) ? undefined : t("retriesWrong"));

export const variableEntry = (id, label, access, description) => text({ id, label, description, validate: checkVariable, ...access });

export function serviceTaskEntries(access, lists) {
  const chosen = lists.handlers.find(({ name }) => name === access.attribute("handler").read());
  return [
    choice({
      id: "flowledger-handler",
      label: t("handler"),
      description: chosen?.description || access.foreign("topic", "class", "delegateExpression"),
      none: t("none"),
      unknown: (value) => t("unknown", { value }),
      choices: lists.handlers.map(({ name, title }) => ({ value: name, label: title && title !== name ? `${title} (${name})` : name })),
      ...access.attribute("handler"),
    }),
    variableEntry("flowledger-resultVariable", t("resultVariable"), access.attribute("resultVariable")),
    text({ id: "flowledger-retries", label: t("retries"), placeholder: "3", validate: checkRetries, ...access.attribute("retries") }),
  ];
}

/** The list of `<flowledger:parameter>` elements, as a ListGroup. */
export function parameterGroup(access, component) {
  const parameters = access.extensions("flowledger:Parameter");
  const items = parameters.map((parameter, index) => {
    const id = `flowledger-parameter-${index}`;
    return {
      id,
      label: parameter.name || t("parameterName"),
      autoFocusEntry: `${id}-name`,
      entries: [
        variableEntry(`${id}-name`, t("parameterName"), access.property(parameter, "name")),
        text({ id: `${id}-value`, label: t("parameterValue"), description: t("parameterValueHelp"), ...access.property(parameter, "value") }),
      ].map((entry) => ({ ...entry, element: access.element })),
      remove: (event) => {
        event.stopPropagation();
        access.removeExtension(parameter);
      },
    };
  });
  const add = (event) => {
    event.stopPropagation();
    access.addExtension("flowledger:Parameter", { name: `parameter_${items.length + 1}`, value: "" });
  };
  return { id: "flowledger-parameters", label: t("parameters"), component, items, add };
}

export function decisionEntries(access, lists) {
  return [
    choice({
      id: "flowledger-decisionRef",
      label: t("decisionRef"),
      description: access.foreign("decisionRef"),
      none: t("none"),
      unknown: (value) => t("unknown", { value }),
      choices: lists.decisions.map(({ id, title }) => ({ value: id, label: title && title !== id ? `${title} (${id})` : id })),
      ...access.attribute("decisionRef"),
    }),
    variableEntry("flowledger-resultVariable", t("resultVariable"), access.attribute("resultVariable")),
  ];
}

export const scriptEntries = (access) => [longText({ id: "flowledger-script", label: t("scriptBody"), rows: 6, ...access.property(access.object, "script") })];

export function calledEntries(access, lists) {
  const target = access.property(access.object, "calledElement");
  if (!lists.processes.length) return [text({ id: "flowledger-calledElement", label: t("calledElement"), ...target })];
  return [
    choice({
      id: "flowledger-calledElement",
      label: t("calledElement"),
      none: t("none"),
      unknown: (value) => t("unknown", { value }),
      choices: lists.processes.map(({ id, title }) => ({ value: id, label: title && title !== id ? `${title} (${id})` : id })),
      ...target,
    }),
  ];
}
