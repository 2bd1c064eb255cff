"""From what the doors were asked for to orders: many in a few statements, or one in as few."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.channels.order_request import AddressRequest, OrderRequest, PartyRequest, TakenOrder
from server.kit.errors import PostriderError
from server.orders import service as orders
from server.orders.service import OrderDraft, OrderView, Party, Quote, Sent
from server.places import service as places
from server.places.service import Address, NewPlace, PlaceView

NOWHERE = UUID(int=0)
"""Stands for a place while an order is only looked at."""


async def take_order(
    session: AsyncSession,
    request: OrderRequest,
    *,
    account: accounts.AccountView,
    channel: str,
    by: str,
    zone: ZoneInfo,
    quote: Quote | None = None,
) -> TakenOrder:
    """Find or make the places and capture the order; what came before is answered, not repeated.

    quote: it is only offered so far.

    Raises
    ------
    OrderNumberTaken
        When the number came before with other content.
    """
    asked = [(request, request.external_id)]
    (taken,) = await take_orders(
        session, asked, account=account, channel=channel, by=by, zone=zone, quote=quote
    )
    if isinstance(taken, PostriderError):
        raise taken
    return taken


async def take_orders(
    session: AsyncSession,
    asked: Sequence[tuple[OrderRequest, str | None]],
    *,
    account: accounts.AccountView,
    channel: str,
    by: str,
    zone: ZoneInfo,
    quote: Quote | None = None,
) -> list[TakenOrder | PostriderError]:
    """Many requests, each with its external id: what `take_order` would answer to each, or why it
    is refused. What is refused leaves nothing behind."""
    sent = [Sent(account.id, channel, number, _sha256(request)) for request, number in asked]
    requests = [request for request, _ in asked]
    looked_at = [
        _draft(request, each, account, _nowhere)
        for request, each in zip(requests, sent, strict=True)
    ]
    checked = await orders.check_drafts(session, looked_at, zone=zone, quote=quote)
    answers: dict[int, OrderView | PostriderError] = {}
    fit: dict[int, OrderDraft] = {}
    wanted: dict[tuple[int, str], NewPlace] = {}
    for index, each in enumerate(checked):
        if not isinstance(each, OrderDraft):
            answers[index] = each
            continue
        try:
            wanted |= {(index, role): new for role, new in _places_of(requests[index]).items()}
            fit[index] = each
        except PostriderError as refused:
            answers[index] = refused
    made = dict(
        zip(wanted, await places.create_places(session, list(wanted.values())), strict=True)
    )
    drafts = [_at_places(each, made, index) for index, each in fit.items()]
    captured = await orders.capture_checked(session, drafts, by=by, quote=quote)
    answers |= dict(zip(fit, captured, strict=True))
    known = {place.id: place for place in made.values()}
    return await _taken(session, [answers[index] for index in range(len(asked))], known)


async def draft_order(
    session: AsyncSession, request: OrderRequest, *, account: accounts.AccountView, channel: str
) -> OrderDraft:
    """The order with its places made, but not captured."""
    wanted = _places_of(request)
    made = await places.create_places(session, list(wanted.values()))
    at = {(0, role): place for role, place in zip(wanted, made, strict=True)}
    draft = _draft(request, Sent(account.id, channel, None), account, _nowhere)
    return _at_places(draft, at, 0)


async def taken(session: AsyncSession, order: OrderView) -> TakenOrder:
    """The order with what its places lack."""
    (answer,) = await _taken(session, [order], {})
    assert isinstance(answer, TakenOrder)
    return answer


def place_fields(place: PlaceView) -> dict[str, Any]:
    """What an order's Party says of where it is."""
    return {"place_id": place.id, "place_key": place_key(place), "address": place.line}


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


def new_place(address: AddressRequest, name: str) -> NewPlace:
    return NewPlace(
        address=address.words(name), position=address.position, access_note=address.access_note
    )


def _places_of(request: OrderRequest) -> dict[str, NewPlace]:
    return {
        role: new_place(party.address, party.name)
        for role, party in (("consignee", request.consignee), ("consignor", request.consignor))
        if party
    }


def _at_places(
    draft: OrderDraft, made: Mapping[tuple[int, str], PlaceView], index: int
) -> OrderDraft:
    def party(role: str, said: Party) -> Party:
        place = made[index, role]
        return msgspec.structs.replace(said, **place_fields(place))

    return msgspec.structs.replace(
        draft,
        consignee=party("consignee", draft.consignee),
        consignor=party("consignor", draft.consignor) if draft.consignor else None,
    )


def _nowhere(role: str, said: PartyRequest) -> Party:
    return Party(
        name=said.name, phone=said.phone, email=said.email, place_id=NOWHERE, place_key=role
    )


def _draft(
    request: OrderRequest,
    sent: Sent,
    account: accounts.AccountView,
    party: Callable[[str, PartyRequest], Party],
) -> OrderDraft:
    return OrderDraft(
        account_id=account.id,
        kind=request.kind,
        channel=sent.channel,
        external_id=sent.external_id,
        source_sha256=sent.source_sha256,
        reference=request.reference,
        cost_centre=request.cost_centre,
        consignor=party("consignor", request.consignor) if request.consignor else None,
        consignee=party("consignee", request.consignee),
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


async def _taken(
    session: AsyncSession,
    answers: Sequence[OrderView | PostriderError],
    known: dict[UUID, PlaceView],
) -> list[TakenOrder | PostriderError]:
    """The orders with what their places lack. known: places that are at hand already."""
    needed = {
        party.place_id
        for order in answers
        if isinstance(order, OrderView)
        for party in (order.consignee, order.consignor)
        if party
    }
    if missing := needed - known.keys():
        known = known | await places.get_places(session, missing)
    return [
        answer
        if isinstance(answer, PostriderError)
        else TakenOrder(
            **msgspec.structs.asdict(answer),
            needs_pin=tuple(
                party.place_id
                for party in (answer.consignee, answer.consignor)
                if party and known[party.place_id].needs_pin
            ),
        )
        for answer in answers
    ]


def _sha256(request: OrderRequest) -> str:
    return hashlib.sha256(msgspec.json.encode(request, order="sorted")).hexdigest()
