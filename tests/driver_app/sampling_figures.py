"""What following a courier costs: `python -m tests.driver_app.sampling_figures [MAP.osm.pbf]`.

One trail, two policies: ours (core/sampling.py, by the Tracker of the background process itself)
and that of Traccar's client for Android: a position when `interval` has passed, or `distance` is
covered, or the heading has turned by `angle` since the last one; the receiver runs every second as
soon as distance or angle count; one HTTP request for each position. Of Traccar's settings the
cheapest one is taken whose error is not above ours.

The trail is a drive over the roads of the map (without one: of a made-up grid), with stops, and
with the noise of a receiver. Bytes are those of the frames and of HTTP, without TLS and TCP: both
have those, Traccar once for each position. A wake-up is whatever makes the processor work while
the phone lies in its holder: readings that are handed over, and what is sent at another second.
Exits 1 when we need more of either.
"""

import heapq
import math
import random
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from driver_app.background import LOOK_S, Tracker
from driver_app.core.pace import EVERYDAY
from driver_app.core.sampling import Sampling, distance_m
from driver_app.core.store import Store
from driver_app.device.ports import Reading
from server.protocol.codec import encode
from server.protocol.envelope import Envelope
from server.protocol.from_driver import Fix, Fixes, Heartbeat
from server.protocol.packed import pack_fixes
from server.protocol.to_driver import Ack
from tests.driver_app.phones import START_AT, make_stop, make_task, pairing_with
from tests.driver_app.screens.handsets import a_full_run

Place = tuple[float, float]

STOPS = 60
AT_DOOR_S = (60, 240)
SPEED_MPS = {"motorway": 28.0, "primary": 16.0, "secondary": 15.0, "tertiary": 12.0}
TOWN_MPS = 9.0
TURN_LOSS = 0.5
NOISE_M, NOISE_HOLDS_S = 4.0, 20.0
"""A receiver errs by some metres, and for a while in the same direction."""
HTTP_HEAD = (
    "User-Agent: Dalvik/2.1.0 (Linux; U; Android 13; SM-A135F Build/TP1A.220624.014)\r\n"
    "Host: tracking.example.org:5055\r\nConnection: Keep-Alive\r\n"
    "Accept-Encoding: gzip\r\nContent-Length: 0\r\n\r\n"
)
HTTP_ANSWER = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
SOCKET_FRAME_BYTES = 8


@dataclass(frozen=True)
class Second:
    """The truth, and what the receiver says."""

    at: datetime
    place: Place
    reading: Reading
    stop: int
    drives: bool


@dataclass
class Cost:
    kept: list[tuple[datetime, Place]]
    bytes_sent: int = 0
    wakes: set[int] | None = None

    def wake(self, second: int) -> None:
        self.wakes = self.wakes or set()
        self.wakes.add(second)


def read_roads(path: Path) -> dict[Place, list[tuple[Place, float]]]:
    """Place -> its neighbours along a road, and the speed there."""
    import osmium  # noqa: PLC0415 - only with a map

    roads: dict[Place, list[tuple[Place, float]]] = {}
    kinds = {*SPEED_MPS, "residential", "unclassified", "living_street"}
    for way in osmium.FileProcessor(str(path)).with_locations():
        if not way.is_way() or way.tags.get("highway") not in kinds:
            continue
        places = [(node.lon, node.lat) for node in way.nodes if node.location.valid()]
        speed = SPEED_MPS.get(way.tags["highway"], TOWN_MPS)
        for one, other in pairwise(places):
            roads.setdefault(one, []).append((other, speed))
            roads.setdefault(other, []).append((one, speed))
    return roads


def make_grid() -> dict[Place, list[tuple[Place, float]]]:
    roads: dict[Place, list[tuple[Place, float]]] = {}
    for x in range(30):
        for y in range(30):
            for right, up in ((1, 0), (0, 1), (-1, 0), (0, -1)):
                if 0 <= x + right < 30 and 0 <= y + up < 30:
                    to = (9.5 + (x + right) * 0.002, 47.1 + (y + up) * 0.0014)
                    roads.setdefault((9.5 + x * 0.002, 47.1 + y * 0.0014), []).append(
                        (to, TOWN_MPS)
                    )
    return roads


def find_way(
    roads: dict[Place, list[tuple[Place, float]]],
    start: Place,
    most_s: float,
    chance: random.Random,
) -> list[tuple[Place, float]]:
    """The quickest way to a place that is about so far: (place, speed on the way there)."""
    passed, before = {start: 0.0}, {}
    queue = [(0.0, start)]
    last = start
    while queue:
        at_s, here = heapq.heappop(queue)
        if at_s > passed[here]:
            continue
        last = here
        if at_s > most_s:
            break
        for there, speed in roads[here]:
            next_s = at_s + distance_m(*here, *there) / speed
            if next_s < passed.get(there, math.inf):
                passed[there], before[there] = next_s, (here, speed)
                heapq.heappush(queue, (next_s, there))
    way: list[tuple[Place, float]] = []
    while last != start:
        came, speed = before[last]
        way.append((last, speed))
        last = came
    return way[::-1]


def drive(
    roads: dict[Place, list[tuple[Place, float]]], seed: int
) -> tuple[list[Second], list[Place]]:
    """A day of stops, second by second; where its stops are."""
    chance = random.Random(seed)
    here = chance.choice(sorted(roads))
    truth: list[tuple[Place, float, float | None, int, bool]] = []
    doors: list[Place] = []
    for stop in range(STOPS):
        carry = 0.0
        for there, speed in find_way(roads, here, chance.uniform(60, 480), chance):
            length_m = distance_m(*here, *there)
            heading = _heading(here, there)
            pace = speed * chance.uniform(0.75, 1.05)
            along = carry
            while along < length_m:
                share = along / length_m
                place = (
                    here[0] + (there[0] - here[0]) * share,
                    here[1] + (there[1] - here[1]) * share,
                )
                truth.append((place, pace, heading, stop, True))
                along += pace
            carry = along - length_m
            here = there
        doors.append(here)
        stands_s = chance.randint(*AT_DOOR_S)
        truth += [(here, 0.0, None, stop, False)] * stands_s
    keep = math.exp(-1 / NOISE_HOLDS_S)
    fresh = NOISE_M * math.sqrt(1 - keep**2)
    east = north = 0.0
    seconds = []
    for number, (place, speed, heading, stop, drives) in enumerate(truth):
        east, north = keep * east + chance.gauss(0, fresh), keep * north + chance.gauss(0, fresh)
        at = START_AT + timedelta(seconds=number)
        reading = Reading(
            lon=place[0] + east / (111_320 * math.cos(math.radians(place[1]))),
            lat=place[1] + north / 111_320,
            accuracy_m=round(chance.uniform(4, 12), 1),
            taken_at=at,
            speed_mps=max(0.0, speed + chance.gauss(0, 0.3)),
            heading_deg=None if heading is None else (heading + chance.gauss(0, 3)) % 360,
        )
        seconds.append(Second(at, place, reading, stop, drives))
    return seconds, doors


def _heading(one: Place, other: Place) -> float:
    east = (other[0] - one[0]) * math.cos(math.radians(one[1]))
    return math.degrees(math.atan2(east, other[1] - one[1])) % 360


class Receiver:
    """The location service of a phone, moved on second by second: it reads each `interval_s`, and
    hands over what it has read each `batch_s`."""

    def __init__(self) -> None:
        self.sampling: Sampling | None = None
        self.heard = lambda reading: None
        self._batch: list[Reading] = []
        self._read_s = self._told_s = -(10**9)

    def start(self, sampling: Sampling, heard: object) -> None:
        """As Android does, it reads at once."""
        self._hand_over()
        self.sampling, self.heard = sampling, heard  # type: ignore[assignment]
        self._read_s = self._told_s = -(10**9)

    def stop(self) -> None:
        self.sampling = None

    def tick(self, second: int, reading: Reading) -> bool:
        """Whether something was handed over."""
        if self.sampling is None or second - self._read_s < self.sampling.interval_s:
            return False
        self._read_s = second
        self._batch.append(reading)
        if second - self._told_s < self.sampling.batch_s:
            return False
        self._told_s = second
        self._hand_over()
        return True

    def _hand_over(self) -> None:
        for reading in self._batch:
            self.heard(reading)
        self._batch = []


def ours(trail: list[Second], doors: list[Place]) -> Cost:
    """By the Tracker that the background runs, and the waits of its talk."""
    cost = Cost([])
    receiver = Receiver()
    with tempfile.TemporaryDirectory() as home:
        store = Store(Path(home), fsync=False)
        store.save_pairing(pairing_with("http://127.0.0.1:9", "token"))
        stops = tuple(
            replace(make_stop(f"S{n}", make_task(f"T{n}")), lon=lon, lat=lat)
            for n, (lon, lat) in enumerate(doors)
        )
        store.save_manifest(replace(a_full_run(), stops=stops))
        store.put_setting("shift", "on")
        now = [START_AT]
        device = type("Phone", (), {"location": receiver})()
        tracker = Tracker(store, device, clock=lambda: now[0])
        driver = tracker.driver
        health = Heartbeat(battery_percent=80, charging=False, network="cellular", gps="on")
        waiting: list[Fix] = []
        beat_s, stop, drove = -(10**9), -1, False
        for second, each in enumerate(trail):
            now[0] = each.at
            if each.stop != stop:
                if stop >= 0:
                    driver.complete(f"T{stop}", "delivered_to_consignee")
                stop = each.stop
                driver.start([f"T{stop}"])
            if drove and not each.drives:
                driver.arrive([f"T{stop}"])
            drove = each.drives
            if second % int(LOOK_S) == 0:
                tracker.adapt(health)
            if receiver.tick(second, each.reading):
                cost.wake(second)
            fixes = store.list_unsent_fixes(100)
            if fixes:
                store.forget_fixes(fixes[-1].seq)
                waiting += fixes
            age_s = (each.at - waiting[0].taken_at).total_seconds() if waiting else 0
            if waiting and (len(waiting) >= EVERYDAY.fix_batch or age_s >= EVERYDAY.fix_wait_s):
                envelope = Envelope(
                    id="0" * 8 + "-0000" * 3 + "-" + "0" * 12,
                    sent_at=each.at,
                    body=Fixes(fixes=tuple(waiting)),
                )
                cost.bytes_sent += len(pack_fixes(envelope)) + SOCKET_FRAME_BYTES
                cost.bytes_sent += _size(Ack(fixes_through=waiting[-1].seq), each.at)
                cost.wake(second)
                cost.kept += [(fix.taken_at, (fix.lon, fix.lat)) for fix in waiting]
                waiting = []
                beats = second - beat_s >= EVERYDAY.heartbeat_s - EVERYDAY.fix_wait_s
            else:
                beats = second - beat_s >= EVERYDAY.heartbeat_s
            if beats:
                beat_s = second
                cost.bytes_sent += _size(health, each.at)
                cost.wake(second)
        cost.kept += [(fix.taken_at, (fix.lon, fix.lat)) for fix in waiting]
        store.close()
    return cost


def _size(body: object, at: datetime) -> int:
    return len(encode(Envelope(id="0" * 36, sent_at=at, body=body))) + SOCKET_FRAME_BYTES


def traccars(trail: list[Second], interval_s: int, distance: int, angle: int) -> Cost:
    cost = Cost([])
    last: Reading | None = None
    for second, each in enumerate(trail):
        reading = each.reading
        every_s = 1 if distance or angle else interval_s
        if second % every_s:
            continue
        cost.wake(second)
        turned = abs((reading.heading_deg or 0) - (last.heading_deg or 0)) if last else 0
        if last is None or (
            (reading.taken_at - last.taken_at).total_seconds() >= interval_s
            or (distance and distance_m(last.lon, last.lat, reading.lon, reading.lat) >= distance)
            or (angle and turned >= angle)
        ):
            last = reading
            cost.kept.append((reading.taken_at, (reading.lon, reading.lat)))
            knots = (reading.speed_mps or 0) * 1.943844
            request = (
                f"POST /?id=123456&timestamp={int(reading.taken_at.timestamp())}"
                f"&lat={reading.lat:.7f}&lon={reading.lon:.7f}&speed={knots:.4f}"
                f"&bearing={reading.heading_deg or 0:.2f}&altitude=460.0"
                f"&accuracy={reading.accuracy_m}&batt=80.0 HTTP/1.1\r\n{HTTP_HEAD}"
            )
            cost.bytes_sent += len(request) + len(HTTP_ANSWER)
    return cost


def errors_m(trail: list[Second], kept: list[tuple[datetime, Place]]) -> tuple[float, float]:
    """Mean and 95th percentile of the distance between the truth of each second and the trail as
    it is drawn: straight from one kept position to the next."""
    found: list[float] = []
    steps: Iterator[tuple[tuple[datetime, Place], tuple[datetime, Place]]] = pairwise(kept)
    one, other = next(steps)
    for each in trail:
        while each.at > other[0]:
            following = next(steps, None)
            if following is None:
                break
            one, other = following
        whole_s = (other[0] - one[0]).total_seconds()
        share = min(max((each.at - one[0]).total_seconds() / whole_s, 0), 1) if whole_s else 0
        lon = one[1][0] + (other[1][0] - one[1][0]) * share
        lat = one[1][1] + (other[1][1] - one[1][1]) * share
        found.append(distance_m(lon, lat, *each.place))
    found.sort()
    return sum(found) / len(found), found[int(len(found) * 0.95)]


def main() -> int:
    roads = read_roads(Path(sys.argv[1])) if len(sys.argv) > 1 else make_grid()
    trail, doors = drive(roads, seed=6)
    hours = len(trail) / 3600
    print(f"{STOPS} stops in {hours:.1f} h, {len(roads)} places on roads, noise {NOISE_M} m")
    print(f"{'policy':34} {'kept':>6} {'bytes/8 h':>10} {'wakes/h':>8} {'mean m':>7} {'p95 m':>7}")

    def show(name: str, cost: Cost) -> tuple[float, float, float, float]:
        mean_m, p95_m = errors_m(trail, cost.kept)
        bytes_a_day, wakes = cost.bytes_sent / hours * 8, len(cost.wakes or ()) / hours
        print(
            f"{name:34} {len(cost.kept):6} {bytes_a_day:10.0f} {wakes:8.0f}"
            f" {mean_m:7.1f} {p95_m:7.1f}"
        )
        return bytes_a_day, wakes, mean_m, p95_m

    our = show("ours", ours(trail, doors))
    rivals = []
    for interval_s in (5, 10, 15, 30, 60, 300):
        for distance, angle in ((0, 0), (25, 30), (50, 30), (75, 30)):
            name = f"Traccar {interval_s} s, {distance} m, {angle} deg"
            rivals.append((name, show(name, traccars(trail, interval_s, distance, angle))))
    as_good = [each for each in rivals if each[1][2] <= our[2] and each[1][3] <= our[3]]
    if not as_good:
        print("no setting of Traccar's comes to our error")
        return 0
    met = True
    for index, what in ((0, "bytes"), (1, "wake-ups")):
        name, best = min(as_good, key=lambda each: each[1][index])
        met = met and our[index] <= best[index]
        print(f"{what}: ours / the cheapest as exact ({name}) = {our[index] / best[index]:.2f}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
