// Reads and writes one element's model; every write is a command, so undo and redo work.
import { getBusinessObject } from "bpmn-js/lib/util/ModelUtil";
import { t } from "./texts.js";

const FOREIGN_PREFIXES = ["camunda", "operaton", "activiti", "flowable"];

export class Access {
  constructor(element, injector) {
    this.element = element;
    this.object = getBusinessObject(element);
    this.modeling = injector.get("modeling");
    this.factory = injector.get("bpmnFactory");
    this.registry = injector.get("elementRegistry");
    this.commands = injector.get("commandStack");
  }

  /** An attribute of our namespace on the element itself. */
  attribute(name) {
    return this.property(this.object, `flowledger:${name}`);
  }

  property(target, name) {
    return { read: () => target.get(name), write: (value) => this.update(target, { [name]: value }) };
  }

  update(target, properties) {
    this.modeling.updateModdleProperties(this.element, target, properties);
  }

  /** A child that is a formal expression: its body as text. */
  expression(target, name) {
    const write = (body) => {
      const expression = body === undefined ? undefined : this.factory.create("bpmn:FormalExpression", { body });
      if (expression) expression.$parent = target;
      this.modeling.updateModdleProperties(this.element, target, { [name]: expression });
    };
    return { read: () => target.get(name)?.body, write };
  }

  /** `inputDataItem` or `outputDataItem` of a multi-instance activity: its name as text. */
  dataItem(loop, name) {
    const type = name === "inputDataItem" ? "bpmn:DataInput" : "bpmn:DataOutput";
    const write = (value) => {
      const item = value === undefined ? undefined : this.factory.create(type, { id: `${this.object.id}_${name}`, name: value });
      if (item) item.$parent = loop;
      this.modeling.updateModdleProperties(this.element, loop, { [name]: item });
    };
    return { read: () => loop.get(name)?.name ?? loop.get(name)?.id, write };
  }

  /** bpmn-js removes the flow's condition in the same step. */
  makeDefault(wanted) {
    this.modeling.updateProperties(this.element.source, { default: wanted ? this.object : undefined });
  }

  extensions(type) {
    return (this.object.extensionElements?.values ?? []).filter((value) => value.$instanceOf?.(type));
  }

  addExtension(type, properties) {
    const present = this.object.extensionElements;
    const added = this.factory.create(type, properties);
    if (present) {
      added.$parent = present;
      this.modeling.updateModdleProperties(this.element, present, { values: [...present.get("values"), added] });
      return;
    }
    const container = this.factory.create("bpmn:ExtensionElements", { values: [added] });
    added.$parent = container;
    container.$parent = this.object;
    this.modeling.updateModdleProperties(this.element, this.object, { extensionElements: container });
  }

  removeExtension(value) {
    const container = this.object.extensionElements;
    const values = container.get("values").filter((other) => other !== value);
    if (values.length) this.modeling.updateModdleProperties(this.element, container, { values });
    else this.modeling.updateModdleProperties(this.element, this.object, { extensionElements: undefined });
  }

  /** A sentence about the same attribute in another modeler's namespace, which the engine reads too. */
  foreign(...names) {
    for (const prefix of FOREIGN_PREFIXES) {
      for (const name of names) {
        const value = this.object.$attrs?.[`${prefix}:${name}`];
        if (value) return t("foreign", { name: `${prefix}:${name}`, value });
      }
    }
    return undefined;
  }

  all(type) {
    return this.registry.filter((element) => element.businessObject?.$instanceOf?.(type) && !element.labelTarget).map((element) => element.businessObject);
  }
}
