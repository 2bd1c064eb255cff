"""A WebSocket that is not opened is refused with the HTTP status that tells why."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from litestar.exceptions import WebSocketException

from server.app.sockets import HonestRefusals

type Handler = Callable[[Any, Any, Any], Awaitable[None]]


async def serve(handler: Handler, *, can_refuse: bool = True) -> list[dict[str, Any]]:
    """What goes back to the client when this handles its wish for a socket."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    extensions: dict[str, Any] = {"websocket.http.response": {}} if can_refuse else {}
    scope: Any = {"type": "websocket", "extensions": extensions}
    wrapped: Any = send
    listening: Any = receive
    app: Any = handler
    await HonestRefusals().handle(scope, listening, wrapped, app)
    return sent


def closing(code: int, *, accept: bool = False) -> Handler:
    async def handler(_: Any, __: Any, send: Any) -> None:
        if accept:
            await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": code, "reason": "Because."})

    return handler


def failing(error: Exception, *, accept: bool = False) -> Handler:
    async def handler(_: Any, __: Any, send: Any) -> None:
        if accept:
            await send({"type": "websocket.accept"})
        raise error

    return handler


@pytest.mark.parametrize(
    ("handler", "status", "sentence"),
    [
        (closing(4401), 401, "Because."),
        (closing(4500), 503, "Because."),
        (closing(1000), 503, "Because."),
        (failing(WebSocketException(detail="Not you.", code=4403)), 403, "Not you."),
        (failing(ConnectionRefusedError()), 503, "Try again in a moment."),
    ],
    ids=["unknown", "defect", "plain", "forbidden", "database away"],
)
async def test_refusal_says_why(handler: Handler, status: int, sentence: str) -> None:
    start, body = await serve(handler)
    assert (start["type"], start["status"]) == ("websocket.http.response.start", status)
    assert dict(start["headers"])[b"content-type"] == b"application/problem+json"
    problem = json.loads(body["body"])
    assert (problem["status"], problem["code"], problem["detail"]) == (
        status,
        f"http.{status}",
        sentence,
    )


async def test_server_that_cannot_refuse_with_a_status_closes_with_a_code() -> None:
    assert await serve(closing(4401), can_refuse=False) == [
        {"type": "websocket.close", "code": 4401, "reason": "Because."}
    ]


async def test_open_socket_is_closed_with_the_code_that_was_meant() -> None:
    _, closed = await serve(closing(4409, accept=True))
    assert (closed["type"], closed["code"]) == ("websocket.close", 4409)


async def test_failure_of_an_open_socket_is_not_hidden() -> None:
    with pytest.raises(KeyError):
        await serve(failing(KeyError("a defect"), accept=True))
