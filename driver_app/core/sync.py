"""Carries the phone's talk: by one WebSocket while that works; where sockets are refused or
swallowed, the same envelopes by POST. Files by PUT beside it, so that a slow photo holds up
nothing but its own command.

Nothing is deleted before its Ack. The other process's taps are noticed by looking at the store
every `Pace.poll_s`. `Sync.run()` may be killed at any time: what is true is in the store.
"""

import asyncio
import json
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from driver_app.core.doors import Doors
from driver_app.core.driver import Clock, read_clock
from driver_app.core.errors import StorageFull
from driver_app.core.https import Answer, NoAnswer, send_request
from driver_app.core.outbox import Outbox
from driver_app.core.pace import EVERYDAY, Pace
from driver_app.core.steps import SinceBoot
from driver_app.core.store import ChangeWatch, Pairing, Store
from driver_app.core.talk import COMMANDS_PER_ROUND, HelloRefused, Talk
from driver_app.core.tls import make_tls
from driver_app.core.view import Link
from server.protocol.codec import (
    MalformedFrame,
    decode,
    decode_batch,
    encode,
    encode_batch,
    encode_frame,
)
from server.protocol.from_driver import BlobRef, Heartbeat

log = logging.getLogger(__name__)

# At DEBUG, websockets would write the Authorization header into the log.
_socket_log = logging.getLogger(f"{__name__}.socket")
_socket_log.setLevel(logging.INFO)

REVOKED_CLOSE_CODE = 4401
LARGEST_FRAME_BYTES = 16 * 2**20
STRAYS_OLDER_THAN_S = 24 * 3600
UPLOAD_TIMEOUT_S = 60
SENT_AT_ONCE_BYTES = 64 * 1024
"""Of a larger file it is asked first how much has arrived: a broken connection costs little."""
CLOSE_TIMEOUT_S = 1


class LinkFailed(Exception):
    """The talk broke off; it goes on after a pause."""


class SocketRefused(LinkFailed):
    """No socket could be opened, or nothing came through it."""


class Revoked(Exception):
    """The server knows this device no more."""


class Sync:
    """Sends and receives for one store, until cancelled."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock = read_clock,
        pace: Pace = EVERYDAY,
        read_health: Callable[[], Heartbeat] = Heartbeat,
        app_version: str = "",
        device_model: str = "",
        since_boot: SinceBoot | None = None,
    ) -> None:
        self._store = store
        self._outbox = Outbox(store)
        self._doors = Doors(store)
        self._pace = pace
        self._read_health = read_health
        self._talk = Talk(
            store,
            owner=f"{os.getpid()}-{uuid4().hex[:8]}",
            clock=clock,
            pace=pace,
            read_health=read_health,
            app_version=app_version,
            device_model=device_model,
            since_boot=since_boot,
        )
        self._failures = 0
        self._socket_due_s = 0.0
        self._commands_per_post = COMMANDS_PER_ROUND

    async def run(self) -> None:
        """Talk and upload until cancelled."""
        self._outbox.sweep_strays(older_than_s=STRAYS_OLDER_THAN_S, now_s=time.time())
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_talking())
            group.create_task(self._keep_uploading())

    async def wait_until_sent(self) -> None:
        """Return when nothing is on its way any more: every fix stored, every command answered."""
        # The store is shared with another process, which can set no event.
        while self._outbox.count_unsent() or self._store.count_unsent_fixes():
            await asyncio.sleep(self._pace.poll_s)

    # Talking

    async def _keep_talking(self) -> None:
        try:
            while True:
                pairing = await self._wait_for_pairing()
                try:
                    await self._talk_once(pairing)
                except Revoked:
                    self._mark_revoked(pairing)
                except (LinkFailed, HelloRefused) as error:
                    await self._pause(f"not connected: {error}")
                except StorageFull:
                    # What was heard and could not be kept is said again: nothing was acknowledged.
                    await self._pause("the storage is full")
        finally:
            with suppress(StorageFull):
                self._talk.give_back()
                self._set_link("none")

    async def _pause(self, reason: str) -> None:
        self._failures += 1
        log.info("%s", reason)
        with suppress(StorageFull):
            self._talk.confirm_again()
            self._set_link("none")
        await asyncio.sleep(self._pace.back_off_s(self._failures))

    async def _talk_once(self, pairing: Pairing) -> None:
        """By socket as long as it lasts; by POST until the socket is to be tried again."""
        if time.monotonic() >= self._socket_due_s:
            try:
                await self._talk_by_socket(pairing)
                return
            except SocketRefused as error:
                log.info("no socket, trying POST: %s", error)
                self._socket_due_s = time.monotonic() + self._pace.socket_retry_s
        try:
            await self._talk_by_post(pairing)
        except LinkFailed:
            self._socket_due_s = 0.0
            raise

    async def _talk_by_socket(self, pairing: Pairing) -> None:
        """Until the pairing changes. SocketRefused before the server's first word, LinkFailed
        after it: whatever refuses a socket, also a bare 401 or 403 of some proxy, POST is asked."""
        try:
            socket = await connect(
                f"ws{pairing.server_url.removeprefix('http')}/ws/driver",
                additional_headers={"Authorization": f"Bearer {pairing.token}"},
                open_timeout=self._pace.answer_s,
                close_timeout=CLOSE_TIMEOUT_S,
                max_size=LARGEST_FRAME_BYTES,
                compression=None,
                logger=_socket_log,
                **_tls_of(pairing),
            )
        except (OSError, WebSocketException) as error:
            raise SocketRefused(str(error)) from error
        async with socket:
            try:
                await socket.send(encode(self._talk.begin()))
                # A proxy may open the socket and then swallow what is in it.
                async with asyncio.timeout(self._pace.answer_s):
                    await (await socket.ping())
            except (TimeoutError, ConnectionClosed) as error:
                raise _explain_end(error, SocketRefused) from error
            self._set_link("socket")
            try:
                await self._exchange_by_socket(socket, pairing)
            except ConnectionClosed as error:
                raise _explain_end(error, LinkFailed) from error

    async def _exchange_by_socket(self, socket: ClientConnection, pairing: Pairing) -> None:
        watch = ChangeWatch(self._store)
        while self._store.get_pairing() == pairing:
            if watch.has_changed() or time.monotonic() >= self._talk.look_again_s:
                for envelope in self._talk.take_due():
                    await socket.send(encode_frame(envelope))
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pace.poll_s):
                    self._hear_text(await socket.recv())

    async def _talk_by_post(self, pairing: Pairing) -> None:
        """Until a socket is to be tried again or the pairing changes."""
        watch = ChangeWatch(self._store)
        next_post_s = 0.0
        while self._store.get_pairing() == pairing and time.monotonic() < self._socket_due_s:
            now_s = time.monotonic()
            if now_s >= next_post_s or watch.has_changed() or now_s >= self._talk.look_again_s:
                hello = self._talk.begin()
                due = self._talk.take_due(commands=self._commands_per_post)
                if due or now_s >= next_post_s:
                    await self._post(pairing, encode_batch([hello, *due]))
                    next_post_s = time.monotonic() + self._pace.post_every_s
                    continue
            await asyncio.sleep(self._pace.poll_s)

    async def _post(self, pairing: Pairing, batch: str) -> None:
        answer = await self._request(
            pairing,
            "POST",
            "/api/driver/envelopes",
            batch.encode(),
            content_type="application/json",
            timeout_s=self._pace.answer_s,
        )
        if answer.status != 200:
            # It may have stumbled over one of them: alone, that one holds up nothing.
            self._commands_per_post = 1
            raise LinkFailed(f"the server answered {answer.status}")
        self._commands_per_post = COMMANDS_PER_ROUND
        try:
            answers = decode_batch(answer.body)
        except MalformedFrame as error:
            raise LinkFailed(f"not an answer of our server: {error}") from error
        for item in answers:
            if isinstance(item, MalformedFrame):
                log.warning("ignored a frame from the server: %s", item)
            else:
                self._talk.hear(item)
        self._failures = 0
        self._set_link("post")

    def _hear_text(self, text: str | bytes) -> None:
        try:
            self._talk.hear(decode(text))
            self._failures = 0
        except MalformedFrame as error:
            log.warning("ignored a frame from the server: %s", error)

    # Uploading

    async def _keep_uploading(self) -> None:
        failures = 0
        set_aside: set[str] = set()
        while True:
            pairing = await self._wait_for_pairing()
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
                self._mark_revoked(pairing)
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
        answer = await self._request(
            pairing,
            "GET",
            f"/api/driver/doors/{sha256}",
            b"",
            content_type="application/json",
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
        method, path, offset = "PUT", f"/api/driver/blobs/{blob.sha256}", 0
        if blob.size_bytes > SENT_AT_ONCE_BYTES:
            offset = min(await self._ask_received(pairing, path), blob.size_bytes)
            method = "PATCH"
            path += f"?offset={offset}&size={blob.size_bytes}"
        answer = await self._request(
            pairing,
            method,
            path,
            self._outbox.path_of(blob.sha256),
            content_type=blob.content_type,
            timeout_s=UPLOAD_TIMEOUT_S,
            offset=offset,
        )
        if answer.status in (200, 201):
            self._outbox.mark_uploaded(blob.sha256)
        elif answer.status in (400, 413, 415):
            self._reject_file(blob, *answer.read_problem())
        else:
            # One file that the server stumbles over must not hold up the others.
            log.warning("file %s: the server answered %d", blob.sha256, answer.status)
            set_aside.add(blob.sha256)

    async def _ask_received(self, pairing: Pairing, path: str) -> int:
        """How many bytes of the file the server has from this phone."""
        answer = await self._request(
            pairing,
            "GET",
            f"{path}/received",
            b"",
            content_type="application/json",
            timeout_s=self._pace.answer_s,
        )
        try:
            return int(json.loads(answer.body)["received_bytes"])
        except (ValueError, KeyError, TypeError) as error:
            raise LinkFailed(f"the server answered {answer.status}") from error

    # Both

    async def _request(
        self,
        pairing: Pairing,
        method: str,
        path: str,
        body: bytes | Path,
        *,
        content_type: str,
        timeout_s: float,
        offset: int = 0,
    ) -> Answer:
        try:
            answer = await asyncio.to_thread(
                send_request,
                method,
                pairing.server_url + path,
                body,
                content_type=content_type,
                token=pairing.token,
                timeout_s=timeout_s,
                offset=offset,
                tls_pin=pairing.tls_pin,
            )
        except NoAnswer as error:
            raise LinkFailed(str(error)) from error
        if answer.content_type == "text/html":
            raise LinkFailed("a web page instead of an answer; a Wi-Fi's login page?")
        if answer.status in (401, 403) and answer.is_json:
            raise Revoked
        return answer

    async def _wait_for_pairing(self) -> Pairing:
        while True:
            pairing = self._store.get_pairing()
            if pairing is not None and not pairing.revoked:
                return pairing
            await asyncio.sleep(self._pace.poll_s)

    def _mark_revoked(self, pairing: Pairing) -> None:
        log.warning("this phone was revoked; what it has not sent stays on it")
        self._store.mark_revoked(pairing)
        self._set_link("none")

    def _set_link(self, link: Link) -> None:
        if self._store.get_setting("link") != link:
            self._store.put_setting("link", link)


def _tls_of(pairing: Pairing) -> dict[str, Any]:
    """Only a socket over TLS takes a context at all."""
    is_open = pairing.server_url.startswith("http://")
    return {} if is_open else {"ssl": make_tls(pairing.tls_pin)}


def _explain_end(
    error: TimeoutError | ConnectionClosed, otherwise: type[LinkFailed]
) -> Revoked | LinkFailed:
    if isinstance(error, ConnectionClosed):
        if error.rcvd is not None and error.rcvd.code == REVOKED_CLOSE_CODE:
            return Revoked()
        return otherwise(str(error))
    return otherwise("no answer through the socket")
