"""Changing people: who they are, whether they may enter at all, and their passwords."""

from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.access import Role
from server.identity.api_keys import revoke_api_keys_of
from server.identity.audit import record_audit
from server.identity.devices import revoke_devices_of
from server.identity.models import Person
from server.identity.passwords import hash_password, is_password, new_one_time_password
from server.identity.people import (
    EmailTaken,
    PersonView,
    UnknownPerson,
    check_account,
    normal_email,
    person_view,
)
from server.identity.sessions import LogIn, end_sessions, open_session
from server.kit.errors import Conflict, Invalid


class LastAdmin(Conflict):
    """This is the last active admin. Make another person an admin first."""

    code = "identity.last_admin"


class WrongPassword(Invalid):
    """The old password is wrong."""

    code = "identity.wrong_password"


class SamePassword(Invalid):
    """The new password is the old one. Choose another."""

    code = "identity.same_password"


async def update_person(
    session: AsyncSession,
    person_id: UUID,
    *,
    name: str | None = None,
    email: str | None = None,
    role: Role | None = None,
    account_id: UUID | None = None,
    active: bool | None = None,
    by: str,
) -> PersonView:
    """Change what is given. Somebody who is disabled, or gets another role or account, loses
    their sessions, API keys and phones in the same moment.

    Raises
    ------
    UnknownPerson, LastAdmin, BadEmail, EmailTaken, AccountNeeded, AccountNotAllowed
    """
    person, other_admins = await _lock_with_admins(session, person_id)
    before = person_view(person)
    role = role or before.role
    if account_id is None and role is before.role:
        account_id = before.account_id
    check_account(role, account_id)
    email = before.email if email is None else normal_email(email)
    person.name = before.name if name is None else name
    person.email = email
    person.role, person.account_id = role, account_id
    person.active = before.active if active is None else active
    if not other_admins and _is_admin(before) and not _is_admin(person_view(person)):
        raise LastAdmin
    try:
        async with session.begin_nested():
            await session.flush()
    except IntegrityError:
        raise EmailTaken(email=email) from None
    after = person_view(person)
    if _access(before) != _access(after):
        await end_sessions(session, person_id)
        await revoke_api_keys_of(session, person_id, by=by)
        await revoke_devices_of(session, person_id, by=by)
    changes = {
        field: getattr(after, field)
        for field in PersonView.__struct_fields__
        if getattr(after, field) != getattr(before, field)
    }
    if changes:
        await record_audit(
            session, by=by, action="person.changed", subject=f"person:{person_id}", details=changes
        )
    return after


async def give_one_time_password(session: AsyncSession, person_id: UUID, *, by: str) -> str:
    """A password for somebody who has none or forgot it, to be changed at the first sign-in.

    Raises
    ------
    UnknownPerson
    """
    person = await _lock(session, person_id)
    password = new_one_time_password()
    person.password_hash = await hash_password(password)
    person.must_change_password = True
    await end_sessions(session, person_id)
    await record_audit(
        session, by=by, action="person.one_time_password_given", subject=f"person:{person_id}"
    )
    return password


async def change_password(
    session: AsyncSession, person_id: UUID, *, old_password: str, new_password: str
) -> LogIn:
    """Set one's own password. Every session ends; the answer is a new one.

    Raises
    ------
    WrongPassword, SamePassword, PasswordTooShort, PasswordTooLong
    """
    person = await _lock(session, person_id)
    if not await is_password(old_password, person.password_hash):
        raise WrongPassword
    if await is_password(new_password, person.password_hash):
        raise SamePassword
    person.password_hash = await hash_password(new_password)
    person.must_change_password = False
    await end_sessions(session, person_id)
    by = f"person:{person_id}"
    await record_audit(session, by=by, action="person.password_changed", subject=by)
    return await open_session(session, person_id)


async def _lock(session: AsyncSession, person_id: UUID) -> Person:
    person = await session.get(
        Person, person_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if person is None:
        raise UnknownPerson(person_id=person_id)
    return person


async def _lock_with_admins(session: AsyncSession, person_id: UUID) -> tuple[Person, int]:
    """The person and the number of other active admins, all locked in one order, so that two
    admins who disable each other at the same moment do not both succeed."""
    locked = await session.scalars(
        select(Person)
        .where(or_(Person.id == person_id, (Person.role == Role.ADMIN) & Person.active))
        .order_by(Person.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    people = {person.id: person for person in locked}
    if person_id not in people:
        raise UnknownPerson(person_id=person_id)
    return people.pop(person_id), len(people)


def _is_admin(person: PersonView) -> bool:
    return person.active and person.role is Role.ADMIN


def _access(person: PersonView) -> tuple[bool, Role, UUID | None]:
    return person.active, person.role, person.account_id
