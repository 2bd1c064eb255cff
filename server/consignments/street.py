"""What phones say beside the fact is taken with care: the fact counts, and a position or a file
that cannot be is left out."""

import re

from server.kit.geo import Position
from server.protocol.from_driver import BlobRef


def possible(position: Position | None) -> Position | None:
    """The position if there is such a place on earth."""
    if position is None or abs(position.lon) > 180 or abs(position.lat) > 90:
        return None
    return position


def can_exist(file: BlobRef) -> bool:
    """Whether a file of this name could ever have been uploaded."""
    names = (file.sha256, file.small_sha256 or file.sha256)
    return all(re.fullmatch(r"[0-9a-f]{64}", name) for name in names)
