"""The table of supported elements, made from the conformance cases: `python -m tests.conformance.table` writes it, `--check` compares.

What a case is about are ids (`elements`); element, event, position and attributes are read from its files, so that the table cannot promise what no
case shows. It goes to `docs/conformance.md` and, with the Chinese texts, to `webui/conformance.json`, which the product serves.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lxml import etree

from tests.conformance.case import PHRASES, Case, cases, phrases

ROOT = Path(__file__).parents[2]
PAGE, DATA = ROOT / "docs" / "conformance.md", ROOT / "webui" / "conformance.json"
SCOPES = ("process", "subProcess", "transaction", "adHocSubProcess", "collaboration", "laneSet", "definitions", "decision", "decisionTable")
EVENTS = ("startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent")
UNTOLD = {
    "id", "name", "sourceRef", "targetRef", "attachedToRef", "incoming", "outgoing", "extensionElements", "documentation", "processRef", "type",
    "associationDirection", "flowNodeRef", "script", "text", "href", "rule", "decisionTable", "messageRef", "signalRef", "errorRef", "escalationRef",
    "standardLoopCharacteristics", "multiInstanceLoopCharacteristics",
}  # fmt: skip
ENUMERATED = {
    "isSequential", "cancelActivity", "isInterrupting", "instantiate", "eventGatewayType", "behavior", "ordering", "testBefore", "parallelMultiple",
    "triggeredByEvent", "isForCompensation", "waitForCompletion", "cancelRemainingInstances", "isExecutable", "hitPolicy", "aggregation",
}  # fmt: skip
HEAD = """# What is executed, and what shows it

Made by `python -m tests.conformance.table` from the cases in `tests/conformance/cases`; do not edit. Each case is a BPMN or DMN file with a description
beside it, which `tests/conformance/test_cases.py` plays; a fresh engine then executes its records again. In the product: Help, "What diagrams may use".
"""


@dataclass
class Row:
    """One kind of element in one position. `works` and `refused` are ids of cases."""

    element: str
    event: str
    position: str
    attributes: set[str] = field(default_factory=set)
    works: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def local(element: Any) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def trees(case: Case) -> Iterator[Any]:
    for path in case.all_files():
        try:
            yield etree.fromstring(path.read_bytes(), etree.XMLParser(resolve_entities=False, remove_comments=True))
        except etree.XMLSyntaxError:
            continue


def event_of(element: Any) -> str:
    """Kind of an event: that of its definition, also of one that is referred to; `multiple` or `parallel multiple`."""
    if local(element) not in EVENTS:
        return ""
    root = element.getroottree().getroot()
    found = []
    for one in element:
        named = one
        if local(one) == "eventDefinitionRef":
            named = next((other for other in root.iter() if other.get("id") == (one.text or "").strip()), one)
        if local(named).endswith("EventDefinition"):
            found.append(local(named).removesuffix("EventDefinition"))
    if len(found) > 1:
        return "parallel multiple" if element.get("parallelMultiple") == "true" else "multiple"
    return found[0] if found else "none"


def position_of(element: Any) -> str:
    host = element.get("attachedToRef")
    if host is not None:
        found = next((one for one in element.getroottree().getroot().iter() if one.get("id") == host), None)
        return f"at {kind_of(found)}" if found is not None else "at nothing"
    holder = element.getparent()
    while holder is not None and local(holder) not in SCOPES:
        holder = holder.getparent()
    return kind_of(holder) if holder is not None else ""


def kind_of(element: Any) -> str:
    """The name of the element; what loops or is an event subprocess is a kind of its own."""
    if element.get("triggeredByEvent") == "true":
        return "event subprocess"
    for one in element:
        if local(one) == "standardLoopCharacteristics":
            return f"{local(element)}, standard loop"
        if local(one) == "multiInstanceLoopCharacteristics":
            return f"{local(element)}, {'sequential' if one.get('isSequential') == 'true' else 'parallel'} multi-instance"
    return local(element)


def attributes_of(element: Any) -> set[str]:
    """Attributes and parts of the element and of what it holds of its own (loop characteristics, event definitions), by name."""
    found: set[str] = set()
    inner = [one for one in element if local(one).endswith(("Characteristics", "EventDefinition"))]
    for one in (element, *inner):
        for key, value in one.attrib.items():
            name = etree.QName(key)
            prefix = next((p for p, uri in one.nsmap.items() if uri == name.namespace and p), "")
            told = f"{prefix}:{name.localname}" if prefix else name.localname
            found.add(f"{told}={value}" if name.localname in ENUMERATED else told)
        if local(one) not in SCOPES:
            found |= {local(part) for part in one if local(part)}
        found |= {extension_name(part) for holder in one if local(holder) == "extensionElements" for part in holder.iter() if part is not holder}
    return {one for one in found if one.split("=")[0] not in UNTOLD and not one.endswith("EventDefinition")}


def extension_name(element: Any) -> str:
    return f"{element.prefix}:{local(element)}" if element.prefix else local(element)


def rows() -> list[Row]:
    """All kinds of elements that cases are about, by name."""
    found: dict[tuple[str, str, str], Row] = {}
    for case in cases():
        wanted = set(case.elements)
        for tree in trees(case):
            for element in tree.iter():
                if not isinstance(element.tag, str) or element.get("id") not in wanted:
                    continue
                key = (kind_of(element), event_of(element), position_of(element))
                row = found.setdefault(key, Row(*key))
                row.attributes |= attributes_of(element)
                for shown, names in ((case.shows_that_it_works, row.works), (case.shows_what_does_not_happen, row.refused)):
                    if shown and case.id not in names:
                        names.append(case.id)
    return [found[key] for key in sorted(found, key=lambda key: (key[0].lower(), key[1:]))]


def areas() -> list[dict[str, Any]]:
    """Areas with their phrases and the cases of each, in the order of `phrases.toml`."""
    told = tomllib.loads(PHRASES.read_text(encoding="utf-8"))
    made: dict[str, dict[str, Any]] = {key: {"id": key, "en": one["en"], "zh": one["zh"], "phrases": []} for key, one in told.items()}
    everything = list(cases())
    for key, said in phrases().items():
        held = [
            {"id": c.id, "en": c.en, "zh": c.zh, "works": c.shows_that_it_works, "refused": bool(c.refused), "counter": c.shows_what_does_not_happen}
            for c in everything
            if c.phrase == key
        ]
        made[key.split(".")[0]]["phrases"].append({"en": said["text"], "zh": said["zh"], "cases": held})
    return list(made.values())


def markdown() -> str:
    out = [
        HEAD,
        "## Elements\n",
        "| element | event | position | attributes and parts | works | refused, or does not happen |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows():
        attributes = ", ".join(f"`{one}`" for one in sorted(row.attributes))
        out.append(f"| {row.element} | {row.event} | {row.position} | {attributes} | {links(row.works)} | {links(row.refused)} |")
    for area in areas():
        out.append(f"\n## {area['en']}")
        for phrase in area["phrases"]:
            out.append(f"\n**{phrase['en']}**\n" if phrase["cases"] else f"\n**{phrase['en']}**: no case yet\n")
            out += [f"- {case['en']} ({links([case['id']])})" for case in phrase["cases"]]
    return "\n".join(out) + "\n"


def links(ids: list[str]) -> str:
    return ", ".join(f"[{one.split('/')[1]}](../tests/conformance/cases/{one}.toml)" for one in ids)


def data() -> str:
    told = {
        "elements": [
            {
                "element": row.element,
                "event": row.event,
                "position": row.position,
                "attributes": sorted(row.attributes),
                "works": len(row.works),
                "refused": len(row.refused),
            }
            for row in rows()
        ],
        "areas": areas(),
    }
    return json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def main(arguments: list[str]) -> int:
    made = {PAGE: markdown(), DATA: data()}
    stale = [path for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in arguments:
        print("".join(f"{path.relative_to(ROOT)} is out of date: make table\n" for path in stale), end="")
        return 1 if stale else 0
    for path in stale:
        path.write_text(made[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
