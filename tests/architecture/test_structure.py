"""The structure that ARCHITECTURE.md promises: layers, docstrings, sizes, what may be imported where."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ["engine", "processes", "forms", "webui"]
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if not {"node_modules", "__pycache__"} & set(path.parts))
NONDETERMINISTIC = {"time", "random", "secrets", "uuid"}
# The interpreter's side of the engine: the same input must give the same outcome, so nothing here may look at the world.
DETERMINISTIC = ["engine/model", "engine/history", "engine/bpmn", "engine/dmn", "engine/expressions"]


def test_imports_keep_the_layers():
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(program), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_module_says_what_it_is_for(module):
    source = module.read_text(encoding="utf-8")
    if source.strip():
        assert ast.get_docstring(ast.parse(source)), f"{module} has no docstring"


def test_no_module_has_a_name_that_says_nothing():
    assert [path for path in MODULES if path.stem in {"utils", "util", "helpers", "helper", "misc", "common", "manager"}] == []


# Files that are longer for a reason, with the reason: none.
LONG: dict[str, str] = {}


def test_files_stay_readable():
    long = {path.relative_to(ROOT).as_posix() for path in MODULES if len(path.read_text(encoding="utf-8").splitlines()) > 365}
    assert long == LONG.keys()


def imported(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add((node.module or "").split(".")[0])
    return names


def test_the_deterministic_core_reads_neither_clock_nor_chance():
    found = {}
    for path in MODULES:
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(tuple(DETERMINISTIC)):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            calls = {
                node.func.attr
                for node in ast.walk(tree)
                if isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in {"now", "utcnow", "today", "getenv"}
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id in {"datetime", "date", "os"}
            }
            if bad := (imported(tree) & NONDETERMINISTIC) | calls:
                found[name] = sorted(bad)
    assert found == {}


def test_no_text_of_the_project_names_a_machine_or_a_private_host():
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    suspicious = ("/wo" + "rk/", "/ho" + "me/", "/ro" + "ot/", "/tm" + "p/front")
    found = []
    for name in tracked:
        path = ROOT / name
        if path.is_file() and path.suffix in {".py", ".md", ".toml", ".js", ".css", ".json", ".html", ".lock", ".bpmn", ".dmn", ""}:
            text = path.read_text(encoding="utf-8", errors="replace")
            found += [(name, word) for word in suspicious if word in text]
    assert found == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_log_line_holds_the_message_of_an_exception(module):
    """It quotes values: what a form held, an address with its password."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    caught = {node.name for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler) and node.name}
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "log"
    ]
    for call in calls:
        for argument in call.args[1:]:
            assert not isinstance(argument, ast.Name | ast.BoolOp) or not caught & {n.id for n in ast.walk(argument) if isinstance(n, ast.Name)}, (
                f"{module}:{call.lineno}: log type(exc).__name__"
            )
