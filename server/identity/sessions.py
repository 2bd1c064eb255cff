"""Signed-in browsers: a random token in a cookie, stored hashed, and a CSRF token beside it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.access import Principal, Role
from server.identity.audit import record_audit
from server.identity.models import BrowserSession, Person
from server.identity.passwords import hash_password, is_password, needs_rehash
from server.identity.people import BadEmail, PersonView, UnknownPerson, normal_email, person_view
from server.identity.tokens import keyed_hash, new_token
from server.kit import clock
from server.kit.errors import Unauthenticated
from server.kit.ids import new_id

IDLE = timedelta(hours=12)
"""An unused session ends after this; each use starts it anew ..."""

LONGEST = timedelta(days=7)
"""... but no session outlives this."""

SEEN_EVERY = timedelta(minutes=1)
"""How exactly we remember when something was last used; not every request writes."""


class WrongCredentials(Unauthenticated):
    """The email or the password is wrong."""

    code = "identity.wrong_credentials"


class LogIn(msgspec.Struct, frozen=True):
    """token: for the cookie. csrf_token: for the page, which sends it as X-CSRF-Token."""

    token: str
    csrf_token: str
    person: PersonView


@dataclass(frozen=True, slots=True)
class OpenSession:
    principal: Principal
    csrf_token: str
    must_change_password: bool


async def log_in(
    session: AsyncSession, email: str, password: str, *, address: str, replaces: str | None = None
) -> LogIn:
    """A new session for whoever knows the password; one that the browser still had ends.

    Guesses are limited by `admit_login` (throttle.py), which commits before this is called.

    Raises
    ------
    WrongCredentials
        After the same work whether the email is known or not.
    """
    try:
        email = normal_email(email)
    except BadEmail:
        email = ""
    known = await session.scalar(select(Person).where(Person.email == email, Person.active))
    password_hash = known.password_hash if known else None
    right = await is_password(password, password_hash)
    person = await _lock_unchanged(session, known.id, password_hash) if known and right else None
    if person is None or password_hash is None:
        raise WrongCredentials
    if needs_rehash(password_hash):
        person.password_hash = await hash_password(password)
    if replaces is not None:
        await log_out(session, replaces)
    opened = await open_session(session, person.id)
    await record_audit(
        session,
        by=f"person:{person.id}",
        action="session.opened",
        subject=f"person:{person.id}",
        details={"address": address},
    )
    return opened


async def open_session(session: AsyncSession, person_id: UUID) -> LogIn:
    """A session for somebody whose identity the caller has made sure of."""
    person = await session.get(Person, person_id)
    if person is None:
        raise UnknownPerson(person_id=person_id)
    now = clock.real_now()
    token, csrf_token = new_token(), new_token()
    session.add(
        BrowserSession(
            id=new_id(),
            token_hash=keyed_hash(token),
            person_id=person_id,
            csrf_token=csrf_token,
            created_at=now,
            last_seen_at=now,
            expires_at=now + IDLE,
        )
    )
    await session.flush()
    return LogIn(token, csrf_token, person_view(person))


async def find_session(session: AsyncSession, token: str) -> OpenSession | None:
    """The session of this token, which thereby lives on; None when it ended or never was."""
    now = clock.real_now()
    found = (
        await session.execute(
            select(BrowserSession, Person)
            .join(Person, Person.id == BrowserSession.person_id)
            .where(
                BrowserSession.token_hash == keyed_hash(token),
                BrowserSession.expires_at > now,
                Person.active,
            )
        )
    ).one_or_none()
    if found is None:
        return None
    browser, person = found
    if now - browser.last_seen_at >= SEEN_EVERY:
        await _mark_seen(session, browser, now)
    principal = Principal(
        role=Role(person.role),
        person_id=person.id,
        name=person.name,
        account_id=person.account_id,
        session_id=browser.id,
    )
    return OpenSession(principal, browser.csrf_token, person.must_change_password)


async def principal_of_session(session: AsyncSession, token: str) -> Principal | None:
    found = await find_session(session, token)
    return found.principal if found else None


async def is_session_open(session: AsyncSession, session_id: UUID) -> bool:
    """Whether this sign-in still counts; asked again and again for the screens that are open,
    which does not prolong it."""
    found = await session.scalar(
        select(BrowserSession.id)
        .join(Person, Person.id == BrowserSession.person_id)
        .where(
            BrowserSession.id == session_id,
            BrowserSession.expires_at > clock.real_now(),
            Person.active,
        )
    )
    return found is not None


async def csrf_token_of(session: AsyncSession, session_id: UUID) -> str | None:
    """What the page of this session must send as X-CSRF-Token."""
    return await session.scalar(
        select(BrowserSession.csrf_token).where(BrowserSession.id == session_id)
    )


async def log_out(session: AsyncSession, token: str) -> None:
    """End the session of this token, if there is one."""
    person_id = await session.scalar(
        delete(BrowserSession)
        .where(BrowserSession.token_hash == keyed_hash(token))
        .returning(BrowserSession.person_id)
    )
    if person_id is not None:
        by = f"person:{person_id}"
        await record_audit(session, by=by, action="session.closed", subject=by)


async def end_sessions(session: AsyncSession, person_id: UUID) -> None:
    """Sign a person out of every browser."""
    await session.execute(delete(BrowserSession).where(BrowserSession.person_id == person_id))


async def forget_ended_sessions(session: AsyncSession) -> None:
    await session.execute(
        delete(BrowserSession).where(BrowserSession.expires_at <= clock.real_now())
    )


async def _lock_unchanged(
    session: AsyncSession, person_id: UUID, password_hash: str | None
) -> Person | None:
    """The person, locked, unless disabled or given a new password while we were checking."""
    return await session.scalar(
        select(Person)
        .where(Person.id == person_id, Person.active, Person.password_hash == password_hash)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


async def _mark_seen(session: AsyncSession, browser: BrowserSession, now: datetime) -> None:
    await session.execute(
        update(BrowserSession)
        .where(BrowserSession.id == browser.id)
        .values(last_seen_at=now, expires_at=min(now + IDLE, browser.created_at + LONGEST))
    )
