"""Runs the installed web application under gunicorn (threads), with the embedded dispatcher in the worker."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication

from engine.bootstrap import Settings, build
from engine.errors import FlowledgerError
from engine.plugins.loading import WEB, installed


class Server(BaseApplication):
    """gunicorn, configured here and not by files. The engine is made in the worker, after the fork."""

    def __init__(self, settings: Settings, options: dict[str, Any]) -> None:
        self._settings = settings
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        """Called by gunicorn."""
        for key, value in self._options.items():
            self.cfg.set(key, value)

    def load(self) -> Callable[..., Any]:
        """The WSGI application of this worker."""
        factories = installed(WEB)
        if not factories:
            raise FlowledgerError("No web application is installed (entry point group flowledger.web).")
        app = build(self._settings)
        app.dispatcher.start()
        wsgi: Callable[..., Any] = factories[0](app)
        Server.running = app
        return wsgi

    running: Any = None


def options(host: str, port: int, threads: int, workers: int) -> dict[str, Any]:
    """Gunicorn's settings, the same for every installation."""
    return {
        "bind": f"{host}:{port}",
        "worker_class": "gthread",
        "workers": workers,
        "threads": threads,
        "timeout": 120,
        "graceful_timeout": 30,
        "keepalive": 30,
        "accesslog": None,
        "errorlog": "-",
        "loglevel": "warning",
        "worker_tmp_dir": None,
        "control_socket_disable": True,
    }


def _require_free(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            raise FlowledgerError(f"Cannot listen on {host}:{port} ({exc.strerror}); stop what uses it, or choose another port with --port.") from exc


def run(settings: Settings, host: str, port: int, threads: int, workers: int) -> None:
    """Serve until a signal stops it; running requests and the running job are finished first. Raises FlowledgerError for a port in use."""
    _require_free(host, port)

    def close(_arbiter: Any, _worker: Any) -> None:  # gunicorn checks the number of parameters
        if Server.running is not None:
            Server.running.close()

    Server(settings, {**options(host, port, threads, workers), "worker_exit": close}).run()
