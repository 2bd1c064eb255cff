"""People: who they are, finding them, adding them."""

import re
from collections.abc import Collection
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.access import Role
from server.identity.audit import record_audit
from server.identity.models import Person
from server.identity.passwords import hash_password, new_one_time_password
from server.kit import clock
from server.kit.db import is_any
from server.kit.errors import Conflict, Invalid, NotFound
from server.kit.ids import new_id

FIRST_ADMIN_EMAIL = "admin@postrider.local"


class PersonView(msgspec.Struct, frozen=True):
    """account_id: of account users only. must_change_password: may do nothing else before."""

    id: UUID
    name: str
    email: str
    role: Role
    account_id: UUID | None
    active: bool
    must_change_password: bool = False


class UnknownPerson(NotFound):
    """There is no person {person_id}."""

    code = "identity.unknown_person"


class EmailTaken(Conflict):
    """Another person signs in with {email}. Everybody needs an address of their own."""

    code = "identity.email_taken"


class BadEmail(Invalid):
    """{email!r} is not an email address, such as ada@example.org."""

    code = "identity.bad_email"


class AccountNeeded(Invalid):
    """An account user belongs to an account: give account_id."""

    code = "identity.account_needed"


class AccountNotAllowed(Invalid):
    """Only account users belong to an account. Leave account_id out, or take that role."""

    code = "identity.account_not_allowed"


def normal_email(email: str) -> str:
    """The one way in which an address is stored and looked up.

    Raises
    ------
    BadEmail
    """
    normal = email.strip().lower()
    if len(normal) > 254 or not re.fullmatch(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+", normal):
        raise BadEmail(email=email[:254].replace("\x00", ""))
    return normal


def check_account(role: Role, account_id: UUID | None) -> None:
    """Account users have an account, and nobody else has: it is what confines them."""
    if role is Role.ACCOUNT_USER and account_id is None:
        raise AccountNeeded
    if role is not Role.ACCOUNT_USER and account_id is not None:
        raise AccountNotAllowed


def person_view(person: Person | Row[Any]) -> PersonView:
    return PersonView(
        id=person.id,
        name=person.name,
        email=person.email,
        role=Role(person.role),
        account_id=person.account_id,
        active=person.active,
        must_change_password=person.must_change_password,
    )


async def create_person(
    session: AsyncSession,
    *,
    name: str,
    email: str,
    role: Role,
    password: str | None = None,
    account_id: UUID | None = None,
    must_change_password: bool = False,
    by: str,
) -> PersonView:
    """Add somebody. Without a password they cannot sign in in a browser until they get one.

    Raises
    ------
    BadEmail, EmailTaken, AccountNeeded, AccountNotAllowed, PasswordTooShort, PasswordTooLong
    """
    check_account(role, account_id)
    email = normal_email(email)
    person = await session.scalar(
        insert(Person)
        .values(
            id=new_id(),
            email=email,
            name=name,
            password_hash=None if password is None else await hash_password(password),
            role=role,
            account_id=account_id,
            active=True,
            must_change_password=must_change_password,
            created_at=clock.real_now(),
        )
        .on_conflict_do_nothing(index_elements=[Person.email])
        .returning(Person)
    )
    if person is None:
        raise EmailTaken(email=email)
    await record_audit(
        session,
        by=by,
        action="person.created",
        subject=f"person:{person.id}",
        details={"email": email, "role": role, "account_id": account_id},
    )
    return person_view(person)


async def get_people(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, PersonView]:
    """Those that exist, disabled ones too."""
    shown = [getattr(Person, name) for name in PersonView.__struct_fields__]
    found = await session.execute(select(*shown).where(is_any(Person.id, ids)))
    return {each.id: person_view(each) for each in found}


async def get_person(session: AsyncSession, person_id: UUID) -> PersonView:
    person = await session.get(Person, person_id)
    if person is None:
        raise UnknownPerson(person_id=person_id)
    return person_view(person)


async def list_people(
    session: AsyncSession, *, role: Role | None = None, after: UUID | None = None, limit: int = 100
) -> list[PersonView]:
    """In the order in which they were added."""
    query = select(Person).order_by(Person.id).limit(limit)
    if role is not None:
        query = query.where(Person.role == role)
    if after is not None:
        query = query.where(Person.id > after)
    return [person_view(person) for person in await session.scalars(query)]


async def ensure_first_admin(session: AsyncSession) -> tuple[str, str] | None:
    """Add an admin to an installation that has none: its email and the password that works until
    it is changed at the first sign-in. None when there is an admin already."""
    await session.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended("identity first admin", 0)))
    )
    if await session.scalar(select(Person.id).where(Person.role == Role.ADMIN).limit(1)):
        return None
    password = new_one_time_password()
    await create_person(
        session,
        name="Administrator",
        email=FIRST_ADMIN_EMAIL,
        role=Role.ADMIN,
        password=password,
        must_change_password=True,
        by="system",
    )
    return FIRST_ADMIN_EMAIL, password
