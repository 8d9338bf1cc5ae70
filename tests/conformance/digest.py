"""One number for all that the conformance cases do: `python -m tests.conformance.digest` prints a digest for each case.

For comparing processes: under another PYTHONHASHSEED, or with the elements of the documents in another order (`--reordered SEED`).
"""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Iterator, Mapping

from lxml import etree

from engine.model.values import canonical
from tests.conformance.case import Case, cases
from tests.conformance.stage import Stage, engine_for, problem_line, problems_of

CONTAINERS = ("process", "subProcess", "transaction", "adHocSubProcess")


class Reordered(Stage):
    """Deploys the documents with the flow nodes of every container shuffled. Sequence flows keep their order: for exclusive gateways it counts."""

    def __init__(self, case: Case, engine: object, seed: int) -> None:
        super().__init__(case, engine)  # type: ignore[arg-type]
        self.seed = seed

    def deploy(self, names: tuple[str, ...] | None = None) -> list[str]:
        files = {name: shuffled(data, self.seed) if name.endswith(".bpmn") else data for name, data in self.case.contents(names).items()}
        processes: list[str] = self.engine.deploy(files)
        return processes


def shuffled(data: bytes, seed: int) -> bytes:
    """The same document with the flow nodes of each process and subprocess in another order, behind everything else in it."""
    root = etree.fromstring(data, etree.XMLParser(resolve_entities=False))
    for container in root.iter():
        if isinstance(container.tag, str) and etree.QName(container).localname in CONTAINERS:
            nodes = [one for one in container if isinstance(one.tag, str) and moves(one)]
            random.Random(f"{seed} {container.get('id')}").shuffle(nodes)
            for one in nodes:
                container.remove(one)
            container.extend(nodes)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def moves(element: etree._Element) -> bool:
    name = etree.QName(element).localname
    return name.endswith(("Task", "Gateway", "Event", "Activity", "ubProcess")) or name in ("task", "transaction")


def digests(seed: int | None = None) -> Iterator[tuple[str, str]]:
    """(case and run, digest of every event of every record) or, for what is refused, of the problems."""
    for case in cases():
        for number, run in enumerate(case.runs):
            with engine_for(case) as engine:
                stage = Stage(case, engine) if seed is None else Reordered(case, engine, seed)
                stage.play(run, stage.deploy())
                yield f"{case.id}-{number + 1}", digest(stage.story())
        if case.refused and seed is None:
            yield case.id, digest([[problem_line(one), one.line, one.message, one.advice] for one in problems_of(case)])


def digest(told: object) -> str:
    return hashlib.sha256(canonical(told)).hexdigest()


def read(lines: str) -> Mapping[str, str]:
    """What the program printed."""
    return dict(line.split(" ") for line in lines.splitlines())  # type: ignore[misc]


if __name__ == "__main__":
    for name, found in digests(int(sys.argv[2]) if "--reordered" in sys.argv else None):
        print(name, found)
