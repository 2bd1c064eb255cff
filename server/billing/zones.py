"""In which zone of a tariff a spot lies. Pure."""

from collections.abc import Iterable, Sequence

from server.billing.tariff_rules import Corner, Zone
from server.kit.geo import Position


def find_zone(
    zones: Iterable[Zone], country: str, postcode: str, position: Position | None
) -> str | None:
    """The code of the first zone that fits; None when none does."""
    folded = _fold(postcode)
    for zone in zones:
        if zone.country and country and zone.country != country.upper():
            continue
        if folded and any(folded.startswith(_fold(prefix)) for prefix in zone.prefixes):
            return zone.code
        if position is not None and zone.polygon and is_inside(zone.polygon, position):
            return zone.code
    return None


def is_inside(polygon: Sequence[Corner], position: Position) -> bool:
    """Whether a ray to the east crosses the outline an odd number of times. Degrees are taken as
    plane coordinates, which is exact enough for a zone within a country."""
    inside = False
    for a, b in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
        if (a.lat > position.lat) != (b.lat > position.lat):
            at_lon = a.lon + (position.lat - a.lat) * (b.lon - a.lon) / (b.lat - a.lat)
            inside ^= position.lon < at_lon
    return inside


def _fold(text: str) -> str:
    """As postcodes are compared: without blanks and dashes, in capitals."""
    return text.replace(" ", "").replace("-", "").upper()
