"""What accounts owe, and how much they may."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.account import AccountView, load_account, view_of
from server.identity.service import record_audit


async def set_credit_limit(
    session: AsyncSession, account_id: UUID, limit_minor: int | None, *, by: str
) -> AccountView:
    """Let the account owe this much at most, in its own currency; None for no limit. Orders over
    it are held.

    Raises
    ------
    UnknownAccount
    """
    account = await load_account(session, account_id, for_update=True)
    before, account.credit_limit_minor = account.credit_limit_minor, limit_minor
    await record_audit(
        session,
        by=by,
        action="account.credit_limit_set",
        subject=f"account:{account_id}",
        details={"from": before, "to": limit_minor},
    )
    await session.flush()
    return view_of(account)


async def add_to_owed(
    session: AsyncSession, account_id: UUID, delta_minor: int, *, by: str
) -> AccountView:
    """Count what was billed (positive), or paid or credited (negative), in the account's currency.
    The account stays locked until the caller's transaction ends.

    Raises
    ------
    UnknownAccount
    """
    account = await load_account(session, account_id, for_update=True)
    account.owed_minor += delta_minor
    await record_audit(
        session,
        by=by,
        action="account.owed_changed",
        subject=f"account:{account_id}",
        details={"delta_minor": delta_minor, "owed_minor": account.owed_minor},
    )
    await session.flush()
    return view_of(account)
