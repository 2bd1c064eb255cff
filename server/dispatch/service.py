"""The door of dispatch: everything that other rooms may call."""

from server.dispatch.afterwards import add_evidence, report_cost
from server.dispatch.breakdown import MovedWork, Reassignment, RunIsClosed, UnknownRun, reassign_run
from server.dispatch.depot_gate import GateAnswer, scan_at_gate
from server.dispatch.door import complete_task, fail_task
from server.dispatch.draft import DraftRun, DraftStop, DraftVisit
from server.dispatch.draft_edits import MoveEffect, lock_stop, move_stop, read_move_effects
from server.dispatch.exceptions import (
    ExceptionView,
    assign_exception,
    list_exceptions,
    raise_for_phone,
    receipt_of,
    settle_exception,
    settle_for_phone,
    snooze_exception,
)
from server.dispatch.fleet import (
    DepotView,
    DriverView,
    VehicleView,
    change_driver,
    change_vehicle,
    create_depot,
    create_driver,
    create_vehicle,
    get_depot,
    list_depots,
    list_drivers,
    list_vehicles,
)
from server.dispatch.forecaster import FORECASTS_CHANNEL
from server.dispatch.inputs import Change
from server.dispatch.labelling import labels_of_barcode, labels_of_consignments
from server.dispatch.load_check import (
    LoadAnswer,
    LoadCheckView,
    finish_load_check,
    read_load_check,
    scan_into_run,
)
from server.dispatch.manifest import (
    MANIFESTS_CHANNEL,
    acknowledge_manifest,
    manifest_of,
    shows_photo,
    unacknowledged_manifests,
)
from server.dispatch.messages import MessageView, hear_driver, list_messages, tell_driver
from server.dispatch.offers import take_back_unanswered
from server.dispatch.outcomes import OUTCOMES, Outcome
from server.dispatch.places_in_run import LateVisit
from server.dispatch.planning import (
    PlanView,
    UnassignedWork,
    discard_plan,
    get_plan,
    list_plans,
    request_plan,
)
from server.dispatch.pool import PoolItem, read_pool
from server.dispatch.progress import (
    RunView,
    StopProgress,
    StopView,
    get_run,
    list_runs,
    run_context,
    shown_run_ids,
    snapshot_of_runs,
    stop_progress,
)
from server.dispatch.publishing import publish_plan
from server.dispatch.run_edits import (
    ChangedRun,
    Manner,
    RunChange,
    move_stops,
    swap_runs,
)
from server.dispatch.shifts import (
    ShiftBreak,
    ShiftView,
    create_shift,
    list_shifts,
    remove_shift,
)
from server.dispatch.staleness import StalePlan
from server.dispatch.street import (
    accept_tasks,
    arrive_at_tasks,
    decline_task,
    set_shift,
    start_tasks,
)
from server.dispatch.tasks import TaskView, UnknownTask, get_task, list_tasks, repeat_task
from server.dispatch.urgent import InsertedWork, insert_urgent
from server.dispatch.vehicle_load import scan_parcels
from server.dispatch.visits import (
    CashReport,
    DoorVisit,
    WorkedShift,
    cash_reports,
    visits_by,
    visits_of,
    worked_shifts,
)
from server.dispatch.way import RunWay, find_way

__all__ = [
    "FORECASTS_CHANNEL",
    "MANIFESTS_CHANNEL",
    "OUTCOMES",
    "CashReport",
    "Change",
    "ChangedRun",
    "DepotView",
    "DoorVisit",
    "DraftRun",
    "DraftStop",
    "DraftVisit",
    "DriverView",
    "ExceptionView",
    "GateAnswer",
    "InsertedWork",
    "LateVisit",
    "LoadAnswer",
    "LoadCheckView",
    "Manner",
    "MessageView",
    "MoveEffect",
    "MovedWork",
    "Outcome",
    "PlanView",
    "PoolItem",
    "Reassignment",
    "RunChange",
    "RunIsClosed",
    "RunView",
    "RunWay",
    "ShiftBreak",
    "ShiftView",
    "StalePlan",
    "StopProgress",
    "StopView",
    "TaskView",
    "UnassignedWork",
    "UnknownRun",
    "UnknownTask",
    "VehicleView",
    "WorkedShift",
    "accept_tasks",
    "acknowledge_manifest",
    "add_evidence",
    "arrive_at_tasks",
    "assign_exception",
    "cash_reports",
    "change_driver",
    "change_vehicle",
    "complete_task",
    "create_depot",
    "create_driver",
    "create_shift",
    "create_vehicle",
    "decline_task",
    "discard_plan",
    "fail_task",
    "find_way",
    "finish_load_check",
    "get_depot",
    "get_plan",
    "get_run",
    "get_task",
    "hear_driver",
    "insert_urgent",
    "labels_of_barcode",
    "labels_of_consignments",
    "list_depots",
    "list_drivers",
    "list_exceptions",
    "list_messages",
    "list_plans",
    "list_runs",
    "list_shifts",
    "list_tasks",
    "list_vehicles",
    "lock_stop",
    "manifest_of",
    "move_stop",
    "move_stops",
    "publish_plan",
    "raise_for_phone",
    "read_load_check",
    "read_move_effects",
    "read_pool",
    "reassign_run",
    "receipt_of",
    "remove_shift",
    "repeat_task",
    "report_cost",
    "request_plan",
    "run_context",
    "scan_at_gate",
    "scan_into_run",
    "scan_parcels",
    "set_shift",
    "settle_exception",
    "settle_for_phone",
    "shown_run_ids",
    "shows_photo",
    "snapshot_of_runs",
    "snooze_exception",
    "start_tasks",
    "stop_progress",
    "swap_runs",
    "take_back_unanswered",
    "tell_driver",
    "unacknowledged_manifests",
    "visits_by",
    "visits_of",
    "worked_shifts",
]
