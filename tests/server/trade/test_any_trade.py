"""Whatever is ordered, picked, sent, brought back, billed and paid, in whatever order, with the
power failing between any two steps and two people at it at once: the books of all rooms are true.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import ClassVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit import clock
from server.kit.db import Database
from server.kit.errors import PostriderError
from server.kit.relay import relay_pending
from tests.conftest import Databases
from tests.server.trade.books import check_books
from tests.server.trade.trader import Act, Trader, open_books

COMMANDS: dict[str, Callable[[Trader, int, int], Awaitable[Act | None]]] = {
    name: getattr(Trader, name)
    for name in [
        "goods_come",
        "correct_a_shelf",
        "transfer",
        "order",
        "hold",
        "release",
        "amend",
        "split",
        "merge",
        "cancel",
        "begin_wave",
        "give_wave_up",
        "pick",
        "pack",
        "put_back",
        "settle_a_shortage",
        "send_driver",
        "finish_a_task",
        "fail_a_task",
        "unload",
        "ask_for_return",
        "give_return_up",
        "open_box",
        "inspect",
        "resolve",
        "swap",
        "pay_difference",
        "give_exchange_up",
        "invoice",
        "issue",
        "discard",
        "credit",
        "take_charge_back",
        "is_paid",
        "match",
        "unmatch",
        "debrief",
        "remit",
    ]
}
PHASES = [Phase.generate]
WORKDAY = [
    "begin_wave",
    "pick",
    "pick",
    "pick",
    "pick",
    "pack",
    "pack",
    "NEWS",
    "send_driver",
    "send_driver",
    "finish_a_task",
    "finish_a_task",
    "NEWS",
    "unload",
    "NEWS",
    "open_box",
    "inspect",
    "inspect",
    "pay_difference",
    "NEWS",
    "invoice",
    "issue",
    "debrief",
    "remit",
]
"""What a company does that has work, in an order that gets it done."""

COMMAND = st.sampled_from(sorted(COMMANDS))
NUMBER = st.integers(0, 63)
HOW = st.sampled_from(["once", "once", "twice", "dies", "dies, and again"])


class PowerCut(BaseException):
    """The process dies; nobody in it can catch that."""


class Mortal(Database):
    """A database whose process dies in its n-th transaction, before or after the commit."""

    def __init__(self, db: Database, lives: int, *, after_commit: bool) -> None:
        self._db = db
        self._lives = lives
        self._after_commit = after_commit

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        self._lives -= 1
        dies = self._lives == 0
        async with self._db.transaction() as session:
            yield session
            if dies and not self._after_commit:
                raise PowerCut
        if dies:
            raise PowerCut


class AnyTrade(RuleBasedStateMachine):
    """What a rule does is drawn before it looks at what stands, so that a history that two people
    at once made differ still draws the same.

    done: how often each command had an effect, over all histories; refused: codes of refusals.
    """

    done: ClassVar[Counter[str]] = Counter()
    refused: ClassVar[Counter[str]] = Counter()
    traders: ClassVar[int] = 0

    def __init__(self, runner: asyncio.Runner, db: Database) -> None:
        super().__init__()
        self.run = runner.run
        self.db = db
        AnyTrade.traders += 1
        self.trader = Trader(db, AnyTrade.traders)
        self.clock = clock.running(lambda: self.trader.now)
        self.clock.__enter__()
        self.run(self.trader.open())
        self.news_has_arrived = False

    def teardown(self) -> None:
        self.run(relay_pending(self.db))
        self.clock.__exit__(None, None, None)

    async def prepare(self, name: str, which: int, amount: int) -> Act | None:
        self.news_has_arrived = False
        self.trader.now += timedelta(seconds=30)
        return await COMMANDS[name](self.trader, which, amount)

    async def do(self, name: str, act: Act, *, dies: bool = False) -> None:
        """In one transaction. A refusal has a code and a sentence; anything else is a defect."""
        try:
            async with self.db.transaction() as session:
                await act(session)
                if dies:
                    raise PowerCut
        except PowerCut:
            return
        except PostriderError as refusal:
            assert refusal.status in (404, 409, 422) and refusal.message, refusal
            self.refused[f"{name}: {refusal.code}"] += 1
            return
        self.done[name] += 1

    async def carry_news(self) -> None:
        await relay_pending(self.db)
        self.news_has_arrived = True

    @initialize(which=NUMBER)
    def trade_begins(self, which: int) -> None:
        """Something was sold, delivered and billed, and something else is ordered."""

        async def begin() -> None:
            for number in (0, 6, 1, 7):
                await self.step("goods_come", number, number)
            await self.step("order", which, which)
            await self.step("order", which // 4, 1)
            await self.work()
            await self.step("order", which // 2, which)

        self.run(begin())

    async def step(self, name: str, which: int, amount: int, how: str = "once") -> None:
        act = await self.prepare(name, which, amount)
        if act is None:
            return
        if how.startswith("dies"):
            await self.do(name, act, dies=True)
        if how != "dies":
            await self.do(name, act)
        if how == "twice":
            await self.do(name, act)

    async def work(self) -> None:
        await self.carry_news()
        for number, name in enumerate(WORKDAY):
            if name == "NEWS":
                await self.carry_news()
            else:
                await self.step(name, 1 + 8 * number, 1)

    @rule(name=COMMAND, which=NUMBER, amount=NUMBER, how=HOW)
    def somebody_else(self, name: str, which: int, amount: int, how: str) -> None:
        self.somebody(name, which, amount, how)

    @rule(name=COMMAND, which=NUMBER, amount=NUMBER, how=HOW)
    def somebody(self, name: str, which: int, amount: int, how: str) -> None:
        self.run(self.step(name, which, amount, how))

    @rule(
        first=COMMAND, which=NUMBER, amount=NUMBER, second=COMMAND, other=NUMBER, same=st.booleans()
    )
    def two_at_once(
        self, first: str, which: int, amount: int, second: str, other: int, same: bool
    ) -> None:
        """same: they are after the same order, return or invoice, as far as both can be."""

        async def both() -> None:
            acts = [
                (first, await self.prepare(first, which, amount)),
                (second, await self.prepare(second, which if same else other, amount)),
            ]
            await asyncio.gather(*(self.do(name, act) for name, act in acts if act is not None))

        self.run(both())

    @rule(name=COMMAND, which=NUMBER, amount=NUMBER)
    def somebody_while_news_comes(self, name: str, which: int, amount: int) -> None:
        async def both() -> None:
            act = await self.prepare(name, which, amount)
            if act is not None:
                await asyncio.gather(self.do(name, act), relay_pending(self.db))

        self.run(both())

    @rule(kills=st.lists(st.integers(1, 12), max_size=2), after_commit=st.booleans())
    def news_comes_through(self, kills: list[int], after_commit: bool) -> None:
        """kills: in which of its transactions the relay dies, before another one takes over."""

        async def carry() -> None:
            for lives in kills:
                try:
                    await relay_pending(Mortal(self.db, lives, after_commit=after_commit))
                except PowerCut:
                    self.done["a relay died"] += 1
            await self.carry_news()

        self.run(carry())

    @rule()
    def a_day_of_work(self) -> None:
        self.run(self.work())

    @rule()
    def a_night_passes(self) -> None:
        self.run(self.trader.a_night_passes())

    @invariant()
    def the_books_are_true(self) -> None:
        async def check() -> None:
            async with self.db.transaction() as session:
                await check_books(
                    session,
                    self.trader.account_id,
                    news_has_arrived=self.news_has_arrived,
                    since=self.trader.opened_at,
                )

        self.run(check())


def play(databases: Databases, *, histories: int, steps: int, number: int) -> None:
    """number: the seed; the same one plays the same histories, but for what two at once make of
    them."""
    print(f"seed {number}: {histories} histories of {steps} steps")
    with asyncio.Runner() as runner:
        name = runner.run(databases.copy())
        db = Database(databases.url(name), pool_size=6)
        runner.run(open_books(db))

        @seed(number)
        class Histories(AnyTrade):
            def __init__(self) -> None:
                super().__init__(runner, db)

        try:
            run_state_machine_as_test(
                Histories,
                settings=settings(
                    max_examples=histories,
                    stateful_step_count=steps,
                    deadline=None,
                    database=None,
                    phases=PHASES,
                    print_blob=True,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(db.close())
            runner.run(databases.drop(name))
    print(sorted(AnyTrade.done.items()), sorted(AnyTrade.refused.items()), sep="\n")


def test_any_trade_leaves_the_books_of_all_rooms_true(databases: Databases) -> None:
    """More of it: POSTRIDER_TRADE_HISTORIES=200 POSTRIDER_TRADE_SEED=7."""
    play(
        databases,
        histories=int(os.environ.get("POSTRIDER_TRADE_HISTORIES", "4")),
        steps=40,
        number=int(os.environ.get("POSTRIDER_TRADE_SEED", "1")),
    )
