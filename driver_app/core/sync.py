"""Carries the phone's talk: by one WebSocket while that works; where sockets are refused or
swallowed, the same envelopes by POST. Files go beside it (uploads.py).

Nothing is deleted before its Ack. The other process's taps are noticed by looking at the store
every `Pace.poll_s`. `Sync.run()` may be killed at any time: what is true is in the store.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from driver_app.core.driver import Clock, read_clock
from driver_app.core.errors import StorageFull
from driver_app.core.last_words import LastWords
from driver_app.core.link import LinkFailed, Revoked, ask, mark_revoked, set_link, wait_for_pairing
from driver_app.core.outbox import Outbox
from driver_app.core.pace import EVERYDAY, Pace
from driver_app.core.steps import SinceBoot
from driver_app.core.store import ChangeWatch, Pairing, Store
from driver_app.core.talk import COMMANDS_PER_ROUND, HelloRefused, Talk
from driver_app.core.tls import make_tls
from driver_app.core.uploads import Uploads
from server.protocol.codec import (
    MalformedFrame,
    decode,
    decode_batch,
    encode,
    encode_batch,
    encode_frame,
)
from server.protocol.from_driver import Heartbeat

log = logging.getLogger(__name__)

# At DEBUG, websockets would write the Authorization header into the log.
_socket_log = logging.getLogger(f"{__name__}.socket")
_socket_log.setLevel(logging.INFO)

REVOKED_CLOSE_CODE = 4401
LARGEST_FRAME_BYTES = 16 * 2**20
STRAYS_OLDER_THAN_S = 24 * 3600
CLOSE_TIMEOUT_S = 1


class SocketRefused(LinkFailed):
    """No socket could be opened, or nothing came through it."""


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
        self._pace = pace
        self._uploads = Uploads(store, pace=pace, read_health=read_health)
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
        self._last_words = LastWords(store, clock=clock, pace=pace)
        self._failures = 0
        self._socket_due_s = 0.0
        self._commands_per_post = COMMANDS_PER_ROUND

    async def run(self) -> None:
        """Talk and upload, or say the last words, until cancelled."""
        self._outbox.sweep_strays(older_than_s=STRAYS_OLDER_THAN_S, now_s=time.time())
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_talking())
            group.create_task(self._uploads.run())
            group.create_task(self._last_words.run())

    async def wait_until_sent(self) -> None:
        """Return when nothing is on its way any more: every fix stored, every command answered."""
        # The store is shared with another process, which can set no event.
        while self._outbox.count_unsent() or self._store.count_unsent_fixes():
            await asyncio.sleep(self._pace.poll_s)

    # Talking

    async def _keep_talking(self) -> None:
        try:
            while True:
                pairing = await wait_for_pairing(self._store, self._pace)
                try:
                    await self._talk_once(pairing)
                except Revoked:
                    self._talk.give_back()
                    mark_revoked(self._store, pairing)
                except (LinkFailed, HelloRefused) as error:
                    await self._pause(f"not connected: {error}")
                except StorageFull:
                    # What was heard and could not be kept is said again: nothing was acknowledged.
                    await self._pause("the storage is full")
        finally:
            with suppress(StorageFull):
                self._talk.give_back()
                set_link(self._store, "none")

    async def _pause(self, reason: str) -> None:
        self._failures += 1
        log.info("%s", reason)
        with suppress(StorageFull):
            self._talk.confirm_again()
            set_link(self._store, "none")
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
            set_link(self._store, "socket")
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
        answer = await ask(
            pairing,
            "POST",
            "/api/driver/envelopes",
            batch.encode(),
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
        set_link(self._store, "post")

    def _hear_text(self, text: str | bytes) -> None:
        try:
            self._talk.hear(decode(text))
            self._failures = 0
        except MalformedFrame as error:
            log.warning("ignored a frame from the server: %s", error)


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
