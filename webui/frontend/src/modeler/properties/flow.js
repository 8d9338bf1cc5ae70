// Conditions of sequence flows and events, multi-instance collections, correlation of messages.
import { longText, text, tick } from "./entries.js";
import { variableEntry } from "./service-task.js";
import { t } from "./texts.js";

const CONDITIONAL_SOURCES = ["bpmn:ExclusiveGateway", "bpmn:InclusiveGateway", "bpmn:ComplexGateway", "bpmn:Activity"];

export function conditionEntries(access) {
  const source = access.object.sourceRef;
  if (!source || !CONDITIONAL_SOURCES.some((type) => source.$instanceOf(type))) return [];
  const isDefault = source.default === access.object;
  const expression = longText({ id: "flowledger-condition", label: t("conditionExpression"), description: t("conditionHelp"), ...access.expression(access.object, "conditionExpression") });
  const fallback = tick({
    id: "flowledger-default",
    label: t("isDefault"),
    read: () => isDefault,
    write: (value) => access.makeDefault(Boolean(value)),
  });
  return isDefault ? [fallback] : [expression, fallback];
}

export function conditionalEventEntries(access) {
  const definition = eventDefinition(access.object, "bpmn:ConditionalEventDefinition");
  return definition ? [longText({ id: "flowledger-event-condition", label: t("conditionExpression"), description: t("conditionHelp"), ...access.expression(definition, "condition") })] : [];
}

export function collectionEntries(access) {
  const loop = access.object.loopCharacteristics;
  if (!loop?.$instanceOf("bpmn:MultiInstanceLoopCharacteristics")) return [];
  return [
    variableEntry("flowledger-collection", t("collection"), access.property(loop, "loopDataInputRef"), t("collectionHelp")),
    variableEntry("flowledger-elementVariable", t("elementVariable"), access.dataItem(loop, "inputDataItem")),
    variableEntry("flowledger-outputCollection", t("outputCollection"), access.property(loop, "loopDataOutputRef")),
    variableEntry("flowledger-outputVariable", t("outputVariable"), access.dataItem(loop, "outputDataItem")),
  ];
}

export function correlationEntries(access) {
  const message = eventDefinition(access.object, "bpmn:MessageEventDefinition")?.messageRef ?? access.object.messageRef;
  return message ? [text({ id: "flowledger-correlationKey", label: t("correlationKey"), description: t("correlationHelp"), ...access.property(message, "flowledger:correlationKey") })] : [];
}

function eventDefinition(object, type) {
  return object.eventDefinitions?.find((definition) => definition.$instanceOf(type));
}
