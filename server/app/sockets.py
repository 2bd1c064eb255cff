"""How this process serves WebSockets, and how it refuses one: with the HTTP status that tells why,
not with a bare 403 for everything.

It matters: a phone that gets 401 knows that it was revoked; one that gets 503 tries again.
"""

import json
import logging
from collections.abc import MutableMapping
from http import HTTPStatus
from typing import Any

from litestar.enums import ScopeType
from litestar.exceptions import WebSocketException
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

SOCKET_OPTIONS: dict[str, Any] = {
    "ws": "websockets-sansio",
    "ws_max_size": 256 * 1024,
    "ws_ping_interval": 20.0,
    "ws_ping_timeout": 20.0,
    # It costs forty times the processor for less than one shared stream would save.
    "ws_per_message_deflate": False,
}
"""For uvicorn. A larger frame ends the socket with 1009, a silent phone with 1011; on SIGTERM all
are ended with 1012."""


class HonestRefusals(ASGIMiddleware):
    """Turns a close before the upgrade, and any failure there, into an HTTP answer."""

    scopes = (ScopeType.WEBSOCKET,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        upgraded = False

        async def send_honestly(message: Message) -> None:
            nonlocal upgraded
            if message["type"] == "websocket.accept":
                upgraded = True
            if message["type"] == "websocket.close" and not upgraded:
                await refuse(scope, send, message["code"] - 4000, message["reason"] or "")
            else:
                await send(message)

        try:
            await next_app(scope, receive, send_honestly)
        except WebSocketException as refusal:
            if upgraded:
                raise
            await refuse(scope, send, refusal.code - 4000, refusal.detail)
        except Exception:
            if upgraded:
                raise
            log.exception("a WebSocket could not be opened")
            await refuse(scope, send, 503, "Try again in a moment.")


async def refuse(scope: Scope, send: Send, status: int, reason: str) -> None:
    """Answer with the problem document that an HTTP request would get."""
    status = status if 400 <= status < 500 else 503
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 4000 + status, "reason": reason})
        return
    problem = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": f"http.{status}",
        "detail": reason,
    }
    start: MutableMapping[str, Any] = {
        "type": "websocket.http.response.start",
        "status": status,
        "headers": [(b"content-type", b"application/problem+json")],
    }
    body = {"type": "websocket.http.response.body", "body": json.dumps(problem).encode()}
    await send(start)  # type: ignore[arg-type]
    await send(body)  # type: ignore[arg-type]
