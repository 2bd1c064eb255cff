"""Taking in and amending what the doors were asked for."""

import hashlib
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
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
from server.orders.service import OrderChanges, OrderDraft, OrderView, Party, Quote
from server.places import service as places
from server.places.service import Address, PlaceView

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


async def take_order(
    session: AsyncSession,
    request: OrderRequest,
    *,
    account: accounts.AccountView,
    channel: str,
    by: str,
    zone: ZoneInfo,
    external_id: str | None = None,
    quote: Quote | None = None,
) -> TakenOrder:
    """Find or make the places and capture the order; what came before is answered, not repeated.

    external_id: for a request that has none of its own. quote: it is only offered so far.

    Raises
    ------
    OrderNumberTaken
        When the number came before with other content.
    """
    sha256 = hashlib.sha256(msgspec.json.encode(request, order="sorted")).hexdigest()
    external_id = request.external_id or external_id
    if external_id is not None:
        first = await orders.find_repeat(
            session,
            account_id=account.id,
            channel=channel,
            external_id=external_id,
            source_sha256=sha256,
        )
        if first:
            return await _taken(session, first)
    draft, known = await draft_order(
        session,
        request,
        account=account,
        channel=channel,
        external_id=external_id,
        source_sha256=sha256,
    )
    if quote:
        order = await orders.offer_order(session, draft, quote, by=by, zone=zone)
    else:
        order = await orders.capture_order(session, draft, by=by, zone=zone)
    return await _taken(session, order, known)


async def draft_order(
    session: AsyncSession,
    request: OrderRequest,
    *,
    account: accounts.AccountView,
    channel: str,
    external_id: str | None = None,
    source_sha256: str = "",
) -> tuple[OrderDraft, dict[UUID, PlaceView]]:
    """The order with its places found or made, and these places."""
    consignee, place = await _party(session, request.consignee)
    known = {place.id: place}
    consignor = None
    if request.consignor:
        consignor, place = await _party(session, request.consignor)
        known[place.id] = place
    draft = OrderDraft(
        account_id=account.id,
        kind=request.kind,
        channel=channel,
        external_id=external_id,
        source_sha256=source_sha256,
        reference=request.reference,
        consignor=consignor,
        consignee=consignee,
        lines=request.lines,
        parcels=request.parcels,
        window_start_at=request.window_start_at,
        window_end_at=request.window_end_at,
        pickup_window_start_at=request.pickup_window_start_at,
        pickup_window_end_at=request.pickup_window_end_at,
        service_level=request.service_level,
        instructions=request.instructions,
        skills=request.skills,
        proof=request.proof,
        pin=request.pin,
        cash_minor=request.cash_minor,
        currency=request.currency or account.currency,
    )
    return draft, known


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
    return await _taken(session, view)


async def _party(session: AsyncSession, request: PartyRequest) -> tuple[Party, PlaceView]:
    place = await _place(session, request.address, request.name)
    party = Party(
        name=request.name,
        phone=request.phone,
        email=request.email,
        place_id=place.id,
        place_key=place_key(place),
    )
    return party, place


def place_key(place: PlaceView) -> str:
    """The same for two places that are one address, or one point."""
    address = Address(
        street=place.street,
        house_number=place.house_number,
        postcode=place.postcode,
        city=place.city,
        country=place.country,
    )
    if not address.key and place.position:
        return f"{place.position.lon:.5f},{place.position.lat:.5f}"
    return address.key


async def _place(session: AsyncSession, address: AddressRequest, name: str) -> PlaceView:
    return await places.create_place(
        session,
        address.words(name),
        position=address.position,
        access_note=address.access_note,
    )


async def _amended(session: AsyncSession, party: Party | None, amendment: PartyAmendment) -> Party:
    if party is None:
        raise NoConsignor(field="consignor")
    fields = {
        name: value
        for name, value in msgspec.structs.asdict(amendment).items()
        if value is not UNSET
    }
    if address := fields.pop("address", None):
        place = await _place(session, address, fields.get("name", party.name))
        fields |= {"place_id": place.id, "place_key": place_key(place)}
    return msgspec.structs.replace(party, **fields)


async def _taken(
    session: AsyncSession, order: OrderView, known: dict[UUID, PlaceView] | None = None
) -> TakenOrder:
    """The order with what its places lack. known: places that are at hand already."""
    ids = [party.place_id for party in (order.consignee, order.consignor) if party]
    if known is None or not known.keys() >= set(ids):
        known = await places.get_places(session, ids)
    return TakenOrder(
        **msgspec.structs.asdict(order),
        needs_pin=tuple(each for each in ids if known[each].needs_pin),
    )
