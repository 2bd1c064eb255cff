"""Taking in and amending what the doors were asked for."""

from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.channels.intake import (
    draft_order,
    new_place,
    place_fields,
    take_order,
    take_orders,
    taken,
)
from server.channels.order_request import (
    AddressRequest,
    OrderAmendment,
    OrderRequest,
    PartyAmendment,
    PartyRequest,
    TakenOrder,
)
from server.kit.errors import Invalid
from server.orders import service as orders
from server.orders.service import OrderChanges, Party
from server.places import service as places

__all__ = [
    "AddressRequest",
    "OrderAmendment",
    "OrderRequest",
    "PartyAmendment",
    "PartyRequest",
    "TakenOrder",
    "amend_order",
    "draft_order",
    "paying_account",
    "take_order",
    "take_orders",
]


class AccountMissing(Invalid):
    """Say in `account` which account pays; you may order for any."""

    code = "channels.account_missing"


class AccountUnknown(Invalid):
    """There is no account {account!r}. Look at /api/accounts."""

    code = "channels.account_unknown"


class AccountNotYours(Invalid):
    """The account {account!r} is not yours. Leave `account` out."""

    code = "channels.account_not_yours"


class AccountClosed(Invalid):
    """The account {account} takes no orders any more. Ask the office."""

    code = "channels.account_closed"


class NoConsignor(Invalid):
    """These goods come from the depot; there is no consignor to amend."""

    code = "channels.no_consignor"


async def paying_account(
    session: AsyncSession, code: str | None, *, own_account_id: UUID | None
) -> accounts.AccountView:
    """The account that the caller named, or the one to which they are confined."""
    if own_account_id:
        account = await accounts.get_account(session, own_account_id)
        if code not in (None, "", account.code):
            raise AccountNotYours(field="account", account=code)
    elif not code:
        raise AccountMissing(field="account")
    elif found := await accounts.account_of_code(session, code):
        account = found
    else:
        raise AccountUnknown(field="account", account=code)
    if not account.active:
        raise AccountClosed(field="account", account=account.code)
    return account


async def amend_order(
    session: AsyncSession,
    order_id: UUID,
    amendment: OrderAmendment,
    *,
    own_account_id: UUID | None,
    by: str,
    zone: ZoneInfo,
) -> TakenOrder:
    """Amend the order, making new places for new addresses."""
    order = await orders.get_order(session, order_id, account_id=own_account_id)
    fields = msgspec.structs.asdict(amendment)
    expected_version = fields.pop("expected_version")
    for role in ("consignor", "consignee"):
        if fields[role] is not UNSET:
            fields[role] = await _amended(session, getattr(order, role), fields[role])
    view = await orders.amend_order(
        session,
        order_id,
        OrderChanges(**fields),
        expected_version=expected_version,
        by=by,
        account_id=own_account_id,
        zone=zone,
    )
    return await taken(session, view)


async def _amended(session: AsyncSession, party: Party | None, amendment: PartyAmendment) -> Party:
    if party is None:
        raise NoConsignor(field="consignor")
    fields = {
        name: value
        for name, value in msgspec.structs.asdict(amendment).items()
        if value is not UNSET
    }
    if address := fields.pop("address", None):
        new = new_place(address, fields.get("name", party.name))
        (place,) = await places.create_places(session, [new])
        fields |= place_fields(place)
    return msgspec.structs.replace(party, **fields)
