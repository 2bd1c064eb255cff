"""Who may call a route. Every route declares it; a test walks the routes and fails on one that
does not.

    @get("/api/orders", guards=[allow(*OFFICE, Role.ACCOUNT_USER, scope="orders:read")])
    @post("/api/driver/envelopes", guards=[devices_only])
    @get("/t/{token:str}", guards=[public])
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from server.kit.errors import Forbidden, PostriderError, Unauthenticated


class Role(StrEnum):
    ADMIN = "admin"
    DISPATCHER = "dispatcher"
    WAREHOUSE = "warehouse"
    CLERK = "clerk"
    DRIVER = "driver"
    ACCOUNT_USER = "account_user"


OFFICE = (Role.ADMIN, Role.DISPATCHER, Role.CLERK)
"""The people of the courier company who see every account's orders."""


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who is calling: a person with a session, a program with an API key, or a driver's phone.

    person_id: the person, or the person in whose name the key was made, or the driver.
    account_id: set for account users and for keys of an account: they see only what is theirs.
    scopes: what an API key may do, such as "orders:write"; ("*",) for people.
    signed_out_at: real time, of a phone that was revoked; it is heard by `last_words_only` alone.
    """

    role: Role
    person_id: UUID
    name: str = ""
    account_id: UUID | None = None
    scopes: tuple[str, ...] = ("*",)
    device_id: UUID | None = None
    api_key_id: UUID | None = None
    session_id: UUID | None = None
    signed_out_at: datetime | None = None

    def may(self, scope: str) -> bool:
        return "*" in self.scopes or scope in self.scopes

    def own_account_only(self) -> UUID | None:
        """The account to which this caller is confined; None for the company's own people."""
        return self.account_id

    @property
    def label(self) -> str:
        """How events and the audit log name the caller: "person:<id>", "api_key:<id>" ..."""
        if self.api_key_id:
            return f"api_key:{self.api_key_id}"
        if self.device_id:
            return f"device:{self.device_id}"
        return f"person:{self.person_id}"


class NotYours(Forbidden):
    """Your role {role} may not do this. It takes one of: {allowed}."""

    code = "identity.role_not_allowed"


class ScopeMissing(Forbidden):
    """This API key lacks the scope {scope}. Make a key that has it."""

    code = "identity.scope_missing"


class Access:
    """A route's declaration of who may call it; a Litestar guard."""

    def __init__(
        self, roles: tuple[Role, ...], *, scope: str | None = None, device: bool = False
    ) -> None:
        self.roles = roles
        self.scope = scope
        self.device = device
        self.__name__ = "access"

    def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        refusal = self.refusal(connection.scope["state"].get("principal"))
        if refusal is not None:
            raise refusal

    def refusal(self, principal: Principal | None) -> PostriderError | None:
        """Why this caller may not; None when they may."""
        if self is public:
            return None
        if principal is None:
            return Unauthenticated()
        if self.device != (principal.device_id is not None) or principal.role not in self.roles:
            return NotYours(role=principal.role, allowed=", ".join(self.roles))
        if principal.api_key_id and (self.scope is None or not principal.may(self.scope)):
            return ScopeMissing(scope=self.scope or "(not open to API keys)")
        return None


def allow(*roles: Role, scope: str | None = None) -> Access:
    """Open to people of these roles; to API keys only when `scope` is given and they have it."""
    return Access(roles, scope=scope)


public = Access(())
"""Open to everybody, without signing in."""

devices_only = Access((Role.DRIVER,), device=True)
"""Open to paired phones."""

last_words_only = Access((Role.DRIVER,), device=True)
"""Open to phones whether or not they were revoked: where one hands in what it had not sent."""
