"""A file on its way in: from the body of a request, or a folder, to the blobs, never whole in
memory."""

import hashlib
from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any

from litestar import Request
from litestar.datastructures import UploadFile

from server.kit.blobs import MAX_BLOB_BYTES, Blobs
from server.kit.errors import Invalid, TooLarge

PIECE_BYTES = 1 << 16


class FileMissing(Invalid):
    """The file is empty or missing. Send it as the body, or as a part of multipart/form-data."""

    code = "channels.file_missing"


async def receive_file(request: Request[Any, Any, Any], blobs: Blobs) -> tuple[str, str]:
    """Keep the file that the request brings; its SHA-256 and its name, as far as it has one."""
    if not request.headers.get("content-type", "").startswith("multipart/"):
        return await keep_file(request.stream(), blobs), ""
    form = await request.form()
    for part in form.values():
        if isinstance(part, UploadFile):
            return await keep_file(_pieces(part), blobs), part.filename or ""
    raise FileMissing


async def keep_file(pieces: AsyncIterable[bytes], blobs: Blobs) -> str:
    """Its SHA-256, which is known only when all of it was seen: until then it waits aside."""
    digest, size = hashlib.sha256(), 0
    with SpooledTemporaryFile(max_size=1 << 20) as waiting:
        async for piece in pieces:
            size += len(piece)
            if size > MAX_BLOB_BYTES:
                raise TooLarge(limit_bytes=MAX_BLOB_BYTES)
            digest.update(piece)
            waiting.write(piece)
        if size == 0:
            raise FileMissing
        waiting.seek(0)

        async def again() -> AsyncIterator[bytes]:
            while piece := waiting.read(PIECE_BYTES):
                yield piece

        await blobs.put(digest.hexdigest(), again())
    return digest.hexdigest()


async def read_file(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


async def _pieces(part: UploadFile) -> AsyncIterator[bytes]:
    while piece := await part.read(PIECE_BYTES):
        yield piece
