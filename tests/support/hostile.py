"""Runs a hostile case and says what it came to. `python -m tests.support.hostile [name ...]`: each in a process of its own, one line of JSON a case.

The processes are forked from one that has everything imported, so that the growth of their memory is that of the case.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.errors import DeploymentRejected
from engine.model.actors import SYSTEM
from engine.model.commands import Start
from engine.testing import EmbeddedEngine
from tests.support.hostile_diagrams import CASES, Case


@dataclass(frozen=True, slots=True)
class Outcome:
    """`state`: refused, or that of the instance. `elements`: named by the refusal or by open incidents; `said`: what they say.

    `seconds`: of the longer of deployment and start on the clock, `busy`: of its thread and, as far as they have ended, its workers.
    """

    state: str
    elements: frozenset[str]
    said: str
    seconds: float
    busy: float

    def wrong(self, case: Case) -> str:
        """How it differs from what the case must come to; empty when it does not."""
        if (self.state == "refused") != case.refused:
            return f"{self.state}: {self.said}"
        if case.names and not case.names & self.elements:
            return f"names {sorted(self.elements)}: {self.said}"
        if not case.names and not case.refused and self.state != "completed":
            return f"{self.state}: {self.said}"
        return "" if case.said in self.said else self.said


def run(case: Case, engine: EmbeddedEngine) -> Outcome:
    """Deploy, start, and whatever that makes due."""
    files = case.files()
    took = _Took()
    try:
        engine.deploy(files)
    except DeploymentRejected as refused:
        errors = [one for one in refused.problems if one.severity == "error"]
        took.note()
        return Outcome(
            "refused", frozenset(one.element_id or "" for one in errors), f"{errors[0].rule}: {errors[0].message}", took.seconds, took.busy
        )
    took.note()
    started = str(engine.app.execute(Start("p", dict(case.variables)), SYSTEM).instance_id)
    took.note()
    engine.app.run_due()
    with engine.app.reading() as read:
        found = read.incidents(SYSTEM, started, open_only=True)
    said = "; ".join(dict.fromkeys(one.cause for one in found)) or engine.instance(started).error or ""
    return Outcome(engine.instance(started).state, frozenset(one.element_id for one in found), said, took.seconds, took.busy)


class _Took:
    """The longest part so far."""

    def __init__(self) -> None:
        self.seconds = self.busy = 0.0
        self._mark = self._now()

    def note(self) -> None:
        now = self._now()
        self.seconds = max(self.seconds, now[0] - self._mark[0])
        self.busy = max(self.busy, now[1] - self._mark[1])
        self._mark = now

    @staticmethod
    def _now() -> tuple[float, float]:
        return time.perf_counter(), time.process_time()


# --- in processes of their own ------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Measured:
    """`megabytes`: what the engine's process grew by at its peak, and all of the sandbox's largest worker."""

    name: str
    state: str
    elements: tuple[str, ...]
    wrong: str
    seconds: float
    busy: float
    megabytes: float
    worker_megabytes: float


def measured(names: Iterable[str] = ()) -> Iterator[Measured]:
    """The cases of these names (all by default), one after the other. Raises CalledProcessError."""
    command = [sys.executable, "-m", "tests.support.hostile", *names]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            found = json.loads(line)
            yield Measured(**{**found, "elements": tuple(found["elements"])})
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def _measure(name: str) -> Measured:
    case = CASES[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with EmbeddedEngine() as engine:
        outcome = run(case, engine)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        worker = max(map(_peak, _children()), default=0)
        engine.app.services.library.interpreter.evaluator.close()
    workers = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = outcome.busy + workers.ru_utime + workers.ru_stime
    elements = tuple(sorted(outcome.elements))[:3]
    return Measured(name, outcome.state, elements, outcome.wrong(case), outcome.seconds, busy, grown / 1024, worker / 1024)


def _children() -> list[int]:
    """Processes that this one has started."""
    return [int(one) for task in Path("/proc/self/task").iterdir() for one in (task / "children").read_text().split()]


def _peak(process: int) -> int:
    """The most memory that it has ever had, in kilobytes."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def _apart(name: str) -> None:
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        if status:
            raise SystemExit(f"{name}: ended with status {status}")
        return
    code = 1
    try:
        print(json.dumps(asdict(_measure(name))), flush=True)
        code = 0
    finally:
        os._exit(code)


def main(names: list[str]) -> None:
    """Unknown names are an error."""
    with EmbeddedEngine() as warm:  # what every process needs is loaded once; nothing here may start the sandbox
        warm.instances()
    for name in names or list(CASES):
        _apart(name)


def line(one: Any) -> str:
    """For a table that people read."""
    return f"{one.state}, {' '.join(filter(None, one.elements)) or 'the file'}"


if __name__ == "__main__":
    main(sys.argv[1:])
