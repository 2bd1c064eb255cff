"""Refuses a WebSocket with the HTTP status that tells why, not with a bare 403 for everything.

It matters: a phone that gets 401 knows that it was revoked; one that gets 503 tries again.
"""

import logging
from collections.abc import MutableMapping
from typing import Any

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)


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
        except Exception:
            if upgraded:
                raise
            log.exception("a WebSocket could not be opened")
            await refuse(scope, send, 503, "Try again in a moment.")


async def refuse(scope: Scope, send: Send, status: int, reason: str) -> None:
    status = status if 400 <= status < 500 else 503
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 4000 + status, "reason": reason})
        return
    start: MutableMapping[str, Any] = {
        "type": "websocket.http.response.start",
        "status": status,
        "headers": [(b"content-type", b"text/plain; charset=utf-8")],
    }
    await send(start)  # type: ignore[arg-type]
    await send({"type": "websocket.http.response.body", "body": reason.encode()})  # type: ignore[arg-type]
