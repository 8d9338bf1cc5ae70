"""One web process that has served 10,000 instances: how much memory it holds, and how soon it answers after a start."""

from __future__ import annotations

import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.benchmarks.clients import Client
from tests.benchmarks.installation import Installation
from tests.benchmarks.results import Figure, Target
from tests.benchmarks.servers import RunningServer, flowledger_server

INSTANCES = 10_000
STARTS = 3
MEMORY_MB = Target(250, at_least=False)
READY_SECONDS = Target(3, at_least=False)


def figures(name: str, installation: Installation, folder: Path) -> Iterator[Figure]:
    """Half of the instances are completed, half wait at their second task."""
    with ExitStack() as stack:
        server = stack.enter_context(flowledger_server(installation.database, folder))
        client = stack.enter_context(Client(server.port, installation.token))
        for number in range(INSTANCES):
            [task] = client.post("/api/v1/instances", {"process_id": "two", "variables": {"amount": number}})["task_ids"]
            [task] = client.post(f"/api/v1/tasks/{task}/complete", {"values": {"approved": True}})["task_ids"]
            if number % 2:
                client.post(f"/api/v1/tasks/{task}/complete", {"values": {"amount": number}})
        megabytes = _largest_process(server)
    yield Figure(f"{name}: memory of a web process after {INSTANCES:,} instances", megabytes, "MB", target=MEMORY_MB)
    taken = tuple(_ready_after(installation, folder) for _ in range(STARTS))
    yield Figure(f"{name}: ready after a start with {INSTANCES:,} instances", statistics.median(taken), "s", taken, READY_SECONDS)


def _largest_process(server: RunningServer) -> float:
    return float(max(one.memory_info().rss for one in (server.process, *server.process.children(recursive=True)))) / 1024**2


def _ready_after(installation: Installation, folder: Path) -> float:
    """Seconds from the start of the program to `200` from /health/ready."""
    before = time.perf_counter()
    with flowledger_server(installation.database, folder) as server:
        while not _ready(server.port):
            time.sleep(0.02)
        return time.perf_counter() - before


def _ready(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"GET /health/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return connection.recv(12).endswith(b"200")
    except OSError:
        return False
