"""Fulfilments, packing and what falls short over HTTP. Picking: wave_routes.py."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import get, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta

from server.fulfilment import carton_suggestion, carton_types, listing, packing, shortages
from server.fulfilment.carton_types import CartonCode, CartonType
from server.fulfilment.cartons import Suggestion
from server.fulfilment.fulfilments import FulfilmentView
from server.fulfilment.listing import FulfilmentDetail
from server.fulfilment.packing import PackedView, Packing
from server.fulfilment.shortages import ShortageView
from server.fulfilment.stock_routes import STOCK_ROUTES
from server.fulfilment.wave_routes import (
    MAY_READ,
    MAY_WORK,
    WAVE_ROUTES,
    Caller,
    IdempotencyKey,
    Session,
    company_only,
)
from server.identity.access import Role, allow
from server.inventory import service as inventory
from server.inventory.service import SkuView
from server.kit.idempotency import answer_once
from server.kit.inputs import FilledLine, Limit
from server.kit.paging import cut_page

MAY_DECIDE = allow(Role.ADMIN, Role.CLERK, scope="fulfilment:write")

FulfilmentState = Annotated[
    Literal[
        "open",
        "on_hold",
        "picking",
        "picked",
        "packed",
        "ready",
        "handed_over",
        "delivery_failed",
        "delivered",
        "returned_to_sender",
        "cancelled",
    ]
    | None,
    QueryParameter(name="state"),
]
ShortageState = Annotated[
    Literal["open", "filled", "substituted", "left_out", "cancelled"] | None,
    QueryParameter(name="state"),
]
SideMm = Annotated[int, Meta(ge=0, le=10_000)]


class Pack(msgspec.Struct, forbid_unknown_fields=True):
    """weight_g: of the closed parcel, from the scale. contents: what is in it; without them, all
    that is picked. carton: the kind of box; without one, give its measures if they are known."""

    weight_g: Annotated[int, Meta(ge=1, le=1_000_000)]
    contents: Annotated[tuple[Packing, ...], Meta(max_length=500)] = ()
    carton: CartonCode | None = None
    length_mm: SideMm = 0
    width_mm: SideMm = 0
    height_mm: SideMm = 0


class FilledReason(msgspec.Struct, forbid_unknown_fields=True):
    reason: FilledLine


class OtherSku(msgspec.Struct, forbid_unknown_fields=True):
    sku: FilledLine


class Substitutes(msgspec.Struct, forbid_unknown_fields=True):
    """Codes of SKUs of the same account, best first."""

    skus: Annotated[tuple[FilledLine, ...], Meta(max_length=20)]


class SuggestedCarton(msgspec.Struct, frozen=True):
    """contents: SKU -> units. weight_g: of these, as far as it is known. filled_percent: of the
    room in it."""

    carton: str
    contents: dict[str, int]
    weight_g: int
    filled_percent: int


class CartonSuggestion(msgspec.Struct, frozen=True):
    """too_large: goods that fit into none of the cartons. unmeasured: goods of which nobody knows
    the size. rest: more than one would pack by a suggestion. All as SKU -> units."""

    cartons: list[SuggestedCarton]
    too_large: dict[str, int]
    unmeasured: dict[str, int]
    rest: dict[str, int]


class FulfilmentPage(msgspec.Struct, frozen=True):
    items: list[FulfilmentView]
    next: UUID | None


class ShortagePage(msgspec.Struct, frozen=True):
    items: list[ShortageView]
    next: UUID | None


@get("/api/fulfilments", guards=[MAY_READ])
async def list_fulfilments(
    session: Session,
    principal: Caller,
    *,
    order: FromQuery[UUID | None] = None,
    warehouse: FromQuery[UUID | None] = None,
    in_state: FulfilmentState = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> FulfilmentPage:
    """Newest first."""
    company_only(principal)
    found = await listing.list_fulfilments(
        session,
        order_id=order,
        warehouse_id=warehouse,
        state=in_state,
        after=after,
        limit=limit + 1,
    )
    return FulfilmentPage(*cut_page(found, limit))


@get("/api/fulfilments/{fulfilment_id:uuid}", guards=[MAY_READ])
async def get_fulfilment(
    fulfilment_id: FromPath[UUID], session: Session, principal: Caller
) -> FulfilmentDetail:
    """With its goods, what it lacks, and its closed parcels."""
    company_only(principal)
    return await listing.get_fulfilment(session, fulfilment_id)


@post("/api/fulfilments/{fulfilment_id:uuid}/hold", guards=[MAY_WORK], status_code=200)
async def hold_fulfilment(
    fulfilment_id: FromPath[UUID], data: JSONBody[FilledReason], session: Session, principal: Caller
) -> FulfilmentView:
    """No wave takes it until it is released."""
    company_only(principal)
    return await listing.hold_fulfilment(
        session, fulfilment_id, reason=data.reason, by=principal.label
    )


@post("/api/fulfilments/{fulfilment_id:uuid}/release", guards=[MAY_WORK], status_code=200)
async def release_fulfilment(
    fulfilment_id: FromPath[UUID], session: Session, principal: Caller
) -> FulfilmentView:
    company_only(principal)
    return await listing.release_fulfilment(session, fulfilment_id, by=principal.label)


@get("/api/fulfilments/{fulfilment_id:uuid}/cartons", guards=[MAY_READ])
async def suggest_cartons(
    fulfilment_id: FromPath[UUID], session: Session, principal: Caller
) -> CartonSuggestion:
    """Which boxes to take for what is not packed yet, and what goes into each."""
    company_only(principal)
    return suggestion_view(await carton_suggestion.suggest_cartons(session, fulfilment_id))


@post("/api/fulfilments/{fulfilment_id:uuid}/pack", guards=[MAY_WORK])
async def pack_parcel(
    fulfilment_id: FromPath[UUID],
    data: JSONBody[Pack],
    session: Session,
    principal: Caller,
    *,
    idempotency_key: IdempotencyKey = None,
) -> PackedView:
    """Close one parcel; its label says `barcode`."""
    company_only(principal)
    fields = {name: getattr(data, name) for name in data.__struct_fields__}
    return await answer_once(
        session,
        scope=f"packing:{principal.label}",
        key=idempotency_key,
        body=[fulfilment_id, data],
        answer_type=PackedView,
        act=lambda: packing.pack_parcel(session, fulfilment_id, **fields, by=principal.label),
    )


@get("/api/shortages", guards=[MAY_READ])
async def list_shortages(
    session: Session,
    principal: Caller,
    *,
    in_state: ShortageState = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> ShortagePage:
    """What was promised and is nowhere to be found; oldest first."""
    company_only(principal)
    found = await shortages.list_shortages(session, state=in_state, after=after, limit=limit + 1)
    return ShortagePage(*cut_page(found, limit))


@post("/api/shortages/{shortage_id:uuid}/substitute", guards=[MAY_DECIDE], status_code=200)
async def substitute_shortage(
    shortage_id: FromPath[UUID], data: JSONBody[OtherSku], session: Session, principal: Caller
) -> ShortageView:
    """Send as many units of another SKU instead."""
    company_only(principal)
    return await shortages.substitute_shortage(
        session, shortage_id, sku=data.sku, by=principal.label
    )


@post("/api/shortages/{shortage_id:uuid}/leave-out", guards=[MAY_DECIDE], status_code=200)
async def leave_out(
    shortage_id: FromPath[UUID], session: Session, principal: Caller
) -> ShortageView:
    """Send the order without it."""
    company_only(principal)
    return await shortages.leave_out(session, shortage_id, by=principal.label)


@get("/api/skus/{sku_id:uuid}/substitutes", guards=[MAY_READ])
async def list_substitutes(
    sku_id: FromPath[UUID], session: Session, principal: Caller
) -> list[SkuView]:
    """What may be sent instead of it without asking, best first."""
    company_only(principal)
    await inventory.get_sku(session, sku_id)
    ids = await shortages.list_substitutes(session, sku_id)
    found = await inventory.get_skus(session, ids)
    return [found[each] for each in ids]


@put("/api/skus/{sku_id:uuid}/substitutes", guards=[MAY_DECIDE])
async def set_substitutes(
    sku_id: FromPath[UUID], data: JSONBody[Substitutes], session: Session, principal: Caller
) -> list[SkuView]:
    """These, and no others."""
    company_only(principal)
    return await shortages.set_substitutes(session, sku_id, data.skus, by=principal.label)


@get("/api/cartons", guards=[MAY_READ])
async def list_cartons(session: Session, principal: Caller) -> list[CartonType]:
    """All kinds of boxes, those no longer in use too."""
    company_only(principal)
    found = await carton_types.list_cartons(session, active_only=False)
    return [carton_types.carton_type(each) for each in found]


@put("/api/cartons", guards=[MAY_DECIDE])
async def save_carton(
    data: JSONBody[CartonType], session: Session, principal: Caller
) -> CartonType:
    """Add a kind of box, or change the one with this code."""
    company_only(principal)
    return await carton_types.save_carton(session, data, by=principal.label)


def suggestion_view(suggestion: Suggestion) -> CartonSuggestion:
    boxes = [
        SuggestedCarton(each.box.code, each.contents, each.weight_g, each.filled_percent)
        for each in suggestion.boxes
    ]
    return CartonSuggestion(boxes, suggestion.too_large, suggestion.unmeasured, suggestion.rest)


ROUTES = [
    list_fulfilments,
    get_fulfilment,
    hold_fulfilment,
    release_fulfilment,
    suggest_cartons,
    pack_parcel,
    list_shortages,
    substitute_shortage,
    leave_out,
    list_substitutes,
    set_substitutes,
    list_cartons,
    save_carton,
    *STOCK_ROUTES,
    *WAVE_ROUTES,
]
