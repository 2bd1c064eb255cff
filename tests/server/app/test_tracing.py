"""Whoever reports a fault can say which one."""

import logging

import httpx
import pytest
from asyncpg import InternalClientError
from litestar import Litestar

from server.kit.logs import JsonLines

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def test_an_answer_names_its_trace_and_a_fault_of_ours_is_logged_with_it(
    client: httpx.AsyncClient,
    app: Litestar,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    for path in ("/api/health", "/api/me"):
        answer = await client.get(path, headers=headers)
        assert answer.headers["x-trace-id"] == TRACE
    told = {(await client.get("/api/health")).headers["x-trace-id"] for _ in range(2)}
    assert len(told) == 2

    lines: list[str] = []

    class Gathered(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    gathered = Gathered()
    gathered.setFormatter(JsonLines())
    logger = logging.getLogger("server.app.web")
    logger.addHandler(gathered)

    async def broken() -> bool:
        raise RuntimeError("a defect")

    monkeypatch.setattr(app.state.feed, "is_up", broken)
    try:
        answer = await client.get("/api/health", headers=headers)
    finally:
        logger.removeHandler(gathered)
    assert (answer.status_code, answer.json()["trace_id"]) == (500, TRACE)
    assert any(TRACE in line and "a defect" in line for line in lines)


async def test_a_driver_that_lost_its_thread_is_a_database_that_is_away_and_no_defect(
    client: httpx.AsyncClient, app: Litestar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a statement that was cut off: the same request works later."""

    async def confused() -> bool:
        raise InternalClientError("got result for unknown protocol state 3")

    monkeypatch.setattr(app.state.feed, "is_up", confused)
    answer = await client.get("/api/health")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
