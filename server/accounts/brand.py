"""How an account looks to the customers who follow its parcels."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.models import AccountBrand
from server.identity.service import record_audit
from server.kit.inputs import ONE_LINE, SOME_TEXT


class Brand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """name: as the customers know the account. colour: of the page's head, such as #0b5cad.
    contact: whom they may ask, one line."""

    name: Annotated[str, Meta(min_length=1, max_length=60, pattern=SOME_TEXT)]
    colour: Annotated[str, Meta(pattern=r"^#[0-9a-f]{6}$")] = "#0b5cad"
    contact: Annotated[str, Meta(max_length=120, pattern=ONE_LINE)] = ""


async def get_brand(session: AsyncSession, account_id: UUID | None) -> Brand | None:
    """None: the parcels show the courier company only."""
    if account_id is None:
        return None
    row = await session.get(AccountBrand, account_id, populate_existing=True)
    return msgspec.convert(row, Brand, from_attributes=True) if row else None


async def set_brand(
    session: AsyncSession, account_id: UUID, brand: Brand | None, *, by: str
) -> Brand | None:
    """The account must exist: see `get_account`. None takes the look away."""
    values = msgspec.structs.asdict(brand) if brand else {}
    if brand is None:
        await session.execute(delete(AccountBrand).where(AccountBrand.account_id == account_id))
    else:
        await session.execute(
            insert(AccountBrand)
            .values(account_id=account_id, **values)
            .on_conflict_do_update(index_elements=["account_id"], set_=values)
        )
    await record_audit(
        session,
        by=by,
        action="account.brand_set",
        subject=f"account:{account_id}",
        details=values,
    )
    return brand
