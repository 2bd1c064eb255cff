"""What the app asks of a device. Two make it: android.py and desktop.py; tests have their own.

Answers that take a person's time come by callback, on whatever thread; the screens bring them back
to their own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from driver_app.core.sampling import Sampling
from driver_app.core.seal import Seal
from server.protocol.from_driver import Heartbeat

Permission = Literal[
    "location", "gps", "notifications", "battery", "camera", "storage", "clock"
]  # fmt: skip
PERMISSIONS: tuple[Permission, ...] = (
    "location",
    "gps",
    "notifications",
    "battery",
    "camera",
    "storage",
    "clock",
)
STORAGE_NEEDED_BYTES = 500 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One reading of the GPS. WGS 84; accuracy is the radius that holds the truth with 68 %."""

    lon: float
    lat: float
    accuracy_m: float
    taken_at: datetime
    speed_mps: float | None = None
    heading_deg: float | None = None


class Location(Protocol):
    """The location service. Readings come until `stop`; a second `start` changes the sampling."""

    def start(self, sampling: Sampling, heard: Callable[[Reading], None]) -> None: ...

    def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Shot:
    """One photo, as JPEG or PNG: the long edge at most 2560 px, and at most 1024 px in `small`,
    which is sent first."""

    full: Path
    small: Path | None = None


class Camera(Protocol):
    """Takes one photo; None when there is none."""

    def take(self, taken: Callable[[Shot | None], None]) -> None: ...


class Scanner(Protocol):
    """Reads one barcode or QR code. None when the driver went back."""

    def scan(self, scanned: Callable[[str | None], None]) -> None: ...


class Handover(Protocol):
    """Hands over to other apps of the phone."""

    def navigate(self, lon: float, lat: float, name: str) -> None: ...

    def call(self, number: str) -> None: ...

    def write(self, number: str) -> None: ...

    def share(self, file: Path) -> None: ...


class Checks(Protocol):
    """What the phone must allow, and where that is put right."""

    def is_allowed(self, permission: Permission) -> bool: ...

    def fix(self, permission: Permission) -> None: ...

    def read_health(self) -> Heartbeat: ...

    def free_storage_bytes(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Insets:
    """How much of each edge of the window is covered by the system's own bars, in pixels."""

    left_px: float = 0.0
    top_px: float = 0.0
    right_px: float = 0.0
    bottom_px: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """model: as the office sees it. language: of the phone, such as `de_AT`."""

    model: str
    language: str
    location: Location
    camera: Camera
    scanner: Scanner
    handover: Handover
    checks: Checks
    seal: Seal
    start_background: Callable[[Path], None]
    hide_from_switcher: Callable[[], None]
    read_insets: Callable[[], Insets] = Insets
