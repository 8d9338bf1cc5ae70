"""Figures of one process for Prometheus: what is counted as it happens, and what is looked up when somebody asks.

Several worker processes of one server share counts and histograms through the library's multiprocess mode (`share`); figures of a process's
own (cache, connections, sandbox) then carry the number of the process that answered.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from engine.telemetry.sharing import VARIABLE

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Installation:
    """What the database shows, for all processes together."""

    jobs_due: int
    jobs_late_seconds: float
    jobs_leased: int
    jobs_failed: int
    incidents_open: int


@dataclass(frozen=True, slots=True)
class Process:
    """What this process holds. `pool`: connections open, in use and at most, None without a pool; `sandbox`: None where it cannot be counted."""

    cache_hits: int
    cache_misses: int
    cache_size: int
    pool: tuple[int, int, int] | None
    sandbox: int | None


class Metrics:
    """`installation` gives None when the database cannot be reached."""

    def __init__(self, version: str, installation: Callable[[], Installation | None], process: Callable[[], Process]) -> None:
        self._registry = CollectorRegistry()
        self._looked_up = _LookedUp(version, installation, process)
        self._registry.register(self._looked_up)
        ProcessCollector(registry=self._registry)
        to = self._registry
        self._commands = Counter(
            "flowledger_commands", "Commands by kind and outcome: done, or the class of the refusal.", ["command", "outcome"], registry=to
        )
        self._command_seconds = Histogram("flowledger_command_seconds", "From the call to the commit.", ["command"], buckets=_SECONDS, registry=to)
        self._requests = Counter(
            "flowledger_http_requests", "Requests by endpoint, method and status.", ["endpoint", "method", "status"], registry=to
        )
        self._request_seconds = Histogram(
            "flowledger_http_request_seconds", "Until the answer's head is ready.", ["endpoint"], buckets=_SECONDS, registry=to
        )
        self._jobs = Counter("flowledger_jobs_run", "Jobs that this process ran, by kind and outcome.", ["kind", "outcome"], registry=to)
        self._job_seconds = Histogram("flowledger_job_seconds", "One attempt at a job.", ["kind"], buckets=_SECONDS, registry=to)
        self._children: dict[tuple[object, ...], tuple[Counter, Histogram]] = {}  # the library's own look-up takes a lock and checks each label anew

    def command(self, kind: str, outcome: str, seconds: float) -> None:
        """One command ended."""
        self._note(self._commands, self._command_seconds, seconds, kind, outcome)

    def request(self, endpoint: str, method: str, status: int, seconds: float) -> None:
        """One request was answered."""
        self._note(self._requests, self._request_seconds, seconds, endpoint, method, str(status))

    def job(self, kind: str, outcome: str, seconds: float) -> None:
        """One attempt at a job ended."""
        self._note(self._jobs, self._job_seconds, seconds, kind, outcome)

    def _note(self, counter: Counter, histogram: Histogram, seconds: float, *labels: str) -> None:
        """Count one with all labels, and its time under the first of them."""
        key = (counter, *labels)
        known = self._children.get(key)
        if known is None:
            known = self._children[key] = (counter.labels(*labels), histogram.labels(labels[0]))
        known[0].inc()
        known[1].observe(seconds)

    def exposition(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry())

    def registry(self) -> CollectorRegistry:
        """What is asked when somebody scrapes."""
        if VARIABLE not in os.environ:
            return self._registry
        from prometheus_client.multiprocess import MultiProcessCollector

        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        together.register(self._looked_up)
        return together


class _LookedUp(Collector):
    def __init__(self, version: str, installation: Callable[[], Installation | None], process: Callable[[], Process]) -> None:
        self._version = version
        self._installation = installation
        self._process = process

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not ask the database."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """One scrape."""
        yield _gauge("flowledger_info", "The engine's version.", ["version"], {(self._version,): 1})
        found = self._installation()
        yield GaugeMetricFamily("flowledger_database_up", "1 when the database answers.", value=0 if found is None else 1)
        if found is not None:
            by_state: Mapping[tuple[str, ...], float] = {("due",): found.jobs_due, ("running",): found.jobs_leased, ("failed",): found.jobs_failed}
            yield _gauge("flowledger_jobs", "Jobs that are due now, held by a worker, or without attempts left.", ["state"], by_state)
            yield GaugeMetricFamily("flowledger_jobs_late_seconds", "How long the oldest due job has waited.", value=found.jobs_late_seconds)
            yield GaugeMetricFamily("flowledger_incidents_open", "Incidents that wait for an operator.", value=found.incidents_open)
        yield from self._of_process()

    def _of_process(self) -> Iterator[Metric]:
        one = self._process()
        pid: tuple[str, ...] = (str(os.getpid()),)
        for name, text, value in (
            ("hits", "Live executions found in the cache.", one.cache_hits),
            ("misses", "Executions rebuilt from snapshot and records.", one.cache_misses),
        ):
            counted = CounterMetricFamily(f"flowledger_cache_{name}", text, labels=["process"])
            counted.add_metric(pid, value)
            yield counted
        yield _gauge("flowledger_cache_size", "Live executions held.", ["process"], {pid: one.cache_size})
        if one.pool is not None:
            states: Mapping[tuple[str, ...], float] = {
                (*pid, state): value for state, value in zip(("open", "in_use", "most"), one.pool, strict=True)
            }
            yield _gauge("flowledger_database_connections", "Connections to the database.", ["process", "state"], states)
        if one.sandbox is not None:
            yield _gauge("flowledger_sandbox_processes", "Processes in which expressions run.", ["process"], {pid: one.sandbox})


def _gauge(name: str, text: str, labels: list[str], values: Mapping[tuple[str, ...], float]) -> Metric:
    gauge = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        gauge.add_metric(key, value)
    return gauge


def sandbox_processes() -> int | None:
    """Child processes that run expressions: Monty's own, or brokers. None where the system does not list children (only Linux does)."""
    count = 0
    try:
        for listing in Path("/proc/self/task").glob("*/children"):
            count += sum(_is_sandbox(child) for child in listing.read_text(encoding="ascii").split())
    except OSError:
        return None
    return count


def _is_sandbox(pid: str) -> bool:
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:  # it has just ended
        return False
    return Path(os.fsdecode(arguments[0])).name.startswith("monty") or b"engine.expressions.broker" in arguments
