"""API keys: how programs call, in the name of the person who made the key."""

import hmac
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.access import Principal, Role
from server.identity.audit import record_audit
from server.identity.models import ApiKey, Person
from server.identity.sessions import SEEN_EVERY
from server.identity.tokens import keyed_hash, new_token
from server.kit import clock
from server.kit.errors import Invalid, NotFound
from server.kit.ids import new_id

LONGEST_LIFE = timedelta(days=3653)


class UnknownApiKey(NotFound):
    """There is no API key {api_key_id}."""

    code = "identity.unknown_api_key"


class BadScope(Invalid):
    """{scope!r} is not a scope. Scopes look like orders:read or orders:write."""

    code = "identity.bad_scope"


class BadExpiry(Invalid):
    """An API key expires within the next ten years, or never."""

    code = "identity.bad_expiry"


class NewApiKey(msgspec.Struct, frozen=True):
    """secret: the whole key. It is told once and cannot be shown again."""

    id: UUID
    secret: str


class ApiKeyView(msgspec.Struct, frozen=True):
    id: UUID
    name: str
    scopes: list[str]
    account_id: UUID | None
    person_id: UUID
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


async def create_api_key(
    session: AsyncSession,
    *,
    name: str,
    scopes: Sequence[str],
    account_id: UUID | None = None,
    expires_at: datetime | None = None,
    by: Principal,
) -> NewApiKey:
    """A key that acts in the name of `by`, and only within the account when one is given.

    An account user's key belongs to the own account, whatever was asked for.

    Raises
    ------
    BadScope, BadExpiry
    """
    for scope in scopes:
        if not re.fullmatch(r"[a-z_]+:[a-z_]+", scope):
            raise BadScope(scope=scope)
    now = clock.real_now()
    if expires_at is not None and not now < expires_at < now + LONGEST_LIFE:
        raise BadExpiry
    key_id = new_id()
    secret = new_token(f"pk_{key_id.hex}_")
    account_id = by.own_account_only() or account_id
    session.add(
        ApiKey(
            id=key_id,
            key_hash=keyed_hash(secret),
            name=name,
            scopes=sorted(set(scopes)),
            account_id=account_id,
            person_id=by.person_id,
            created_at=now,
            expires_at=expires_at,
        )
    )
    await record_audit(
        session,
        by=by.label,
        action="api_key.created",
        subject=f"api_key:{key_id}",
        details={"name": name, "scopes": scopes, "account_id": account_id},
    )
    await session.flush()
    return NewApiKey(key_id, secret)


async def list_api_keys(
    session: AsyncSession,
    *,
    account_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = 100,
) -> list[ApiKeyView]:
    """All keys, or those of one account, in the order in which they were made."""
    query = select(ApiKey).order_by(ApiKey.id).limit(limit)
    if account_id is not None:
        query = query.where(ApiKey.account_id == account_id)
    if after is not None:
        query = query.where(ApiKey.id > after)
    return [_view(key) for key in await session.scalars(query)]


async def revoke_api_key(
    session: AsyncSession, api_key_id: UUID, *, account_id: UUID | None = None, by: str
) -> None:
    """Make it useless, for ever. A second time changes nothing.

    account_id: when given, a key of another account is unknown.
    """
    query = select(ApiKey).where(ApiKey.id == api_key_id)
    if account_id is not None:
        query = query.where(ApiKey.account_id == account_id)
    key = await session.scalar(query.with_for_update())
    if key is None:
        raise UnknownApiKey(api_key_id=api_key_id)
    if key.revoked_at is None:
        await _revoke(session, key, by=by)


async def revoke_api_keys_of(session: AsyncSession, person_id: UUID, *, by: str) -> None:
    """Revoke every key that acts in the name of this person."""
    query = select(ApiKey).where(ApiKey.person_id == person_id, ApiKey.revoked_at.is_(None))
    for key in await session.scalars(query.order_by(ApiKey.id).with_for_update()):
        await _revoke(session, key, by=by)


async def principal_of_key(session: AsyncSession, secret: str) -> Principal | None:
    """Who calls with this key; None when it is unknown, expired or revoked."""
    key_id = _id_in(secret)
    if key_id is None:
        return None
    now = clock.real_now()
    found = (
        await session.execute(
            select(ApiKey, Person)
            .join(Person, Person.id == ApiKey.person_id)
            .where(
                ApiKey.id == key_id,
                ApiKey.revoked_at.is_(None),
                or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now),
                Person.active,
            )
        )
    ).one_or_none()
    if found is None or not hmac.compare_digest(found[0].key_hash, keyed_hash(secret)):
        return None
    key, person = found
    if key.last_used_at is None or now - key.last_used_at >= SEEN_EVERY:
        await session.execute(update(ApiKey).where(ApiKey.id == key.id).values(last_used_at=now))
    account_id = key.account_id or person.account_id
    return Principal(
        role=Role(person.role) if account_id is None else Role.ACCOUNT_USER,
        person_id=person.id,
        name=key.name,
        account_id=account_id,
        scopes=tuple(key.scopes),
        api_key_id=key.id,
    )


def _id_in(secret: str) -> UUID | None:
    match = re.fullmatch(r"pk_([0-9a-f]{32})_[\w-]+", secret)
    return UUID(match[1]) if match else None


async def _revoke(session: AsyncSession, key: ApiKey, *, by: str) -> None:
    key.revoked_at = clock.real_now()
    await record_audit(session, by=by, action="api_key.revoked", subject=f"api_key:{key.id}")


def _view(key: ApiKey) -> ApiKeyView:
    return ApiKeyView(
        id=key.id,
        name=key.name,
        scopes=key.scopes,
        account_id=key.account_id,
        person_id=key.person_id,
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
        revoked_at=key.revoked_at,
    )
