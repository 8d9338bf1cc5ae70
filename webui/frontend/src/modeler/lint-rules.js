// Which of bpmnlint's rules hold in the browser. The server checks everything again, and more, before a deployment.
import adHoc from "bpmnlint/rules/ad-hoc-sub-process";
import conditionalFlows from "bpmnlint/rules/conditional-flows";
import endRequired from "bpmnlint/rules/end-event-required";
import eventBasedGateway from "bpmnlint/rules/event-based-gateway";
import typedStart from "bpmnlint/rules/event-sub-process-typed-start-event";
import labelRequired from "bpmnlint/rules/label-required";
import linkEvent from "bpmnlint/rules/link-event";
import noBpmndi from "bpmnlint/rules/no-bpmndi";
import noDisconnected from "bpmnlint/rules/no-disconnected";
import noDuplicateFlows from "bpmnlint/rules/no-duplicate-sequence-flows";
import noOverlap from "bpmnlint/rules/no-overlapping-elements";
import singleBlankStart from "bpmnlint/rules/single-blank-start-event";
import singleDefinition from "bpmnlint/rules/single-event-definition";
import startRequired from "bpmnlint/rules/start-event-required";
import blankSubProcessStart from "bpmnlint/rules/sub-process-blank-start-event";
import superfluousGateway from "bpmnlint/rules/superfluous-gateway";

// Left out: fake-join (ordinary loops set it off), no-gateway-join-fork, no-inclusive-gateway, no-complex-gateway, no-implicit-*
// (the engine executes all of these as BPMN says).
const RULES = {
  "ad-hoc-sub-process": [adHoc, "warn"],
  "conditional-flows": [conditionalFlows, "error"],
  "end-event-required": [endRequired, "warn"],
  "event-based-gateway": [eventBasedGateway, "error"],
  "event-sub-process-typed-start-event": [typedStart, "error"],
  "label-required": [labelRequired, "warn"],
  "link-event": [linkEvent, "error"],
  "no-bpmndi": [noBpmndi, "warn"],
  "no-disconnected": [noDisconnected, "error"],
  "no-duplicate-sequence-flows": [noDuplicateFlows, "warn"],
  "no-overlapping-elements": [noOverlap, "warn"],
  "single-blank-start-event": [singleBlankStart, "error"],
  "single-event-definition": [singleDefinition, "error"],
  "start-event-required": [startRequired, "error"],
  "sub-process-blank-start-event": [blankSubProcessStart, "error"],
  "superfluous-gateway": [superfluousGateway, "warn"],
};

export const lintRules = {
  config: { rules: Object.fromEntries(Object.entries(RULES).map(([name, [, severity]]) => [name, severity])) },
  resolver: {
    resolveRule: (_pkg, name) => RULES[name][0],
    resolveConfig: () => {
      throw new Error("no shared configurations");
    },
  },
};
