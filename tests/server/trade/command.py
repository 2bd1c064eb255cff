"""Commands: what somebody may do to a trader's company, and to which things it can be done now.

A command is prepared from what stands in the database, and then done in one transaction, so that a
test may break it, repeat it, or do two at the same time.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tests.server.trade.trader import Trader

Act = Callable[[AsyncSession], Awaitable[object]]
Prepare = Callable[[Trader, Any, int], Awaitable[Act | None]]


@dataclass(frozen=True)
class Command:
    """to: a query for (what it can be done to, the order or paper that this is about).
    any_of: a table of things, to all of which it may be tried."""

    name: str
    to: str
    any_of: str
    prepare: Prepare


@dataclass(frozen=True)
class Target:
    id: UUID | None
    about: UUID | None = None


COMMANDS: dict[str, Command] = {}
ALWAYS = [Target(None)]


def command(to: str = "", *, any_of: str = "") -> Callable[[Prepare], Prepare]:
    """Register `async def cancel(trader, order_id, amount)` under its name. Without `to` it can
    always be done, to None. amount: any number; what it means is up to the command."""

    def register(prepare: Prepare) -> Prepare:
        name = prepare.__name__
        COMMANDS[name] = Command(name, to, any_of, prepare)
        return prepare

    return register


@cache
def _all_targets() -> str:
    return " union all ".join(
        f"select '{each.name}', target.* from ({each.to}) target (id, about)"
        for each in COMMANDS.values()
        if each.to
    )


async def find_targets(trader: Trader) -> dict[str, list[Target]]:
    """Of every command that can be done now, what it can be done to."""
    found = {name: ALWAYS for name, each in COMMANDS.items() if not each.to}
    for name, target_id, about in await trader.rows(_all_targets()):
        found.setdefault(name, []).append(Target(target_id, about))
    return {name: sorted(found[name], key=lambda each: str(each.id)) for name in sorted(found)}


async def find_any(trader: Trader, name: str) -> list[Target]:
    """What it may be tried on, though most of these are not in a state for it."""
    table = COMMANDS[name].any_of
    if not table:
        return []
    rows = await trader.rows(f"select id from {table} where account_id = :account order by id")
    return [Target(row[0]) for row in rows]
