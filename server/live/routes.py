"""The phone's ways by plain HTTP: for files, and for everything where sockets are blocked. Sockets
are the gateway's."""

from typing import Any

import msgspec
from litestar import Request, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Response

from server.identity.access import Principal, devices_only
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.live import pages, return_pages, trail
from server.live.driver_session import DriverSession
from server.live.presence import PRESENCE
from server.live.trackers import TRACKERS
from server.protocol import codec

MAX_BATCH_BYTES = 1024 * 1024


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


ROUTES = [
    take_envelopes,
    keep_blob,
    trail.get_trail,
    *pages.ROUTES,
    *return_pages.RETURN_PAGES,
    *PRESENCE,
    *TRACKERS,
]
