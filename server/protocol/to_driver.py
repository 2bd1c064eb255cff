"""Frames that the server sends to a driver's phone. A manifest is always whole, never a delta."""

from datetime import datetime
from typing import Literal

from server.protocol.envelope import frame, part

TaskKind = Literal["delivery", "pickup", "return_pickup"]
TaskState = Literal[
    "assigned", "accepted", "en_route", "arrived", "completed", "failed", "cancelled"
]
Demand = Literal["required", "warned", "optional", "off"]


@part
class ProofDemand:
    """What the phone asks for at the door. `warned` may be left out after a warning."""

    photo: Demand = "optional"
    signature: Demand = "optional"
    name: Demand = "optional"
    pin: Demand = "off"
    scan: Demand = "optional"
    age_check: Demand = "off"


@part
class ManifestParcel:
    barcode: str
    description: str = ""
    weight_g: int = 0


@part
class ManifestTask:
    """One pickup or delivery. `cash_minor` is what the driver must collect, in `currency`.

    answer_by_at: an urgent job that is only offered: without an answer until then the office gives
        it to somebody else.
    """

    id: str
    kind: TaskKind
    state: TaskState
    waybill: str
    parcels: tuple[ManifestParcel, ...]
    contact_name: str = ""
    contact_phone: str = ""
    instructions: str = ""
    proof: ProofDemand = ProofDemand()
    cash_minor: int = 0
    currency: str = ""
    answer_by_at: datetime | None = None


@part
class ManifestStop:
    """One halt. The planned times are the plan's; the window is what the customer was promised.

    eta_from_at, eta_until_at: when the driver will come, with a probability of 80 %, as it was
        forecast when the manifest was sent.
    photos: what the door looked like at earlier visits, by SHA-256, the newest first; to be had
        from `GET /api/driver/doors/{sha256}`.
    """

    id: str
    address: str
    lon: float
    lat: float
    planned_arrival_at: datetime
    planned_departure_at: datetime
    tasks: tuple[ManifestTask, ...]
    place_name: str = ""
    access_note: str = ""
    window_start_at: datetime | None = None
    window_end_at: datetime | None = None
    locked: bool = False
    eta_from_at: datetime | None = None
    eta_until_at: datetime | None = None
    photos: tuple[str, ...] = ()


@part
class ManifestBreak:
    earliest_start_at: datetime
    latest_start_at: datetime
    duration_s: int


@part
class ManifestDepot:
    name: str
    lon: float
    lat: float


@part
class ManifestMessage:
    """What the office wrote to the driver."""

    id: str
    text: str
    said_at: datetime


@frame
class Manifest:
    """The driver's whole run as it is now; it replaces the one before.

    version: counts up for this driver, over all runs; the phone ignores a lower one.
    run_id: None when the driver has no run (any more).
    stops: in driving order, done ones included, so that the phone can show the whole day.
    messages: of the last day, the oldest first. Here, because a manifest always arrives.
    """

    version: int
    run_id: str | None
    driver_name: str
    vehicle_label: str = ""
    profile: str = "car"
    depot: ManifestDepot | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    breaks: tuple[ManifestBreak, ...] = ()
    stops: tuple[ManifestStop, ...] = ()
    messages: tuple[ManifestMessage, ...] = ()


@frame
class Ack:
    """Stored durably; the phone may forget it.

    envelope_ids: the commands that took effect (now or when they came before).
    fixes_through: every fix with a `seq` up to this one need not be sent again, whether it was
        kept or filtered out; None when the Ack is about commands only.
    """

    envelope_ids: tuple[str, ...] = ()
    fixes_through: int | None = None


BLOB_MISSING = "driver.blob_missing"
"""The one code of a Reject that the phone mends by itself: the server does not hold (any more) a
file that the command refers to; the phone uploads it again and then repeats the command."""


@frame
class Reject:
    """The frame cannot be used, now or ever; it goes to 'needs attention' on the phone."""

    envelope_id: str
    code: str
    message: str


@frame
class Notice:
    """A sentence to show to the driver, such as a change of the run in words."""

    message: str
    code: str = "notice"
