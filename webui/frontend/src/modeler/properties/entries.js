// Entries of the properties panel: text, long text, choice, tick boxes. Each is told how to read and write its value.
import {
  CheckboxEntry,
  CheckboxGroup,
  SelectEntry,
  TextAreaEntry,
  TextFieldEntry,
  isCheckboxEntryEdited,
  isSelectEntryEdited,
  isTextAreaEntryEdited,
  isTextFieldEntryEdited,
} from "@bpmn-io/properties-panel";
import { useService } from "bpmn-js-properties-panel";

/** read() -> value; write(value or undefined). */
export const text = (options) => ({ ...options, component: Text, isEdited: isTextFieldEntryEdited });
export const longText = (options) => ({ ...options, component: LongText, isEdited: isTextAreaEntryEdited });
/** choices: [{value, label}]; a value that is not among them is kept and shown as unknown. */
export const choice = (options) => ({ ...options, component: Choice, isEdited: isSelectEntryEdited });
export const tick = (options) => ({ ...options, component: Tick, isEdited: isCheckboxEntryEdited });
/** read() -> list of values. */
export const ticks = (options) => ({ ...options, component: Ticks, isEdited: () => options.read().length > 0 });

function Text({ element, id, label, description, placeholder, validate, read, write }) {
  const debounce = useService("debounceInput");
  const setValue = (value, error) => (error ? undefined : write(blank(value)));
  return TextFieldEntry({ element, id, label, description, placeholder, validate, debounce, getValue: read, setValue });
}

function LongText({ element, id, label, description, read, write, monospace = true, rows = 3 }) {
  const debounce = useService("debounceInput");
  return TextAreaEntry({ element, id, label, description, monospace, rows, autoResize: true, debounce, getValue: read, setValue: (value) => write(blank(value)) });
}

function Choice({ element, id, label, description, choices, none, unknown, read, write }) {
  const value = read();
  const known = choices.some((item) => item.value === value);
  const getOptions = () => [{ value: "", label: none }, ...(value && !known ? [{ value, label: unknown(value) }] : []), ...choices];
  return SelectEntry({ element, id, label, description, getOptions, getValue: () => read() ?? "", setValue: (chosen) => write(blank(chosen)) });
}

function Tick({ element, id, label, description, read, write }) {
  return CheckboxEntry({ element, id, label, description, getValue: read, setValue: write });
}

function Ticks({ element, id, label, description, options, read, write }) {
  return CheckboxGroup({ element, id, label, description, options, getValue: read, setValue: write });
}

const blank = (value) => (value === undefined || value === null || String(value).trim() === "" ? undefined : value);
