"""What a driver gathers at the door, and whether it is what was asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from driver_app.core.errors import ProofMissing
from server.protocol.from_driver import ParcelOutcome
from server.protocol.to_driver import ManifestTask


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A photo or a signature, as bytes or as a file that the camera wrote.

    small: the same photo, smaller, which goes first.
    """

    content: bytes | Path
    content_type: str = "image/jpeg"
    small: bytes | Path | None = None

    def read(self) -> bytes:
        return _read(self.content)

    def read_small(self) -> bytes | None:
        return None if self.small is None else _read(self.small)


def _read(content: bytes | Path) -> bytes:
    return content if isinstance(content, bytes) else content.read_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the driver gathered at the door; a `Proof` with the files themselves."""

    photos: tuple[File, ...] = ()
    signature: File | None = None
    recipient_name: str | None = None
    pin: str | None = None
    scans: tuple[str, ...] = ()
    age_checked: bool | None = None
    note: str | None = None


NO_EVIDENCE = Evidence()


def list_missing(
    task: ManifestTask, evidence: Evidence, parcels: Sequence[ParcelOutcome], demanded: str
) -> list[str]:
    """The parts of the proof that are `demanded` (required, warned) and not there."""
    not_handed_over = {p.barcode for p in parcels if p.outcome in ("refused", "missing")}
    to_scan = {parcel.barcode for parcel in task.parcels} - not_handed_over
    given = {
        "photo": bool(evidence.photos),
        "signature": evidence.signature is not None,
        "name": bool(evidence.recipient_name),
        "pin": bool(evidence.pin),
        "scan": to_scan <= set(evidence.scans),
        "age_check": evidence.age_checked is True,
    }
    return [
        part for part, there in given.items() if getattr(task.proof, part) == demanded and not there
    ]


def require_proof(task: ManifestTask, evidence: Evidence, parcels: Sequence[ParcelOutcome]) -> None:
    """The parts that the manifest requires must be there; `warned` ones are the screen's matter."""
    words = {"pin": "PIN", "scan": "scan of every parcel", "age_check": "age check"}
    if missing := list_missing(task, evidence, parcels, "required"):
        raise ProofMissing(parts=", ".join(words.get(part, part) for part in missing))
