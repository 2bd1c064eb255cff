"""A company whose day fills a console: thousands of drivers on the road, hundreds of runs with
their stops, and a draft of tomorrow. Rows as their rooms write them, made by PostgreSQL itself."""

import hashlib
import json
import math
import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import numpy as np

from server.kit import clock
from server.tracking import service as tracking

WEST, SOUTH, WIDE_DEG, HIGH_DEG = -123.543, -48.957, 0.30, 0.16
"""Around the town of the demo."""
STOPS_PER_RUN = 20
SHIFT = timedelta(hours=8)

PEOPLE, VEHICLES, SHIFTS, RUNS, STOPS, TASKS, CONSIGNMENTS, PLACES, NEXT_SHIFTS, PLANS = range(
    1, 11
)
"""What the first digits of an id say."""

FUNCTIONS = f"""
create function pg_temp.id(kind int, number int) returns uuid language sql immutable as $$
  select (lpad(to_hex(kind), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid
$$;
create function pg_temp.chance(what text) returns float language sql immutable as $$
  select ('x' || substr(md5(what), 1, 7))::bit(28)::int / 268435456.0
$$;
create function pg_temp.at(number int) returns geography language sql immutable as $$
  select st_setsrid(st_makepoint({WEST} + pg_temp.chance('east' || number) * {WIDE_DEG},
    {SOUTH} + pg_temp.chance('north' || number) * {HIGH_DEG}), 4326)::geography
$$;
"""

DRIVERS = """
insert into person (id, email, name, role, active, must_change_password, created_at)
  select pg_temp.id(1, n), 'driver' || n || '@postrider.example', 'Driver ' || n, 'driver', true,
    false, $2
  from generate_series(0, $3::int - 1) n;
insert into driver (person_id, depot_id, skills, active, manifest_version)
  select pg_temp.id(1, n), $1, '{}', true, 0 from generate_series(0, $3::int - 1) n;
insert into live_position (driver_id, device_id, position, taken_at, received_at, speed_mps,
    heading_deg)
  select pg_temp.id(1, n), pg_temp.id(1, n), pg_temp.at(n), $2, $2, 8, n % 360
  from generate_series(0, $3::int - 1) n
"""

EQUIPMENT = """
insert into vehicle (id, label, depot_id, profile, capacity_weight_g, capacity_volume_ml,
    capacity_parcels, skills, active)
  select pg_temp.id(2, n), 'Van ' || n, $1, 'car', 1000000, 5000000, 100, '{}', true
  from generate_series(0, $3::int - 1) n;
insert into shift (id, driver_id, vehicle_id, depot_id, starts_at, ends_at, breaks, breaks_taken)
  select pg_temp.id(kind, n), pg_temp.id(1, n), pg_temp.id(2, n), $1, starts_at,
    starts_at + interval '8 hours', '[]', 0
  from generate_series(0, $3::int - 1) n,
    (values (3, $2::timestamptz - interval '4 hours'), (9, $4::timestamptz)) day (kind, starts_at)
"""

WORK = """
insert into place (id, name, street, house_number, postcode, city, country, extra, address_key,
    precision, access_note, created_at, position)
  select pg_temp.id(8, n), '', 'Mill Lane', n::text, '9490', 'Maravik', 'LI', '', 'mill lane ' || n,
    'house', '', $2, pg_temp.at(n)
  from generate_series(0, $3::int * $4::int - 1) n;
insert into run (id, depot_id, day, shift_id, driver_id, vehicle_id, state, starts_at, ends_at,
    distance_m, cost_minor, published_at, started_at)
  select pg_temp.id(4, n), $1, ($2::timestamptz at time zone 'UTC')::date, pg_temp.id(3, n),
    pg_temp.id(1, n), pg_temp.id(2, n), 'started', $2::timestamptz - interval '4 hours',
    $2::timestamptz + interval '4 hours', 60000, 9000, $2, $2
  from generate_series(0, $3::int - 1) n;
insert into stop (id, run_id, sequence, place_id, leg_m, leg_s, planned_arrival_at,
    planned_start_at, planned_departure_at, locked)
  select pg_temp.id(5, n), pg_temp.id(4, n / $4::int), n % $4::int, pg_temp.id(8, n), 3000, 300,
    at, at, at + interval '5 minutes', false
  from generate_series(0, $3::int * $4::int - 1) n,
    lateral (select $2::timestamptz + (n % $4::int - $4::int / 2) * interval '20 minutes' as at) p;
insert into consignment (id, waybill, kind, state, consignor_name, consignor_phone, consignee_name,
    consignee_phone, consignee_place_id, instructions, skills, proof, cash_minor, currency,
    created_at, created_by)
  select pg_temp.id(7, n), 'B' || lpad(n::text, 9, '0'), 'delivery', 'out_for_delivery', 'Shop', '',
    'Person ' || n, '', pg_temp.id(8, n), '', '[]', '{}', 0, 'EUR', $2, 'bench'
  from generate_series(0, $3::int * $4::int - 1) n;
insert into task (id, consignment_id, depot_id, kind, state, place_id, window_end_at, service_s,
    attempt, barred_drivers, past_drivers, stop_id, sequence, driver_id, outcome_code, created_at,
    changed_at)
  select pg_temp.id(6, n), pg_temp.id(7, n), $1, 'delivery',
    case when n % $4::int < $4::int / 2 then 'completed' else 'accepted' end, pg_temp.id(8, n),
    $2::timestamptz + interval '4 hours', 180, 1, '{}', '{}', pg_temp.id(5, n), 0,
    pg_temp.id(1, n / $4::int),
    case when n % $4::int < $4::int / 2 then 'delivered_to_consignee' end, $2, $2
  from generate_series(0, $3::int * $4::int - 1) n
"""

DRAFT = """
insert into plan (id, depot_id, day, state, input_version, budget_s, seed, requested_by,
    requested_at, attempts, unassigned, draft, finished_at)
  values ($1, $2, $3, 'draft', (select input_version from depot where id = $2), 60, 1, 'bench', $4,
    1, '[]', $5, $4)
"""


class Crowd:
    """drivers: who are on the road; runs: of the first of them, of each half is done."""

    def __init__(self, depot_id: UUID, *, drivers: int, runs: int) -> None:
        self.drivers = drivers
        self.runs = runs
        self._depot_id = depot_id
        self.now = clock.now().replace(microsecond=0)
        self.tomorrow = (self.now + timedelta(days=1)).replace(hour=7, minute=0, second=0)
        self._dice = np.random.default_rng(1)
        self._positions = np.zeros(drivers, tracking.POSITION)
        numbers = np.arange(drivers)
        self._positions["driver"] = [_id(PEOPLE, each).bytes for each in range(drivers)]
        places = np.array([_at(number) for number in range(drivers)])
        self._positions["lon"], self._positions["lat"] = places[:, 0], places[:, 1]
        self._positions["heading_deg"] = numbers % 360
        self._positions["speed_mps"] = 8

    def consignment_in_town(self) -> UUID:
        """One that its driver is about to bring, nearest to the middle of the map."""

        def far(number: int) -> float:
            lon, lat = _at(number)
            return math.hypot(lon - WEST - WIDE_DEG / 2, lat - SOUTH - HIGH_DEG / 2)

        next_stops = range(STOPS_PER_RUN // 2, self.runs * STOPS_PER_RUN, STOPS_PER_RUN)
        return _id(CONSIGNMENTS, min(next_stops, key=far))

    async def fill(self, connection: asyncpg.Connection) -> None:
        await connection.execute(FUNCTIONS)
        statements = (
            (DRIVERS, (self._depot_id, self.now, self.drivers)),
            (EQUIPMENT, (self._depot_id, self.now, self.runs, self.tomorrow)),
            (WORK, (self._depot_id, self.now, self.runs, STOPS_PER_RUN)),
        )
        for several, values in statements:
            for statement in several.split(";"):
                await connection.execute(*_numbered(statement, values))
        await connection.execute(
            DRAFT,
            _id(PLANS, 0),
            self._depot_id,
            self.tomorrow.date(),
            self.now,
            json.dumps({"runs": [self._draft_run(each) for each in range(self.runs)]}),
        )
        await connection.execute("analyze")

    def drive_on(self, seconds: float) -> bytes:
        """Everybody has moved on by so much: the news that a gateway publishes of it."""
        moved = self._positions
        turn = np.radians(moved["heading_deg"])
        step_deg = 8 * seconds / 111_000
        moved["lon"] += np.sin(turn) * step_deg / 0.68
        moved["lat"] += np.cos(turn) * step_deg
        moved["heading_deg"] = (moved["heading_deg"] + self._dice.normal(0, 10, self.drivers)) % 360
        moved["taken_us"] = moved["received_us"] = int(clock.now().timestamp() * 1e6)
        return moved.tobytes()

    def _draft_run(self, number: int) -> dict[str, Any]:
        stops = [self._draft_stop(number, each) for each in range(STOPS_PER_RUN)]
        return {
            "run_id": str(_id(NEXT_SHIFTS, 1_000_000 + number)),
            "shift_id": str(_id(NEXT_SHIFTS, number)),
            "driver_id": str(_id(PEOPLE, number)),
            "vehicle_id": str(_id(VEHICLES, number)),
            "vehicle_label": f"Van {number}",
            "profile": "car",
            "starts_at": self.tomorrow.isoformat(),
            "ends_at": (self.tomorrow + SHIFT).isoformat(),
            "distance_m": 60_000,
            "duration_s": 8 * 3600,
            "cost_minor": 9_000,
            "stops": stops,
        }

    def _draft_stop(self, run: int, sequence: int) -> dict[str, Any]:
        number = run * STOPS_PER_RUN + sequence
        at = self.tomorrow + timedelta(minutes=20 + 22 * sequence + run % 7)
        visit = {
            "waybill": f"N{number:09}",
            "consignment_id": str(_id(CONSIGNMENTS, number)),
            "leg": "job",
            "task_id": None,
        }
        return {
            "id": str(_id(STOPS, 1_000_000 + number)),
            "place_id": str(_id(PLACES, number)),
            "address": f"Mill Lane {number}, Maravik",
            "position": _at(number),
            "leg_m": 3_000,
            "arrival_at": at.isoformat(),
            "start_at": at.isoformat(),
            "departure_at": (at + timedelta(minutes=5)).isoformat(),
            "locked": False,
            "visits": [visit],
        }


def _id(kind: int, number: int) -> UUID:
    return UUID(f"{kind:08x}-0000-7000-8000-{number:012x}")


def _at(number: int) -> tuple[float, float]:
    """As pg_temp.at says."""
    return (
        WEST + _chance(f"east{number}") * WIDE_DEG,
        SOUTH + _chance(f"north{number}") * HIGH_DEG,
    )


def _chance(what: str) -> float:
    digest = hashlib.md5(what.encode(), usedforsecurity=False).hexdigest()
    return int(digest[:7], 16) / 2**28


def _numbered(statement: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The statement with only those values that it names, since PostgreSQL takes no others."""
    named = sorted({int(number) for number in re.findall(r"\$(\d)", statement)})
    text = re.sub(r"\$(\d)", lambda found: f"${named.index(int(found[1])) + 1}", statement)
    return text, *(values[number - 1] for number in named)
