"""A load generator that does not become the bottleneck: plain sockets with keep-alive, one thread a client, almost no work a request."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self


class UnexpectedAnswer(Exception):
    """A benchmark of refused requests would be worthless: the first one ends the run."""


class Client:
    """One keep-alive connection to a server on loopback that answers JSON with a Content-Length."""

    def __init__(self, port: int, token: str | None = None, session: str | None = None) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        authorization = f"Authorization: Bearer {token}\r\n" if token else ""
        cookie = f"Cookie: session={session}\r\n" if session else ""
        self._head = f"Host: 127.0.0.1:{port}\r\n{authorization}{cookie}Content-Type: application/json\r\n"
        self._left = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def post(self, path: str, document: Mapping[str, Any]) -> Any:
        """The decoded answer. Raises UnexpectedAnswer unless the status is 200 or 201."""
        body = json.dumps(document).encode()
        self._socket.sendall(f"POST {path} HTTP/1.1\r\n{self._head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        status, answer = self._receive()
        if status not in (200, 201):
            raise UnexpectedAnswer(f"POST {path}: {status} {answer[:500].decode(errors='replace')}")
        return json.loads(answer)

    def get(self, path: str) -> Any:
        """As `post`."""
        return json.loads(self.page(path))

    def page(self, path: str) -> bytes:
        """The body as it came. Raises UnexpectedAnswer unless the status is 200."""
        self._socket.sendall(f"GET {path} HTTP/1.1\r\n{self._head}\r\n".encode())
        status, answer = self._receive()
        if status != 200:
            raise UnexpectedAnswer(f"GET {path}: {status} {answer[:500].decode(errors='replace')}")
        return answer

    def _receive(self) -> tuple[int, bytes]:
        data = self._left
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        head = data[:end].lower()
        start = head.find(b"\r\ncontent-length:")
        if start < 0:
            raise UnexpectedAnswer(f"an answer without Content-Length: {head[:200]!r}")
        length = int(head[start + 17 :].split(b"\r\n", 1)[0])
        while len(data) < end + 4 + length:
            data += self._more()
        self._left = data[end + 4 + length :]
        return int(head.split(b" ", 2)[1]), data[end + 4 : end + 4 + length]

    def _more(self) -> bytes:
        received = self._socket.recv(65536)
        if not received:
            raise UnexpectedAnswer("the server closed the connection")
        return received


@dataclass(frozen=True, slots=True)
class Window:
    """`rate`: works done a second; `seconds`: how long each took; `generator`: share of a core that the clients themselves used."""

    rate: float
    seconds: tuple[float, ...]
    generator: float


def load(clients: list[Client], work: Callable[[Client, int], None], seconds: float) -> Window:
    """Every client repeats `work(client, number of the client)` until the time is over; only finished works count."""
    taken: list[list[float]] = [[] for _ in clients]
    faults: list[BaseException] = []
    start, cpu = time.perf_counter(), time.process_time()
    end = start + seconds

    def run(number: int) -> None:
        try:
            before = time.perf_counter()
            while before < end and not faults:
                work(clients[number], number)
                after = time.perf_counter()
                taken[number].append(after - before)
                before = after
        except BaseException as exc:  # noqa: BLE001 - it is raised again below, in the main thread
            faults.append(exc)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(clients))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = time.perf_counter() - start
    if faults:
        raise faults[0]
    all_taken = tuple(t for one in taken for t in one)
    return Window(len(all_taken) / wall, all_taken, (time.process_time() - cpu) / wall)
