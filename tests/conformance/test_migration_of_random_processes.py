"""Random processes along random paths, migrated at a random moment to a version in which every element has another id: all goes on as without.

Every later event is the same but for the ids, keys included, and all of it executes again. Taken back at once, nothing is different at all.
"""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from engine.model import codec
from engine.model.migration import InstanceMigrated
from engine.model.values import canonical
from tests.support.migration_bench import Versions
from tests.support.random_diagrams import run
from tests.support.random_processes import ProcessWriter

SEEDS, BATCH, STEPS = 240, 20, 14
OWN_ID = re.compile(r'\b(id|sourceRef|targetRef|attachedToRef|default)="([nf]\d+\w*)"')
NAMED = re.compile(r'"x([nf]\d+\w*)"')


def renamed(xml: bytes) -> bytes:
    """Each element gets another id that sorts as the old one did."""
    return OWN_ID.sub(r'\1="x\2"', xml.decode()).encode()


def plain(events: Any) -> list[bytes]:
    """Events with the ids of the first version."""
    return [NAMED.sub(r'"\1"', canonical(codec.encode(one)).decode()).encode() for one in events]


def played(bench: Versions, walk: Versions, moment: int, *, back: bool) -> None:
    """The same movements with a migration after the first `moment`."""
    bench.execution = bench.interpreter.open(bench.model, bench.process_id, "i")
    for number, (movement, now, _, events) in enumerate(walk.movements):
        bench.now = now
        assert plain(bench.do(movement).last) == plain(events), (number, movement)
        if number + 1 == moment:
            old = bench.model.specs[bench.process_id].container
            whole = {node: f"x{node}" for node in _ids(old)}
            bench.migrate(plan=whole)
            assert isinstance(bench.last[0], InstanceMigrated)
            if back:
                bench.take_back()
    bench.reexecute()


def _ids(container: Any) -> list[str]:
    return [inner for node in container.nodes.values() for inner in (node.id, *(_ids(node.inner) if node.inner is not None else ()))]


@pytest.mark.parametrize("batch", [range(first, first + BATCH) for first in range(0, SEEDS, BATCH)], ids=lambda batch: f"{batch[0]}-{batch[-1]}")
@pytest.mark.parametrize("back", [False, True], ids=["on", "back"])
def test_a_migrated_instance_goes_on_as_one_that_was_not(batch: range, back: bool) -> None:
    for seed in batch:
        writer = ProcessWriter(seed)
        if writer.start not in ("none", "several"):
            continue
        xml, name, chance = writer.xml(), f"p{seed}", random.Random(seed)
        try:
            walk = Versions(xml, process_id=name)
            run(walk, seed, STEPS)
            if len(walk.movements) > 1:  # it did not end at once
                played(Versions(xml, renamed(xml), process_id=name), walk, chance.randrange(1, len(walk.movements)), back=back)
        except BaseException as exc:
            exc.add_note(f"seed {seed}")
            raise
