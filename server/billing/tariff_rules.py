"""The words of a price list: what a tariff may ask money for, and within which bounds.

Amounts are net, in minor units of the tariff's currency. Percentages are in basis points (1 % is
100) of the freight: of the sum of the lines of Flat to PerParcel. Times of day are local to the
company.
"""

from datetime import time
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from server.kit.inputs import NO_NUL, Lat, Lon

Amount = Annotated[int, Meta(ge=0, le=100_000_000)]
BasisPoints = Annotated[int, Meta(ge=0, le=1_000_000)]
ZoneCode = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^([A-Za-z0-9_-]+|\*)$")]
Prefix = Annotated[str, Meta(min_length=1, max_length=12, pattern=r"^[A-Za-z0-9 -]+$")]
Country = Annotated[str, Meta(max_length=2, pattern=r"^([A-Z]{2})?$")]
LocalTime = Annotated[time, Meta(tz=False)]
Weekday = Annotated[int, Meta(ge=1, le=7)]
Limit = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Minutes = Annotated[int, Meta(ge=0, le=1440)]
Count = Annotated[int, Meta(ge=0, le=10_000)]
VatCode = Literal["standard", "reduced", "zero", "exempt"]

EVERY_DAY: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that a tariff asks money for."""


class Corner(Part, frozen=True, kw_only=True):
    lon: Lon
    lat: Lat


class Zone(Part, frozen=True, kw_only=True):
    """Where postcodes begin with one of the prefixes, or positions lie inside the polygon; of
    several zones that fit, the first one listed counts. country: "" means any."""

    code: Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]
    country: Country = ""
    prefixes: Annotated[tuple[Prefix, ...], Meta(max_length=1000)] = ()
    polygon: Annotated[tuple[Corner, ...], Meta(max_length=1000)] = ()


class Band(Part, frozen=True, kw_only=True):
    """What it costs up to a limit (metres or grams), itself included; None is without limit.

    more_minor: for each km or kg, by the metre or gram, beyond the limit of the band before.
    """

    up_to: Limit | None
    minor: Amount
    more_minor: Amount = 0


Bands = Annotated[tuple[Band, ...], Meta(min_length=1, max_length=200)]


class Flat(Part, frozen=True, kw_only=True):
    """For the whole consignment, however large and far."""

    minor: Amount


class ZonePair(Part, frozen=True, kw_only=True):
    """A "*" is any zone."""

    origin: ZoneCode
    destination: ZoneCode
    minor: Amount


class ZoneToZone(Part, frozen=True, kw_only=True):
    """The first pair that fits counts. both_ways: a pair also holds for the way back."""

    prices: Annotated[tuple[ZonePair, ...], Meta(min_length=1, max_length=2000)]
    both_ways: bool = False


class Distance(Part, frozen=True, kw_only=True):
    """By road distance in metres where it is known, else by the beeline times a factor."""

    bands: Bands
    beeline_percent: Annotated[int, Meta(ge=100, le=300)] = 130


class Weight(Part, frozen=True, kw_only=True):
    """By weight in grams, or volume if that gives more.

    volumetric_divisor: cubic centimetres that count as one kg, such as 5000; None: volume is free.
    assume_g: what a parcel counts that nobody weighed or measured; None: it cannot be priced.
    """

    bands: Bands
    per: Literal["consignment", "parcel"] = "consignment"
    volumetric_divisor: Annotated[int, Meta(ge=500, le=20_000)] | None = None
    assume_g: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None


class PerStop(Part, frozen=True, kw_only=True):
    """free: so many stops cost nothing."""

    minor: Amount
    free: Count = 0


class PerParcel(Part, frozen=True, kw_only=True):
    """free: so many parcels cost nothing."""

    minor: Amount
    free: Count = 0


class Hours(Part, frozen=True, kw_only=True):
    """From one local time to another, that one not included; over midnight if it is earlier, and
    the whole day if it is the same. weekdays: 1 is Monday; of the day on which it was done."""

    from_local: LocalTime
    until_local: LocalTime
    weekdays: Annotated[tuple[Weekday, ...], Meta(min_length=1, max_length=7)] = EVERY_DAY


class TimeOfDay(Part, frozen=True, kw_only=True):
    """For work that is done at these hours."""

    hours: Hours
    minor: Amount = 0
    percent_bp: BasisPoints = 0


class Waiting(Part, frozen=True, kw_only=True):
    """For the driver's time at each door beyond the free minutes, by the started unit."""

    free_minutes: Minutes
    unit_minutes: Annotated[int, Meta(ge=1, le=1440)]
    minor: Amount


class Fuel(Part, frozen=True, kw_only=True):
    percent_bp: BasisPoints


class Congestion(Part, frozen=True, kw_only=True):
    """For work that begins or ends in one of the zones at these hours."""

    zones: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=40)], ...],
        Meta(min_length=1, max_length=200),
    ]
    hours: Hours
    minor: Amount = 0
    percent_bp: BasisPoints = 0


class CashFee(Part, frozen=True, kw_only=True):
    """For cash taken at the door. percent_bp: of the cash."""

    minor: Amount = 0
    percent_bp: BasisPoints = 0
    least_minor: Amount = 0


class ReturnFee(Part, frozen=True, kw_only=True):
    """What a way back costs in place of the freight; without it, as much as the way out."""

    minor: Amount = 0
    percent_bp: BasisPoints = 0


class Reattempt(Part, frozen=True, kw_only=True):
    """For each attempt in vain that was not our fault; the first `free` ones cost nothing."""

    minor: Amount = 0
    percent_bp: BasisPoints = 0
    free: Count = 0


class Rules(Part, frozen=True, kw_only=True):
    """A whole price list; what it does not name costs nothing.

    minimum_minor: what a delivery or a way back costs at least, surcharges and all.
    note: for people.
    """

    zones: Annotated[tuple[Zone, ...], Meta(max_length=500)] = ()
    flat: Flat | None = None
    zone_to_zone: ZoneToZone | None = None
    distance: Distance | None = None
    weight: Weight | None = None
    per_stop: PerStop | None = None
    per_parcel: PerParcel | None = None
    times_of_day: Annotated[tuple[TimeOfDay, ...], Meta(max_length=50)] = ()
    fuel: Fuel | None = None
    congestion: Annotated[tuple[Congestion, ...], Meta(max_length=50)] = ()
    waiting: Waiting | None = None
    cash_fee: CashFee | None = None
    return_fee: ReturnFee | None = None
    reattempt: Reattempt | None = None
    minimum_minor: Amount = 0
    vat_code: VatCode = "standard"
    note: Annotated[str, Meta(max_length=2000, pattern=NO_NUL)] = ""
