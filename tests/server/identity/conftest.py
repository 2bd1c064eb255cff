"""A clock that tests may set, quick passwords, and people to try things with."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import pytest
from argon2 import PasswordHasher

from server.identity import passwords
from server.identity import service as identity
from server.identity.access import Role
from server.kit import clock
from server.kit.db import Database
from server.kit.ids import new_id

PASSWORD = "correct horse battery"


class RealTime:
    """The time of security, which a test moves on instead of waiting."""

    def __init__(self) -> None:
        self.now = clock.real_now()

    def pass_by(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def real_time(monkeypatch: pytest.MonkeyPatch) -> RealTime:
    real_time = RealTime()
    monkeypatch.setattr(clock, "real_now", real_time)
    return real_time


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Real argon2 with little work, so that a hundred guesses take no seconds."""
    quick = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "HASHER", quick)
    passwords._hash_of_nobody.cache_clear()
    yield
    passwords._hash_of_nobody.cache_clear()


class NewPerson(Protocol):
    def __call__(
        self,
        role: Role,
        *,
        password: str | None = PASSWORD,
        account_id: UUID | None = None,
        must_change_password: bool = False,
    ) -> Awaitable[identity.PersonView]: ...


def person_maker(db: Database) -> NewPerson:
    async def new_person(
        role: Role,
        *,
        password: str | None = PASSWORD,
        account_id: UUID | None = None,
        must_change_password: bool = False,
    ) -> identity.PersonView:
        async with db.transaction() as session:
            return await identity.create_person(
                session,
                name=f"A {role}",
                email=f"{new_id().hex}@example.org",
                role=role,
                password=password,
                account_id=account_id,
                must_change_password=must_change_password,
                by="test",
            )

    return new_person


@pytest.fixture
def new_person(db: Database) -> NewPerson:
    return person_maker(db)


@pytest.fixture
def audited(db: Database) -> Callable[[], Awaitable[set[str]]]:
    """The actions recorded so far."""

    async def audited() -> set[str]:
        async with db.transaction() as session:
            return {entry.action for entry in await identity.list_audit(session, limit=1000)}

    return audited
