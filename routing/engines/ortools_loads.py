"""What is on board, as dimensions of OR-Tools' model."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from routing.engines.ortools_model import Model


def add_loads(model: "Model") -> None:
    """Deliveries are on board from the start of a trip, pickups until its end."""
    for k in range(model.problem.dimensions):
        room = [
            max(0, v.capacity[k] - (v.on_board[k] if v.on_board else 0)) for v in model.vehicles
        ]
        if any(model.reloads):
            _add_trips(model, k, room)
        else:
            _add_one_trip(model, k, room)


def _add_one_trip(model: "Model", k: int, room: list[int]) -> None:
    """The load at the start is all that is delivered."""
    routing = model.routing
    rests = [0] * len(model.terminals)
    changes = [node.change[k] for node in model.nodes]
    out = [
        -change if node.step.leg == "job" and change < 0 else 0
        for node, change in zip(model.nodes, changes, strict=True)
    ]
    add = routing.AddDimensionWithVehicleCapacity
    if any(out):
        add(routing.RegisterUnaryTransitVector(out + rests), 0, room, True, f"delivered{k}")
    if out == [-change for change in changes]:
        return
    transit = routing.RegisterUnaryTransitVector(changes + rests)
    add(transit, 0, room, not any(out), f"load{k}")
    if any(out):
        load = routing.GetDimensionOrDie(f"load{k}")
        delivered = routing.GetDimensionOrDie(f"delivered{k}")
        for index in range(len(model.vehicles)):
            at_start = load.CumulVar(routing.Start(index))
            model.solver.Add(at_start == delivered.CumulVar(routing.End(index)))


def _add_trips(model: "Model", k: int, room: list[int]) -> None:
    """At a reload both dimensions may take any value again.

    "kept" counts what was collected in the trip and what is between pickup and delivery; at the end
    of a trip nothing less may be on board, so all that is delivered was there at its beginning.
    """
    routing = model.routing
    rests = [0] * len(model.terminals)
    changes = [node.change[k] for node in model.nodes]
    keeps = [
        0 if node.step.leg == "job" and change < 0 else change
        for node, change in zip(model.nodes, changes, strict=True)
    ]
    most = max(room, default=0)
    resets = [-most if node.step.leg == "reload" else 0 for node in model.nodes]

    def add(numbers: list[int], name: str, *, starts_empty: bool) -> Any:
        steps = [number + reset for number, reset in zip(numbers, resets, strict=True)]
        transit = routing.RegisterUnaryTransitVector(steps + rests)
        routing.AddDimensionWithVehicleCapacity(transit, 2 * most, room, starts_empty, name)
        dimension = routing.GetDimensionOrDie(name)
        for row, node in enumerate(model.nodes):
            if node.step.leg != "reload":
                dimension.SlackVar(model.index_of(row)).SetValue(0)
        for index in range(len(model.vehicles)):
            dimension.SlackVar(routing.Start(index)).SetValue(0)
        return dimension

    load = add(changes, f"load{k}", starts_empty=False)
    if not any(keeps):
        return
    kept = add(keeps, f"kept{k}", starts_empty=True)
    ends = [routing.End(index) for index in range(len(model.vehicles))]
    ends += [model.index_of(node) for nodes in model.reloads for node in nodes]
    for index in ends:
        model.solver.Add(load.CumulVar(index) >= kept.CumulVar(index))
