"""The channels on which processes tell each other what to read again. Hints only: see kit.feed."""

import json
from uuid import UUID

DRIVERS_CHANNEL = "drivers"
"""The message is the id of a driver whose phone has something to fetch, or was revoked."""

MAP_CHANNEL = "map"
"""The message is {"driver": id} or {"run": id}: that record of the live map has changed;
or {}: anything may have."""

POSITIONS_CHANNEL = "positions"
"""The message is records of tracking.POSITION: where drivers are now, stored or not yet."""


def tell_of_driver(driver_id: UUID) -> bytes:
    return json.dumps({"driver": str(driver_id)}).encode()


def tell_of_run(run_id: UUID) -> bytes:
    return json.dumps({"run": str(run_id)}).encode()


TELL_OF_ANYTHING = b"{}"
