"""The last words of a phone that was signed out: what it has not sent, and then it wipes itself.

The server takes them through a door of their own, for a while. When that is over, or the phone
could not reach it for LONGEST, what is left is thrown away, and the phone says how much it was.
"""

import asyncio
import json
import logging
import time
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from driver_app.core.errors import StorageFull
from driver_app.core.link import LinkFailed, Revoked, ask
from driver_app.core.outbox import Outbox, WaitingCommand
from driver_app.core.pace import Pace
from driver_app.core.reports import Clock, make_id
from driver_app.core.store import ChangeWatch, Pairing, Store
from driver_app.core.uploads import send_in_parts
from server.protocol.codec import MalformedFrame, decode_batch, encode_batch
from server.protocol.envelope import Envelope
from server.protocol.from_driver import BlobRef
from server.protocol.to_driver import BLOB_MISSING, Ack, Reject

log = logging.getLogger(__name__)

DOOR = "/api/driver/last-words"
COMMANDS_AT_ONCE = 50
LONGEST = timedelta(days=7)
"""By the phone's clock, since it heard of the revocation. The server mostly ends it sooner."""


class Over(Exception):
    """The server takes nothing more."""


class SignedIn(Exception):
    """The phone is not signed out after all: somebody on the way had only said so."""


class LastWords:
    """Those of one store."""

    def __init__(self, store: Store, *, clock: Clock, pace: Pace) -> None:
        self._store = store
        self._outbox = Outbox(store)
        self._clock = clock
        self._pace = pace
        self._owner = f"last-words-{uuid4().hex[:8]}"

    async def run(self) -> None:
        """Until cancelled."""
        failures = 0
        while True:
            pairing = await self._wait_for_revocation()
            try:
                await self._say(pairing)
                failures = 0
            except SignedIn:
                self._store.save_pairing(replace(pairing, revoked=False))
            except (LinkFailed, Revoked, StorageFull) as error:
                failures += 1
                log.info("not handed in: %r", error)
                if self._clock() > self._until():
                    self._wipe(pairing, self._store.count_lost_by_wiping())
                else:
                    await asyncio.sleep(self._pace.back_off_s(failures))

    async def _wait_for_revocation(self) -> Pairing:
        watch = ChangeWatch(self._store)
        while True:
            if watch.has_changed():
                pairing = self._store.get_pairing()
                if pairing is not None and pairing.revoked:
                    return pairing
            await asyncio.sleep(self._pace.poll_s)

    async def _say(self, pairing: Pairing) -> None:
        """All of it, then good-bye."""
        self._outbox.release(self._owner)
        self._until()
        self._try_again_with_files()
        try:
            await self._ask(pairing, "GET", DOOR)
            set_aside: set[str] = set()
            while await self._say_some(pairing, set_aside):
                pass
            if set_aside:
                raise LinkFailed("the server did not take some files")
            if self._outbox.count_unsent():
                raise LinkFailed("some of it is still being sent otherwise")
        except Over:
            log.warning("the server takes nothing more from this phone")
        lost = self._store.count_lost_by_wiping()
        # Without an answer it is said again, also after the door was closed.
        await self._ask(pairing, "POST", f"{DOOR}/end", json.dumps({"lost": lost}).encode())
        self._wipe(pairing, lost)

    async def _say_some(self, pairing: Pairing, set_aside: set[str]) -> bool:
        """False when there is nothing more that could go now."""
        if self._store.get_pairing() != pairing:
            raise LinkFailed("the phone was paired again")
        blob = self._outbox.find_next_upload(set_aside, full=False)
        if blob is None:
            due = self._outbox.lease(
                self._owner,
                now_s=time.monotonic(),
                lease_s=self._pace.lease_s,
                limit=COMMANDS_AT_ONCE,
            )
            if due:
                await self._bring(pairing, due)
                return True
            blob = self._outbox.find_next_upload(set_aside)
        if blob is not None:
            await self._bring_file(pairing, blob, set_aside)
        return blob is not None

    async def _bring(self, pairing: Pairing, due: list[WaitingCommand]) -> None:
        now = self._clock()
        said = [Envelope(id=each.id, sent_at=now, body=each.body) for each in due]
        answer = await self._ask(pairing, "POST", DOOR, encode_batch(said).encode())
        try:
            heard = decode_batch(answer)
        except MalformedFrame as error:
            raise LinkFailed(f"not an answer of our server: {error}") from error
        for item in heard:
            match item:
                case Envelope(body=Ack(envelope_ids=ids)):
                    self._outbox.acknowledge(ids)
                case Envelope(body=Reject() as reject):
                    self._hear_reject(reject)
        self._outbox.release(self._owner)

    def _hear_reject(self, reject: Reject) -> None:
        if reject.code != BLOB_MISSING or not self._outbox.upload_again(
            reject.envelope_id, new_id=make_id(self._clock())
        ):
            self._outbox.reject(reject.envelope_id, reject.code, reject.message)

    async def _bring_file(self, pairing: Pairing, blob: BlobRef, set_aside: set[str]) -> None:
        code = "phone.file_damaged"
        if self._outbox.is_intact(blob):
            answer = await send_in_parts(
                pairing,
                f"{DOOR}/blobs/{blob.sha256}",
                self._outbox.path_of(blob.sha256),
                blob,
                answer_s=self._pace.answer_s,
            )
            if answer.status in (200, 201):
                self._outbox.mark_uploaded(blob.sha256)
                return
            if answer.status not in (400, 413, 415):
                set_aside.add(blob.sha256)
                return
            code, _ = answer.read_problem()
        log.warning("going without a file: %s", code)
        if not self._outbox.give_up_full_photo(blob.sha256):
            # The fact counts more than its photo.
            self._outbox.go_without_file(blob.sha256)

    def _try_again_with_files(self) -> None:
        """What waited for a person because of a file; nobody looks after it here any more."""
        for command in self._outbox.list_waiting():
            if (command.reject_code or "").startswith(("phone.", "blobs.", "http.")):
                self._outbox.send_again(command.id, new_id=make_id(self._clock()))

    async def _ask(self, pairing: Pairing, method: str, path: str, body: bytes = b"") -> bytes:
        answer = await ask(pairing, method, path, body, timeout_s=self._pace.answer_s)
        code, _ = answer.read_problem()
        if answer.status == 410 and code == "live.last_words_over":
            raise Over
        if answer.status == 409 and code == "live.not_signed_out":
            raise SignedIn
        if answer.status not in (200, 204):
            raise LinkFailed(f"the server answered {answer.status}")
        return answer.body

    def _until(self) -> datetime:
        told = self._store.get_setting("last_words_until")
        if told is None:
            told = (self._clock() + LONGEST).isoformat()
            self._store.put_setting("last_words_until", told)
        return datetime.fromisoformat(told)

    def _wipe(self, pairing: Pairing, lost: int) -> None:
        if self._store.wipe(pairing, lost=lost):
            log.warning("this phone was wiped; %d acts were lost", lost)
