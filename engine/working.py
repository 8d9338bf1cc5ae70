"""Runs due jobs in a process of its own, until a signal stops it; its page tells figures and health."""

from __future__ import annotations

import signal
import threading

import click

from engine.bootstrap import Flowledger


def run(app: Flowledger, name: str, page: tuple[str, int] | None) -> None:
    """Work, and listen for what others make due; `page`: address and port for figures and health. Closing `app` ends the work in good order.

    Raises FlowledgerError for a port in use.
    """
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())

    def stop() -> None:
        """The time for jobs begins with the signal, however long the listener below takes to end."""
        stopped.wait()
        app.stop_jobs()

    threading.Thread(target=stop, name="flowledger-stop", daemon=True).start()
    if page is not None:
        from engine.telemetry.listening import listen  # loads the library of the figures

        listen(*page, app.watcher.metrics.registry(), app.unready)
    app.dispatcher.start()
    woken = "woken by Procrastinate" if app.cluster else "looking once a second"
    click.echo(f"flowledger worker {name}: {app.settings.job_threads} threads, {woken}")
    if app.cluster is not None:
        app.cluster.listen(name, stopped)
    stopped.wait()
