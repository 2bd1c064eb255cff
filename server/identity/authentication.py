"""Finds out who is calling, before any route runs: by bearer token, which is sent on purpose, or by
session cookie, which counts for changes only from our own pages (see browsers)."""

import hmac
from typing import Any

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from server.identity.access import Principal, last_words_only, public
from server.identity.api_keys import principal_of_key
from server.identity.browsers import (
    SESSION_COOKIE,
    PasswordMustChange,
    origin_of,
    refuse_foreign_page,
)
from server.identity.devices import principal_of_any_device, principal_of_device
from server.identity.sessions import OpenSession, find_session
from server.kit.db import Database
from server.kit.errors import Forbidden
from server.kit.settings import Settings

CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
OPEN_BEFORE_PASSWORD_CHANGE = {"/api/me", "/api/me/password", "/api/logout"}

Connection = ASGIConnection[Any, Any, Any, Any]


class CsrfTokenWrong(Forbidden):
    """The X-CSRF-Token header is missing or wrong. Send the csrf_token that GET /api/me gives."""

    code = "identity.csrf_token_wrong"


class Authentication(ASGIMiddleware):
    """Puts the Principal, or None, into the connection's state. The application's state must have
    the `db` and the `settings`."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        scope["state"]["principal"] = await self._principal(ASGIConnection(scope))
        await next_app(scope, receive, send)

    async def _principal(self, connection: Connection) -> Principal | None:
        scheme, _, credential = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return await self._principal_of_bearer(connection, credential.strip())
        if _may_change(connection):
            settings: Settings = connection.app.state.settings
            refuse_foreign_page(connection.headers, origin_of(settings.base_url))
        found = await self._session(connection)
        if found is None:
            return None
        if public in (connection.route_handler.guards or ()):
            # Open to everybody, so nothing is won by a forged request: no CSRF token needed, and
            # a login page works in a browser that still has a cookie.
            return found.principal if not _may_change(connection) else None
        if _may_change(connection) and not _has_csrf_token(connection, found.csrf_token):
            raise CsrfTokenWrong
        path = connection.scope["path"].rstrip("/")
        if found.must_change_password and path not in OPEN_BEFORE_PASSWORD_CHANGE:
            raise PasswordMustChange
        return found.principal

    async def _principal_of_bearer(
        self, connection: Connection, credential: str
    ) -> Principal | None:
        async with _db(connection).transaction() as session:
            if credential.startswith("pk_"):
                return await principal_of_key(session, credential)
            if last_words_only in (connection.route_handler.guards or ()):
                return await principal_of_any_device(session, credential)
            return await principal_of_device(session, credential)

    async def _session(self, connection: Connection) -> OpenSession | None:
        token = connection.cookies.get(SESSION_COOKIE)
        if not token:
            return None
        async with _db(connection).transaction() as session:
            return await find_session(session, token)


def _db(connection: Connection) -> Database:
    db: Database = connection.app.state.db
    return db


def _may_change(connection: Connection) -> bool:
    scope = connection.scope
    return scope["type"] == ScopeType.HTTP and scope["method"] not in SAFE_METHODS


def _has_csrf_token(connection: Connection, csrf_token: str) -> bool:
    sent = connection.headers.get(CSRF_HEADER, "")
    return hmac.compare_digest(sent.encode(), csrf_token.encode())
