"""Slows down guessing of passwords and pairing codes, without letting anybody lock others out.

An attempt is counted and committed before it is tried, and taken back when it succeeds: so a
thousand guesses at the same moment are a thousand, and no rollback forgets one. Past a number of
free failures each further one makes its source wait, twice as long each time up to a limit.
Attempts made while waiting are refused unseen and do not prolong the wait.

Sources are the email, the network address, and the two together. Somebody who has signed in from
an address before is held back there only by their own failures, not by a flood from elsewhere.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.models import LoginAttempt
from server.identity.tokens import keyed_hash
from server.kit import clock
from server.kit.errors import TooMany

FORGET_FAILURES = timedelta(days=1)
FORGET_SUCCESS = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Limit:
    """free_failures: before the first pause. longest_pause_s: the wait never grows beyond."""

    free_failures: int
    longest_pause_s: int

    def pause_s(self, failures: int) -> int:
        """How long to wait after so many failures: 0, 1, 2, 4, 8 ..."""
        excess = failures - self.free_failures
        return 0 if excess < 0 else min(2 ** min(excess, 30), self.longest_pause_s)


ONE_PERSON_AT_ONE_ADDRESS = Limit(free_failures=5, longest_pause_s=300)
ONE_PERSON = Limit(free_failures=20, longest_pause_s=60)
ONE_ADDRESS = Limit(free_failures=50, longest_pause_s=60)
PAIRING_AT_ONE_ADDRESS = Limit(free_failures=10, longest_pause_s=300)


class TooManyAttempts(TooMany):
    """Too many failed attempts. Wait {wait_s} seconds, then try again."""

    code = "identity.too_many_attempts"


async def admit_login(session: AsyncSession, login: str, address: str) -> None:
    """Count an attempt to sign in. Commit before trying it.

    login: the email that was typed, known or not.

    Raises
    ------
    TooManyAttempts
    """
    pair, person, network = _login_subjects(login, address)
    if await _has_succeeded(session, pair):
        await _admit(session, {pair: ONE_PERSON_AT_ONE_ADDRESS})
    else:
        await _admit(
            session,
            {pair: ONE_PERSON_AT_ONE_ADDRESS, person: ONE_PERSON, network: ONE_ADDRESS},
        )


async def login_succeeded(session: AsyncSession, login: str, address: str) -> None:
    """Take the attempt back, and remember that this person is at home at this address."""
    pair, person, network = _login_subjects(login, address)
    if not await _has_succeeded(session, pair):
        await _take_back(session, person, network)
    await session.execute(
        update(LoginAttempt)
        .where(LoginAttempt.subject_hash == pair)
        .values(failures=0, paused_until=None, succeeded_at=clock.real_now())
    )


async def admit_pairing(session: AsyncSession, address: str) -> None:
    """Count an attempt to pair a phone. Commit before trying it.

    Raises
    ------
    TooManyAttempts
    """
    await _admit(session, {_pairing_subject(address): PAIRING_AT_ONE_ADDRESS})


async def pairing_succeeded(session: AsyncSession, address: str) -> None:
    await _take_back(session, _pairing_subject(address))


async def forget_old_attempts(session: AsyncSession) -> None:
    now = clock.real_now()
    await session.execute(
        delete(LoginAttempt).where(
            LoginAttempt.last_at < now - FORGET_FAILURES,
            or_(
                LoginAttempt.succeeded_at.is_(None),
                LoginAttempt.succeeded_at < now - FORGET_SUCCESS,
            ),
        )
    )


def _login_subjects(login: str, address: str) -> tuple[str, str, str]:
    login, network = login.strip().lower(), _network(address)
    subjects = f"pair {network} {login}", f"person {login}", f"network {network}"
    pair, person, network = map(keyed_hash, subjects)
    return pair, person, network


def _pairing_subject(address: str) -> str:
    return keyed_hash(f"pairing {_network(address)}")


def _network(address: str) -> str:
    """One household: an IPv4 address, or the /64 within which an IPv6 host moves freely."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)


async def _has_succeeded(session: AsyncSession, pair: str) -> bool:
    since = clock.real_now() - FORGET_SUCCESS
    return bool(
        await session.scalar(
            select(LoginAttempt.subject_hash).where(
                LoginAttempt.subject_hash == pair, LoginAttempt.succeeded_at > since
            )
        )
    )


async def _admit(session: AsyncSession, limits: dict[str, Limit]) -> None:
    subjects = await _lock(session, sorted(limits))
    now = clock.real_now()  # read behind the lock: whoever waited for it comes after the others
    wait_s = max((_wait_s(subject, now) for subject in subjects), default=0)
    if wait_s > 0:
        raise TooManyAttempts(wait_s=wait_s)
    for subject in subjects:
        if subject.last_at < now - FORGET_FAILURES:
            subject.failures = 0
        subject.failures += 1
        subject.last_at = now
        pause_s = limits[subject.subject_hash].pause_s(subject.failures)
        subject.paused_until = now + timedelta(seconds=pause_s)
    await session.flush()


async def _lock(session: AsyncSession, subject_hashes: list[str]) -> list[LoginAttempt]:
    """Rows for these, made when missing; always in the same order, so that nobody deadlocks."""
    now = clock.real_now()
    await session.execute(
        insert(LoginAttempt)
        .values([{"subject_hash": each, "failures": 0, "last_at": now} for each in subject_hashes])
        .on_conflict_do_nothing()
    )
    found = await session.scalars(
        select(LoginAttempt)
        .where(LoginAttempt.subject_hash.in_(subject_hashes))
        .order_by(LoginAttempt.subject_hash)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(found)


def _wait_s(subject: LoginAttempt, now: datetime) -> int:
    if subject.paused_until is None:
        return 0
    return math.ceil((subject.paused_until - now).total_seconds())


async def _take_back(session: AsyncSession, *subject_hashes: str) -> None:
    for subject_hash in sorted(subject_hashes):
        await session.execute(
            update(LoginAttempt)
            .where(LoginAttempt.subject_hash == subject_hash)
            .values(failures=func.greatest(LoginAttempt.failures - 1, 0), paused_until=None)
        )
