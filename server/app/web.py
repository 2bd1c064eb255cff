"""The web process: Litestar with the routes of every room, one transaction per request."""

import gc
import logging
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import uvicorn
from litestar import Litestar, Request, Response, get
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import ScalarRenderPlugin
from litestar.types import ControllerRouterHandler, Scope
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from server.app.modules import load
from server.app.openapi import PROBLEM, DocumentedRefusals, ExactSchemas
from server.app.tracing import Tracing
from server.identity.access import Principal, public
from server.identity.authentication import Authentication
from server.kit import clock
from server.kit.blobs import Blobs
from server.kit.db import Database, is_away
from server.kit.errors import PostriderError, TooLarge, Unauthenticated, Unavailable
from server.kit.feed import Feed
from server.kit.logs import current_trace
from server.kit.settings import Settings, read_settings, refuse_open_door
from server.live.handover import handing_over

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 20 * 1024 * 1024
MAX_DETAIL_LETTERS = 500


CLIENT_GONE = "client disconnected prematurely"
"""Litestar's word for a request that broke off; it has no class of its own."""

NO_BODY = {"message": "'data'", "key": "data", "source": "body"}
"""Litestar's words for a request without the body that its route wants."""


def create_app(settings: Settings, db: Database, feed: Feed, blobs: Blobs) -> Litestar:
    """The web application on parts that the caller owns."""
    app = build_app()
    equip(app, settings, db, feed, blobs)
    return app


def equip(app: Litestar, settings: Settings, db: Database, feed: Feed, blobs: Blobs) -> None:
    """Let an application that does not run work on these parts, and forget what it had before.
    Building one takes long, so tests equip the same one again and again."""
    app.state = State({"settings": settings, "db": db, "feed": feed, "blobs": blobs})


def build_app() -> Litestar:
    """Every room's routes and the habits of all; it works once it is equipped."""
    handlers: list[ControllerRouterHandler] = [
        get_health,
        *(handler for room in load("routes") for handler in room.ROUTES),
    ]
    return Litestar(
        handlers,
        middleware=[Tracing(), Authentication()],
        dependencies={
            "session": Provide(provide_session),
            "principal": Provide(provide_principal),
            "settings": Provide(provide_settings),
            "db": Provide(provide_db),
            "feed": Provide(provide_feed),
            "blobs": Provide(provide_blobs),
        },
        exception_handlers={
            PostriderError: answer_problem,
            HTTPException: answer_http_problem,
            UnicodeDecodeError: answer_unreadable,
            RecursionError: answer_unreadable,
            ExceptionGroup: answer_failed_ending,
            Exception: answer_defect,
        },
        lifespan=[service for room in load("lifespan") for service in room.LIFESPANS],
        request_max_body_size=MAX_BODY_BYTES,
        plugins=[DocumentedRefusals(), ExactSchemas()],
        openapi_config=OpenAPIConfig(
            title="Postrider", version="1", path="/api/docs", render_plugins=[ScalarRenderPlugin()]
        ),
        signature_types=[AsyncSession, Principal, Settings, Database, Feed, Blobs],
        logging_config=None,
    )


def from_environment() -> Litestar:
    """The application of `postrider web`; it closes its connections when it stops."""
    settings = read_settings()
    feed = Feed(settings.redis_url)
    db = Database(settings.database_url, feed=feed)
    app = create_app(settings, db, feed, Blobs(settings.blobs_dir))

    async def close() -> None:
        await feed.close()
        await db.close()

    app.on_shutdown.append(close)
    # What is there by now stays. Each search for garbage in it held up all requests for 40 ms.
    gc.collect()
    gc.freeze()
    return app


def serve(settings: Settings) -> None:
    """Listen until told to stop. Several of these may run behind one proxy.

    Raises
    ------
    SecretNotSet
        When it would be reachable from other machines without a secret of its own.
    """
    refuse_open_door(settings.host)
    uvicorn.run(
        "server.app.web:from_environment",
        factory=True,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        timeout_graceful_shutdown=5,
        ws=handing_over(settings.gateways_dir),
    )


class Health(msgspec.Struct, frozen=True):
    """clock: how this server's time runs, when it is not real time (see kit.clock)."""

    database: bool
    redis: bool
    clock: str | None


@get("/api/health", guards=[public])
async def get_health(db: NamedDependency[Database], feed: NamedDependency[Feed]) -> Health:
    """Ready to serve: the database answers. Redis may be away, then the map is a little late."""
    async with db.engine.connect() as connection:
        await connection.execute(text("select 1"))
    return Health(True, await feed.is_up(), clock.as_text())


async def provide_settings(scope: Scope) -> Settings:
    settings: Settings = scope["litestar_app"].state.settings
    return settings


async def provide_db(scope: Scope) -> Database:
    db: Database = scope["litestar_app"].state.db
    return db


async def provide_feed(scope: Scope) -> Feed:
    feed: Feed = scope["litestar_app"].state.feed
    return feed


async def provide_blobs(scope: Scope) -> Blobs:
    blobs: Blobs = scope["litestar_app"].state.blobs
    return blobs


async def provide_session(db: NamedDependency[Database]) -> AsyncIterator[AsyncSession]:
    """The request's one transaction: committed before the answer leaves, rolled back on error."""
    async with db.transaction() as session:
        yield session


async def provide_principal(scope: Scope) -> Principal:
    """Of requests and sockets alike."""
    principal: Principal | None = scope["state"].get("principal")
    if principal is None:
        raise Unauthenticated
    return principal


def answer_problem(_: Request[Any, Any, Any], error: PostriderError) -> Response[dict[str, Any]]:
    return Response(
        error.problem(), status_code=error.status, media_type=PROBLEM, headers=error.headers
    )


def answer_http_problem(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """Litestar's own refusals (unknown path, wrong method, unreadable body) in our one shape."""
    if error.detail == CLIENT_GONE:
        log.info("%s %s: the client hung up", request.method, request.url.path)
    elif error.status_code >= 500:
        return answer_defect(request, error)
    if isinstance(error, RequestEntityTooLarge):
        limit = request.route_handler.resolve_request_max_body_size()
        return answer_problem(request, TooLarge(limit_bytes=limit))
    if isinstance(error, ValidationException) and error.extra == [NO_BODY]:
        error.extra = [NO_BODY | {"message": "Send a JSON body; /api/docs says what is in it"}]
    # A body or parameter that can be read but not used is 422, as our own refusals are.
    status = 422 if isinstance(error, ValidationException) else error.status_code
    problem = {
        "type": "about:blank",
        "title": type(error).__name__,
        "status": status,
        "code": "invalid_fields" if status == 422 else f"http.{status}",
        "detail": sentence_of(request, error),
    }
    if error.extra:
        problem["fields"] = error.extra
    return Response(problem, status_code=status, media_type=PROBLEM, headers=error.headers)


def sentence_of(request: Request[Any, Any, Any], error: HTTPException) -> str:
    """What a person can act on, where Litestar only names the fact."""
    match error:
        case MethodNotAllowedException():
            allowed = (error.headers or {}).get("allow", "")
            return f"{request.method} does nothing here. What does: {allowed}."
        case NotFoundException():
            return f"There is nothing at {request.url.path}. See /api/docs for what there is."
        case ValidationException() if isinstance(error.extra, list):
            wrong = (f"{each.get('key', 'body')}: {each['message']}" for each in error.extra)
            return f"{'; '.join(wrong)[:MAX_DETAIL_LETTERS]}."
        case _:
            return f"{error.detail[:MAX_DETAIL_LETTERS].rstrip('.')}."


def answer_unreadable(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """A body that breaks the JSON decoder before it can say so itself."""
    log.warning("%s %s: unreadable", request.method, request.url.path, exc_info=error)
    detail = "The body cannot be read: it is not UTF-8, or nested too deeply."
    return answer_http_problem(request, HTTPException(detail, status_code=400))


def answer_failed_ending(
    request: Request[Any, Any, Any], error: ExceptionGroup[Exception]
) -> Response[Any]:
    """The transaction's end made another error of the route's own, and Litestar wraps that one."""
    (first, *_) = error.exceptions
    if isinstance(first, PostriderError):
        return answer_problem(request, first)
    return answer_defect(request, first)


def answer_defect(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    """Our fault, never a person's: logged with its trace, and the transaction is rolled back.
    Without the database nothing is broken: the same request may work later."""
    if is_away(error):
        log.warning("%s %s: unavailable: %r", request.method, request.url.path, error)
        return answer_problem(request, Unavailable())
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    problem = {
        "type": "about:blank",
        "title": "InternalError",
        "status": 500,
        "code": "internal",
        "detail": "Something broke on our side; nothing was changed. Please report it.",
        "trace_id": current_trace(),
    }
    return Response(problem, status_code=500, media_type=PROBLEM)
