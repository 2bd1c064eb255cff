"""Sockets for phones and screens, and the phone's ways by plain HTTP where sockets are blocked."""

from typing import Any

import msgspec
from litestar import Request, WebSocket, post, put, websocket
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Response

from server.identity.access import Principal, Role, allow, devices_only
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.live import pages, return_pages, trail
from server.live.connections import Connections
from server.live.driver_session import DriverSession
from server.live.map_feed import MapFeed
from server.live.phone import Phone
from server.live.screens import Screen
from server.live.sockets import Socket
from server.protocol import codec

MAX_BATCH_BYTES = 1024 * 1024


class StoredBlob(msgspec.Struct):
    sha256: str
    is_new: bool


@websocket("/ws/driver", guards=[devices_only])
async def talk_to_driver(
    socket: WebSocket[Any, Any, Any],
    db: NamedDependency[Database],
    blobs: NamedDependency[Blobs],
) -> None:
    """One phone, until it goes: its frames are answered in order, and manifests are pushed."""
    connections: Connections = socket.app.state.connections
    session = DriverSession(db, blobs, socket.scope["state"]["principal"])
    await socket.accept()
    phone = Phone(session, Socket(socket))
    with connections.holding(phone):
        await phone.talk()


@post(
    "/api/driver/envelopes",
    guards=[devices_only],
    status_code=200,
    request_max_body_size=MAX_BATCH_BYTES,
)
async def take_envelopes(
    request: Request[Any, Any, Any],
    principal: NamedDependency[Principal],
    db: NamedDependency[Database],
    blobs: NamedDependency[Blobs],
) -> Response[bytes]:
    """The same frames and answers as over the socket: {"envelopes": [...]}, a Hello at the head."""
    session = DriverSession(db, blobs, principal, only_newer=True)
    answers = await session.hear_batch(await request.body())
    return Response(codec.encode_batch(answers).encode(), media_type="application/json")


@put("/api/driver/blobs/{sha256:str}", guards=[devices_only], status_code=200)
async def keep_blob(
    sha256: FromPath[str], request: Request[Any, Any, Any], blobs: NamedDependency[Blobs]
) -> Response[StoredBlob]:
    """A file of a proof, before the command that refers to it. Sending it twice is harmless."""
    is_new = await blobs.put(sha256, request.stream())
    return Response(StoredBlob(sha256, is_new), status_code=201 if is_new else 200)


@websocket("/ws/dispatch", guards=[allow(Role.ADMIN, Role.DISPATCHER)])
async def show_to_dispatcher(
    socket: WebSocket[Any, Any, Any],
    db: NamedDependency[Database],
) -> None:
    """One dispatcher's screen: a snapshot, then changes, as fast as it acknowledges them."""
    map_feed: MapFeed = socket.app.state.map_feed
    principal: Principal = socket.scope["state"]["principal"]
    assert principal.session_id is not None  # neither phones nor API keys are let in here
    await socket.accept()
    await Screen(map_feed, db, principal.session_id, Socket(socket)).show()


ROUTES = [
    talk_to_driver,
    take_envelopes,
    keep_blob,
    show_to_dispatcher,
    trail.get_trail,
    *pages.ROUTES,
    *return_pages.RETURN_PAGES,
]
