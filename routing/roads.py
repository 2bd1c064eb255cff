"""Travel times, road geometry and snapping.

Two providers with one interface: OSRM on a map that `build_roads` prepared, and straight lines
where no map is imported. One `Roads` object is one provider: a plan never mixes them. Positions are
(longitude, latitude), WGS 84, degrees; durations are seconds and distances metres, without traffic.
Questions may be asked from any thread; they block, so call them by `asyncio.to_thread`.
"""

import json
import math
import multiprocessing
from collections.abc import Sequence
from itertools import pairwise
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from routing.problem import UNREACHABLE, Matrix, Position
from routing.road_answers import Fix, Matched, RoadLeg, RoadRoute, Snap, Stretch
from routing.road_build import MANIFEST, build_roads
from routing.road_errors import (
    BadPosition,
    NoRoad,
    RoadsNotBuilt,
    RoadsUnavailable,
    UnknownProfile,
)
from routing.road_process import FARTHEST_FROM_ROAD_M, GRAPH_NAME, answer_questions
from routing.speed_limits import SpeedLimits
from routing.traffic import slow_down

__all__ = [
    "Fix",
    "HaversineRoads",
    "Matched",
    "OsrmRoads",
    "RoadLeg",
    "RoadRoute",
    "Roads",
    "Snap",
    "Stretch",
    "build_roads",
    "find_cut_off",
    "open_roads",
]

EARTH_RADIUS_M = 6_371_008.8
DETOUR = 1.3
SPEED_M_S = {"car": 40 / 3.6, "van": 36 / 3.6, "bicycle": 15 / 3.6, "foot": 5 / 3.6}
ANSWER_WITHIN_S = 120.0
MOST_PLACES = 5_000
"""A table of so many takes 200 MB; the process with the roads holds little more than that."""

MOST_FIXES = 10_000
DERIVED = {"van": ("car", 40 / 36)}
"""Profiles that drive on the map of another, so many times as slowly."""


class Roads(Protocol):
    """What both providers can do; all methods raise UnknownProfile and BadPosition."""

    @property
    def source(self) -> str:
        """Where the numbers come from: "osrm" or "haversine"."""

    @property
    def profiles(self) -> frozenset[str]:
        """The ways of travelling that can be asked for."""

    def table(self, positions: Sequence[Position], profile: str = "car") -> Matrix:
        """Return travel between all positions.

        Parameters
        ----------
        positions : N of (longitude, latitude), degrees
        profile : one of `profiles`

        Returns
        -------
        Seconds and metres, two arrays of shape (N, N); `UNREACHABLE` where no road leads, which
        `find_cut_off` reports.
        """

    def route(self, positions: Sequence[Position], profile: str = "car") -> RoadRoute:
        """Return the way through at least two positions, turning round at them where needed.

        Raises NoRoad when there is none.
        """

    def nearest(self, position: Position, profile: str = "car") -> Snap:
        """Return the nearest point on a road; how far is too far is for the caller to judge."""

    def match(self, fixes: Sequence[Fix], profile: str = "car") -> Matched:
        """Put a trail of at least two fixes, in order of time, on the roads that it took.

        Raises NoRoad when no road comes near.
        """

    def limits_kmh(self, fixes: Sequence[Fix], profile: str = "car") -> tuple[int | None, ...]:
        """Return how fast may be driven where each fix of a trail was; None where nobody says.

        Raises NoRoad when no road comes near.
        """

    def close(self) -> None:
        """Give back what the provider holds."""


def open_roads(folder: Path | None) -> "Roads":
    """Open the map that `build_roads` put into a folder; None: straight lines.

    Raises RoadsNotBuilt when the folder holds no map, RoadsUnavailable when it cannot be loaded.
    """
    return HaversineRoads() if folder is None else OsrmRoads(folder)


def find_cut_off(matrix: Matrix) -> tuple[int, ...]:
    """Return the places that more than half of the others cannot reach or be reached from."""
    count = len(matrix.duration_s)
    lost = (matrix.duration_s >= UNREACHABLE) | (matrix.duration_s.T >= UNREACHABLE)
    return tuple(int(k) for k in np.flatnonzero(2 * lost.sum(axis=1) > count - 1))


class HaversineRoads:
    """Straight lines, made longer by 1.3 and driven at the one speed of `SPEED_M_S`."""

    source: ClassVar[str] = "haversine"
    profiles: ClassVar[frozenset[str]] = frozenset(SPEED_M_S)

    def table(self, positions: Sequence[Position], profile: str = "car") -> Matrix:
        speed_m_s = self._check(positions, profile)
        _check_places(positions)
        lon, lat = np.radians(np.array(positions, dtype=np.float64).reshape(-1, 2)).T
        chord = (
            np.sin((lat[:, None] - lat) / 2) ** 2
            + np.cos(lat[:, None]) * np.cos(lat) * np.sin((lon[:, None] - lon) / 2) ** 2
        )
        distance_m = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(chord, 0, 1))) * DETOUR
        return Matrix(
            duration_s=np.rint(distance_m / speed_m_s).astype(np.int32),
            distance_m=np.rint(distance_m).astype(np.int32),
        )

    def route(self, positions: Sequence[Position], profile: str = "car") -> RoadRoute:
        matrix = self.table(positions, profile)
        _check_count(positions)
        legs = []
        for k in range(len(positions) - 1):
            duration_s = int(matrix.duration_s[k, k + 1])
            legs.append(
                RoadLeg(
                    duration_s=duration_s,
                    distance_m=int(matrix.distance_m[k, k + 1]),
                    geometry=(positions[k], positions[k + 1]),
                    passed_s=(0.0, float(duration_s)),
                )
            )
        return RoadRoute(legs=tuple(legs))

    def nearest(self, position: Position, profile: str = "car") -> Snap:
        self._check([position], profile)
        return Snap(position=position, distance_m=0.0)

    def match(self, fixes: Sequence[Fix], profile: str = "car") -> Matched:
        """Where no map is imported every fix is where it was."""
        positions = [fix.position for fix in fixes]
        _check_trail(fixes)
        matrix = [self.table(pair, profile).distance_m[0, 1] for pair in pairwise(positions)]
        way = Stretch(
            geometry=tuple(positions), distance_m=round(sum(matrix) / DETOUR), confidence=0.0
        )
        return Matched(positions=tuple(positions), stretches=(way,))

    def limits_kmh(self, fixes: Sequence[Fix], profile: str = "car") -> tuple[int | None, ...]:
        """Where no map is imported nobody says."""
        self._check([fix.position for fix in fixes], profile)
        _check_trail(fixes)
        return (None,) * len(fixes)

    def close(self) -> None:
        """Nothing is held."""

    @staticmethod
    def _check(positions: Sequence[Position], profile: str) -> float:
        _check_positions(positions)
        if profile not in SPEED_M_S:
            raise UnknownProfile(f"It has {', '.join(sorted(SPEED_M_S))}, not {profile!r}.")
        return SPEED_M_S[profile]


class OsrmRoads:
    """A map in a process of its own, which is started again once if it dies."""

    source: ClassVar[str] = "osrm"

    def __init__(self, folder: Path) -> None:
        try:
            manifest = json.loads((folder / MANIFEST).read_text())
        except (OSError, ValueError) as error:
            raise RoadsNotBuilt(f"{folder}: {error}") from error
        built = frozenset(manifest["profiles"])
        derived = {profile for profile, (origin, _) in DERIVED.items() if origin in built}
        self.profiles: frozenset[str] = built | derived
        self._graphs = {profile: folder / profile / GRAPH_NAME for profile in built}
        self._limits = SpeedLimits.open(folder)
        self._lock = Lock()
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        with self._lock:
            self._start()

    @property
    def process_id(self) -> int | None:
        """The process that holds the map; None after `close`."""
        return self._process.pid if self._process else None

    def table(self, positions: Sequence[Position], profile: str = "car") -> Matrix:
        if not positions:
            nothing = np.zeros((0, 0), dtype=np.int32)
            return Matrix(duration_s=nothing, distance_m=nothing)
        _check_places(positions)
        table: Matrix = self._ask("table", positions, profile)
        slower = _slowness(profile)
        return table if slower == 1.0 else slow_down(table, slower)

    def route(self, positions: Sequence[Position], profile: str = "car") -> RoadRoute:
        _check_count(positions)
        legs, farthest_m = self._ask("route", positions, profile)
        if farthest_m > FARTHEST_FROM_ROAD_M:
            raise NoRoad(f"A position is {farthest_m:.0f} m away from any road for {profile}.")
        slower = _slowness(profile)
        return RoadRoute(
            legs=tuple(
                RoadLeg(
                    duration_s=round(duration_s * slower),
                    distance_m=round(distance_m),
                    geometry=tuple(geometry),
                    passed_s=tuple(passed * slower for passed in passed_s),
                )
                for duration_s, distance_m, geometry, passed_s in legs
            )
        )

    def nearest(self, position: Position, profile: str = "car") -> Snap:
        snapped, distance_m = self._ask("nearest", [position], profile)
        return Snap(position=snapped, distance_m=distance_m)

    def match(self, fixes: Sequence[Fix], profile: str = "car") -> Matched:
        _check_trail(fixes)
        positions = [fix.position for fix in fixes]
        details = [fix.at_s for fix in fixes], [fix.accuracy_m for fix in fixes]
        spots, stretches = self._ask("match", positions, profile, *details)
        return Matched(
            positions=tuple(spots),
            stretches=tuple(
                Stretch(geometry=tuple(line), distance_m=round(metres), confidence=confidence)
                for line, metres, confidence in stretches
            ),
        )

    def limits_kmh(self, fixes: Sequence[Fix], profile: str = "car") -> tuple[int | None, ...]:
        """A map that was built without limits is built again to have them."""
        _check_trail(fixes)
        if self._limits is None:
            return (None,) * len(fixes)
        positions = [fix.position for fix in fixes]
        details = [fix.at_s for fix in fixes], [fix.accuracy_m for fix in fixes]
        return tuple(map(self._limits.of, self._ask("pieces", positions, profile, *details)))

    def close(self) -> None:
        """End the process; asking again starts a new one."""
        with self._lock:
            self._stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(
        self, question: str, positions: Sequence[Position], profile: str, *details: Any
    ) -> Any:
        """Questions change nothing, so one whose process died may be asked once more."""
        _check_positions(positions)
        if profile not in self.profiles:
            raise UnknownProfile(f"It has {', '.join(sorted(self.profiles))}, not {profile!r}.")
        with self._lock:
            for is_last in (False, True):
                try:
                    if self._connection is None:
                        self._start()
                    assert self._connection is not None
                    graph = DERIVED[profile][0] if profile in DERIVED else profile
                    self._connection.send((question, graph, list(positions), *details))
                    state, answer = self._receive(self._connection)
                    break
                except (EOFError, OSError) as error:
                    self._stop()
                    if is_last:
                        raise RoadsUnavailable("Its process died twice on one question.") from error
        if state == "ok":
            return answer
        if str(answer).startswith(("NoRoute", "NoSegment", "NoMatch")):
            raise NoRoad(f"The map says {answer}.")
        raise BadPosition(f"The map says {answer}.")

    def _receive(self, connection: Connection) -> tuple[str, Any]:
        if not connection.poll(ANSWER_WITHIN_S):
            self._stop()
            raise RoadsUnavailable(f"It did not answer within {ANSWER_WITHIN_S:.0f} s.")
        message: tuple[str, Any] = connection.recv()
        return message

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        process = context.Process(
            target=answer_questions, args=(theirs, self._graphs), daemon=True, name="roads"
        )
        process.start()
        theirs.close()
        self._process = process
        try:
            state, answer = self._receive(self._connection)
        except (EOFError, OSError) as error:
            self._stop()
            raise RoadsUnavailable("Its process died while loading the map.") from error
        if state != "ok":
            self._stop()
            raise RoadsUnavailable(str(answer))

    def _stop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._connection = self._process = None


def _check_positions(positions: Sequence[Position]) -> None:
    for lon, lat in positions:
        if not (math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90):
            raise BadPosition(f"({lon}, {lat}) is not a longitude and a latitude.")


def _check_count(positions: Sequence[Position]) -> None:
    if len(positions) < 2:
        raise BadPosition("A route needs at least two.")


def _check_places(positions: Sequence[Position]) -> None:
    if len(positions) > MOST_PLACES:
        raise BadPosition(f"{len(positions)} are more than the {MOST_PLACES} of one table.")


def _check_trail(fixes: Sequence[Fix]) -> None:
    _check_count([fix.position for fix in fixes])
    if len(fixes) > MOST_FIXES:
        raise BadPosition(f"{len(fixes)} fixes are more than {MOST_FIXES}.")
    for earlier, later in pairwise(fixes):
        if later.at_s < earlier.at_s:
            raise BadPosition(f"The fix at {later.at_s} s comes after that at {earlier.at_s} s.")
    if any(not 0 <= fix.at_s < 2**32 or not 0 < fix.accuracy_m < 10_000 for fix in fixes):
        raise BadPosition("A fix has a time below 0 or an accuracy that is none.")


def _slowness(profile: str) -> float:
    return DERIVED[profile][1] if profile in DERIVED else 1.0
