// User tasks: form, who may do them, until when.
import { choice, text, ticks } from "./entries.js";
import { joinList, splitList } from "./lists.js";
import { t } from "./texts.js";

const EXPRESSION = /^\$\{.+\}$/s;
const DURATION = /^P(?=\d|T\d)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$/;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?$/;

const checkDate = (value) => (!value || EXPRESSION.test(value) || DURATION.test(value) || DATE_TIME.test(value) ? undefined : t("dateWrong"));
const checkPriority = (value) => (!value || EXPRESSION.test(value) || (/^\d{1,3}$/.test(value) && Number(value) <= 100) ? undefined : t("priorityWrong"));

export function startEntries(access, lists) {
  return [
    formEntry(access, lists),
    text({ id: "flowledger-businessKey", label: t("businessKey"), description: t("businessKeyHelp"), ...access.attribute("businessKey") }),
    text({ id: "flowledger-initiator", label: t("initiator"), ...access.attribute("initiator") }),
  ];
}

function formEntry(access, lists) {
  return choice({
    id: "flowledger-formKey",
    label: t("formKey"),
    description: access.foreign("formKey", "formRef"),
    none: t("none"),
    unknown: (value) => t("unknown", { value }),
    choices: lists.forms.map(({ key, title }) => ({ value: key, label: title === key ? key : `${title} (${key})` })),
    ...access.attribute("formKey"),
  });
}

export function userTaskEntries(access, lists) {
  const plain = (name, help, validate) =>
    text({ id: `flowledger-${name}`, label: t(name), description: access.foreign(name) ?? help, validate, ...access.attribute(name) });
  return [
    formEntry(access, lists),
    plain("assignee", t("assigneeHelp")),
    ...splitEntries(access, "candidateGroups", lists.groups.map(({ id, title }) => ({ value: id, label: title })), "otherGroups"),
    plain("candidateUsers", t("candidateUsersHelp")),
    ...splitEntries(access, "excludes", otherUserTasks(access), "otherExcludes", t("otherExcludesHelp")),
    plain("dueDate", t("dateHelp"), checkDate),
    plain("followUpDate", t("dateHelp"), checkDate),
    plain("priority", t("priorityHelp"), checkPriority),
  ];
}

// One attribute shown as tick boxes for the values that are known, and a text for the rest.
function splitEntries(access, name, options, restLabel, restHelp) {
  const { read, write } = access.attribute(name);
  const known = new Set(options.map(({ value }) => value));
  const chosen = () => splitList(read()).filter((value) => known.has(value));
  const rest = () => splitList(read()).filter((value) => !known.has(value));
  const boxes = ticks({
    id: `flowledger-${name}`,
    label: t(name),
    description: access.foreign(name),
    options,
    read: chosen,
    write: (values) => write(joinList([...options.map(({ value }) => value).filter((value) => values.includes(value)), ...rest()])),
  });
  const others = text({
    id: `flowledger-${name}-others`,
    label: t(restLabel),
    description: restHelp,
    read: () => joinList(rest()),
    write: (value) => write(joinList([...chosen(), ...splitList(value)])),
  });
  return options.length ? [boxes, others] : [others];
}

function otherUserTasks(access) {
  return access
    .all("bpmn:UserTask")
    .filter(({ id }) => id !== access.object.id)
    .map(({ id, name }) => ({ value: id, label: name || id }));
}
