"""What the demo's shop sells, and the warehouse in which it lies: a small one, of real goods."""

import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from server.app.simulation.office import Office
from server.kit.geo import Position

SPARE_SHARE = 0.5
"""So much more is in stock than the day's orders ask for."""
LEAST_STOCK = 6
WAREHOUSE = "MAIN"
BINS_PER_AISLE = 5
FRESH_FOR = timedelta(days=200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One SKU. parts: what a kit is made of. perishable: kept by lots that expire."""

    code: str
    name: str
    zone: str
    weight_g: int
    size_mm: tuple[int, int, int]
    price_minor: int
    parts: Mapping[str, int] | None = None
    perishable: bool = False


ARTICLES = (
    Article(
        code="BOOK-ATLAS",
        name="Atlas of rivers",
        zone="A",
        weight_g=1_450,
        size_mm=(320, 240, 30),
        price_minor=4_900,
    ),
    Article(
        code="BOOK-NOVEL",
        name="The lamplighter, a novel",
        zone="A",
        weight_g=380,
        size_mm=(200, 130, 28),
        price_minor=1_800,
    ),
    Article(
        code="BOOK-COOK",
        name="Cooking over coals",
        zone="A",
        weight_g=820,
        size_mm=(250, 200, 25),
        price_minor=3_200,
    ),
    Article(
        code="NOTEBOOK",
        name="Ruled notebook",
        zone="A",
        weight_g=210,
        size_mm=(210, 148, 12),
        price_minor=900,
    ),
    Article(
        code="PEN-SET",
        name="Three fine pens",
        zone="A",
        weight_g=60,
        size_mm=(180, 60, 20),
        price_minor=1_400,
    ),
    Article(
        code="MAP-HIKE",
        name="Hiking map 1:25,000",
        zone="A",
        weight_g=110,
        size_mm=(240, 120, 8),
        price_minor=1_600,
    ),
    Article(
        code="LAMP-DESK",
        name="Desk lamp, brass",
        zone="B",
        weight_g=2_300,
        size_mm=(420, 220, 180),
        price_minor=8_900,
    ),
    Article(
        code="LANTERN",
        name="Storm lantern",
        zone="B",
        weight_g=1_150,
        size_mm=(270, 170, 160),
        price_minor=4_400,
    ),
    Article(
        code="CANDLES",
        name="Beeswax candles, box of 6",
        zone="B",
        weight_g=640,
        size_mm=(230, 120, 60),
        price_minor=1_900,
    ),
    Article(
        code="KETTLE",
        name="Enamel kettle",
        zone="B",
        weight_g=980,
        size_mm=(240, 210, 190),
        price_minor=3_900,
    ),
    Article(
        code="MUG",
        name="Stoneware mug",
        zone="B",
        weight_g=420,
        size_mm=(130, 100, 100),
        price_minor=1_500,
    ),
    Article(
        code="BLANKET",
        name="Wool blanket",
        zone="B",
        weight_g=1_700,
        size_mm=(400, 320, 120),
        price_minor=7_800,
    ),
    Article(
        code="COFFEE-250",
        name="Coffee beans 250 g",
        zone="C",
        weight_g=270,
        size_mm=(200, 90, 60),
        price_minor=1_100,
        perishable=True,
    ),
    Article(
        code="TEA-100",
        name="Mountain tea 100 g",
        zone="C",
        weight_g=130,
        size_mm=(160, 100, 60),
        price_minor=800,
        perishable=True,
    ),
    Article(
        code="HONEY-500",
        name="Forest honey 500 g",
        zone="C",
        weight_g=780,
        size_mm=(110, 90, 90),
        price_minor=1_300,
        perishable=True,
    ),
    Article(
        code="READING-BOX",
        name="An evening in: novel, candles, tea",
        zone="A",
        weight_g=0,
        size_mm=(0, 0, 0),
        price_minor=4_200,
        parts={"BOOK-NOVEL": 1, "CANDLES": 1, "TEA-100": 1},
    ),
)

BY_CODE = {article.code: article for article in ARTICLES}


def choose_lines(chance: random.Random) -> list[dict[str, Any]]:
    """The lines of one order: mostly one article, at times three."""
    articles = chance.sample(ARTICLES, chance.choices((1, 2, 3), (65, 25, 10))[0])
    return [
        {
            "sku": article.code,
            "quantity": chance.choices((1, 2, 3), (75, 18, 7))[0],
            "description": article.name,
            "unit_price_minor": article.price_minor,
        }
        for article in articles
    ]


def count_units(orders: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """How many units of each SKU on the shelf these orders need; of a kit, its parts."""
    needed: Counter[str] = Counter()
    for order in orders:
        for line in order.get("lines", ()):
            parts = BY_CODE[line["sku"]].parts or {line["sku"]: 1}
            for code, count in parts.items():
                needed[code] += count * line["quantity"]
    return needed


async def stock_warehouse(
    office: Office, account_id: str, *, at: Position, needed: Counter[str], today: date
) -> str:
    """Name the SKUs, lay out the shelves, and receive what the day needs and some more.

    Returns the id of the warehouse.
    """
    for article in sorted(ARTICLES, key=lambda each: each.parts is not None):
        await office.post("/api/skus", _sku(account_id, article))
    warehouse = await _location(
        office, "warehouse", WAREHOUSE, None, name="Main warehouse", lon=at.lon, lat=at.lat
    )
    kept = [article for article in ARTICLES if article.parts is None]
    for zone in sorted({article.zone for article in kept}):
        zone_id = await _location(office, "zone", zone, warehouse)
        articles = [article for article in kept if article.zone == zone]
        for number in range(0, len(articles), BINS_PER_AISLE):
            aisle_id = await _location(
                office, "aisle", f"{number // BINS_PER_AISLE + 1:02d}", zone_id
            )
            for place, article in enumerate(articles[number : number + BINS_PER_AISLE], 1):
                bin_id = await _location(office, "bin", f"{place:02d}", aisle_id)
                await _receive(
                    office, account_id, bin_id, article, needed=needed[article.code], today=today
                )
    return warehouse


async def _receive(
    office: Office, account_id: str, bin_id: str, article: Article, *, needed: int, today: date
) -> None:
    goods: dict[str, Any] = {
        "sku": article.code,
        "quantity": max(LEAST_STOCK, needed + round(needed * SPARE_SHARE)),
    }
    if article.perishable:
        goods |= {"lot": f"L-{today:%y%j}", "expires_on": str(today + FRESH_FOR)}
    await office.post(
        "/api/stock/receipts",
        {"account_id": account_id, "location_id": bin_id, "goods": [goods]},
        key=f"first delivery of {article.code}",
    )


async def _location(
    office: Office, kind: str, code: str, parent_id: str | None, **more: Any
) -> str:
    body = {"kind": kind, "code": code, "parent_id": parent_id, **more}
    return str((await office.post("/api/locations", body))["id"])


def _sku(account_id: str, article: Article) -> dict[str, Any]:
    length_mm, width_mm, height_mm = article.size_mm
    sku: dict[str, Any] = {
        "account_id": account_id,
        "code": article.code,
        "name": article.name,
        "weight_g": article.weight_g,
        "length_mm": length_mm,
        "width_mm": width_mm,
        "height_mm": height_mm,
        "has_lots": article.perishable,
        "reorder_point": LEAST_STOCK // 2 if article.parts is None else 0,
    }
    if article.parts:
        sku["components"] = [{"sku": code, "quantity": n} for code, n in article.parts.items()]
    return sku
