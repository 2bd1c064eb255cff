"""OpenTelemetry, on request: what a request or a reaction took, told to a collector.

Asked for by the variables of OpenTelemetry itself (OTEL_EXPORTER_OTLP_ENDPOINT or
OTEL_EXPORTER_OTLP_TRACES_ENDPOINT; OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER and the others work as
they do everywhere) and brought by the packages of `PACKAGES`. Unless it is asked for nothing of it
is loaded, and `span` does nothing. Its traces have the ids of our logs.
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from server.kit.logs import current_trace

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


PACKAGES = "opentelemetry-sdk opentelemetry-exporter-otlp-proto-http"


class Span(Protocol):
    def set_attribute(self, name: str, value: Any) -> None: ...


class _Nothing:
    def set_attribute(self, name: str, value: Any) -> None:
        """Nobody listens."""


class _Teller:
    """What OpenTelemetry gave us; tracer is None as long as nobody asked for it."""

    tracer: Any = None


NOTHING = _Nothing()
_teller = _Teller()


def set_up_spans(environ: Mapping[str, str], process: str) -> None:
    """Tell of this process, for good, if that is asked for. process: "web", "worker" ...

    Raises
    ------
    SystemExit
        When it is asked for and not installed.
    """
    if not any(environ.get(name) for name in ENDPOINTS):
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        raise SystemExit(
            f"{ENDPOINTS[0]} is set, but OpenTelemetry is not installed: pip install {PACKAGES}"
        ) from None
    tell_spans_to(BatchSpanProcessor(OTLPSpanExporter()), process)


def tell_spans_to(processor: Any, process: str) -> None:
    """processor: of the OpenTelemetry SDK."""
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.id_generator import IdGenerator  # noqa: PLC0415

    class OurIds(IdGenerator):  # type: ignore[misc, unused-ignore]
        """The trace that stands in the log."""

        def generate_trace_id(self) -> int:
            return int(current_trace() or secrets.token_hex(16), 16)

        def generate_span_id(self) -> int:
            return secrets.randbits(64) or 1

    provider = TracerProvider(
        # Variables of OpenTelemetry come before these.
        resource=Resource({"service.name": "postrider", "process.role": process}).merge(
            Resource.create()
        ),
        id_generator=OurIds(),
    )
    provider.add_span_processor(processor)
    _teller.tracer = provider.get_tracer("postrider")


@contextmanager
def span(
    name: str, *, parent_span_id: str | None = None, is_served: bool = False, **attributes: Any
) -> Iterator[Span]:
    """Time what is done in the block, as part of the trace of this task.

    parent_span_id: who asked for it, in another process; 16 hexadecimal digits. is_served: it
    answers somebody else's request.
    """
    if _teller.tracer is None:
        yield NOTHING
        return
    from opentelemetry import trace  # noqa: PLC0415

    context = None
    if parent_span_id is not None:
        parent = trace.SpanContext(
            int(current_trace(), 16),
            int(parent_span_id, 16),
            is_remote=True,
            trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
        )
        context = trace.set_span_in_context(trace.NonRecordingSpan(parent))
    with _teller.tracer.start_as_current_span(
        name,
        context=context,
        kind=trace.SpanKind.SERVER if is_served else trace.SpanKind.INTERNAL,
        attributes=attributes,
    ) as told:
        yield told
