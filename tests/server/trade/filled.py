"""A house in the midst of its business, in which every history begins: of all that can be under
way, something is."""

from tests.server.trade.command import Target
from tests.server.trade.history import EFFECT, History
from tests.server.trade.warehouse import PICKED

TEA, CUP = (20, 27), (6, 13)
"""Amounts of goods_come that are seven of it."""


async def fill(history: History) -> None:
    await _each(history, "goods_come", *TEA, *TEA, *TEA, *CUP, *CUP)
    await _each(history, "goods_come", 4)
    await _each(history, "order", 0, 1, 2, 3, 4, 5, 6, 7, 9)
    await history.carry_news()
    await _from_shelf_to_van(history)
    await _all(history, "deliver", at_most=5)
    await _all(history, "fail_at_door", at_most=2, amounts=(0, 1))
    await history.carry_news()
    await _all(history, "debrief")
    await _all(history, "unload")
    await history.carry_news()
    await _goods_come_back(history)
    await _money_comes(history)
    await _work_waits(history)
    await history.night()


async def _from_shelf_to_van(history: History) -> None:
    await _all(history, "begin_wave", amounts=(5,))
    await _all(history, "pick")
    await _all(history, "pack")
    await history.carry_news()
    await _all(history, "send_driver")
    await history.carry_news()


async def _goods_come_back(history: History) -> None:
    await _all(history, "announce_return", at_most=3)
    await _all(history, "swap", at_most=2, amounts=(2, 1))
    await history.carry_news()
    await _all(history, "send_driver")
    await history.carry_news()
    await _all(history, "collect", at_most=3)
    await history.carry_news()
    await _all(history, "unload", at_most=2)
    await history.carry_news()
    await _all(history, "open_box", at_most=2, amounts=(1, 4))
    await _all(history, "ask_for_return", at_most=2)
    await _all(history, "swap", at_most=2, amounts=(2, 6))
    await history.carry_news()


async def _money_comes(history: History) -> None:
    await _each(history, "charge_by_hand", 0, 2)
    await _all(history, "invoice", at_most=1)
    await _all(history, "issue")
    await _each(history, "is_paid", 1, 2, 3)
    await _all(history, "match", at_most=1)
    await _each(history, "charge_by_hand", 1)
    await _all(history, "invoice", at_most=1)
    await _all(history, "deliver", at_most=1)
    await history.carry_news()


async def _work_waits(history: History) -> None:
    """Picked goods of a cancelled order, a shelf that was short, a wave half done."""
    await _each(history, "goods_come", 4, *TEA, *CUP)
    await _each(history, "order", 0, 1, 6, 5, 2)
    await history.carry_news()
    await _all(history, "begin_wave", at_most=3, amounts=(5,))
    await _all(history, "pick", at_most=4)
    await _all(history, "pick_short", at_most=2)
    (picked, *_) = await history.trader.rows(PICKED)
    await history.step("cancel", Target(picked[1]), 0)
    await history.carry_news()


async def _each(history: History, name: str, *amounts: int) -> None:
    for amount in amounts:
        outcome = await history.step(name, Target(None), amount)
        assert outcome == EFFECT, history.diary


async def _all(
    history: History, name: str, *, at_most: int = 100, amounts: tuple[int, ...] = (1,)
) -> None:
    """As long as there is something to which it can be done."""
    for number in range(at_most):
        found = (await history.targets()).get(name)
        if not found:
            assert number, (f"nothing to {name}", history.diary)
            return
        target = found[number % len(found)]
        outcome = await history.step(name, target, amounts[number % len(amounts)])
        assert outcome == EFFECT, history.diary
