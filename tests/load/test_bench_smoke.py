"""The bench itself works, at a size that takes seconds; its figures are for ./postrider bench."""

import os

from server.app.bench.conditions import cpu_s_of
from server.app.bench.fight import fight
from server.app.bench.scale import KINDS, scale
from server.kit.db import Database
from server.kit.feed import Feed
from server.kit.settings import Settings


def quiet(_: str) -> None:
    return None


async def test_a_small_fight_ends_with_every_unit_sold_once(own_db: Database) -> None:
    fought = await fight(own_db, clients=8, units=40, say=quiet)
    assert fought.is_right, fought
    assert fought.refusals
    assert fought.orders


async def test_a_small_past_is_generated_with_true_books_and_asked(
    own_db: Database, feed: Feed, settings: Settings
) -> None:
    url = own_db.engine.url.render_as_string(hide_password=False)
    own = Settings(
        database_url=url,
        redis_url=settings.redis_url,
        data_dir=settings.data_dir,
        secret=settings.secret,
    )
    seen = await scale(own_db, feed, own, orders=500, rounds=1, requests=2, say=quiet)
    assert (seen.orders, seen.lines, seen.skus) == (500, 1500, 50)
    assert [each.what for each in seen.waiting] == list(KINDS)
    assert all(seen.plans.values())
    assert seen.levels_are_moves


def test_cpu_seconds_of_a_process_grow_while_it_works() -> None:
    before = cpu_s_of(os.getpid())
    while cpu_s_of(os.getpid()) < before + 0.02:
        sum(range(100_000))
