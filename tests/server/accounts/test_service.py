"""Accounts, their contacts and address books, through the door of the room."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.service import (
    AccountView,
    CodeTaken,
    LabelTaken,
    UnknownAccount,
    UnknownContact,
    UnknownEntry,
    UnknownPlaceForEntry,
    account_of_code,
    add_contact,
    add_to_address_book,
    add_to_owed,
    change_account,
    create_account,
    get_account,
    get_accounts,
    list_accounts,
    list_address_book,
    list_contacts,
    remove_contact,
    remove_from_address_book,
)
from server.kit.db import Database
from server.kit.ids import new_id
from server.places.service import create_place

CLERK = "person:00000000-0000-0000-0000-000000000001"


async def open_account(session: AsyncSession, code: str = "ACME") -> AccountView:
    return await create_account(session, name=f"{code} Ltd", code=code, currency="CHF", by=CLERK)


async def test_account_is_found_by_its_id_and_by_its_code(db: Database) -> None:
    async with db.transaction() as session:
        acme = await open_account(session)

        assert (acme.code, acme.name, acme.currency, acme.active) == (
            "ACME", "ACME Ltd", "CHF", True,
        )  # fmt: skip
        assert await get_account(session, acme.id) == acme
        assert await account_of_code(session, "ACME") == acme
        assert await account_of_code(session, "NOBODY") is None
        assert await get_accounts(session, [acme.id, new_id()]) == {acme.id: acme}


async def test_second_account_with_the_same_code_is_refused(db: Database) -> None:
    async with db.transaction() as session:
        await open_account(session)
        with pytest.raises(CodeTaken, match="ACME"):
            await open_account(session)
        assert len(await list_accounts(session)) == 1


async def test_accounts_are_listed_page_by_page(db: Database) -> None:
    async with db.transaction() as session:
        accounts = [await open_account(session, code) for code in ("AAA", "BBB", "CCC")]

        assert await list_accounts(session, limit=2) == accounts[:2]
        assert await list_accounts(session, after=accounts[1].id) == accounts[2:]
        assert await list_accounts(session, only=accounts[1].id) == [accounts[1]]


async def test_change_touches_only_what_it_names_and_is_audited(db: Database) -> None:
    async with db.transaction() as session:
        acme = await open_account(session)

        closed = await change_account(session, acme.id, active=False, by=CLERK)
        renamed = await change_account(session, acme.id, name="Acme & Co", by=CLERK)

        assert (closed.name, closed.active) == ("ACME Ltd", False)
        assert (renamed.name, renamed.active) == ("Acme & Co", False)
        query = "select by, action from audit_entry where subject = :subject order by id"
        entries = await session.execute(text(query), {"subject": f"account:{acme.id}"})
        assert [tuple(entry) for entry in entries] == [
            (CLERK, "account.created"),
            (CLERK, "account.changed"),
            (CLERK, "account.changed"),
        ]


async def test_contacts_belong_to_their_account(db: Database) -> None:
    async with db.transaction() as session:
        acme, other = await open_account(session), await open_account(session, "OTHER")
        ada = await add_contact(session, acme.id, name="Ada", duty="invoices", phone="+1 2")
        bob = await add_contact(session, acme.id, name="Bob", email="bob@example.org")

        assert await list_contacts(session, acme.id) == [ada, bob]
        assert await list_contacts(session, other.id) == []
        with pytest.raises(UnknownContact):
            await remove_contact(session, other.id, ada.id)
        await remove_contact(session, acme.id, ada.id)
        assert await list_contacts(session, acme.id) == [bob]


async def test_address_book_keeps_places_under_the_accounts_own_names(db: Database) -> None:
    async with db.transaction() as session:
        acme, other = await open_account(session), await open_account(session, "OTHER")
        place = await create_place(session, "Hauptstrasse 12, Oberdorf")
        store = await add_to_address_book(session, acme.id, label="Store", place_id=place.id)
        await add_to_address_book(session, other.id, label="Store", place_id=place.id)

        assert await list_address_book(session, acme.id) == [store]
        with pytest.raises(LabelTaken, match="Store"):
            await add_to_address_book(session, acme.id, label="Store", place_id=place.id)
        with pytest.raises(UnknownEntry):
            await remove_from_address_book(session, other.id, store.id)
        await remove_from_address_book(session, acme.id, store.id)
        assert await list_address_book(session, acme.id) == []


async def test_place_that_does_not_exist_cannot_be_kept(db: Database) -> None:
    async with db.transaction() as session:
        acme = await open_account(session)
        with pytest.raises(UnknownPlaceForEntry):
            await add_to_address_book(session, acme.id, label="Store", place_id=new_id())
        assert await list_address_book(session, acme.id) == []


async def test_unknown_account_is_said_to_be_unknown(db: Database) -> None:
    missing = new_id()
    async with db.transaction() as session:
        for asking in (
            get_account(session, missing),
            change_account(session, missing, active=False, by=CLERK),
            add_contact(session, missing, name="Ada"),
            list_contacts(session, missing),
            add_to_address_book(session, missing, label="Store", place_id=new_id()),
            list_address_book(session, missing),
        ):
            with pytest.raises(UnknownAccount, match=str(missing)):
                await asking


async def test_what_an_account_owes_is_counted_exactly_when_many_count_at_once(
    own_db: Database,
) -> None:
    async with own_db.transaction() as session:
        account = await open_account(session)

    async def bill(delta_minor: int) -> None:
        async with own_db.transaction() as session:
            await add_to_owed(session, account.id, delta_minor, by="billing")

    await asyncio.gather(*(bill(delta) for delta in (100, -30, 7) * 5))
    async with own_db.transaction() as session:
        assert (await get_account(session, account.id)).owed_minor == 5 * 77
