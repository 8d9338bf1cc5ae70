// Our groups of the properties panel, beside those that bpmn-js-properties-panel has for plain BPMN.
import { Group, ListGroup } from "@bpmn-io/properties-panel";
import { is } from "bpmn-js/lib/util/ModelUtil";
import { Access } from "./access.js";
import { collectionEntries, conditionEntries, conditionalEventEntries, errorEntries, messageEntries, throwsMessage } from "./flow.js";
import { calledEntries, decisionEntries, mappingGroup, parameterGroup, scriptEntries, serviceTaskEntries } from "./service-task.js";
import { t } from "./texts.js";
import { startEntries, userTaskEntries } from "./user-task.js";

const AFTER_GENERAL = 1;

class FlowledgerProperties {
  constructor(propertiesPanel, injector, lists) {
    this.injector = injector;
    this.translate = injector.get("translate");
    this.lists = { forms: [], groups: [], users: [], handlers: [], decisions: [], processes: [], ...lists };
    propertiesPanel.registerProvider(this);
  }

  getGroups(element) {
    return (groups) => {
      const access = new Access(element, this.injector);
      const own = ownGroups(element, access, this.lists);
      addTo(groups, "multiInstance", collectionEntries(access), element);
      addTo(groups, "message", messageEntries(access), element);
      addTo(groups, "error", errorEntries(access), element);
      const all = [...groups.slice(0, AFTER_GENERAL), ...own, ...groups.slice(AFTER_GENERAL)];
      return all.map((group) => ({ ...group, translate: this.translate })); // titles of the panel's own buttons
    };
  }
}

FlowledgerProperties.$inject = ["propertiesPanel", "injector", "config.lists"];

function ownGroups(element, access, lists) {
  const groups = [];
  const add = (id, entries) => {
    if (entries.length) groups.push({ id: `flowledger-${id}`, label: t(id), component: Group, shouldOpen: true, entries: entries.map((entry) => ({ ...entry, element })) });
  };
  if (is(element, "bpmn:UserTask")) add("work", userTaskEntries(access, lists));
  if (is(element, "bpmn:StartEvent") && !is(element.parent, "bpmn:SubProcess")) add("start", startEntries(access, lists));
  if (is(element, "bpmn:ServiceTask") || is(element, "bpmn:SendTask")) {
    add("service", serviceTaskEntries(access, lists));
    groups.push({ ...parameterGroup(access, ListGroup), element });
  }
  if (throwsMessage(access)) groups.push({ ...parameterGroup(access, ListGroup), element });
  if (is(element, "bpmn:BusinessRuleTask")) add("decision", decisionEntries(access, lists));
  if (is(element, "bpmn:ScriptTask")) add("script", scriptEntries(access));
  if (is(element, "bpmn:CallActivity")) {
    add("call", calledEntries(access, lists));
    groups.push({ ...mappingGroup(access, ListGroup, "In"), element }, { ...mappingGroup(access, ListGroup, "Out"), element });
  }
  if (is(element, "bpmn:SequenceFlow")) add("condition", conditionEntries(access));
  if (is(element, "bpmn:Event")) add("condition", conditionalEventEntries(access));
  return groups;
}

function addTo(groups, id, entries, element) {
  groups.find((group) => group.id === id)?.entries.push(...entries.map((entry) => ({ ...entry, element })));
}

export const flowledgerPropertiesModule = {
  __init__: ["flowledgerProperties"],
  flowledgerProperties: ["type", FlowledgerProperties],
};
