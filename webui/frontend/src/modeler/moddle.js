// The metamodels that the modeler reads and writes: BPMN with one correction, and ours.
import bpmn from "bpmn-moddle/resources/bpmn/json/bpmn.json";
import flowledger from "./flowledger.json";

// Executable diagrams name a variable in loopDataInputRef and loopDataOutputRef, not the id of a data input. As a reference that
// resolves to nothing it would be lost on export; as text it survives.
const TEXT_INSTEAD_OF_REFERENCE = new Set(["loopDataInputRef", "loopDataOutputRef"]);

function corrected(model) {
  const types = model.types.map((type) => {
    if (type.name !== "MultiInstanceLoopCharacteristics") return type;
    const properties = type.properties.map((property) => {
      if (!TEXT_INSTEAD_OF_REFERENCE.has(property.name)) return property;
      const { isReference, ...rest } = property;
      return { ...rest, type: "String" };
    });
    return { ...type, properties };
  });
  return { ...model, types };
}

export const moddleExtensions = { bpmn: corrected(bpmn), flowledger };
