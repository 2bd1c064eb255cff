"""What other rooms may ask of tracking."""

from server.tracking.arrivals import Arrivals, Frames, Sender
from server.tracking.devices import SignOfLife, last_signs, record_heartbeat
from server.tracking.fences import Fence, set_fences
from server.tracking.ingest import (
    POSITION,
    Ingested,
    Tick,
    ingest_fixes,
    ingest_tick,
    newest_claims,
)
from server.tracking.known_devices import KnownDevices
from server.tracking.partitions import (
    drop_partitions_before,
    ensure_partitions,
    missing_partitions,
)
from server.tracking.positions import (
    LivePosition,
    TrailPoint,
    breadcrumb,
    breadcrumbs,
    driven_m,
    fix_rejections,
    latest_positions,
)
from server.tracking.settling import OtherwiseRemembered
from server.tracking.trips import Piece, split_trail
from server.tracking.unnumbered import ingest_unnumbered

__all__ = [
    "POSITION",
    "Arrivals",
    "Fence",
    "Frames",
    "Ingested",
    "KnownDevices",
    "LivePosition",
    "OtherwiseRemembered",
    "Piece",
    "Sender",
    "SignOfLife",
    "Tick",
    "TrailPoint",
    "breadcrumb",
    "breadcrumbs",
    "driven_m",
    "drop_partitions_before",
    "ensure_partitions",
    "fix_rejections",
    "ingest_fixes",
    "ingest_tick",
    "ingest_unnumbered",
    "last_signs",
    "latest_positions",
    "missing_partitions",
    "newest_claims",
    "record_heartbeat",
    "set_fences",
    "split_trail",
]
