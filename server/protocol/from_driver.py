"""Frames that a driver's phone sends.

Commands carry `occurred_at`, the phone's clock when the thing happened, and the position if there
was one. What happened in the street is a fact: the server never refuses it for being late.
"""

from datetime import datetime
from typing import Literal

from server.protocol.envelope import command, frame, part


@part
class Position:
    """WGS 84 degrees; accuracy is the radius in metres that holds the truth with 68 %."""

    lon: float
    lat: float
    accuracy_m: float | None = None


@part
class Fix:
    """One GPS reading. `seq` counts up by one for each reading of this device, for ever."""

    seq: int
    taken_at: datetime
    lon: float
    lat: float
    accuracy_m: float
    speed_mps: float | None = None
    heading_deg: float | None = None


@part
class BlobRef:
    """A file that is uploaded apart, by `PUT /api/driver/blobs/{sha256}`, before the command.

    small_sha256: the same photo, smaller. Then only that one goes before the command; the file
        itself follows when the phone has a good network, at the latest at the end of the day.
    """

    sha256: str
    size_bytes: int
    content_type: str
    small_sha256: str | None = None


@part
class Proof:
    """Evidence of what happened at the door. Which parts were required is in the manifest."""

    photos: tuple[BlobRef, ...] = ()
    signature: BlobRef | None = None
    recipient_name: str | None = None
    pin: str | None = None
    scans: tuple[str, ...] = ()
    age_checked: bool | None = None
    note: str | None = None


@part
class ParcelOutcome:
    """What became of one parcel of a task, when it is not the same for all of them."""

    barcode: str
    outcome: Literal["delivered", "collected", "refused", "damaged", "missing"]


@part
class HandedOverParcel:
    """A parcel that was handed over at the door without announcement.

    barcode: as scanned; None when it has none, then the server makes one.
    """

    barcode: str | None = None
    description: str = ""
    weight_g: int | None = None


@frame
class Hello:
    """The first frame of every connection: who speaks which protocol, and what it holds."""

    protocol: int
    app_version: str
    device_model: str = ""
    manifest_version: int = 0
    unsent_commands: int = 0
    unsent_fixes: int = 0


@frame
class Fixes:
    """Up to 100 fixes, oldest first. Answered by an Ack with `fixes_through` once stored."""

    fixes: tuple[Fix, ...]


@frame
class Heartbeat:
    """Sign of life, apart from fixes, with the causes why there may be none."""

    battery_percent: int | None = None
    charging: bool | None = None
    network: Literal["wifi", "cellular", "none", "unknown"] = "unknown"
    gps: Literal["on", "off", "denied", "unknown"] = "unknown"
    battery_saver: bool | None = None
    unsent_commands: int = 0
    unsent_fixes: int = 0


@frame
class ManifestReceived:
    """The phone has stored this version of its manifest durably."""

    version: int


@command
class AcceptTasks:
    """The driver has seen these tasks and takes them."""

    task_ids: tuple[str, ...]
    occurred_at: datetime
    position: Position | None = None


@command
class DeclineTask:
    """The driver cannot take this task."""

    task_id: str
    reason: str
    occurred_at: datetime
    position: Position | None = None


@command
class StartTasks:
    """The driver sets off to the stop where these tasks are done."""

    task_ids: tuple[str, ...]
    occurred_at: datetime
    position: Position | None = None


@command
class ArriveAtTasks:
    """The driver has come to the stop where these tasks are done."""

    task_ids: tuple[str, ...]
    occurred_at: datetime
    position: Position | None = None


@command
class CompleteTask:
    """A delivery, pickup or announced return pickup was done, wholly or for the listed parcels.

    parcels: only the parcels whose outcome differs from the outcome of the task; a refused,
        damaged or missing one stays in the driver's custody or is reported lost.
    cash_minor: cash taken at the door, in minor units of the currency in the manifest.
    """

    task_id: str
    outcome_code: str
    occurred_at: datetime
    position: Position | None = None
    parcels: tuple[ParcelOutcome, ...] = ()
    proof: Proof = Proof()
    cash_minor: int | None = None


@command
class FailTask:
    """The task could not be done (not home, refused, no access); the proof shows the attempt."""

    task_id: str
    outcome_code: str
    occurred_at: datetime
    position: Position | None = None
    proof: Proof = Proof()


@command
class CollectReturn:
    """Somebody hands over goods that nobody announced; announced ones are CompleteTask.

    at_task_id: the task at whose stop it happened; the return is linked to its consignment.
    """

    occurred_at: datetime
    parcels: tuple[HandedOverParcel, ...]
    at_task_id: str | None = None
    reason: str = ""
    position: Position | None = None
    proof: Proof = Proof()


@command
class ScanParcels:
    """Parcels scanned outside of a task: loaded into the van, brought back to the depot."""

    barcodes: tuple[str, ...]
    purpose: Literal["load", "unload"]
    occurred_at: datetime
    position: Position | None = None


@command
class SetShift:
    """The driver's working time: start of shift, break and its end, end of shift."""

    change: Literal["start", "break_start", "break_end", "end"]
    occurred_at: datetime
    position: Position | None = None
    odometer_km: int | None = None


@command
class AddEvidence:
    """Photos of what was already reported, taken or found later. Only the photos count; the proof
    at the door itself stays as it is."""

    task_id: str
    occurred_at: datetime
    position: Position | None = None
    proof: Proof = Proof()


CostKind = Literal["parking", "toll", "ferry", "fuel", "other"]


@command
class ReportCost:
    """The driver paid something on the way. Waiting needs no report: it follows from the arrival
    and the end of a task.

    amount_minor: in minor units of `currency`. at_task_id: the task for which it was paid.
    proof: photos of the receipt.
    """

    kind: CostKind
    amount_minor: int
    currency: str
    occurred_at: datetime
    at_task_id: str | None = None
    note: str = ""
    position: Position | None = None
    proof: Proof = Proof()


@command
class SendMessage:
    """The driver writes to the office."""

    text: str
    occurred_at: datetime
    position: Position | None = None


Command = (
    AcceptTasks
    | DeclineTask
    | StartTasks
    | ArriveAtTasks
    | CompleteTask
    | FailTask
    | CollectReturn
    | ScanParcels
    | SetShift
    | AddEvidence
    | ReportCost
    | SendMessage
)
