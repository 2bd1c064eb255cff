"""Accounts, contacts and address books over HTTP. Account users see their own account only."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service
from server.accounts.service import (
    AccountView,
    Brand,
    ContactView,
    EntryView,
    ReturnPolicy,
    UnknownAccount,
)
from server.identity.access import OFFICE, Principal, Role, allow
from server.kit.inputs import ONE_LINE, Limit, Line
from server.kit.paging import cut_page
from server.kit.settings import Settings

Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=ONE_LINE)]
Code = Annotated[str, Meta(pattern=r"^[A-Z0-9][A-Z0-9-]{1,19}$")]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]

OFFICE_ONLY = allow(Role.ADMIN, Role.CLERK, scope="accounts:write")
ADMIN_ONLY = allow(Role.ADMIN, scope="accounts:write")
READERS = allow(*OFFICE, Role.ACCOUNT_USER, scope="accounts:read")
WRITERS = allow(*OFFICE, Role.ACCOUNT_USER, scope="accounts:write")


class NewAccount(msgspec.Struct, forbid_unknown_fields=True):
    """code: a short name for files and labels, such as ACME. currency: the company's if none."""

    name: Name
    code: Code
    currency: Currency | None = None


class AccountChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is left out, or null, stays."""

    name: Name | None = None
    active: bool | None = None


class CreditLimit(msgspec.Struct, forbid_unknown_fields=True):
    """In minor units of the account's currency; null for no limit."""

    credit_limit_minor: Annotated[int, Meta(ge=0, le=10**12)] | None


class NewContact(msgspec.Struct, forbid_unknown_fields=True):
    """duty: what they are asked about, such as invoices."""

    name: Name
    duty: Line = ""
    email: Annotated[str, Meta(max_length=254, pattern=r"^([^@\s\x00]+@[^@\s\x00]+)?$")] = ""
    phone: Annotated[str, Meta(max_length=40, pattern=ONE_LINE)] = ""


class NewEntry(msgspec.Struct, forbid_unknown_fields=True):
    """A place, and the account's own name for it."""

    label: Name
    place_id: UUID


class AccountPage(msgspec.Struct, frozen=True):
    items: list[AccountView]
    next: UUID | None


class ContactList(msgspec.Struct, frozen=True):
    items: list[ContactView]


class EntryPage(msgspec.Struct, frozen=True):
    items: list[EntryView]
    next: UUID | None


@get("/api/accounts", guards=[READERS])
async def list_accounts(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    after: FromQuery[UUID | None] = None,
    limit: Limit = 50,
) -> AccountPage:
    """Accounts, oldest first."""
    accounts = await service.list_accounts(
        session, only=principal.own_account_only(), after=after, limit=limit + 1
    )
    return AccountPage(*cut_page(accounts, limit))


@post("/api/accounts", guards=[OFFICE_ONLY])
async def create_account(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    settings: NamedDependency[Settings],
    data: JSONBody[NewAccount],
) -> AccountView:
    """Open an account."""
    currency = data.currency or settings.currency
    return await service.create_account(
        session, name=data.name, code=data.code, currency=currency, by=principal.label
    )


@get("/api/accounts/{account_id:uuid}", guards=[READERS])
async def get_account(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    account_id: FromPath[UUID],
) -> AccountView:
    """One account."""
    refuse_others(principal, account_id)
    return await service.get_account(session, account_id)


@patch("/api/accounts/{account_id:uuid}", guards=[OFFICE_ONLY])
async def change_account(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    account_id: FromPath[UUID],
    data: JSONBody[AccountChange],
) -> AccountView:
    """Rename an account, close it for new orders, or open it again."""
    refuse_others(principal, account_id)
    return await service.change_account(
        session, account_id, name=data.name, active=data.active, by=principal.label
    )


@put("/api/accounts/{account_id:uuid}/credit-limit", guards=[ADMIN_ONLY])
async def put_credit_limit(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    account_id: FromPath[UUID],
    data: JSONBody[CreditLimit],
) -> AccountView:
    """How much the account may owe, open orders included, before its orders are held."""
    refuse_others(principal, account_id)
    return await service.set_credit_limit(
        session, account_id, data.credit_limit_minor, by=principal.label
    )


@get("/api/accounts/{account_id:uuid}/contacts", guards=[READERS])
async def list_contacts(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    account_id: FromPath[UUID],
) -> ContactList:
    """The people of an account."""
    refuse_others(principal, account_id)
    return ContactList(await service.list_contacts(session, account_id))


@post("/api/accounts/{account_id:uuid}/contacts", guards=[WRITERS])
async def add_contact(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    account_id: FromPath[UUID],
    data: JSONBody[NewContact],
) -> ContactView:
    """Note a person of the account."""
    refuse_others(principal, account_id)
    return await service.add_contact(session, account_id, **msgspec.structs.asdict(data))


@delete("/api/accounts/{account_id:uuid}/contacts/{contact_id:uuid}", guards=[WRITERS])
async def remove_contact(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    account_id: FromPath[UUID],
    contact_id: FromPath[UUID],
) -> None:
    """Forget a person of the account."""
    refuse_others(principal, account_id)
    await service.remove_contact(session, account_id, contact_id)


@get("/api/accounts/{account_id:uuid}/address-book", guards=[READERS])
async def list_address_book(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    account_id: FromPath[UUID],
    after: FromQuery[UUID | None] = None,
    limit: Limit = 50,
) -> EntryPage:
    """An account's own places."""
    refuse_others(principal, account_id)
    entries = await service.list_address_book(session, account_id, after=after, limit=limit + 1)
    return EntryPage(*cut_page(entries, limit))


@post("/api/accounts/{account_id:uuid}/address-book", guards=[WRITERS])
async def add_to_address_book(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    account_id: FromPath[UUID],
    data: JSONBody[NewEntry],
) -> EntryView:
    """Keep a place under the account's own name for it."""
    refuse_others(principal, account_id)
    return await service.add_to_address_book(
        session, account_id, label=data.label, place_id=data.place_id
    )


@delete("/api/accounts/{account_id:uuid}/address-book/{entry_id:uuid}", guards=[WRITERS])
async def remove_from_address_book(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    account_id: FromPath[UUID],
    entry_id: FromPath[UUID],
) -> None:
    """Take a place out of the address book; the place itself stays."""
    refuse_others(principal, account_id)
    await service.remove_from_address_book(session, account_id, entry_id)


@get("/api/accounts/{account_id:uuid}/return-policy", guards=[READERS])
async def get_return_policy(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    account_id: FromPath[UUID],
) -> ReturnPolicy:
    """What was agreed about goods that come back."""
    refuse_others(principal, account_id)
    await service.get_account(session, account_id)
    return await service.get_return_policy(session, account_id)


@put("/api/accounts/{account_id:uuid}/return-policy", guards=[OFFICE_ONLY])
async def put_return_policy(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    account_id: FromPath[UUID],
    data: JSONBody[ReturnPolicy],
) -> ReturnPolicy:
    """Agree on how often a delivery is attempted, and on returns and exchanges at the door."""
    refuse_others(principal, account_id)
    await service.get_account(session, account_id)
    return await service.set_return_policy(session, account_id, data, by=principal.label)


class OwnLook(msgspec.Struct, forbid_unknown_fields=True):
    """brand: null, or left out, for none."""

    brand: Brand | None = None


@get("/api/accounts/{account_id:uuid}/brand", guards=[READERS])
async def get_brand(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    account_id: FromPath[UUID],
) -> OwnLook:
    """How the account looks to the customers who follow its parcels."""
    refuse_others(principal, account_id)
    await service.get_account(session, account_id)
    return OwnLook(await service.get_brand(session, account_id))


@put("/api/accounts/{account_id:uuid}/brand", guards=[WRITERS])
async def put_brand(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    account_id: FromPath[UUID],
    data: JSONBody[OwnLook],
) -> OwnLook:
    """Its name, colour and whom to ask, on the tracking pages of its parcels."""
    refuse_others(principal, account_id)
    await service.get_account(session, account_id)
    brand = await service.set_brand(session, account_id, data.brand, by=principal.label)
    return OwnLook(brand)


def refuse_others(principal: Principal, account_id: UUID) -> None:
    """To those who are confined to one account, others do not exist."""
    if principal.own_account_only() not in (None, account_id):
        raise UnknownAccount(account_id=account_id)


ROUTES = [
    list_accounts,
    create_account,
    get_account,
    change_account,
    put_credit_limit,
    list_contacts,
    add_contact,
    remove_contact,
    list_address_book,
    add_to_address_book,
    remove_from_address_book,
    get_return_policy,
    put_return_policy,
    get_brand,
    put_brand,
]
