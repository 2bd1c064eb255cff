"""What Traccar Client, OsmAnd and many small trackers say: the OsmAnd protocol. Pure.

https://www.traccar.org/osmand: either parameters of the address or of a form, or, since Traccar
Client 9, JSON. The device names itself by its token.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Annotated

import msgspec

from server.kit.errors import Invalid
from server.live.owntracks import LAST_SECOND
from server.live.tracker_report import Report, fix_of, heartbeat_of

MPS_PER_KNOT = 0.514444
METRES_PER_HDOP = 5.0
"""What a receiver is wrong by for each unit of its dilution of precision."""

MILLISECONDS_FROM = 2**31
"""A time above it is in milliseconds: seconds do not reach it before 2038."""


class NotOsmAnd(Invalid):
    """This is not a message of the OsmAnd protocol: {reason}."""

    code = "live.not_osmand"


class _Coords(msgspec.Struct):
    latitude: float
    longitude: float
    accuracy: float | None = None
    speed: float | None = None
    heading: float | None = None


class _Battery(msgspec.Struct):
    level: float | None = None
    is_charging: bool | None = None


class _Location(msgspec.Struct):
    timestamp: Annotated[datetime, msgspec.Meta(tz=True)]
    coords: _Coords
    battery: _Battery | None = None


class _Message(msgspec.Struct):
    device_id: str
    location: _Location


def read_osmand_json(body: bytes) -> tuple[str, Report]:
    """The token, and what its device says.

    Raises
    ------
    NotOsmAnd
    """
    try:
        message = msgspec.json.decode(body, type=_Message)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise NotOsmAnd(reason=str(error)[:200]) from None
    coords, battery = message.location.coords, message.location.battery or _Battery()
    return message.device_id, Report(
        fix=fix_of(
            message.location.timestamp,
            lon=coords.longitude,
            lat=coords.latitude,
            accuracy_m=coords.accuracy,
            speed_mps=coords.speed,
            heading_deg=coords.heading,
        ),
        heartbeat=heartbeat_of(
            None if battery.level is None else battery.level * 100, charging=battery.is_charging
        ),
    )


def read_osmand_parameters(said: Mapping[str, str]) -> tuple[str, Report]:
    """The token, and what its device says. One without a valid reading is a sign of life only.

    Raises
    ------
    NotOsmAnd
    """
    token = said.get("id") or said.get("deviceid") or ""
    if not token:
        raise NotOsmAnd(reason="it has no id")
    charging = {"true": True, "false": False}.get(said.get("charge", "").lower())
    heartbeat = heartbeat_of(_number(said, "batt"), charging=charging)
    if said.get("valid", "true").lower() not in ("true", "1"):
        return token, Report(heartbeat=heartbeat)
    lat, lon = _place(said)
    speed_knots, hdop = _number(said, "speed"), _number(said, "hdop")
    accuracy_m = _number(said, "accuracy")
    if accuracy_m is None and hdop is not None:
        accuracy_m = hdop * METRES_PER_HDOP
    heading_deg = _number(said, "bearing")
    fix = fix_of(
        _moment(said.get("timestamp", "")),
        lon=lon,
        lat=lat,
        accuracy_m=accuracy_m,
        speed_mps=None if speed_knots is None else speed_knots * MPS_PER_KNOT,
        heading_deg=_number(said, "heading") if heading_deg is None else heading_deg,
    )
    return token, Report(fix=fix, heartbeat=heartbeat)


def _place(said: Mapping[str, str]) -> tuple[float, float]:
    """Latitude and longitude, which may come as one parameter."""
    both = said.get("location", "").split(",")
    if len(both) == 2:
        said = {"lat": both[0], "lon": both[1]}
    lat, lon = _number(said, "lat"), _number(said, "lon")
    if lat is None or lon is None:
        raise NotOsmAnd(reason="it has no lat and lon")
    return lat, lon


def _number(said: Mapping[str, str], name: str) -> float | None:
    if not (text := said.get(name, "")):
        return None
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise NotOsmAnd(reason=f"{name} is not a number")
    return number


def _moment(text: str) -> datetime:
    """Without one, the same reading could not be told from a new one."""
    try:
        seconds = float(text)
        if seconds >= MILLISECONDS_FROM:
            seconds /= 1000
        if not 0 <= seconds <= LAST_SECOND:
            raise NotOsmAnd(reason="timestamp is outside of the calendar")
        return datetime.fromtimestamp(seconds, UTC)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise NotOsmAnd(reason="it has no timestamp that can be read") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
