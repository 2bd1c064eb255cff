"""Files that came from phones, kept by the SHA-256 of their bytes.

The same bytes are one file, so sending one twice is harmless. A file appears whole or not at all:
it is written beside its place, flushed to the disk, then renamed. What a broken connection left
behind is kept for its sender, who may go on from there.
"""

import asyncio
import hashlib
import os
import re
import secrets
from collections.abc import AsyncIterable
from pathlib import Path

from server.kit.errors import Conflict, Invalid, NotFound, TooLarge

MAX_BLOB_BYTES = 15 * 1024 * 1024
HALVES_KEPT_S = 7 * 24 * 3600
"""A phone may be without network for some days in the middle of a file."""


class BadBlobName(Invalid):
    """{sha256!r} is not a SHA-256: 64 hexadecimal digits in lower case."""

    code = "blobs.bad_name"


class BlobMismatch(Invalid):
    """The bytes received do not have the SHA-256 {sha256}. Send the file again."""

    code = "blobs.mismatch"


class WrongOffset(Conflict):
    """{received} bytes of this file are here. Go on from there, not from {offset}."""

    code = "blobs.wrong_offset"


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

    def received_bytes(self, sha256: str, sender: str) -> int:
        """How much of it this sender has brought so far, the whole file when it is here."""
        for path in (self.path(sha256), self._half(sha256, sender)):
            try:
                return path.stat().st_size
            except FileNotFoundError:
                continue
        return 0

    async def add(
        self, sha256: str, chunks: AsyncIterable[bytes], *, offset: int, size: int, sender: str
    ) -> int:
        """Go on with a file of `size` bytes at `offset`; how much of it is here now.

        What came before the connection broke is kept. sender: who brings it; nobody goes on with
        another one's half.

        Raises
        ------
        WrongOffset
            When not all before it is here.
        TooLarge, BlobMismatch
            Then nothing is kept, and it begins anew.
        """
        path, half = self.path(sha256), self._half(sha256, sender)
        if size > MAX_BLOB_BYTES:
            raise TooLarge(limit_bytes=MAX_BLOB_BYTES)
        if path.exists():
            return path.stat().st_size
        path.parent.mkdir(parents=True, exist_ok=True)
        received = self.received_bytes(sha256, sender)
        if offset > received:
            raise WrongOffset(received=received, offset=offset)
        # At its own place, not at the end: a connection that seems broken may still be read, and
        # writes the same bytes to the same places.
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT, 0o600)
        if offset == 0:
            _forget_halves(half)
        try:
            async for chunk in chunks:
                if offset + len(chunk) > size:
                    half.unlink(missing_ok=True)
                    raise BlobMismatch(sha256=sha256)
                os.pwrite(descriptor, chunk, offset)
                offset += len(chunk)
            await asyncio.to_thread(os.fsync, descriptor)
        finally:
            os.close(descriptor)
        if offset < size:
            return offset
        try:
            whole = await asyncio.to_thread(half.read_bytes)
            if hashlib.sha256(whole).hexdigest() != sha256:
                half.unlink(missing_ok=True)
                raise BlobMismatch(sha256=sha256)
            half.rename(path)
        except FileNotFoundError:
            # The other connection was quicker, and came to the end or found the bytes wrong.
            return self.received_bytes(sha256, sender)
        await asyncio.to_thread(_flush_folder, path.parent)
        return size

    def _half(self, sha256: str, sender: str) -> Path:
        return self.path(sha256).with_name(f"{sha256}.{sender}.half")


def _forget_halves(newest: Path) -> None:
    """Those beside it with which nobody has gone on for a week."""
    oldest_s = newest.stat().st_mtime - HALVES_KEPT_S
    for path in newest.parent.glob("*.half"):
        if path.stat().st_mtime < oldest_s:
            path.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
