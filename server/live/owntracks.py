"""What the app OwnTracks says in its HTTP mode. Pure.

https://owntracks.org/booklet/tech/json: one JSON object for each message. Only its locations are
of use here; regions, cards, steps and last wills are taken and left.
"""

from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec

from server.kit.errors import Invalid
from server.live.tracker_report import Report, fix_of, heartbeat_of

LAST_SECOND = int(datetime(9999, 12, 30, tzinfo=UTC).timestamp())
KMH_PER_MPS = 3.6


class NotOwnTracks(Invalid):
    """This is not a message of OwnTracks: {reason}."""

    code = "live.not_owntracks"


class EncryptedMessage(Invalid):
    """Messages that OwnTracks has encrypted cannot be read here. Empty the encryption key in its
    settings; the connection is encrypted all the same."""

    code = "live.owntracks_encrypted"


class _AnyMessage(msgspec.Struct):
    type: str = msgspec.field(name="_type")


class _Location(msgspec.Struct):
    lat: float
    lon: float
    tst: Annotated[int, msgspec.Meta(ge=0, le=LAST_SECOND)]
    acc: float | None = None
    vel: float | None = None
    cog: float | None = None
    batt: float | None = None
    bs: int | None = None
    conn: str | None = None


NETWORKS: dict[str | None, Literal["wifi", "cellular", "none"]] = {
    "w": "wifi",
    "m": "cellular",
    "o": "none",
}


def read_owntracks(body: bytes) -> Report:
    """An empty one for whatever is no location, which OwnTracks sends too.

    Raises
    ------
    NotOwnTracks, EncryptedMessage
    """
    if not body.strip():
        return Report()  # a friend was removed in the app
    try:
        kind = msgspec.json.decode(body, type=_AnyMessage).type
        if kind == "encrypted":
            raise EncryptedMessage
        if kind != "location":
            return Report()
        said = msgspec.json.decode(body, type=_Location)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise NotOwnTracks(reason=str(error)[:200]) from None
    return Report(
        fix=fix_of(
            datetime.fromtimestamp(said.tst, UTC),
            lon=said.lon,
            lat=said.lat,
            accuracy_m=said.acc,
            speed_mps=None if said.vel is None else said.vel / KMH_PER_MPS,
            heading_deg=said.cog,
        ),
        heartbeat=heartbeat_of(
            said.batt,
            charging={1: False, 2: True, 3: True}.get(said.bs or 0),
            network=NETWORKS.get(said.conn, "unknown"),
        ),
    )
