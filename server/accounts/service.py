"""Use cases: open and change accounts, keep their contacts and address books."""

from collections.abc import Collection, Sequence
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.account import AccountView, UnknownAccount, load_account, view_of
from server.accounts.brand import Brand, get_brand, set_brand
from server.accounts.credit import add_to_owed, set_credit_limit
from server.accounts.models import Account, AddressBookEntry, Contact
from server.accounts.return_policy import ReturnPolicy, get_return_policy, set_return_policy
from server.identity.service import record_audit
from server.kit import clock
from server.kit.errors import Conflict, Invalid, NotFound
from server.kit.ids import new_id

__all__ = [
    "AccountView",
    "Brand",
    "ReturnPolicy",
    "UnknownAccount",
    "add_to_owed",
    "get_brand",
    "get_return_policy",
    "set_brand",
    "set_credit_limit",
    "set_return_policy",
]
"""What stands in files of its own in this room, beside all that is defined here."""


class CodeTaken(Conflict):
    """Another account has the code {account_code}. Choose another one."""

    code = "accounts.code_taken"


class UnknownContact(NotFound):
    """This account has no contact {contact_id}."""

    code = "accounts.unknown_contact"


class UnknownEntry(NotFound):
    """This address book has no entry {entry_id}."""

    code = "accounts.unknown_entry"


class LabelTaken(Conflict):
    """The address book has an entry called "{label}" already. Remove it or choose another label."""

    code = "accounts.label_taken"


class UnknownPlaceForEntry(Invalid):
    """There is no place {place_id} to put into the address book. Create it at /api/places."""

    code = "accounts.unknown_place"


class ContactView(msgspec.Struct, frozen=True, kw_only=True):
    """duty: what they are asked about, such as "invoices"."""

    id: UUID
    name: str
    duty: str
    email: str
    phone: str


class EntryView(msgspec.Struct, frozen=True, kw_only=True):
    """A place in an address book, under the account's own name for it."""

    id: UUID
    label: str
    place_id: UUID


async def create_account(
    session: AsyncSession, *, name: str, code: str, currency: str = "EUR", by: str
) -> AccountView:
    """Open an account.

    Raises
    ------
    CodeTaken
    """
    created = await session.scalar(
        insert(Account)
        .values(
            id=new_id(),
            code=code,
            name=name,
            currency=currency,
            active=True,
            owed_minor=0,
            created_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["code"])
        .returning(Account)
    )
    if created is None:
        raise CodeTaken(account_code=code)
    await record_audit(session, by=by, action="account.created", subject=f"account:{created.id}")
    return view_of(created)


async def get_account(session: AsyncSession, account_id: UUID) -> AccountView:
    """One account.

    Raises
    ------
    UnknownAccount
    """
    return view_of(await load_account(session, account_id))


async def get_accounts(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, AccountView]:
    """The accounts with these ids; unknown ids are left out."""
    accounts = await session.scalars(select(Account).where(Account.id.in_(ids)))
    return {account.id: view_of(account) for account in accounts}


async def account_of_code(session: AsyncSession, code: str) -> AccountView | None:
    """The account that files and people call by this code."""
    account = await session.scalar(select(Account).where(Account.code == code))
    return view_of(account) if account else None


async def list_accounts(
    session: AsyncSession,
    *,
    only: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> Sequence[AccountView]:
    """Accounts, oldest first. only: the one that the caller may see, if confined to it."""
    query = select(Account).order_by(Account.id).limit(limit)
    if only is not None:
        query = query.where(Account.id == only)
    if after is not None:
        query = query.where(Account.id > after)
    return [view_of(account) for account in await session.scalars(query)]


async def change_account(
    session: AsyncSession,
    account_id: UUID,
    *,
    name: str | None = None,
    active: bool | None = None,
    by: str,
) -> AccountView:
    """Rename an account, close it for new orders, or open it again.

    Raises
    ------
    UnknownAccount
    """
    account = await load_account(session, account_id, for_update=True)
    before = {"name": account.name, "active": account.active}
    account.name = account.name if name is None else name
    account.active = account.active if active is None else active
    after = {"name": account.name, "active": account.active}
    await record_audit(
        session,
        by=by,
        action="account.changed",
        subject=f"account:{account_id}",
        details={"from": before, "to": after},
    )
    await session.flush()
    return view_of(account)


async def add_contact(
    session: AsyncSession,
    account_id: UUID,
    *,
    name: str,
    duty: str = "",
    email: str = "",
    phone: str = "",
) -> ContactView:
    """Note a person of the account.

    Raises
    ------
    UnknownAccount
    """
    await load_account(session, account_id)
    contact = Contact(
        account_id=account_id,
        name=name,
        duty=duty,
        email=email,
        phone=phone,
        created_at=clock.now(),
    )
    session.add(contact)
    await session.flush()
    return contact_view(contact)


async def list_contacts(session: AsyncSession, account_id: UUID) -> list[ContactView]:
    """The people of an account, in the order in which they were noted.

    Raises
    ------
    UnknownAccount
    """
    await load_account(session, account_id)
    contacts = select(Contact).where(Contact.account_id == account_id).order_by(Contact.id)
    return [contact_view(contact) for contact in await session.scalars(contacts)]


async def remove_contact(session: AsyncSession, account_id: UUID, contact_id: UUID) -> None:
    """Forget a person of the account.

    Raises
    ------
    UnknownContact
    """
    contact = await session.get(Contact, contact_id)
    if contact is None or contact.account_id != account_id:
        raise UnknownContact(contact_id=contact_id)
    await session.delete(contact)
    await session.flush()


async def add_to_address_book(
    session: AsyncSession, account_id: UUID, *, label: str, place_id: UUID
) -> EntryView:
    """Keep a place under the account's own name for it.

    Raises
    ------
    UnknownAccount, LabelTaken, UnknownPlaceForEntry
    """
    await load_account(session, account_id)
    entry = (
        insert(AddressBookEntry)
        .values(
            id=new_id(),
            account_id=account_id,
            label=label,
            place_id=place_id,
            created_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["account_id", "label"])
        .returning(AddressBookEntry)
    )
    try:
        async with session.begin_nested():
            added = await session.scalar(entry)
    except IntegrityError as missing:  # places are a room beside ours: only the database knows
        raise UnknownPlaceForEntry(place_id=place_id) from missing
    if added is None:
        raise LabelTaken(label=label)
    return entry_view(added)


async def list_address_book(
    session: AsyncSession, account_id: UUID, *, after: UUID | None = None, limit: int = 50
) -> Sequence[EntryView]:
    """An account's places, in the order in which they were added.

    Raises
    ------
    UnknownAccount
    """
    await load_account(session, account_id)
    entries = (
        select(AddressBookEntry)
        .where(AddressBookEntry.account_id == account_id)
        .order_by(AddressBookEntry.id)
        .limit(limit)
    )
    if after is not None:
        entries = entries.where(AddressBookEntry.id > after)
    return [entry_view(entry) for entry in await session.scalars(entries)]


async def remove_from_address_book(session: AsyncSession, account_id: UUID, entry_id: UUID) -> None:
    """Take a place out of the address book; the place itself stays.

    Raises
    ------
    UnknownEntry
    """
    entry = await session.get(AddressBookEntry, entry_id)
    if entry is None or entry.account_id != account_id:
        raise UnknownEntry(entry_id=entry_id)
    await session.delete(entry)
    await session.flush()


def contact_view(contact: Contact) -> ContactView:
    return ContactView(
        id=contact.id,
        name=contact.name,
        duty=contact.duty,
        email=contact.email,
        phone=contact.phone,
    )


def entry_view(entry: AddressBookEntry) -> EntryView:
    return EntryView(id=entry.id, label=entry.label, place_id=entry.place_id)
