"""What can go wrong with roads, in words that a person can act on."""

from typing import ClassVar


class RoadsError(RuntimeError):
    """The roads cannot answer."""

    code: ClassVar[str] = "routing.roads"

    def __str__(self) -> str:
        return " ".join([type(self).__doc__ or "", *map(str, self.args)])


class RoadsNotBuilt(RoadsError):
    """This folder holds no map; import one with `python -m routing roads build`."""

    code = "routing.roads_not_built"


class RoadsUnavailable(RoadsError):
    """The map could not be loaded or its process died; import the map again if this stays."""

    code = "routing.roads_unavailable"


class BuildFailed(RoadsError):
    """The map file could not be turned into roads; check that it is a complete OSM file."""

    code = "routing.roads_build_failed"


class UnknownProfile(RoadsError):
    """The map was not built for this way of travelling."""

    code = "routing.unknown_profile"


class NoRoad(RoadsError):
    """No road leads through these positions."""

    code = "routing.no_road"


class BadPosition(RoadsError):
    """These are not positions that can be asked for."""

    code = "routing.bad_position"
