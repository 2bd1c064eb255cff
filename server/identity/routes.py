"""Signing in and out, people, API keys, drivers' phones and the audit log over HTTP."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, patch, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity import service, throttle
from server.identity.access import OFFICE, Principal, Role, allow, public
from server.identity.browsers import SESSION_COOKIE
from server.identity.devices import CODE_LIFETIME
from server.identity.sessions import LONGEST, csrf_token_of
from server.kit import clock
from server.kit.db import Database
from server.kit.errors import Unauthenticated
from server.kit.inputs import ONE_LINE, FilledLine, Limit, Line, Moment
from server.kit.paging import cut_page
from server.kit.settings import Settings

Typed = Annotated[str, Meta(max_length=254)]
Wanted = Annotated[str | None, QueryParameter(min_length=1, max_length=200, pattern=ONE_LINE)]

EVERYBODY = allow(*Role)
ADMINS = allow(Role.ADMIN)
OFFICE_PEOPLE = allow(*OFFICE)
KEY_OWNERS = allow(Role.ADMIN, Role.ACCOUNT_USER)
PHONE_KEEPERS = allow(Role.ADMIN, Role.DISPATCHER)


class Credentials(msgspec.Struct, forbid_unknown_fields=True):
    email: Typed
    password: Typed


class SignedIn(msgspec.Struct, frozen=True):
    """csrf_token: to be sent as X-CSRF-Token with every POST, PUT, PATCH and DELETE."""

    person: service.PersonView
    csrf_token: str


class PasswordChange(msgspec.Struct, forbid_unknown_fields=True):
    old_password: Typed
    new_password: Typed


class NewPerson(msgspec.Struct, forbid_unknown_fields=True):
    """account_id: of account users, and only of them."""

    name: FilledLine
    email: Typed
    role: Role
    account_id: UUID | None = None


class PersonChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is left out, or null, stays."""

    name: FilledLine | None = None
    email: Typed | None = None
    role: Role | None = None
    account_id: UUID | None = None
    active: bool | None = None


class OneTimePassword(msgspec.Struct, frozen=True):
    """It works until it is changed at the next sign-in."""

    password: str


class ApiKeyRequest(msgspec.Struct, forbid_unknown_fields=True):
    """scopes: such as orders:write. account_id: confines the key to one account."""

    name: FilledLine
    scopes: Annotated[
        list[Annotated[str, Meta(max_length=60, pattern="^[a-z_]+:[a-z_]+$")]],
        Meta(min_length=1, max_length=50),
    ]
    account_id: UUID | None = None
    expires_at: Moment | None = None


class PairingCode(msgspec.Struct, frozen=True):
    """link_code: what stands behind `/pair#` in the link: the code, and the pin if there is one."""

    code: str
    expires_at: datetime
    link_code: str


class PairingRequest(msgspec.Struct, forbid_unknown_fields=True):
    """device_model: how the phone names itself."""

    code: Typed
    device_model: Line = ""


class PeoplePage(msgspec.Struct, frozen=True):
    items: list[service.PersonView]
    next: UUID | None


class ApiKeyPage(msgspec.Struct, frozen=True):
    items: list[service.ApiKeyView]
    next: UUID | None


class DevicePage(msgspec.Struct, frozen=True):
    items: list[service.DeviceView]
    next: UUID | None


class AuditPage(msgspec.Struct, frozen=True):
    items: list[service.AuditView]
    next: UUID | None


@post("/api/login", guards=[public], status_code=200)
async def log_in(
    data: JSONBody[Credentials],
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> Response[SignedIn]:
    """Sign in in this browser. The attempt is counted in a transaction of its own."""
    email, address = data.email, _address(request)
    replaces = request.cookies.get(SESSION_COOKIE)
    async with db.transaction() as session:
        await throttle.admit_login(session, email, address)
    async with db.transaction() as session:
        opened = await service.log_in(
            session, email, data.password, address=address, replaces=replaces
        )
        await throttle.login_succeeded(session, email, address)
    return _signed_in(opened, settings)


@post(
    "/api/logout",
    guards=[EVERYBODY],
    status_code=204,
    responses={204: ResponseSpec(None, description="Signed out.")},
)
async def log_out(
    request: Request[Any, Any, Any],
    session: NamedDependency[AsyncSession],
    settings: NamedDependency[Settings],
) -> Response[None]:
    await service.log_out(session, request.cookies.get(SESSION_COOKIE, ""))
    return Response(None, cookies=[_cookie("", settings, max_age_s=0)])


@get("/api/me", guards=[EVERYBODY])
async def get_me(
    session: NamedDependency[AsyncSession], principal: NamedDependency[Principal]
) -> SignedIn:
    """Who I am, and the token that changes need."""
    person = await service.get_person(session, principal.person_id)
    csrf_token = principal.session_id and await csrf_token_of(session, principal.session_id)
    if not csrf_token:
        raise Unauthenticated
    return SignedIn(person, csrf_token)


@post("/api/me/password", guards=[EVERYBODY], status_code=200)
async def change_password(
    data: JSONBody[PasswordChange],
    request: Request[Any, Any, Any],
    principal: NamedDependency[Principal],
    db: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> Response[SignedIn]:
    """Ends all my sessions and gives this browser a new one."""
    me, address = principal.person_id, _address(request)
    async with db.transaction() as session:
        await throttle.admit_login(session, str(me), address)
    async with db.transaction() as session:
        opened = await service.change_password(
            session, me, old_password=data.old_password, new_password=data.new_password
        )
        await throttle.login_succeeded(session, str(me), address)
    return _signed_in(opened, settings)


@get("/api/people", guards=[OFFICE_PEOPLE])
async def list_people(
    session: NamedDependency[AsyncSession],
    role: FromQuery[Role | None] = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> PeoplePage:
    items = await service.list_people(session, role=role, after=after, limit=limit + 1)
    return PeoplePage(*cut_page(items, limit))


@post("/api/people", guards=[ADMINS])
async def create_person(
    data: JSONBody[NewPerson],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> service.PersonView:
    """Somebody new, who signs in with a one-time password or, a driver, with a pairing code."""
    return await service.create_person(
        session,
        name=data.name,
        email=data.email,
        role=data.role,
        account_id=data.account_id,
        by=principal.label,
    )


@get("/api/people/{person_id:uuid}", guards=[OFFICE_PEOPLE])
async def get_person(
    person_id: FromPath[UUID], session: NamedDependency[AsyncSession]
) -> service.PersonView:
    return await service.get_person(session, person_id)


@patch("/api/people/{person_id:uuid}", guards=[ADMINS])
async def update_person(
    person_id: FromPath[UUID],
    data: JSONBody[PersonChange],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> service.PersonView:
    """Whoever is disabled, or gets another role or account, is signed out everywhere."""
    changes = msgspec.structs.asdict(data)
    return await service.update_person(session, person_id, **changes, by=principal.label)


@post("/api/people/{person_id:uuid}/one-time-password", guards=[ADMINS])
async def give_one_time_password(
    person_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> OneTimePassword:
    """For somebody who is new or forgot theirs. It signs them out everywhere."""
    by = principal.label
    return OneTimePassword(await service.give_one_time_password(session, person_id, by=by))


@get("/api/api-keys", guards=[KEY_OWNERS])
async def list_api_keys(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> ApiKeyPage:
    mine = principal.own_account_only()
    items = await service.list_api_keys(session, account_id=mine, after=after, limit=limit + 1)
    return ApiKeyPage(*cut_page(items, limit))


@post("/api/api-keys", guards=[KEY_OWNERS])
async def create_api_key(
    data: JSONBody[ApiKeyRequest],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> service.NewApiKey:
    """The only time that the key itself is told."""
    asked = msgspec.structs.asdict(data)
    return await service.create_api_key(session, **asked, by=principal)


@delete("/api/api-keys/{api_key_id:uuid}", guards=[KEY_OWNERS])
async def revoke_api_key(
    api_key_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> None:
    mine = principal.own_account_only()
    await service.revoke_api_key(session, api_key_id, account_id=mine, by=principal.label)


@get("/api/devices", guards=[PHONE_KEEPERS])
async def list_devices(
    session: NamedDependency[AsyncSession],
    driver_id: FromQuery[UUID | None] = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> DevicePage:
    items = await service.list_devices(session, driver_id=driver_id, after=after, limit=limit + 1)
    return DevicePage(*cut_page(items, limit))


@delete("/api/devices/{device_id:uuid}", guards=[PHONE_KEEPERS])
async def revoke_device(
    device_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> None:
    """The phone is disconnected and not heard again."""
    await service.revoke_device(session, device_id, by=principal.label)


@post("/api/drivers/{driver_id:uuid}/pairing-codes", guards=[PHONE_KEEPERS])
async def create_pairing_code(
    driver_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    settings: NamedDependency[Settings],
) -> PairingCode:
    """To be typed into the driver's phone once, within ten minutes. Earlier codes end."""
    code = await service.create_pairing_code(session, driver_id, by=principal.label)
    link_code = f"{code}.{settings.tls_pin}" if settings.tls_pin else code
    return PairingCode(code, clock.real_now() + CODE_LIFETIME, link_code)


@post("/api/driver/pair", guards=[public])
async def pair_device(
    data: JSONBody[PairingRequest], request: Request[Any, Any, Any], db: NamedDependency[Database]
) -> service.PairedDevice:
    """A phone makes itself known. The attempt is counted in a transaction of its own."""
    address = _address(request)
    async with db.transaction() as session:
        await throttle.admit_pairing(session, address)
    async with db.transaction() as session:
        paired = await service.pair_device(session, data.code, data.device_model, address=address)
        await throttle.pairing_succeeded(session, address)
    return paired


@get("/api/audit", guards=[ADMINS])
async def list_audit(
    session: NamedDependency[AsyncSession],
    subject: Wanted = None,
    by: Wanted = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> AuditPage:
    """Who did what, the newest first; for example everything about subject=person:<id>."""
    items = await service.list_audit(session, subject=subject, by=by, after=after, limit=limit + 1)
    return AuditPage(*cut_page(items, limit))


def _address(request: Request[Any, Any, Any]) -> str:
    return request.client.host if request.client else "unknown"


def _signed_in(opened: service.LogIn, settings: Settings) -> Response[SignedIn]:
    return Response(
        SignedIn(opened.person, opened.csrf_token),
        cookies=[_cookie(opened.token, settings, max_age_s=int(LONGEST.total_seconds()))],
    )


def _cookie(token: str, settings: Settings, *, max_age_s: int) -> Cookie:
    return Cookie(
        SESSION_COOKIE,
        value=token,
        path="/",
        max_age=max_age_s,
        httponly=True,
        samesite="lax",
        secure=settings.base_url.startswith("https:"),
    )


ROUTES = [
    log_in,
    log_out,
    get_me,
    change_password,
    list_people,
    create_person,
    get_person,
    update_person,
    give_one_time_password,
    list_api_keys,
    create_api_key,
    revoke_api_key,
    list_devices,
    revoke_device,
    create_pairing_code,
    pair_device,
    list_audit,
]
