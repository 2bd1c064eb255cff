"""Who else looks at the same thing right now."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from server.identity.access import Role
from server.kit import clock
from server.kit.ids import new_id
from server.live.presence import STAY_S

MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


async def look(
    client: httpx.AsyncClient, run_id: str, screen: str, **more: Any
) -> list[dict[str, Any]]:
    looking = {"kind": "run", "id": run_id, "screen": screen, **more}
    answer = await client.post("/api/presence", json=looking)
    assert answer.status_code == 200, answer.text
    others: list[dict[str, Any]] = answer.json()["others"]
    return others


async def test_people_see_each_other_until_they_leave_or_fall_silent(sign_in: Any) -> None:
    one, other = await sign_in(Role.DISPATCHER), await sign_in(Role.ADMIN)
    run_id, now = str(new_id()), MORNING
    with clock.running(lambda: now):
        assert await look(one, run_id, "0a" * 8) == []
        assert [each["is_me"] for each in await look(other, run_id, "0b" * 8)] == [False]
        assert len(await look(one, run_id, "0a" * 8)) == 1
        assert await look(one, str(new_id()), "0a" * 8) == [], "that is another run"
        await look(other, run_id, "0b" * 8, is_leaving=True)
        assert await look(one, run_id, "0a" * 8) == []
        await look(other, run_id, "0b" * 8)
        now += timedelta(seconds=STAY_S + 1)
        assert await look(one, run_id, "0a" * 8) == []


async def test_second_window_of_the_same_person_is_said_to_be_theirs(sign_in: Any) -> None:
    one, run_id = await sign_in(Role.DISPATCHER), str(new_id())
    with clock.running(lambda: MORNING):
        await look(one, run_id, "0a" * 8)
        assert [each["is_me"] for each in await look(one, run_id, "0b" * 8)] == [True]


async def test_customers_and_strangers_learn_nothing(sign_in: Any, client: Any) -> None:
    looking = {"kind": "run", "id": str(new_id()), "screen": "0a" * 8}
    assert (await client.post("/api/presence", json=looking)).status_code == 401
    driver = await sign_in(Role.DRIVER)
    assert (await driver.post("/api/presence", json=looking)).status_code == 403
