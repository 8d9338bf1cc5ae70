"""`python -m tests.crash.race`: two web nodes and four workers on one PostgreSQL race for the same instances; exactly one wins, the others are told.

Each case is a task that two clients complete on different nodes while a message and a timer try to interrupt it, and then parallel tasks whose
completions and an operator's change all write into the same variables at once.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from engine.model.actors import SYSTEM
from engine.store import tables
from tests.crash.checks import Findings, histories
from tests.crash.clients import Caller
from tests.crash.nodes import Installation, Node, install, web_node, worker_node
from tests.support.diagrams import chain, document, flow, user
from tests.support.postgres import postgres_server

CLERKS = 'camunda:candidateGroups="clerks"'
BRANCHES = ("p1", "p2", "p3")
REFUSALS = frozenset({404, 409})
REST_SECONDS = 60.0
WORDS = ("lock", "deadlock", "serializ", "concurrent update", "constraint", "traceback")  # of a database, never of an answer


def case() -> bytes:
    """The diagram."""
    gate = '<parallelGateway id="{}"/>'
    body = "".join(
        (
            '<startEvent id="start"/>',
            user("a", CLERKS),
            '<boundaryEvent id="stopped" attachedToRef="a"><messageEventDefinition messageRef="stop"/></boundaryEvent>',
            '<boundaryEvent id="late" attachedToRef="a"><timerEventDefinition><timeDuration>PT2S</timeDuration></timerEventDefinition></boundaryEvent>',
            '<exclusiveGateway id="meet"/>',
            gate.format("fork"),
            *(user(one, CLERKS) for one in BRANCHES),
            gate.format("join"),
            '<serviceTask id="count" flowledger:handler="crash.tally"/><endEvent id="end"/>',
        )
    )
    flows = chain("start", "a", "meet", "fork") + chain("stopped", "meet") + chain("late", "meet") + chain("join", "count", "end")
    flows += "".join(flow("fork", one) + flow(one, "join") for one in BRANCHES)
    return document('<message id="stop" name="stop"/>', f'<process id="race" isExecutable="true">{body}{flows}</process>')


@dataclass(slots=True)
class Race:
    """Counts and findings."""

    answers: Counter[str] = field(default_factory=Counter)
    winners: Counter[str] = field(default_factory=Counter)
    findings: Findings = field(default_factory=Findings)
    histories: list[str] = field(default_factory=list)
    seconds: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, what: str, status: int, answer: Any) -> bool:
        """Count an answer; whether it was a success. Anything but a success or a clear refusal is a finding."""
        text = json.dumps(answer).lower()
        with self.lock:
            self.answers[f"{what} {status}"] += 1
            if status not in (200, 201, 202, *REFUSALS) or any(word in text for word in WORDS):
                self.findings.other.append(f"{what}: {status} {text[:300]}")
        return status < 300


class Client:
    """One thread's connections to both web nodes."""

    def __init__(self, nodes: list[Node], token: str, race: Race) -> None:
        self._callers = [Caller(node.port, token) for node in nodes]
        self._sender = Caller(nodes[0].port, token)  # of messages: two threads to one connection would mix their answers
        self._race = race
        self._pool = ThreadPoolExecutor(4)

    def close(self) -> None:
        """Give the connections up."""
        self._pool.shutdown()
        for one in (*self._callers, self._sender):
            one.close()

    def __call__(self, number: int, timer: bool) -> None:
        """One case, from start to end. `timer`: its first task is left until its timer is due, and completed at that moment."""
        key = f"R{number}"
        here, there = self._callers if number % 2 else self._callers[::-1]
        status, started = here.send("POST", "/api/v1/instances", {"process_id": "race", "business_key": key}, f"{key}-start")
        if not self._race.note("start", status, started):
            return
        if timer:
            time.sleep(2.0 + number % 9 / 9)  # workers look once a second
        self._first(here, there, key, started["task_ids"][0])
        self._branches(here, there, key, started["instance_id"])

    def _first(self, here: Caller, there: Caller, key: str, task: str) -> None:
        """Two who complete and, for every third case, a message, at once."""
        path = f"/api/v1/tasks/{task}/complete"
        stop = {"name": "stop", "correlation_key": key, "keep_seconds": 0}
        third = self._pool.submit(self._sender.send, "POST", "/api/v1/messages", stop, f"{key}-stop") if int(key[1:]) % 3 == 0 else None
        if third is not None:  # a message takes longer on its way: without a lead it would never be first
            time.sleep(int(key[1:]) % 5 * 0.006)
        both = [
            self._pool.submit(here.send, "POST", path, {"values": {"by": "here"}}, f"{key}-here"),
            self._pool.submit(there.send, "POST", path, {"values": {"by": "there"}}, f"{key}-there"),
        ]
        if third is not None:
            self._race.note("message", *third.result())
        won = [self._race.note("complete", *one.result()) for one in both]
        with self._race.lock:
            self._race.winners["completion" if any(won) else "boundary event"] += 1
            if all(won):
                self._race.findings.doubled.append(f"both completed {task}")

    def _branches(self, here: Caller, there: Caller, key: str, instance: str) -> None:
        """The parallel tasks and an operator's change: none may lose what another wrote."""
        status, page = here.send("GET", f"/api/v1/tasks?instance_id={instance}")
        if not self._race.note("worklist", status, page):
            return
        tasks = {row["element_id"]: row["id"] for row in page["rows"]}
        if set(tasks) != set(BRANCHES):
            with self._race.lock:
                self._race.findings.lost.append(f"{key} stands at {sorted(tasks)}")
            return

        def complete(caller: Caller, names: tuple[str, ...]) -> None:
            for name in names:
                values = {"values": {name: key}}
                self._race.note("branch", *caller.send("POST", f"/api/v1/tasks/{tasks[name]}/complete", values, f"{key}-{name}"))

        first = self._pool.submit(complete, here, BRANCHES[:1])
        change: Mapping[str, Any] = {"variables": {"operator": key}, "reason": "race"}
        second = there.send("PATCH", f"/api/v1/instances/{instance}/variables", change, f"{key}-op")
        self._race.note("change", *second)
        other = self._pool.submit(complete, there, BRANCHES[1:2])
        first.result()
        complete(here, BRANCHES[2:])
        other.result()


def judge(installation: Installation, race: Race, count: int) -> None:
    """Wait for rest, then read the database."""
    app = installation.open()
    try:
        deadline = time.monotonic() + REST_SECONDS
        while True:
            with app.store.begin(write=False) as connection:
                open_ones = connection.scalar(sa.select(sa.func.count()).select_from(tables.instance).where(tables.instance.c.state != "completed"))
            if not open_ones or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        with app.store.begin(write=False) as connection:
            rows = connection.execute(sa.select(tables.instance.c.id, tables.instance.c.business_key, tables.instance.c.state)).all()
            records = connection.execute(sa.select(tables.record.c.instance_id, tables.record.c.kind)).all()
        kinds = Counter((one.instance_id, one.kind) for one in records)
        if len(rows) != count:
            race.findings.lost.append(f"{len(rows)} instances of {count}")
        for row in rows:
            if row.state != "completed":
                race.findings.stuck.append(f"{row.business_key} is {row.state}")
                continue
            first = kinds[row.id, "CompleteUserTask"] - len(BRANCHES) + kinds[row.id, "CorrelateMessage"] + kinds[row.id, "TriggerTimer"]
            if first != 1 or kinds[row.id, "CompleteJob"] != 1:
                race.findings.doubled.append(f"{row.business_key}: {first} ends of its first task, {kinds[row.id, 'CompleteJob']} completed jobs")
            with app.reading() as read:
                found = read.variables(SYSTEM, row.id)
            if missing := [name for name in (*BRANCHES, "operator") if found.get(name) != row.business_key]:
                race.findings.lost.append(f"{row.business_key}: {missing} of {found}")
    finally:
        app.close()
    race.winners["message"] = sum(kind == "CorrelateMessage" for _, kind in kinds.elements())
    race.winners["timer"] = sum(kind == "TriggerTimer" for _, kind in kinds.elements())


def run(instances: int, clients: int, database: str, folder: Path, workers: int = 4) -> Race:
    """The whole race on one empty PostgreSQL database."""
    race, begin = Race(), time.monotonic()
    installation = install(database, folder, {"race.bpmn": case()})
    nodes = [web_node(installation, f"web{n}", "--no-jobs") for n in (1, 2)] + [worker_node(installation, f"worker{n}") for n in range(workers)]
    try:
        for node in nodes:
            node.start()
        numbers = iter(range(instances))
        guard = threading.Lock()

        def work() -> None:
            client = Client(nodes[:2], installation.token, race)
            while True:
                with guard:
                    number = next(numbers, None)
                if number is None:
                    break
                try:
                    client(number, timer=number % 4 == 0)
                except Exception as exc:  # noqa: BLE001 - a connection that breaks in a race is a finding
                    with race.lock:
                        race.findings.other.append(f"R{number}: {exc!r}")
            client.close()

        threads = [threading.Thread(target=work) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        judge(installation, race, instances)
    finally:
        for node in nodes:
            node.kill()
    for node in nodes:
        text = node.path.read_text(errors="replace")
        if "Traceback" in text:
            race.findings.other.append(f"{node.name} wrote a stack: {text[text.index('Traceback') :][:1500]}")
    race.histories = histories(installation, race.findings)
    race.seconds = time.monotonic() - begin
    return race


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.race", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--instances", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--json", type=Path, default=Path("var/crash/race.json"))
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flowledger-race-")))
        server = stack.enter_context(postgres_server())
        race = run(options.instances, options.clients, server.database("race"), folder)
    found = race.findings
    report = {
        "instances": options.instances,
        "seconds": round(race.seconds),
        "answers": dict(sorted(race.answers.items())),
        "first_task_ended_by": dict(race.winners),
        "double_completions": found.doubled,
        "lost_updates": found.lost,
        "stuck": found.stuck,
        "not_verified": found.unverified,
        "unclear_answers_and_errors": found.other,
        "histories": race.histories,
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2, ensure_ascii=False)[:6000])
    return 1 if found.count else 0


if __name__ == "__main__":
    sys.exit(main())
