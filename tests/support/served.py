"""`flowledger serve` and `worker` as processes on a small installation: start them, ask them, wait for what they come to say."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.bootstrap import Settings, build
from engine.model import commands as cmd
from engine.model.actors import SYSTEM, Actor
from engine.store import schema
from engine.store.database import Database
from tests.support.diagrams import TWO_TASKS

MONITOR = Actor("monitor", "", frozenset(), frozenset({"monitor"}))


def installation(url: str) -> tuple[str, str]:
    """Schema, the process `two`, two accounts; tokens of a program that reads figures and of a staff member."""
    store = Database(url)
    schema.upgrade(store)
    store.close()
    app = build(Settings(url))
    app.execute(cmd.PutUser("monitor", "M", ("monitor",), (), "not used at all"), SYSTEM)
    app.execute(cmd.PutUser("li", "李", ("staff",), (), "not used at all"), SYSTEM)
    app.execute(cmd.Deploy({"two.bpmn": TWO_TASKS}), SYSTEM)
    monitor = app.execute(cmd.IssueToken("prometheus"), MONITOR)
    staff = app.execute(cmd.IssueToken("program"), Actor("li", "", frozenset(), frozenset({"staff"})))
    app.close()
    return monitor, staff


def free_port() -> int:
    """Of this machine's loopback, a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(log: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """`flowledger` with these words; told to stop at the end. `log`: what it wrote."""
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "engine.cli", *words], stdout=out, stderr=subprocess.STDOUT)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(40)


def ask(address: str, token: str | None = None, method: str = "GET", body: Any = None) -> tuple[int, str]:
    """Status and text of the answer."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(address, method=method, headers=headers, data=json.dumps(body).encode() if body is not None else None)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as exc:
        return exc.code, exc.read().decode()


def eventually(look: Callable[[], Any], wanted: Callable[[Any], bool], seconds: float = 60.0) -> Any:
    """What `look` gives (an OSError that it raises counts as such) as soon as it is what is wanted; fails after that time."""
    end = time.monotonic() + seconds
    while True:
        try:
            found = look()
        except OSError as exc:
            found = exc
        if wanted(found):
            return found
        if time.monotonic() > end:
            raise AssertionError(f"still {found!r}")
        time.sleep(0.1)
