"""What the phone has to say and what it heard, whatever carries it (sync.py: socket or POST)."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from driver_app.core.driver import Clock, make_id
from driver_app.core.outbox import Outbox
from driver_app.core.pace import Pace
from driver_app.core.reports import watch_clock
from driver_app.core.steps import SinceBoot
from driver_app.core.store import Store
from server.protocol import PROTOCOL_VERSION
from server.protocol.envelope import Envelope
from server.protocol.from_driver import Fix, Fixes, Heartbeat, Hello, ManifestReceived
from server.protocol.to_driver import BLOB_MISSING, Ack, Manifest, Notice, Reject

log = logging.getLogger(__name__)

FIXES_PER_FRAME = 100
COMMANDS_PER_ROUND = 50


class HelloRefused(Exception):
    """The server does not talk with this app."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFixes:
    envelope_id: str
    fixes: tuple[Fix, ...]
    again_at_s: float


class Talk:
    """One side of the conversation. `begin` for every connection, then `take_due` and `hear`.

    owner: names this talk in the leases of the outbox.
    read_health: the device's state for heartbeats; the unsent counts are filled in here.
    """

    def __init__(
        self,
        store: Store,
        *,
        owner: str,
        clock: Clock,
        pace: Pace,
        read_health: Callable[[], Heartbeat],
        app_version: str,
        device_model: str,
        since_boot: SinceBoot | None = None,
    ) -> None:
        self._store = store
        self._outbox = Outbox(store)
        self._owner = owner
        self._clock = clock
        self._steps = watch_clock(store, clock, since_boot)
        self._pace = pace
        self._read_health = read_health
        self._app_version = app_version
        self._device_model = device_model
        self._hello_id = ""
        self._version_to_confirm: int | None = None
        self.confirm_again()
        self._heartbeat_due_s = 0.0
        self._fixes_sent: SentFixes | None = None
        self._fixes_since_s: float | None = None
        self._fixes_limit = FIXES_PER_FRAME
        self.look_again_s = 0.0

    def begin(self) -> Envelope:
        """The Hello of a new connection. What the one before left unanswered goes again."""
        self.give_back()
        hello = self._wrap(
            Hello(
                protocol=PROTOCOL_VERSION,
                app_version=self._app_version,
                device_model=self._device_model,
                manifest_version=self._store.get_manifest_version(),
                unsent_commands=self._outbox.count_unsent(),
                unsent_fixes=self._store.count_unsent_fixes(),
            )
        )
        self._hello_id = hello.id
        return hello

    def give_back(self) -> None:
        """No answer will come any more to what was sent."""
        self._outbox.release(self._owner)
        self._fixes_sent = None

    def confirm_again(self) -> None:
        """The connection broke: whether the server heard which manifest we hold is not known."""
        self._version_to_confirm = self._store.get_manifest_version() or None

    def take_due(self, *, commands: int = COMMANDS_PER_ROUND) -> list[Envelope]:
        """All that should be said now, with that many commands at most. `look_again_s` tells when
        time alone makes more of it."""
        self._steps.look()
        now_s = time.monotonic()
        self.look_again_s = now_s + self._pace.lease_s
        due = []
        if self._version_to_confirm is not None:
            due.append(self._wrap(ManifestReceived(version=self._version_to_confirm)))
            self._version_to_confirm = None
        fixes = self._take_fixes(now_s)
        # It goes along with positions when it is nearly due: the phone wakes up once for both.
        early_s = self._pace.fix_wait_s if fixes else 0
        if now_s >= self._heartbeat_due_s - early_s:
            due.append(self._wrap(self._make_heartbeat()))
            self._heartbeat_due_s = now_s + self._pace.heartbeat_s
        self._wake_at(self._heartbeat_due_s)
        due.extend(fixes)
        leased = self._outbox.lease(
            self._owner, now_s=now_s, lease_s=self._pace.lease_s, limit=commands
        )
        due.extend(self._wrap(command.body, id=command.id) for command in leased)
        return due

    def hear(self, envelope: Envelope) -> bool:
        """Keep what the server says. True when it answers something that the phone has said."""
        match envelope.body:
            case Manifest() as manifest:
                if self._store.save_manifest(manifest):
                    self._version_to_confirm = manifest.version
                    self.look_again_s = 0.0
                return False
            case Ack() as ack:
                self._outbox.acknowledge(ack.envelope_ids)
                if ack.fixes_through is not None:
                    self._hear_fixes_stored(ack.fixes_through)
                return True
            case Reject() as reject:
                self._hear_reject(reject)
                return True
            case Notice() as notice:
                self._store.add_notice(notice, self._clock())
                return False
            case other:
                log.warning("ignored a %s from the server", type(other).__name__)
                return False

    def _take_fixes(self, now_s: float) -> list[Envelope]:
        if self._fixes_sent is not None and now_s < self._fixes_sent.again_at_s:
            self._wake_at(self._fixes_sent.again_at_s)
            return []
        fixes = self._store.list_unsent_fixes(self._fixes_limit)
        if not fixes:
            self._fixes_since_s = None
            return []
        if self._fixes_since_s is None:
            self._fixes_since_s = now_s
        due_s = self._fixes_since_s + self._pace.fix_wait_s
        # Those that the receiver hands over together have waited with it.
        age_s = (self._clock() - fixes[0].taken_at).total_seconds()
        few = len(fixes) < min(self._pace.fix_batch, self._fixes_limit)
        if few and now_s < due_s and age_s < self._pace.fix_wait_s:
            self._wake_at(due_s)
            return []
        envelope = self._wrap(Fixes(fixes=tuple(fixes)))
        self._fixes_sent = SentFixes(
            envelope_id=envelope.id, fixes=tuple(fixes), again_at_s=now_s + self._pace.lease_s
        )
        return [envelope]

    def _hear_fixes_stored(self, through: int) -> None:
        if self._fixes_sent is None:
            return
        # Whatever the server says, a fix that was never sent is not forgotten.
        last_sent = self._fixes_sent.fixes[-1].seq
        self._store.forget_fixes(min(through, last_sent))
        self._store.count_fixes_from(through)
        if through >= last_sent:
            self._fixes_sent = None
            self._fixes_since_s = None
            self._fixes_limit = FIXES_PER_FRAME

    def _hear_reject(self, reject: Reject) -> None:
        if reject.envelope_id == self._hello_id:
            notice = Notice(code=reject.code, message=reject.message)
            shown = self._store.list_notices()[:1]
            if not any((n.code, n.message) == (notice.code, notice.message) for n in shown):
                self._store.add_notice(notice, self._clock())
            raise HelloRefused(f"{reject.code}: {reject.message}")
        if self._fixes_sent is not None and reject.envelope_id == self._fixes_sent.envelope_id:
            self._hear_fixes_refused(self._fixes_sent.fixes)
        elif reject.code != BLOB_MISSING or not self._outbox.upload_again(
            reject.envelope_id, new_id=make_id(self._clock())
        ):
            self._outbox.reject(reject.envelope_id, reject.code, reject.message)

    def _hear_fixes_refused(self, fixes: tuple[Fix, ...]) -> None:
        """Halve the batch until the one bad fix stands alone, and go on without it."""
        log.warning("the server refused %d fixes", len(fixes))
        if len(fixes) == 1:
            self._store.set_fix_aside(fixes[0].seq)
        self._fixes_limit = max(1, len(fixes) // 2)
        self._fixes_sent = None
        self.look_again_s = 0.0

    def _make_heartbeat(self) -> Heartbeat:
        return replace(
            self._read_health(),
            unsent_commands=self._outbox.count_unsent(),
            unsent_fixes=self._store.count_unsent_fixes(),
        )

    def _wrap(self, body: Any, *, id: str | None = None) -> Envelope:
        now = self._clock()
        return Envelope(id=id or make_id(now), sent_at=now, body=body)

    def _wake_at(self, at_s: float) -> None:
        self.look_again_s = min(self.look_again_s, at_s)
