"""Files that came from phones, kept by the SHA-256 of their bytes.

The same bytes are one file, so sending one twice is harmless. A file appears whole or not at all:
it is written beside its place, flushed to the disk, then renamed.
"""

import asyncio
import hashlib
import os
import re
import secrets
from collections.abc import AsyncIterable
from pathlib import Path

from server.kit.errors import Invalid, NotFound, TooLarge

MAX_BLOB_BYTES = 15 * 1024 * 1024


class BadBlobName(Invalid):
    """{sha256!r} is not a SHA-256: 64 hexadecimal digits in lower case."""

    code = "blobs.bad_name"


class BlobMismatch(Invalid):
    """The bytes received do not have the SHA-256 {sha256}. Send the file again."""

    code = "blobs.mismatch"


class UnknownBlob(NotFound):
    """There is no file {sha256}."""

    code = "blobs.unknown"


class Blobs:
    """The files below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, sha256: str) -> Path:
        """Where the file is, or would be.

        Raises
        ------
        BadBlobName
            Which also keeps a name from pointing outside of the folder.
        """
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise BadBlobName(sha256=sha256[:80])
        return self._folder / sha256[:2] / sha256

    def has(self, sha256: str) -> bool:
        return self.path(sha256).exists()

    def read(self, sha256: str) -> bytes:
        try:
            return self.path(sha256).read_bytes()
        except FileNotFoundError:
            raise UnknownBlob(sha256=sha256) from None

    async def put(self, sha256: str, chunks: AsyncIterable[bytes]) -> bool:
        """Keep the bytes; True when they are new.

        Raises
        ------
        TooLarge, BlobMismatch
            Then nothing is kept.
        """
        path = self.path(sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        waiting = path.with_name(f"{sha256}.{secrets.token_hex(4)}.part")
        digest, size = hashlib.sha256(), 0
        try:
            with waiting.open("wb") as file:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > MAX_BLOB_BYTES:
                        raise TooLarge(limit_bytes=MAX_BLOB_BYTES)
                    digest.update(chunk)
                    file.write(chunk)
                file.flush()
                await asyncio.to_thread(os.fsync, file.fileno())
            if digest.hexdigest() != sha256:
                raise BlobMismatch(sha256=sha256)
            new = not path.exists()
            waiting.rename(path)
        finally:
            waiting.unlink(missing_ok=True)
        await asyncio.to_thread(_flush_folder, path.parent)
        return new


def _flush_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
