"""Photos of goods that come back: kept by the SHA-256 of their bytes, and shown only by way of a
return that one may see."""

import hashlib
from collections.abc import AsyncIterator
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from server.kit.blobs import Blobs
from server.kit.pictures import picture_type
from server.returns.errors import NotAPhoto, PhotoNotSent, UnknownPhoto
from server.returns.lookup import get_return
from server.returns.views import ReturningGoods


async def keep_photo(blobs: Blobs, content: bytes) -> str:
    """Its SHA-256.

    Raises
    ------
    NotAPhoto, TooLarge
    """
    if picture_type(content) is None:
        raise NotAPhoto
    sha256 = hashlib.sha256(content).hexdigest()

    async def whole() -> AsyncIterator[bytes]:
        yield content

    await blobs.put(sha256, whole())
    return sha256


def check_photos(blobs: Blobs, goods: tuple[ReturningGoods, ...]) -> None:
    """Every photo that is named has been sent."""
    for each in goods:
        for sha256 in each.photos:
            if not blobs.has(sha256):
                raise PhotoNotSent(sha256=sha256)


async def read_photo(
    session: AsyncSession,
    blobs: Blobs,
    return_id: UUID,
    sha256: str,
    *,
    account_id: UUID | None = None,
) -> bytes:
    """A photo of the return.

    Raises
    ------
    UnknownReturn, UnknownPhoto
    """
    found = await get_return(session, return_id, account_id=account_id)
    if not any(sha256 in (*line.photos, *line.inspection_photos) for line in found.lines):
        raise UnknownPhoto(sha256=sha256)
    return blobs.read(sha256)
