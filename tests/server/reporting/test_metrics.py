"""What Prometheus hears of the company."""

import re
from collections.abc import Awaitable, Callable

import httpx
from sqlalchemy import text

from server.identity.access import Role
from server.kit import clock
from server.kit.db import Database
from server.kit.ids import new_id
from server.kit.metrics import Metric, exposition

LINE = re.compile(r'postrider_[a-z_]+(\{[a-z_]+="[^"]*"\})? [0-9.e+-]+')


async def test_an_api_key_of_its_own_reads_what_waits_and_what_is_held_back(
    db: Database, sign_in: Callable[..., Awaitable[httpx.AsyncClient]], client: httpx.AsyncClient
) -> None:
    async with db.transaction() as session:
        await session.execute(
            text("insert into fix_rejection values (:day, :driver, 'zero', 7)"),
            {"day": clock.now().date(), "driver": new_id()},
        )
    admin = await sign_in(Role.ADMIN)
    keys = [
        (await admin.post("/api/api-keys", json={"name": name, "scopes": [scope]})).json()["secret"]
        for name, scope in (("Prometheus", "metrics:read"), ("Shop", "orders:read"))
    ]
    answers = [
        await client.get("/api/metrics", headers={"Authorization": f"Bearer {key}"}) for key in keys
    ]
    assert [each.status_code for each in answers] == [200, 403]
    assert answers[0].headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answers[0].text.splitlines()
    assert all(LINE.fullmatch(line) for line in lines if not line.startswith("#")), lines
    assert 'postrider_fixes_held_back_total{reason="zero"} 7' in lines
    assert any(line.startswith("postrider_events_waiting ") for line in lines)
    assert (await (await sign_in(Role.DISPATCHER)).get("/api/metrics")).status_code == 403


def test_what_has_one_name_stands_together_and_odd_labels_break_nothing() -> None:
    told = exposition(
        [
            Metric("runs", "gauge", "Runs.", 3, ("state", "started")),
            Metric("runs", "gauge", "Runs.", 12345678, ("state", 'a "b"\n\\')),
            Metric("phones", "gauge", "Phones.", 0.5),
        ]
    )
    assert told.splitlines() == [
        "# HELP postrider_runs Runs.",
        "# TYPE postrider_runs gauge",
        'postrider_runs{state="started"} 3',
        r'postrider_runs{state="a \"b\"\n\\"} 12345678',
        "# HELP postrider_phones Phones.",
        "# TYPE postrider_phones gauge",
        "postrider_phones 0.5",
    ]
