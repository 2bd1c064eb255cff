"""What an order would cost before it is given, with the arithmetic. Nothing is kept."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.service import UnknownAccount
from server.billing.charging import price_for
from server.billing.price_facts import Facts, ParcelFacts, Spot
from server.billing.price_lines import PricedLine, total_minor
from server.identity.access import OFFICE, Principal, Role, allow
from server.kit import clock
from server.kit.geo import Position, haversine_m
from server.kit.inputs import Lat, Line, Lon, Moment
from server.kit.settings import Settings
from server.orders.service import ServiceLevelCode

MAY_ASK = allow(*OFFICE, Role.ACCOUNT_USER, scope="orders:write")


class Whereabouts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Without lon and lat no way can be reckoned, so a tariff by distance gives no price."""

    country: Line = ""
    postcode: Line = ""
    lon: Lon | None = None
    lat: Lat | None = None

    @property
    def position(self) -> Position | None:
        return None if self.lon is None or self.lat is None else Position(self.lon, self.lat)


class EstimatedParcel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    weight_g: Annotated[int, Meta(ge=0, le=10_000_000)] = 0
    volume_ml: Annotated[int, Meta(ge=0, le=100_000_000)] = 0


class EstimateRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """account_id: who would pay; an account's own users and keys may leave it out.
    deliver_at: null means now."""

    account_id: UUID | None = None
    service_level: ServiceLevelCode | None = None
    origin: Whereabouts = Whereabouts()
    destination: Whereabouts = Whereabouts()
    parcels: Annotated[tuple[EstimatedParcel, ...], Meta(min_length=1, max_length=200)]
    deliver_at: Moment | None = None


class Estimate(msgspec.Struct, kw_only=True):
    """net_minor: the sum of the lines. The way is by the air line: the road, waiting, attempts in
    vain and cash are known only later."""

    currency: str
    net_minor: int
    tariff: str
    lines: list[PricedLine]


@post("/api/price-estimates", guards=[MAY_ASK], status_code=200)
async def estimate_price(
    data: JSONBody[EstimateRequest],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    settings: NamedDependency[Settings],
) -> Estimate:
    account_id = principal.own_account_only() or data.account_id
    if account_id is None:
        raise UnknownAccount(account_id="")
    facts = _facts_of(data, settings)
    tariff, lines = await price_for(session, account_id, data.service_level, facts)
    return Estimate(
        currency=tariff.currency, net_minor=total_minor(lines), tariff=tariff.name, lines=lines
    )


def _facts_of(data: EstimateRequest, settings: Settings) -> Facts:
    """As those of the work when it is over; see work_facts."""
    origin, destination = data.origin.position, data.destination.position
    return Facts(
        work="delivery",
        done_at=data.deliver_at or clock.now(),
        timezone=settings.timezone.key,
        origin=_spot(data.origin),
        destination=_spot(data.destination),
        road_m=round(haversine_m(origin, destination)) if origin and destination else None,
        parcels=tuple(
            ParcelFacts(weight_g=each.weight_g, volume_ml=each.volume_ml) for each in data.parcels
        ),
    )


def _spot(where: Whereabouts) -> Spot:
    return Spot(country=where.country, postcode=where.postcode, position=where.position)


ESTIMATE_ROUTES: list[Any] = [estimate_price]
