"""Sockets for phones and screens, and the phone's ways by plain HTTP where sockets are blocked."""

from typing import Annotated, Any

import msgspec
from litestar import Request, WebSocket, post, put, websocket
from litestar.di import NamedDependency
from litestar.exceptions import WebSocketDisconnect
from litestar.params import FromPath, JSONBody
from litestar.response import Response

from server.identity.access import Principal, Role, allow, devices_only
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.live import pages
from server.live.connections import Connections, Phone
from server.live.driver_session import DriverSession
from server.live.map_feed import TICK_S, MapFeed
from server.live.screens import show_map
from server.protocol import codec

REVOKED = 4401
"""The close code that tells a phone that it was revoked."""


class EnvelopeBatch(msgspec.Struct, forbid_unknown_fields=True):
    """Envelopes as in server.protocol, oldest first, a Hello at the head."""

    envelopes: Annotated[list[dict[str, Any]], msgspec.Meta(min_length=1, max_length=200)]


class StoredBlob(msgspec.Struct):
    sha256: str
    is_new: bool


@websocket("/ws/driver", guards=[devices_only])
async def talk_to_driver(socket: WebSocket[Any, Any, Any], db: NamedDependency[Database]) -> None:
    """One phone, until it goes: its frames are handled in order, and manifests are pushed."""
    connections: Connections = socket.app.state.connections
    session = DriverSession(db, socket.scope["state"]["principal"])
    phone = Phone(session, socket.send_text, lambda: socket.close(REVOKED, "revoked"))
    await socket.accept()
    connections.add(phone)
    try:
        while True:
            for answer in await session.handle(await socket.receive_text()):
                phone.note_sent(answer)
                await socket.send_text(codec.encode(answer))
    except WebSocketDisconnect:
        return
    finally:
        connections.remove(phone)


@post("/api/driver/envelopes", guards=[devices_only], status_code=200)
async def take_envelopes(
    data: JSONBody[EnvelopeBatch],
    principal: NamedDependency[Principal],
    db: NamedDependency[Database],
) -> Response[bytes]:
    """The same frames and answers as over the socket."""
    session = DriverSession(db, principal)
    answers = [
        codec.encode(answer)
        for envelope in data.envelopes
        for answer in await session.handle(msgspec.json.encode(envelope))
    ]
    body = f'{{"envelopes":[{",".join(answers)}]}}'.encode()
    return Response(body, media_type="application/json")


@put("/api/driver/blobs/{sha256:str}", guards=[devices_only], status_code=200)
async def keep_blob(
    sha256: FromPath[str], request: Request[Any, Any, Any], blobs: NamedDependency[Blobs]
) -> Response[StoredBlob]:
    """A file of a proof, before the command that refers to it. Sending it twice is harmless."""
    is_new = await blobs.put(sha256, request.stream())
    return Response(StoredBlob(sha256, is_new), status_code=201 if is_new else 200)


@websocket("/ws/dispatch", guards=[allow(Role.ADMIN, Role.DISPATCHER)])
async def show_to_dispatcher(socket: WebSocket[Any, Any, Any]) -> None:
    """One dispatcher's screen: a snapshot, then changes, as fast as it acknowledges them."""
    map_feed: MapFeed = socket.app.state.map_feed
    await socket.accept()
    await show_map(map_feed, send=socket.send_text, receive=socket.receive_text, tick_s=TICK_S)


ROUTES = [talk_to_driver, take_envelopes, keep_blob, show_to_dispatcher, *pages.ROUTES]
