"""Several clients at once, until told to finish."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.crash.clients import Client, Ledger


class Load:
    """`ledger` grows while it runs. `finish` lets the clients end what they began."""

    def __init__(self, name: str, port: int, token: str, clients: int) -> None:
        self.ledger = Ledger()
        lock = threading.Lock()
        self._clients = [Client(f"{name}.{number}", port, token, self.ledger, lock) for number in range(clients)]
        self._going, self._finishing = True, True
        self._threads = [
            threading.Thread(target=one.run, args=(lambda: self._going, lambda: self._finishing), name=f"client-{number}", daemon=True)
            for number, one in enumerate(self._clients)
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def finish(self, seconds: float) -> tuple[float, int]:
        """No new orders; how long it took to end the begun ones, and how many are open after `seconds`."""
        begin = time.monotonic()
        self._going = False
        for thread in self._threads:
            thread.join(max(0.0, begin + seconds - time.monotonic()))
        self._finishing = False
        taken = time.monotonic() - begin
        return taken, sum(one.open_orders for one in self._clients)


@contextmanager
def load(name: str, port: int, token: str, clients: int) -> Iterator[Load]:
    """Runs until the block ends, at the latest; `name` begins its business keys."""
    one = Load(name, port, token, clients)
    one.start()
    try:
        yield one
    finally:
        one.finish(0.0)
