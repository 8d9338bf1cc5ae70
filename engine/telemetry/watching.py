"""Watches commands, jobs and requests from outside: each one becomes a log line, a figure and, where tracing is on, a span."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from engine.errors import FlowledgerError
from engine.model.actors import Actor
from engine.model.commands import Command
from engine.model.views import InstanceRef
from engine.ports import Due
from engine.telemetry.metrics import Metrics
from engine.telemetry.tracing import Tracer

T = TypeVar("T")

commands = logging.getLogger("flowledger.commands")
jobs = logging.getLogger("flowledger.jobs")
requests = logging.getLogger("flowledger.requests")

DONE = "done"


class Watcher:
    """One a process."""

    def __init__(self, metrics: Metrics, tracer: Tracer) -> None:
        self.metrics = metrics
        self.tracer = tracer

    def command(self, command: Command, actor: Actor, run: Callable[[], T]) -> T:
        """Run it; what it raises goes on unchanged."""
        kind, outcome, start = type(command).__name__, DONE, time.perf_counter()
        instance = _instance(command)
        with self.tracer.span(f"command {kind}", {"flowledger.command": kind, "enduser.id": actor.id}) as span:
            try:
                result = run()
            except Exception as exc:
                outcome = type(exc).__name__ if isinstance(exc, FlowledgerError) else "error"
                span.failed(type(exc).__name__)
                raise
            else:
                instance = result.instance_id if isinstance(result, InstanceRef) else instance
                return result
            finally:
                seconds = time.perf_counter() - start
                self.metrics.command(kind, outcome, seconds)
                span.note({"flowledger.outcome": outcome, "flowledger.instance": instance})
                if commands.isEnabledFor(logging.INFO):
                    fields = {"command": kind, "outcome": outcome, "actor": actor.id, "instance": instance, "duration_ms": _ms(seconds)}
                    commands.info("command", extra=fields)

    def job(self, due: Due, outcome: str, seconds: float) -> None:
        """One attempt at a job ended: `done`, or the class of what it raised."""
        self.metrics.job(due.kind, outcome if outcome == DONE else "failed", seconds)
        known = {"flowledger.kind": due.kind, "flowledger.job": due.id, "flowledger.instance": due.instance_id, "flowledger.outcome": outcome}
        self.tracer.ended(f"job {due.kind}", known, seconds, None if outcome == DONE else outcome)
        fields: dict[str, Any] = {"job": due.id, "kind": due.kind, "instance": due.instance_id, "element": due.element_id, "handler": due.handler}
        fields |= {"attempt": due.attempts + 1, "outcome": outcome, "duration_ms": _ms(seconds)}
        jobs.log(logging.INFO if outcome == DONE else logging.WARNING, "job", extra=fields)

    def request(self, endpoint: str | None, method: str, status: int, seconds: float) -> None:
        """One request was answered; route, method and ids are bound to the line already. An unknown address has no endpoint."""
        self.metrics.request(endpoint or "none", method, status, seconds)
        if requests.isEnabledFor(logging.INFO):
            requests.info("request", extra={"status": status, "duration_ms": _ms(seconds)})

    def close(self) -> None:
        """Send what is left."""
        self.tracer.close()


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)


def _instance(command: Command) -> str | None:
    """The instance that a command names; ids that nobody made are somebody's text, so only what looks like one."""
    named = getattr(command, "instance_id", None) or getattr(command, "task_id", "").rpartition("-")[0]
    return str(named) if named and len(named) <= 64 and str(named).isascii() and str(named).isalnum() else None
