"""What is known of a piece of work that is to be priced. Pure."""

from datetime import datetime
from typing import Literal

import msgspec

from server.kit.errors import Invalid
from server.kit.geo import Position


class Unpriceable(Invalid):
    """It cannot be priced: {reason}"""

    code = "billing.unpriceable"


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """Where a way begins or ends, as far as it is known."""

    country: str = ""
    postcode: str = ""
    position: Position | None = None


class ParcelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """0 where nobody weighed or measured."""

    weight_g: int = 0
    volume_ml: int = 0


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """How long a driver was at one door. where: in words, such as "delivery"."""

    where: str
    waited_s: int


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a piece of work that is over.

    work: a delivery, a way back, or an attempt in vain (`attempt` counts those from 1).
    road_m: the way by road, None when not known. done_at: aware UTC; timezone: the company's.
    cash_minor: taken at the door, in cash_currency.
    """

    work: Literal["delivery", "return", "attempt"]
    done_at: datetime
    timezone: str = "UTC"
    origin: Spot = Spot()
    destination: Spot = Spot()
    road_m: int | None = None
    parcels: tuple[ParcelFacts, ...] = ()
    stops: int = 1
    attempt: int = 0
    waits: tuple[Wait, ...] = ()
    cash_minor: int = 0
    cash_currency: str = ""
