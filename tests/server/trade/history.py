"""What happens to a trader, step by step, and what came of it."""

import zlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

import tests.server.trade.coming_back
import tests.server.trade.money
import tests.server.trade.selling
import tests.server.trade.street
import tests.server.trade.warehouse  # noqa: F401 - they register commands
from server.kit.db import Database
from server.kit.errors import PostriderError
from server.kit.relay import relay_pending
from tests.server.trade.command import COMMANDS, Act, Target, find_any, find_targets
from tests.server.trade.trader import Trader

NUMBERS = 64
"""Drawn numbers are less than that."""

EFFECT, NO_EFFECT, REFUSED, BROKEN = "took effect", "changed nothing", "was refused", "broke off"

WRITES = text("""
    select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) > 0
    from pg_stat_xact_user_tables where relname <> 'audit_entry'
""")


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


class Tally:
    """Over all histories: what commands came to, why they were refused, what was reached; and what
    broke, first things first."""

    def __init__(self) -> None:
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.refusals: Counter[str] = Counter()
        self.reached: Counter[str] = Counter()
        self.broken: list[Exception] = []

    def table(self) -> str:
        columns = (EFFECT, NO_EFFECT, REFUSED, BROKEN)
        head = "".join(f"{column:>17}" for column in columns)
        rows = [
            f"{name:20}" + "".join(f"{self.outcomes[name, column]:>17}" for column in columns)
            for name in sorted(COMMANDS)
        ]
        return "\n".join([f"{'':20}{head}", *rows])

    def without_effect(self) -> list[str]:
        return [name for name in sorted(COMMANDS) if not self.outcomes[name, EFFECT]]


class History:
    """luck: any number, by which ties are broken. diary: what was done, for whoever looks for the
    cause of a failure."""

    def __init__(self, trader: Trader, tally: Tally, *, luck: int = 0) -> None:
        self.trader = trader
        self.tally = tally
        self.luck = luck
        self.tried: Counter[str] = Counter()
        self.diary: list[str] = []
        self.news_has_arrived = False

    async def targets(self) -> dict[str, list[Target]]:
        return await find_targets(self.trader)

    def choose(self, targets: dict[str, list[Target]], choice: int) -> str:
        """One of what can be done, mostly one of those that had an effect least often."""
        names = sorted(targets, key=self._rank)
        return names[len(names) * choice**2 // NUMBERS**2]

    def _rank(self, name: str) -> tuple[int, int, int]:
        effects = self.tally.outcomes[name, EFFECT]
        return effects, self.tried[name], zlib.crc32(f"{self.luck} {name}".encode())

    async def pick_target(
        self, name: str, targets: dict[str, list[Target]], which: int
    ) -> Target | None:
        """Mostly one to which it can be done; sometimes one to which it may not be possible."""
        found = targets.get(name, [])
        if which % 8 == 0 or not found:
            found = await find_any(self.trader, name) or found
        return found[which % len(found)] if found else None

    async def prepare(self, name: str, target: Target, amount: int) -> Act | None:
        self.news_has_arrived = False
        self.trader.now += timedelta(seconds=30)
        self.tried[name] += 1
        return await COMMANDS[name].prepare(self.trader, target.id, amount)

    async def do(self, name: str, act: Act, *, dies: bool = False) -> str:
        """In one transaction; its outcome. A refusal has a code and a sentence; anything else is a
        defect."""
        code = ""
        try:
            async with self.trader.db.transaction() as session:
                await act(session)
                await session.flush()
                outcome = EFFECT if await session.scalar(WRITES) else NO_EFFECT
                if dies:
                    raise PowerCut
        except PowerCut:
            outcome = BROKEN
        except PostriderError as refusal:
            assert refusal.status in (404, 409, 422) and refusal.message, refusal
            outcome, code = REFUSED, refusal.code
            self.tally.refusals[f"{name}: {code}"] += 1
        self.tally.outcomes[name, outcome] += 1
        self.diary.append(f"{self.trader.now:%d. %H:%M:%S} {name} {outcome} {code}".rstrip())
        return outcome

    async def step(self, name: str, target: Target, amount: int, how: str = "once") -> str:
        """how: once, twice, dies (before it can commit), or dies, and again."""
        act = await self.prepare(name, target, amount)
        outcome = NO_EFFECT
        if act is None:
            return outcome
        if how.startswith("dies"):
            outcome = await self.do(name, act, dies=True)
        if how != "dies":
            outcome = await self.do(name, act)
        if how == "twice":
            await self.do(name, act)
        return outcome

    async def carry_news(self) -> None:
        await relay_pending(self.trader.db)
        self.news_has_arrived = True
        self.diary.append("news came through")

    async def lose_relay(self, lives: int, *, after_commit: bool) -> None:
        """The relay dies in the midst of its work; another one takes over later."""
        try:
            await relay_pending(Mortal(self.trader.db, lives, after_commit=after_commit))
        except PowerCut:
            self.tally.reached["a relay died"] += 1
            self.diary.append(f"the relay died in transaction {lives}")

    async def night(self) -> None:
        await self.trader.a_night_passes()
        self.news_has_arrived = False
        self.diary.append("a night passed")

    async def note_states(self) -> None:
        """What things have come to by the end of a history."""
        for kind, state in await self.trader.rows(STATES):
            self.tally.reached[f"{kind} {state}"] += 1


STATES = """
    select 'order', state from orders union select 'fulfilment', state from fulfilment
    union select kind, state from consignment union select task.kind || ' task', state from task
    union select kind || ' return', state from return union select 'exchange', state from exchange
    union select kind, state from invoice union select 'shortage', state from shortage
    union select kind || ' work', state from pick_task
    union select 'goods', disposition from return_line where disposition is not null
    union select 'difference', kind from return_difference
    union select 'cash', 'counted' from cash_debrief_line
    union select 'cash', 'remitted' from remittance_line
"""
