"""Trackers that are no app of ours, by HTTP: OwnTracks, and whatever speaks the OsmAnd protocol, as
Traccar Client does. What they say goes through the same filters as the fixes of our own phones.

A tracker is added by the office (docs/trackers.md) and gets a token of its own, which may do
nothing but say where its driver is: it stands in addresses, and addresses end up in logs.
"""

import base64
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity import service as identity
from server.identity.access import Principal, Role, allow, public
from server.kit import clock
from server.kit.errors import Unauthenticated
from server.kit.feed import announce
from server.kit.inputs import FilledLine
from server.kit.settings import Settings
from server.live.customer_pages import address_of
from server.live.guess_limit import GuessLimit
from server.live.news import MAP_CHANNEL, tell_of_driver
from server.live.osmand import NotOsmAnd, read_osmand_json, read_osmand_parameters
from server.live.owntracks import read_owntracks
from server.live.tracker_report import Report
from server.tracking import service as tracking

MESSAGE_BYTES_MAX = 64 * 1024
PARAMETERS_MAX = 50

MESSAGES, SECONDS_PER_MESSAGE = 300, 0.2
"""A tracker that comes out of a tunnel sends what it has kept, one message after the other."""


class UnknownTracker(Unauthenticated):
    """There is no tracker with this token. Ask the office for a new one."""

    code = "live.unknown_tracker"

    @property
    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": 'Basic realm="Postrider"'}


class TrackerRequest(msgspec.Struct, forbid_unknown_fields=True):
    """model: what it is, to be known again in the list of devices."""

    model: FilledLine


class NewTracker(msgspec.Struct, frozen=True):
    """What is typed into the tracker's settings. token: it is told once. owntracks_url: with the
    device's id as user and the token as password. osmand_url: with the token as identifier."""

    device_id: UUID
    driver_id: UUID
    token: str
    owntracks_url: str
    osmand_url: str


@post("/api/drivers/{driver_id:uuid}/trackers", guards=[allow(Role.ADMIN, Role.DISPATCHER)])
async def add_tracker(
    driver_id: FromPath[UUID],
    data: JSONBody[TrackerRequest],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    settings: NamedDependency[Settings],
) -> NewTracker:
    """Another app or device that says where this driver is. It is revoked like a phone."""
    added = await identity.add_tracker(session, driver_id, data.model, by=principal.label)
    doors = f"{settings.base_url}/api/trackers"
    return NewTracker(
        added.device_id, driver_id, added.token, f"{doors}/owntracks", f"{doors}/osmand"
    )


@post(
    "/api/trackers/owntracks",
    guards=[public],
    status_code=200,
    request_max_body_size=MESSAGE_BYTES_MAX,
)
async def take_owntracks(
    request: Request[Any, Any, Any], session: NamedDependency[AsyncSession]
) -> list[str]:
    """A message of OwnTracks, signed by HTTP Basic: the device's id and its token. The answer is
    what OwnTracks should show of others: nothing."""
    device_id, token = _basic(request.headers.get("authorization", ""))
    principal = await _tracker(request, session, token)
    if str(principal.device_id) != device_id.lower():
        raise UnknownTracker
    await keep_report(session, principal, read_owntracks(await request.body()))
    return []


@get("/api/trackers/osmand", guards=[public])
async def take_osmand(
    request: Request[Any, Any, Any], session: NamedDependency[AsyncSession]
) -> None:
    """A message of the OsmAnd protocol as parameters: id (the token), timestamp, lat, lon and, when
    known, accuracy (m), speed (knots), bearing, batt (percent)."""
    await _take_parameters(request, session, request.url.query)


@post(
    "/api/trackers/osmand",
    guards=[public],
    status_code=200,
    request_max_body_size=MESSAGE_BYTES_MAX,
)
async def take_osmand_body(
    request: Request[Any, Any, Any], session: NamedDependency[AsyncSession]
) -> None:
    """The same as a form, behind the address, or as the JSON of Traccar Client 9."""
    body = await request.body()
    if body.lstrip().startswith(b"{"):
        token, report = read_osmand_json(body)
        await keep_report(session, await _tracker(request, session, token), report)
        return
    form = body.decode(errors="replace")
    await _take_parameters(request, session, request.url.query or form)


async def _take_parameters(
    request: Request[Any, Any, Any], session: AsyncSession, text: str
) -> None:
    try:
        said = dict(parse_qsl(text, max_num_fields=PARAMETERS_MAX))
    except ValueError:
        raise NotOsmAnd(reason=f"it has more than {PARAMETERS_MAX} parameters") from None
    token, report = read_osmand_parameters(said)
    await keep_report(session, await _tracker(request, session, token), report)


async def _tracker(request: Request[Any, Any, Any], session: AsyncSession, token: str) -> Principal:
    """Whose tracker this is.

    Raises
    ------
    UnknownTracker, TooManyGuesses, AskedTooOften
    """
    limit: GuessLimit = request.app.state.tracker_limit
    address = address_of(request)
    limit.admit(address, token)
    if (principal := await identity.principal_of_tracker(session, token)) is None:
        limit.count_wrong_guess(address, token)
        raise UnknownTracker
    limit.count_right(token)
    return principal


async def keep_report(session: AsyncSession, principal: Principal, report: Report) -> None:
    """Keep what a tracker says. What a filter holds back is answered like the rest, or it would be
    sent for ever."""
    assert principal.device_id is not None
    whose = {"driver_id": principal.person_id, "device_id": principal.device_id}
    received_at = clock.now()
    if report.fix is not None:
        await tracking.ingest_unnumbered(
            session, **whose, fixes=[report.fix], received_at=received_at
        )
    if report.heartbeat is not None:
        await tracking.record_heartbeat(
            session, **whose, heartbeat=report.heartbeat, received_at=received_at
        )
    if report != Report():
        announce(session, MAP_CHANNEL, tell_of_driver(principal.person_id))


def _basic(header: str) -> tuple[str, str]:
    """User and password; two empty words when there are none."""
    scheme, _, credential = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(credential, validate=True).decode().partition(":")
    except ValueError:  # no base64, or no text in it
        return "", ""
    return user, password


TRACKERS = [add_tracker, take_owntracks, take_osmand, take_osmand_body]
