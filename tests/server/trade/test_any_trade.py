"""Whatever is ordered, picked, sent, brought back, billed and paid, in whatever order, with the
power failing between any two steps and two people at it at once: the books of all rooms are true.
"""

import asyncio
import copy
import os
from collections.abc import Coroutine
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from server.kit import clock
from server.kit.db import Database
from server.kit.relay import relay_pending
from tests.conftest import Databases
from tests.server.trade.books import check_books
from tests.server.trade.filled import fill
from tests.server.trade.history import NUMBERS, History, Tally
from tests.server.trade.trader import Trader

WHAT = st.sampled_from(
    [
        *["somebody does something"] * 8,
        *["two at once"] * 3,
        *["somebody while news comes"] * 2,
        *["news comes"] * 3,
        *["the relay dies"] * 2,
        "a night passes",
    ]
)
NUMBER = st.integers(0, NUMBERS - 1)
ENOUGH_FOR_ALL = 10
"""With so many histories every command must have had an effect, and a relay must have died."""

HOW = st.sampled_from(["once", "once", "once", "twice", "dies", "dies, and again"])


class AnyTrade(RuleBasedStateMachine):
    """What happens is drawn before it is looked at what stands, so that a history that two people
    at once made differ still draws the same. There is one rule only: Hypothesis leaves some rules
    out of each history, and with a few histories some would never have their turn."""

    def __init__(self, runner: asyncio.Runner, db: Database, trader: Trader, tally: Tally) -> None:
        super().__init__()
        self.runner = runner
        trader.db = db
        self.history = History(trader, tally)
        self.trader = trader
        self.clock = clock.running(lambda: trader.now)
        self.clock.__enter__()

    def teardown(self) -> None:
        self.run(self.history.note_states())
        self.clock.__exit__(None, None, None)
        self.run(self.trader.db.close())

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """What breaks is kept with its story: who broke it at once with another may not break it
        again, and then Hypothesis only says that the test is not to be relied on."""
        try:
            self.runner.run(work)
        except Exception as broken:
            broken.add_note("\n".join(self.history.diary))
            self.history.tally.broken.append(broken)
            raise

    @initialize(luck=NUMBER)
    def trade_begins(self, luck: int) -> None:
        self.history.luck = luck

    @rule(
        what=WHAT,
        choice=NUMBER,
        which=NUMBER,
        amount=NUMBER,
        how=HOW,
        other=NUMBER,
        lives=st.integers(1, 12),
        after_commit=st.booleans(),
    )
    def trade_goes_on(
        self,
        what: str,
        choice: int,
        which: int,
        amount: int,
        how: str,
        other: int,
        lives: int,
        after_commit: bool,
    ) -> None:
        match what:
            case "two at once":
                self.run(self.two_at_once(choice, which, amount, other))
            case "somebody while news comes":
                self.run(self.somebody_while_news_comes(choice, which, amount))
            case "news comes":
                self.run(self.history.carry_news())
            case "the relay dies":
                self.run(self.somebody(choice, which, amount, "once"))
                self.run(self.history.lose_relay(lives, after_commit=after_commit))
            case "a night passes":
                self.run(self.history.night())
            case _:
                self.run(self.somebody(choice, which, amount, how))

    async def somebody(self, choice: int, which: int, amount: int, how: str) -> None:
        targets = await self.history.targets()
        name = self.history.choose(targets, choice)
        target = await self.history.pick_target(name, targets, which)
        assert target is not None
        await self.history.step(name, target, amount, how)

    async def two_at_once(self, choice: int, which: int, amount: int, other: int) -> None:
        """After the same order or paper, if another thing can be done to that; else both do one
        and the same."""
        targets = await self.history.targets()
        name = self.history.choose(targets, choice)
        target = await self.history.pick_target(name, targets, which)
        assert target is not None
        rivals = {
            each: same
            for each, found in targets.items()
            if (same := [one for one in found if one.about and one.about == target.about])
        }
        rival = self.history.choose(rivals, other) if rivals else name
        acts = [
            (name, await self.history.prepare(name, target, amount)),
            (rival, await self.history.prepare(rival, rivals.get(rival, [target])[0], other)),
        ]
        self.history.diary.append("two at once:")
        await asyncio.gather(*(self.history.do(each, act) for each, act in acts if act is not None))

    async def somebody_while_news_comes(self, choice: int, which: int, amount: int) -> None:
        targets = await self.history.targets()
        name = self.history.choose(targets, choice)
        target = await self.history.pick_target(name, targets, which)
        assert target is not None
        act = await self.history.prepare(name, target, amount)
        if act is not None:
            self.history.diary.append("while news comes:")
            await asyncio.gather(self.history.do(name, act), relay_pending(self.trader.db))

    @invariant()
    def the_books_are_true(self) -> None:
        async def check() -> None:
            async with self.trader.db.transaction() as session:
                await check_books(
                    session,
                    self.trader.account_id,
                    news_has_arrived=self.history.news_has_arrived,
                    since=self.trader.opened_at,
                )

        self.run(check())


def play(databases: Databases, *, histories: int, steps: int, number: int) -> Tally:
    """number: the seed; the same one plays the same histories, but for what two at once make of
    them."""
    print(f"seed {number}: {histories} histories of {steps} steps")
    tally = Tally()
    with asyncio.Runner() as runner:
        filled, trader = runner.run(_filled_house(databases))

        @seed(number)
        class Histories(AnyTrade):
            def __init__(self) -> None:
                self.name = runner.run(databases.copy(filled))
                db = Database(databases.url(self.name), pool_size=6)
                super().__init__(runner, db, copy.copy(trader), tally)

            def teardown(self) -> None:
                super().teardown()
                runner.run(databases.drop(self.name))

        try:
            run_state_machine_as_test(
                Histories,
                settings=settings(
                    max_examples=histories,
                    stateful_step_count=steps,
                    deadline=None,
                    database=None,
                    phases=[Phase.generate],
                    print_blob=True,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        except Flaky as flaky:
            raise (tally.broken[0] if tally.broken else flaky) from None
        finally:
            runner.run(databases.drop(filled))
    return tally


async def _filled_house(databases: Databases) -> tuple[str, Trader]:
    """The database in which something of everything is under way, and whose it is."""
    name = await databases.copy()
    db = Database(databases.url(name), pool_size=6)
    trader = Trader(db)
    with clock.running(lambda: trader.now):
        await trader.open()
        await fill(History(trader, Tally()))
    await db.close()
    return name, trader


def test_any_trade_leaves_the_books_of_all_rooms_true(databases: Databases) -> None:
    """More of it: POSTRIDER_TRADE_HISTORIES=200 POSTRIDER_TRADE_SEED=7."""
    histories = int(os.environ.get("POSTRIDER_TRADE_HISTORIES", "4"))
    tally = play(
        databases,
        histories=histories,
        steps=40,
        number=int(os.environ.get("POSTRIDER_TRADE_SEED", "1")),
    )
    print(tally.table())
    print(*sorted(tally.refusals.items()), sep="\n")
    print(*sorted(tally.reached.items()), sep="\n")
    if histories >= ENOUGH_FOR_ALL:
        assert not tally.without_effect(), "a command that never takes effect proves nothing"
        assert tally.reached["a relay died"]
