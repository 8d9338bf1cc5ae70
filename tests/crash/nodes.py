"""Starts, kills and starts again the processes of an installation: `flowledger serve`, and on PostgreSQL `flowledger worker`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from engine.bootstrap import Flowledger, Settings, build
from engine.jobs import cluster
from engine.model.actors import SYSTEM, Actor
from engine.model.commands import Deploy, IssueToken, PutUser
from engine.store import schema
from engine.store.database import Database
from tests.crash.crash_pack.pack import SINK
from tests.crash.node import LEASE, PACK
from tests.crash.points import ARMED

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120.0
CLERK = Actor("clerk", "Clerk", frozenset({"clerks"}), frozenset({"staff", "operator"}))


@dataclass(frozen=True, slots=True)
class Installation:
    """`database`: SQLAlchemy address; `token`: the clerk's; `folder`: for logs; `environment`: of every process."""

    database: str
    token: str
    folder: Path
    environment: Mapping[str, str]

    def open(self) -> Flowledger:
        """An engine on it in this process, which runs no jobs."""
        return build(Settings(self.database, pack_folders=(PACK,), job_threads=0))

    def flowledger(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        command = [sys.executable, "-m", "tests.crash.node", *arguments, "--database", self.database]
        return subprocess.run(command, cwd=ROOT, env=dict(self.environment), capture_output=True, text=True, check=False)


def install(database: str, folder: Path, files: Mapping[str, bytes], sink: str = "", lease_seconds: float | None = None) -> Installation:
    """Everything in an empty database: schema, pack, diagrams, one clerk with a token."""
    store = Database(database)
    schema.upgrade(store)
    cluster.install(store)
    store.close()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "FLOWLEDGER_DATABASE": database, SINK: sink}
    if lease_seconds is not None:
        environment[LEASE] = str(lease_seconds)
    app = build(Settings(database, pack_folders=(PACK,)))
    try:
        app.install_packs()
        app.execute(PutUser(CLERK.id, CLERK.name, tuple(CLERK.roles), tuple(CLERK.groups), "only the token is used"), SYSTEM)
        app.execute(Deploy(files, "crash harness"), SYSTEM)
        token = app.execute(IssueToken("crash harness"), CLERK)
    finally:
        app.close()
    return Installation(database, token, folder, environment)


@dataclass(slots=True)
class Node:
    """One `flowledger` command in a process group of its own. `port`: of a web node, kept over restarts; 0: a worker."""

    installation: Installation
    name: str
    arguments: tuple[str, ...]
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    _log: IO[bytes] | None = field(default=None, repr=False)
    _said: int = 0  # bytes of its log before this start

    def start(self, point: str | None = None, **more: Any) -> None:
        """With `point` armed, if any; returns when it is ready. Raises RuntimeError."""
        environment = {**self.installation.environment, **({ARMED: point} if point else {})}
        self._log = self.path.open("ab")
        self._said = self.path.stat().st_size
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.node", *self.arguments],
            cwd=ROOT,
            env=environment,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **more,
        )
        self.wait_ready()

    @property
    def path(self) -> Path:
        """Where its output goes."""
        return self.installation.folder / f"{self.name}.log"

    @property
    def alive(self) -> bool:
        """The command has not ended; a web node whose worker process died has."""
        return self.process is not None and self.process.poll() is None

    def wait_ready(self) -> None:
        """Until a read transaction works, or a worker has said that it works. One that dies at an armed point before is as good."""
        deadline = time.monotonic() + START_SECONDS
        while self.alive and not (answers(self.port) if self.port else b"flowledger worker" in self.path.read_bytes()[self._said :]):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} is not ready:\n{self.path.read_text(errors='replace')[-3000:]}")
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL for the whole group, at once."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None
        if self._log is not None:
            self._log.close()

    def wait_dead(self, seconds: float) -> bool:
        """Did it end by itself within that time?"""
        deadline = time.monotonic() + seconds
        while self.alive:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True


def answers(port: int, path: str = "/health/ready") -> bool:
    """200 at this moment?"""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


def web_node(installation: Installation, name: str = "web", *more: str) -> Node:
    """`flowledger serve` on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    return Node(installation, name, ("serve", "--data", str(installation.folder), "--port", str(port), *more), port)


def worker_node(installation: Installation, name: str) -> Node:
    """`flowledger worker`."""
    return Node(installation, name, ("worker", "--data", str(installation.folder), "--name", name, "--threads", "2"))
