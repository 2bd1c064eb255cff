"""What the office and a driver write to each other."""

import pytest

from server.dispatch import service as dispatch
from server.dispatch.messages import NothingSaid
from server.identity.access import Role
from server.kit.ids import new_id
from server.protocol.from_driver import SendMessage
from tests.conftest import SignIn

from .conftest import Town


async def test_message_of_the_office_is_in_the_manifest_of_the_driver_and_of_no_other(
    town: Town,
) -> None:
    driver, other = await town.add_driver(), await town.add_driver()
    async with town.db.transaction() as session:
        await dispatch.tell_driver(session, driver, "Ring at the back door.", by="test")
    town.later(minutes=1)
    async with town.db.transaction() as session:
        await dispatch.tell_driver(session, driver, "Thank you.", by="test")
    shown = (await town.manifest(driver)).messages
    assert [message.text for message in shown] == ["Ring at the back door.", "Thank you."]
    assert (await town.manifest(other)).messages == ()


async def test_message_of_yesterday_is_not_shown_any_more(town: Town) -> None:
    driver = await town.add_driver()
    for words in ("yesterday", "today"):
        async with town.db.transaction() as session:
            await dispatch.tell_driver(session, driver, words, by="test")
        town.later(hours=25)
    town.later(hours=-25)
    assert [message.text for message in (await town.manifest(driver)).messages] == ["today"]


async def test_message_of_a_driver_waits_in_the_inbox_and_comes_once(town: Town) -> None:
    driver = await town.add_driver()
    command = SendMessage(text=" The lift is broken. ", occurred_at=town.now)
    for _ in range(2):
        await town.does(driver, command, command_id="same")
    assert await town.raised() == ["driver_wrote"]
    (told,) = await town.exceptions()
    assert told.sentence == "The driver wrote: The lift is broken."
    async with town.db.transaction() as session:
        (message,) = await dispatch.list_messages(session, driver)
    assert (message.text, message.by_driver) == ("The lift is broken.", True)


async def test_empty_words_are_no_message(town: Town) -> None:
    driver = await town.add_driver()
    await town.does(driver, SendMessage(text="  ", occurred_at=town.now))
    assert await town.raised() == []
    with pytest.raises(NothingSaid):
        async with town.db.transaction() as session:
            await dispatch.tell_driver(session, driver, "  ", by="test")


async def test_messages_are_read_page_by_page_over_http(town: Town, sign_in: SignIn) -> None:
    driver = await town.add_driver()
    client = await sign_in(Role.DISPATCHER)
    for number in range(3):
        told = await client.post(f"/api/drivers/{driver}/messages", json={"text": f"{number}"})
        assert told.status_code == 201
    first = (await client.get(f"/api/drivers/{driver}/messages", params={"limit": 2})).json()
    rest = await client.get(
        f"/api/drivers/{driver}/messages", params={"limit": 2, "after": first["next"]}
    )
    assert [each["text"] for each in first["items"] + rest.json()["items"]] == ["2", "1", "0"]
    nobody = await client.get(f"/api/drivers/{new_id()}/messages")
    assert nobody.status_code == 404
