"""Runs the DMN Technology Compatibility Kit (github.com/dmn-tck/tck) against `engine.dmn`; nothing of the kit is copied here.

    make tck DMN_TCK=/path/to/tck                                                     writes docs/conformance-dmn.md
    FLOWLEDGER_DMN_TCK=/path/to/tck python -m tests.conformance.dmn_tck [filter ...]   prints figures and failing cases

A test case passes when every result node has the expected value. An expected error counts as passed when the result is null or an error.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from lxml import etree

from engine.dmn.compiler import DmnCompiler
from engine.dmn.feel.calendar import Date, DateTime, Months, Span, Time
from engine.dmn.feel.calendar_text import read_date, read_date_time, read_duration, read_time
from engine.dmn.feel.values import Function, equal
from engine.dmn.model import DmnModel, Element
from engine.errors import DeploymentRejected, ExpressionError

VARIABLE = "FLOWLEDGER_DMN_TCK"
LEVELS = {"compliance-level-2": 1.0, "compliance-level-3": 0.85}
"""Share of the cases of each level that has to pass."""
REPORT = Path(__file__).parents[2] / "docs" / "conformance-dmn.md"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KIT = "{http://www.omg.org/spec/DMN/20160719/testcase}"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
TOLERANCE = Decimal("1e-8")
_READ = {
    "date": read_date,
    "dateTime": read_date_time,
    "time": read_time,
    "duration": read_duration,
    "dayTimeDuration": read_duration,
    "yearMonthDuration": read_duration,
    "boolean": lambda text: text.strip() in ("true", "1"),
    "decimal": Decimal,
    "double": Decimal,
    "integer": Decimal,
    "int": Decimal,
    "float": Decimal,
}


class Inputs:
    """Values of a test case as a source of names."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def lookup(self, name: str) -> tuple[bool, Any]:
        return name in self.values, self.values.get(name)


def value_of(element: etree._Element) -> Any:
    """The FEEL value that a test writes."""
    if element.get(f"{XSI}nil") == "true":
        return None
    listed = element.find(f"{KIT}list")
    if listed is not None:
        return None if listed.get(f"{XSI}nil") == "true" else [value_of(item) for item in listed.iterchildren(f"{KIT}item")]
    components = list(element.iterchildren(f"{KIT}component"))
    if components:
        return {str(part.get("name")): value_of(part) for part in components}
    written = element.find(f"{KIT}value")
    if written is None or written.get(f"{XSI}nil") == "true":
        return None
    kind = (written.get(f"{XSI}type") or "string").rpartition(":")[2]
    text = written.text or ""
    return _READ[kind](text) if kind in _READ else text


def agrees(expected: Any, got: Any) -> bool:
    """Equality as the kit means it: numbers to eight digits, all kinds of durations alike."""
    if isinstance(expected, Decimal) and isinstance(got, Decimal):
        return abs(expected - got) <= TOLERANCE * max(1, abs(expected))
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(agrees(a, b) for a, b in zip(expected, got, strict=True))
    if isinstance(expected, dict) and isinstance(got, dict):
        return expected.keys() == got.keys() and all(agrees(item, got[key]) for key, item in expected.items())
    if isinstance(expected, Date | Time | DateTime | Months | Span):
        return bool(equal(expected, got))
    if isinstance(expected, str) and isinstance(got, Date | Time | DateTime | Months | Span):
        return False
    return type(expected) is type(got) and bool(expected == got)


def asked(model: DmnModel, case: etree._Element, node: etree._Element) -> Element | None:
    """The decision, service or business knowledge model that a result node is about."""
    kind = case.get("type") or "decision"
    name = case.get("invocableName") if kind != "decision" else node.get("name")
    kinds = {"decision": ("decision", "service"), "bkm": ("knowledge",), "decisionService": ("service",)}[kind]
    return next((e for e in model.elements.values() if e.name == name and e.kind in kinds), None)


def result(model: DmnModel, element: Element, inputs: Mapping[str, Any], *, invoked: bool) -> Any:
    """Value of the element over the inputs of the case."""
    value, run = model.compute(element.id, Inputs(inputs), NOW, inputs if invoked else None)
    if isinstance(value, Function) and element.kind == "knowledge":
        return run.call(value, [inputs.get(name) for name in value.parameters])
    return value


def cases(folder: Path) -> Iterator[tuple[str, str, etree._Element, Path]]:
    """Group, case id, case and model file."""
    for file in sorted(folder.glob("*/*-test-*.xml")) + sorted(folder.glob("*/*_test_*.xml")):
        root = etree.parse(str(file)).getroot()
        model = file.parent / (root.findtext(f"{KIT}modelName") or "").strip()
        for case in root.iterchildren(f"{KIT}testCase"):
            yield file.parent.name, f"{file.stem}/{case.get('id')}", case, model


def verdict(model: DmnModel, case: etree._Element) -> str:
    """Empty when the case passes, else why not."""
    inputs = {str(node.get("name")): value_of(node) for node in case.iterchildren(f"{KIT}inputNode")}
    for node in case.iterchildren(f"{KIT}resultNode"):
        expected = node.find(f"{KIT}expected")
        wanted = None if expected is None else value_of(expected)
        element = asked(model, case, node)
        try:
            got = None if element is None else result(model, element, inputs, invoked=case.get("type") == "decisionService")
        except ExpressionError as exc:
            if node.get("errorResult") == "true" or wanted is None:
                continue
            return f"{node.get('name')}: {exc}"
        except Exception as exc:  # noqa: BLE001 - a crash is a finding about one case, not the end of the run
            return f"{node.get('name')}: CRASH {type(exc).__name__}: {exc}"
        if element is None and node.get("errorResult") != "true":
            return f"{node.get('name')}: not found"
        if element is not None and len(element.outputs) > 1 and isinstance(got, dict):
            got = got.get(str(node.get("name")))  # a service with several outputs: one node for each
        if not agrees(wanted, got):
            return f"{node.get('name')}: expected {wanted!r}, got {got!r}"
    return ""


@dataclass(frozen=True)
class Outcome:
    """One test case; `why` is empty when it passed."""

    level: str
    group: str
    name: str
    why: str


def kit_from_environment() -> Path | None:
    """The folder TestCases of the kit, also when the variable names the folder above; None when it is not set. Raises for a wrong path."""
    said = os.environ.get(VARIABLE)
    if not said:
        return None
    found = next((folder for folder in (Path(said), Path(said) / "TestCases") if (folder / "compliance-level-2").is_dir()), None)
    if found is None:
        raise FileNotFoundError(f"{VARIABLE}={said}: there is no folder compliance-level-2 in it")
    return found


def run(kit: Path, filters: Sequence[str] = ()) -> list[Outcome]:
    """Every case of every level, in the order of the folders."""
    found = []
    for level in LEVELS:
        models: dict[Path, DmnModel | str] = {}
        for group, name, case, file in cases(kit / level):
            if filters and not any(part in f"{group}/{name}" for part in filters):
                continue
            if file not in models:
                models[file] = compiled(file)
            model = models[file]
            found.append(Outcome(level, group, name, model if isinstance(model, str) else verdict(model, case)))
    return found


def compiled(file: Path) -> DmnModel | str:
    """The model, or why there is none."""
    try:
        others = {other.name: other.read_bytes() for other in file.parent.glob("*.dmn")}
        return DmnCompiler(lenient=True).compile(file.name, file.read_bytes(), others)
    except (DeploymentRejected, OSError) as exc:
        return f"not compiled: {exc}"


# --- the report -----------------------------------------------------------------------------------------------------
def fingerprint(kit: Path) -> str:
    """SHA-256 of the models and cases that were run."""
    total = hashlib.sha256()
    for file in sorted(file for level in LEVELS for file in (kit / level).rglob("*") if file.suffix in (".dmn", ".xml")):
        total.update(f"{file.relative_to(kit)} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def passed(outcomes: Sequence[Outcome], level: str) -> tuple[int, int]:
    """(passed, all) of a level."""
    ours = [one for one in outcomes if one.level == level]
    return sum(not one.why for one in ours), len(ours)


def enough(outcomes: Sequence[Outcome]) -> bool:
    """Whether each level has the share of passed cases that it has to have."""
    return all(total and good >= share * total for level, share in LEVELS.items() for good, total in [passed(outcomes, level)])


def report(outcomes: Sequence[Outcome], mark: str) -> str:
    """The conformance report as Markdown; the same outcomes give the same text."""
    lines = [
        "# Conformance to DMN",
        "",
        "Generated by `make tck DMN_TCK=<copy of github.com/dmn-tck/tck>`; do not edit. The kit itself is not part of this project.",
        "",
        f"Models and cases that were run: SHA-256 `{mark}`.",
        "",
        "| level | groups | cases | passed | failed | share |",
        "|---|---|---|---|---|---|",
    ]
    for level in LEVELS:
        good, total = passed(outcomes, level)
        groups = len({one.group for one in outcomes if one.level == level})
        lines.append(f"| {level} | {groups} | {total} | {good} | {total - good} | {good / max(1, total):.1%} |")
    failed = [one for one in outcomes if one.why]
    lines += ["", "## Failing cases", ""]
    if failed:
        lines += ["| group | case | why |", "|---|---|---|"]
        lines += [f"| {one.group} | {one.name} | {_cell(one.why)} |" for one in failed]
    else:
        lines.append("None.")
    lines += ["", "## Groups", "", "| level | group | passed | cases |", "|---|---|---|---|"]
    for level, group in dict.fromkeys((one.level, one.group) for one in outcomes):
        ours = [one for one in outcomes if (one.level, one.group) == (level, group)]
        lines.append(f"| {level.rpartition('-')[2]} | {group} | {sum(not one.why for one in ours)} | {len(ours)} |")
    return "\n".join(lines) + "\n"


def _cell(why: str) -> str:
    return " ".join(why[:160].split()).replace("|", "\\|")


def main(arguments: Sequence[str]) -> int:
    """Prints figures and failing cases, or writes the report. 0: enough passed; 1: not; 2: there is no kit."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.dmn_tck")
    parser.add_argument("filters", nargs="*", help="parts of the names of groups and cases")
    parser.add_argument("--report", action="store_true", help=f"write {REPORT.name}")
    options = parser.parse_args(arguments)
    kit = kit_from_environment()
    if kit is None:
        print(f"set {VARIABLE} to a copy of github.com/dmn-tck/tck")
        return 2
    outcomes = run(kit, options.filters)
    for one in outcomes:
        if one.why:
            print(f"{one.group}/{one.name}: {one.why[:300]}")
    for level in LEVELS:
        good, total = passed(outcomes, level)
        print(f"{level}: {good} of {total} test cases")
    if options.report:
        REPORT.write_text(report(outcomes, fingerprint(kit)), "utf-8")
    return 0 if enough(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
