"""Clients that never give up: each request has an id, and whatever stays open is settled by sending it again under the same id."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

PATIENCE_SECONDS = 180.0
PAUSE_SECONDS = 0.02  # between orders of one client: load, not a benchmark
OPEN_ORDERS = 12  # of one client, before it turns to the oldest


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A command that was answered with success. `answer`: the decoded body; `tries`: how often it was sent."""

    request_id: str
    path: str
    answer: Mapping[str, Any]
    tries: int


@dataclass(slots=True)
class Ledger:
    """What all clients saw. `broken`: requests whose connection ended without an answer; `unavailable`: answers with 503."""

    acknowledged: list[Acknowledged] = field(default_factory=list)
    broken: int = 0
    unavailable: int = 0
    settled: int = 0
    unexpected: list[str] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    orders: dict[str, str] = field(default_factory=dict)  # business key -> instance id
    texts: set[str] = field(default_factory=set)  # details of 503


class Caller:
    """One connection that is opened again whenever it breaks."""

    def __init__(self, port: int, token: str, timeout: float = 60.0) -> None:
        self._port = port
        self._timeout = timeout
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._connection: http.client.HTTPConnection | None = None

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None, request_id: str | None = None) -> tuple[int, Any]:
        """Status and decoded answer. Raises OSError or HTTPException when there is none: nobody knows then what happened."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._timeout)
        headers = self._headers | ({"Idempotency-Key": request_id} if request_id else {})
        try:
            self._connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = self._connection.getresponse()
            data = response.read()
            return response.status, json.loads(data)
        except (OSError, http.client.HTTPException, ValueError):
            self.close()
            raise

    def close(self) -> None:
        """Give the connection up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Client:
    """Carries orders from start to end, many at a time."""

    def __init__(self, name: str, port: int, token: str, ledger: Ledger, lock: threading.Lock) -> None:
        self._name = name
        self._caller = Caller(port, token)
        self._ledger = ledger
        self._lock = lock
        self._open: deque[tuple[str, str]] = deque()
        self._count = 0

    def run(self, going: Callable[[], bool], finishing: Callable[[], bool]) -> None:
        """New orders while `going`, then the rest of them while `finishing`."""
        while going():
            self._begin()
            time.sleep(PAUSE_SECONDS)
            while len(self._open) > OPEN_ORDERS and going():
                self._turn()
        while self._open and finishing():
            self._turn()
        self._caller.close()

    @property
    def open_orders(self) -> int:
        """Begun and not finished by this client."""
        return len(self._open)

    def _begin(self) -> None:
        key = f"{self._name}-{self._count}"
        self._count += 1
        early = self._count % 3 == 0  # the message comes before anybody waits for it
        if early and self._tell(key) is None:
            return
        started = self._command("/api/v1/instances", {"process_id": "order", "business_key": key}, f"{key}-start")
        if started is None:
            return
        self._ledger.orders[key] = started["instance_id"]
        if self._command(f"/api/v1/tasks/{started['task_ids'][0]}/complete", {"values": {"a": self._count}}, f"{key}-a") is None:
            return
        if not early and self._tell(key) is None:
            return
        self._open.append((key, started["instance_id"]))

    def _tell(self, key: str) -> Any:
        return self._command("/api/v1/messages", {"name": "go", "correlation_key": key, "payload": {"said": key}}, f"{key}-go")

    def _turn(self) -> None:
        """The oldest order: finish it when the engine has come to the second task, else look again later."""
        key, instance = self._open.popleft()
        try:
            status, page = self._caller.send("GET", f"/api/v1/tasks?instance_id={instance}&element_id=b")
        except (OSError, http.client.HTTPException, ValueError):
            status, page = 0, None
        if status == 200 and page["rows"]:
            self._command(f"/api/v1/tasks/{page['rows'][0]['id']}/complete", {"values": {"b": key}}, f"{key}-b")
            return
        self._open.append((key, instance))
        time.sleep(0.05)

    def _command(self, path: str, body: Mapping[str, Any], request_id: str) -> Any:
        """The answer, or None for an answer that nobody expected, which is a finding."""
        deadline, tries, open_end = time.monotonic() + PATIENCE_SECONDS, 0, False
        while time.monotonic() < deadline:
            tries += 1
            try:
                status, answer = self._caller.send("POST", path, body, request_id)
            except (OSError, http.client.HTTPException, ValueError):
                open_end = True
                with self._lock:
                    self._ledger.broken += 1
                time.sleep(0.1)
                continue
            if status in (200, 201, 202):
                with self._lock:
                    self._ledger.settled += open_end
                    self._ledger.acknowledged.append(Acknowledged(request_id, path, answer, tries))
                return answer
            if status != 503:
                with self._lock:
                    self._ledger.unexpected.append(f"{request_id}: {status} {json.dumps(answer)[:300]}")
                return None
            open_end = True
            with self._lock:
                self._ledger.unavailable += 1
                self._ledger.texts.add(str(answer.get("detail"))[:200])
            time.sleep(0.1)
        with self._lock:
            self._ledger.unsettled.append(request_id)
        return None
