"""The phone's ways by plain HTTP: for files, and for everything where sockets are blocked. Sockets
are the gateway's."""

from typing import Annotated, Any

import msgspec
from litestar import Request, get, patch, post, put
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, PathParameter, QueryParameter
from litestar.response import Response
from sqlalchemy.ext.asyncio import AsyncSession

from server.dispatch import service as dispatch
from server.identity.access import Principal, devices_only
from server.kit.blobs import MAX_BLOB_BYTES, Blobs
from server.kit.db import Database
from server.kit.errors import NotFound
from server.live import last_words_routes, lookup_pages, pages, proof_pages, return_pages, trail
from server.live.driver_session import DriverSession
from server.live.presence import PRESENCE
from server.live.trackers import TRACKERS
from server.protocol import codec

MAX_BATCH_BYTES = 1024 * 1024


Offset = Annotated[int, QueryParameter(ge=0, le=MAX_BLOB_BYTES)]
Size = Annotated[int, QueryParameter(ge=1, le=MAX_BLOB_BYTES)]


class StoredBlob(msgspec.Struct):
    sha256: str
    is_new: bool


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


class ReceivedBlob(msgspec.Struct):
    sha256: str
    received_bytes: int


@get("/api/driver/blobs/{sha256:str}/received", guards=[devices_only])
async def tell_received(
    sha256: FromPath[str],
    principal: NamedDependency[Principal],
    blobs: NamedDependency[Blobs],
) -> ReceivedBlob:
    """How much of a file came from this phone before the connection broke."""
    return ReceivedBlob(sha256, blobs.received_bytes(sha256, str(principal.device_id)))


@patch("/api/driver/blobs/{sha256:str}", guards=[devices_only])
async def go_on_with_blob(
    sha256: FromPath[str],
    *,
    offset: Offset,
    size: Size,
    request: Request[Any, Any, Any],
    principal: NamedDependency[Principal],
    blobs: NamedDependency[Blobs],
) -> ReceivedBlob:
    """A file of a proof from `offset` on, as far as the connection lasts; `size` is the whole."""
    sender = str(principal.device_id)
    received = await blobs.add(sha256, request.stream(), offset=offset, size=size, sender=sender)
    return ReceivedBlob(sha256, received)


class UnknownDoor(NotFound):
    """This is no photo of a door in your run."""

    code = "live.unknown_door"


@get(
    "/api/driver/doors/{sha256:str}",
    guards=[devices_only],
    responses={200: ResponseSpec(bytes, description="The photo.", media_type="*/*")},
)
async def show_door(
    sha256: Annotated[str, PathParameter(pattern=r"^[0-9a-f]{64}$")],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    blobs: NamedDependency[Blobs],
) -> Response[bytes]:
    """What a door of the driver's run looked like at an earlier visit."""
    if not await dispatch.shows_photo(session, principal.person_id, sha256):
        raise UnknownDoor
    return Response(
        blobs.read(sha256),
        media_type="application/octet-stream",
        headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store"},
    )


ROUTES = [
    show_door,
    take_envelopes,
    keep_blob,
    tell_received,
    go_on_with_blob,
    trail.get_trail,
    *pages.ROUTES,
    *return_pages.RETURN_PAGES,
    *lookup_pages.LOOKUP_PAGES,
    *proof_pages.PROOF_PAGES,
    *PRESENCE,
    *TRACKERS,
    *last_words_routes.LAST_WORDS,
]
