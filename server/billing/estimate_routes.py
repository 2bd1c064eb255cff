"""What an order would cost before it is given, and what work would cost by rules that are still
being written, with the arithmetic. Nothing is kept."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.service import UnknownAccount
from server.billing.charging import price_for
from server.billing.price_facts import Facts, ParcelFacts, Spot, Wait
from server.billing.price_lines import PricedLine, total_minor
from server.billing.pricing import price
from server.billing.tariff_rules import Rules
from server.billing.tariffs import check_rules
from server.identity.access import OFFICE, Principal, Role, allow
from server.kit import clock
from server.kit.geo import Position, haversine_m
from server.kit.inputs import Lat, Line, Lon, Moment
from server.kit.settings import Settings
from server.orders.service import Currency, ServiceLevelCode

MAY_ASK = allow(*OFFICE, Role.ACCOUNT_USER, scope="orders:write")
COMPANY_READS = allow(Role.ADMIN, Role.CLERK, scope="billing:read")


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


class SampleWork(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Work as it might be. done_at: null means now. road_m: null where no road is known. attempt:
    of an attempt in vain, counted from 1. cash_minor: taken at the door, in the currency of the
    rules."""

    work: Literal["delivery", "return", "attempt"] = "delivery"
    done_at: Moment | None = None
    origin: Whereabouts = Whereabouts()
    destination: Whereabouts = Whereabouts()
    road_m: Annotated[int, Meta(ge=0, le=10_000_000)] | None = None
    parcels: Annotated[tuple[EstimatedParcel, ...], Meta(min_length=1, max_length=200)]
    stops: Annotated[int, Meta(ge=1, le=1000)] = 1
    attempt: Annotated[int, Meta(ge=0, le=100)] = 0
    waited_s: Annotated[int, Meta(ge=0, le=86_400)] = 0
    cash_minor: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0


class RulesTrial(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Rules that nobody has to have kept, and work to try them on."""

    currency: Currency
    rules: Rules
    sample: SampleWork


class TrialPrice(msgspec.Struct, kw_only=True):
    """net_minor: the sum of the lines."""

    currency: str
    net_minor: int
    lines: list[PricedLine]


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


@post("/api/tariffs/price-trial", guards=[COMPANY_READS], status_code=200)
async def try_rules(data: JSONBody[RulesTrial], settings: NamedDependency[Settings]) -> TrialPrice:
    """What one piece of work would cost by rules that are still being written."""
    check_rules(data.rules)
    lines = price(data.rules, _sample_facts(data, settings), data.currency)
    return TrialPrice(currency=data.currency, net_minor=total_minor(lines), lines=lines)


def _sample_facts(data: RulesTrial, settings: Settings) -> Facts:
    sample = data.sample
    waits = (Wait(where="delivery", waited_s=sample.waited_s),) if sample.waited_s else ()
    return Facts(
        work=sample.work,
        done_at=sample.done_at or clock.now(),
        timezone=settings.timezone.key,
        origin=_spot(sample.origin),
        destination=_spot(sample.destination),
        road_m=sample.road_m,
        parcels=_parcels(sample.parcels),
        stops=sample.stops,
        attempt=sample.attempt,
        waits=waits,
        cash_minor=sample.cash_minor,
        cash_currency=data.currency if sample.cash_minor else "",
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
        parcels=_parcels(data.parcels),
    )


def _parcels(parcels: tuple[EstimatedParcel, ...]) -> tuple[ParcelFacts, ...]:
    return tuple(ParcelFacts(weight_g=each.weight_g, volume_ml=each.volume_ml) for each in parcels)


def _spot(where: Whereabouts) -> Spot:
    return Spot(country=where.country, postcode=where.postcode, position=where.position)


ESTIMATE_ROUTES: list[Any] = [estimate_price, try_rules]
