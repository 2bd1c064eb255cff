"""A made-up town as real OSM data, so that the demo runs on roads without any download.

The town of Maravik lies at Point Nemo, the spot in the South Pacific that is farthest from any
land: no real address can be mistaken for one of its own. It has a river with two bridges, main
roads, suburbs and two villages, about 8 x 6 km without the villages. One seed gives one town, to
the byte.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

from server.app.demo.osm_file import OsmFile
from server.app.demo.streets import (
    Growth,
    Network,
    Point,
    Street,
    curve,
    distance_m,
    heading_rad,
)
from server.app.demo.town_names import StreetNames

CENTRE_LON, CENTRE_LAT = -123.393, -48.877
RIVER_NAME = "Lumena"
RIVER_HALF_WIDTH_M = 24.0
RIVER_BANK_M = 62.0
MAIN_RANKS = ("primary", "secondary", "tertiary")
CLOSED_TO_CARS = ("pedestrian", "cycleway")
OLD_TOWN_RADIUS_M = 480.0
BUILDING_SHARE = 0.25
ONE_WAY_STREETS = 16


@dataclass(frozen=True)
class Town:
    """What was written, and where to look for it."""

    path: Path
    name: str
    lon: float
    lat: float
    street_count: int
    address_count: int


@dataclass(frozen=True)
class Settlement:
    """A built-up blob; suburbs share the city of their town."""

    name: str
    kind: str
    city: str
    postcode: str
    centre: Point
    radius_m: tuple[float, float]

    def reach(self, point: Point) -> float:
        """Below 1 inside, with an outline that is no clean ellipse."""
        dx = (point[0] - self.centre[0]) / self.radius_m[0]
        dy = (point[1] - self.centre[1]) / self.radius_m[1]
        around = math.atan2(dy, dx)
        wobble = 1 + 0.12 * math.sin(3 * around + self.centre[0]) + 0.07 * math.sin(5 * around)
        return math.hypot(dx, dy) / wobble

    def outline(self) -> list[Point]:
        """The edge of the built-up land."""
        edge = []
        for degrees in range(0, 360, 8):
            dx, dy = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
            towards = (self.centre[0] + dx * 100, self.centre[1] + dy * 100)
            away_m = 100 / self.reach(towards)
            edge.append((self.centre[0] + dx * away_m, self.centre[1] + dy * away_m))
        return edge


@dataclass(frozen=True)
class Address:
    """One front door, in a street that runs along `heading_rad` there."""

    street_name: str
    house_number: str
    settlement: Settlement
    point: Point
    heading_rad: float


SETTLEMENTS = (
    Settlement("Maravik", "town", "Maravik", "7010", (-200, 0), (1500, 1250)),
    Settlement("Oskelo", "suburb", "Maravik", "7011", (-2600, 550), (850, 750)),
    Settlement("Sundra", "suburb", "Maravik", "7012", (2350, -100), (900, 850)),
    Settlement("Ilvane", "suburb", "Maravik", "7013", (1850, 1850), (700, 620)),
    Settlement("Dorvika", "suburb", "Maravik", "7014", (-250, -2150), (850, 620)),
    Settlement("Pelmira", "village", "Pelmira", "7020", (-6300, 2350), (560, 440)),
    Settlement("Kastovo", "village", "Kastovo", "7021", (6150, -2350), (520, 480)),
)

MAIN_ROADS: tuple[tuple[str, tuple[Point, ...]], ...] = (
    (  # from village to village, through the old town and over the first bridge
        "primary",
        (
            (-6900, 2700), (-6300, 2350), (-5200, 1650), (-3900, 1150), (-2500, 600),
            (-1200, 300), (-450, 60), (0, 0), (500, -90), (1000, 10), (1700, -60), (2500, -250),
            (3700, -700), (5000, -1700), (6150, -2350), (6750, -2500),
        ),
    ),
    (  # north to south
        "secondary",
        (
            (-420, 3000), (-300, 2300), (-120, 1500), (-180, 800), (0, 0), (90, -600), (-60, -1300),
            (-250, -2100), (-120, -3000),
        ),
    ),
    (  # the ring, over the second bridge
        "secondary",
        (
            (-300, 2050), (-1250, 1750), (-2050, 1250), (-2250, 560), (-2150, -350),
            (-1650, -1150), (-900, -1650), (-100, -1750), (650, -1500), (1400, -1500),
            (2150, -1150), (2550, -240), (2500, 700), (2150, 1450), (1750, 1950), (1650, 2750),
        ),
    ),
    ("tertiary", ((-6300, 2350), (-5000, 2900), (-3300, 2750), (-1900, 2350), (-1250, 1750))),
    ("tertiary", ((6150, -2350), (5300, -900), (4100, 250), (3100, 900), (2400, 950))),
    ("tertiary", ((-2150, -350), (-1300, -350), (-600, -420), (60, -420), (560, -500))),
    ("tertiary", ((-1250, 1750), (-1100, 1000), (-1200, 300), (-1150, -340), (-1100, -1500))),
    ("tertiary", ((1350, 2250), (1750, 1950), (2350, 1900), (2900, 2050))),
)  # fmt: skip


def write_town(path: Path, *, seed: int = 1) -> Town:
    """Write the town as an .osm.pbf and say what is in it; an existing file is replaced."""
    rng = Random(seed)
    network = Network()
    main_roads = [network.draw(shifted(line, rng), rank) for rank, line in MAIN_ROADS]
    network.draw(river_line(aside_m=-80), "cycleway")
    network.grow(rng, main_roads, Growth(may_stand_at=is_building_land))
    calm_old_town(network)
    one_way = choose_one_way_streets(network, rng)
    naming = StreetNames(rng)
    names = {street: naming.next_name(street.rank) for street in network.streets}
    addresses = list(place_addresses(network, names, rng))

    file = OsmFile(CENTRE_LON, CENTRE_LAT)
    add_streets(file, network, names, one_way)
    add_land(file)
    add_addresses(file, addresses, rng)
    file.write(path)
    return Town(
        path=path,
        name=SETTLEMENTS[0].name,
        lon=CENTRE_LON,
        lat=CENTRE_LAT,
        street_count=len(names),
        address_count=len(addresses),
    )


def shifted(line: Sequence[Point], rng: Random) -> list[Point]:
    """The planned road with every inner point moved a little, so that seeds differ."""
    inner = [(x + rng.uniform(-60, 60), y + rng.uniform(-60, 60)) for x, y in line[1:-1]]
    return curve([line[0], *inner, line[-1]], spacing_m=32)


def river_x(y: float) -> float:
    """The river runs north to south and winds."""
    return 900 + 240 * math.sin(y / 1100 + 0.6) + 85 * math.sin(y / 430)


def river_distance_m(point: Point) -> float:
    """Distance to the middle of the river, near enough for a slow bend."""
    slope = (river_x(point[1] + 1) - river_x(point[1] - 1)) / 2
    return abs(point[0] - river_x(point[1])) / math.hypot(1, slope)


def river_line(aside_m: float = 0, end_m: int = 2600) -> list[Point]:
    """The middle of the river, or a path beside it (west is negative)."""
    return [(river_x(y) + aside_m, float(y)) for y in range(-end_m, end_m + 1, 40)]


def settlement_at(point: Point) -> Settlement | None:
    """The settlement that has built here."""
    nearest = min(SETTLEMENTS, key=lambda settlement: settlement.reach(point))
    return nearest if nearest.reach(point) < 1 else None


def is_building_land(point: Point) -> bool:
    """Inside a settlement and clear of the water."""
    return settlement_at(point) is not None and river_distance_m(point) > RIVER_BANK_M


def calm_old_town(network: Network) -> None:
    """Turn side streets round the market into calm ones, and one into a lane without cars."""
    old_town = [
        street
        for street in network.streets
        if street.rank == "residential"
        and all(math.hypot(*network.points[node]) < OLD_TOWN_RADIUS_M for node in street.nodes)
    ]
    for street in old_town:
        street.rank = "living_street"
    for street in sorted(old_town, key=lambda street: not street.joined_at_end):
        street.rank = "pedestrian"
        if is_drivable(network, one_way=set()):
            return
        street.rank = "living_street"


def choose_one_way_streets(network: Network, rng: Random) -> set[Street]:
    """Side streets that can be one-way while every place can still be reached and left."""
    candidates = [
        street
        for street in network.streets
        if street.rank in ("residential", "living_street") and street.joined_at_end
    ]
    rng.shuffle(candidates)
    one_way: set[Street] = set()
    for street in candidates:
        if len(one_way) < ONE_WAY_STREETS and is_drivable(network, one_way | {street}):
            one_way.add(street)
    return one_way


def is_drivable(network: Network, one_way: set[Street]) -> bool:
    """Whether a car gets from every street to every other."""
    onward: dict[int, list[int]] = defaultdict(list)
    backward: dict[int, list[int]] = defaultdict(list)
    for street in network.streets:
        if street.rank in CLOSED_TO_CARS:
            continue
        for start, end in pairwise(street.nodes):
            onward[start].append(end)
            backward[end].append(start)
            if street not in one_way:
                onward[end].append(start)
                backward[start].append(end)
    nodes = onward.keys() | backward.keys()
    return all(
        len(reachable(ways, from_node=min(nodes))) == len(nodes) for ways in (onward, backward)
    )


def reachable(ways: Mapping[int, Sequence[int]], from_node: int) -> set[int]:
    """Every node that can be reached."""
    seen = {from_node}
    waiting = [from_node]
    while waiting:
        for node in ways.get(waiting.pop(), ()):
            if node not in seen:
                seen.add(node)
                waiting.append(node)
    return seen


def place_addresses(
    network: Network, names: Mapping[Street, str], rng: Random
) -> Iterator[Address]:
    """Houses on both sides of every street, odd numbers left and even ones right."""
    taken: set[tuple[int, int]] = set()
    for street in network.streets:
        if street.rank == "cycleway":
            continue
        number = {"left": 1, "right": 2}
        until_next_m = {side: rng.uniform(15, 40) for side in number}
        for start, end in pairwise(street.nodes):
            a, b = network.points[start], network.points[end]
            along = heading_rad(a, b)
            for side, turn in (("left", math.pi / 2), ("right", -math.pi / 2)):
                until_next_m[side] -= distance_m(a, b)
                if until_next_m[side] > 0:
                    continue
                share, setback_m = rng.uniform(0.3, 0.7), rng.uniform(12, 17)
                door = (
                    a[0] + share * (b[0] - a[0]) + setback_m * math.cos(along + turn),
                    a[1] + share * (b[1] - a[1]) + setback_m * math.sin(along + turn),
                )
                settlement = settlement_at(door)
                plot = (round(door[0] / 18), round(door[1] / 18))
                if (
                    settlement is None
                    or plot in taken
                    or river_distance_m(door) < RIVER_BANK_M
                    or network.nearest(door, within_m=11) is not None
                ):
                    continue
                taken.add(plot)
                letter = rng.choice("ab") if rng.random() < 0.06 else ""
                house_number = f"{number[side]}{letter}"
                yield Address(names[street], house_number, settlement, door, along)
                number[side] += 2
                until_next_m[side] = rng.uniform(30, 80)


def add_streets(
    file: OsmFile, network: Network, names: Mapping[Street, str], one_way: set[Street]
) -> None:
    """Streets as OSM ways, cut where a bridge or another speed begins."""
    ids: dict[int, int] = {}
    lights = traffic_lights(network)
    for street in network.streets:
        for node in street.nodes:
            if node not in ids:
                tags = {"highway": "traffic_signals"} if node in lights else {}
                ids[node] = file.add_node(network.points[node], tags)
    for street in network.streets:
        part: list[int] = []
        part_tags: dict[str, str] = {}
        for start, end in pairwise(street.nodes):
            tags = street_tags(network, street, start, end)
            tags["name"] = names[street]
            if street in one_way:
                tags |= {"oneway": "yes", "oneway:bicycle": "no"}
            if tags != part_tags and part:
                file.add_way(part, part_tags)
                part = part[-1:]
            part_tags = tags
            part = [*(part or [ids[start]]), ids[end]]
        file.add_way(part, part_tags)


def street_tags(network: Network, street: Street, start: int, end: int) -> dict[str, str]:
    """What OSM says of one piece of a street."""
    a, b = network.points[start], network.points[end]
    tags = {"highway": street.rank}
    is_built_up = settlement_at(a) is not None or settlement_at(b) is not None
    if street.rank in MAIN_RANKS:
        open_road_kmh = 80 if street.rank == "primary" else 70
        tags["maxspeed"] = str(50 if is_built_up else open_road_kmh)
    elif street.rank == "residential":
        tags["maxspeed"] = "30"
    elif street.rank == "pedestrian":
        tags["bicycle"] = "yes"
    if street.rank in MAIN_RANKS and min(river_distance_m(a), river_distance_m(b)) < 32:
        tags |= {"bridge": "yes", "layer": "1"}
    return tags


def traffic_lights(network: Network) -> set[int]:
    """Crossings of two main roads."""
    seen: set[int] = set()
    lights: set[int] = set()
    for street in network.streets:
        if street.rank in ("primary", "secondary"):
            lights |= seen.intersection(street.nodes)
            seen.update(street.nodes)
    return lights


def add_land(file: OsmFile) -> None:
    """The river, the built-up land and the names of the places."""
    river = river_line(end_m=3600)
    file.add_way([file.add_node(p) for p in river], {"waterway": "river", "name": RIVER_NAME})
    banks = [
        *river_line(aside_m=-RIVER_HALF_WIDTH_M, end_m=3600),
        *reversed(river_line(aside_m=RIVER_HALF_WIDTH_M, end_m=3600)),
    ]
    file.add_area(banks, {"natural": "water", "water": "river"})
    for settlement in SETTLEMENTS:
        file.add_node(settlement.centre, {"place": settlement.kind, "name": settlement.name})
        file.add_area(settlement.outline(), {"landuse": "residential"})


def add_addresses(file: OsmFile, addresses: Sequence[Address], rng: Random) -> None:
    """Most addresses are points; some are outlines of buildings, as on real maps."""
    for address in addresses:
        tags = {
            "addr:street": address.street_name,
            "addr:housenumber": address.house_number,
            "addr:postcode": address.settlement.postcode,
            "addr:city": address.settlement.city,
        }
        if rng.random() < BUILDING_SHARE:
            file.add_area(house_outline(address), {"building": "yes", **tags})
        else:
            file.add_node(address.point, tags)


def house_outline(address: Address) -> list[Point]:
    """A rectangle that stands along its street."""
    x, y = address.point
    dx, dy = math.cos(address.heading_rad), math.sin(address.heading_rad)
    corners = ((-6, -4), (6, -4), (6, 4), (-6, 4))
    return [(x + u * dx - v * dy, y + u * dy + v * dx) for u, v in corners]
