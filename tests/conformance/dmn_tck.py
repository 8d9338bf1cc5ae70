"""Runs the DMN Technology Compatibility Kit (github.com/dmn-tck/tck) against `engine.dmn` and prints figures; nothing of the kit is copied here.

    FLOWLEDGER_DMN_TCK=/path/to/tck/TestCases python -m tests.conformance.dmn_tck [-v] [filter ...]

A test case passes when every result node has the expected value. An expected error counts as passed when the result is null or an error.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
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


def main(arguments: list[str]) -> int:
    """Prints passed and total by level, and with -v every failure."""
    kit = os.environ.get("FLOWLEDGER_DMN_TCK")
    if not kit:
        print("set FLOWLEDGER_DMN_TCK to the folder TestCases of the kit")
        return 2
    filters = [argument for argument in arguments if not argument.startswith("-")]
    started = time.perf_counter()
    all_passed = all_total = 0
    for level in ("compliance-level-2", "compliance-level-3"):
        groups: dict[str, list[int]] = {}
        models: dict[Path, DmnModel | str] = {}
        for group, name, case, file in cases(Path(kit) / level):
            if filters and not any(part in f"{group}/{name}" for part in filters):
                continue
            if file not in models:
                models[file] = compiled(file)
            model = models[file]
            why = model if isinstance(model, str) else verdict(model, case)
            counts = groups.setdefault(group, [0, 0])
            counts[0] += not why
            counts[1] += 1
            if why and "-v" in arguments:
                print(f"  {group}/{name}: {why[:300]}")
        for group, (passed, total) in groups.items():
            if passed < total:
                print(f"{group}: {passed}/{total}")
        passed, total = (sum(counts[i] for counts in groups.values()) for i in (0, 1))
        print(f"{level}: {passed} of {total} test cases in {len(groups)} groups")
        all_passed, all_total = all_passed + passed, all_total + total
    print(f"together: {all_passed} of {all_total} in {time.perf_counter() - started:.1f} s")
    return 0 if all_passed == all_total else 1


def compiled(file: Path) -> DmnModel | str:
    """The model, or why there is none."""
    try:
        others = {other.name: other.read_bytes() for other in file.parent.glob("*.dmn")}
        return DmnCompiler(lenient=True).compile(file.name, file.read_bytes(), others)
    except (DeploymentRejected, OSError) as exc:
        return f"not compiled: {exc}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
