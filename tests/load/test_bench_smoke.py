"""The bench itself works, at a size that takes seconds; its figures are for ./postrider bench."""

import os
from datetime import UTC, datetime

from sqlalchemy import text

from server.app.bench import live
from server.app.bench.conditions import cpu_s_of
from server.app.bench.fight import fight
from server.app.bench.scale import KINDS, scale
from server.app.bench.soak import Losses, count_losses
from server.kit.db import Database
from server.kit.feed import Feed
from server.kit.ids import new_id
from server.kit.settings import Settings
from server.tracking import service as tracking


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


def test_a_figure_of_the_live_path_that_nobody_could_measure_is_missed() -> None:
    us = {live.BARE: 5.0, live.WHOLE: 6.0}
    assert live.at_least("bare against whole", 0.75, us, live.BARE, live.WHOLE).is_met
    assert not live.at_least("bare against whole", 0.9, us, live.BARE, live.WHOLE).is_met
    unknown = live.at_least("mosquitto against whole", 0.8, us, live.MOSQUITTO, live.WHOLE)
    assert (unknown.found, unknown.is_met) == (None, False)


async def test_soak_finds_what_was_acknowledged_and_is_not_stored(own_db: Database) -> None:
    whole, cut_off, with_a_gap, silent = (new_id() for _ in range(4))
    stored = {whole: (1, 2, 3), cut_off: (1, 2), with_a_gap: (1, 3)}
    at = datetime(2026, 3, 2, 12, tzinfo=UTC)
    async with own_db.transaction() as session:
        await tracking.ensure_partitions(session, [at.date()])
        for device_id, seqs in stored.items():
            for seq in seqs:
                await session.execute(
                    text(
                        "insert into fix (device_id, driver_id, seq, taken_at, received_at,"
                        " position, accuracy_m) values (:device_id, :device_id, :seq, :at, :at,"
                        " 'point(9.5 47.1)', 5)"
                    ),
                    {"device_id": device_id, "seq": seq, "at": at},
                )
    assert await count_losses(own_db, {whole: 3, silent: 0}) == Losses(3, 0, 0)
    acknowledged = {whole: 3, cut_off: 3, with_a_gap: 3, silent: 2}
    assert await count_losses(own_db, acknowledged) == Losses(7, 4, 0)
