"""Standing orders come when their rule says so, once each, whatever the clocks do."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.accounts import service as accounts
from server.identity.access import Role
from server.kit import clock
from server.kit.db import Database
from server.kit.errors import Invalid
from server.kit.geo import Position
from server.orders import service as orders
from server.orders.recurrence import check_rule, occurrences
from server.orders.service import OrderDraft, OrderLine, Party, Rhythm
from server.orders.standing import capture_due, create_standing_order, pause_standing_order
from server.orders.timers import capture_standing_orders
from server.places import service as places
from server.places.service import Address

NewDraft = Callable[..., OrderDraft]
SignIn = Callable[..., Awaitable[httpx.AsyncClient]]

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)  # a Monday
VADUZ = ZoneInfo("Europe/Vaduz")


def rhythm(rule: str, starts: str = "2026-11-24T09:00:00", **more: Any) -> Rhythm:
    fields: dict[str, Any] = {"timezone": "Europe/Vaduz", "duration_s": 7_200} | more
    return Rhythm(name="Tea", rule=rule, starts_local=datetime.fromisoformat(starts), **fields)


def local(rule: str, starts: str, limit: int, **more: Any) -> list[str]:
    found = occurrences(
        rule,
        datetime.fromisoformat(starts),
        VADUZ,
        after=datetime(2000, 1, 1, tzinfo=UTC),
        limit=limit,
        **more,
    )
    return [at.astimezone(VADUZ).isoformat() for at in found]


def test_a_window_stays_at_its_hour_when_the_clocks_change() -> None:
    assert local("FREQ=DAILY", "2026-03-28T09:00", 2) == [
        "2026-03-28T09:00:00+01:00",
        "2026-03-29T09:00:00+02:00",
    ]


def test_an_hour_that_is_skipped_comes_later_and_one_that_comes_twice_counts_once() -> None:
    assert local("FREQ=DAILY", "2026-03-28T02:30", 3)[1:] == [
        "2026-03-29T03:30:00+02:00",
        "2026-03-30T02:30:00+02:00",
    ]
    assert local("FREQ=DAILY", "2026-10-24T02:30", 3)[1:] == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-26T02:30:00+01:00",
    ]


def test_rules_say_what_people_mean() -> None:
    mondays = local("FREQ=MONTHLY;BYDAY=1MO;COUNT=2", "2026-11-24T09:00", 9)
    assert mondays == ["2026-12-07T09:00:00+01:00", "2027-01-04T09:00:00+01:00"]
    until = local("FREQ=WEEKLY;BYDAY=TU,TH;UNTIL=20261203", "2026-11-24T09:00", 9)
    assert [each[:10] for each in until] == ["2026-11-24", "2026-11-26", "2026-12-01", "2026-12-03"]
    leap = local("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "2026-11-24T09:00", 1)
    assert leap == ["2028-02-29T09:00:00+01:00"]
    skipped = local("FREQ=DAILY", "2026-11-24T09:00", 2, skipped={date(2026, 11, 25)})
    assert [each[:10] for each in skipped] == ["2026-11-24", "2026-11-26"]


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=HOURLY",
        "FREQ=DAILY;COUNT=1000000",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;BYSECOND=1,2,3",
        "FREQ=DAILY;BYHOUR=1",
        "FREQ=DAILY;FREQ=DAILY",
        "FREQ=DAILY;COUNT=2;UNTIL=20261231",
        "FREQ=DAILY;UNTIL=99991231",
        "FREQ=DAILY;UNTIL=20261332",
        "FREQ=DAILY;UNTIL=20000101",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=MONTHLY;BYMONTHDAY=" + ",".join(["1"] * 40),
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYMONTHDAY=1;BYSETPOS=2",
        "DTSTART:20260101",
        "FREQ",
        ";;;",
    ],
)
def test_hostile_rules_are_refused_with_a_sentence_and_soon(rule: str) -> None:
    began = time.process_time()
    with pytest.raises(Invalid, match="Write it like"):
        check_rule(rule, datetime(2026, 11, 24, 9))  # noqa: DTZ001
    assert time.process_time() - began < 5


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    st.integers(1, 12),
    st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001
    st.sampled_from(["Europe/Vaduz", "America/Sao_Paulo", "Australia/Lord_Howe", "UTC"]),
)
def test_occurrences_go_forward_one_a_day_at_most(
    frequency: str, interval: int, starts: datetime, zone: str
) -> None:
    rule, place = f"FREQ={frequency};INTERVAL={interval}", ZoneInfo(zone)
    after = starts.replace(tzinfo=place).astimezone(UTC) - timedelta(seconds=1)
    times = occurrences(rule, starts, place, after=after, limit=20)
    assert times == sorted(set(times))
    days = [at.astimezone(place).date() for at in times]
    assert len(set(days)) == len(days)
    rest = occurrences(rule, starts, place, after=times[4], limit=15)
    assert rest == times[5:]


async def run_to(db: Database, moment: datetime) -> None:
    with clock.running(lambda: moment):
        await capture_standing_orders(db)


async def captured(db: Database) -> list[str]:
    async with db.transaction() as session:
        page = await orders.list_orders(session)
    starts = [order.window_start_at for order in page.items if order.channel == "standing"]
    return sorted(at.isoformat()[:10] for at in starts)


async def test_what_is_due_is_captured_once_however_often_the_worker_looks(
    db: Database, new_draft: NewDraft
) -> None:
    async with db.transaction() as session:
        rule = rhythm("FREQ=DAILY;COUNT=3", lead_s=3_600)
        made = await create_standing_order(session, new_draft(), rule, by="shop")
    assert [at.isoformat() for at in made.next] == [
        f"2026-11-{day}T08:00:00+00:00" for day in (24, 25, 26)
    ]
    await run_to(db, NOW)
    assert await captured(db) == []
    for _ in range(3):
        await run_to(db, datetime(2026, 11, 24, 7, 0, tzinfo=UTC))
    assert await captured(db) == ["2026-11-24"]
    for day in (25, 26, 27, 28):
        await run_to(db, datetime(2026, 11, day, 7, 0, tzinfo=UTC))
    assert await captured(db) == ["2026-11-24", "2026-11-25", "2026-11-26"]


async def test_what_was_missed_while_the_worker_slept_is_not_delivered_in_a_heap(
    db: Database, new_draft: NewDraft
) -> None:
    async with db.transaction() as session:
        rule = rhythm("FREQ=DAILY", lead_s=3_600)
        made = await create_standing_order(session, new_draft(), rule, by="shop")
    await run_to(db, datetime(2026, 12, 5, 8, 30, tzinfo=UTC))
    assert await captured(db) == ["2026-12-05"]
    async with db.transaction() as session:
        page = await orders.list_standing_orders(session)
    assert page.items[0].id == made.id and page.items[0].problem == ""


async def test_two_workers_capture_each_occurrence_once(own_db: Database) -> None:
    async with own_db.transaction() as session:
        account = await accounts.create_account(session, name="Shop", code="SHOP", by="test")
        place = await places.create_place(
            session, Address(street="Main Street"), position=Position(9.5, 47.1)
        )
        draft = OrderDraft(
            account_id=account.id,
            kind="goods",
            channel="api",
            consignee=Party(name="Ada", place_id=place.id),
            lines=(OrderLine(sku="TEA-1", quantity=1),),
        )
        for _ in range(4):
            rule = rhythm("FREQ=DAILY;COUNT=2", lead_s=3_600)
            await create_standing_order(session, draft, rule, by="shop")

    async def look() -> bool:
        async with own_db.transaction() as session:
            return await capture_due(session)

    with clock.running(lambda: datetime(2026, 11, 24, 7, 30, tzinfo=UTC)):
        looks = await asyncio.gather(*(look() for _ in range(12)))
    assert sum(looks) == 4
    assert await captured(own_db) == ["2026-11-24"] * 4


async def test_a_paused_one_rests_and_goes_on_with_what_is_to_come(
    db: Database, new_draft: NewDraft
) -> None:
    async with db.transaction() as session:
        made = await create_standing_order(
            session, new_draft(), rhythm("FREQ=DAILY", lead_s=0), by="shop"
        )
        paused = await pause_standing_order(session, made.id, by="shop")
    assert paused.state == "paused"
    await run_to(db, datetime(2026, 11, 25, 9, 0, tzinfo=UTC))
    assert await captured(db) == []
    with clock.running(lambda: datetime(2026, 11, 26, 12, 0, tzinfo=UTC)):
        async with db.transaction() as session:
            resumed = await orders.resume_standing_order(session, made.id, by="shop")
    assert resumed.next[0].isoformat() == "2026-11-27T08:00:00+00:00"


async def test_standing_orders_over_http(sign_in: SignIn, account: Any) -> None:
    shop = await sign_in(Role.ACCOUNT_USER, account.id)
    body: dict[str, Any] = {
        "order": {
            "consignee": {"name": "Ada", "address": {"street": "Main", "lon": 9.5, "lat": 47.1}},
            "lines": [{"sku": "TEA-1", "quantity": 1}],
        },
        "rhythm": {
            "name": "Tea",
            "rule": "FREQ=WEEKLY;BYDAY=MO,TH",
            "starts_local": "2026-11-26T09:00:00",
            "timezone": "Europe/Vaduz",
            "duration_s": 7200,
        },
    }
    made = await shop.post("/api/standing-orders", json=body)
    assert made.status_code == 201, made.text
    path = f"/api/standing-orders/{made.json()['id']}"
    assert len(made.json()["next"]) == 10
    skipped = await shop.put(f"{path}/skipped/2026-11-30")
    assert skipped.json()["skipped"] == ["2026-11-30"]
    assert "2026-11-30T08:00:00Z" not in skipped.json()["next"]
    wrong = await shop.put(f"{path}/skipped/2026-12-01")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "orders.not_one_of_its_days")
    assert (await shop.post(f"{path}/pause")).json()["state"] == "paused"
    assert (await shop.post(f"{path}/resume")).json()["state"] == "active"
    assert (await shop.post(f"{path}/end")).json()["state"] == "ended"
    assert (await shop.get(path)).json()["next"] == []
    other = await sign_in(Role.ACCOUNT_USER, (await open_account(sign_in)))
    assert (await other.get(path)).status_code == 404
    assert (await other.get("/api/standing-orders")).json()["items"] == []
    for name, value in (
        ("rule", "FREQ=SECONDLY"),
        ("timezone", "Mars/Base"),
        ("timezone", "../../etc/passwd"),
        ("timezone", "Europe"),
        ("starts_local", "2026-11-26T09:00:00Z"),
        ("duration_s", 0),
    ):
        bad = body | {"rhythm": body["rhythm"] | {name: value}}
        assert (await shop.post("/api/standing-orders", json=bad)).status_code == 422, name


async def open_account(sign_in: SignIn) -> Any:
    clerk = await sign_in(Role.CLERK)
    answer = await clerk.post("/api/accounts", json={"name": "Other", "code": "OTHER"})
    return answer.json()["id"]
