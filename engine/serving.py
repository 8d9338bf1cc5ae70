"""Runs the installed web application under granian: HTTP in Rust, each request on one of a few Python threads, the embedded dispatcher beside them.

Chosen by measurement (docs/benchmarks.md): it uses a fifth less processor time a request than gunicorn with threads.
"""

from __future__ import annotations

import gc
import math
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing.util import Finalize
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from engine.bootstrap import Settings, build
from engine.errors import FlowledgerError
from engine.jobs.dispatcher import GRACE_SECONDS
from engine.plugins.loading import WEB, installed
from engine.telemetry import logs
from engine.telemetry.sharing import share

Wsgi = Callable[..., Any]

ENDING_SECONDS = 5  # after the time for jobs: to give back what has not ended, and to end; then the server kills its processes
UNREAD_BYTES = 2_000_000  # of a refused request that are read all the same; the connection of a larger one may end
HEADER_SECONDS = 10  # a client that takes longer to send its headers is gone, or means harm


def _end_with(parent: int) -> None:
    """Stop this worker process when its parent is gone (killed, out of memory): it would go on serving, and hold the port against the next start."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="flowledger-parent", daemon=True).start()


def _when_told_to_stop(act: Callable[[], object]) -> None:
    """Call `act` as soon as SIGTERM or SIGINT comes, each time. To be called in the main thread.

    The server's own handlers stay, which let the requests end first: the time for jobs runs beside that, not after it.
    """
    told, tell = socket.socketpair()
    tell.setblocking(False)
    signal.set_wakeup_fd(tell.fileno(), warn_on_full_buffer=False)  # gets each signal's number, whoever handles it

    def wait() -> None:
        with told, tell:
            while number := told.recv(1):
                if number[0] in (signal.SIGTERM, signal.SIGINT):
                    act()

    threading.Thread(target=wait, name="flowledger-stop", daemon=True).start()


def _seldom_interrupted() -> None:
    """Ask the system not to take the processor from this process each time another one wakes up: what it just had in the caches would be gone.

    Not on SQLite: whoever is given the turn to write should begin at once, because the others wait for it.
    """
    if hasattr(os, "sched_setscheduler"):
        with suppress(OSError):  # not everywhere allowed
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def application(settings: Settings) -> Wsgi:
    """The WSGI application of this process with its own engine, which is closed when the process ends."""
    gc.disable()  # as in engine.cli; what is loaded here stays
    factories = installed(WEB)
    if not factories:
        raise FlowledgerError("No web application is installed (entry point group flowledger.web).")
    logs.configure(settings.log_format, settings.log_level)  # the server's own settings have come before
    _end_with(os.getppid())
    if not settings.database.startswith("sqlite"):
        _seldom_interrupted()
    app = build(settings)
    app.dispatcher.start()
    _when_told_to_stop(app.stop_jobs)
    Finalize(None, app.close, exitpriority=10)
    wsgi = reading_all(factories[0](app))
    gc.freeze()  # looking for garbage need not look at any of it again
    gc.enable()
    return wsgi


def reading_all(wsgi: Wsgi) -> Wsgi:
    """The same application, which leaves no body of a request unread.

    A request that is refused early (nobody signed in, the database gone) leaves its body where it is; the server then cuts the kept connection
    seconds later, in the middle of whatever the client sends next, which gets no answer.
    """

    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        answer = wsgi(environ, start_response)
        length = str(environ.get("CONTENT_LENGTH") or "")
        if length.isdecimal() and 0 < int(length) <= UNREAD_BYTES:
            environ["wsgi.input"].read()
        return answer

    return call


def server(
    load: Callable[[], Wsgi], host: str, port: int, threads: int | None, workers: int, grace_seconds: float = GRACE_SECONDS
) -> Callable[[], None]:
    """A function that serves what `load` makes in each worker process, until a signal stops it. The same for every installation."""
    granian = Granian(
        "flowledger",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        # Threads of one process wait for Python's lock, so several processes with few threads each use less processor time a request.
        blocking_threads=threads or (4 if workers == 1 else 2),
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_SECONDS * 1000),
        log_level=LogLevels.warning,
        log_access=False,
        respawn_failed_workers=workers > 1,
        workers_kill_timeout=math.ceil(grace_seconds) + ENDING_SECONDS,
    )
    return partial(granian.serve, target_loader=load, wrap_loader=False)


def _require_free(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            raise FlowledgerError(f"Cannot listen on {host}:{port} ({exc.strerror}); stop what uses it, or choose another port with --port.") from exc


def run(settings: Settings, host: str, port: int, threads: int | None, workers: int) -> None:
    """Serve until a signal stops it; running requests and jobs have `grace_seconds` to end. Raises FlowledgerError for a port in use."""
    _require_free(host, port)
    if workers > 1:
        share(settings.data)
    serve = server(partial(application, settings), host, port, threads, workers, settings.grace_seconds)
    logs.configure(settings.log_format, settings.log_level)  # after the server's own settings, here and in each worker
    serve()
