"""Reads the text of an expression or script: syntax, names, what is refused before anything runs. Runs nothing.

Refused statically: oversized or deeply nested text, compiling text at run time (`eval`, `exec`), names and attributes that begin with two
underscores, and imports beyond the modules that are pure (no operating system, no files).
"""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

Mode: TypeAlias = Literal["expression", "script"]

MAX_TEXT = {"expression": 10_000, "script": 100_000}  # characters
MAX_DEPTH = 60  # levels of the syntax tree; the sandbox itself stops somewhat above
MODULES = frozenset(
    {"base64", "bisect", "collections", "copy", "dataclasses", "datetime", "decimal", "functools", "hashlib"}
    | {"itertools", "json", "math", "random", "re", "typing", "unicodedata"}
)
AUTOMATIC = ("datetime", "json", "math")  # usable without an import statement
CLOCK = ("now", "today")
_FORBIDDEN = frozenset({"eval", "exec", "compile", "open", "globals", "locals", "vars", "input", "breakpoint", "help"})


class SourceRefused(ValueError):
    """The text may not run; the message says why, with the line."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """An accepted text, one object for each.

    `code` is what the sandbox runs (`del` rewritten, see `_Deletions`). `tree`: of an expression; `assignments`: name and value of each
    statement of a script that consists of nothing else. `reads`: global names whose value is used; `calls`: global names that
    are called; `assigns`: global names that the script may bind or delete, functions, classes and modules excluded. Each in order of first
    appearance, so that everything made from them is deterministic.
    """

    text: str
    mode: Mode
    code: str
    tree: ast.expr | None
    assignments: tuple[tuple[str, ast.expr], ...] | None
    reads: tuple[str, ...]
    calls: tuple[str, ...]
    assigns: tuple[str, ...]
    bound: frozenset[str]


def read(text: str, mode: Mode) -> Source:
    """Parse and check. Raises SourceRefused."""
    if len(text) > MAX_TEXT[mode]:  # before the cache: never keep huge keys
        raise SourceRefused(f"longer than {MAX_TEXT[mode]} characters")
    return _read(text, mode)


@lru_cache(maxsize=4096)
def _read(text: str, mode: Mode) -> Source:
    code = text.strip() if mode == "expression" else text
    if not code.strip() and mode == "expression":
        raise SourceRefused("the expression is empty")
    try:
        # Parentheses let an expression run over several lines, as text fields of modelers do.
        compiled = _bracketed(code) if mode == "expression" else code
        how = "eval" if mode == "expression" else "exec"
        tree = ast.parse(compiled, mode=how)
        _refuse(tree)
        table = symtable.symtable(compiled, "<expression>", how)
    except SyntaxError as exc:
        raise SourceRefused(_syntax_message(code, mode, exc)) from None
    except (RecursionError, MemoryError):
        raise SourceRefused("nested too deeply") from None
    except ValueError as exc:
        if isinstance(exc, SourceRefused):
            raise
        raise SourceRefused(str(exc)) from None
    names = _Names(tree, table)
    deletes = any(isinstance(node, ast.Delete) for node in ast.walk(tree))
    return Source(
        text=text,
        mode=mode,
        code=ast.unparse(ast.fix_missing_locations(_Deletions().visit(tree))) if deletes else code,
        tree=tree.body if isinstance(tree, ast.Expression) else None,
        assignments=_assignments(tree.body) if isinstance(tree, ast.Module) else None,
        reads=names.reads,
        calls=names.calls,
        assigns=names.assigns,
        bound=names.bound,
    )


def _assignments(statements: list[ast.stmt]) -> tuple[tuple[str, ast.expr], ...] | None:
    """`pass`, `x = value` and `x += value` only."""
    out: list[tuple[str, ast.expr]] = []
    for one in statements:
        if isinstance(one, ast.Pass):
            continue
        if isinstance(one, ast.Assign) and len(one.targets) == 1 and isinstance(one.targets[0], ast.Name):
            out.append((one.targets[0].id, one.value))
        elif isinstance(one, ast.AugAssign) and isinstance(one.target, ast.Name):
            out.append((one.target.id, ast.BinOp(ast.Name(one.target.id, ast.Load()), one.op, one.value)))
        else:
            return None
    return tuple(out)


def _syntax_message(code: str, mode: Mode, error: SyntaxError) -> str:
    if mode == "script":
        return f"syntax error in line {error.lineno}: {error.msg}"
    try:
        ast.parse(code, mode="eval")  # the message without our brackets is the clearer one
    except SyntaxError as exc:
        error = exc
    return f"syntax error: {error.msg}"


def _bracketed(code: str) -> str:
    """Brackets let an expression run over several lines, as text fields of modelers do.

    Text that closes the bracket itself (`1) + (2`) cannot do so for both kinds.
    """
    listed = ast.parse(f"[\n{code}\n]", mode="eval").body
    if isinstance(listed, ast.List) and not listed.elts:
        raise SourceRefused("the expression is empty")  # nothing but a comment
    return f"(\n{code}\n)"


def _refuse(tree: ast.AST) -> None:
    level: list[tuple[ast.AST, bool]] = [(tree, False)]  # with whether the node stands in a function
    depth = 0
    while level:  # breadth first, without recursion: hostile text is deep
        depth += 1
        if depth > MAX_DEPTH:
            raise SourceRefused("nested too deeply")
        for node, inside in level:
            _refuse_node(node)
            if isinstance(node, ast.Return) and not inside:
                raise SourceRefused(f"syntax error in line {node.lineno}: 'return' outside function")
        level = [(child, inside or isinstance(node, ast.FunctionDef)) for node, inside in level for child in ast.iter_child_nodes(node)]


def _refuse_node(node: ast.AST) -> None:
    name = getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "arg", None) or getattr(node, "name", None)
    if isinstance(name, str) and name.startswith(("__", "_fl_")):
        raise SourceRefused(f"the name {name} is not available")
    if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith | ast.AsyncFunctionDef):
        raise SourceRefused("async and await are not available")
    if isinstance(node, ast.Name) and node.id in _FORBIDDEN:
        raise SourceRefused(f"{node.id} is not available")
    if isinstance(node, ast.Import):
        wanted = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        wanted = [node.module or "."]
    else:
        return
    for module in wanted:
        if module.split(".")[0] not in MODULES:
            raise SourceRefused(f"the module {module} is not available")


class _Names:
    """Global names of a syntax tree, with the symbol table deciding what is global in nested functions and comprehensions."""

    def __init__(self, tree: ast.AST, table: symtable.SymbolTable) -> None:
        free: set[str] = set()
        assigned: set[str] = set()
        other: set[str] = set()
        for scope, symbol in _symbols(table):
            top = scope.get_type() == "module"
            if not (top or symbol.is_global()):
                continue
            name = symbol.get_name()
            if symbol.is_referenced():
                free.add(name)
            if symbol.is_imported() or symbol.is_namespace():
                other.add(name)
            elif symbol.is_assigned():
                assigned.add(name)
        nodes = sorted((n for n in ast.walk(tree) if isinstance(n, ast.Name)), key=lambda n: (n.lineno, n.col_offset))
        called = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
        augmented = {id(n.target) for n in ast.walk(tree) if isinstance(n, ast.AugAssign)}
        used = [n.id for n in nodes if n.id in free | assigned and (id(n) in augmented or isinstance(n.ctx, ast.Load)) and id(n) not in called]
        self.reads = tuple(dict.fromkeys(name for name in used if name not in other))
        self.calls = tuple(dict.fromkeys(n.id for n in nodes if id(n) in called and n.id in free and n.id not in other))
        caught = {n.name for n in ast.walk(tree) if isinstance(n, ast.ExceptHandler) and n.name}  # Python unbinds them after the handler
        assigned -= caught - {n.id for n in nodes if isinstance(n.ctx, ast.Store)}
        order = [n.id for n in nodes] + sorted(assigned)  # match captures are no Name nodes
        self.assigns = tuple(dict.fromkeys(name for name in order if name in assigned - other))
        self.bound = frozenset(assigned | other)


def _symbols(table: symtable.SymbolTable) -> Iterator[tuple[symtable.SymbolTable, symtable.Symbol]]:
    for symbol in table.get_symbols():
        yield table, symbol
    for child in table.get_children():
        yield from _symbols(child)


class _Deletions(ast.NodeTransformer):
    """The sandbox knows no `del`: `del x` becomes `x = ...` (the evaluator takes Ellipsis for "removed"), `del d[k]` becomes `d.pop(k)`."""

    def visit_Delete(self, node: ast.Delete) -> list[ast.stmt]:
        return [self._one(target) for target in _flat(node.targets)]

    def _one(self, target: ast.expr) -> ast.stmt:
        if isinstance(target, ast.Name):
            return ast.Assign([ast.Name(target.id, ast.Store())], ast.Constant(...))
        if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Slice):
            return ast.Assign([ast.Subscript(target.value, target.slice, ast.Store())], ast.List([], ast.Load()))
        if isinstance(target, ast.Subscript):
            return ast.Expr(ast.Call(ast.Attribute(target.value, "pop", ast.Load()), [target.slice], []))
        raise SourceRefused("del works on names, items and slices only")


def _flat(targets: list[ast.expr]) -> Iterator[ast.expr]:
    for target in targets:
        if isinstance(target, ast.Tuple | ast.List):
            yield from _flat(target.elts)
        else:
            yield target
