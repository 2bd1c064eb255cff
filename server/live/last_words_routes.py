"""The door for the last words of phones that were signed out, and what the office does then."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Response
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.access import Principal, Role, allow, last_words_only
from server.kit.blobs import MAX_BLOB_BYTES, Blobs
from server.kit.inputs import Limit
from server.kit.settings import Settings
from server.live import last_words
from server.live.last_words import OldPhone
from server.protocol import codec

MAX_BATCH_BYTES = 1024 * 1024
OFFICE = [allow(Role.ADMIN, Role.DISPATCHER)]

Offset = Annotated[int, QueryParameter(ge=0, le=MAX_BLOB_BYTES)]
Size = Annotated[int, QueryParameter(ge=1, le=MAX_BLOB_BYTES)]


class Brought(msgspec.Struct):
    sha256: str
    received_bytes: int


class Farewell(msgspec.Struct, forbid_unknown_fields=True):
    """lost: acts that it could not send and throws away."""

    lost: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class Held(msgspec.Struct, frozen=True):
    """verdict: taken, refused, dropped, or null while nobody has decided."""

    id: UUID
    name: str
    body: dict[str, Any]
    occurred_at: datetime
    received_at: datetime
    verdict: str | None
    reason: str


class HeldPage(msgspec.Struct):
    items: list[Held]
    next: UUID | None


class Left(msgspec.Struct):
    """How many are still held: call again."""

    left: int


def _phone(request: Request[Any, Any, Any], principal: Principal) -> OldPhone:
    state = request.app.state
    settings: Settings = state.settings
    return OldPhone(state.db, state.blobs, principal, words_h=settings.last_words_h)


@get("/api/driver/last-words", guards=[last_words_only], status_code=204)
async def knock(request: Request[Any, Any, Any], principal: NamedDependency[Principal]) -> None:
    """Whether anything is still taken from this phone: 409 when it was not signed out, 410 when
    not."""
    await _phone(request, principal).knock()


@post(
    "/api/driver/last-words",
    guards=[last_words_only],
    status_code=200,
    request_max_body_size=MAX_BATCH_BYTES,
)
async def bring(
    request: Request[Any, Any, Any], principal: NamedDependency[Principal]
) -> Response[bytes]:
    """Commands and their answers, as by /api/driver/envelopes, but without a Hello."""
    answers = await _phone(request, principal).bring(await request.body())
    return Response(codec.encode_batch(answers).encode(), media_type="application/json")


@get("/api/driver/last-words/blobs/{sha256:str}/received", guards=[last_words_only])
async def tell_brought(
    sha256: FromPath[str],
    request: Request[Any, Any, Any],
    principal: NamedDependency[Principal],
    blobs: NamedDependency[Blobs],
) -> Brought:
    """How much of a file came from this phone before the connection broke."""
    await _phone(request, principal).knock()
    return Brought(sha256, blobs.received_bytes(sha256, str(principal.device_id)))


@patch("/api/driver/last-words/blobs/{sha256:str}", guards=[last_words_only])
async def bring_file(
    sha256: FromPath[str],
    *,
    offset: Offset,
    size: Size,
    request: Request[Any, Any, Any],
    principal: NamedDependency[Principal],
    blobs: NamedDependency[Blobs],
) -> Brought:
    """A file from `offset` on, as far as the connection lasts; `size` is the whole."""
    blobs.path(sha256)  # its name is one
    await _phone(request, principal).let_in_file(sha256, size)
    sender = str(principal.device_id)
    received = await blobs.add(sha256, request.stream(), offset=offset, size=size, sender=sender)
    return Brought(sha256, received)


@post("/api/driver/last-words/end", guards=[last_words_only], status_code=204)
async def end(
    data: JSONBody[Farewell], request: Request[Any, Any, Any], principal: NamedDependency[Principal]
) -> None:
    """It has nothing more, and wipes itself."""
    await _phone(request, principal).end(data.lost)


@get("/api/devices/{device_id:uuid}/last-words", guards=OFFICE)
async def list_held(
    device_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    *,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> HeldPage:
    """What a phone says to have happened after it was signed out, in the order in which it came."""
    found = await last_words.list_held(session, device_id, after=after, limit=limit)
    items = [
        Held(
            each.id,
            each.name,
            msgspec.json.decode(each.body),
            each.occurred_at,
            each.received_at,
            each.verdict,
            each.reason,
        )
        for each in found
    ]
    return HeldPage(items, items[-1].id if len(items) == limit else None)


@post("/api/devices/{device_id:uuid}/last-words/take", guards=OFFICE, status_code=200)
async def take_in(
    device_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> Left:
    """Let it count, with the times that the phone told; a hundred at once."""
    return Left(await last_words.take_in(session, device_id, by=principal.label))


@post("/api/devices/{device_id:uuid}/last-words/drop", guards=OFFICE, status_code=200)
async def drop(
    device_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> Left:
    """Believe none of it."""
    return Left(await last_words.drop(session, device_id, by=principal.label))


LAST_WORDS = [knock, bring, tell_brought, bring_file, end, list_held, take_in, drop]
