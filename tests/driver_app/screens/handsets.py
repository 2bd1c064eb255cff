"""A device for tests: says what the test wants, and remembers what it was asked."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from driver_app.core.sampling import Sampling
from driver_app.core.seal import NoSeal
from driver_app.core.store import Store
from driver_app.device.picture import encode_png
from driver_app.device.ports import Device, Permission, Reading, Shot
from server.protocol.from_driver import Heartbeat
from server.protocol.to_driver import (
    Manifest,
    ManifestBreak,
    ManifestDepot,
    ManifestParcel,
    ManifestStop,
    ManifestTask,
    Notice,
    ProofDemand,
)
from tests.driver_app.phones import START_AT


@dataclass
class Handset:
    """Location, camera, scanner, other apps and checks in one."""

    folder: Path
    to_scan: list[str | None] = field(default_factory=list)
    handed_over: list[str] = field(default_factory=list)
    denied: set[Permission] = field(default_factory=set)
    photos: int = 0

    def device(self) -> Device:
        return Device(
            model="test",
            language="en",
            location=self,
            camera=self,
            scanner=self,
            handover=self,
            checks=self,
            seal=NoSeal(),
            start_background=lambda folder: None,
            hide_from_switcher=lambda: None,
        )

    def start(self, sampling: Sampling, heard: Callable[[Reading], None]) -> None: ...

    def stop(self) -> None: ...

    def take(self, taken: Callable[[Shot | None], None]) -> None:
        self.photos += 1
        path = self.folder / f"camera-{self.photos}.png"
        path.write_bytes(encode_png([bytes([self.photos]) * 40] * 30))
        taken(Shot(path))

    def scan(self, scanned: Callable[[str | None], None]) -> None:
        scanned(self.to_scan.pop(0))

    def navigate(self, lon: float, lat: float, name: str) -> None:
        self.handed_over.append(f"navigate {name}")

    def call(self, number: str) -> None:
        self.handed_over.append(f"call {number}")

    def write(self, number: str) -> None:
        self.handed_over.append(f"write {number}")

    def share(self, file: Path) -> None:
        self.handed_over.append(f"share {file.name}")

    def is_allowed(self, permission: Permission) -> bool:
        return permission not in self.denied

    def fix(self, permission: Permission) -> None:
        self.denied.discard(permission)

    def read_health(self) -> Heartbeat:
        return Heartbeat()

    def free_storage_bytes(self) -> int:
        return 10**10


ALL_PROOF = ProofDemand(
    photo="required",
    signature="warned",
    name="required",
    pin="optional",
    scan="required",
    age_check="required",
)


def a_full_run(version: int = 1) -> Manifest:
    """One of everything that a door can ask for."""

    def stop(number: int, address: str, *tasks: ManifestTask, **more: object) -> ManifestStop:
        known = {
            "planned_arrival_at": START_AT + timedelta(minutes=20 * number),
            "planned_departure_at": START_AT + timedelta(minutes=20 * number + 5),
            "window_start_at": START_AT + timedelta(minutes=20 * number - 30),
            "window_end_at": START_AT + timedelta(minutes=20 * number + 30),
        }
        return ManifestStop(
            id=f"S{number}", address=address, lon=9.5, lat=47.1, tasks=tasks, **{**known, **more}
        )

    def task(task_id: str, kind: str, parcels: int = 1, **more: object) -> ManifestTask:
        return ManifestTask(
            id=task_id,
            kind=kind,  # type: ignore[arg-type]
            state="assigned",
            waybill=f"PR{task_id}000017",
            parcels=tuple(
                ManifestParcel(barcode=f"00340{task_id}{n}", description="Books", weight_g=1200)
                for n in range(1, parcels + 1)
            ),
            **more,  # type: ignore[arg-type]
        )

    return Manifest(
        version=version,
        run_id="R1",
        driver_name="Nora Oehri",
        vehicle_label="FL 40213",
        depot=ManifestDepot(name="Depot Vaduz", lon=9.52, lat=47.14),
        breaks=(
            ManifestBreak(
                earliest_start_at=START_AT + timedelta(hours=3),
                latest_start_at=START_AT + timedelta(hours=5),
                duration_s=1800,
            ),
        ),
        stops=(
            stop(
                1,
                "Äulestrasse 38, 9490 Vaduz",
                task(
                    "T1",
                    "delivery",
                    3,
                    contact_name="Buchhandlung Rheintalblick",
                    contact_phone="+423 555 0101",
                    instructions="Ring twice; the bell on the left side is broken.",
                    proof=ALL_PROOF,
                    cash_minor=4250,
                    currency="EUR",
                ),
                access_note="Gate code 4711, second door behind the bicycle stands",
                locked=True,
            ),
            stop(
                2,
                "Landstrasse 112, 9494 Schaan",
                task("T2", "delivery", contact_name="Ada Frommelt", contact_phone="+423 555 0102"),
                task("T3", "return_pickup", contact_name="Ada Frommelt"),
                place_name="Haus Sonnenblick",
                eta_from_at=START_AT + timedelta(minutes=44),
                eta_until_at=START_AT + timedelta(minutes=57),
            ),
            stop(3, "شارع الورود 12, فادوز", task("T4", "pickup", 2, contact_name="ليلى حداد")),
            *(
                stop(n, f"Feldkircherstrasse {n}, 9494 Schaan", task(f"T{n + 1}", "delivery"))
                for n in range(4, 9)
            ),
        ),
    )


def say_hello(store: Store, text: str) -> None:
    store.add_notice(Notice(message=text), START_AT)
