"""One installation for a test run: the demonstration, processes of the tests' own, and a real server on a free port.

It starts and ends processes and knows accounts; what pages show is the tests' business.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from engine.console import FILE
from engine.ports import Due
from engine.store.database import Database
from engine.store.work import SqlJobs

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = Path(__file__).parent / "processes"
START_SECONDS = 180.0  # a loaded machine; an idle one needs two or three


@dataclass(slots=True)
class Site:
    """A served installation in `folder`."""

    folder: Path
    port: int = 0
    output: str = ""
    _server: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """Where the pages are."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def _clock(self) -> Path:
        return self.folder / "clock-offset"

    def flowledger(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `flowledger command --data ... arguments`, with the same clock as the server."""
        return subprocess.run(
            self._command(command, *arguments), cwd=ROOT, env=_environment(), capture_output=True, text=True, timeout=300, check=False
        )

    def _command(self, command: str, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "tests.e2e.moved_clock", str(self._clock), command, "--data", str(self.folder / "data"), *arguments]

    def prepare(self) -> None:
        """Demonstration data, and the processes of the tests."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._clock.write_text("0", encoding="ascii")
        self._check(self.flowledger("demo", "--prepare-only"))
        for name in sorted({p.name.split(".")[0].split("_")[0] for p in PROCESSES.iterdir()}):
            self._check(self.flowledger("deploy", "--comment", "第一版", *(str(p) for p in sorted(PROCESSES.glob(f"{name}[._]*")))))

    @staticmethod
    def _check(done: subprocess.CompletedProcess[str]) -> None:
        if done.returncode:
            raise RuntimeError(f"{done.args}: {done.stdout}\n{done.stderr}")

    def start(self) -> None:
        """Serve on a free port; returns when the server is ready."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        with (self.folder / "server.log").open("wb") as log:
            self._server = subprocess.Popen(self._command("serve", "--port", str(self.port)), cwd=ROOT, env=_environment(), stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server does not start: {self.log()}")
            time.sleep(0.1)

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/health/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False

    def move_clock(self, seconds: float) -> None:
        """Set the server's clock forward."""
        self._clock.write_text(str(float(self._clock.read_text(encoding="ascii")) + seconds), encoding="ascii")

    def fail(self, *jobs: Due) -> None:
        """These stand among the failed jobs from now on: a page cannot make a mail server that is down for two days."""
        store = Database(f"sqlite:///{self.folder / 'data' / FILE}")
        with store.begin(write=True) as connection:
            for job in jobs:
                SqlJobs(connection).add(job)
        store.close()

    def log(self) -> str:
        """What the server wrote."""
        return (self.folder / "server.log").read_text(encoding="utf-8", errors="replace")

    def stop(self) -> None:
        """End the server as a signal would."""
        if self._server is not None:
            self._server.terminate()
            self._server.wait(30)
            self._server = None


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
