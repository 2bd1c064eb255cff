"""What people and programs may send, within bounds; a room's own words build on these.

PostgreSQL cannot hold a NUL, and one line of text holds no other control character either.
"""

from datetime import datetime
from typing import Annotated

from litestar.params import QueryParameter
from msgspec import Meta

from server.kit.errors import Invalid

NO_NUL = r"^[^\x00]*$"
ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
SOME_TEXT = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"

Line = Annotated[str, Meta(max_length=200, pattern=ONE_LINE)]
FilledLine = Annotated[str, Meta(min_length=1, max_length=200, pattern=SOME_TEXT)]
Note = Annotated[str, Meta(max_length=2000, pattern=NO_NUL)]
Moment = Annotated[datetime, Meta(tz=True)]
Lon = Annotated[float, Meta(ge=-180, le=180)]
Lat = Annotated[float, Meta(ge=-90, le=90)]

# Litestar heeds bounds of a query parameter only when they are its own, not msgspec's.
Limit = Annotated[int, QueryParameter(ge=1, le=200)]
SearchText = Annotated[str, QueryParameter(max_length=200, pattern=ONE_LINE)]


class ZoneMissing(Invalid):
    """{at} could be any zone's. Say which, as in 2026-03-02T08:00:00Z or with +01:00."""

    code = "zone_missing"


def check_zone(*moments: datetime | None) -> None:
    """Of query parameters: in a body, Moment sees to it.

    Raises
    ------
    ZoneMissing
    """
    for at in moments:
        if at is not None and at.tzinfo is None:
            raise ZoneMissing(at=at.isoformat())
