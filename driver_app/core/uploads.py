"""Carries files: those of proofs to the server, photos of doors from it. Beside the talk, so that a
slow photo holds up nothing but its own command."""

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path

from driver_app.core.doors import Doors
from driver_app.core.errors import StorageFull
from driver_app.core.https import Answer
from driver_app.core.link import LinkFailed, Revoked, ask, mark_revoked, wait_for_pairing
from driver_app.core.outbox import Outbox
from driver_app.core.pace import Pace
from driver_app.core.store import Pairing, Store
from server.protocol.from_driver import BlobRef, Heartbeat

log = logging.getLogger(__name__)

UPLOAD_TIMEOUT_S = 60
SENT_AT_ONCE_BYTES = 64 * 1024
"""Of a larger file it is asked first how much has arrived: a broken connection costs little."""


class Uploads:
    """The files of one store. read_health: tells which network there is."""

    def __init__(self, store: Store, *, pace: Pace, read_health: Callable[[], Heartbeat]) -> None:
        self._store = store
        self._outbox = Outbox(store)
        self._doors = Doors(store)
        self._pace = pace
        self._read_health = read_health

    async def run(self) -> None:
        """Until cancelled."""
        failures = 0
        set_aside: set[str] = set()
        while True:
            pairing = await wait_for_pairing(self._store, self._pace)
            blob = self._find_next_upload(set_aside)
            try:
                if blob is not None:
                    await self._upload(pairing, blob, set_aside)
                    failures = 0
                elif (door := self._doors.find_missing()) is not None:
                    await self._fetch_door(pairing, door)
                    failures = 0
                elif set_aside:
                    set_aside.clear()
                    raise LinkFailed("the server did not take some files")
                else:
                    await asyncio.sleep(self._pace.poll_s)
            except Revoked:
                mark_revoked(self._store, pairing)
            except (LinkFailed, StorageFull) as error:
                failures += 1
                log.info("not uploaded: %s", error)
                await asyncio.sleep(self._pace.back_off_s(failures))

    def _find_next_upload(self, set_aside: set[str]) -> BlobRef | None:
        """Photos in their full size over Wi-Fi at any time, over the mobile network when the work
        is done."""
        blob = self._outbox.find_next_upload(set_aside, full=False)
        if blob is None and self._outbox.count_full_photos():
            resting = self._store.get_setting("shift") != "on"
            if resting or self._read_health().network in ("wifi", "unknown"):
                blob = self._outbox.find_next_upload(set_aside)
        return blob

    async def _fetch_door(self, pairing: Pairing, sha256: str) -> None:
        answer = await ask(
            pairing,
            "GET",
            f"/api/driver/doors/{sha256}",
            timeout_s=self._pace.answer_s,
        )
        if answer.status == 200:
            try:
                self._doors.keep(sha256, answer.body)
            except OSError as error:
                # It can be done without, and room is needed for what cannot.
                log.warning("no room for the photo of a door: %s", error)
                self._doors.give_up(sha256)
        else:
            self._doors.give_up(sha256)

    def _reject_file(self, blob: BlobRef, code: str, message: str) -> None:
        if not self._outbox.give_up_full_photo(blob.sha256):
            self._outbox.reject_file(blob.sha256, code, message)

    async def _upload(self, pairing: Pairing, blob: BlobRef, set_aside: set[str]) -> None:
        if not self._outbox.is_intact(blob):
            self._reject_file(
                blob, "phone.file_damaged", "A photo of this was damaged on the phone."
            )
            return
        path = f"/api/driver/blobs/{blob.sha256}"
        file = self._outbox.path_of(blob.sha256)
        if blob.size_bytes > SENT_AT_ONCE_BYTES:
            answer = await send_in_parts(pairing, path, file, blob, answer_s=self._pace.answer_s)
        else:
            answer = await ask(
                pairing,
                "PUT",
                path,
                file,
                content_type=blob.content_type,
                timeout_s=UPLOAD_TIMEOUT_S,
            )
        if answer.status in (200, 201):
            self._outbox.mark_uploaded(blob.sha256)
        elif answer.status in (400, 413, 415):
            self._reject_file(blob, *answer.read_problem())
        else:
            # One file that the server stumbles over must not hold up the others.
            log.warning("file %s: the server answered %d", blob.sha256, answer.status)
            set_aside.add(blob.sha256)


async def send_in_parts(
    pairing: Pairing, path: str, file: Path, blob: BlobRef, *, answer_s: float
) -> Answer:
    """The file from where the server has it already. path: of the blob at the server."""
    answer = await ask(pairing, "GET", f"{path}/received", timeout_s=answer_s)
    try:
        received = int(json.loads(answer.body)["received_bytes"])
    except (ValueError, KeyError, TypeError) as error:
        raise LinkFailed(f"the server answered {answer.status}") from error
    offset = min(received, blob.size_bytes)
    return await ask(
        pairing,
        "PATCH",
        f"{path}?offset={offset}&size={blob.size_bytes}",
        file,
        content_type=blob.content_type,
        timeout_s=UPLOAD_TIMEOUT_S,
        offset=offset,
    )
