"""Conformance cases as files: `cases/<area>/<name>.bpmn` (or `.dmn`) and beside it `<name>.toml`, which says what it shows.

phrase = "gateways.exclusive-order"        # the phrase of `phrases.toml`, which is that of the issue
en = "..."                                 # one sentence for the table, also `zh`
elements = ["choose"]                      # ids of the elements that the case is about; what they are is read from the file
warnings = ["bpmn.handler work"]           # rule and element id, when the deployment is to warn: all of them

[[run]]                                    # any number; each on a fresh engine
start = "process"                          # default: the file's first process; "" starts nothing
given = { n = 2 }
steps = [ { complete = "work", values = {} }, { then = { tasks = ["check"] } } ]
counter = true                             # this run shows what does not happen
[run.then]                                 # the expectation, see `stage.Expectation`
trace = ["start", "choose", "first"]

[refused]                                  # instead of runs: the deployment is refused with exactly these errors
problems = ["bpmn.condition choose_b"]
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "cases"
PHRASES = Path(__file__).parent / "phrases.toml"
KEYS = {"phrase", "en", "zh", "elements", "warnings", "sound", "deploy", "run", "refused"}
RUN_KEYS = {"start", "given", "key", "steps", "counter", "then"}


@dataclass(frozen=True, slots=True)
class Run:
    """One way through the case."""

    start: str | None
    given: Mapping[str, Any]
    key: str | None
    steps: tuple[Mapping[str, Any], ...]
    counter: bool
    then: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """`files` are what is deployed first: those that `deploy` names, else the diagram and the decisions of the same name."""

    area: str
    name: str
    folder: Path
    phrase: str
    en: str
    zh: str
    elements: tuple[str, ...]
    files: tuple[str, ...]
    runs: tuple[Run, ...] = ()
    refused: tuple[str, ...] = ()
    warnings: tuple[str, ...] | None = None
    sound: tuple[str, ...] | None = None

    @property
    def id(self) -> str:
        return f"{self.area}/{self.name}"

    @property
    def shows_that_it_works(self) -> bool:
        return any(not run.counter for run in self.runs)

    @property
    def shows_what_does_not_happen(self) -> bool:
        return bool(self.refused) or any(run.counter for run in self.runs)

    def contents(self, names: tuple[str, ...] | None = None) -> dict[str, bytes]:
        """Bytes by file name."""
        return {name: (self.folder / name).read_bytes() for name in names or self.files}

    def all_files(self) -> list[Path]:
        """Everything that belongs to the case besides its description."""
        return sorted(one for one in self.folder.glob(f"{self.name}.*") if one.suffix != ".toml")


def load(path: Path) -> Case:
    """Read one description. Raises ValueError for a word that it must not hold."""
    said = tomllib.loads(path.read_text(encoding="utf-8"))
    runs = [_run(path, one) for one in said.get("run", ())]
    unknown = set(said) - KEYS
    if unknown or bool(runs) == ("refused" in said):
        raise ValueError(f"{path}: {unknown or 'a case has runs or is refused'}")
    named = said.get("deploy") or [f"{path.stem}{kind}" for kind in (".bpmn", ".dmn") if path.with_suffix(kind).exists()]
    return Case(
        area=path.parent.name,
        name=path.stem,
        folder=path.parent,
        phrase=said["phrase"],
        en=said["en"],
        zh=said["zh"],
        elements=tuple(said["elements"]),
        files=tuple(named),
        runs=tuple(runs),
        refused=tuple(said.get("refused", {}).get("problems", ())),
        warnings=tuple(said["warnings"]) if "warnings" in said else None,
        sound=tuple(said["sound"]) if "sound" in said else None,
    )


def _run(path: Path, said: Mapping[str, Any]) -> Run:
    if set(said) - RUN_KEYS or "then" not in said:
        raise ValueError(f"{path}: a run holds {sorted(RUN_KEYS)}, not {sorted(said)}")
    return Run(said.get("start"), said.get("given", {}), said.get("key"), tuple(said.get("steps", ())), said.get("counter", False), said["then"])


def cases(folder: Path = FOLDER) -> Iterator[Case]:
    """All of them, by area and name."""
    for path in sorted(folder.glob("*/*.toml")):
        yield load(path)


def phrases() -> dict[str, Mapping[str, Any]]:
    """`area.key` to the phrase: `text`, `zh`, and `only` (works, refused) where the other direction means nothing."""
    said = tomllib.loads(PHRASES.read_text(encoding="utf-8"))
    return {
        f"{area}.{key}": ({"text": value} if isinstance(value, str) else value)
        for area, held in said.items()
        for key, value in held.items()
        if key not in ("en", "zh")
    }
