"""Draws a plan: GeoJSON for maps, SVG for eyes.

Lines follow the roads if roads are given; else they are straight.
"""

from collections.abc import Sequence
from html import escape
from math import cos, radians
from typing import Any

import msgspec

from routing.plan import Plan, Route
from routing.problem import Position, Problem
from routing.road_errors import RoadsError
from routing.roads import Roads

WIDTH, MARGIN, LINE = 1_000, 40, 18
COLOURS = (
    "#1b6ca8", "#d1495b", "#2e933c", "#8e44ad", "#e08e0b", "#0b7a75", "#7b4b2a", "#c2185b",
    "#5c6bc0", "#6b8e23", "#00838f", "#a0522d",
)  # fmt: skip


def trace_route(problem: Problem, route: Route, roads: Roads | None = None) -> list[Position]:
    """Return the line that the route drives."""
    stops = [problem.places[v.place] for v in route.visits if v.place is not None]
    if roads and len(stops) > 1:
        profile = problem.vehicle_by_id[route.vehicle_id].profile
        try:
            return list(roads.route(stops, profile).geometry)
        except RoadsError:  # what the matrix allowed may still have no geometry
            return stops
    return stops


def encode_geojson(problem: Problem, plan: Plan, roads: Roads | None = None) -> bytes:
    """Return a FeatureCollection: a line for each route, a point for each visit and leftover."""
    features: list[dict[str, Any]] = []
    for number, route in enumerate(plan.routes):
        colour = COLOURS[number % len(COLOURS)]
        line = trace_route(problem, route, roads)
        about = {
            "vehicle": route.vehicle_id,
            "distance_m": route.distance_m,
            "duration_s": route.duration_s,
            "cost": route.cost,
            "stroke": colour,
        }
        features.append(_make_feature("LineString", line, about))
        stops = [v for v in route.visits if v.leg in ("job", "pickup", "delivery", "reload")]
        for rank, visit in enumerate(stops, 1):
            assert visit.place is not None, "work has a place"
            about = {
                "vehicle": route.vehicle_id,
                "id": visit.id,
                "leg": visit.leg,
                "rank": rank,
                "arrival_s": visit.arrival_s,
                "start_s": visit.start_s,
                "departure_s": visit.departure_s,
                "marker-color": colour,
            }
            features.append(_make_feature("Point", problem.places[visit.place], about))
    for one in plan.unassigned:
        for place in problem.find_work(one.id).places:
            about = {"id": one.id, "unassigned": one.code, "why": one.sentence}
            features.append(_make_feature("Point", problem.places[place], about))
    return msgspec.json.encode({"type": "FeatureCollection", "features": features})


def _make_feature(kind: str, coordinates: Any, about: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": about,
    }


def draw_svg(problem: Problem, plan: Plan, roads: Roads | None = None) -> str:
    """Return a picture of the runs with a legend; leftover work is a cross."""
    lines = [trace_route(problem, route, roads) for route in plan.routes]
    canvas = _Canvas([*problem.places, *(point for line in lines for point in line)])
    parts: list[str] = []
    for number, line in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(canvas.place, line))
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" '
            'stroke-opacity="0.75" stroke-linejoin="round"/>'
        )
    for number, route in enumerate(plan.routes):
        colour = COLOURS[number % len(COLOURS)]
        for visit in route.visits:
            if visit.place is None or visit.leg in ("start", "end", "break"):
                continue
            x, y = canvas.place(problem.places[visit.place])
            title = escape(f"{visit.id} ({visit.leg}) at {_tell_time(visit.start_s)}")
            shape = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"'
            parts.append(f'{shape} stroke="white"><title>{title}</title></circle>')
    for one in plan.unassigned:
        for place in problem.find_work(one.id).places:
            x, y = canvas.place(problem.places[place])
            title = escape(f"{one.id}: {one.sentence}")
            cross = f"M{x - 5:.1f},{y - 5:.1f}l10,10m0,-10l-10,10"
            parts.append(
                f'<path d="{cross}" stroke="black" stroke-width="2"><title>{title}</title></path>'
            )
    starts = {v.start_place for v in problem.vehicles if v.start_place is not None}
    for place in sorted(starts):
        x, y = canvas.place(problem.places[place])
        parts.append(f'<rect x="{x - 6:.1f}" y="{y - 6:.1f}" width="12" height="12"/>')
    legend = _write_legend(problem, plan)
    height = max(canvas.height, MARGIN + LINE * (len(legend) + 2))
    words = "".join(
        f'<text x="{canvas.width:.0f}" y="{MARGIN + LINE * k}" fill="{colour}">'
        f"{escape(text)}</text>"
        for k, (text, colour) in enumerate(legend)
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" '
        f'viewBox="0 0 {canvas.width + 360:.0f} {height:.0f}" '
        'font-family="sans-serif" font-size="13">'
        f'<rect width="100%" height="100%" fill="white"/>{"".join(parts)}{words}</svg>\n'
    )


def _write_legend(problem: Problem, plan: Plan) -> list[tuple[str, str]]:
    legend = [(f"{problem.name or 'plan'}: cost {plan.cost}", "black")]
    for number, route in enumerate(plan.routes):
        visits = sum(step.leg != "reload" for step in route.steps)
        text = (
            f"{route.vehicle_id}: {visits} visits, {route.distance_m / 1000:.1f} km, "
            f"{_tell_time(route.visits[0].start_s)} to {_tell_time(route.visits[-1].start_s)}"
        )
        legend.append((text, COLOURS[number % len(COLOURS)]))
    if plan.unassigned:
        legend.append((f"{len(plan.unassigned)} unassigned (crosses)", "black"))
    return legend


def _tell_time(at_s: int) -> str:
    return f"{at_s // 3600}:{at_s // 60 % 60:02}"


class _Canvas:
    """Places positions on the picture, north up; degrees keep their shape on the ground."""

    def __init__(self, positions: Sequence[Position]) -> None:
        known = positions or [(0.0, 0.0)]
        self.west, self.east = min(p[0] for p in known), max(p[0] for p in known)
        self.south, self.north = min(p[1] for p in known), max(p[1] for p in known)
        is_globe = abs(self.north) <= 90 and abs(self.south) <= 90
        self.stretch = 1 / cos(radians((self.north + self.south) / 2)) if is_globe else 1.0
        self.scale = (WIDTH - 2 * MARGIN) / max(self.east - self.west, 1e-9)
        tallest = (self.north - self.south) * self.stretch * self.scale
        if tallest > WIDTH:
            self.scale *= WIDTH / tallest
        self.width = 2 * MARGIN + (self.east - self.west) * self.scale
        self.height = 2 * MARGIN + (self.north - self.south) * self.stretch * self.scale

    def place(self, position: Position) -> tuple[float, float]:
        x = MARGIN + (position[0] - self.west) * self.scale
        return x, self.height - MARGIN - (position[1] - self.south) * self.stretch * self.scale
