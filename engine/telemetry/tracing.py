"""Spans of requests, commands and jobs for OpenTelemetry: the extra `tracing`, off unless it is asked for, and not even imported then.

Where spans go is said by OpenTelemetry's own variables (OTEL_EXPORTER_OTLP_ENDPOINT and the like). Attributes are kinds, ids and outcomes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, Protocol

from engine.errors import FlowledgerError

Attributes = Mapping[str, "str | int | None"]


class Span(Protocol):
    """One that is under way."""

    def note(self, attributes: Attributes) -> None:
        """Add attributes; None is left out."""

    def failed(self, what: str) -> None:
        """It ended with this error: a class name, never a message."""


class Tracer(Protocol):
    """Makes spans; those that begin inside another one are its children."""

    def span(self, name: str, attributes: Attributes, parent: str | None = None) -> Any:
        """A context manager that gives a Span. `parent`: a W3C `traceparent` header."""

    def ended(self, name: str, attributes: Attributes, seconds: float, error: str | None) -> None:
        """A span that is over already."""

    def close(self) -> None:
        """Send what is left."""


class _Nothing:
    def note(self, attributes: Attributes) -> None: ...

    def failed(self, what: str) -> None: ...


class NoTracer:
    """Tracing is off."""

    _nothing = nullcontext(_Nothing())

    def span(self, name: str, attributes: Attributes, parent: str | None = None) -> Any:  # noqa: ARG002
        """Nothing."""
        return self._nothing

    def ended(self, name: str, attributes: Attributes, seconds: float, error: str | None) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class _Recorded:
    def __init__(self, span: Any, error: Any) -> None:
        self._span = span
        self._error = error

    def note(self, attributes: Attributes) -> None:
        self._span.set_attributes({name: value for name, value in attributes.items() if value is not None})

    def failed(self, what: str) -> None:
        self._span.set_status(self._error, what)


class OpenTelemetry:
    """Spans through an OpenTelemetry provider. Raises FlowledgerError when the extra is not installed."""

    def __init__(self, provider: Any = None) -> None:
        try:
            from opentelemetry.trace import StatusCode
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

            self._provider = provider or _exporting()
        except ImportError as exc:
            raise FlowledgerError("Tracing needs the extra `tracing`: pip install 'flowledger[tracing]'.") from exc
        self._tracer = self._provider.get_tracer("flowledger")
        self._propagator = TraceContextTextMapPropagator()
        self._error = StatusCode.ERROR

    @contextmanager
    def span(self, name: str, attributes: Attributes, parent: str | None = None) -> Iterator[Span]:
        """An exception that passes through is not recorded with its message: whoever measures calls `failed`."""
        context = self._propagator.extract({"traceparent": parent}) if parent else None
        with self._tracer.start_as_current_span(name, context, record_exception=False, set_status_on_exception=False) as span:
            recorded = _Recorded(span, self._error)
            recorded.note(attributes)
            yield recorded

    def ended(self, name: str, attributes: Attributes, seconds: float, error: str | None) -> None:
        """It began `seconds` ago."""
        now = time.time_ns()
        span = self._tracer.start_span(name, start_time=now - int(seconds * 1e9))
        recorded = _Recorded(span, self._error)
        recorded.note(attributes)
        if error is not None:
            recorded.failed(error)
        span.end(now)

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()


def _exporting() -> Any:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: "flowledger"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
