"""The inbox: who looks after what, and what may wait."""

from datetime import timedelta
from uuid import UUID

import pytest

from server.dispatch import service as dispatch
from server.dispatch.exceptions import (
    AlreadySettled,
    NotForExceptions,
    SnoozeTooLong,
    UnknownException,
)
from server.identity import service as identity
from server.identity.access import Role
from server.kit.ids import new_id

from .conftest import Town, corner


async def raised(town: Town) -> UUID:
    driver = await town.add_driver()
    _, task_id = await town.assign(corner(1, 0))
    await town.complete(driver, task_id)
    await town.complete(driver, task_id)  # a second time
    (each,) = await town.exceptions()
    return each.id


async def add_person(town: Town, role: Role) -> UUID:
    async with town.db.transaction() as session:
        person = await identity.create_person(
            session, name="Dita", email=f"{new_id().hex}@example.org", role=role, by="test"
        )
    return person.id


async def test_somebody_looks_after_it_and_everybody_sees_who(town: Town) -> None:
    exception_id = await raised(town)
    dita = await add_person(town, Role.DISPATCHER)
    async with town.db.transaction() as session:
        told = await dispatch.assign_exception(session, exception_id, dita)
        assert (told.assigned_to, told.assigned_name) == (dita, "Dita")
        mine = await dispatch.list_exceptions(session, assigned_to=dita)
        assert [each.id for each in mine] == [exception_id]
        assert not await dispatch.list_exceptions(session, assigned_to=new_id())
        assert (await dispatch.assign_exception(session, exception_id, None)).assigned_to is None


async def test_only_who_may_settle_can_look_after_it(town: Town) -> None:
    exception_id = await raised(town)
    clerk = await add_person(town, Role.CLERK)
    async with town.db.transaction() as session:
        with pytest.raises(NotForExceptions, match="Dita"):
            await dispatch.assign_exception(session, exception_id, clerk)
        with pytest.raises(identity.UnknownPerson):
            await dispatch.assign_exception(session, exception_id, new_id())
        with pytest.raises(UnknownException):
            await dispatch.assign_exception(session, new_id(), None)


async def test_what_was_put_off_comes_back_by_itself(town: Town) -> None:
    exception_id = await raised(town)
    until = town.now + timedelta(hours=1)
    async with town.db.transaction() as session:
        await dispatch.snooze_exception(session, exception_id, until)
        waiting = await dispatch.list_exceptions(session, snoozed=True)
        assert [each.snoozed_until for each in waiting] == [until]
    assert await town.exceptions() == []
    town.later(hours=1)
    assert [each.id for each in await town.exceptions()] == [exception_id]


async def test_it_cannot_be_put_off_for_ever_nor_into_the_past(town: Town) -> None:
    exception_id = await raised(town)
    for until in (town.now, town.now + timedelta(days=15)):
        async with town.db.transaction() as session:
            with pytest.raises(SnoozeTooLong):
                await dispatch.snooze_exception(session, exception_id, until)


async def test_what_is_settled_is_neither_assigned_nor_put_off(town: Town) -> None:
    exception_id = await raised(town)
    async with town.db.transaction() as session:
        await dispatch.snooze_exception(session, exception_id, town.now + timedelta(hours=1))
        await dispatch.settle_exception(session, exception_id, note="", by="test")
        assert [each.id for each in await dispatch.list_exceptions(session, settled=True)]
        with pytest.raises(AlreadySettled):
            await dispatch.assign_exception(session, exception_id, None)
        with pytest.raises(AlreadySettled):
            await dispatch.snooze_exception(session, exception_id, None)
