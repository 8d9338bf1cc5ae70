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

/** Of a message that is awaited or thrown: how it is correlated, and where its content goes. */
export function messageEntries(access) {
  const definition = eventDefinition(access.object, "bpmn:MessageEventDefinition");
  const message = definition?.messageRef ?? access.object.messageRef;
  if (!message) return [];
  const receives = access.object.$instanceOf("bpmn:CatchEvent") || access.object.$instanceOf("bpmn:ReceiveTask");
  const correlation = text({ id: "flowledger-correlationKey", label: t("correlationKey"), description: t("correlationHelp"), ...access.property(message, "flowledger:correlationKey") });
  const content = variableEntry("flowledger-variable", t("receivedVariable"), access.property(definition ?? access.object, "flowledger:variable"), t("receivedHelp"));
  return receives ? [correlation, content] : [correlation];
}

/** Of an error that is caught: variables for its code and message. */
export function errorEntries(access) {
  const definition = eventDefinition(access.object, "bpmn:ErrorEventDefinition");
  if (!definition || !access.object.$instanceOf("bpmn:CatchEvent")) return [];
  return ["errorCodeVariable", "errorMessageVariable"].map((name) => variableEntry(`flowledger-${name}`, t(name), access.property(definition, `flowledger:${name}`)));
}

export const throwsMessage = (access) => access.object.$instanceOf("bpmn:ThrowEvent") && Boolean(eventDefinition(access.object, "bpmn:MessageEventDefinition"));

function eventDefinition(object, type) {
  return object.eventDefinitions?.find((definition) => definition.$instanceOf(type));
}
