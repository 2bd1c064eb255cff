"""What phones say about where something happened is taken with care: the fact counts, and a
position that cannot be is left out."""

from server.kit.geo import Position


def possible(position: Position | None) -> Position | None:
    """The position if there is such a place on earth."""
    if position is None or abs(position.lon) > 180 or abs(position.lat) > 90:
        return None
    return position
