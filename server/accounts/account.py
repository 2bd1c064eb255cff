"""The account itself: as others see it, and as this room loads it."""

from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.models import Account
from server.kit.errors import NotFound


class UnknownAccount(NotFound):
    """There is no account {account_id}."""

    code = "accounts.unknown_account"


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """owed_minor: billed and not paid. credit_limit_minor: how much that may become together with
    what is not billed yet; null for no limit."""

    id: UUID
    code: str
    name: str
    currency: str
    active: bool
    credit_limit_minor: int | None = None
    owed_minor: int = 0


async def load_account(
    session: AsyncSession, account_id: UUID, *, for_update: bool = False
) -> Account:
    account = await session.get(
        Account, account_id, with_for_update=for_update or None, populate_existing=for_update
    )
    if account is None:
        raise UnknownAccount(account_id=account_id)
    return account


def view_of(account: Account) -> AccountView:
    return AccountView(
        id=account.id,
        code=account.code,
        name=account.name,
        currency=account.currency,
        active=account.active,
        credit_limit_minor=account.credit_limit_minor,
        owed_minor=account.owed_minor,
    )
