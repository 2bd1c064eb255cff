"""Gives each request to a route of ours its trace: the proxy's, when it names one, else a new one.
It stands in every line of the log that the request causes, and in the header X-Trace-Id of the
answer, so that whoever reports a fault can say which one; and OpenTelemetry hears how long it took,
if it is asked to."""

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from server.kit.logs import begin_trace, parent_span_of
from server.kit.spans import span


class Tracing(ASGIMiddleware):
    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        assert scope["type"] == ScopeType.HTTP
        traceparent = ASGIConnection(scope).headers.get("traceparent")
        trace_id = begin_trace(traceparent)
        method, route = scope["method"], scope.get("path_template", "")
        with span(
            f"{method} {route}",
            parent_span_id=parent_span_of(traceparent),
            is_served=True,
            **{"http.request.method": method, "http.route": route},
        ) as told:

            async def send_with_trace(message: Message) -> None:
                if message["type"] == "http.response.start":
                    told.set_attribute("http.response.status_code", message["status"])
                    message["headers"] = [*message["headers"], (b"x-trace-id", trace_id.encode())]
                await send(message)

            await next_app(scope, receive, send_with_trace)
