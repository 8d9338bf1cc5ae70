"""A crash campaign in parts: nothing of what was asked is lost by splitting it, nothing of what was found by joining."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from functools import partial
from itertools import chain
from pathlib import Path

import pytest

from tests.crash.__main__ import arguments, campaign, joined, table
from tests.crash.campaign import Outcome, Plan
from tests.crash.clients import Ledger
from tests.crash.parts import Part, run_parts, split

BOTH = ("sqlite", "postgresql")


# --- what the processes of parts do here: they find it by its name --------------------------------------------------------
def works(part: Part) -> Outcome:
    """The second part of SQLite fails, that of PostgreSQL dies."""
    if (part.database, part.number) == ("sqlite", 2):
        raise RuntimeError("no room on the disk")
    if (part.database, part.number) == ("postgresql", 2):
        signal.raise_signal(signal.SIGKILL)
    return Outcome(part.database, kills=Counter({"here": part.plan.kills}))


def waits(folder: Path, part: Part) -> Outcome:
    """The second part has a server and works for ever; the first ends when that is up."""
    server = folder / "server"
    if part.number == 1:
        while not server.exists():
            threading.Event().wait(0.01)
        return works(part)
    try:
        server.touch()
        threading.Event().wait()
    finally:
        server.unlink()
    return works(part)


# --- splitting ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("kills", "stops", "parts"), [(500, 50, 2), (7, 3, 2), (41, 5, 3), (8, 2, 4), (1, 0, 3), (0, 0, 2), (6, 2, 1)])
def test_the_parts_have_together_what_was_asked_at_the_same_points(kills, stops, parts):
    asked, found = Plan(kills, stops, 4, 1), split(BOTH, Plan(kills, stops, 4, 1), parts)
    assert (sum(one.plan.kills for one in found), sum(one.plan.stops for one in found)) == (asked.kills, asked.stops)
    for whole in split(BOTH, asked, 1):
        own = [one.plan for one in found if one.database == whole.database]
        for cluster in (False, True):
            assert [*chain(*(one.points(cluster=cluster) for one in own))] == whole.plan.points(cluster=cluster)
        assert [*chain(*(one.killed() for one in own))] == whole.plan.killed()
        assert len({one.seed for one in own}) == len(own) <= parts
        assert len(own) == 1 or all(one.kills or one.stops for one in own)


def test_sqlite_has_no_stops_and_one_part_is_the_campaign_as_it_was():
    assert split(BOTH, Plan(9, 4, 2, 5, 3.0), 1) == [
        Part("sqlite", 1, 1, Plan(5, 0, 2, 5, 3.0)),
        Part("postgresql", 1, 1, Plan(4, 4, 2, 5, 3.0)),
    ]


# --- joining --------------------------------------------------------------------------------------------------------------
def test_parts_join_to_one_column():
    one = Outcome("SQLite", kills=Counter(a=1), asked=2, ready_seconds=[1.0, 2.0], rest_seconds=[9.0], ledgers=[Ledger(broken=1)], histories=["x"])
    other = Outcome("SQLite", kills=Counter(a=2, b=1), asked=3, ready_seconds=[8.0], ledgers=[Ledger(broken=4)], histories=["y"])
    one.findings.lost.append("p")
    other.findings.lost.append("q")
    parts = split(("sqlite",), Plan(4, 0, 1, 1), 2)
    report = joined(parts, dict(zip(parts, (one, other), strict=True)))
    (found,) = report["databases"]
    assert (report["complete"], report["findings"]) == (True, 2)
    assert "Incomplete" not in table(report)
    assert (found["parts"], found["kills"], found["requests_to_the_sink"], found["broken_connections"]) == (2, {"a": 3, "b": 1}, 5, 5)
    assert found["ready_seconds"] == {"median": 2.0, "max": 8.0}
    assert found["rest_seconds_after_last_restart"] == {"median": 9.0, "max": 9.0}
    assert (found["acknowledged_lost"], found["histories"]) == (["p", "q"], ["x", "y"])


# --- running --------------------------------------------------------------------------------------------------------------
def test_a_part_that_fails_or_dies_is_a_finding_and_what_the_others_found_is_written_as_each_ends():
    written = []
    report = campaign(arguments(["--kills", "10", "--parts", "2"]), written.append, works)
    assert len(written) == 5
    assert (written[0]["parts"], report["parts"], report["parts_asked"], report["complete"], report["findings"]) == (0, 2, 4, False, 2)
    assert "Incomplete" in table(report)
    for column, why in zip(report["databases"], ("no room on the disk", "exit code -9"), strict=True):
        assert (column["parts"], column["parts_asked"], column["kills"]) == (1, 2, {"here": 3})
        (finding,) = column["other_findings"]
        assert "part 2 of 2 did not come to its end" in finding
        assert why in finding


def test_whatever_ends_the_campaign_lets_every_part_stop_its_servers(tmp_path):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_parts(split(("sqlite",), Plan(4, 0, 1, 1), 2), interrupted, partial(waits, tmp_path))
    assert not (tmp_path / "server").exists()
