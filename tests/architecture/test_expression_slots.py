"""Expressions of a file are read by `engine.bpmn.languages`, which knows in what language they are; nothing else takes their notation apart.

A `source(...)` in a reader or at run time would take the mark off a FEEL text and hand it to Python: another meaning, without a word.
"""

from __future__ import annotations

import ast
from pathlib import Path

import engine.bpmn

FOLDER = Path(engine.bpmn.__file__).parent
NOTATION = {"source", "expression", "template"}
ALLOWED = {
    "languages.py": NOTATION,
    "data_reader.py": {"source"},  # the target of an assignment is a name
    "evaluation.py": {"template"},  # names of messages, as `languages.name_in` wrote them
    "extensions.py": {"expression"},  # variables' names in mappings; SpiffWorkflow's parameters, which are Python
    "validation/expressions.py": {"template"},
    "validation/names.py": {"template"},
    "validation/reachability.py": {"source"},  # constants in the text as it is drawn
}


def test_only_the_reader_of_languages_takes_notations_apart() -> None:
    found: dict[str, set[str]] = {}
    for file in sorted(FOLDER.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "engine.bpmn.templates":
                used = {one.name for one in node.names} & NOTATION
                found.setdefault(file.relative_to(FOLDER).as_posix(), set()).update(used)
    assert {name: used for name, used in found.items() if used - ALLOWED.get(name, set())} == {}
