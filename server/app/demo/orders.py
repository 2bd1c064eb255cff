"""The orders of the demo's day: drawn from a seed, for goods of the shop, at real addresses of the
map."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from server.app.demo.goods import choose_lines
from server.places.osm import MapEntry

PIN = "2468"
COURIER_SHARE = 0.15
WINDOWS = ((0.0, 1.0), (0.0, 0.4), (0.3, 0.7), (0.15, 0.35), (0.5, 0.7))
"""As shares of the shift."""
WINDOW_WEIGHTS = (50, 17, 17, 8, 8)
GOODS = ("books", "coffee", "a lamp", "shoes", "spare parts", "wine", "a jacket", "cat food")
FIRST_NAMES = ("Ada", "Bo", "Cleo", "Dan", "Eva", "Finn", "Gita", "Hal", "Ida", "Jon", "Kim", "Lea")
LAST_NAMES = ("Amsel", "Berg", "Castro", "Dahl", "Ek", "Fuchs", "Grau", "Holm", "Ito", "Jansen")


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """starts_at, ends_at: the drivers' shift; windows lie within it."""

    starts_at: datetime
    ends_at: datetime


def make_orders(
    addresses: Sequence[MapEntry], *, count: int, day: Day, account: str, seed: int
) -> Iterator[dict[str, Any]]:
    """`count` bodies for POST /api/orders; the same for the same seed and map."""
    chance = random.Random(f"{seed} orders")
    for number in range(count):
        window = _window(chance, day)
        order: dict[str, Any] = {
            "account": account,
            "external_id": f"demo-{seed}-{number}",
            "reference": f"demo {number}",
            "consignee": _party(chance, addresses),
            "proof": _proof(chance),
            "instructions": chance.choice(
                ("", "", "", "ring twice", "second floor", "mind the dog")
            ),
            **window,
        }
        if order["proof"]["pin"] == "required":
            order["pin"] = PIN
        if chance.random() < 0.05:
            order["cash_minor"] = chance.randrange(500, 20_000)
        if chance.random() < COURIER_SHARE:
            order["kind"] = "courier"
            order["consignor"] = _party(chance, addresses)
            pieces = chance.choices((1, 2, 3), (80, 15, 5))[0]
            order["parcels"] = [_parcel(chance) for _ in range(pieces)]
        else:
            order["kind"] = "goods"
            order["lines"] = choose_lines(chance)
        yield order


def make_lost_address(day: Day, *, account: str, seed: int) -> dict[str, Any]:
    """An order to an address that no map knows; a dispatcher has to set its pin."""
    chance = random.Random(f"{seed} lost address")
    return {
        "account": account,
        "external_id": f"demo-{seed}-lost",
        "kind": "goods",
        "consignee": {
            "name": _name(chance),
            "address": {"line": "the blue house behind the old mill, Nowhereville"},
        },
        "lines": choose_lines(chance),
        "window_start_at": day.starts_at.isoformat(),
        "window_end_at": day.ends_at.isoformat(),
    }


def address_words(entry: MapEntry) -> dict[str, str]:
    """The address as a shop would send it, without a position."""
    return {
        "street": entry.street,
        "house_number": entry.house_number,
        "postcode": entry.postcode,
        "city": entry.city,
    }


def _party(chance: random.Random, addresses: Sequence[MapEntry]) -> dict[str, Any]:
    return {
        "name": _name(chance),
        "phone": f"+423 555 {chance.randrange(10_000):04d}",
        "address": address_words(chance.choice(addresses)),
    }


def _name(chance: random.Random) -> str:
    return f"{chance.choice(FIRST_NAMES)} {chance.choice(LAST_NAMES)}"


def _parcel(chance: random.Random) -> dict[str, Any]:
    return {
        "description": chance.choice(GOODS),
        "weight_g": chance.randrange(300, 12_000),
        "length_mm": chance.randrange(100, 600),
        "width_mm": chance.randrange(100, 400),
        "height_mm": chance.randrange(50, 300),
    }


def _window(chance: random.Random, day: Day) -> dict[str, str]:
    length = day.ends_at - day.starts_at
    opens, closes = chance.choices(WINDOWS, WINDOW_WEIGHTS)[0]
    start, end = day.starts_at + opens * length, day.starts_at + closes * length
    return {"window_start_at": start.isoformat(), "window_end_at": end.isoformat()}


def _proof(chance: random.Random) -> dict[str, str]:
    lot = chance.random()
    return {
        "name": "required",
        "photo": "required" if lot < 0.3 else "optional",
        "signature": "required" if 0.3 <= lot < 0.5 else "optional",
        "pin": "required" if lot >= 0.95 else "off",
        "scan": "warned",
    }
