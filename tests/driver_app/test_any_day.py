"""Any order of acts, plans, lost answers, refusals and restarts: nothing lost, nothing doubled,
nothing out of order, and what the driver did is what he sees."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from driver_app.core.driver import Driver, Evidence, File
from driver_app.core.errors import AlreadyFinished
from driver_app.core.outbox import Outbox, list_files
from driver_app.core.progress import ORDER, find_tasks, state_after
from driver_app.core.store import Store
from server.protocol.from_driver import HandedOverParcel
from server.protocol.to_driver import Manifest
from tests.driver_app.phones import (
    AFTER_A_KILL,
    PATIENCE_S,
    FrozenClock,
    make_manifest,
    make_stop,
    make_task,
    pairing_with,
    syncing,
    until,
)
from tests.driver_app.reference_server import ReferenceServer

TASKS = ["T1", "T2", "T3", "T4"]
tasks = st.sampled_from(TASKS)


class AnyDay(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.loop = asyncio.new_event_loop()
        self.server = ReferenceServer()
        self.loop.run_until_complete(self.server.start())
        self.manifest = make_manifest(version=1, stops=4)
        self.account = self.server.add_driver("token", self.manifest)
        self.store = Store(self.folder, fsync=False)
        self.store.save_pairing(pairing_with(self.server.url, "token"))
        self.store.save_manifest(self.manifest)
        self.store.put_setting("shift", "on")
        self.driver = Driver(self.store, clock=FrozenClock())
        self.made: list[str] = []
        self.retried: set[str] = set()
        self.fixes: set[int] = set()
        self.photos = 0
        self.signed_out, self.last_faults = False, 0

    def teardown(self) -> None:
        try:
            if self.signed_out:
                attention = self.hand_in_and_be_wiped()
            else:
                self.sync_until_sent(refuse_sockets=False, fail=0, lose=0)
                attention = {command.id for command in self.driver.view().needs_attention}
                assert set(self.account.fixes) == self.fixes
            assert set(self.made) == set(self.account.effects) | attention
            for body in self.account.effects.values():
                for file in list_files(body):
                    assert file.sha256 in self.server.blobs
            if self.signed_out or not attention:
                assert list(self.store.blob_folder.iterdir()) == []
        finally:
            self.store.close()
            self.loop.run_until_complete(self.server.close())
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()
            shutil.rmtree(self.folder)

    @initialize(signed_out=st.booleans(), faults=st.integers(0, 3))
    def choose_an_end(self, signed_out: bool, faults: int) -> None:
        """Most days end with everything sent, some with the phone signed out before."""
        self.signed_out, self.last_faults = signed_out, faults

    def hand_in_and_be_wiped(self) -> set[str]:
        """Of what was made, what the server has refused."""
        self.account.revoked = True
        self.server.faults.fail_requests = self.server.faults.lose_answers = self.last_faults

        async def say_last_words() -> None:
            async with syncing(self.store, pace=AFTER_A_KILL):
                await until(lambda: not self.driver.view().paired)

        self.loop.run_until_complete(say_last_words())
        refused = set(self.made) & set(self.account.refused)
        assert self.driver.view().lost == len(refused)
        assert set(self.account.wiped_with) == {len(refused)}
        return refused

    # The driver

    def act(self, act: Callable[[], object]) -> None:
        before = {command.id for command in Outbox(self.store).list_waiting()}
        try:
            act()
        except AlreadyFinished:
            return
        waiting = Outbox(self.store).list_waiting()
        self.made.extend(command.id for command in waiting if command.id not in before)

    @rule(task=tasks, how=st.sampled_from(["accept", "start", "arrive"]))
    def move_on(self, task: str, how: str) -> None:
        self.act(lambda: getattr(self.driver, how)([task]))

    @rule(task=tasks, how=st.sampled_from(["complete", "fail"]), photos=st.integers(0, 2))
    def finish(self, task: str, how: str, photos: int) -> None:
        def photo() -> File:
            self.photos += 1
            return File(content=f"photo {self.photos // 2}".encode())

        evidence = Evidence(photos=tuple(photo() for _ in range(photos)))
        self.act(lambda: getattr(self.driver, how)(task, "some_outcome", evidence))

    @rule(task=st.none() | tasks)
    def collect_return(self, task: str | None) -> None:
        self.act(lambda: self.driver.collect_return([HandedOverParcel()], at_task_id=task))

    @rule(count=st.integers(1, 120))
    def drive(self, count: int) -> None:
        for _ in range(count):
            fix = self.driver.record_fix(9.5, 47.1, 5)
            assert fix is not None
            assert fix.seq not in self.fixes
            self.fixes.add(fix.seq)

    @precondition(lambda self: self.driver.view().needs_attention)
    @rule()
    def try_refused_again(self) -> None:
        refused = self.driver.view().needs_attention[0].id
        self.made.remove(refused)
        self.act(lambda: self.driver.send_again(refused))
        self.retried.add(self.made[-1])

    # The server

    @rule(places=st.lists(st.tuples(tasks, st.integers(1, 3)), unique_by=lambda p: p[0]))
    def plan_anew(self, places: list[tuple[str, int]]) -> None:
        stops: dict[int, list[str]] = {}
        for task, stop in places:
            stops.setdefault(stop, []).append(task)
        self.manifest = Manifest(
            version=self.manifest.version + 1,
            run_id="R1",
            driver_name="Ada",
            stops=tuple(
                make_stop(f"N{stop}", *map(make_task, inside)) for stop, inside in stops.items()
            ),
        )
        self.account.manifest = self.manifest

    @rule(codes=st.integers(1, 2))
    def refuse_next(self, codes: int) -> None:
        self.server.faults.reject = ["some.code"] * codes

    # The network and the phone

    @rule(
        refuse_sockets=st.booleans(),
        fail=st.integers(0, 4),
        lose=st.integers(0, 4),
    )
    def sync_until_sent(self, refuse_sockets: bool, fail: int, lose: int) -> None:
        self.server.faults.refuse_sockets = refuse_sockets
        self.server.faults.fail_requests = fail
        self.server.faults.lose_answers = lose

        async def sync_all() -> None:
            async with syncing(self.store, pace=AFTER_A_KILL) as sync, asyncio.timeout(PATIENCE_S):
                await sync.wait_until_sent()

        self.loop.run_until_complete(sync_all())

    @rule(requests=st.integers(1, 3), lose=st.integers(0, 2))
    def sync_is_killed(self, requests: int, lose: int) -> None:
        self.server.faults.lose_answers = lose
        enough = len(self.server.requests) + requests

        async def sync_some() -> None:
            async with syncing(self.store, pace=AFTER_A_KILL) as sync:
                sent = asyncio.ensure_future(sync.wait_until_sent())
                await until(lambda: len(self.server.requests) >= enough or sent.done())
                sent.cancel()

        self.loop.run_until_complete(sync_some())

    @rule()
    def killed_process_leaves_a_lease(self) -> None:
        Outbox(self.store).lease("killed", now_s=time.monotonic(), lease_s=0.05, limit=2)

    @rule()
    def app_is_restarted(self) -> None:
        self.store.close()
        self.store = Store(self.folder, fsync=False)
        self.driver = Driver(self.store, clock=FrozenClock())

    # Always

    @invariant()
    def nothing_is_lost(self) -> None:
        waiting = {command.id for command in Outbox(self.store).list_waiting()}
        assert set(self.made) <= waiting | set(self.account.effects)
        unsent = {fix.seq for fix in self.store.list_unsent_fixes(10_000)}
        assert self.fixes == unsent | set(self.account.fixes)

    @invariant()
    def each_task_is_heard_of_in_the_order_of_the_acts(self) -> None:
        arrived = [id for id in self.account.effects if id in self.made]
        for task in TASKS:
            about = [id for id in arrived if task in find_tasks(self.account.effects[id])]
            straight = [id for id in about if id not in self.retried]
            assert straight == sorted(straight, key=self.made.index)

    @invariant()
    def what_the_driver_did_is_what_he_sees(self) -> None:
        view = self.driver.view()
        for command in view.on_its_way:
            state = state_after(command.body)
            for task_id in find_tasks(command.body):
                task = view.find_task(task_id)
                assert state is not None
                if task is None:
                    assert command in view.elsewhere
                else:
                    assert ORDER.index(task.state) >= ORDER.index(state)


TestAnyDay = AnyDay.TestCase
TestAnyDay.settings = settings(
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
