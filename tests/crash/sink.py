"""The world outside: takes requests with an idempotency key, has each effect once, and remembers how often it was asked."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Sink:
    """`asked`: requests by idempotency key; `effects`: what each key is for (business key and element), the first time it came."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.effects: dict[str, str] = {}
        self.address = ""
        self._lock = threading.Lock()

    def take(self, key: str, what: str) -> None:
        """One request."""
        with self._lock:
            self.asked[key] += 1
            self.effects.setdefault(key, what)

    def doubled(self) -> list[str]:
        """Effects that came under more than one key."""
        return sorted(what for what, count in Counter(self.effects.values()).items() if count > 1)


@contextmanager
def running_sink() -> Iterator[Sink]:
    """On loopback, until the block ends."""
    sink = Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sink.take(self.headers["Idempotency-Key"], body.decode())
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    sink.address = f"http://127.0.0.1:{server.server_address[1]}/"
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
