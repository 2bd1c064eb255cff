"""Gives each request to a route of ours its trace: the proxy's, when it names one, else a new one.
It stands in every line of the log that the request causes, and in the header X-Trace-Id of the
answer, so that whoever reports a fault can say which one."""

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from server.kit.logs import begin_trace


class Tracing(ASGIMiddleware):
    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        trace_id = begin_trace(ASGIConnection(scope).headers.get("traceparent"))

        async def send_with_trace(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-trace-id", trace_id.encode())]
            await send(message)

        await next_app(scope, receive, send_with_trace)
