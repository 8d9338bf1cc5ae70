// Service tasks, business rule tasks, scripts, call activities: what the engine does by itself.
import { choice, longText, text, tick } from "./entries.js";
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

/** The list of `<flowledger:parameter>` elements. */
export const parameterGroup = (access, component) =>
  extensionList(access, component, {
    id: "parameters",
    type: "flowledger:Parameter",
    label: (parameter) => parameter.name || t("parameterName"),
    entries: (id, parameter) => [
      variableEntry(`${id}-name`, t("parameterName"), access.property(parameter, "name")),
      text({ id: `${id}-value`, label: t("parameterValue"), description: t("parameterValueHelp"), ...access.property(parameter, "value") }),
    ],
    fresh: (count) => ({ name: `parameter_${count + 1}`, value: "" }),
  });

/** What a call activity passes: `<flowledger:in>` or `<flowledger:out>`. Without any, everything. */
export const mappingGroup = (access, component, direction) =>
  extensionList(access, component, {
    id: direction === "In" ? "mappingIn" : "mappingOut",
    type: `flowledger:${direction}`,
    label: (mapping) => (mapping.variables === "all" ? t("mappingAll") : mapping.target || mapping.source || t("target")),
    entries: (id, mapping) => [
      tick({
        id: `${id}-all`,
        label: t("mappingAll"),
        read: () => mapping.variables === "all",
        write: (all) => access.update(mapping, { variables: all ? "all" : undefined, source: undefined, sourceExpression: undefined, target: undefined }),
      }),
      ...(mapping.variables === "all"
        ? []
        : [
            variableEntry(`${id}-source`, t("source"), access.property(mapping, "source")),
            text({ id: `${id}-sourceExpression`, label: t("sourceExpression"), ...access.property(mapping, "sourceExpression") }),
            variableEntry(`${id}-target`, t("target"), access.property(mapping, "target")),
          ]),
    ],
    fresh: () => ({ source: "", target: "" }),
  });

// Extension elements of one type as a group of items that can be added and removed.
function extensionList(access, component, { id: listId, type, label, entries, fresh }) {
  const items = access.extensions(type).map((extension, index) => {
    const id = `flowledger-${listId}-${index}`;
    return {
      id,
      label: label(extension),
      entries: entries(id, extension).map((entry) => ({ ...entry, element: access.element })),
      remove: (event) => {
        event.stopPropagation();
        access.removeExtension(extension);
      },
    };
  });
  const add = (event) => {
    event.stopPropagation();
    access.addExtension(type, fresh(items.length));
  };
  return { id: `flowledger-${listId}`, label: t(listId), component, items, add, shouldOpen: true };
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
