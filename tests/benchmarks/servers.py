"""Starts what is measured, each in its own process: `flowledger serve`, `flowledger worker`, and the bare server that they are compared with."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class RunningServer:
    """Listens on loopback at `port` (0: nowhere)."""

    port: int
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """Processor time used so far by the server's processes, a database server of its own not included."""
        return sum(sum(one.cpu_times()[:2]) for one in (self.process, *self.process.children(recursive=True)))


@contextmanager
def flowledger_server(database: str, folder: Path, processes: int = 1, *more: str) -> Iterator[RunningServer]:
    """`flowledger serve` on a free port."""
    data = ["--data", str(folder), "--database", database]
    arguments = ["-m", "engine.cli", "serve", *data, "--workers", str(processes), *more, "--port"]
    with _server(lambda port: [*arguments, str(port)], folder / "flowledger.log", processes) as server:
        yield server


@contextmanager
def flowledger_worker(database: str, folder: Path) -> Iterator[RunningServer]:
    """`flowledger worker`, which has no port."""
    log = folder / "worker.log"
    with log.open("wb") as out:
        command = [sys.executable, "-u", "-m", "engine.cli", "worker", "--data", str(folder), "--database", database]
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
        try:
            end = time.monotonic() + START_SECONDS
            while b"flowledger worker" not in log.read_bytes():
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"the worker did not start:\n{log.read_text(errors='replace')[-3000:]}")
                time.sleep(0.1)
            yield RunningServer(0, psutil.Process(process.pid))
        finally:
            _stop(process)


@contextmanager
def bare_server(database: str, folder: Path, processes: int = 1) -> Iterator[RunningServer]:
    """The smallest application that could do the work."""
    program = ["-m", "tests.benchmarks.bare", database]
    with _server(lambda port: [*program, str(port), str(processes)], folder / "bare.log", processes) as server:
        yield server


@contextmanager
def _server(arguments: Callable[[int], list[str]], log: Path, processes: int) -> Iterator[RunningServer]:
    port = _free_port()
    with log.open("wb") as out:
        command = [sys.executable, *arguments(port)]
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}  # an installation is compiled
        process = subprocess.Popen(command, cwd=ROOT, env=kept, stdout=out, stderr=subprocess.STDOUT)
        try:
            _wait(process, port, log, processes)
            yield RunningServer(port, psutil.Process(process.pid))
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int, log: Path, processes: int) -> None:
    end = time.monotonic() + START_SECONDS
    family = psutil.Process(process.pid)
    while (
        processes > 1 and time.monotonic() < end and process.poll() is None
    ):  # each has a socket of its own, among which the system shares out connections
        sockets = [s for child in family.children() for s in child.net_connections() if s.status == psutil.CONN_LISTEN and s.laddr.port == port]
        if len(sockets) >= processes:
            break
        time.sleep(0.1)
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended at once:\n{log.read_text(errors='replace')[-3000:]}")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                if connection.recv(12):  # any answer: the worker has loaded the application
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"the server did not answer within {START_SECONDS:g} s:\n{log.read_text(errors='replace')[-3000:]}")
