"""The process that holds the road graph: the only file that imports OSRM.

OSRM keeps Python's global lock while it computes, so it lives in a child process that answers one
question at a time over a pipe. The caller's side is `routing.roads.OsrmRoads`.
"""

import math
from collections.abc import Callable, Sequence
from itertools import accumulate
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from routing.problem import UNREACHABLE, Matrix, Position
from routing.speed_limits import Piece, pieces_passed

FARTHEST_FROM_ROAD_M = 2_000
"""A place farther than this from any road of the profile cannot be reached."""

GRAPH_NAME = "map.osrm"
ROWS_AT_ONCE = 500

LegAnswer = tuple[float, float, list[Position], list[float]]
"""Duration, distance, geometry, and the seconds after which each of its points is passed."""


def answer_questions(connection: Connection, graphs: dict[str, Path]) -> None:
    """Load the graph of each profile, then answer (name, arguments) until the pipe closes.

    Answers are ("ok", value) or ("error", text); the first one says that all graphs are loaded.
    """
    import osrm  # noqa: PLC0415 - loading it belongs to this process only

    try:
        engines = {
            profile: osrm.OSRM(
                algorithm="CH",
                storage_config=str(graph),
                max_locations_distance_table=-1,
                max_locations_viaroute=-1,
                max_locations_map_matching=-1,
                use_shared_memory=False,
                verbosity="NONE",
            )
            for profile, graph in graphs.items()
        }
    except RuntimeError as error:
        connection.send(("error", str(error)))
        return
    connection.send(("ok", None))
    questions: dict[str, Callable[..., object]] = {
        "table": _measure_table,
        "route": _find_route,
        "nearest": _find_nearest,
        "match": _match_trail,
        "pieces": _find_pieces,
    }
    while True:
        try:
            name, profile, positions, *more = connection.recv()
        except EOFError:
            return
        try:
            value = questions[name](osrm, engines[profile], positions, *more)
            answer: tuple[str, object] = ("ok", value)
        except RuntimeError as error:
            answer = ("error", str(error))
        connection.send(answer)


def _measure_table(osrm: Any, engine: Any, positions: Sequence[Position]) -> Matrix:
    """Measure in bands of rows, so that what OSRM answers with never holds the whole table."""
    count = len(positions)
    duration_s = np.empty((count, count), dtype=np.int32)
    distance_m = np.empty((count, count), dtype=np.int32)
    far = np.zeros(count, dtype=bool)
    for first in range(0, count, ROWS_AT_ONCE):
        rows = slice(first, min(count, first + ROWS_AT_ONCE))
        found = engine.Table(
            osrm.TableParameters(
                coordinates=list(positions),
                sources=list(range(rows.start, rows.stop)),
                annotations=["duration", "distance"],
                generate_hints=False,
            )
        )
        spots = found["sources"]
        far[rows] = [float(spot["distance"]) > FARTHEST_FROM_ROAD_M for spot in spots]
        duration_s[rows] = _read_grid(found["durations"])
        distance_m[rows] = _read_grid(found["distances"])
    for grid in (duration_s, distance_m):
        grid[far, :] = UNREACHABLE
        grid[:, far] = UNREACHABLE
        np.fill_diagonal(grid, 0)
    none = (duration_s == UNREACHABLE) | (distance_m == UNREACHABLE)
    duration_s[none] = distance_m[none] = UNREACHABLE
    return Matrix(duration_s=duration_s, distance_m=distance_m)


def _read_grid(answer: Any) -> NDArray[np.int32]:
    """Return whole numbers; on one spot OSRM may measure a little less than nothing."""
    grid = np.array([list(row) for row in answer], dtype=np.float64)
    missing = ~np.isfinite(grid)
    whole = np.clip(np.rint(np.where(missing, 0, grid)), 0, UNREACHABLE)
    whole[missing] = UNREACHABLE
    return whole.astype(np.int32)


def _find_route(
    osrm: Any, engine: Any, positions: Sequence[Position]
) -> tuple[list[LegAnswer], float]:
    """Return the legs and how far the farthest position is from its road, metres."""
    found = engine.Route(
        osrm.RouteParameters(
            coordinates=list(positions),
            overview="full",
            continue_straight=False,
            geometries="geojson",
            annotations=["duration"],
            generate_hints=False,
        )
    )
    farthest_m = max(float(spot["distance"]) for spot in found["waypoints"])
    route = found["routes"][0]
    points = [_read_point(point) for point in route["geometry"]["coordinates"]]
    legs: list[LegAnswer] = []
    first = 0
    for leg in route["legs"]:
        segments_s = [float(part) for part in leg["annotation"]["duration"]]
        geometry = points[first : first + len(segments_s) + 1]
        first += len(segments_s)
        duration_s = float(leg["duration"])
        legs.append(
            (duration_s, float(leg["distance"]), geometry, _time_points(segments_s, duration_s))
        )
    return legs, farthest_m


def _time_points(segments_s: list[float], duration_s: float) -> list[float]:
    """Spread what the turns cost over the segments in proportion."""
    driven_s = math.fsum(segments_s)
    scale = duration_s / driven_s if driven_s else 0.0
    return [passed_s * scale for passed_s in accumulate(segments_s, initial=0.0)]


def _find_nearest(osrm: Any, engine: Any, positions: Sequence[Position]) -> tuple[Position, float]:
    spot = engine.Nearest(
        osrm.NearestParameters(coordinates=list(positions), generate_hints=False)
    )["waypoints"][0]
    return _read_point(spot["location"]), float(spot["distance"])


def _match_trail(
    osrm: Any,
    engine: Any,
    positions: Sequence[Position],
    seconds: Sequence[int],
    accuracies_m: Sequence[float],
) -> tuple[list[Position | None], list[tuple[list[Position], float, float]]]:
    """Return where on a road each fix was, None for an outlier, and the stretches driven.

    A stretch is its geometry, metres and confidence from 0 to 1; a gap in time begins a new one.
    """
    trail = _trail_of(positions, seconds, accuracies_m)
    found = engine.Match(osrm.MatchParameters(**trail, geometries="geojson", overview="full"))
    spots: list[Position | None] = []
    for spot in found["tracepoints"]:
        is_outlier = not isinstance(spot, osrm.Object)
        spots.append(None if is_outlier else _read_point(spot["location"]))
    stretches = []
    for matching in found["matchings"]:
        line = [_read_point(point) for point in matching["geometry"]["coordinates"]]
        stretches.append((line, float(matching["distance"]), float(matching["confidence"])))
    return spots, stretches


def _find_pieces(
    osrm: Any,
    engine: Any,
    positions: Sequence[Position],
    seconds: Sequence[int],
    accuracies_m: Sequence[float],
) -> list[Piece | None]:
    """Return the piece of road on which each fix was; None for an outlier."""
    trail = _trail_of(positions, seconds, accuracies_m)
    found = engine.Match(osrm.MatchParameters(**trail, overview="false", annotations=["nodes"]))
    stretches = [
        [[int(node) for node in leg["annotation"]["nodes"]] for leg in matching["legs"]]
        for matching in found["matchings"]
    ]
    pieces: list[Piece | None] = []
    for spot in found["tracepoints"]:
        if not isinstance(spot, osrm.Object):
            pieces.append(None)
            continue
        legs = stretches[int(spot["matchings_index"])]
        pieces += pieces_passed(legs, [int(spot["waypoint_index"])])
    return pieces


def _trail_of(
    positions: Sequence[Position], seconds: Sequence[int], accuracies_m: Sequence[float]
) -> dict[str, Any]:
    """Return how OSRM is asked about fixes. A gap in time begins a new stretch."""
    return {
        "coordinates": list(positions),
        "timestamps": list(seconds),
        "radiuses": list(accuracies_m),
        "gaps": "split",
        "tidy": False,
        "generate_hints": False,
    }


def _read_point(point: Any) -> Position:
    return float(point[0]), float(point[1])
