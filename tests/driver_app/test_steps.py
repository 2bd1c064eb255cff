"""The clock of the phone is set while work waits."""

from datetime import timedelta

import pytest

from driver_app.core.driver import Driver
from driver_app.core.store import Store
from driver_app.core.talk import Talk
from server.protocol.envelope import Envelope
from server.protocol.from_driver import Heartbeat
from server.protocol.to_driver import Manifest
from tests.driver_app.phones import FAST, START_AT, FrozenClock, pairing_with


class SteadyClock:
    """The time since the phone was started; `pass_time` lets the clock go on, too."""

    def __init__(self, clock: FrozenClock) -> None:
        self._clock = clock
        self.boot, self.since_s = "one", 1000.0

    def __call__(self) -> tuple[str, float]:
        return self.boot, self.since_s

    def pass_time(self, seconds: float) -> None:
        self.since_s += seconds
        self._clock.forward(seconds=seconds)


@pytest.fixture
def steady(clock: FrozenClock) -> SteadyClock:
    return SteadyClock(clock)


@pytest.fixture
def watched(store: Store, clock: FrozenClock, steady: SteadyClock, manifest: Manifest) -> Driver:
    store.save_pairing(pairing_with("http://127.0.0.1:9", "token"))
    store.save_manifest(manifest)
    store.put_setting("shift", "on")
    return Driver(store, clock=clock, since_boot=steady)


def make_talk(store: Store, clock: FrozenClock, steady: SteadyClock) -> Talk:
    return Talk(
        store,
        owner="test",
        clock=clock,
        pace=FAST,
        read_health=Heartbeat,
        app_version="",
        device_model="",
        since_boot=steady,
    )


def ages_s(envelopes: list[Envelope]) -> list[float]:
    """How long ago each act happened, as the server reckons it: whatever the clock says."""
    return [
        (each.sent_at - each.body.occurred_at).total_seconds()
        for each in envelopes
        if hasattr(each.body, "occurred_at")
    ]


@pytest.mark.parametrize("set_by_h", [-2, 2])
def test_acts_before_and_after_the_clock_was_set_keep_their_true_age(
    store: Store, clock: FrozenClock, steady: SteadyClock, watched: Driver, set_by_h: int
) -> None:
    watched.start(["T1"])
    watched.record_fix(9.5, 47.1, 5)
    steady.pass_time(600)
    clock.forward(hours=set_by_h)
    watched.start(["T2"])
    steady.pass_time(60)
    sent = make_talk(store, clock, steady).take_due()
    assert ages_s(sent) == [660, 60]
    (fix,) = store.list_unsent_fixes(10)
    assert (clock() - fix.taken_at).total_seconds() == 660


def test_clock_that_was_set_between_two_tries_moves_what_was_sent_before(
    store: Store, clock: FrozenClock, steady: SteadyClock, watched: Driver
) -> None:
    watched.start(["T1"])
    talk = make_talk(store, clock, steady)
    steady.pass_time(100)
    assert ages_s(talk.take_due()) == [100]
    clock.forward(hours=-2)
    steady.pass_time(100)
    talk.begin()
    assert ages_s(talk.take_due()) == [200]


def test_step_is_seen_once_by_two_processes(
    store: Store, clock: FrozenClock, steady: SteadyClock, watched: Driver
) -> None:
    watched.start(["T1"])
    clock.forward(hours=-2)
    with_store = Store(store.folder)
    for _ in range(2):
        make_talk(with_store, clock, steady).take_due()
        make_talk(store, clock, steady).take_due()
    with_store.close()
    (waiting,) = watched.view().on_its_way
    assert waiting.body.occurred_at == START_AT - timedelta(hours=2)


def test_clock_that_only_drifts_and_a_phone_that_was_started_anew_move_nothing(
    store: Store, clock: FrozenClock, steady: SteadyClock, watched: Driver
) -> None:
    watched.start(["T1"])
    clock.forward(seconds=20)
    watched.start(["T2"])
    steady.boot, steady.since_s = "two", 3.0
    watched.start(["T3"])
    first, *_ = watched.view().on_its_way
    assert first.body.occurred_at == START_AT


def test_driver_who_waits_at_a_door_is_shown_how_long_also_after_the_clock_was_set(
    clock: FrozenClock, steady: SteadyClock, watched: Driver
) -> None:
    watched.arrive(["T1"])
    steady.pass_time(300)
    clock.forward(hours=-2)
    watched.record_fix(9.5, 47.1, 5)
    since = watched.here_since("T1")
    assert since is not None and (clock() - since).total_seconds() == 300
