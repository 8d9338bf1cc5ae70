"""One number for all that the conformance cases do: `python -m tests.conformance.digest` prints a digest for each case.

For comparing processes: under another PYTHONHASHSEED, with the elements of the documents in another order (`--reordered SEED`); `--part N` takes
one of N parts of the cases, the same in every process.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator, Mapping
from zlib import crc32

from engine.model.values import canonical
from tests.conformance.case import cases
from tests.conformance.order import Reordered, shuffled
from tests.conformance.stage import Stage, engine_for, problem_line, problems_of


def digests(seed: int | None = None, parts: int = 1) -> Iterator[tuple[str, str]]:
    """(case and run, digest of every event of every record) or, for what is refused, of the problems: as it is written, lines are told."""
    for case in cases():
        if crc32(case.id.encode()) % parts:
            continue
        for number, run in enumerate(case.runs):
            with engine_for(case) as engine:
                stage = Stage(case, engine) if seed is None else Reordered(case, engine, lambda xml: shuffled(xml, seed))
                stage.play(run, stage.deploy())
                yield f"{case.id}-{number + 1}", digest(stage.story())
        if case.refused:
            yield case.id, digest([[problem_line(one), one.line, one.message, one.advice] for one in problems_of(case)])


def digest(told: object) -> str:
    return hashlib.sha256(canonical(told)).hexdigest()


def read(lines: str) -> Mapping[str, str]:
    """What the program printed."""
    return dict(line.split(" ") for line in lines.splitlines())  # type: ignore[misc]


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--reordered", type=int)
    options.add_argument("--part", type=int, default=1)
    said = options.parse_args()
    for name, found in digests(said.reordered, said.part):
        print(name, found)
