"""The order desk over HTTP: orders split, merged and copied, quotes accepted, standing orders,
rules and the block list, and what consignees usually want."""

from datetime import date
from functools import partial
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.access import OFFICE, Principal, Role, allow
from server.kit.idempotency import answer_once
from server.kit.inputs import ONE_LINE, Limit
from server.kit.settings import Settings
from server.orders import preferences, quotes, rulebook, splitting, standing
from server.orders.errors import AccountMissing
from server.orders.order import MAX_LINES, MAX_PARCELS, CashMinor, OrderView
from server.orders.preferences import PreferenceChange, PreferenceView
from server.orders.rulebook import BlockPage, BlockView, NewBlock, RulesView
from server.orders.splitting import SplitLine
from server.orders.standing import StandingPage, StandingView

MAY_READ = allow(*OFFICE, Role.ACCOUNT_USER, scope="orders:read")
MAY_ORDER = allow(*OFFICE, Role.ACCOUNT_USER, scope="orders:write")
OFFICE_ONLY = allow(*OFFICE, scope="orders:write")
CLERKS = allow(Role.ADMIN, Role.CLERK, scope="orders:write")

IdempotencyKey = Annotated[str | None, HeaderParameter(name="Idempotency-Key")]
Word = Annotated[str, QueryParameter(max_length=500, pattern=ONE_LINE)]


class Split(msgspec.Struct, forbid_unknown_fields=True):
    """What goes into the second order. parcels: by position, from 1."""

    expected_version: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    lines: Annotated[tuple[SplitLine, ...], Meta(max_length=MAX_LINES)] = ()
    parcels: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=MAX_PARCELS)], ...], Meta(max_length=MAX_PARCELS)
    ] = ()
    cash_minor: CashMinor = 0


class SplitOrders(msgspec.Struct, frozen=True):
    left: OrderView
    split_off: OrderView


class Merge(msgspec.Struct, forbid_unknown_fields=True):
    """other_id: the order that goes into this one and is cancelled."""

    other_id: UUID


class PreferenceList(msgspec.Struct, frozen=True):
    items: list[PreferenceView]


@post("/api/orders/{order_id:uuid}/split", guards=[OFFICE_ONLY], status_code=200)
async def split_order(
    order_id: FromPath[UUID],
    data: JSONBody[Split],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> SplitOrders:
    """Make two orders of one. Repeated, it is refused: the version is another by then."""
    fields = msgspec.structs.asdict(data)
    lines = fields.pop("lines")
    return SplitOrders(
        *await splitting.split_order(session, order_id, lines, **fields, by=principal.label)
    )


@post("/api/orders/{order_id:uuid}/merge", guards=[OFFICE_ONLY], status_code=200)
async def merge_orders(
    order_id: FromPath[UUID],
    data: JSONBody[Merge],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> OrderView:
    """Make one order of two for the same consignee."""
    return await splitting.merge_orders(session, order_id, data.other_id, by=principal.label)


@post("/api/orders/{order_id:uuid}/clone", guards=[MAY_ORDER])
async def clone_order(
    order_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    settings: NamedDependency[Settings],
    *,
    idempotency_key: IdempotencyKey = None,
) -> Response[OrderView]:
    """The same again, now."""
    mine = principal.own_account_only()
    act = partial(
        splitting.clone_order,
        session,
        order_id,
        by=principal.label,
        account_id=mine,
        zone=settings.timezone,
    )
    scope, body = f"clone:{principal.label}", str(order_id)
    order = await answer_once(
        session, scope=scope, key=idempotency_key, body=body, answer_type=OrderView, act=act
    )
    return Response(order, status_code=201)


@post("/api/quotes/{order_id:uuid}/accept", guards=[MAY_ORDER], status_code=200)
async def accept_quote(
    order_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> OrderView:
    """The quote becomes an order."""
    mine = principal.own_account_only()
    return await quotes.accept_quote(session, order_id, by=principal.label, account_id=mine)


@get("/api/standing-orders", guards=[MAY_READ])
async def list_standing_orders(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    *,
    account: FromQuery[UUID | None] = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> StandingPage:
    """Newest first, each with its next occurrences."""
    account_id = principal.own_account_only() or account
    return await standing.list_standing_orders(
        session, account_id=account_id, limit=limit, after=after
    )


@get("/api/standing-orders/{standing_id:uuid}", guards=[MAY_READ])
async def get_standing_order(
    standing_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> StandingView:
    mine = principal.own_account_only()
    return await standing.get_standing_order(session, standing_id, account_id=mine)


@post("/api/standing-orders/{standing_id:uuid}/pause", guards=[MAY_ORDER], status_code=200)
async def pause_standing_order(
    standing_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> StandingView:
    """Nothing comes of it until it is resumed."""
    mine, by = principal.own_account_only(), principal.label
    return await standing.pause_standing_order(session, standing_id, by=by, account_id=mine)


@post("/api/standing-orders/{standing_id:uuid}/resume", guards=[MAY_ORDER], status_code=200)
async def resume_standing_order(
    standing_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> StandingView:
    """Go on with what is still to come."""
    mine, by = principal.own_account_only(), principal.label
    return await standing.resume_standing_order(session, standing_id, by=by, account_id=mine)


@put("/api/standing-orders/{standing_id:uuid}/skipped/{day:date}", guards=[MAY_ORDER])
async def skip_date(
    standing_id: FromPath[UUID],
    day: FromPath[date],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> StandingView:
    """Leave out the occurrence of one day, in the standing order's own timezone."""
    mine, by = principal.own_account_only(), principal.label
    return await standing.skip_date(session, standing_id, day, by=by, account_id=mine)


@post("/api/standing-orders/{standing_id:uuid}/end", guards=[MAY_ORDER], status_code=200)
async def end_standing_order(
    standing_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> StandingView:
    """Nothing more comes of it, for good."""
    mine, by = principal.own_account_only(), principal.label
    return await standing.end_standing_order(session, standing_id, by=by, account_id=mine)


@get("/api/order-rules", guards=[OFFICE_ONLY])
async def get_rules(session: NamedDependency[AsyncSession]) -> RulesView:
    """What is looked at before an order is accepted, and what cancelling costs."""
    return await rulebook.get_rules(session)


@put("/api/order-rules", guards=[allow(Role.ADMIN, scope="orders:write")])
async def put_rules(
    data: JSONBody[RulesView],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> RulesView:
    """Change the company's rules for orders."""
    return await rulebook.save_rules(session, data, by=principal.label)


@get("/api/blocked-consignees", guards=[CLERKS])
async def list_blocks(
    session: NamedDependency[AsyncSession],
    *,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> BlockPage:
    """Whom the company does not deliver to unseen, newest first."""
    return await rulebook.list_blocks(session, limit=limit, after=after)


@post("/api/blocked-consignees", guards=[CLERKS])
async def block_consignee(
    data: JSONBody[NewBlock],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> BlockView:
    """Let orders for this consignee wait for a person."""
    return await rulebook.block_consignee(session, data, by=principal.label)


@delete("/api/blocked-consignees/{block_id:uuid}", guards=[CLERKS])
async def unblock_consignee(
    block_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> None:
    """Orders that wait already still have to be released."""
    await rulebook.unblock_consignee(session, block_id, by=principal.label)


@get("/api/preferences", guards=[MAY_READ])
async def find_preferences(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    settings: NamedDependency[Settings],
    *,
    account: FromQuery[UUID | None] = None,
    phone: Word = "",
    email: Word = "",
    place_key: Word = "",
) -> PreferenceList:
    """What the account's consignee with this telephone, e-mail address or place usually wants."""
    account_id = principal.own_account_only() or account
    if account_id is None:
        raise AccountMissing(field="account")
    return PreferenceList(
        await preferences.find_preferences(
            session,
            account_id,
            phone=phone,
            email=email,
            place_key=place_key,
            zone=settings.timezone,
        )
    )


@put("/api/preferences/{preference_id:uuid}", guards=[MAY_ORDER])
async def change_preference(
    preference_id: FromPath[UUID],
    data: JSONBody[PreferenceChange],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    settings: NamedDependency[Settings],
) -> PreferenceView:
    """What a person says counts more than what was learned."""
    return await preferences.change_preference(
        session,
        preference_id,
        data,
        by=principal.label,
        account_id=principal.own_account_only(),
        zone=settings.timezone,
    )


@delete("/api/preferences/{preference_id:uuid}", guards=[MAY_ORDER])
async def forget_preference(
    preference_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> None:
    """Delete all that is known of the consignee."""
    mine = principal.own_account_only()
    await preferences.forget_preference(session, preference_id, by=principal.label, account_id=mine)


ROUTES = [
    split_order,
    merge_orders,
    clone_order,
    accept_quote,
    list_standing_orders,
    get_standing_order,
    pause_standing_order,
    resume_standing_order,
    skip_date,
    end_standing_order,
    get_rules,
    put_rules,
    list_blocks,
    block_consignee,
    unblock_consignee,
    find_preferences,
    change_preference,
    forget_preference,
]
