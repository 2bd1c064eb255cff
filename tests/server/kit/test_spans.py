"""OpenTelemetry on request: the traces of our logs, told to whoever gathers them."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit import spans
from server.kit.db import Database
from server.kit.logs import begin_trace, current_trace, parent_span_of
from server.kit.outbox import REACTIONS, Event, OutboxEvent, emit, reaction
from server.kit.relay import relay_pending
from server.kit.settings import ROOT

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class ClockWound(Event):
    by: str


seen: list[str] = []


async def on_clock_wound(session: AsyncSession, event: ClockWound) -> None:
    seen.append(current_trace())


@pytest.fixture
def _wound() -> Iterator[None]:
    seen.clear()
    reaction(on_clock_wound)
    yield
    del REACTIONS[ClockWound]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What a collector would get."""
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    exporter = memory.InMemorySpanExporter()
    monkeypatch.setattr(spans._teller, "tracer", None)
    spans.tell_spans_to(export.SimpleSpanProcessor(exporter), "test")
    return exporter


def test_nothing_is_told_unless_it_is_asked_for() -> None:
    """What exports is not even loaded. (Redis' client loads other parts where they are there.)"""
    code = (
        "import sys, server.app.tracing, server.kit.relay, server.kit.spans as s;"
        "s.set_up_spans({}, 'web');"
        "loaded = any(name.startswith('opentelemetry.exporter') for name in sys.modules);"
        "sys.exit(loaded or s._teller.tracer is not None)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT)
    assert done.returncode == 0
    with spans.span("nobody listens") as nothing:
        nothing.set_attribute("a", 1)


def test_who_asks_for_it_without_its_packages_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in list(sys.modules):
        if name.startswith("opentelemetry"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(SystemExit, match="pip install opentelemetry-sdk"):
        spans.set_up_spans({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, "web")


@pytest.mark.parametrize(
    ("traceparent", "parent"),
    [
        (f"00-{TRACE}-{CALLER}-01", CALLER),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{'0' * 32}-{CALLER}-01", None),
        ("nonsense", None),
        (None, None),
    ],
)
def test_the_caller_is_read_from_its_header(traceparent: str | None, parent: str | None) -> None:
    assert parent_span_of(traceparent) == parent


@pytest.mark.usefixtures("_wound")
async def test_a_reaction_belongs_to_the_trace_of_what_caused_it(db: Database) -> None:
    trace_id = begin_trace()
    async with db.transaction() as session:
        emit(session, ClockWound(by="Ada"))
    begin_trace()
    await relay_pending(db)
    assert seen == [trace_id]
    async with db.transaction() as session:
        assert await session.scalar(select(OutboxEvent.trace_id)) == trace_id


async def test_a_request_is_told_with_its_route_and_the_callers_trace(
    client: httpx.AsyncClient, told: Any
) -> None:
    headers = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
    assert (await client.get("/api/health", headers=headers)).status_code == 200
    alone = await client.get("/api/me")
    one, other = told.get_finished_spans()
    assert one.name == "GET /api/health"
    assert one.attributes["http.response.status_code"] == 200
    assert f"{one.context.trace_id:032x}" == TRACE
    assert f"{one.parent.span_id:016x}" == CALLER
    assert other.attributes["http.response.status_code"] == 401
    assert f"{other.context.trace_id:032x}" == alone.headers["x-trace-id"]
    assert other.parent is None


@pytest.mark.usefixtures("_wound")
async def test_a_reaction_is_told_in_the_trace_of_its_request(db: Database, told: Any) -> None:
    trace_id = begin_trace()
    async with db.transaction() as session:
        emit(session, ClockWound(by="Ada"))
    await relay_pending(db)
    (span,) = told.get_finished_spans()
    assert span.name.startswith("reaction ") and span.name.endswith("on_clock_wound")
    assert f"{span.context.trace_id:032x}" == trace_id
