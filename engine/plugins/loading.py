"""Finds what is installed: packs, the form compiler, the web application. By entry points, and by folders named in the settings."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import entry_points
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from engine.errors import InvalidInput
from engine.model.schedule import first, kind
from engine.plugins import Pack, PeriodicTask, ServiceTask

PACKS = "flowledger.packs"
FORMS = "flowledger.forms"
WEB = "flowledger.web"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All packs, with their handlers, functions and groups merged."""

    packs: tuple[Pack, ...] = ()

    @property
    def handlers(self) -> dict[str, ServiceTask]:
        """By type name."""
        return {h.name: h for p in self.packs for h in p.handlers}

    @property
    def periodic(self) -> tuple[PeriodicTask, ...]:
        """Of all packs."""
        return tuple(one for p in self.packs for one in p.periodic)

    @property
    def functions(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {name: f for p in self.packs for name, f in p.functions.items()}

    @property
    def groups(self) -> dict[str, Mapping[str, str]]:
        """Candidate group to its titles by language."""
        return {key: titles for p in self.packs for key, titles in p.groups.items()}


def installed(group: str) -> list[Any]:
    """Objects of an entry point group, ordered by name."""
    return [e.load() for e in sorted(entry_points(group=group), key=lambda e: e.name)]


def catalogue(folders: Iterable[Path] = ()) -> Catalogue:
    """Installed packs and those in `folders` (each holds a `pack.py` that defines `pack`). Raises InvalidInput for clashes."""
    packs = [*installed(PACKS), *(_from_folder(f) for f in folders)]
    for what in ("name",):
        names = [getattr(p, what) for p in packs]
        if len(set(names)) != len(names):
            raise InvalidInput(f"Two packs have the same {what}: {sorted(n for n in names if names.count(n) > 1)}")
    handlers = [h.name for p in packs for h in p.handlers]
    if len(set(handlers)) != len(handlers):
        raise InvalidInput(f"Two packs provide the same service task: {sorted({n for n in handlers if handlers.count(n) > 1})}")
    works = [one for p in packs for one in p.periodic]
    if len({one.name for one in works}) != len(works):
        raise InvalidInput(f"Two packs provide the same periodic work: {sorted(one.name for one in works)}")
    for one in works:
        require_endless(one.name, one.schedule)
    return Catalogue(tuple(packs))


def require_endless(name: str, schedule: str) -> None:
    """Raises InvalidInput for periodic work whose times come to an end, or never begin."""
    if kind(schedule) != "cycle" or first(schedule, datetime.now(UTC)).left is not None:
        raise InvalidInput(f"The periodic work {name} needs an endless cycle such as R/P1D, or a cron text: {schedule!r} is none.")


def _from_folder(folder: Path) -> Pack:
    name = folder.resolve().name
    spec = importlib.util.spec_from_file_location(f"{name}.pack", folder / "pack.py")
    if spec is None or spec.loader is None or not (folder / "pack.py").is_file():
        raise InvalidInput(f"{folder} holds no pack.py")
    if str(folder.resolve().parent) not in sys.path:
        sys.path.insert(0, str(folder.resolve().parent))
    pack = importlib.import_module(f"{name}.pack").pack
    if not isinstance(pack, Pack):
        raise InvalidInput(f"{folder}/pack.py: `pack` is not a Pack")
    return pack


def resources(pack: Pack) -> dict[str, bytes]:
    """The files that the pack deploys: its BPMN and DMN, its forms."""
    found = {f.name: f.read_bytes() for f in _walk(files(pack.package)) if f.name.lower().endswith((".bpmn", ".dmn", ".form.json"))}
    if pack.forms:
        found |= {f.name: f.read_bytes() for f in _walk(files(pack.forms)) if f.name.endswith(".form.json")}
    return found


def _walk(folder: Traversable) -> Iterable[Traversable]:
    return (f for f in folder.iterdir() if f.is_file())


def load(reference: str) -> Any:
    """The object that `"module:name"` names."""
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)
