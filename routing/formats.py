"""Reads problems of any kind, and writes our own JSON.

Our JSON spells every field of `routing.problem` and `routing.plan` by its name; sets are lists and
matrices are lists of rows. `schema_of` says it for programs. The other formats are read by
`routing.benchmark_files` and `routing.vroom_json`.
"""

from typing import Any, Literal

import msgspec
import numpy as np

from routing.benchmark_files import is_number, measure_plane, read_homberger, read_li_lim
from routing.plan import Plan
from routing.problem import Depot, Job, Matrix, Position, Problem, Shipment, Vehicle
from routing.problem_errors import BadFile
from routing.roads import HaversineRoads, Roads
from routing.vroom_json import is_vroom, read_vroom

__all__ = [
    "BadFile",
    "decode_plan",
    "decode_problem",
    "encode_plan",
    "encode_problem",
    "measure_plane",
    "read_problem",
    "schema_of",
]


class _MatrixRows(msgspec.Struct):
    duration_s: list[list[int]]
    distance_m: list[list[int]]


class _ProblemFields(msgspec.Struct, forbid_unknown_fields=True):
    places: tuple[Position, ...]
    jobs: tuple[Job, ...] = ()
    shipments: tuple[Shipment, ...] = ()
    vehicles: tuple[Vehicle, ...] = ()
    matrices: dict[str, _MatrixRows] = {}
    name: str = ""
    depots: tuple[Depot, ...] = ()


def encode_problem(problem: Problem) -> bytes:
    """Return the problem as JSON."""
    return msgspec.json.encode(
        _ProblemFields(
            places=problem.places,
            jobs=problem.jobs,
            shipments=problem.shipments,
            vehicles=problem.vehicles,
            matrices={
                profile: _MatrixRows(matrix.duration_s.tolist(), matrix.distance_m.tolist())
                for profile, matrix in problem.matrices.items()
            },
            name=problem.name,
            depots=problem.depots,
        )
    )


def decode_problem(text: bytes) -> Problem:
    """Read what `encode_problem` wrote; raises BadFile with the place of the error."""
    try:
        fields = msgspec.json.decode(text, type=_ProblemFields)
    except msgspec.DecodeError as error:
        raise BadFile(str(error)) from error
    matrices = {}
    for profile, rows in fields.matrices.items():
        try:
            matrices[profile] = Matrix(
                duration_s=np.array(rows.duration_s, dtype=np.int64),
                distance_m=np.array(rows.distance_m, dtype=np.int64),
            )
        except (ValueError, OverflowError) as error:
            raise BadFile(f"Matrix {profile!r}: {error}") from error
    return Problem(
        places=fields.places,
        jobs=fields.jobs,
        shipments=fields.shipments,
        vehicles=fields.vehicles,
        matrices=matrices,
        name=fields.name,
        depots=fields.depots,
    )


def encode_plan(plan: Plan) -> bytes:
    """Return the plan as JSON."""
    return msgspec.json.encode(plan)


def decode_plan(text: bytes) -> Plan:
    """Read what `encode_plan` wrote; raises BadFile with the place of the error."""
    try:
        return msgspec.json.decode(text, type=Plan)
    except msgspec.DecodeError as error:
        raise BadFile(str(error)) from error


def schema_of(what: Literal["problem", "plan"]) -> dict[str, Any]:
    """Return the JSON Schema of our JSON, which also stands in `routing/schemas`."""
    schema = msgspec.json.schema({"problem": _ProblemFields, "plan": Plan}[what])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def read_problem(text: bytes, name: str = "", roads: Roads | None = None) -> Problem:
    """Read a problem in any of the formats, told apart by how they begin.

    `roads` measure what a VROOM problem without matrices leaves open; straight lines if there are
    none.
    """
    if text.lstrip()[:1] == b"{":
        if is_vroom(text):
            return read_vroom(text, name, roads or HaversineRoads())
        return decode_problem(text)
    try:
        lines = [line.split() for line in text.decode("utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise BadFile("It is neither JSON nor plain text.") from error
    if any(line[0].upper() == "VEHICLE" for line in lines):
        return read_homberger(lines, name)
    if lines and len(lines[0]) == 3 and all(map(is_number, lines[0])):
        return read_li_lim(lines, name)
    raise BadFile("It is neither our JSON nor a Solomon, Gehring & Homberger or Li & Lim file.")
