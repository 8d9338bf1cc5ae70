"""The words of the rules that `engine.dmn` checks when decisions are compiled; `dmn.reference` belongs to the activities."""

from __future__ import annotations

from engine.bpmn.validation.rule import declare

declare(
    "dmn.alone",
    "",
    "A decision is deployed with the processes that use it",
    "Deploy it with the process, or with the other files of an earlier version.",
)
declare("dmn.aggregation", "", "The aggregation does not fit", "Choose a hit policy that allows it.")
declare("dmn.cycle", "", "The decision requires itself", "Remove the requirement that closes the circle.")
declare("dmn.duplicate-id", "", "A decision id is used twice", "Give each decision an id of its own.")
declare("dmn.external", "", "External functions are not available", "Write it in FEEL, or use a service task.")
declare("dmn.feel", "", "The FEEL expression is not valid", "Correct the expression in the named cell.")
declare("dmn.hit-policy", "", "The hit policy is unknown", "Use a hit policy of DMN.")
declare("dmn.id", "", "An element has no id, or one that is used twice", "Give it an id of its own.")
declare("dmn.import", "", "Imports are not available", "Put what the decision needs into one file.")
declare("dmn.input", "", "An input has no expression", "Name the variable to test.")
declare("dmn.language", "", "The expression language is not available", "Write the expression in FEEL.")
declare("dmn.logic", "", "The decision has no logic", "Draw a decision table or write an expression.")
declare("dmn.output", "", "A decision table needs an output", "Add an output column.")
declare("dmn.priority", "", "The hit policy needs ordered output values", "List the output values in their order.")
declare("dmn.root", "", "This is not a DMN file", "Export DMN 1.1 to 1.5 XML.")
declare("dmn.rule", "", "A rule does not fit its table", "Give it as many cells as the table has columns.")
declare("dmn.structure", "", "Something stands where DMN does not allow it, or is missing", "Write it as DMN names it, or remove it.")
declare("dmn.type", "", "A type is unknown", "Declare it, or use a type of FEEL.")
